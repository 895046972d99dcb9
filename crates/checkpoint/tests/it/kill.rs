//! A real process on a real disk, killed at any moment, again and again.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use highwater_checkpoint::{Array, Checkpoint, Folder, KeepLast, Snapshot, Store};
use tempfile::TempDir;

use crate::kills::{Kills, is_begun, kill_child};

/// In ordinary runs of the tests; `cargo xtask crash` asks for more.
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
    let kills = Kills::of("saving processes", KILLS);
    let saves = AtomicU64::new(0);
    kills.share(|| _ = saves.fetch_add(Killer::new().work(&kills), Relaxed));
    let saves = saves.into_inner();
    println!("{saves} saves, all with the bits of an uninterrupted process");
    assert!(saves >= KILLS / 2, "the killed processes made progress");
}

/// Kills one process after the other in the same folder.
struct Killer {
    run: TempDir,
    /// What nobody interrupts: as it was when last published, and now.
    best: Orbit,
    whole: Orbit,
    /// The last steps that a process has reported.
    durable: u64,
    published: u64,
}

impl Killer {
    fn new() -> Killer {
        let run = tempfile::tempdir().unwrap();
        Killer { run, best: Orbit::begin(), whole: Orbit::begin(), durable: 0, published: 0 }
    }

    /// The number of saves of all processes together.
    fn work(mut self, kills: &Kills) -> u64 {
        // How long the last process took for its first line, and for each further one.
        let (mut beginning, mut pace) = (Duration::from_millis(50), Duration::from_millis(20));
        for kill in 0.. {
            if kills.is_over() {
                break;
            }
            let began = Instant::now();
            let mut child = self.process();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
            // Some lines later, and at some moment before the next one.
            let heard = kill % 8;
            if heard > 0 {
                lines.by_ref().take(1).for_each(|line| self.note(&line));
                beginning = began.elapsed();
                lines.by_ref().take(heard - 1).for_each(|line| self.note(&line));
                pace = (began.elapsed() - beginning).checked_div(heard as u32 - 1).unwrap_or(pace);
            }
            std::thread::sleep(if heard > 0 { pace } else { beginning }.mul_f64(1.2 * kills.moment()));
            let was_at_a_file = kill_child(&mut child);
            lines.for_each(|line| self.note(&line));
            let status = child.wait().unwrap();
            if kills.is_given_up() {
                break;
            }
            assert_eq!(status.code(), None, "it was killed, and did not fail");
            kills.add(self.check() || was_at_a_file);
        }
        self.durable
    }

    fn process(&self) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::a_process_that_saves_for_ever", "--ignored", "--nocapture"])
            .env(DIR, self.run.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap()
    }

    fn note(&mut self, line: &str) {
        // The first line of a test may follow its name.
        let number = |word| Some(line.split_once(word)?.1.trim().parse::<u64>().unwrap());
        self.durable = number("durable ").unwrap_or(self.durable);
        self.published = number("published ").unwrap_or(self.published);
    }

    /// All that was reported is there, to the bit. Whether the process died while it saved or published something.
    fn check(&mut self) -> bool {
        let (run, folder) = (self.run.path(), self.run.path().join("checkpoints"));
        let while_saving = is_begun(&folder) || is_begun(run);
        let (found, report) = Folder::new(&folder).latest().unwrap();
        assert!(report.rejected.is_empty(), "{report}");
        let newest = found.as_ref().map_or(0, |checkpoint| same_bits(checkpoint, &mut self.whole));
        assert!(newest >= self.durable, "step {newest}, and {} was durable", self.durable);
        let path = run.join("best.safetensors");
        let mut best = 0;
        if self.published > 0 || path.exists() {
            best = same_bits(&Checkpoint::open(path).unwrap(), &mut self.best);
            assert!(best >= self.published, "step {best}, and {} was published", self.published);
        }
        let while_saving = while_saving || newest > self.durable || best > self.published;
        // What is there now is what the next process begins with.
        (self.durable, self.published) = (newest, best);
        while_saving
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
