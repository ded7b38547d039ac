//! A page for people: where one parcel is.

use std::sync::Arc;

use mindflight_core::routes::PathParams;
use mindflight_core::{Context, Request, Response, Result, respond};

use crate::{Parcels, tools};

impl Parcels {
    pub(crate) async fn board(self: Arc<Self>, cx: Context, request: Request) -> Result<Response> {
        let parameters = request.extensions().get::<PathParams>();
        let number = parameters.and_then(|parameters| parameters.0.get("number"));
        let parcel = tools::find(&cx, number.map_or("", String::as_str)).await?;
        let place = parcel.place.as_deref().unwrap_or("nobody knows where");
        Ok(respond::text(format!("{}: {place}\n", parcel.content)))
    }
}
