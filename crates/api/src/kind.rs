//! Kinds of jobs, as this server treats them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::job::KeyRelease;

/// One kind of jobs (`GET /api/jobs/kinds`): what its provider declared, with what `jobs.kinds` of the configuration
/// says instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobKind {
    /// `{provider}.{kind}`.
    pub kind: String,
    /// The provider's mounted name.
    pub provider: String,
    /// The queue, unless a job names another.
    pub queue: String,
    /// 0–9, lower first.
    pub priority: u8,
    /// Attempts before a job has failed.
    pub max_attempts: u32,
    /// How long to wait between attempts.
    pub backoff: KindBackoff,
    /// When an attempt is cut, in milliseconds.
    pub deadline_ms: u64,
    /// When two jobs count as the same.
    pub unique: Option<KindUnique>,
    /// Attempts at the same time, over all instances.
    pub concurrency: Option<u32>,
    /// The same per value of an argument.
    pub concurrency_by: Option<KindConcurrency>,
    /// Attempts that start in a stretch of time, over all instances, as `100/1m`.
    pub rate: Option<String>,
    /// The same per value of an argument.
    pub rate_by: Option<KindRate>,
    /// When jobs are made by the clock.
    pub schedules: Vec<KindSchedule>,
    /// Words to find its jobs by.
    pub tags: Vec<String>,
    /// Whether all effects of an attempt happen together with its end.
    pub transactional: bool,
    /// Live workers that run it.
    pub workers: u64,
    /// What the configuration says instead of the provider, by name, such as `max_attempts`.
    pub overrides: Vec<String>,
    /// JSON Schema of the arguments.
    pub args: Value,
}

/// How long to wait between attempts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KindBackoff {
    /// Wait after the first failed attempt, in milliseconds.
    pub initial_ms: u64,
    /// Each wait is this many times the one before.
    pub factor: f64,
    /// No wait is longer, before jitter.
    pub max_ms: u64,
    /// Share by which a wait is made shorter or longer, 0–1.
    pub jitter: f64,
    /// The waits one after the other, instead of those that grow; the last one is repeated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps_ms: Vec<u64>,
}

/// When two jobs count as the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KindUnique {
    /// The arguments that are compared; all of them if empty.
    pub args: Vec<String>,
    /// The time slot that is compared, in milliseconds.
    pub period_ms: Option<u64>,
    /// When the key is free again.
    pub release: KeyRelease,
}

/// Attempts at the same time per value of an argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KindConcurrency {
    /// The argument.
    pub argument: String,
    /// How many for each of its values.
    pub slots: u32,
}

/// Attempts that start in a stretch of time per value of an argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KindRate {
    /// The argument.
    pub argument: String,
    /// How many for each of its values, as `100/1m`.
    pub rate: String,
}

/// When jobs are made by the clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KindSchedule {
    /// Five fields: minute, hour, day of month, month, day of week.
    pub cron: String,
    /// IANA time zone.
    pub zone: String,
    /// What happens to times that passed while no server ran: `skip`, `latest` or `all`.
    pub missed: String,
}
