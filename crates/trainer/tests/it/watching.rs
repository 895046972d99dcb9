//! What a run tells, and what it writes down.

use crate::problem::{How, Problem, checkpoints, classification, files, regression};
use highwater_checkpoint::{Checkpoint, Section, Store};
use highwater_nn::{Activation, Layer};
use highwater_optim::{Curve, Method, Sgd};
use highwater_trainer::{
    Checkpoints, Error, Evaluator, Event, Every, Observer, Pace, Run, Saving, fit, resume,
};
use std::ops::ControlFlow;

/// The events as lines.
fn line(event: &Event<'_>) -> String {
    match event {
        Event::Started(plan) => format!(
            "started: {} + {} rows, {} parameters, {} steps × {} epochs, validation every {}, from {:?}, {} records",
            plan.training_rows,
            plan.validation_rows,
            plan.parameters,
            plan.steps_per_epoch,
            plan.epochs,
            plan.steps_per_validation,
            plan.resumed_at,
            plan.history.len()
        ),
        Event::Stepped { step, epoch, step_of_epoch, .. } => format!("step {step}: {epoch}, {step_of_epoch}"),
        Event::Validated { record, best, weights, .. } => {
            assert_eq!(weights.values.len(), weights.table.iter().map(|p| p.len()).sum::<usize>());
            assert!(matches!(weights.gradients.len(), 0 | 57), "{}", weights.gradients.len());
            format!(
                "validated {}, epoch {}, best {:?}",
                record.step,
                record.epoch,
                best.map(|best| best.step)
            )
        }
        Event::Saved { path, bytes, .. } => {
            assert_eq!(std::fs::metadata(path).unwrap().len(), *bytes);
            format!("saved {}", path.file_name().unwrap().to_string_lossy())
        }
        Event::Warning(text) => format!("warning: {text}"),
        Event::Ended(report) => format!("ended: {}", report.ended),
        other => panic!("{other:?} has no line yet"),
    }
}

#[test]
fn a_run_is_told_from_its_start_to_its_end() {
    let mut problem = regression();
    problem.config.epochs = 2;
    problem.config.validate = Every::Steps(3);
    let dir = tempfile::tempdir().unwrap();
    let run = |resume: bool, last: u64| {
        let mut lines = Vec::new();
        let mut tell = |event: &Event<'_>| {
            lines.push(line(event));
            match event {
                Event::Stepped { step, .. } if *step == last => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        };
        let how = How { dir: Some(dir.path()), resume, observer: Some(&mut tell), ..How::default() };
        let report = problem.run(how).0.unwrap();
        // What is written in the background is told when it is done, and all of it before the end.
        let (mut others, mut saved) = (Vec::new(), Vec::new());
        for line in lines {
            match line.strip_prefix("saved step-").and_then(|rest| rest.strip_suffix(".safetensors")) {
                Some(number) => saved.push(number.parse::<u64>().unwrap()),
                None => others.push(line),
            }
        }
        assert!(others[others.len() - 1].starts_with("ended"));
        assert_eq!(report.saves.written, saved.len() as u64);
        (report, others, saved)
    };
    let (_, lines, saved) = run(false, 4);
    assert_eq!(
        lines,
        [
            "started: 50 + 30 rows, 57 parameters, 4 steps × 2 epochs, validation every 3, from None, 0 records",
            "step 1: 1, 1",
            "step 2: 1, 2",
            "step 3: 1, 3",
            "validated 3, epoch 0, best Some(3)",
            "step 4: 1, 4",
            "ended: interrupted",
        ]
    );
    assert_eq!(saved, [0, 3, 4]);
    let (report, lines, saved) = run(true, 6);
    assert_eq!(
        lines,
        [
            "started: 50 + 30 rows, 57 parameters, 4 steps × 2 epochs, validation every 3, from Some(4), 1 records",
            "step 5: 2, 1",
            "step 6: 2, 2",
            "ended: interrupted",
        ]
    );
    assert_eq!((report.history.len(), report.steps, report.epochs), (1, 6, 2));
    assert_eq!(saved, [6]);
    let (report, lines, saved) = run(true, 0);
    let best = report.history[..2].iter().min_by(|a, b| a.validation_loss.total_cmp(&b.validation_loss));
    assert_eq!(
        lines,
        [
            "started: 50 + 30 rows, 57 parameters, 4 steps × 2 epochs, validation every 3, from Some(6), 1 records",
            &format!("validated 6, epoch 1, best {:?}", best.map(|best| best.step)),
            "step 7: 2, 3",
            "step 8: 2, 4",
            &format!("validated 8, epoch 2, best {:?}", report.best().map(|best| best.step)),
            "ended: the limit of epochs",
        ]
    );
    assert_eq!(saved, [6, 8]);
}

#[test]
fn the_training_loss_is_the_mean_over_the_rows() {
    let problem = regression();
    let mut losses = Vec::new();
    let mut collect = |event: &Event<'_>| {
        if let Event::Stepped { loss, .. } = event {
            losses.push(*loss);
        }
        ControlFlow::Continue(())
    };
    let report = problem.run(How { observer: Some(&mut collect), ..How::default() }).0.unwrap();
    for (record, losses) in report.history.iter().zip(losses.chunks(4)) {
        let mean = (16.0 * (losses[0] + losses[1] + losses[2]) + 2.0 * losses[3]) / 50.0;
        assert!((record.training_loss - mean).abs() < 1e-12);
    }
}

#[test]
fn a_record_tells_the_learning_rate_of_its_last_step() {
    let mut problem = regression();
    (problem.config.learning_rate, problem.config.validate) = (0.25, Every::Steps(5));
    problem.config.schedule = Curve::Exponential { gamma: 0.5 }.into();
    let report = problem.run(How::default()).0.unwrap();
    let rates: Vec<(u64, f64)> = report.history.iter().map(|r| (r.step, r.learning_rate)).collect();
    assert_eq!(rates, [5, 10, 12].map(|step| (step, 0.25 * 0.5_f64.powf((step - 1) as f64))));
}

#[test]
fn the_gradient_that_is_shown_is_the_one_that_moved_the_parameters_and_its_norm_is_from_before_clipping() {
    let rate = 0.05;
    let mut problem = regression();
    problem.config.optimizer = Method::Sgd(Sgd::default());
    problem.config.validate = Every::Steps(1);
    let mut moves = |clip_norm, micro_batch| {
        (problem.config.clip_norm, problem.config.micro_batch) = (clip_norm, micro_batch);
        let mut before = problem.model().parameters().to_vec();
        let mut norms = Vec::new();
        let mut look = |event: &Event<'_>| {
            if let Event::Validated { record, weights, .. } = event {
                let mut squares = 0.0;
                for (place, old) in before.iter().enumerate() {
                    let moved = f64::from(old - weights.values[place]) / rate;
                    let gradient = f64::from(weights.gradients[place]);
                    assert!((moved - gradient).abs() < 1e-4, "{moved} {gradient}");
                    squares += gradient * gradient;
                }
                before.copy_from_slice(weights.values);
                norms.push((record.gradient_norm, squares.sqrt()));
            }
            ControlFlow::Continue(())
        };
        problem.run(How { observer: Some(&mut look), ..How::default() }).0.unwrap();
        norms
    };
    let free = moves(None, None);
    assert_eq!(free.len(), 12);
    for (recorded, shown) in free.iter().chain(&moves(None, Some(5))) {
        assert!((recorded - shown).abs() < 1e-5 * shown, "{recorded} {shown}");
    }
    let clipped = moves(Some(0.01), None);
    assert_eq!(clipped[0].0, free[0].0);
    assert!(clipped.iter().all(|(recorded, shown)| *recorded > 0.01 && *shown < 0.010_001), "{clipped:?}");
}

#[test]
fn who_watches_can_try_the_model_that_was_tried() {
    let mut problem = regression();
    let tanh = Layer::Activation(Activation::Tanh);
    let layers = vec![Layer::Linear { outputs: 8 }, Layer::BatchNorm, tanh, Layer::Linear { outputs: 1 }];
    problem.layers = Some(layers);
    let mut evaluator = Evaluator::new(&problem.model(), &problem.loss, &[], &[]);
    let mut losses = Vec::new();
    let mut try_it = |event: &Event<'_>| {
        if let Event::Validated { record, weights, .. } = event {
            let found = evaluator.loss(weights.values, &problem.validation);
            losses.push((found, record.validation_loss));
        }
        ControlFlow::Continue(())
    };
    problem.run(How { observer: Some(&mut try_it), ..How::default() }).0.unwrap();
    assert_eq!(losses.len(), 3);
    assert!(losses.iter().all(|(found, recorded)| found == recorded), "{losses:?}");
}

#[test]
fn every_observer_sees_every_event_also_after_one_has_asked_for_the_end() {
    let problem = regression();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let mut leave = |event: &Event<'_>| {
        first.push(line(event));
        ControlFlow::Break(())
    };
    let mut watch = |event: &Event<'_>| {
        second.push(line(event));
        ControlFlow::Continue(())
    };
    let observers: Vec<&mut dyn Observer> = vec![&mut leave, &mut watch];
    let mut model = problem.model();
    let run = Run { observers, ..Run::new(&mut model, &problem.loss) };
    assert!(format!("{run:?}").contains("observers: 2"), "{run:?}");
    fit(run, problem.data(), &problem.config).unwrap();
    assert_eq!(first, second);
    assert_eq!(first.len(), 2, "{first:?}");
}

#[test]
fn a_checkpoint_says_in_words_what_was_found() {
    let problem = classification();
    let dir = tempfile::tempdir().unwrap();
    let report = problem.fit(dir.path());
    let paths = files(dir.path());
    for (path, record) in paths[1..].iter().zip(&report.history) {
        let checkpoint = Checkpoint::open(path).unwrap();
        let facts = checkpoint.facts();
        assert_eq!(
            (facts.epoch, facts.step, facts.score),
            (record.epoch, record.step, Some(record.validation_loss))
        );
        let labels: Vec<(&str, f64)> =
            facts.labels.iter().map(|(name, value)| (&name[..], value.parse().unwrap())).collect();
        let expected = [
            ("training_loss", record.training_loss),
            ("validation_accuracy", record.metrics[0].1),
            ("validation_loss", record.validation_loss),
            ("validation_roc_auc", record.metrics[1].1),
        ];
        assert_eq!(labels, expected);
    }
    assert!(Checkpoint::open(&paths[0]).unwrap().facts().labels.is_empty());
}

/// Interrupted after two steps, with these sections; or resumed.
fn run(problem: &Problem, dir: &std::path::Path, sections: &[Section], again: bool) -> Result<(), Error> {
    let mut model = problem.model();
    let store = Store::open(checkpoints(dir)).unwrap();
    let saving = Saving { pace: Pace::Every, ..Saving::default() };
    let mut leave = |event: &Event<'_>| match event {
        Event::Stepped { step: 2, .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let run = Run {
        checkpoints: Some(Checkpoints { sections, saving, ..Checkpoints::new(store) }),
        observers: vec![&mut leave],
        ..Run::new(&mut model, &problem.loss)
    };
    let data = problem.data();
    match again {
        true => resume(run, data, &problem.config, None).map(drop),
        false => fit(run, data, &problem.config).map(drop),
    }
}

#[test]
fn sections_of_the_caller_are_in_every_checkpoint_and_those_of_others_are_kept() {
    let problem = regression();
    let dir = tempfile::tempdir().unwrap();
    let preparation = Section::required("preparation", 1, &"scale").unwrap();
    let note = Section::optional("note", 7, &"mine").unwrap();
    run(&problem, dir.path(), &[preparation.clone(), note], false).unwrap();

    let refused = run(&problem, dir.path(), &[], true).unwrap_err();
    let Error::Checkpoint(highwater_checkpoint::Error::UnknownSection { name, .. }) = &refused else {
        panic!("{refused}")
    };
    assert_eq!(name, "preparation");
    run(&problem, dir.path(), &[preparation], true).unwrap();
    assert_eq!(files(dir.path()).len(), 5);
    for path in files(dir.path()) {
        let checkpoint = Checkpoint::open(path).unwrap();
        assert_eq!(checkpoint.section::<String>("preparation", 1).unwrap(), "scale");
        assert_eq!(checkpoint.section::<String>("note", 7).unwrap(), "mine");
    }
}
