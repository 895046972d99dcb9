//! The shell in which a page is run, and the folder that looks like a clone to it.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use super::page::{Step, When};
use crate::CHORES;
use crate::cargo;

/// What `my.csv` and `new.csv` of the pages are: a table that every reader has another of.
const TABLES: [(&str, &str); 2] =
    [("my.csv", "examples/tables/flats.csv"), ("new.csv", "examples/tables/new-flats.csv")];

/// Makes a new folder with links to what is in the workspace, save what a clone has not.
pub(crate) fn make_clone(folder: &Path) -> io::Result<()> {
    for old in [folder, &folder.with_extension("said")] {
        match fs::remove_dir_all(old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(old)?,
        }
    }
    for entry in fs::read_dir(cargo::root())? {
        let entry = entry?;
        let name = entry.file_name();
        // A manifest would let cargo take this folder for a workspace.
        let left_out = ["target", "runs", ".git", "Cargo.toml", "Cargo.lock"];
        if !left_out.iter().any(|left_out| name == *left_out) {
            link(&entry.path(), &folder.join(&name))?;
        }
    }
    TABLES.iter().try_for_each(|(name, table)| link(&cargo::root().join(table), &folder.join(name)))
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(not(unix))]
fn link(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "the commands of the guide are for a Unix shell"))
}

#[cfg(unix)]
pub(crate) fn make_executable(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
pub(crate) fn make_executable(_file: &Path) -> io::Result<()> {
    Ok(())
}

/// The first of these modules that Python cannot import.
pub(crate) fn lacking_module<'a>(modules: &[&'a str]) -> Option<&'a str> {
    modules.iter().copied().find(|module| {
        let mut python = Command::new("python3");
        python.args(["-c", &format!("import {module}")]);
        !python
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}

/// What `cargo` is in this shell, as a program of its own, so that `timeout cargo …` and `kill $!` mean what they say.
///
/// `cargo xtask JOB` is the program, which is told that cargo calls it; chores are passed over, for they call cargo, and
/// `cargo run --example` is the built example.
pub(crate) fn cargo_in_the_guide() -> String {
    let chores: Vec<String> = CHORES.iter().map(|chore| format!("'xtask {chore}'")).collect();
    let (variable, package) = cargo::BY_CARGO;
    format!(
        r#"#!/bin/sh
case "$1 ${{2:-}}" in
  {}) ;;
  'xtask '*) shift; {variable}={package} exec "$HIGHWATER_BUILT/highwater" "$@" ;;
  'run '*)
    while [ $# -gt 0 ] && [ "$1" != --example ]; do shift; done
    example=${{2:?"of cargo run, only --example is for the check of the guide: mark the block with skip"}}
    shift 2
    if [ "${{1:-}}" = -- ]; then shift; fi
    exec "$HIGHWATER_BUILT/examples/$example" "$@" ;;
  *) echo "cargo $1 is not for the check of the guide: mark the block with skip"; exit 1 ;;
esac
"#,
        chores.join(" | ")
    )
}

/// One script of these steps. What step `N` (its line) prints is in the file `$HIGHWATER_SAID/N`, and `N.ended` says
/// that it ended as it should.
pub(crate) fn script(steps: &[&Step<'_>]) -> String {
    let mut script = "set -eu\n".to_owned();
    for Step { line, script: commands, when, .. } in steps {
        let said = format!("\"$HIGHWATER_SAID/{line}\"");
        let block = format!("{{\n{commands}\n}} > {said} 2>&1");
        script += &match when {
            When::Fails => format!("set +e\n{block}\nended=$?\nset -e\n[ \"$ended\" != 0 ]\n"),
            _ => format!("{block}\n"),
        };
        script += &format!(": > {said}.ended\n");
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_fails_ends_the_script_unless_it_is_to_fail() {
        let step = |line, script: &str, when| Step { line, script: script.to_owned(), when, shown: None };
        let steps = [
            step(1, "a=1", When::Always),
            step(4, "echo $a; false", When::Fails),
            step(7, "false\ntrue", When::Always),
            step(9, "true", When::Always),
        ];
        let folder = std::env::temp_dir().join(format!("highwater-guide-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let script = script(&steps.iter().collect::<Vec<_>>());
        let status =
            Command::new("sh").args(["-c", &script]).env("HIGHWATER_SAID", &folder).status().unwrap();
        let ended = [1, 4, 7, 9].map(|line| folder.join(format!("{line}.ended")).exists());
        let said = fs::read_to_string(folder.join("4")).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert!(!status.success());
        assert_eq!((ended, &*said), ([true, true, false, false], "1\n"));
    }
}
