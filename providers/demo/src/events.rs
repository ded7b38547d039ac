//! Events: published by a tool and by whoever signs a webhook, and counted once each.

use std::sync::Arc;

use mindflight_core::ports::EnqueueOptions;
use mindflight_core::{
    Context, Event, Request, Response, Result, Routes, Subscriptions, Tools, Verify, respond,
};
use serde_json::Value;

use crate::Demo;
use crate::counters::{Counter, name_of};

/// The event that the tool publishes and the subscription counts.
const PING: &str = "demo.ping";

/// The event that the webhook publishes, and the counter that its job counts.
const RECEIVED: &str = "demo.received";

pub(crate) fn tools(t: &mut Tools<Demo>) {
    let about = "Publishes an event of the type `demo.ping`, which a subscription of this provider counts. A call publishes exactly once.";
    t.add("ping", about, Demo::ping).transactional();
}

pub(crate) fn routes(demo: &Demo, r: &mut Routes<Demo>) {
    if demo.webhook_secret.is_none() {
        return;
    }
    let verify = Verify::hex_hmac("X-Signature", |demo: &Demo| {
        demo.webhook_secret.as_deref().unwrap_or_default()
    });
    r.webhook("/in", verify, Demo::received);
}

pub(crate) fn subscriptions(s: &mut Subscriptions<Demo>) {
    s.on(PING, Demo::pinged);
}

/// What a ping says.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Ping {
    /// A few words that the event carries.
    #[schemars(length(max = 1000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Pinged {
    /// The event's id.
    event: String,
}

/// What became of a delivery.
#[derive(serde::Serialize)]
struct Accepted {
    /// The event.
    event: String,
    /// The job that counts it.
    job: String,
}

impl Demo {
    async fn ping(self: Arc<Self>, cx: Context, ping: Ping) -> Result<Pinged> {
        let mut tx = cx.begin().await?;
        let event = tx.events().publish(PING, &ping).await?;
        tx.finish(Pinged { event }).await
    }

    async fn pinged(self: Arc<Self>, cx: Context, _ping: Event<Value>) -> Result<()> {
        let mut tx = cx.begin().await?;
        tx.memory().add(&name_of(PING), 1).await?;
        tx.finish(()).await
    }

    /// The event and the job are there together, or neither is.
    async fn received(self: Arc<Self>, cx: Context, request: Request) -> Result<Response> {
        let body = request.into_body();
        let text = || Value::from(String::from_utf8_lossy(&body));
        let data: Value = serde_json::from_slice(&body).unwrap_or_else(|_| text());
        let mut tx = cx.begin().await?;
        let event = tx.events().publish(RECEIVED, &data).await?;
        let counter = Counter { key: RECEIVED.to_owned() };
        let job = tx.jobs().enqueue(&counter, EnqueueOptions::default()).await?.to_string();
        let accepted = tx.finish(Accepted { event, job }).await?;
        let mut response = respond::json(&accepted)?;
        *response.status_mut() = http::StatusCode::ACCEPTED;
        Ok(response)
    }
}
