//! Rules about any text: clean lines, and nothing that is true on one machine only.

use super::{File, Finding};

/// Written by people, so kept clean; recorded data stays as it came.
const WRITTEN: [&str; 11] =
    [".rs", ".toml", ".md", ".py", ".sh", ".yml", ".yaml", ".css", ".js", ".ci/run", ".gitignore"];

/// A file ends with one line break; no line ends with a blank; Rust has no tabs.
pub(crate) fn lines_end_cleanly(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| WRITTEN.iter().any(|ending| file.path.ends_with(ending))) {
        for (number, line) in (1..).zip(file.text.split('\n')) {
            if line.ends_with([' ', '\t', '\r']) {
                findings.push(file.finding(number, "the line ends with a blank: remove it"));
            }
            if file.is_rust() && line.contains('\t') {
                findings.push(file.finding(number, "tab: indent with spaces, and write \\t in a string"));
            }
        }
        if !file.text.is_empty() && (!file.text.ends_with('\n') || file.text.ends_with("\n\n")) {
            findings.push(
                file.finding(file.text.lines().count(), "the file must end with exactly one line break"),
            );
        }
    }
    findings
}

/// No path from the root of somebody's disk: it exists nowhere else.
pub(crate) fn no_machine_paths(files: &[File]) -> Vec<Finding> {
    const TOP_FOLDERS: [&str; 5] = ["work", "root", "tmp", "home", "Users"];
    let mut findings = Vec::new();
    for file in files {
        for (number, line) in file.lines() {
            let absolute = |folder: &str| {
                let path = format!("/{folder}/");
                line.match_indices(&path).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    !before.is_some_and(|c| c.is_alphanumeric() || "./-_~*$})>".contains(c))
                })
            };
            if let Some(folder) = TOP_FOLDERS.into_iter().find(|folder| absolute(folder)) {
                let text = format!("a path under /{folder} exists on one machine only: use a relative one");
                findings.push(file.finding(number, text));
            }
        }
    }
    findings
}

/// Everything comes from crates.io, by its public name.
pub(crate) fn no_private_registries(files: &[File]) -> Vec<Finding> {
    const PUBLIC: &str = "https://github.com/rust-lang/crates.io-index";
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| matches!(file.name(), "Cargo.lock" | "Cargo.toml" | "config.toml"))
    {
        for (number, line) in file.lines() {
            let line = line.trim();
            let source = line.strip_prefix("source = ").filter(|source| !source.contains(PUBLIC));
            let elsewhere =
                ["[registries", "[registry", "[source", "registry = ", "replace-with", "index = "];
            let dependency =
                file.name() == "Cargo.toml" && (line.contains("git = ") || line.contains("registry = "));
            if source.is_some() || dependency || elsewhere.iter().any(|start| line.starts_with(start)) {
                findings
                    .push(file.finding(number, "packages come from crates.io alone: name no other source"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn blanks_tabs_and_missing_line_breaks_are_found_in_what_people_write() {
        check(
            lines_end_cleanly,
            &[
                ("a.rs", "//! A.\nfn a() {} \n\tfn b() {}\n"),
                ("b.md", "one\ntwo"),
                ("c.toml", "x = 1\n\n"),
                ("d.md", "one\r\n"),
                ("good.rs", "//! Good.\n"),
                ("empty.py", ""),
                ("data/recorded.csv", "a,b \r\n1,2"),
            ],
            &[
                "a.rs:2: the line ends",
                "a.rs:3: tab",
                "b.md:2: the file",
                "c.toml:2: the file",
                "d.md:1: the line",
            ],
        );
    }

    #[test]
    fn paths_from_the_root_of_a_disk_are_found_and_other_slashes_are_not() {
        let [work, tmp, home] = ["work", "tmp", "home"].map(|folder| format!("/{folder}/x"));
        check(
            no_machine_paths,
            &[
                ("a.md", &format!("see {work}\nfine\n`{tmp}`\n")),
                ("b.json", &format!("{{\"from\":\"{home}\"}}")),
                ("c.md", &format!("https://example.org{home} ..{work} target{tmp} $DIR{tmp}")),
            ],
            &["a.md:1: a path under /work", "a.md:3: a path under /tmp", "b.json:1: a path under /home"],
        );
    }

    #[test]
    fn packages_from_elsewhere_are_found() {
        let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
        check(
            no_private_registries,
            &[
                ("Cargo.lock", &format!("{public}source = \"registry+https://mirror.example/index\"\n")),
                ("Cargo.toml", "x = { git = \"https://example.org/x\" }\ny = \"1\"\n"),
                (".cargo/config.toml", "[alias]\n[source.crates-io]\nreplace-with = \"mirror\"\n"),
                ("notes.md", "git = is fine here"),
            ],
            &[
                "Cargo.lock:2: packages",
                "Cargo.toml:1: packages",
                ".cargo/config.toml:2: packages",
                ".cargo/config.toml:3: packages",
            ],
        );
    }
}
