//! How runs end, and which model they leave.

use crate::problem::{How, Problem, bits, classification, files, overfitting, regression, told};
use highwater_checkpoint::Checkpoint;
use highwater_early_stopping::{NonFinite, StopReason};
use highwater_nn::Model;
use highwater_optim::{Curve, Schedule};
use highwater_trainer::{Ended, Error, Event, Every, OnFailure, Record, Report, Score, evaluate};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

/// Observes the records, and does something at a validation.
fn at_validation<'a>(
    number: usize,
    records: &'a mut Vec<Record>,
    mut act: impl FnMut() -> ControlFlow<()> + 'a,
) -> impl FnMut(&Event<'_>) -> ControlFlow<()> + 'a {
    move |event| {
        let Event::Validated { record, .. } = event else { return ControlFlow::Continue(()) };
        records.push((*record).clone());
        if records.len() == number { act() } else { ControlFlow::Continue(()) }
    }
}

/// The model must be that of the best record, and not that of the last.
#[track_caller]
fn check_kept(problem: &Problem, model: &Model<f32>, records: &[Record]) {
    let best = records.iter().min_by(|a, b| a.validation_loss.total_cmp(&b.validation_loss)).unwrap();
    assert!(best.step < records.last().unwrap().step, "{records:?}");
    let scores = evaluate(model, &problem.loss, &problem.config.metrics, &problem.validation, &[]);
    assert_eq!((scores.loss, scores.metrics), (best.validation_loss, best.metrics.clone()));
}

#[track_caller]
fn check_report(problem: &Problem, model: &Model<f32>, report: &Report) {
    check_kept(problem, model, &report.history);
    let least = report.history.iter().map(|record| record.validation_loss).fold(f64::INFINITY, f64::min);
    assert_eq!(report.best().map(|best| best.validation_loss), Some(least));
}

#[test]
fn the_best_model_is_left_when_a_rule_stops_the_run() {
    let mut problem = overfitting();
    problem.config.stop = "patience(4)".parse().unwrap();
    let (report, model) = problem.run(How::default());
    let report = report.unwrap();
    let Ended::Stopped(StopReason::NoImprovement { .. }) = &report.ended else {
        panic!("{:?}", report.ended)
    };
    let best = report.best.unwrap();
    assert_eq!(report.history.len(), best + 5);
    assert_eq!((report.epochs, report.epoch_limit), (report.history.len() as u64, 40));
    check_report(&problem, &model, &report);
}

#[test]
fn the_best_model_is_left_at_the_limit_of_epochs() {
    let problem = overfitting();
    let (report, model) = problem.run(How::default());
    let report = report.unwrap();
    assert_eq!((&report.ended, report.epochs, report.steps), (&Ended::EpochLimit, 40, problem.steps()));
    check_report(&problem, &model, &report);
}

#[test]
fn the_best_model_is_left_when_an_observer_or_a_signal_ends_the_run() {
    let problem = overfitting();
    let flag = AtomicBool::new(false);
    let by_signal = || {
        flag.store(true, Ordering::Relaxed);
        ControlFlow::Continue(())
    };
    let by_observer = || ControlFlow::Break(());
    let ways: [&dyn Fn() -> ControlFlow<()>; 2] = [&by_observer, &by_signal];
    for act in ways {
        let mut records = Vec::new();
        let mut observer = at_validation(30, &mut records, act);
        let how = How { observer: Some(&mut observer), interrupt: Some(&flag), ..How::default() };
        let (report, model) = problem.run(how);
        let report = report.unwrap();
        assert_eq!((&report.ended, report.history.len()), (&Ended::Interrupted, 30));
        check_report(&problem, &model, &report);
    }
}

#[test]
fn the_best_model_is_left_when_a_checkpoint_cannot_be_written() {
    let problem = overfitting();
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let mut records = Vec::new();
    let lose_the_disk = || {
        std::fs::rename(&run, dir.path().join("gone")).unwrap();
        ControlFlow::Continue(())
    };
    let mut observer = at_validation(30, &mut records, lose_the_disk);
    let on_failure = OnFailure::Stop;
    let (report, model) =
        problem.run(How { dir: Some(&run), observer: Some(&mut observer), on_failure, ..How::default() });
    let error = report.unwrap_err();
    assert!(matches!(error, Error::Checkpoint(highwater_checkpoint::Error::Gone { .. })), "{error}");
    drop(observer);
    // The two that may be under way fail a little later.
    assert!((30..=33).contains(&records.len()), "{}", records.len());
    check_kept(&problem, &model, &records);
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_and_is_never_best() {
    for (mut problem, monitor) in [
        (regression(), Score::Loss),
        (regression(), "mae".parse().unwrap()),
        (classification(), "accuracy".parse().unwrap()),
    ] {
        (problem.config.monitor, problem.config.select) = (monitor, monitor);
        // From the third epoch on, far too large a rate.
        let explode = Curve::MultiStep { milestones: vec![8], gamma: 1e38 };
        for (schedule, epochs, kept) in [(explode.into(), 3, true), (Schedule::default(), 1, false)] {
            problem.config.schedule = schedule;
            problem.config.learning_rate = if kept { 0.05 } else { 1e38 };
            problem.config.epochs = 9;
            let (report, model) = problem.run(How::default());
            let report = report.unwrap();
            let Ended::Stopped(StopReason::NonFinite { at, failed: false, .. }) = report.ended else {
                panic!("{monitor}: {report:?}")
            };
            assert_eq!((at, report.history.len() as u64), (epochs, epochs), "{monitor}");
            assert_eq!(report.best.is_some_and(|best| best < 2), kept, "{monitor}: {report:?}");
            let scores = evaluate(&model, &problem.loss, &problem.config.metrics, &problem.validation, &[]);
            assert_eq!(scores.loss.is_finite(), kept, "{monitor}");
        }
    }
}

#[test]
fn a_loss_that_is_not_finite_can_be_a_failure_or_be_sat_out() {
    let mut problem = regression();
    problem.config.learning_rate = 1e38;
    for (policy, ended) in [
        (NonFinite::Fail, "failure"),
        (NonFinite::Count, "the limit of epochs"),
        (NonFinite::Ignore, "the limit of epochs"),
    ] {
        problem.config.non_finite = policy;
        let report = problem.run(How::default()).0.unwrap();
        match &report.ended {
            Ended::Stopped(reason) if ended == "failure" => assert!(reason.is_failure()),
            other => assert_eq!(other.to_string(), ended),
        }
        assert_eq!(report.best, None);
    }
}

#[test]
fn a_run_that_has_ended_ends_again_at_once_with_the_same_report() {
    for stop in ["never", "patience(3)"] {
        let mut problem = overfitting();
        problem.config.epochs = 20;
        problem.config.stop = stop.parse().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let how = |resume| How { dir: Some(dir.path()), resume, ..How::default() };
        let (report, model) = problem.run(how(false));
        let before = files(dir.path());
        let (again, same_model) = problem.run(how(true));
        let mut again = again.unwrap();
        assert_eq!(std::mem::take(&mut again.saves).written, 0);
        assert_eq!(again, Report { saves: again.saves, ..report.unwrap() });
        assert_eq!(bits(&same_model), bits(&model));
        assert_eq!(files(dir.path()), before);
    }
}

#[test]
fn a_changed_rule_or_limit_takes_effect_on_resuming() {
    let stop = |problem: &mut Problem, rule: &str| problem.config.stop = rule.parse().unwrap();
    let mut short = overfitting();
    stop(&mut short, "patience(2)");
    let mut long = short.clone();
    stop(&mut long, "patience(9)");
    let dir = tempfile::tempdir().unwrap();
    let hasty = short.fit(dir.path());
    let patient = long.resume(dir.path());
    assert!(patient.steps > hasty.steps, "{hasty:?}");
    assert_eq!(told(&patient), told(&long.run(How::default()).0.unwrap()));

    // Now the run has gone on for longer than the first rule allows.
    let again = short.resume(dir.path());
    assert_eq!(again.steps, patient.steps);
    assert!(matches!(again.ended, Ended::Stopped(StopReason::NoImprovement { .. })), "{}", again.ended);

    let mut longer = long.clone();
    stop(&mut longer, "never");
    longer.config.epochs = patient.epochs + 3;
    assert_eq!(longer.resume(dir.path()).epochs, patient.epochs + 3);
}

#[test]
fn the_last_step_is_validated_and_saved_once() {
    let mut problem = regression();
    problem.config.validate = Every::Steps(5);
    let dir = tempfile::tempdir().unwrap();
    let mut saves = 0;
    let mut count = |event: &Event<'_>| {
        saves += u32::from(matches!(event, Event::Saved { .. }));
        ControlFlow::Continue(())
    };
    let how = How { dir: Some(dir.path()), observer: Some(&mut count), ..How::default() };
    let report = problem.run(how).0.unwrap();
    let records: Vec<_> = report.history.iter().map(|record| (record.epoch, record.step)).collect();
    assert_eq!(records, [(1, 5), (2, 10), (3, 12)]);
    assert_eq!(saves, 4);
    let facts = |path| Checkpoint::open(path).unwrap().facts().clone();
    let saved: Vec<_> = files(dir.path()).into_iter().map(facts).map(|f| (f.epoch, f.step)).collect();
    assert_eq!(saved, [(0, 0), (1, 5), (2, 10), (3, 12)]);
}

#[test]
fn a_limit_of_epochs_within_the_rule_counts_complete_epochs() {
    let mut problem = regression();
    problem.config.validate = Every::Steps(3);
    problem.config.stop = "epochs(2)".parse().unwrap();
    let report = problem.run(How::default()).0.unwrap();
    assert_eq!((report.steps, report.ended.to_string()), (9, "the limit of 2 epochs is reached".to_owned()));
}
