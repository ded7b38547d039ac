//! What agents call: note a parcel, and ask where it is.

use std::sync::Arc;

use mindflight_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};

use crate::Parcels;

/// A parcel as it is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct Parcel {
    /// Its number.
    pub(crate) number: String,
    /// What is in it.
    pub(crate) content: String,
    /// Where it was seen last, if anywhere.
    pub(crate) place: Option<String>,
}

#[derive(Deserialize, schemars::JsonSchema)]
pub(crate) struct Expected {
    /// The carrier's number, such as `AB123`.
    #[schemars(length(min = 1, max = 40))]
    number: String,
    /// What is in it, in a few words.
    content: String,
}

#[derive(Deserialize, schemars::JsonSchema)]
pub(crate) struct Numbered {
    /// The carrier's number, such as `AB123`.
    number: String,
}

/// Where a parcel is kept in the provider's memory.
pub(crate) fn key(number: &str) -> String {
    format!("parcel:{number}")
}

impl Parcels {
    /// In one transaction with its outcome, so that a call that is repeated notes one parcel.
    pub(crate) async fn expect(self: Arc<Self>, cx: Context, input: Expected) -> Result<Parcel> {
        let mut tx = cx.begin().await?;
        let Expected { number, content } = input;
        if tx.memory().get::<Parcel>(&key(&number)).await?.is_some() {
            return Err(Error::conflict(format!("the parcel `{number}` is noted already")));
        }
        let parcel = Parcel { number, content, place: None };
        tx.memory().set(&key(&parcel.number), &parcel).await?;
        tx.memory().add("expected", 1).await?;
        tx.finish(parcel).await
    }

    pub(crate) async fn track(self: Arc<Self>, cx: Context, input: Numbered) -> Result<Parcel> {
        find(&cx, &input.number).await
    }
}

/// A parcel that was noted.
pub(crate) async fn find(cx: &Context, number: &str) -> Result<Parcel> {
    let parcel = cx.memory().get(&key(number)).await?;
    parcel.ok_or_else(|| {
        Error::not_found(format!("no parcel `{number}` is noted"))
            .fix("Check the number, or note the parcel with the tool `expect`.")
    })
}
