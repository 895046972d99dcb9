//! Saving while training goes on: a disk that is slow, full for a while, or full for good.

use crate::problem::{
    How, Problem, arrays, best, bits, checkpoints, classification, overfitting, regression, told,
};
use highwater_checkpoint::{Disk, FileHandle, FileSystem, Folder, Goal, KeepBest, KeepLast, Lock, Retention};
use highwater_nn::Model;
use highwater_trainer::{Error, Event, Every, OnFailure, Report, Score, score_in};
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// The disk, with a tap.
#[derive(Debug, Default)]
struct Tap {
    full: AtomicBool,
    valve: Mutex<Valve>,
    turned: Condvar,
}

#[derive(Debug, Default)]
struct Valve {
    closed: bool,
    /// Somebody has come to it while it was closed.
    reached: bool,
}

impl Tap {
    fn close(&self, closed: bool) {
        self.valve.lock().unwrap().closed = closed;
        self.turned.notify_all();
    }

    /// Waits until an attempt to write stands before the closed tap.
    fn wait_for_the_writer(&self) {
        drop(self.turned.wait_while(self.valve.lock().unwrap(), |valve| !valve.reached));
    }

    /// Waits while the tap is closed. Whether the disk was full before.
    fn pass(&self) -> bool {
        let full = self.full.load(Ordering::Relaxed);
        let mut valve = self.valve.lock().unwrap();
        valve.reached |= valve.closed;
        self.turned.notify_all();
        drop(self.turned.wait_while(valve, |valve| valve.closed));
        full
    }

    fn fill(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }
}

impl FileSystem for Tap {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn FileHandle>> {
        match self.pass() {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Disk.create_new(path),
        }
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn FileHandle>> {
        Disk.open(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.rename(from, to)
    }
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.hard_link(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        Disk.remove_file(path)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        Disk.sync_dir(dir)
    }
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        Disk.create_dir(dir)
    }
    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        Disk.names(dir)
    }
    fn available(&self, dir: &Path) -> io::Result<u64> {
        if self.pass() { Ok(7) } else { Disk.available(dir) }
    }
    fn lock(&self, path: &Path, holder: &str) -> io::Result<Lock> {
        Disk.lock(path, holder)
    }
}

/// What a run with a tap did: its result, the model, and the warnings.
struct Ran {
    result: Result<Report, Error>,
    model: Model<f32>,
    warnings: Vec<String>,
    steps: u64,
}

fn run(
    problem: &Problem,
    dir: &Path,
    (on_failure, hurried): (OnFailure, bool),
    interrupt: &AtomicBool,
    mut act: impl FnMut(&Tap, &Event<'_>),
) -> Ran {
    let tap = Arc::new(Tap::default());
    let (mut warnings, mut steps) = (Vec::new(), 0);
    let mut watch = |event: &Event<'_>| {
        match event {
            Event::Warning(text) => warnings.push((*text).to_owned()),
            Event::Stepped { step, .. } => steps = *step,
            _ => {}
        }
        act(&tap, event);
        ControlFlow::Continue(())
    };
    let (result, model) = problem.run(How {
        dir: Some(dir),
        observer: Some(&mut watch),
        interrupt: Some(interrupt),
        on_failure,
        hurried,
        fs: Some(tap.clone()),
        ..How::default()
    });
    Ran { result, model, warnings, steps }
}

static NEVER: AtomicBool = AtomicBool::new(false);

/// The whole run, without any disk.
fn undisturbed(problem: &Problem) -> (Report, Vec<u32>) {
    let (report, model) = problem.run(How::default());
    (report.unwrap(), bits(&model))
}

fn newest(dir: &Path) -> u64 {
    Folder::new(checkpoints(dir)).latest().unwrap().0.unwrap().facts().step
}

#[test]
fn training_does_not_wait_for_a_slow_disk_and_is_not_changed_by_it() {
    for problem in [regression(), overfitting()] {
        let dir = tempfile::tempdir().unwrap();
        let last = problem.steps();
        let ran = run(&problem, dir.path(), (OnFailure::Stop, true), &NEVER, |tap, event| match event {
            // Training would stand still here for ever if it waited.
            Event::Stepped { step: 1, .. } => tap.close(true),
            Event::Stepped { step, .. } if *step == last => tap.close(false),
            _ => {}
        });
        let report = ran.result.unwrap();
        assert_eq!((told(&report), bits(&ran.model)), {
            let (report, bits) = undisturbed(&problem);
            (told(&report), bits)
        });
        assert!(report.saves.superseded > 0 && report.saves.written >= 2, "{:?}", report.saves);
        assert_eq!((newest(dir.path()), ran.warnings.len()), (last, 0));
        // The best was never given up.
        let whole = dir.path().join("whole");
        problem.fit(&whole);
        assert_eq!(arrays(&best(dir.path())), arrays(&best(&whole)));
        assert_eq!(told(&problem.resume(dir.path())), told(&report));
    }
}

#[test]
fn a_disk_that_is_full_for_a_while_costs_nothing_but_a_warning() {
    let problem = overfitting();
    let dir = tempfile::tempdir().unwrap();
    let mut saved = 0;
    let ran = run(&problem, dir.path(), (OnFailure::Warn, false), &NEVER, |tap, event| match event {
        Event::Saved { .. } => {
            saved += 1;
            if saved == 1 {
                tap.fill(true);
            }
        }
        Event::Stepped { step: 100, .. } => tap.fill(false),
        _ => {}
    });
    let report = ran.result.unwrap();
    assert_eq!(told(&report), told(&undisturbed(&problem).0));
    let [full, again, ..] = &ran.warnings[..] else { panic!("{:?}", ran.warnings) };
    // The disk may fill up between the look at its space and the file.
    assert!(full.contains("7 available") || full.contains("no storage space"), "{full}");
    assert!(full.contains("training goes on"), "{full}");
    assert!(again.contains("saving works again"), "{again}");
    assert!(report.saves.failed > 0);
    assert_eq!(newest(dir.path()), problem.steps());
    let whole = dir.path().join("whole");
    problem.fit(&whole);
    assert_eq!(arrays(&best(dir.path())), arrays(&best(&whole)));
}

#[test]
fn a_failure_that_comes_back_when_training_is_over_is_not_told_a_second_time() {
    let problem = overfitting();
    let (dir, last) = (tempfile::tempdir().unwrap(), problem.steps());
    let ran = run(&problem, dir.path(), (OnFailure::Warn, false), &NEVER, |tap, event| match event {
        Event::Saved { .. } => tap.fill(true),
        Event::Warning(text) if text.contains("goes on") => tap.close(true),
        Event::Validated { record, .. } if record.step == last => {
            tap.wait_for_the_writer();
            tap.fill(false);
            tap.close(false);
        }
        _ => {}
    });
    let report = ran.result.unwrap();
    assert_eq!(ran.warnings.len(), 2, "{:?}", ran.warnings);
    assert!(ran.warnings[1].contains("saving works again"), "{:?}", ran.warnings);
    assert!(report.saves.failed >= 2, "{:?}", report.saves);
    assert_eq!(newest(dir.path()), last);
}

#[test]
fn a_run_that_waits_for_space_goes_on_when_there_is_some() {
    let problem = regression();
    let dir = tempfile::tempdir().unwrap();
    let ran = run(&problem, dir.path(), (OnFailure::Wait, false), &NEVER, |tap, event| match event {
        Event::Stepped { step: 5, .. } => tap.fill(true),
        Event::Warning(text) if text.contains("waits for space") => tap.fill(false),
        _ => {}
    });
    assert_eq!(told(&ran.result.unwrap()), told(&undisturbed(&problem).0));
    assert_eq!(ran.warnings.len(), 2, "{:?}", ran.warnings);
    assert_eq!(newest(dir.path()), problem.steps());
}

#[test]
fn a_run_that_waits_for_space_can_be_ended_and_says_what_is_not_saved() {
    let problem = overfitting();
    let dir = tempfile::tempdir().unwrap();
    let interrupt = AtomicBool::new(false);
    let ran = run(&problem, dir.path(), (OnFailure::Wait, false), &interrupt, |tap, event| match event {
        Event::Stepped { step: 20, .. } => tap.fill(true),
        Event::Warning(text) if text.contains("waits for space") => interrupt.store(true, Ordering::Relaxed),
        _ => {}
    });
    let error = ran.result.unwrap_err();
    assert!(matches!(&error, Error::Checkpoint(error) if error.is_full()), "{error}");
    assert!(ran.steps < problem.steps() && newest(dir.path()) <= 21);
    assert_eq!(ran.warnings.len(), 1, "it does not wait again for its end: {:?}", ran.warnings);
    // Nothing is lost for good.
    assert_eq!(told(&problem.resume(dir.path())), told(&undisturbed(&problem).0));
}

#[test]
fn a_run_can_be_told_to_stop_when_a_checkpoint_cannot_be_written() {
    let problem = overfitting();
    let dir = tempfile::tempdir().unwrap();
    let mut failing_since = 0;
    let ran = run(&problem, dir.path(), (OnFailure::Stop, false), &NEVER, |tap, event| match event {
        Event::Validated { record, .. } if record.epoch == 10 => {
            failing_since = record.step;
            tap.fill(true);
        }
        // One more may have been on its way to the disk; its successors wait until the failure is known.
        _ => {}
    });
    let error = ran.result.unwrap_err();
    assert!(error.to_string().contains("7 available") || error.to_string().contains("create"), "{error}");
    assert!(ran.steps >= failing_since && ran.steps < problem.steps(), "{} steps", ran.steps);
    assert_eq!(told(&problem.resume(dir.path())), told(&undisturbed(&problem).0));
}

#[test]
fn what_is_never_saved_is_an_error_whatever_the_policy() {
    // The first checkpoint, or a later one. (A run too short to see that the first one failed sees it in the end.)
    let problem = regression();
    for (on_failure, later) in [(OnFailure::Warn, false), (OnFailure::Stop, false), (OnFailure::Warn, true)] {
        let dir = tempfile::tempdir().unwrap();
        let ran = run(&problem, dir.path(), (on_failure, false), &NEVER, |tap, event| match event {
            Event::Started(_) if !later => tap.fill(true),
            Event::Saved { .. } if later => tap.fill(true),
            _ => {}
        });
        let error = ran.result.unwrap_err();
        assert!(matches!(&error, Error::Checkpoint(error) if error.is_full()), "{error}");
        if later {
            assert_eq!(ran.steps, problem.steps());
            assert_eq!(bits(&ran.model), undisturbed(&problem).1, "the best is in memory");
        }
    }
}

#[test]
fn a_run_whose_first_checkpoint_cannot_be_written_is_not_trained_to_its_end() {
    let problem = overfitting();
    let dir = tempfile::tempdir().unwrap();
    let ran = run(&problem, dir.path(), (OnFailure::Warn, false), &NEVER, |tap, event| {
        if matches!(event, Event::Started(_)) {
            tap.fill(true);
        }
    });
    let error = ran.result.unwrap_err();
    assert!(matches!(&error, Error::Checkpoint(error) if error.is_full()), "{error}");
    assert!(ran.steps < problem.steps(), "{} steps", ran.steps);
}

#[test]
fn a_run_tells_what_saving_took() {
    let problem = regression();
    let dir = tempfile::tempdir().unwrap();
    let saves = problem.fit(dir.path()).saves;
    assert_eq!((saves.written, saves.superseded, saves.failed), (4, 0, 0));
    assert!(0.0 < saves.longest && saves.longest <= saves.took, "{saves:?}");
    assert!(0.0 < saves.finishing && saves.finishing < saves.stalled, "copies take time, too: {saves:?}");
    assert!(saves.stalled <= saves.training, "{saves:?}");
    assert_eq!(problem.run(How::default()).0.unwrap().saves.written, 0);
}

#[test]
fn with_another_score_to_select_by_earlier_checkpoints_are_ranked_by_that() {
    let dir = tempfile::tempdir().unwrap();
    let accuracy: Score = "accuracy".parse().unwrap();
    let retention = |goal| Some(Box::new(KeepLast(1).or(KeepBest(1, goal))) as Box<dyn Retention>);
    let mut problem = classification();
    problem.config.validate = Every::Steps(1);
    // So large that losses are above 1, which no accuracy is.
    (problem.config.epochs, problem.config.learning_rate) = (1, 8.0);
    let how = How { dir: Some(dir.path()), retention: retention(Goal::Minimize), ..How::default() };
    let first = problem.run(how).0.unwrap();
    assert!(first.history.last().unwrap().validation_loss > 1.0);

    (problem.config.epochs, problem.config.learning_rate) = (5, 0.2);
    problem.config.select = accuracy;
    let retention = retention(Goal::Maximize);
    let how = How { dir: Some(dir.path()), resume: true, retention, ..How::default() };
    let report = problem.run(how).0.unwrap();
    let best_step = report.best().unwrap().step;
    assert!(first.steps < best_step && best_step < report.steps, "{best_step}");
    let entries = Folder::new(checkpoints(dir.path())).list().unwrap().entries;
    let kept: Vec<u64> = entries.iter().map(|entry| entry.key.step).collect();
    assert_eq!(kept, [best_step, report.steps]);
    let scores: Vec<Option<f64>> = entries.iter().map(|entry| score_in(&entry.facts, accuracy)).collect();
    let recorded = |record: &highwater_trainer::Record| Some(record.score(accuracy));
    assert_eq!(scores, [recorded(report.best().unwrap()), recorded(report.history.last().unwrap())]);
}
