//! Each thing that can be wrong is found, and what is right is not.

use super::super::draw::Fault;
use super::*;

fn row(id: &str) -> Row {
    Row {
        id: id.to_owned(),
        kind: "demo.count".to_owned(),
        counter: "single-1".to_owned(),
        state: Some(State::Succeeded),
        created: 10.0,
        started: Some(11.0),
        finished: Some(12.0),
        ..Row::default()
    }
}

fn keyed(id: &str, created: f64, finished: f64) -> Row {
    Row {
        counter: "keyed-1".to_owned(),
        unique: "order-1".to_owned(),
        created,
        finished: Some(finished),
        ..row(id)
    }
}

fn order(lane: Lane, ids: &[&str], unanswered: u64) -> Order {
    let (counter, unique, count) = match lane {
        Lane::Single => ("single-1", None, 1),
        Lane::Keyed => ("keyed-1", Some("order-1".to_owned()), 1),
        Lane::Array => ("array-1", None, 10),
    };
    let ids = ids.iter().map(|id| (*id).to_owned()).collect();
    Order { lane, counter: counter.to_owned(), unique, count, ids, unanswered }
}

/// With counters that fit the rows.
fn ledger(rows: Vec<Row>) -> Ledger {
    let mut ledger = Ledger { rows, ..Ledger::default() };
    for row in ledger.rows.iter().filter(|row| row.state == Some(State::Succeeded)) {
        *ledger.counters.entry(row.counter.clone()).or_default() += 1;
    }
    ledger
}

fn wrong(ledger: &Ledger, orders: &[Order]) -> Vec<String> {
    let story = Story { orders, victims: &[], happened: &[], pauses: &[] };
    findings(ledger, &story).into_iter().map(|finding| finding.what).collect()
}

#[track_caller]
fn finds(ledger: &Ledger, orders: &[Order], what: &str) {
    let wrong = wrong(ledger, orders);
    assert!(wrong.len() == 1 && wrong[0].contains(what), "{wrong:?}");
}

#[test]
fn what_is_as_it_should_be_is_not_complained_about() {
    let rows = vec![row("a"), row("b"), keyed("c", 1.0, 2.0), keyed("d", 2.5, 3.0)];
    let orders = [
        order(Lane::Single, &["a"], 0),
        order(Lane::Single, &[], 1),
        order(Lane::Keyed, &["d"], 1),
    ];
    assert_eq!(wrong(&ledger(rows), &orders), [] as [String; 0]);
}

#[test]
fn a_lost_job_and_one_that_does_not_end_are_found() {
    finds(&ledger(vec![]), &[order(Lane::Single, &["a"], 0)], "lost");
    let open = Row { state: None, ..row("a") };
    let wrong = wrong(&ledger(vec![open]), &[order(Lane::Single, &["a"], 0)]);
    assert_eq!(wrong, ["not ended", "counts, and has not succeeded"]);
}

#[test]
fn an_effect_too_many_or_too_few_is_found() {
    let orders = [order(Lane::Single, &["a"], 0)];
    for count in [0, 2] {
        let mut ledger = ledger(vec![row("a")]);
        ledger.counters.insert("single-1".to_owned(), count);
        finds(&ledger, &orders, "were counted");
    }
}

#[test]
fn a_job_that_nobody_asked_for_is_found() {
    let orders = [order(Lane::Single, &["a"], 0), order(Lane::Single, &[], 1)];
    finds(&ledger(vec![row("a"), row("b"), row("c")]), &orders, "made by nobody");
    finds(&ledger(vec![row("a")]), &[order(Lane::Single, &["a", "a"], 0)], "twice");
    let array = |id: &str| Row { counter: "array-1".to_owned(), ..row(id) };
    finds(&ledger(vec![array("a")]), &[order(Lane::Array, &[], 1)], "in part");
}

#[test]
fn two_unfinished_jobs_with_one_key_are_found() {
    let rows = vec![keyed("a", 1.0, 9.0), keyed("b", 5.0, 10.0)];
    finds(&ledger(rows), &[order(Lane::Keyed, &["b"], 1)], "two unfinished jobs");
}

#[test]
fn a_victim_that_is_not_what_was_said_of_it_is_found() {
    let sleep = |state| Row {
        kind: "demo.sleep".to_owned(),
        counter: String::new(),
        state: Some(state),
        ..row("v")
    };
    let right = [
        (Told::Cancelled, State::Cancelled, true),
        (Told::Cancelled, State::Succeeded, false),
        (Told::Ended, State::Succeeded, true),
        (Told::Ended, State::Cancelled, false),
        (Told::Asked, State::Succeeded, true),
        (Told::Unknown, State::Failed, false),
    ];
    for (told, state, is_right) in right {
        let ledger = Ledger { rows: vec![sleep(state)], ..Ledger::default() };
        let victims = [Victim { id: "v".to_owned(), told }];
        let story = Story { orders: &[], victims: &victims, happened: &[], pauses: &[] };
        assert_eq!(findings(&ledger, &story).is_empty(), is_right, "{told:?} {state:?}");
    }
}

#[test]
fn an_attempt_needs_a_fault_and_a_pause_holds() {
    let happened = [Happened { fault: Fault::Kill, from: 100.0, to: 100.0 }];
    let crash = |started, finished| Attempt {
        job: "a".to_owned(),
        end: End::Crashed,
        started,
        finished,
        code: String::new(),
    };
    assert!(is_explained(&crash(99.0, 103.0), &happened));
    assert!(is_explained(&crash(105.0, 107.0), &happened));
    assert!(!is_explained(&crash(90.0, 95.0), &happened));
    assert!(!is_explained(&crash(110.0, 112.0), &happened));
    let ledger = ledger(vec![row("a")]);
    let orders = [order(Lane::Single, &["a"], 0)];
    for (pause, count) in [((9.0, 20.0), 1), ((10.5, 20.0), 0), ((9.0, 10.5), 0)] {
        let pauses = [pause];
        let story = Story { orders: &orders, victims: &[], happened: &[], pauses: &pauses };
        assert_eq!(findings(&ledger, &story).len(), count, "{pause:?}");
    }
}

#[test]
fn recovery_counts_from_the_death_to_the_end_of_the_job() {
    let happened = [
        Happened { fault: Fault::Cut, from: 11.2, to: 11.2 },
        Happened { fault: Fault::Kill, from: 11.5, to: 11.5 },
    ];
    let mut ledger = ledger(vec![Row { finished: Some(15.0), ..row("a") }, row("b")]);
    ledger.attempts.push(Attempt {
        job: "a".to_owned(),
        end: End::Crashed,
        started: 11.0,
        finished: 14.0,
        code: String::new(),
    });
    assert_eq!(recoveries(&ledger, &happened), [3.5]);
}
