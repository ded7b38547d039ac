//! The carrier's messages: a signed webhook that publishes an event, and the subscription that hears it.

use std::sync::Arc;

use http::StatusCode;
use mindflight_core::ports::Set;
use mindflight_core::{Context, Error, Event, Request, Response, Result, respond};
use serde::{Deserialize, Serialize};

use crate::tools::{Parcel, key};
use crate::{MOVED, Parcels};

/// Where a parcel is now.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Moved {
    number: String,
    place: String,
}

impl Parcels {
    /// Answers at once; what follows from the message is the subscription's work, with its retries.
    pub(crate) async fn carrier(
        self: Arc<Self>,
        cx: Context,
        request: Request,
    ) -> Result<Response> {
        let moved: Moved = serde_json::from_slice(request.body())
            .map_err(|error| Error::invalid(format!("the message does not fit: {error}")))?;
        let id = request.headers().get("webhook-id").and_then(|id| id.to_str().ok());
        let seen = format!("seen:{}", id.unwrap_or_default());
        // Carriers repeat their messages: the first of two with one id wins.
        let once = Set { if_version: Some(0), ttl: Some(std::time::Duration::from_secs(86_400)) };
        if cx.memory().set_with(&seen, &true, once).await.is_ok() {
            cx.events().publish(MOVED, &moved).await?;
        }
        Ok(respond::status(StatusCode::ACCEPTED))
    }

    /// Hears it from the carrier's webhook and from whoever else publishes it.
    pub(crate) async fn moved(self: Arc<Self>, cx: Context, event: Event<Moved>) -> Result<()> {
        let Moved { number, place } = event.data;
        // A parcel that nobody expects is nobody's.
        if let Some(parcel) = cx.memory().get::<Parcel>(&key(&number)).await? {
            let parcel = Parcel { place: Some(place), ..parcel };
            cx.memory().set(&key(&number), &parcel).await?;
        }
        Ok(())
    }
}
