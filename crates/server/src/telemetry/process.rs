//! Figures of this process, as Linux tells them; elsewhere there are none.

use std::fs;

use metrics::{counter, gauge};

/// The kernel counts processor time for user programs in hundredths of a second, whatever its own clock does.
const TICKS_PER_SECOND: u64 = 100;

/// Measures now. Reads a few small files that never touch a disk.
pub(super) fn measure() {
    if let Ok(status) = fs::read_to_string("/proc/self/status") {
        let kilobytes = |name: &str| number_after(&status, name).map(|n| n * 1024.0);
        set("process_resident_memory_bytes", kilobytes("VmRSS:"));
        set("process_virtual_memory_bytes", kilobytes("VmSize:"));
        set("process_threads", number_after(&status, "Threads:"));
    }
    if let Ok(limits) = fs::read_to_string("/proc/self/limits") {
        set("process_max_fds", number_after(&limits, "Max open files"));
    }
    // Reading the folder is itself one that is open.
    let open = fs::read_dir("/proc/self/fd").map(|files| files.count().saturating_sub(1));
    set("process_open_fds", open.ok().and_then(|open| u32::try_from(open).ok()).map(f64::from));
    if let Some((ticks, started)) =
        fs::read_to_string("/proc/self/stat").ok().and_then(|stat| times(&stat))
    {
        // Counters of this exporter are whole: the part of a second comes later.
        counter!("process_cpu_seconds_total").absolute(ticks / TICKS_PER_SECOND);
        set("process_start_time_seconds", boot_time().map(|boot| boot + started));
    }
}

fn set(name: &'static str, value: Option<f64>) {
    if let Some(value) = value {
        gauge!(name).set(value);
    }
}

fn number_after(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Processor time in ticks, and seconds between the machine's start and ours: fields 14, 15 and 22 of proc(5).
fn times(stat: &str) -> Option<(u64, f64)> {
    // The second field is a name in parentheses, and may hold anything.
    let (_, after) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let started = f64::from(u32::try_from(field(22)? / TICKS_PER_SECOND).ok()?);
    Some((field(14)? + field(15)?, started))
}

fn boot_time() -> Option<f64> {
    number_after(&fs::read_to_string("/proc/stat").ok()?, "btime")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_after_a_name_with_anything_in_it() {
        let stat = "42 (a) b (c) S 1 1 1 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 9 0 12345 1000 50";
        assert_eq!(times(stat), Some((400, 123.0)));
        assert_eq!(times("42 (x) S 1"), None);
        assert_eq!(number_after("a 1\nThreads:\t9\n", "Threads:"), Some(9.0));
    }
}
