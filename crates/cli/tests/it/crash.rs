//! Killed or interrupted at any moment, and resumed, a run ends with the same bits.

use crate::args;
use crate::digits::default_run;
use crate::kills::{Kills, is_begun, kill_child};
use crate::run::{Said, assert_same, done, highwater, run, table, tree};
use highwater_checkpoint::{Folder, verify};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

const SIGKILL: i32 = 9;

/// Long enough to be killed in its midst, and small.
fn iris(out: &Path) -> Vec<OsString> {
    iris_for("100", out)
}

fn iris_for(epochs: &str, out: &Path) -> Vec<OsString> {
    let learn = ["--hidden", "16", "--dropout", "0.1", "--epochs", epochs, "--stop", "never", "--seed", "7"];
    // No checkpoint is passed over: a kill finds one that is nearly new.
    let save = ["--validate-every", "3", "--keep-every", "30"];
    let words = learn.into_iter().chain(save).map(OsString::from).collect();
    [args!["train", "--data", table("iris.csv"), "--target", "species", "--out", out], words].concat()
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

/// Kills of [`killed_at_random_moments_runs_end_with_the_bits_of_an_uninterrupted_one`]; `cargo xtask crash` asks for more.
const KILLS: u64 = 40;
/// Steps of a run of [`short`].
const STEPS: u64 = 240;

/// A run that saves 81 times, and then trains on all rows.
fn short(out: &Path) -> Vec<OsString> {
    iris_for("60", out)
}

#[test]
fn killed_at_random_moments_runs_end_with_the_bits_of_an_uninterrupted_one() {
    let kills = Kills::of("training processes", KILLS);
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    let began = Instant::now();
    done(short(&whole));
    // How long a process is let alone at the most. Others have the machine as well, now more and now less.
    let patience = Mutex::new(began.elapsed());

    let runs = AtomicU64::new(0);
    // Kills by how far the checkpoints had come: none yet, some tenth of the steps, all.
    let places: Mutex<BTreeMap<Option<u64>, u64>> = Mutex::default();
    kills.share(|| {
        while !kills.is_over() {
            let run = dir.path().join(runs.fetch_add(1, Relaxed).to_string());
            loop {
                // Before there is a configuration there is nothing to resume.
                let begun = run.join("config.toml").exists();
                let args = if begun { args!["resume", &run] } else { short(&run) };
                let left = 1.0 - 0.5 * newest(&run).unwrap_or(0) as f64 / STEPS as f64;
                let threads = if kills.moment() < 0.5 { "1" } else { "2" };
                let mut child = highwater([args, args!["--threads", threads]].concat())
                    .stderr(Stdio::null())
                    .stdout(Stdio::null())
                    .spawn()
                    .unwrap();
                // A moment of the rest of its life, the beginning and the end among them. Nothing is waited for.
                let moment = Instant::now() + patience.lock().unwrap().mul_f64(kills.moment() * left);
                let mut status = child.try_wait().unwrap();
                while let (None, now) = (status, Instant::now())
                    && now < moment
                {
                    std::thread::sleep((moment - now).min(Duration::from_millis(10)));
                    status = child.try_wait().unwrap();
                }
                let was_at_a_file = kill_child(&mut child);
                let status = child.wait().unwrap();
                if kills.is_given_up() {
                    return;
                }
                let killed = status.signal() == Some(SIGKILL);
                // Two of three are killed.
                let mut patience = patience.lock().unwrap();
                *patience = patience.mul_f64(if killed { 1.05 } else { 0.9 });
                drop(patience);
                if !killed {
                    assert_eq!(status.code(), Some(0), "{}", run.display());
                    break;
                }
                let is_begun = is_begun(&run) || is_begun(&run.join("checkpoints"));
                kills.add(is_begun || was_at_a_file);
                let place = newest(&run).map(|step| step * 10 / STEPS);
                *places.lock().unwrap().entry(place).or_default() += 1;
            }
            assert_same(&run, &whole);
            let of_all_rows = [&run, &whole].map(|run| std::fs::read(run.join("final.safetensors")).unwrap());
            assert!(of_all_rows[0] == of_all_rows[1], "the models of all rows differ");
            std::fs::remove_dir_all(&run).unwrap();
        }
    });
    println!("{} runs ended with the same bits", runs.into_inner());
    let places = places.into_inner().unwrap();
    println!("kills by the newest checkpoint, in tenths of the steps: {places:?}");
}

/// The step of the newest checkpoint of a run, if there is one. All its files are sound.
fn newest(run: &Path) -> Option<u64> {
    let mut found = Folder::new(run.join("checkpoints")).list().unwrap();
    assert!(found.unreadable.is_empty(), "{found:?}");
    let paths = found.entries.iter().map(|entry| entry.path.clone());
    let models = ["best.safetensors", "final.safetensors"].map(|name| run.join(name));
    for path in paths.chain(models.into_iter().filter(|path| path.exists())) {
        verify(path).unwrap();
    }
    found.entries.pop().map(|newest| newest.key.step)
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
    assert!(said.out.contains("Interrupted") && said.out.contains("cargo xtask resume"), "{said:?}");
    done(args!["checkpoints", "verify", &run]);
    let is_told = |run: &Path| {
        let predict = done(args!["predict", run, "--data", table("iris.csv")]);
        let evaluate = done(args!["evaluate", run, "--json"]);
        let note = evaluate.json()["note"].to_string();
        let told = [&predict.err, &evaluate.err, &note].map(|text| text.contains("unfinished: "));
        assert!(told.iter().all(|is_told| *is_told == told[0]), "{predict:?} {evaluate:?}");
        told[0]
    };
    assert!(is_told(&run) && !is_told(&whole));
    for quiet in
        [args!["predict", &run, "--data", table("iris.csv"), "--quiet"], args!["evaluate", &run, "--quiet"]]
    {
        assert_eq!(done(quiet).err, "");
    }
    // Of a page that was being written when the process was killed.
    let left = run.join("report.html.part-7-0");
    std::fs::write(&left, "half").unwrap();
    done(args!["resume", &run]);
    assert!(!left.exists());
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
    // Stopped, it holds its lock and changes nothing, but not before its last thread has left the kernel.
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::STOP).unwrap();
    let stopped = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap();
    assert!(stopped.is_some_and(|(_, status)| status.stopped()), "{stopped:?}");
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
