//! A run that was interrupted anywhere is the run that was not.

use crate::problem::{How, Problem, arrays, best, bits, classification, files, regression, told};
use highwater_data::Dataset;
use highwater_nn::{Activation, Embedding, Layer};
use highwater_optim::{
    Adagrad, Adam, AdamW, Curve, GroupRule, Method, OneCycle, Phase, ReduceOnPlateau, RmsProp, Rprop,
    Rprop1993, Schedule, Sgd,
};
use highwater_trainer::{Config, Ended, Event, Every};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

/// A run in one piece against the same run in two, divided after each step, and against one that saves nothing.
fn check(name: &str, problem: &Problem) {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    let (report, model) = problem.run(How { dir: Some(&whole), ..How::default() });
    let report = report.unwrap();
    let (unsaved, unsaved_model) = problem.run(How::default());
    assert_eq!(told(&unsaved.unwrap()), told(&report), "{name}, without saving");
    assert_eq!(bits(&unsaved_model), bits(&model), "{name}, without saving");

    for step in 0..=report.steps {
        let parts = dir.path().join(step.to_string());
        let first = problem.fit_until(step, &parts);
        assert_eq!((&first.ended, first.steps), (&Ended::Interrupted, step), "{name}");
        let (resumed, resumed_model) = problem.run(How { dir: Some(&parts), resume: true, ..How::default() });
        assert_eq!(told(&resumed.unwrap()), told(&report), "{name}, interrupted at step {step}");
        assert_eq!(bits(&resumed_model), bits(&model), "{name}, interrupted at step {step}");
        same_files(&parts, &whole);
    }
}

fn same_files(one: &Path, other: &Path) {
    assert_eq!(arrays(&best(one)), arrays(&best(other)));
    let newest = |dir: &Path| files(dir).pop().unwrap();
    assert_eq!(arrays(&newest(one)), arrays(&newest(other)));
}

fn with(problem: Problem, change: impl FnOnce(&mut Config)) -> Problem {
    let mut problem = problem;
    change(&mut problem.config);
    problem
}

#[test]
fn whatever_the_optimizer() {
    for method in [
        Method::Sgd(Sgd::default()),
        Method::Sgd(Sgd { momentum: 0.9, nesterov: true, weight_decay: 1e-3, ..Sgd::default() }),
        Method::Adam(Adam::default()),
        Method::AdamW(AdamW { amsgrad: true, ..AdamW::default() }),
        Method::RmsProp(RmsProp { momentum: 0.5, centered: true, ..RmsProp::default() }),
        Method::Adagrad(Adagrad::default()),
        Method::Rprop(Rprop::default()),
        Method::Rprop1993(Rprop1993::default()),
    ] {
        // One that is missing above is missing here, too, and does not compile.
        match method {
            Method::Sgd(_) | Method::Adam(_) | Method::AdamW(_) | Method::RmsProp(_) => {}
            Method::Adagrad(_) | Method::Rprop(_) | Method::Rprop1993(_) => {}
        }
        let problem = with(regression(), |config| config.optimizer = method);
        check(method.name(), &problem);
    }
}

/// No decay on biases, and a first layer that learns slowly.
fn groups() -> Vec<GroupRule> {
    let of = |pattern: &str| GroupRule { patterns: vec![pattern.to_owned()], ..GroupRule::default() };
    vec![
        GroupRule { weight_decay: Some(0.0), ..of("*.bias") },
        GroupRule { learning_rate_scale: 0.25, ..of("0.*") },
    ]
}

#[test]
fn with_groups_of_parameters() {
    let problem = with(regression(), |config| {
        config.optimizer = Method::AdamW(AdamW { weight_decay: 0.5, ..AdamW::default() });
    });
    let alike = bits(&problem.run(How::default()).1);
    let grouped = with(problem, |config| config.groups = groups());
    assert_ne!(bits(&grouped.run(How::default()).1), alike);
    check("groups", &grouped);
}

#[test]
fn with_dropout_clipping_a_schedule_and_validation_between_epochs() {
    let mut problem = with(classification(), |config| {
        config.optimizer = Method::Adam(Adam::default());
        config.clip_norm = Some(0.05);
        config.validate = Every::Steps(3);
        config.schedule = Schedule {
            first: Curve::Linear { start_factor: 0.1, end_factor: 1.0, steps: 5 },
            then: vec![Phase { from: 5, curve: Curve::Cosine { steps: 7, min_learning_rate: 1e-4 } }],
        };
    });
    problem.mlp.dropout = 0.3;
    check("everything", &problem);
}

#[test]
fn whatever_the_schedule() {
    let every = |curve: Curve| Schedule::from(curve);
    let schedules = [
        every(Curve::Constant),
        every(Curve::Cosine { steps: 5, min_learning_rate: 1e-3 }),
        every(Curve::Linear { start_factor: 0.2, end_factor: 1.0, steps: 6 }),
        every(Curve::Step { step_size: 3, gamma: 0.5 }),
        every(Curve::MultiStep { milestones: vec![2, 7], gamma: 0.3 }),
        every(Curve::Exponential { gamma: 0.9 }),
        every(Curve::CosineRestarts { steps: 3, factor: 2, min_learning_rate: 1e-3 }),
        every(Curve::Polynomial { steps: 11, power: 2.0 }),
        every(Curve::OneCycle(OneCycle { steps: 12, ..OneCycle::default() })),
    ];
    for schedule in schedules {
        // As above: none may be missing.
        match schedule.first {
            Curve::Constant | Curve::Step { .. } | Curve::MultiStep { .. } | Curve::Exponential { .. } => {}
            Curve::Cosine { .. } | Curve::CosineRestarts { .. } | Curve::Linear { .. } => {}
            Curve::Polynomial { .. } | Curve::OneCycle(_) => {}
        }
        let name = format!("{schedule:?}");
        check(&name, &with(regression(), |config| config.schedule = schedule));
    }
}

#[test]
fn with_rules_that_go_by_gradients_and_standard_errors() {
    for micro_batch in [None, Some(5)] {
        let problem = with(classification(), |config| {
            config.stop = "held(9, evidence) or patience(9, min_delta=2se)".parse().unwrap();
            config.validate = Every::Steps(3);
            config.micro_batch = micro_batch;
        });
        check("evidence", &problem);
    }
}

#[test]
fn with_a_rate_that_falls_on_a_plateau() {
    let problem = with(regression(), |config| {
        config.learning_rate = 0.3;
        config.epochs = 5;
        config.validate = Every::Steps(2);
        config.schedule = Curve::Exponential { gamma: 0.99 }.into();
        config.plateau = Some(ReduceOnPlateau { patience: 0, factor: 0.5, ..ReduceOnPlateau::default() });
    });
    let report = problem.run(How::default()).0.unwrap();
    let halved = report.history.windows(2).filter(|w| w[1].learning_rate < 0.6 * w[0].learning_rate).count();
    assert!(halved >= 2, "the test must see it fall: {report:?}");
    check("plateau", &problem);
}

#[test]
fn whatever_the_layers_and_however_a_step_is_put_together() {
    let linear = |outputs| Layer::Linear { outputs };
    let relu = || Layer::Activation(Activation::Relu);
    let normalised = |norm: Layer| vec![linear(8), norm, relu(), Layer::Dropout { rate: 0.2 }, linear(1)];
    let both = vec![
        linear(8),
        Layer::BatchNorm,
        relu(),
        linear(8),
        Layer::Residual { from: 3 },
        Layer::LayerNorm,
        Layer::Shortcut { from: 0 },
        linear(1),
    ];
    let tables = vec![Embedding { column: 0, rows: 4, width: 2 }, Embedding { column: 3, rows: 7, width: 3 }];
    let embedded = vec![Layer::Embed { tables }, linear(8), relu(), linear(1)];
    let all = [normalised(Layer::BatchNorm), normalised(Layer::LayerNorm), both, embedded];
    for layer in all.iter().flatten() {
        // One that is missing above is missing here, too, and does not compile.
        match layer {
            Layer::Linear { .. } | Layer::Activation(_) | Layer::Dropout { .. } | Layer::LayerNorm => {}
            Layer::BatchNorm | Layer::Shortcut { .. } | Layer::Residual { .. } | Layer::Embed { .. } => {}
        }
    }
    for layers in all {
        for micro_batch in [None, Some(6)] {
            let name = format!("{layers:?}, {micro_batch:?}");
            let mut problem = with(regression(), |config| {
                config.micro_batch = micro_batch;
                config.validate = Every::Steps(3);
                config.optimizer = Method::AdamW(AdamW::default());
            });
            if let Layer::Embed { tables } = &layers[0] {
                problem.train = with_places(&problem.train, tables);
                problem.validation = with_places(&problem.validation, tables);
            }
            problem.layers = Some(layers.clone());
            check(&name, &problem);
        }
    }
}

/// The row that is left over is another one in each epoch.
#[test]
fn with_a_row_that_is_left_over_and_batch_normalisation() {
    let layers = vec![Layer::Linear { outputs: 8 }, Layer::BatchNorm, Layer::Linear { outputs: 1 }];
    // Steps of 15, 15 and 11 rows, of 16, 16 and 17, and of the same in one; pieces of up to 6.
    for (rows, batch_size, micro_batch, steps_per_epoch) in
        [(41, 15, Some(5), 3), (49, 16, Some(5), 3), (49, 16, None, 3), (5, 4, None, 1), (3, 2, None, 1)]
    {
        let mut problem = with(regression(), |config| {
            (config.batch_size, config.micro_batch) = (batch_size, micro_batch);
            config.validate = Every::Steps(2);
        });
        problem.train = problem.train.select(&(0..rows).collect::<Vec<_>>());
        problem.layers = Some(layers.clone());
        let report = problem.run(How::default()).0.unwrap();
        assert_eq!(report.steps, steps_per_epoch * problem.config.epochs);
        assert!(report.history.iter().all(|record| record.training_loss.is_finite()));
        check(&format!("{rows} rows by {batch_size}, {micro_batch:?}"), &problem);
    }
}

/// Columns between 0 and 1 become places in tables.
fn with_places(data: &Dataset, tables: &[Embedding]) -> Dataset {
    let mut features = data.features().to_owned();
    for &Embedding { column, rows, .. } in tables {
        features.column_mut(column).mapv_inplace(|x| (x * rows as f32).floor());
    }
    Dataset::new(features, data.targets().clone())
}

#[test]
fn when_a_rule_stops_it() {
    let problem = with(regression(), |config| {
        config.learning_rate = 0.3;
        config.epochs = 30;
        config.validate = Every::Steps(1);
        config.stop = "patience(2)".parse().unwrap();
    });
    let dir = tempfile::tempdir().unwrap();
    let report = problem.fit(dir.path());
    assert!(matches!(report.ended, Ended::Stopped(_)) && report.steps < problem.steps(), "{report:?}");
    check("patience", &problem);
}

#[test]
fn on_one_thread_or_two() {
    // Large enough for the rows of a step to be divided between threads.
    let mut problem = with(regression(), |config| {
        config.batch_size = 48;
        config.optimizer = Method::Adam(Adam::default());
    });
    problem.mlp.hidden = vec![160, 160];
    problem.mlp.dropout = 0.1;
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let (one, two) = (pool(1), pool(2));
    let dir = tempfile::tempdir().unwrap();
    let dir = |name: &str| dir.path().join(name);
    let report = one.install(|| problem.fit(&dir("one")));
    assert_eq!(told(&two.install(|| problem.fit(&dir("two")))), told(&report));
    same_files(&dir("two"), &dir("one"));
    for (first, second, name) in [(&one, &two, "up"), (&two, &one, "down")] {
        first.install(|| problem.fit_until(3, &dir(name)));
        assert_eq!(told(&second.install(|| problem.resume(&dir(name)))), told(&report));
        same_files(&dir(name), &dir("one"));
    }
}

#[test]
fn killed_without_a_word() {
    let problem = with(regression(), |config| config.validate = Every::Steps(5));
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    let report = problem.fit(&whole);
    for step in 1..=problem.steps() {
        let killed = dir.path().join(step.to_string());
        let mut kill = |event: &Event<'_>| match event {
            Event::Stepped { step: now, .. } if *now == step => resume_unwind(Box::new("killed")),
            _ => ControlFlow::Continue(()),
        };
        let how = How { dir: Some(&killed), observer: Some(&mut kill), ..How::default() };
        assert!(catch_unwind(AssertUnwindSafe(|| problem.run(how))).is_err());
        assert_eq!(told(&problem.resume(&killed)), told(&report), "killed at step {step}");
        same_files(&killed, &whole);
    }
}

#[test]
fn killed_before_the_first_checkpoint() {
    let problem = regression();
    let dir = tempfile::tempdir().unwrap();
    let report = problem.fit(&dir.path().join("whole"));
    assert_eq!(told(&problem.resume(&dir.path().join("empty"))), told(&report));
}

#[test]
fn interrupted_again_and_again() {
    let problem = with(regression(), |config| config.validate = Every::Steps(3));
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    let report = problem.fit(&whole);
    let parts = dir.path().join("parts");
    problem.fit_until(0, &parts);
    for _ in 0..problem.steps() {
        let mut one_step = |event: &Event<'_>| match event {
            Event::Stepped { .. } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        let how = How { dir: Some(&parts), resume: true, observer: Some(&mut one_step), ..How::default() };
        assert_eq!(problem.run(how).0.unwrap().ended, Ended::Interrupted);
    }
    assert_eq!(told(&problem.resume(&parts)), told(&report));
    same_files(&parts, &whole);
}
