//! What rules go by beside the value: gradients, reductions, standard errors. And runs without validation rows.

use crate::problem::{How, Problem, classification, overfitting, regression};
use highwater_autodiff::{Feed, Mode};
use highwater_data::{BatchTargets, Dataset, epoch_order};
use highwater_early_stopping::{GradientEvidence, StopReason};
use highwater_nn::{Activation, Layer};
use highwater_optim::ReduceOnPlateau;
use highwater_trainer::{Ended, Every, Record, evaluate};

/// The criterion of these batches at the initial parameters, from the gradient of each row on its own.
fn by_definition(problem: &Problem, batches: &[Vec<usize>]) -> f64 {
    let model = problem.model();
    let program = model.compile(|y| problem.loss.record(y));
    let mut ws = program.workspace(1);
    let mut evidence = GradientEvidence::default();
    for rows in batches {
        let count = model.parameters().len();
        let (mut sums, mut squares) = (vec![0.0_f64; count], vec![0.0_f64; count]);
        for row in rows {
            let one = problem.train.select(&[*row]);
            let batch = one.batch(0..1);
            let targets = match batch.targets {
                BatchTargets::Classes(classes) => Feed::Indices(classes),
                BatchTargets::Values(values) => Feed::Values(values),
            };
            let feeds = [Feed::Values(batch.features), targets];
            let mut gradients = vec![0.0; count];
            program.forward(&mut ws, model.parameters(), &feeds, Mode::Train { key: 0 });
            program.backward(&mut ws, model.parameters(), &feeds, &mut gradients);
            for (i, gradient) in gradients.into_iter().map(f64::from).enumerate() {
                sums[i] += gradient;
                squares[i] += gradient * gradient;
            }
        }
        for (sum, squares) in sums.into_iter().zip(squares) {
            evidence.add(rows.len() as u64, sum / rows.len() as f64, squares);
        }
    }
    evidence.criterion().unwrap()
}

fn with_rule(mut problem: Problem, rule: &str) -> Problem {
    problem.config.stop = rule.parse().unwrap();
    problem
}

fn run(problem: &Problem) -> highwater_trainer::Report {
    problem.run(How::default()).0.unwrap()
}

#[test]
fn the_evidence_is_that_of_the_gradients_of_the_rows_one_by_one() {
    let shortcut = vec![
        Layer::Linear { outputs: 6 },
        Layer::Activation(Activation::Gelu),
        Layer::Shortcut { from: 0 },
        Layer::Linear { outputs: 1 },
    ];
    let mut past_layers = regression();
    past_layers.layers = Some(shortcut);
    for (name, problem) in
        [("regression", regression()), ("classification", classification()), ("shortcut", past_layers)]
    {
        let mut problem = with_rule(problem, "evidence and never");
        problem.config.epochs = 1;
        // Parameters stay where they are. Clipping is no part of the statistics.
        problem.config.learning_rate = 1e-30;
        problem.config.clip_norm = Some(1e-3);
        let order: Vec<usize> = epoch_order(11, 0, 50).into_iter().map(|row| row as usize).collect();
        for (batch_size, micro_batch, full) in
            [(16, None, 16), (16, Some(7), 16), (50, None, 50), (64, Some(20), 50)]
        {
            problem.config.batch_size = batch_size;
            problem.config.micro_batch = micro_batch;
            // The two rows of the last step do not count.
            let batches: Vec<Vec<usize>> =
                order.chunks(full).filter(|rows| rows.len() == full).map(<[usize]>::to_vec).collect();
            let expected = by_definition(&problem, &batches);
            let found = run(&problem).history[0].signals.evidence.unwrap();
            assert!(
                (found - expected).abs() < 1e-4 * (1.0 - expected),
                "{name}, {batch_size} {micro_batch:?}: {found}, not {expected}"
            );
        }
    }
}

#[test]
fn without_being_asked_for_nothing_is_measured() {
    let signals = run(&regression()).history[0].signals;
    assert_eq!(signals, Default::default());
}

fn without_validation(problem: Problem) -> Problem {
    let validation = problem.validation.select(&[]);
    Problem { validation, ..problem }
}

#[test]
fn a_run_without_validation_rows_ends_when_its_gradients_are_noise() {
    let mut problem = without_validation(with_rule(overfitting(), "held(2, evidence)"));
    problem.config.epochs = 400;
    problem.config.batch_size = 12;
    let report = run(&problem);
    let Ended::Stopped(StopReason::Held { times: 2, reason }) = &report.ended else {
        panic!("{:?}", report.ended)
    };
    let [.., before, last] = &report.history[..] else { panic!("{} records", report.history.len()) };
    let StopReason::Evidence { criterion, at } = **reason else { panic!("{reason:?}") };
    assert_eq!((Some(criterion), at), (last.signals.evidence, last.epoch));
    assert!(before.signals.evidence > Some(0.0) && report.epochs < 400, "{report:?}");
    assert_eq!(
        report.history.iter().position(|r| r.signals.evidence > Some(0.0)),
        Some(report.history.len() - 2)
    );
}

#[test]
fn without_validation_rows_the_training_rows_take_their_place() {
    let problem = without_validation(regression());
    let (report, model) = problem.run(How::default());
    let report = report.unwrap();
    let scores = evaluate(&model, &problem.loss, &problem.config.metrics, &problem.train, &[]);
    let best = report.best().unwrap();
    assert_eq!((best.validation_loss, &best.metrics), (scores.loss, &scores.metrics));
    let least = report.history.iter().map(|r| r.validation_loss).fold(f64::INFINITY, f64::min);
    assert_eq!(best.validation_loss, least);
}

#[test]
fn reductions_on_a_plateau_are_recorded_and_stop_the_run() {
    let mut problem = with_rule(overfitting(), "plateau(2)");
    problem.config.plateau = Some(ReduceOnPlateau { patience: 1, factor: 0.5, ..Default::default() });
    let report = run(&problem);
    let Ended::Stopped(StopReason::Plateau { reductions: 2, best: Some(best), at, .. }) = report.ended else {
        panic!("{:?}", report.ended)
    };
    let count = |record: &Record| record.signals.reductions.unwrap();
    let rates: Vec<(u64, f64)> = report.history.iter().map(|r| (count(r), r.learning_rate)).collect();
    assert_eq!(rates[0], (0, 0.1));
    // A reduction shows in the rate of the next record.
    for pair in rates.windows(2) {
        assert_eq!(pair[1].1, 0.1 * 0.5_f64.powi(pair[0].0 as i32), "{rates:?}");
        assert!(pair[1].0 - pair[0].0 <= 1, "{rates:?}");
    }
    let since = &report.history[best.index as usize];
    assert_eq!(count(report.history.last().unwrap()), count(since) + 2);
    assert_eq!(report.history.last().unwrap().epoch, at);
}

#[test]
fn standard_errors_are_measured_over_rows() {
    let problem = with_rule(classification(), "patience(3, min_delta=1se)");
    let (report, model) = problem.run(How::default());
    let report = report.unwrap();
    let best = report.best().unwrap();
    let of_row = |row: usize| -> f64 {
        let one: Dataset = problem.validation.select(&[row]);
        evaluate(&model, &problem.loss, &[], &one, &[]).loss
    };
    let rows = problem.validation.rows();
    let losses: Vec<f64> = (0..rows).map(of_row).collect();
    let mean = losses.iter().sum::<f64>() / rows as f64;
    let variance = losses.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / (rows - 1) as f64;
    let expected = (variance / rows as f64).sqrt();
    let found = best.signals.loss_error.unwrap();
    assert!((found - expected).abs() < 1e-6 * expected, "{found}, not {expected}");
    let p = best.metrics[0].1;
    assert_eq!(best.signals.accuracy_error, Some((p * (1.0 - p) / rows as f64).sqrt()));
    // Beside the steps of a validation in the middle of an epoch, it is there as well.
    let mut often = with_rule(regression(), "patience(3, min_delta=1se)");
    often.config.validate = Every::Steps(1);
    assert!(run(&often).history.iter().all(|r| r.signals.loss_error.is_some_and(|error| error > 0.0)));
}

#[test]
fn the_time_of_before_counts_after_a_resume() {
    let dir = tempfile::tempdir().unwrap();
    let problem = regression();
    let before = problem.fit_until(6, dir.path());
    let used = before.history.last().unwrap().elapsed;
    let mut resumed = with_rule(problem, &format!("time({}ns)", (used * 1e9) as u64));
    let report = resumed.resume(dir.path());
    assert!(matches!(report.ended, Ended::Stopped(StopReason::TimeLimit { .. })), "{:?}", report.ended);
    assert_eq!(report.history, before.history);
    resumed.config.stop = "never".parse().unwrap();
    let after = resumed.resume(dir.path());
    assert!(after.history.windows(2).all(|pair| pair[0].elapsed < pair[1].elapsed));
}
