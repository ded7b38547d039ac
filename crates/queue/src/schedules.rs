//! Fires schedules: each slot once over all processes, whoever comes first.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use mindflight_api::ScheduleId;
use mindflight_core::policy;
use mindflight_core::ports::NewJob;
use mindflight_store::jobs::{DueSchedule, Keeper, NewRow, NewSchedule};
use mindflight_store::signal::Signal;
use serde_json::{Map, Value};

use crate::cron::Timetable;
use crate::kinds::Runs;
use crate::queue::Shared;
use crate::resolve::Request;

/// What this process knows of the schedules.
#[derive(Default)]
pub(crate) struct Schedules {
    timetables: HashMap<ScheduleId, (String, String, Timetable)>,
}

impl Schedules {
    /// Fires what is due; how long to wait until the next look.
    pub(crate) async fn run(&mut self, shared: &Shared, keeper: &mut Keeper) -> Duration {
        let again = shared.settings.refresh;
        let declared = match declared(shared).await {
            Ok(declared) => declared,
            Err(error) => {
                tracing::warn!(error = %error, "schedules could not be read: {error}");
                return again;
            }
        };
        if declared.is_empty() {
            return again;
        }
        let all: Vec<NewSchedule> = declared.iter().map(|(_, schedule)| schedule.clone()).collect();
        let mut kinds: Vec<i32> = all.iter().map(|schedule| schedule.kind).collect();
        kinds.dedup();
        let due = match keeper.schedules(&all, &kinds).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(error = %error, "schedules could not be read: {error}");
                return again;
            }
        };
        let mut wait = again;
        // A schedule that no kind declares any more does not fire.
        for schedule in &due {
            let Some((kind, _)) = declared.iter().find(|(_, new)| *new == schedule.declared) else {
                continue;
            };
            wait = wait.min(self.one(shared, keeper, (kind, schedule)).await);
        }
        wait
    }

    async fn one(
        &mut self,
        shared: &Shared,
        keeper: &mut Keeper,
        (kind, due): (&str, &DueSchedule),
    ) -> Duration {
        let again = shared.settings.refresh;
        let Some(table) = self.timetable(due) else { return again };
        let passed = table.passed(due.last_slot, due.now);
        let until_next = table
            .next(due.now, 1)
            .first()
            .and_then(|next| (*next - due.now).to_std().ok())
            .map_or(again, |wait| wait + Duration::from_millis(1));
        let Some(newest) = passed.last() else { return until_next };
        let grace = TimeDelta::from_std(shared.settings.slot_grace).unwrap_or_default();
        let slots = policy::due(&passed, due.now, grace, due.declared.missed);
        if let Err(error) = fire(shared, keeper, (kind, due), (*newest, slots)).await {
            tracing::warn!(schedule = %due.id, error = %error, "schedule {} did not fire: {error}", due.id);
            return shared.settings.due_poll;
        }
        until_next
    }

    fn timetable(&mut self, due: &DueSchedule) -> Option<Timetable> {
        let NewSchedule { cron, zone, .. } = &due.declared;
        if let Some((_, _, table)) =
            self.timetables.get(&due.id).filter(|(old, there, _)| old == cron && there == zone)
        {
            return Some(table.clone());
        }
        // What cannot be read was said when the kind was mounted.
        let table = Timetable::new(cron, zone).ok()?;
        self.timetables.insert(due.id, (cron.clone(), zone.clone(), table.clone()));
        Some(table)
    }
}

/// The schedules of the kinds that this process can run, with the kind's name.
async fn declared(shared: &Shared) -> mindflight_core::Result<Vec<(String, NewSchedule)>> {
    let mut declared = Vec::new();
    for (name, runs) in shared.kinds.all().iter() {
        if matches!(runs, Runs::Tool { .. }) {
            continue;
        }
        for schedule in &runs.options().schedules {
            let kind = shared.numbers.kind(name).await?;
            if Timetable::new(&schedule.cron, &schedule.zone).is_err() {
                continue;
            }
            let new = NewSchedule {
                kind,
                cron: schedule.cron.clone(),
                zone: schedule.zone.clone(),
                missed: schedule.missed,
            };
            declared.push((name.clone(), new));
        }
    }
    Ok(declared)
}

async fn fire(
    shared: &Shared,
    keeper: &mut Keeper,
    (kind, due): (&str, &DueSchedule),
    (newest, slots): (DateTime<Utc>, &[DateTime<Utc>]),
) -> mindflight_core::Result<()> {
    let mut rows = Vec::new();
    for slot in slots {
        rows.push(row(shared, kind, (due.id, *slot)).await?);
    }
    if keeper.fire(due.id, due.last_slot, newest, &rows).await? {
        let queues: Vec<i16> = rows.iter().map(|row| row.queue).collect();
        shared.wake.add(&queues);
        shared.signals.send(Signal::Ready(queues));
    }
    Ok(())
}

/// The job of a slot; it says which one it is.
async fn row(
    shared: &Shared,
    kind: &str,
    (schedule, slot): (ScheduleId, DateTime<Utc>),
) -> mindflight_core::Result<NewRow> {
    let args = Value::Object(Map::new());
    let job = NewJob { kind: kind.to_owned(), args, options: Default::default() };
    let mut row = shared.resolve(&Request { job, caller: None }).await?.row;
    let mut meta = row.meta.take().unwrap_or_else(|| Value::Object(Map::new()));
    meta["schedule"] = schedule.to_string().into();
    meta["slot"] = slot.to_rfc3339().into();
    row.meta = Some(meta);
    Ok(row)
}
