//! A real process on a real disk, killed at any moment, again and again.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use highwater_checkpoint::{Array, Checkpoint, Folder, KeepLast, Snapshot, Store};

const KILLS: u64 = 200;
const DIR: &str = "HIGHWATER_TEST_KILL_DIR";

#[test]
#[ignore = "runs until it is killed, by the test below"]
fn a_process_that_saves_for_ever() {
    let run = PathBuf::from(std::env::var_os(DIR).expect("only the test below starts this"));
    let mut store = Store::open(run.join("checkpoints")).unwrap();
    store.retain(KeepLast(2));
    let (found, report) = store.latest().unwrap();
    assert!(report.rejected.is_empty(), "{report}");
    if let Some(checkpoint) = &found {
        assert_eq!(store.continue_from(checkpoint).unwrap(), 0, "nothing is newer than the newest");
    }
    for step in found.map_or(0, |checkpoint| checkpoint.facts().step) + 1.. {
        let numbers = vec![step as f64; 5000];
        let arrays = [Array::f64("w", &[5000], &numbers)];
        let saved = store.save(&Snapshot { step, arrays: &arrays, ..Snapshot::default() }).unwrap();
        println!("durable {step}");
        if step % 2 == 0 {
            store.publish(saved.key, run.join("best.safetensors")).unwrap();
            println!("published {step}");
        }
    }
}

#[test]
fn killing_the_process_at_any_moment_takes_nothing_away() {
    let run = tempfile::tempdir().unwrap();
    let (mut durable, mut published) = (0, 0);
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::a_process_that_saves_for_ever", "--ignored", "--nocapture"])
            .env(DIR, run.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut note = |line: String| {
            // The first line of a test may follow its name.
            let number = |word| Some(line.split_once(word)?.1.trim().parse::<u64>().unwrap());
            durable = number("durable ").unwrap_or(durable);
            published = number("published ").unwrap_or(published);
        };
        // Some lines later, and some moments after that.
        lines.by_ref().take(3 + (kill % 5) as usize).for_each(&mut note);
        for moment in 0..kill * 5_000 {
            std::hint::black_box(moment);
        }
        child.kill().unwrap();
        lines.for_each(&mut note);
        let status = child.wait().unwrap();
        assert_eq!(status.code(), None, "it was killed, and did not fail");
        check(run.path(), durable, published);
    }
    println!("kills: {KILLS}, {durable} saves");
    assert!(durable >= KILLS / 2, "the killed processes made progress");
}

fn check(run: &Path, durable: u64, published: u64) {
    let step_of = |checkpoint: &Checkpoint| {
        let step = checkpoint.facts().step;
        assert_eq!(*checkpoint.array("w").unwrap().as_f64().unwrap(), vec![step as f64; 5000]);
        step
    };
    let (found, report) = Folder::new(run.join("checkpoints")).latest().unwrap();
    assert!(report.rejected.is_empty(), "{report}");
    assert!(found.as_ref().map_or(0, step_of) >= durable);
    let best = run.join("best.safetensors");
    if published > 0 || best.exists() {
        assert!(step_of(&Checkpoint::open(best).unwrap()) >= published);
    }
}
