//! How much memory is free.

use std::fs;
use std::path::{Path, PathBuf};

/// Bytes that a program may take without driving others out, as far as the system tells: what is available on the machine,
/// and within the limits of its control groups if there are such.
pub(crate) fn free() -> Option<u64> {
    let read = |file: &Path| fs::read_to_string(file).ok();
    let machine = available(&read(Path::new("/proc/meminfo"))?)?;
    let groups = groups(&read(Path::new("/proc/self/cgroup")).unwrap_or_default());
    Some(groups.iter().filter_map(|group| group.free(read)).fold(machine, u64::min))
}

/// The line `MemAvailable:   123 kB`, in bytes.
fn available(meminfo: &str) -> Option<u64> {
    let rest = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// A control group that may limit memory.
#[derive(Debug, PartialEq)]
struct Group {
    folder: PathBuf,
    /// The files of the limit, and of what is used.
    files: [&'static str; 2],
}

/// The groups that a process is in, of version 1 and 2, and those above them, which limit it as well.
fn groups(of_process: &str) -> Vec<Group> {
    let mut groups = Vec::new();
    for line in of_process.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (root, files) = match controllers {
            "" => ("/sys/fs/cgroup", ["memory.max", "memory.current"]),
            "memory" => ("/sys/fs/cgroup/memory", ["memory.limit_in_bytes", "memory.usage_in_bytes"]),
            _ => continue,
        };
        // A container may see itself as the root, whatever it is called.
        let above = Path::new(path.trim_start_matches('/')).ancestors();
        groups.extend(above.map(|path| Group { folder: Path::new(root).join(path), files }));
    }
    groups
}

impl Group {
    /// What its limit leaves; `None` without one. What the system keeps of files in memory, it gives up when asked.
    fn free(&self, read: impl Fn(&Path) -> Option<String>) -> Option<u64> {
        let number = |file: &str| read(&self.folder.join(file))?.trim().parse::<u64>().ok();
        let [limit, used] = self.files;
        let stat = read(&self.folder.join("memory.stat")).unwrap_or_default();
        let of_files = |line: &str| {
            let (name, bytes) = line.split_once(' ')?;
            let file = ["inactive_file", "active_file"].contains(&name);
            bytes.trim().parse::<u64>().ok().filter(|_| file)
        };
        let given_up: u64 = stat.lines().filter_map(of_files).sum();
        Some(number(limit)?.saturating_sub(number(used)?.saturating_sub(given_up)))
    }
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

    #[test]
    fn limits_of_control_groups_count_up_to_the_root() {
        let folders = |text: &str| {
            groups(text).into_iter().map(|group| group.folder.display().to_string()).collect::<Vec<_>>()
        };
        let at = "/sys/fs/cgroup";
        assert_eq!(
            folders("0::/a.slice/run:1.scope\n"),
            [format!("{at}/a.slice/run:1.scope"), format!("{at}/a.slice"), format!("{at}/")]
        );
        assert_eq!(
            folders("5:cpu,cpuacct:/x\n4:memory:/x\n"),
            [format!("{at}/memory/x"), format!("{at}/memory/")]
        );
        assert_eq!(folders("nonsense"), [""; 0]);

        let [group, _] = &groups("0::/x")[..] else { panic!("two groups") };
        let files = |limit: &'static str| {
            move |file: &Path| match file.file_name()?.to_str()? {
                "memory.max" => Some(limit.to_owned()),
                "memory.current" => Some("700\n".to_owned()),
                "memory.stat" => Some("anon 300\ninactive_file 250\nactive_file 150\n".to_owned()),
                _ => None,
            }
        };
        assert_eq!(group.free(files("1000\n")), Some(700));
        assert_eq!(group.free(files("100\n")), Some(0));
        assert_eq!(group.free(files("max\n")), None);
        assert_eq!(group.free(|_| None), None);
    }
}
