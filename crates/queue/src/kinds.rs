//! The kinds that this process can run now.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use mindflight_api::codes;
use mindflight_core::jobs::{Kind, Options};
use mindflight_core::mounted::Mounted;
use mindflight_core::policy::Pattern;
use mindflight_core::ports::Lease;
use mindflight_core::progress::Report;
use mindflight_core::subscriptions::Subscription;
use mindflight_core::{BoxFuture, Caller, Error, ProviderContext, Result};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::Queue;
use crate::meters::Meters;
use crate::overrides::KindOverride;

/// A kind of a mounted provider.
pub struct MountedKind {
    /// The whole kind: `{provider}.{kind}`.
    pub name: String,
    /// The provider.
    pub provider: ProviderContext,
    /// What it declared, with what the operator says instead.
    pub kind: Arc<Kind>,
    /// What the operator says instead, by name.
    pub overrides: Vec<&'static str>,
}

/// One attempt at a tool call that became a job, for whoever runs tools.
pub struct ToolAttempt {
    /// The tool's wire name.
    pub tool: String,
    /// Its arguments.
    pub arguments: Value,
    /// Who called it.
    pub caller: Caller,
    /// The hold on the job.
    pub lease: Lease,
    /// Cancelled when the work should stop.
    pub cancelled: CancellationToken,
    /// Where progress and log lines go.
    pub report: Arc<dyn Report>,
}

/// Runs tools as jobs.
pub trait Tools: Send + Sync {
    /// The tools that can be called now, with the name of their provider and how their jobs are treated.
    fn list(&self) -> Vec<(String, String, Options)>;

    /// Runs one attempt.
    fn run(&self, attempt: ToolAttempt) -> BoxFuture<Result<Value>>;
}

/// For servers without tools.
pub struct NoTools;

impl Tools for NoTools {
    fn list(&self) -> Vec<(String, String, Options)> {
        Vec::new()
    }

    fn run(&self, attempt: ToolAttempt) -> BoxFuture<Result<Value>> {
        let error = Error::of(codes::TOOL_NOT_FOUND, format!("no tool `{}`", attempt.tool));
        Box::pin(std::future::ready(Err(error)))
    }
}

/// What a kind's name leads to.
#[derive(Clone)]
pub(crate) enum Runs {
    /// A kind of jobs.
    Kind(Arc<MountedKind>),
    /// A tool.
    Tool { provider: String, options: Arc<Options> },
}

impl Runs {
    pub(crate) fn options(&self) -> &Options {
        match self {
            Self::Kind(mounted) => &mounted.kind.options,
            Self::Tool { options, .. } => options,
        }
    }

    pub(crate) fn provider(&self) -> &str {
        match self {
            Self::Kind(mounted) => mounted.provider.name(),
            Self::Tool { provider, .. } => provider,
        }
    }
}

/// The kinds of the subscriptions of a provider that can be listened to; the others by name, with the reason.
pub(crate) fn sound(
    subscriptions: &[Arc<Subscription>],
) -> (Vec<Arc<Kind>>, Vec<(String, String)>) {
    let (mut sound, mut others): (Vec<Arc<Kind>>, Vec<(String, String)>) = Default::default();
    for subscription in subscriptions {
        let kind = Kind::of_subscription(subscription);
        if let Err(error) = subscription.pattern.parse::<Pattern>() {
            others.push((kind.name, format!("the subscription: its pattern must be {error}")));
        } else if sound.iter().any(|other| other.name == kind.name) {
            let what = "a second subscription of the same pattern: only the first listens";
            others.push((kind.name, what.to_owned()));
        } else {
            sound.push(Arc::new(kind));
        }
    }
    (sound, others)
}

/// A kind with its number, as the claimed jobs name it.
pub(crate) struct Numbered {
    pub(crate) name: Arc<str>,
    pub(crate) runs: Runs,
    pub(crate) meters: Meters,
}

/// The kinds that this process can run now, and what is known of the queues that their jobs are in.
#[derive(Default)]
pub(crate) struct Kinds {
    overrides: HashMap<String, KindOverride>,
    by_name: RwLock<Arc<BTreeMap<String, Runs>>>,
    by_number: RwLock<Arc<HashMap<i32, Arc<Numbered>>>>,
    without_history: RwLock<HashSet<i16>>,
    version: AtomicU64,
}

impl Kinds {
    /// No kinds yet, of which the operator says this.
    pub(crate) fn new(overrides: HashMap<String, KindOverride>) -> Self {
        Self { overrides, ..Self::default() }
    }

    fn overridden(&self, name: &str, kind: Arc<Kind>) -> (Arc<Kind>, Vec<&'static str>) {
        let Some(said) = self.overrides.get(name) else { return (kind, Vec::new()) };
        let mut kind = Kind::clone(&kind);
        let changed = said.apply(&mut kind.options);
        (Arc::new(kind), changed)
    }

    /// From now on these.
    pub(crate) fn replace(&self, mounted: &[Mounted], tools: &dyn Tools) {
        let mut by_name = BTreeMap::new();
        for provider in mounted {
            let context = provider.context();
            let surface = provider.surface();
            for kind in Queue::kinds_of(&surface) {
                let name = format!("{}.{}", context.name(), kind.name);
                let (kind, overrides) = self.overridden(&name, kind);
                let provider = context.clone();
                let mounted = MountedKind { name: name.clone(), provider, kind, overrides };
                by_name.insert(name, Runs::Kind(Arc::new(mounted)));
            }
        }
        for (name, provider, options) in tools.list() {
            by_name.insert(name, Runs::Tool { provider, options: Arc::new(options) });
        }
        let mut by_number = self.by_number.write().unwrap_or_else(PoisonError::into_inner);
        // What is not mounted any more is not started any more, also if it was taken already.
        let left: HashMap<i32, Arc<Numbered>> = by_number
            .iter()
            .filter_map(|(number, kind)| {
                let runs = by_name.get(&*kind.name)?.clone();
                let meters = kind.meters.clone();
                Some((*number, Arc::new(Numbered { name: kind.name.clone(), runs, meters })))
            })
            .collect();
        *by_number = Arc::new(left);
        *self.by_name.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(by_name);
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// Grows whenever the kinds become others, or come into another queue, or a queue gets other limits.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// A kind was put into a queue in which it never was, or a queue got other limits.
    pub(crate) fn spread(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// The numbers of the kinds, once they are known; nothing if the kinds are others than at `version`.
    pub(crate) fn number(&self, numbers: HashMap<i32, Arc<Numbered>>, version: u64) {
        let mut by_number = self.by_number.write().unwrap_or_else(PoisonError::into_inner);
        if self.version() == version {
            *by_number = Arc::new(numbers);
        }
    }

    pub(crate) fn numbered(&self, number: i32) -> Option<Arc<Numbered>> {
        self.by_number.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }

    /// The numbers of all kinds.
    pub(crate) fn numbers(&self) -> Vec<i32> {
        self.by_number.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// How long the attempts of any kind may take at least.
    pub(crate) fn shortest_deadline(&self) -> Duration {
        let deadlines = self.all();
        let shortest = deadlines.values().map(|runs| runs.options().deadline).min();
        shortest.unwrap_or(Duration::MAX).max(Duration::from_millis(1))
    }

    /// Which queues forget what has ended.
    pub(crate) fn forget_in(&self, queues: impl IntoIterator<Item = i16>) {
        let queues = queues.into_iter().collect();
        *self.without_history.write().unwrap_or_else(PoisonError::into_inner) = queues;
    }

    pub(crate) fn keeps_history(&self, queue: i16) -> bool {
        !self.without_history.read().unwrap_or_else(PoisonError::into_inner).contains(&queue)
    }

    pub(crate) fn all(&self) -> Arc<BTreeMap<String, Runs>> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a kind leads to.
    pub(crate) fn get(&self, name: &str) -> Result<Runs> {
        let all = self.all();
        all.get(name).cloned().ok_or_else(|| {
            let known: Vec<&str> =
                all.keys().map(String::as_str).filter(|name| name.contains('.')).collect();
            let known = known.join(", ");
            let detail =
                format!("no mounted provider has jobs of the kind `{name}`; there are {known}");
            Error::of(codes::UNKNOWN_KIND, detail)
        })
    }
}
