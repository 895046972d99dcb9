//! A real process on a real disk, killed at any moment, again and again.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use highwater_checkpoint::{Array, Checkpoint, Folder, KeepLast, Snapshot, Store};

/// `cargo xtask crash` asks for more.
const KILLS: u64 = 200;
const DIR: &str = "HIGHWATER_TEST_KILL_DIR";

/// A computation in which every bit of every step matters to all that follow.
struct Orbit {
    step: u64,
    numbers: Vec<f64>,
}

impl Orbit {
    fn begin() -> Self {
        Self { step: 0, numbers: (1..=5000).map(|i| f64::from(i) / 5001.0).collect() }
    }

    fn advance(&mut self) {
        self.step += 1;
        self.numbers.iter_mut().for_each(|x| *x = 3.99 * *x * (1.0 - *x));
    }
}

#[test]
#[ignore = "runs until it is killed, by the test below"]
fn a_process_that_saves_for_ever() {
    let run = PathBuf::from(std::env::var_os(DIR).expect("only the test below starts this"));
    let mut store = Store::open(run.join("checkpoints")).unwrap();
    store.retain(KeepLast(2));
    let (found, report) = store.latest().unwrap();
    assert!(report.rejected.is_empty(), "{report}");
    let mut orbit = Orbit::begin();
    if let Some(checkpoint) = &found {
        assert_eq!(store.continue_from(checkpoint).unwrap(), 0, "nothing is newer than the newest");
        orbit.step = checkpoint.facts().step;
        orbit.numbers = checkpoint.array("w").unwrap().as_f64().unwrap().into_owned();
    }
    loop {
        orbit.advance();
        let arrays = [Array::f64("w", &[5000], &orbit.numbers)];
        let snapshot = Snapshot { step: orbit.step, arrays: &arrays, ..Snapshot::default() };
        let saved = store.save(&snapshot).unwrap();
        println!("durable {}", orbit.step);
        if orbit.step.is_multiple_of(2) {
            store.publish(saved.key, run.join("best.safetensors")).unwrap();
            println!("published {}", orbit.step);
        }
    }
}

#[test]
fn killing_the_process_at_any_moment_takes_nothing_away() {
    let kills = std::env::var("HIGHWATER_KILLS").map_or(KILLS, |number| number.parse().unwrap());
    let run = tempfile::tempdir().unwrap();
    // What nobody interrupts: as it was when last published, and now.
    let (mut best, mut whole) = (Orbit::begin(), Orbit::begin());
    let (mut durable, mut published) = (0, 0);
    for kill in 0..kills {
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
        for moment in 0..kill * 5_000 % 1_000_000 {
            std::hint::black_box(moment);
        }
        child.kill().unwrap();
        lines.for_each(&mut note);
        let status = child.wait().unwrap();
        assert_eq!(status.code(), None, "it was killed, and did not fail");
        check(run.path(), &mut best, &mut whole, durable, published);
    }
    println!(
        "kills: {kills} of saving processes; {durable} saves, all with the bits of an uninterrupted process"
    );
    assert!(durable >= kills / 2, "the killed processes made progress");
}

fn check(run: &Path, best: &mut Orbit, whole: &mut Orbit, durable: u64, published: u64) {
    let (found, report) = Folder::new(run.join("checkpoints")).latest().unwrap();
    assert!(report.rejected.is_empty(), "{report}");
    assert!(found.as_ref().map_or(0, |checkpoint| same_bits(checkpoint, whole)) >= durable);
    let path = run.join("best.safetensors");
    if published > 0 || path.exists() {
        assert!(same_bits(&Checkpoint::open(path).unwrap(), best) >= published);
    }
}

/// Holds a checkpoint against the computation that nobody interrupts, which goes on to there. Returns its step.
fn same_bits(checkpoint: &Checkpoint, whole: &mut Orbit) -> u64 {
    let step = checkpoint.facts().step;
    assert!(step >= whole.step, "step {step} after step {}", whole.step);
    while whole.step < step {
        whole.advance();
    }
    let bits = |numbers: &[f64]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&checkpoint.array("w").unwrap().as_f64().unwrap()), bits(&whole.numbers), "step {step}");
    step
}
