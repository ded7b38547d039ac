//! Events that come to a provider's subscriptions.

use std::sync::Arc;

use mindflight_core::policy::JobState;
use mindflight_core::{
    Context, Error, Event, Provider, ProviderContext, Result, Subscriptions, Tools,
};
use mindflight_testkit::Kit;
use serde::Deserialize;
use serde_json::{Value, json};

struct Post;

#[derive(Deserialize)]
struct Letter {
    to: String,
}

impl Post {
    /// Counts the letter, and says that it was delivered.
    async fn received(self: Arc<Self>, cx: Context, event: Event<Letter>) -> Result<()> {
        if event.data.to.is_empty() {
            return Err(Error::failed("a letter to nobody").permanent());
        }
        cx.memory().add(&format!("to:{}", event.data.to), 1).await?;
        cx.events().publish("post.delivered", &json!({"depth": event.depth})).await?;
        Ok(())
    }

    async fn of_shop(self: Arc<Self>, cx: Context, event: Event) -> Result<()> {
        cx.memory().set("shop", &json!([event.r#type, event.source, event.sequence])).await?;
        Ok(())
    }

    async fn delivered(self: Arc<Self>, cx: Context, event: Event) -> Result<()> {
        cx.memory().set("delivered", &json!([event.depth, event.correlation_id])).await?;
        Ok(())
    }

    /// Answers itself.
    async fn echoed(self: Arc<Self>, cx: Context, _: Event) -> Result<()> {
        cx.memory().add("echoes", 1).await?;
        cx.events().publish("post.echo", &Value::Null).await?;
        Ok(())
    }

    async fn echo(self: Arc<Self>, cx: Context, _: Nothing) -> Result<Value> {
        cx.events().publish("post.echo", &Value::Null).await?;
        Ok(Value::Null)
    }
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Nothing {}

impl Provider for Post {
    const ID: &'static str = "post";
    type Config = ();

    async fn build(_: (), _: ProviderContext) -> Result<Self> {
        Ok(Self)
    }

    fn tools(&self, t: &mut Tools<Self>) {
        t.add("echo", "Says something, and hears it.", Self::echo);
    }

    fn subscriptions(&self, s: &mut Subscriptions<Self>) {
        s.on("mail.received", Self::received);
        s.on("order.*", Self::of_shop).from("shop");
        s.on("post.delivered", Self::delivered);
        s.on("post.echo", Self::echoed);
    }
}

#[tokio::test]
async fn an_event_is_a_job_of_each_subscription_that_wants_it() {
    let kit = Kit::<Post>::new(Value::Null).await;
    let jobs = kit.publish("mail.received", json!({"to": "ann"}));
    assert_eq!(jobs.len(), 1);
    assert!(kit.publish("mail.sent", json!(1)).is_empty());
    assert!(kit.publish("order.paid", json!(1)).is_empty(), "not from the shop");
    kit.publish_from("shop", "order.paid", json!(1));
    let drained = kit.run_until_idle().await;
    drained.assert_all_succeeded();
    assert_eq!(drained.job(jobs[0]).map(|job| job.kind.as_str()), Some("post.on.mail.received"));
    assert_eq!(kit.memory().get("to:ann"), Some(1));
    assert_eq!(kit.memory().get("shop"), Some(json!(["order.paid", "shop", 4])));
}

#[tokio::test]
async fn what_the_provider_published_comes_to_itself_with_its_cause() {
    let kit = Kit::<Post>::new(Value::Null).await;
    kit.publish("mail.received", json!({"to": "ann"}));
    kit.run_until_idle().await.assert_all_succeeded();
    kit.events().assert_published_once("post.delivered");
    assert_eq!(kit.memory().get("delivered"), Some(json!([1, "given-1"])));
    assert!(kit.run_until_idle().await.jobs().is_empty(), "each comes once");
}

#[tokio::test]
async fn data_that_does_not_fit_fails_for_good_as_an_error_of_the_subscription_does() {
    let kit = Kit::<Post>::new(Value::Null).await;
    kit.publish("mail.received", json!({"from": "ann"}));
    kit.publish("mail.received", json!({"to": ""}));
    let drained = kit.run_until_idle().await;
    let ends: Vec<_> = drained.jobs().iter().map(|job| (job.state, job.attempts)).collect();
    assert_eq!(ends, [(JobState::Failed, 1), (JobState::Failed, 1)]);
}

#[tokio::test]
async fn a_chain_of_events_comes_to_its_end() {
    let kit = Kit::<Post>::new(Value::Null).await;
    kit.call("echo", json!({})).await.assert_ok(Value::Null);
    kit.run_until_idle().await;
    assert_eq!(kit.memory().get("echoes"), Some(16));
}

#[tokio::test]
#[should_panic(expected = "lower-case words")]
async fn a_type_that_a_server_would_not_take_is_no_event() {
    let kit = Kit::<Post>::new(Value::Null).await;
    kit.publish("Mail", Value::Null);
}
