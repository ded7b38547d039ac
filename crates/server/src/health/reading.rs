//! The last outcome of one check, and since when it is so.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use mindflight_api::health::{Check, Status};

/// The last outcome of one check.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) status: Status,
    latency: Option<Duration>,
    detail: Option<String>,
    since: Option<DateTime<Utc>>,
}

impl Reading {
    pub(super) const fn new(status: Status, detail: String) -> Self {
        Self { status, latency: None, detail: Some(detail), since: None }
    }

    pub(super) const fn healthy(latency: Option<Duration>) -> Self {
        Self { status: Status::Healthy, latency, detail: None, since: None }
    }

    /// Takes a newer outcome; a change is logged and remembered.
    pub(super) fn update(&mut self, name: &'static str, newer: Self, now: DateTime<Utc>) {
        let changed = self.status != newer.status;
        let since = if changed { Some(now) } else { self.since };
        *self = Self { since, ..newer };
        metrics::gauge!("mindflight_health", "check" => name).set(match self.status {
            Status::Healthy => 1.0,
            Status::Degraded => 0.5,
            Status::Unhealthy => 0.0,
        });
        if !changed {
            return;
        }
        let detail = self.detail.as_deref().unwrap_or_default();
        match self.status {
            Status::Healthy => tracing::info!(check = name, "{name} is healthy again"),
            Status::Degraded => {
                tracing::warn!(check = name, detail, "{name} is degraded: {detail}")
            }
            Status::Unhealthy => {
                tracing::error!(check = name, detail, "{name} is unhealthy: {detail}")
            }
        }
    }

    /// As callers see it.
    pub(super) fn check(&self) -> Check {
        let since = self.since.filter(|_| self.status != Status::Healthy);
        let since = since
            .map(|since| format!(", since {}", since.to_rfc3339_opts(SecondsFormat::Secs, true)));
        Check {
            status: self.status,
            latency: self
                .latency
                .map(|latency| (latency.as_secs_f64() * 100_000.0).round() / 100.0),
            detail: self
                .detail
                .as_ref()
                .map(|detail| format!("{detail}{}", since.unwrap_or_default())),
        }
    }
}
