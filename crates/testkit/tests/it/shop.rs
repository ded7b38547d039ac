//! A provider that uses everything: outgoing HTTP, a webhook, transactions, jobs, events, routes, waiting.
#![expect(clippy::unused_async, reason = "handlers are async, also those that wait for nothing")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;
use mindflight_core::body::{Body, Pieces};
use mindflight_core::ports::Set;
use mindflight_core::routes::{PathParams, Scheme};
use mindflight_core::{
    Context, Error, JobArgs, Jobs, Provider, ProviderContext, Request, Response, Result, Routes,
    Tools, Verify, respond,
};
use mindflight_testkit::Kit;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) const SECRET: &str = "whsec_c2VjcmV0IG9mIHRoZSBzaG9w";

pub(crate) struct Shop {
    secret: String,
    base_url: String,
    cx: ProviderContext,
    is_open: AtomicBool,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The secret that the payment service signs with.
    secret: String,
    /// Where prices are asked for.
    #[serde(default = "base_url")]
    base_url: String,
    /// Asks for the prices while it is built.
    #[serde(default)]
    check: bool,
}

fn base_url() -> String {
    "https://prices.example".to_owned()
}

/// Ships one order.
#[derive(Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct Ship {
    /// The order's number.
    pub(crate) order: u64,
}

impl JobArgs for Ship {
    const KIND: &'static str = "ship";
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Named {
    /// Which thing.
    name: String,
    /// How many of it.
    count: Option<u32>,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Wait {
    /// How long, in seconds.
    seconds: u64,
}

pub(crate) fn config() -> Value {
    json!({"secret": SECRET})
}

pub(crate) async fn kit() -> Kit<Shop> {
    Kit::new(config()).await
}

impl Provider for Shop {
    const ID: &'static str = "shop";
    type Config = Config;

    async fn build(config: Config, cx: ProviderContext) -> Result<Self> {
        if config.check {
            cx.http().get(&config.base_url).await?;
        }
        Ok(Self {
            secret: config.secret,
            base_url: config.base_url,
            cx,
            is_open: AtomicBool::new(false),
        })
    }

    fn tools(&self, t: &mut Tools<Self>) {
        t.add("price", "The price of one thing.", Self::price).read_only();
        t.add("buy", "Buys some of one thing.", Self::buy).transactional();
        t.add("forget", "Begins to buy and thinks better of it.", Self::forget);
        t.add("confuse", "Writes beside its own transaction.", Self::confuse);
        t.add("wait", "Waits.", Self::wait).read_only().scope("jobs:read");
        t.add("hold", "Keeps a note for a minute.", Self::hold);
        if !self.is_open.load(Ordering::Relaxed) {
            t.add("open", "Opens the shop, once.", Self::open);
        }
    }

    fn routes(&self, r: &mut Routes<Self>) {
        r.get("/orders/{id}", Self::order).scope("jobs:read");
        r.get("/catalogue", Self::catalogue).public();
        r.post("/notes", Self::note).max_body(8);
        r.webhook("/paid", Verify::standard(Self::secret), Self::paid);
        r.webhook("/pushed", Verify::by(Scheme::GitHub, Self::secret), Self::pushed);
        let own = |_: &Self, request: &Request, _| match request.headers().get("x-own") {
            Some(_) => Ok(()),
            None => Err(Error::not_allowed("no x-own")),
        };
        r.webhook("/own", Verify::own(own), Self::pushed);
    }

    fn jobs(&self, j: &mut Jobs<Self>) {
        j.add(Self::ship).every("0 4 * * *");
    }
}

impl Shop {
    fn secret(&self) -> &str {
        &self.secret
    }

    async fn price(self: Arc<Self>, cx: Context, input: Named) -> Result<Value> {
        let url = format!("{}/price?of={}", self.base_url, input.name);
        let answer = cx.http().get(&url).await?;
        if answer.status() != StatusCode::OK {
            return Err(Error::upstream(format!("prices: {}", answer.status())));
        }
        serde_json::from_slice(answer.body()).map_err(Error::internal)
    }

    async fn buy(self: Arc<Self>, cx: Context, input: Named) -> Result<Value> {
        let mut tx = cx.begin().await?;
        let order = tx.memory().add("orders", 1).await?;
        let order = u64::try_from(order).map_err(Error::internal)?;
        tx.memory().set(&format!("order:{order}"), &input.name).await?;
        tx.jobs().enqueue(&Ship { order }, Default::default()).await?;
        tx.events().publish("shop.sold", &json!({"order": order})).await?;
        let count = input.count.unwrap_or(1);
        tx.finish(json!({"order": order, "count": count})).await
    }

    async fn forget(self: Arc<Self>, cx: Context, _: ()) -> Result<Value> {
        let mut tx = cx.begin().await?;
        tx.memory().add("orders", 1).await?;
        tx.jobs().enqueue(&Ship { order: 1 }, Default::default()).await?;
        tx.events().publish("shop.sold", &json!({})).await?;
        let refused = cx.http().get("https://prices.example").await;
        Err(Error::conflict(format!("thought better of it: {refused:?}")))
    }

    async fn confuse(self: Arc<Self>, cx: Context, _: ()) -> Result<Value> {
        let _tx = cx.begin().await?;
        cx.memory().set("beside", &1).await?;
        Ok(Value::Null)
    }

    async fn wait(self: Arc<Self>, cx: Context, input: Wait) -> Result<Value> {
        cx.log("waiting");
        let left = cx.time_left().as_secs_f64().round();
        cx.sleep(Duration::from_secs(input.seconds)).await;
        if cx.is_cancelled() {
            cx.progress(1.0, 0.0, "cancelled");
            return Err(Error::conflict("cancelled"));
        }
        Ok(json!({"left": left, "now_left": cx.time_left().as_secs_f64().round()}))
    }

    async fn open(self: Arc<Self>, _cx: Context, _: ()) -> Result<Value> {
        self.is_open.store(true, Ordering::Relaxed);
        self.cx.surface_changed();
        Ok(Value::Null)
    }

    async fn hold(self: Arc<Self>, cx: Context, _: ()) -> Result<Value> {
        let how = Set { ttl: Some(Duration::from_secs(60)), if_version: Some(0) };
        let version = cx.memory().set_with("note", &"here", how).await?;
        Ok(json!(version))
    }

    async fn ship(self: Arc<Self>, _cx: Context, ship: Ship) -> Result<u64> {
        Ok(ship.order)
    }

    async fn order(self: Arc<Self>, _cx: Context, request: Request) -> Result<Response> {
        let id = request.extensions().get::<PathParams>().and_then(|params| params.0.get("id"));
        respond::json(&json!({"id": id, "query": request.uri().query()}))
    }

    async fn catalogue(self: Arc<Self>, _cx: Context, _: Request) -> Result<Response> {
        Ok(Response::new(Body::stream(Pages(2))))
    }

    async fn note(self: Arc<Self>, _cx: Context, request: Request) -> Result<Response> {
        let text = String::from_utf8_lossy(request.body()).into_owned();
        Ok(respond::text(format!("noted {text}")))
    }

    async fn paid(self: Arc<Self>, cx: Context, request: Request) -> Result<Response> {
        let body: Value = serde_json::from_slice(request.body()).map_err(Error::internal)?;
        let id = request.headers()["webhook-id"].to_str().unwrap_or_default();
        // Senders repeat: the first of two with one id wins.
        let seen = Set { ttl: None, if_version: Some(0) };
        if cx.memory().set_with(&format!("seen:{id}"), &true, seen).await.is_ok() {
            cx.events().publish("shop.paid", &body).await?;
        }
        Ok(respond::status(StatusCode::ACCEPTED))
    }

    async fn pushed(self: Arc<Self>, _cx: Context, _: Request) -> Result<Response> {
        Ok(respond::status(StatusCode::NO_CONTENT))
    }
}

struct Pages(u32);

#[async_trait::async_trait]
impl Pieces for Pages {
    async fn next(&mut self) -> Option<Result<bytes::Bytes>> {
        self.0 = self.0.checked_sub(1)?;
        Some(Ok(bytes::Bytes::from_static(b"page\n")))
    }
}
