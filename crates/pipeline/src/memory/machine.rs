//! What memory the machine has for this process, and how much of it the process has used.

use std::fs;

/// Memory of the machine, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// What this process may use in all, what it has already included.
    pub available: u64,
    /// What it has now.
    pub resident: u64,
}

impl Machine {
    /// Reads `/proc` and the control group; none where there are no such files.
    #[must_use]
    pub fn read() -> Option<Self> {
        let text = |path: &str| fs::read_to_string(path).ok();
        let free = kibibytes(&text("/proc/meminfo")?, "MemAvailable")?;
        let resident = kibibytes(&text("/proc/self/status")?, "VmRSS")?;
        let group = control_group(
            text("/sys/fs/cgroup/memory.max").as_deref(),
            text("/sys/fs/cgroup/memory.current").as_deref(),
            text("/sys/fs/cgroup/memory.stat").as_deref(),
        );
        let free = group.map_or(free, |group| group.min(free));
        Some(Self { available: resident + free, resident })
    }
}

/// The most that this process had at once since [`reset_peak`], in bytes.
#[must_use]
pub(crate) fn peak() -> Option<u64> {
    kibibytes(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM")
}

/// Makes [`peak`] count from what the process has now. Where the system does not allow it the peak is that of its whole
/// life.
pub(crate) fn reset_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The value of a line such as `MemAvailable:   1024 kB`, in bytes.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|number| number * 1024)
}

/// What the group of this process may take on top of what it has: its limit less what it uses, where files that the system
/// holds in memory and can give up do not count. None without a limit.
fn control_group(max: Option<&str>, current: Option<&str>, stat: Option<&str>) -> Option<u64> {
    let max: u64 = max?.trim().parse().ok()?;
    let current: u64 = current?.trim().parse().ok()?;
    let mut stat = stat.unwrap_or_default().lines();
    let files = stat.find_map(|line| line.strip_prefix("inactive_file "));
    let files = files.and_then(|number| number.parse().ok()).unwrap_or(0);
    Some(max.saturating_sub(current.saturating_sub(files)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_proc_are_read_in_bytes() {
        let text = "MemTotal:       65 kB\nMemAvailable:   32 kB\nSwapFree: 0 kB\n";
        assert_eq!(kibibytes(text, "MemAvailable"), Some(32 * 1024));
        assert_eq!(kibibytes(text, "Mem"), None, "a name is a whole one");
        assert_eq!(kibibytes("VmRSS:\tmany\n", "VmRSS"), None);
    }

    #[test]
    fn a_group_may_take_what_its_limit_leaves_and_what_files_can_give_up() {
        let group =
            |max| control_group(Some(max), Some("700\n"), Some("anon 1\ninactive_file 200\n"));
        assert_eq!(group("1000\n"), Some(500));
        assert_eq!(group("max\n"), None, "no limit");
        assert_eq!(group("400\n"), Some(0));
        assert_eq!(control_group(None, None, None), None);
    }
}
