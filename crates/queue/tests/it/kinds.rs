//! What an engine can run, and what it leaves alone.

use std::collections::HashSet;
use std::sync::Arc;

use mindflight_api::JobState;
use mindflight_core::ports::{EnqueueOptions, NotSupported, Ports, SystemClock};
use mindflight_core::{Context, Event, Factory, Provider, ProviderContext, Result, Subscriptions};
use mindflight_queue::{Queue, Settings};
use serde_json::json;

use crate::bench::{Fail, Flaky, Note};
use crate::rig::{Engine, Rig, eventually, quick, record};

fn note(key: &str) -> Note {
    Note { key: key.to_owned(), n: 0 }
}

/// T20: jobs of a provider that is off wait for it.
#[tokio::test]
async fn kinds_that_nobody_has_mounted_wait_until_somebody_does() {
    let rig = Rig::idle().await;
    let job = rig.engine.enqueue(&note("n")).await;
    let (mut bare, mounted) = Engine::stopped(rig.db.store(), quick(), rig.engine.shared()).await;
    bare.run();
    eventually("it lives", async || bare.queue.worker().is_some()).await;
    assert_eq!(rig.state(job).await, Some(JobState::Queued));
    bare.queue.replace(&[mounted]);
    rig.reaches(job, JobState::Succeeded).await;
    bare.queue.replace(&[]);
    let later = rig.engine.enqueue(&note("later")).await;
    bare.queue.wake(&[1]);
    assert_eq!(rig.state(later).await, Some(JobState::Queued));
    let (_, mounted) = Engine::stopped(rig.db.store(), quick(), rig.engine.shared()).await;
    bare.queue.replace(&[mounted]);
    let view = rig.reaches(later, JobState::Succeeded).await;
    assert_eq!(view.attempt, 1);
}

#[tokio::test]
async fn a_paused_queue_starts_nothing_until_it_is_resumed() {
    let rig = Rig::new().await;
    let first = rig.engine.enqueue(&note("first")).await;
    rig.reaches(first, JobState::Succeeded).await;
    let views = rig.db.store().job_views();
    let queue =
        views.pause_queue("bench", (Some("because"), None), &record()).await.unwrap().unwrap();
    let waits = rig.engine.enqueue(&note("waits")).await;
    let options = EnqueueOptions { queue: Some("other".to_owned()), ..EnqueueOptions::default() };
    let passes = rig.engine.enqueue_with(&note("passes"), options).await;
    rig.reaches(passes, JobState::Succeeded).await;
    assert_eq!(rig.state(waits).await, Some(JobState::Queued));
    views.resume_queue("bench", &record()).await.unwrap();
    rig.engine.queue.wake(&[queue]);
    rig.reaches(waits, JobState::Succeeded).await;
}

#[tokio::test]
async fn a_queue_without_history_forgets_what_went_well() {
    let without_history = HashSet::from(["bench".to_owned()]);
    let rig = Rig::with(Settings { without_history, ..quick() }).await;
    let gone = rig.engine.enqueue(&note("gone")).await;
    let flaky = rig.engine.enqueue(&Flaky { key: "flaky".to_owned(), n: 1 }).await;
    let failed = rig.engine.enqueue(&Fail { key: "fails".to_owned(), n: 0 }).await;
    for job in [gone, flaky] {
        eventually("it is forgotten", async || rig.view(job).await.is_none()).await;
    }
    rig.reaches(failed, JobState::Failed).await;
    assert_eq!((rig.engine.seen.starts("gone"), rig.engine.seen.starts("flaky")), (1, 2));
    rig.assert_placed().await;
}

struct Listens;

impl Listens {
    #[expect(clippy::unused_async, reason = "a subscription is async")]
    async fn heard(self: Arc<Self>, _cx: Context, _event: Event) -> Result<()> {
        Ok(())
    }
}

impl Provider for Listens {
    const ID: &'static str = "listens";
    type Config = ();

    async fn build(_: (), _cx: ProviderContext) -> Result<Self> {
        Ok(Self)
    }

    fn subscriptions(&self, s: &mut Subscriptions<Self>) {
        s.on("mail.*", Self::heard);
        s.on("Mail", Self::heard);
        s.on("mail.*", Self::heard).from("mail");
    }
}

#[tokio::test]
async fn subscriptions_that_cannot_listen_are_left_out_with_the_reason() {
    let rig = Rig::idle().await;
    let none = Arc::new(NotSupported);
    let ports = Ports {
        memory: none.clone(),
        transactions: none.clone(),
        jobs: none.clone(),
        events: none.clone(),
        resources: none.clone(),
        http: none,
        clock: Arc::new(SystemClock),
    };
    let context = ProviderContext::new("listens", ports);
    let mounted = Factory::of::<Listens>().build(json!({}), context).await.unwrap();
    let left_out = Queue::left_out(std::slice::from_ref(&mounted));
    let [(bad, pattern), (twice, second)] = left_out.as_slice() else { panic!("{left_out:?}") };
    assert_eq!((bad.as_str(), twice.as_str()), ("listens.on.Mail", "listens.on.mail.*"));
    assert!(pattern.contains("got \"Mail\""), "{pattern}");
    assert!(second.contains("only the first"), "{second}");
    rig.engine.queue.replace(&[mounted]);
    let listening: Vec<String> =
        rig.engine.queue.listening().iter().map(|kind| kind.name.clone()).collect();
    assert_eq!(listening, ["listens.on.mail.*"]);
}
