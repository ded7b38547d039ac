//! What goes over the wire: a channel and a short text. Unknown words are of a newer release, or nobody's; they are
//! passed over.

use std::collections::BTreeSet;

use mindflight_api::JobId;
use mindflight_store::signal::{Signal, Topic};

/// What a hint is about has a channel of its own.
pub(super) const CHANNELS: [(Topic, &str); 3] = [
    (Topic::Jobs, "mindflight_jobs"),
    (Topic::Events, "mindflight_events"),
    (Topic::Control, "mindflight_control"),
];

/// The server takes less than 8000 bytes.
const MOST_BYTES: usize = 7900;

/// One notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) channel: &'static str,
    pub(super) text: String,
}

/// What a notification says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// Something for the engine.
    Signals(Vec<Signal>),
    /// The log is this far.
    Head(u64),
    /// This link asks itself whether it hears.
    Check(u64),
}

fn channel(topic: Topic) -> &'static str {
    CHANNELS.iter().find(|(known, _)| *known == topic).map_or("", |(_, channel)| channel)
}

fn note(topic: Topic, text: String) -> Note {
    Note { channel: channel(topic), text }
}

/// These queues have jobs.
pub(super) fn ready(queues: &BTreeSet<i16>) -> Vec<Note> {
    lists("ready", queues).map(|text| note(Topic::Jobs, text)).collect()
}

/// A job was made that comes due later.
pub(super) fn scheduled() -> Note {
    note(Topic::Jobs, "scheduled".to_owned())
}

/// A queue has other limits than before.
pub(super) fn limits() -> Note {
    note(Topic::Jobs, "limits".to_owned())
}

/// Somebody wants these jobs to be stopped.
pub(super) fn cancel(jobs: &[JobId]) -> Vec<Note> {
    lists("cancel", jobs).map(|text| note(Topic::Control, text)).collect()
}

/// The log is this far.
pub(super) fn head(position: u64) -> Note {
    note(Topic::Events, format!("head {position}"))
}

/// Does this arrive?
pub(super) fn check(nonce: u64) -> Note {
    note(Topic::Control, format!("check {nonce}"))
}

/// `word 1,2,3`, in as many texts as it takes.
fn lists<T: ToString>(
    word: &'static str,
    items: impl IntoIterator<Item = T>,
) -> impl Iterator<Item = String> {
    let mut texts: Vec<String> = Vec::new();
    for item in items {
        let item = item.to_string();
        match texts.last_mut() {
            Some(text) if text.len() + 1 + item.len() <= MOST_BYTES => {
                text.push(',');
                text.push_str(&item);
            }
            _ => texts.push(format!("{word} {item}")),
        }
    }
    texts.into_iter()
}

/// What a notification says, if it can be understood.
pub(super) fn understand(channel: &str, text: &str) -> Option<Said> {
    let (topic, _) = CHANNELS.into_iter().find(|(_, known)| *known == channel)?;
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match (topic, word) {
        (Topic::Jobs, "ready") => {
            let queues = rest.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
            Some(Said::Signals(vec![Signal::Ready(queues)]))
        }
        (Topic::Jobs, "scheduled") => Some(Said::Signals(vec![Signal::Scheduled])),
        (Topic::Jobs, "limits") => Some(Said::Signals(vec![Signal::Limits])),
        (Topic::Events, "head") => rest.parse().ok().map(Said::Head),
        (Topic::Control, "cancel") => {
            let jobs = rest.split(',').map(|job| job.parse().ok().map(Signal::Cancel));
            jobs.collect::<Option<_>>().map(Said::Signals)
        }
        (Topic::Control, "check") => rest.parse().ok().map(Said::Check),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understood(notes: impl IntoIterator<Item = Note>) -> Vec<Said> {
        let said = |note: Note| understand(note.channel, &note.text).unwrap();
        notes.into_iter().map(said).collect()
    }

    #[test]
    fn what_is_said_is_understood() {
        let queues = BTreeSet::from([-1, 0, i16::MAX]);
        let signals = |signals| Said::Signals(signals);
        let ready_again = signals(vec![Signal::Ready(queues.iter().copied().collect())]);
        assert_eq!(understood(ready(&queues)), [ready_again]);
        assert_eq!(understood([scheduled()]), [signals(vec![Signal::Scheduled])]);
        assert_eq!(understood([limits()]), [signals(vec![Signal::Limits])]);
        assert_eq!(understood([head(u64::MAX)]), [Said::Head(u64::MAX)]);
        assert_eq!(understood([check(7)]), [Said::Check(7)]);
        let jobs = [JobId::new(), JobId::new()];
        let cancelled = signals(jobs.into_iter().map(Signal::Cancel).collect());
        assert_eq!(understood(cancel(&jobs)), [cancelled]);
        assert!(ready(&BTreeSet::new()).is_empty() && cancel(&[]).is_empty());
    }

    #[test]
    fn garbage_says_nothing() {
        let texts = [
            "",
            " ",
            "ready",
            "ready ",
            "ready 1,",
            "ready 99999",
            "ready 1;2",
            "scheduled",
            "limits",
            "head",
            "head -1",
            "head 1 2",
            "cancel",
            "cancel x",
            "cancel x,",
            "check",
            "check 1.5",
            "later 5",
            "\u{1f980} 1",
            "ready  1",
        ];
        for text in texts {
            for channel in ["mindflight_events", "mindflight_control", "others", ""] {
                assert_eq!(understand(channel, text), None, "{channel}: {text}");
            }
            if !matches!(text, "scheduled" | "limits") {
                assert_eq!(understand("mindflight_jobs", text), None, "{text}");
            }
        }
    }

    #[test]
    fn many_are_said_in_several_notes_below_the_servers_limit() {
        let queues: BTreeSet<i16> = (i16::MIN..=i16::MAX).collect();
        let jobs: Vec<JobId> = (0..1000).map(|_| JobId::new()).collect();
        let notes: Vec<Note> = ready(&queues).into_iter().chain(cancel(&jobs)).collect();
        assert!(notes.iter().all(|note| note.text.len() < 8000));
        let (mut all_queues, mut all_jobs) = (BTreeSet::new(), Vec::new());
        for said in understood(notes) {
            let Said::Signals(signals) = said else { panic!("{said:?}") };
            for signal in signals {
                match signal {
                    Signal::Ready(queues) => all_queues.extend(queues),
                    Signal::Cancel(job) => all_jobs.push(job),
                    Signal::Scheduled | Signal::Limits => panic!("{signal:?} was not said"),
                }
            }
        }
        assert_eq!((all_queues, all_jobs), (queues, jobs));
    }
}
