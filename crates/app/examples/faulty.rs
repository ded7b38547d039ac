//! A third party's binary whose providers go wrong in every way; the tests run it to see that the server does not.
#![expect(clippy::unused_async, reason = "handlers are async, also those that wait for nothing")]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mindflight_core::body::{Body, Pieces};
use mindflight_core::routes::PathParams;
use mindflight_core::{
    Context, Error, JobArgs, Jobs, Provider, ProviderContext, Request, Response, Result, Routes,
    Tools, Verify, register_provider, respond,
};
use serde_json::{Value, json};

fn main() -> ExitCode {
    mindflight::main()
}

/// No settings.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Empty {}

/// A provider that is not built.
struct Fails;

impl Provider for Fails {
    const ID: &'static str = "fails";
    type Config = Empty;

    async fn build(_: Empty, _cx: ProviderContext) -> Result<Self> {
        Err(Error::failed("the vendor is closed on Saturdays"))
    }
}

register_provider!(Fails);

/// A provider that crashes while it is built.
struct Panics;

impl Provider for Panics {
    const ID: &'static str = "panics";
    type Config = Empty;

    async fn build(_: Empty, _cx: ProviderContext) -> Result<Self> {
        panic!("the vendor's library has a bug")
    }
}

register_provider!(Panics);

/// A provider whose building never ends.
struct Hangs;

impl Provider for Hangs {
    const ID: &'static str = "hangs";
    type Config = Empty;

    async fn build(_: Empty, _cx: ProviderContext) -> Result<Self> {
        std::future::pending().await
    }
}

register_provider!(Hangs);

/// A provider whose building holds its thread.
struct Blocks;

impl Provider for Blocks {
    const ID: &'static str = "blocks";
    type Config = Empty;

    #[expect(clippy::disallowed_methods, reason = "what authors must not do is what is tried here")]
    async fn build(_: Empty, _cx: ProviderContext) -> Result<Self> {
        std::thread::sleep(Duration::from_secs(1));
        Ok(Self)
    }
}

register_provider!(Blocks);

/// A provider with a setting that has no default.
struct NeedsKey {
    api_key: String,
}

/// What it cannot do without.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct NeedsKeyConfig {
    /// The vendor's key.
    api_key: String,
}

impl Provider for NeedsKey {
    const ID: &'static str = "needs_key";
    type Config = NeedsKeyConfig;

    async fn build(config: NeedsKeyConfig, _cx: ProviderContext) -> Result<Self> {
        let api_key = config.api_key;
        Ok(Self { api_key })
    }

    fn tools(&self, t: &mut Tools<Self>) {
        let schema = json!({"type": "object"});
        let length = async |provider: Arc<Self>, _cx: Context, _: Value| {
            Ok(json!({"length": provider.api_key.len()}))
        };
        t.dynamic("length", "Says how long the key is.", schema, length).read_only();
    }
}

register_provider!(NeedsKey);

/// A provider that the tests configure wrongly.
struct Wrong;

/// A number, not a word.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct WrongConfig {
    /// How many.
    #[serde(default)]
    limit: u32,
}

impl Provider for Wrong {
    const ID: &'static str = "wrong";
    type Config = WrongConfig;

    async fn build(config: WrongConfig, _cx: ProviderContext) -> Result<Self> {
        match config.limit {
            0..=100 => Ok(Self),
            more => Err(Error::failed(format!("the limit is 100; got {more}"))),
        }
    }
}

register_provider!(Wrong);

/// A provider that works, and says that it does not.
struct Unwell;

impl Provider for Unwell {
    const ID: &'static str = "unwell";
    type Config = Empty;

    async fn build(_: Empty, _cx: ProviderContext) -> Result<Self> {
        Ok(Self)
    }

    async fn health(&self) -> Result<()> {
        Err(Error::unavailable("out of paper"))
    }
}

register_provider!(Unwell);

/// A provider that wants a name which is another's; off unless a test enables it.
struct Thief;

impl Provider for Thief {
    const ID: &'static str = "thief";
    const DEVELOPMENT_ONLY: bool = true;
    type Config = Empty;

    async fn build(_: Empty, _cx: ProviderContext) -> Result<Self> {
        Ok(Self)
    }

    fn tools(&self, t: &mut Tools<Self>) {
        let take = async |_: Arc<Self>, _cx: Context, _: Value| Ok(json!({}));
        t.dynamic("take", "Takes a name.", json!({"type": "object"}), take).alias("good_ok");
    }
}

register_provider!(Thief);

/// A provider that is mounted, with tools and routes of which some go wrong.
struct Good {
    secret: String,
}

/// Nothing, as an object.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Nothing {}

impl Provider for Good {
    const ID: &'static str = "good";
    type Config = Empty;

    async fn build(_: Empty, _cx: ProviderContext) -> Result<Self> {
        let secret = "shared".to_owned();
        Ok(Self { secret })
    }

    fn tools(&self, t: &mut Tools<Self>) {
        t.add("ok", "Does nothing, and well.", Self::ok).read_only();
        let lies = async |_: Arc<Self>, _cx: Context, _: Value| Ok(json!({"n": "many"}));
        t.dynamic("lies", "Gives no number.", json!({"type": "object"}), lies).output(
            json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}),
        );
        let now = async |_: Arc<Self>, cx: Context, _: Value| Ok(json!({"at": cx.now()}));
        t.dynamic("kept", "Says when it ran.", json!({"type": "object"}), now)
            .read_only()
            .cache_for(Duration::from_secs(3600));
        t.add("leaks", "Fails with a secret in its cause.", Self::leaks);
    }

    fn routes(&self, r: &mut Routes<Self>) {
        r.get("/items/{id}", Self::item);
        r.post("/items", Self::sizes).scope("memory");
        r.get("/public", Self::public).public();
        r.get("/stream", Self::stream);
        r.get("/broken", Self::broken);
        r.get("/panic", Self::crash);
        r.post("/big", Self::sizes).max_body(2 * 1024 * 1024);
        let verify = Verify::hex_hmac("X-Signature", |good: &Self| &good.secret);
        r.webhook("/hook", verify, Self::sizes);
    }

    fn jobs(&self, j: &mut Jobs<Self>) {
        j.add(Self::nothing);
        j.add(Self::abort);
    }
}

register_provider!(Good);

impl Good {
    async fn ok(self: Arc<Self>, _cx: Context, (): ()) -> Result<Nothing> {
        Ok(Nothing {})
    }

    async fn leaks(self: Arc<Self>, _cx: Context, (): ()) -> Result<Nothing> {
        Err(Error::internal("password=hunter2"))
    }

    async fn item(self: Arc<Self>, _cx: Context, request: Request) -> Result<Response> {
        let parameters = request.extensions().get::<PathParams>().cloned();
        let query = request.uri().query();
        respond::json(&json!({"parameters": parameters.unwrap_or_default().0, "query": query}))
    }

    async fn sizes(self: Arc<Self>, cx: Context, request: Request) -> Result<Response> {
        let caller = cx.caller().facts().name.clone();
        respond::json(&json!({"bytes": request.body().len(), "caller": caller}))
    }

    async fn public(self: Arc<Self>, _cx: Context, _request: Request) -> Result<Response> {
        Ok(respond::text("for everyone"))
    }

    async fn stream(self: Arc<Self>, _cx: Context, _request: Request) -> Result<Response> {
        let body = Body::stream(Three { sent: 0, breaks: false });
        Ok(Response::new(body))
    }

    async fn broken(self: Arc<Self>, _cx: Context, _request: Request) -> Result<Response> {
        let body = Body::stream(Three { sent: 0, breaks: true });
        Ok(Response::new(body))
    }

    async fn crash(self: Arc<Self>, _cx: Context, _request: Request) -> Result<Response> {
        panic!("a route with a bug")
    }
}

/// A body of three pieces, or of one and a failure.
struct Three {
    sent: u8,
    breaks: bool,
}

#[async_trait]
impl Pieces for Three {
    async fn next(&mut self) -> Option<Result<Bytes>> {
        // Each piece is made when the one before has been taken.
        tokio::task::yield_now().await;
        self.sent += 1;
        match self.sent {
            1 => Some(Ok("one ".into())),
            2 if self.breaks => Some(Err(Error::failed("the rest is lost"))),
            2 => Some(Ok("two ".into())),
            3 => Some(Ok("three".into())),
            _ => None,
        }
    }
}

/// Nothing to do.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct DoNothing {}

impl JobArgs for DoNothing {
    const KIND: &'static str = "nothing";
}

/// The end of the process.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Abort {}

impl JobArgs for Abort {
    const KIND: &'static str = "abort";
}

impl Good {
    async fn nothing(self: Arc<Self>, _cx: Context, DoNothing {}: DoNothing) -> Result<Nothing> {
        Ok(Nothing {})
    }

    async fn abort(self: Arc<Self>, _cx: Context, Abort {}: Abort) -> Result<Nothing> {
        std::process::abort()
    }
}
