//! Every morning: how many parcels are expected, as an event for whoever listens.

use std::sync::Arc;

use mindflight_core::{Context, JobArgs, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Parcels;

/// Reminds of the parcels that are expected. Made by the clock, so it has no arguments.
#[derive(Serialize, Deserialize, schemars::JsonSchema)]
pub struct Remind {}

impl JobArgs for Remind {
    const KIND: &'static str = "remind";
}

/// How many parcels there are.
#[derive(Serialize, schemars::JsonSchema)]
pub(crate) struct Reminded {
    expected: i64,
}

impl Parcels {
    pub(crate) async fn remind(self: Arc<Self>, cx: Context, _: Remind) -> Result<Reminded> {
        let mut tx = cx.begin().await?;
        let expected = tx.memory().get("expected").await?.unwrap_or(0);
        tx.events().publish("parcels.reminded", &json!({"expected": expected})).await?;
        tx.finish(Reminded { expected }).await
    }
}
