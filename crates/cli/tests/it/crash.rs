//! Killed or interrupted at any moment, and resumed, a run ends with the same bits.

use crate::args;
use crate::digits::default_run;
use crate::run::{Said, assert_same, done, highwater, run, table, tree};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command};

const SIGKILL: i32 = 9;

/// Long enough to be killed in its midst, and small.
fn iris(out: &Path) -> Vec<OsString> {
    args![
        "train",
        "--data",
        table("iris.csv"),
        "--target",
        "species",
        "--hidden",
        "16",
        "--dropout",
        "0.1",
        "--epochs",
        "100",
        "--stop",
        "never",
        "--validate-every",
        "3",
        "--seed",
        "7",
        // No checkpoint is passed over: a kill finds one that is nearly new.
        "--keep-every",
        "30",
        "--out",
        out
    ]
}

/// Waits for so many lines of progress; `None` if there were fewer.
fn after_lines(child: &mut Child, lines: usize) -> Option<BufReader<std::process::ChildStderr>> {
    let mut progress = BufReader::new(child.stderr.take().unwrap());
    for _ in 0..lines {
        if progress.read_line(&mut String::new()).unwrap() == 0 {
            return None;
        }
    }
    Some(progress)
}

/// Starts a command and kills it after so many lines of progress. Whether it was still alive.
fn killed(args: Vec<OsString>, lines: usize) -> bool {
    let mut child = highwater(args).spawn().unwrap();
    let progress = after_lines(&mut child, lines);
    child.kill().unwrap();
    drop(progress);
    child.wait().unwrap().signal() == Some(SIGKILL)
}

fn interrupt(child: &Child) {
    let command = format!("kill -INT {} 2> /dev/null", child.id());
    _ = Command::new("sh").args(["-c", &command]).status().unwrap();
}

#[test]
fn a_killed_run_ends_with_the_bits_of_an_uninterrupted_one() {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    done(iris(&whole));
    for threads in ["1", "2"] {
        let run = dir.path().join(threads);
        let with_threads = |args: Vec<OsString>| [args, args!["--threads", threads]].concat();
        let mut kills = usize::from(killed(with_threads(iris(&run)), 1));
        // Each time it goes on from where the last kill left it.
        for lines in [1, 2, 3, 5, 8, 11] {
            kills += usize::from(killed(with_threads(args!["resume", &run]), lines));
        }
        assert!(kills >= 4, "only {kills} kills came in time");
        let said = done(with_threads(args!["resume", &run]));
        assert!(said.err.contains("resumed after step"), "{said:?}");
        assert_same(&run, &whole);
    }
}

#[test]
fn a_run_that_is_killed_as_it_begins_can_be_resumed_or_begun_again() {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    done(iris(&whole));
    for (number, sign) in ["", "config.toml", "checkpoints", "checkpoints/.lock"].into_iter().enumerate() {
        let run = dir.path().join(number.to_string());
        let mut child = highwater(iris(&run)).spawn().unwrap();
        while !run.join(sign).exists() {
            assert!(child.try_wait().unwrap().is_none(), "{sign} never came");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        match run.join("config.toml").exists() {
            true => done(args!["resume", &run]),
            false => done(iris(&run)),
        };
        assert_same(&run, &whole);
    }
}

#[test]
fn a_killed_run_of_the_digits_ends_like_an_uninterrupted_one() {
    let (whole, summary) = default_run();
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    assert!(killed(args!["train", "--out", &run], 4));
    let resumed = done(args!["resume", &run, "--json"]).json();
    assert_same(&run, whole);
    for key in ["ended", "best_epoch", "epochs", "steps", "validation", "test"] {
        assert_eq!(resumed[key], summary[key], "{key}");
    }
}

#[test]
fn an_interrupted_run_saves_and_leaves_with_130() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, run) = (dir.path().join("whole"), dir.path().join("run"));
    done(iris(&whole));
    let mut child = highwater(iris(&run)).spawn().unwrap();
    let mut progress = after_lines(&mut child, 3).unwrap();
    interrupt(&child);
    let mut rest = String::new();
    progress.read_to_string(&mut rest).unwrap();
    let said = Said::of(child.wait_with_output().unwrap());
    assert_eq!(said.code, Some(130), "{rest}");
    assert!(rest.contains("Interrupted"), "{rest}");
    assert!(said.out.contains("cargo xtask resume"), "{said:?}");
    done(args!["checkpoints", "verify", &run]);
    done(args!["resume", &run]);
    assert_same(&run, &whole);
}

#[test]
fn a_second_interrupt_leaves_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    // A step takes so long that the first interrupt cannot end the run before the second one comes.
    let slow = ["--hidden", "1500,1500", "--batch-size", "2000", "--optimizer", "sgd", "--threads", "1"];
    let mut child = highwater([args!["train", "--out", &run], slow.map(OsString::from).to_vec()].concat())
        .spawn()
        .unwrap();
    let progress = after_lines(&mut child, 1).unwrap();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        interrupt(&child);
    };
    drop(progress);
    assert_eq!(status.code(), Some(130));
    assert!(!run.join("report.html").exists(), "it took its time");
    let said = done(args!["resume", &run, "--epochs", "1", "--quiet"]);
    assert_eq!((said.out, said.err), (String::new(), String::new()));
}

#[test]
fn a_run_that_goes_on_elsewhere_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let mut child = highwater(iris(&folder)).spawn().unwrap();
    let progress = after_lines(&mut child, 2).unwrap();
    let config = std::fs::read(folder.join("config.toml")).unwrap();
    // Stopped, it holds its lock and changes nothing.
    _ = Command::new("sh").args(["-c", &format!("kill -STOP {}", child.id())]).status().unwrap();
    let before = tree(&folder);
    let said = run(args!["resume", &folder, "--epochs", "3"]);
    let after = tree(&folder);
    child.kill().unwrap();
    child.wait().unwrap();
    drop(progress);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("locked by") && said.err.contains("checkpoints"), "{said:?}");
    assert!(before == after && before[&folder.join("config.toml")] == config);
}
