//! What `/proc` tells about processes; where there is none, nothing is told.

use std::fs;
use std::time::Duration;

/// Memory of a process, or of several, in bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    /// What is resident, what is shared included.
    pub(crate) resident: u64,
    /// What is resident, what is shared divided among those who share it.
    pub(crate) proportional: u64,
}

/// The processor time that the process has used, in steps of the kernel's clock.
pub(crate) fn cpu(pid: u32) -> Option<Duration> {
    Some(duration(stat(pid)?.ticks))
}

/// The processor time of the process and all below it, those that have ended included.
pub(crate) fn cpu_of_tree(ancestor: u32) -> Option<Duration> {
    let all = all();
    let family = family(&all, ancestor);
    let members = all.iter().filter(|one| family.contains(&one.pid));
    let ticks: u64 = members.map(|one| one.ticks + one.reaped).sum();
    (ticks > 0).then(|| duration(ticks))
}

/// The memory of the process.
pub(crate) fn memory(pid: u32) -> Option<Memory> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    Some(Memory { resident: kilobytes(&text, "Rss:")?, proportional: kilobytes(&text, "Pss:")? })
}

/// The memory of several processes together, of all or of none.
pub(crate) fn memory_of_all(pids: &[u32]) -> Option<Memory> {
    let mut sum = Memory::default();
    for pid in pids {
        let memory = memory(*pid)?;
        sum.resident += memory.resident;
        sum.proportional += memory.proportional;
    }
    (!pids.is_empty()).then_some(sum)
}

/// The processes of this name below the given one.
pub(crate) fn below(ancestor: u32, name: &str) -> Vec<u32> {
    let all = all();
    let family = family(&all, ancestor);
    all.into_iter()
        .filter(|one| one.pid != ancestor && one.name == name && family.contains(&one.pid))
        .map(|one| one.pid)
        .collect()
}

fn duration(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Every process that can be seen.
fn all() -> Vec<Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| stat(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// The process and all below it.
fn family(all: &[Stat], ancestor: u32) -> Vec<u32> {
    let mut family = vec![ancestor];
    let mut at = 0;
    while let Some(parent) = family.get(at).copied() {
        family.extend(all.iter().filter(|one| one.parent == parent).map(|one| one.pid));
        at += 1;
    }
    family
}

#[derive(Debug, PartialEq, Eq)]
struct Stat {
    pid: u32,
    name: String,
    parent: u32,
    ticks: u64,
    /// The time of those below it that have ended.
    reaped: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The name stands in parentheses and may hold some itself, so the last one ends it.
fn parse(text: &str) -> Option<Stat> {
    let (pid, rest) = text.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Stat {
        pid: pid.parse().ok()?,
        name: name.to_owned(),
        parent: fields.get(1)?.parse().ok()?,
        ticks: number(11)? + number(12)?,
        reaped: number(13)? + number(14)?,
    })
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(number * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name_is() {
        let text = "42 (a) b (c)) S 7 42 42 0 -1 4194560 9 0 0 0 30 12 5 2 20 0 1 0 100 5 6";
        let expected =
            Stat { pid: 42, name: "a) b (c)".to_owned(), parent: 7, ticks: 42, reaped: 7 };
        assert_eq!(parse(text), Some(expected));
        assert_eq!(parse("42 (cut"), None);
    }

    #[test]
    fn a_family_is_a_process_and_all_below_it() {
        let stat = |pid, parent| Stat { pid, name: "x".to_owned(), parent, ticks: 1, reaped: 0 };
        let all = [stat(1, 0), stat(5, 4), stat(4, 2), stat(2, 1), stat(3, 1)];
        assert_eq!(family(&all, 2), [2, 4, 5]);
    }

    #[test]
    fn memory_is_read_in_bytes() {
        let text = "55d0-7ffd ---p 0 00:00 0 [rollup]\nRss:     2048 kB\nPss:     1000 kB\n";
        assert_eq!(kilobytes(text, "Rss:"), Some(2_097_152));
        assert_eq!(kilobytes(text, "Pss:"), Some(1_024_000));
        assert_eq!(kilobytes(text, "Swap:"), None);
    }
}
