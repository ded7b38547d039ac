//! Where to look for the next jobs of a queue, so that rows which were taken are not looked over again and again.
//!
//! A row that was taken stays until no transaction can see it any more. Mostly that is soon; while one transaction stays
//! open for long, a look from the start of a queue meets all rows that were taken since. So while many jobs wait, the
//! next look goes on where the last one ended; and where a look from the start took long, it rests for many times as
//! long, and meanwhile only what was made lately is looked at. What comes to an earlier place, such as an attempt that
//! is tried again, waits for the next look from the start then.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use mindflight_store::jobs::{Begin, Claimed};
use tokio::time::Instant;
use uuid::Uuid;

/// A look from the start that took long is repeated after so many times as long,
const REST: u32 = 20;

/// but within this.
const LONGEST: Duration = Duration::from_secs(10);

/// How long jobs that were made are still looked for although all were taken: clocks of instances differ, and what is
/// made at one moment is there a moment later.
pub(crate) const SLACK: Duration = Duration::from_secs(1);

/// The lane of jobs that nobody gave a priority.
const USUAL_LANE: i16 = 5;

/// What looks from the start cost.
pub(crate) struct Cost {
    /// As long as this is long.
    costly: Duration,
    last: Duration,
}

impl Cost {
    pub(crate) const fn new(costly: Duration) -> Self {
        Self { costly, last: Duration::ZERO }
    }

    /// How long not to look again after a look that took so long: any time if only this one was slow.
    pub(crate) fn rest(&mut self, took: Duration) -> Duration {
        let usual = std::mem::replace(&mut self.last, took).min(took);
        if usual < self.costly { Duration::ZERO } else { (usual * REST).min(LONGEST) }
    }
}

/// Where to look in each queue.
pub(crate) struct Beginnings {
    /// How often the start is looked at while a queue is worked off from the middle.
    rescan: Duration,
    /// A look from the start that takes as long as this took long.
    costly: Duration,
    queues: HashMap<i16, Beginning>,
}

/// A look at a queue.
pub(crate) struct Look<'a> {
    pub(crate) queue: i16,
    /// Where it ended up looking: the last of those that [`Beginnings::of`] gave.
    pub(crate) begin: Begin,
    /// When.
    pub(crate) at: Instant,
    /// How long it took.
    pub(crate) took: Duration,
    /// The lowest id that a job can have which was made [`SLACK`] before.
    pub(crate) lately: Uuid,
    /// What it gave.
    pub(crate) claimed: &'a [Claimed],
    /// Whether it gave as much as was wanted, or as a limit allows, so that there may be more.
    pub(crate) is_full: bool,
}

/// What a look says of its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// There may be more.
    More,
    /// Nothing waits after the place where it began; what is before was not looked at for a while.
    Unknown,
    /// Nothing waits.
    Nothing,
}

struct Beginning {
    /// What comes before it was taken, and since when nobody looked there.
    place: Option<(i16, Uuid, Instant)>,
    cost: Cost,
    /// Until when the start is not looked at.
    rests_until: Instant,
    /// What was made after this may wait; what was made before was taken when the start was looked at.
    floor: Uuid,
    /// Whether everything was taken since, and not only the first of it.
    was_emptied: bool,
    /// Lanes in which there were jobs.
    lanes: BTreeSet<i16>,
}

impl Beginnings {
    pub(crate) fn new(rescan: Duration, costly: Duration) -> Self {
        Self { rescan, costly, queues: HashMap::new() }
    }

    /// Where to look now, one after the other.
    pub(crate) fn of(&self, queue: i16, now: Instant) -> Vec<Begin> {
        let Some(known) = self.queues.get(&queue) else { return vec![Begin::Start] };
        let within = |lane: &i16| Begin::Within(*lane, known.floor);
        match known.place {
            // What is more urgent has not come to an end here.
            Some((lane, id, _)) if known.rests(now) => {
                let urgent = known.lanes.range(..lane).map(within);
                urgent.chain([Begin::After(lane, id)]).collect()
            }
            Some((lane, id, since)) if now < since + self.rescan => vec![Begin::After(lane, id)],
            None if known.rests(now) && known.was_emptied => {
                known.lanes.iter().map(within).collect()
            }
            _ => vec![Begin::Start],
        }
    }

    /// What a look came to.
    pub(crate) fn looked(&mut self, look: &Look<'_>) -> Left {
        let known = self.queues.entry(look.queue).or_insert_with(|| Beginning {
            place: None,
            cost: Cost::new(self.costly),
            rests_until: look.at,
            floor: look.lately,
            was_emptied: false,
            lanes: BTreeSet::from([USUAL_LANE]),
        });
        known.lanes.extend(look.claimed.iter().map(|job| job.lane));
        // One that gives nothing at all may be paused, and full.
        let is_emptied = !look.is_full && !look.claimed.is_empty();
        match look.begin {
            Begin::Start => {
                known.rests_until = look.at + known.cost.rest(look.took);
                known.floor = look.lately;
                known.was_emptied = is_emptied;
            }
            Begin::After(..) => known.was_emptied = is_emptied,
            Begin::Within(..) if is_emptied => known.floor = look.lately,
            Begin::Within(..) => {}
        }
        let last = look.claimed.last().filter(|_| look.is_full);
        let last = last.map(|last| (last.lane, last.lease.job.uuid()));
        let before = known.place.take();
        match (last, look.begin) {
            (Some(last), Begin::After(lane, id)) => {
                let since = before.map_or(look.at, |(.., since)| since);
                // What was more urgent may have been all there was room for.
                let (lane, id) = last.max((lane, id));
                known.place = Some((lane, id, since));
                Left::More
            }
            (Some((lane, id)), Begin::Start | Begin::Within(..)) => {
                known.place = Some((lane, id, look.at));
                Left::More
            }
            (None, Begin::After(..)) => Left::Unknown,
            (None, Begin::Start | Begin::Within(..)) => Left::Nothing,
        }
    }

    /// Somebody says that a queue has jobs: they may be anywhere.
    pub(crate) fn forget(&mut self, queue: i16, now: Instant) {
        if let Some(known) = self.queues.get_mut(&queue).filter(|known| !known.rests(now)) {
            known.place = None;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.queues.clear();
    }
}

impl Beginning {
    fn rests(&self, now: Instant) -> bool {
        now < self.rests_until
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use mindflight_core::ports::Lease;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn job(lane: i16, id: u128) -> Claimed {
        Claimed {
            lease: Lease { job: Uuid::from_u128(id).into(), worker: 1, attempt: 1 },
            kind: 1,
            queue: 1,
            lane,
            max_attempts: 1,
            claimed_at: chrono::DateTime::<Utc>::UNIX_EPOCH,
            args: String::new(),
            meta: None,
            is_unique: false,
            is_gated: false,
        }
    }

    /// A look at queue 1 that wanted two jobs, `lately` being the id of the same number.
    fn look(
        known: &mut Beginnings,
        (at, took): (Instant, Duration),
        lately: u128,
        claimed: &[Claimed],
    ) -> (Begin, Left) {
        let begin = *known.of(1, at).last().unwrap();
        let (lately, is_full) = (Uuid::from_u128(lately), claimed.len() == 2);
        let look = Look { queue: 1, begin, at, took, lately, claimed, is_full };
        (begin, known.looked(&look))
    }

    #[test]
    fn while_there_is_more_looks_go_on_where_they_ended() {
        let (mut known, start) = (Beginnings::new(100 * MS, 10 * MS), Instant::now());
        let at = |ms: u32| (start + MS * ms, MS);
        let two = [job(5, 1), job(5, 2)];
        assert_eq!(look(&mut known, at(0), 0, &two), (Begin::Start, Left::More));
        let after = Begin::After(5, Uuid::from_u128(2));
        assert_eq!(look(&mut known, at(50), 0, &two), (after, Left::More));
        assert_eq!(look(&mut known, at(100), 0, &two).0, Begin::Start, "now and then");
        assert_eq!(look(&mut known, at(101), 0, &two[..1]), (after, Left::Unknown));
        assert_eq!(look(&mut known, at(102), 0, &[]), (Begin::Start, Left::Nothing));
        look(&mut known, at(103), 0, &two);
        known.forget(1, start + MS * 104);
        assert_eq!(known.of(1, start + MS * 104), [Begin::Start], "somebody said so");
    }

    #[test]
    fn a_start_that_took_long_rests_and_what_is_new_is_found_in_its_lanes() {
        let (mut known, start) = (Beginnings::new(100 * MS, 10 * MS), Instant::now());
        let long = |ms: u32| (start + MS * ms, 50 * MS);
        look(&mut known, (start, 70 * MS), 6, &[]);
        assert_eq!(known.of(1, start), [Begin::Start], "it may have been by chance");
        assert_eq!(look(&mut known, long(0), 7, &[job(9, 1)]), (Begin::Start, Left::Nothing));
        known.forget(1, start + MS * 60);
        let within = |lane, id| Begin::Within(lane, Uuid::from_u128(id));
        assert_eq!(known.of(1, start + MS * 60), [within(5, 7), within(9, 7)]);
        assert_eq!(look(&mut known, long(60), 8, &[]), (within(9, 7), Left::Nothing));
        assert_eq!(known.of(1, start + MS * 60)[0], within(5, 7), "it may have been paused");
        assert_eq!(look(&mut known, long(60), 8, &[job(5, 2)]), (within(9, 7), Left::Nothing));
        assert_eq!(known.of(1, start + MS * 60)[0], within(5, 8));
        assert_eq!(look(&mut known, long(61), 9, &[job(5, 3), job(5, 4)]).1, Left::More);
        assert_eq!(known.of(1, start + MS * 999), [Begin::After(5, Uuid::from_u128(4))]);
        assert_eq!(known.of(1, start + MS * 1000), [Begin::Start], "twenty times as long");
        look(&mut known, (start + MS * 1000, MS), 10, &[]);
        assert_eq!(known.of(1, start + MS * 1001), [Begin::Start], "it is fast again");
    }

    #[test]
    fn a_start_of_which_only_the_first_was_taken_is_worked_off_whole() {
        let (mut known, start) = (Beginnings::new(100 * MS, 10 * MS), Instant::now());
        let long = |ms: u32| (start + MS * ms, 50 * MS);
        look(&mut known, long(0), 6, &[]);
        look(&mut known, long(0), 7, &[job(0, 1), job(5, 2)]);
        let (urgent, usual) = (Uuid::from_u128(7), Uuid::from_u128(2));
        let after = Begin::After(5, usual);
        let both = [Begin::Within(0, urgent), after];
        assert_eq!(known.of(1, start + MS * 900), both, "later than a rescan");
        look(&mut known, long(900), 8, &[job(0, 8), job(0, 9)]);
        assert_eq!(known.of(1, start + MS * 900), both, "it does not go back");
        assert_eq!(look(&mut known, long(900), 8, &[job(5, 9)]), (after, Left::Unknown));
        let lanes = [0, 5].map(|lane| Begin::Within(lane, urgent));
        assert_eq!(known.of(1, start + MS * 901), lanes, "since the start was looked at");
    }
}
