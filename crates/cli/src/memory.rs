//! How much memory is free.

use std::fs;

/// Bytes that a program may take without driving others out, as far as the system tells: what is available on the machine,
/// and within the limit of the control group if there is one.
pub(crate) fn free() -> Option<u64> {
    let machine = available(&fs::read_to_string("/proc/meminfo").ok()?)?;
    let of_group = |name: &str| {
        fs::read_to_string(format!("/sys/fs/cgroup/memory.{name}")).ok()?.trim().parse::<u64>().ok()
    };
    let group = of_group("max").map(|max| max.saturating_sub(of_group("current").unwrap_or(0)));
    Some(group.map_or(machine, |group| group.min(machine)))
}

/// The line `MemAvailable:   123 kB`, in bytes.
fn available(meminfo: &str) -> Option<u64> {
    let rest = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_available_memory_is_found_among_other_lines() {
        let text = "MemTotal:       16301612 kB\nMemFree:  1 kB\nMemAvailable:   12345 kB\nBuffers: 3 kB\n";
        assert_eq!(available(text), Some(12_345 * 1024));
        assert_eq!(available("MemTotal: 1 kB\n"), None);
        assert_eq!(available("MemAvailable: much\n"), None);
    }
}
