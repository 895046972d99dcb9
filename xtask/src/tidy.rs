//! The rules of this workspace that no compiler knows.
//!
//! A rule is a function from files to findings, so that its tests are made-up files. A finding says where, what is
//! wrong, and what to do.

mod links;
mod manifests;
mod source;
mod text;

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::cargo;

/// A file of the workspace; `path` starts at the root and has `/` between folders everywhere. The text of what is
/// not text is empty.
pub(crate) struct File {
    path: String,
    text: String,
}

impl File {
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The lines, counted from one.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    fn finding(&self, line: usize, text: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, text: text.into() }
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.text)
    }
}

type Rule = fn(&[File]) -> Vec<Finding>;

const RULES: [Rule; 17] = [
    links::links_lead_somewhere,
    links::pages_for_registries_link_to_sites,
    links::the_summary_names_every_page,
    manifests::arrows_point_down,
    manifests::confined_dependencies,
    manifests::crates_describe_themselves,
    manifests::crates_can_be_found,
    manifests::lints_are_shared,
    source::files_are_short,
    source::modules_say_what_they_are,
    source::crate_pages_have_an_example,
    source::examples_run,
    source::names_say_something,
    source::one_module_speaks_bincode,
    text::lines_end_cleanly,
    text::no_machine_paths,
    text::no_private_registries,
];

pub(crate) fn run() -> ExitCode {
    let files = match files(cargo::root()) {
        Ok(files) => files,
        Err(error) => {
            eprintln!("tidy cannot read the workspace: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&files)).collect();
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} files, {} rules, {} findings", files.len(), RULES.len(), findings.len());
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What git knows or would add; where git cannot tell, all that is not obviously a product.
fn files(root: &Path) -> io::Result<Vec<File>> {
    let mut paths = Vec::new();
    match listed_by_git(root) {
        Some(listed) => paths = listed,
        None => walk(root, "", &mut paths)?,
    }
    let mut files = Vec::new();
    for path in paths {
        match fs::read_to_string(root.join(&path)) {
            Ok(text) => files.push(File { path, text }),
            // It is there, and that is all there is to know.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                files.push(File { path, text: String::new() });
            }
            // Deleted but not yet committed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io::Error::new(error.kind(), format!("{path}: {error}"))),
        }
    }
    Ok(files)
}

fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let output = git.output().ok().filter(|output| output.status.success())?;
    let paths = String::from_utf8(output.stdout).ok()?;
    Some(paths.split_terminator('\0').map(str::to_owned).collect())
}

fn walk(root: &Path, folder: &str, paths: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if entry.file_type()?.is_file() {
            paths.push(path);
        } else if entry.file_type()?.is_dir() && !matches!(name.as_str(), ".git" | "target" | "runs") {
            walk(root, &path, paths)?;
        }
    }
    Ok(())
}

/// Holds a rule's findings in made-up files, each a path and its text, against the expected lines `path:line: words`;
/// a finding may say more after these words.
#[cfg(test)]
#[track_caller]
fn check(rule: Rule, files: &[(&str, &str)], expected: &[&str]) {
    let files: Vec<File> =
        files.iter().map(|&(path, text)| File { path: path.to_owned(), text: text.to_owned() }).collect();
    let found: Vec<String> = rule(&files).iter().map(Finding::to_string).collect();
    let as_expected =
        found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| f.starts_with(e));
    assert!(as_expected, "found {found:#?}\nbut expected {expected:#?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_and_a_walk_both_find_this_file_and_nothing_built() {
        let mut walked = Vec::new();
        walk(cargo::root(), "", &mut walked).unwrap();
        for paths in [Some(walked), listed_by_git(cargo::root())].into_iter().flatten() {
            assert!(paths.iter().any(|path| path == "xtask/src/tidy.rs"));
            assert!(!paths.iter().any(|path| path.starts_with("target/") || path.starts_with(".git/")));
        }
    }
}
