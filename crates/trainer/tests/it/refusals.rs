//! What is wrong is said before anything is done, by name.

use crate::problem::{How, Problem, classification, files, regression};
use highwater_data::{Dataset, Scale, Targets};
use highwater_nn::Layer;
use highwater_objective::metrics::Metric;
use highwater_objective::{CrossEntropy, Loss};
use highwater_optim::{Adam, Curve, GroupRule, Method, Rprop, Sgd};
use highwater_trainer::{Data, Error, Every, Run, Score, fit};

/// The run must end with the error, in these words, and leave no checkpoint.
#[track_caller]
fn check(problem: &Problem, kind: Kind, words: &str) {
    let dir = tempfile::tempdir().unwrap();
    for resume in [false, true] {
        let error = problem.run(How { dir: Some(dir.path()), resume, ..How::default() }).0.unwrap_err();
        assert!(kind(&error), "{error:?}");
        assert_eq!(error.to_string(), words);
        assert!(files(dir.path()).is_empty());
    }
}

/// One change to a problem that is sound.
type Change = fn(&mut Problem);
/// Whether an error is of the expected variant.
type Kind = fn(&Error) -> bool;

fn changed(mut problem: Problem, change: Change) -> Problem {
    change(&mut problem);
    problem
}

#[test]
fn settings_that_make_no_sense() {
    let cases: [(Change, &str); 13] = [
        (|p| p.config.learning_rate = -0.1, "learning_rate = -0.1: it must be a positive number"),
        (|p| p.config.learning_rate = 0.0, "learning_rate = 0: it must be a positive number"),
        (|p| p.config.learning_rate = f64::NAN, "learning_rate = NaN: it must be a positive number"),
        (|p| p.config.learning_rate = f64::INFINITY, "learning_rate = inf: it must be a positive number"),
        (|p| p.config.clip_norm = Some(-1.0), "clip_norm = -1: it must be a positive number"),
        (|p| p.config.clip_norm = Some(f64::NAN), "clip_norm = NaN: it must be a positive number"),
        (|p| p.config.epochs = 0, "epochs = 0: it must be at least 1"),
        (|p| p.config.batch_size = 0, "batch_size = 0: it must be at least 1"),
        (|p| p.config.validate = Every::Steps(0), "validate = 0: it must be at least 1"),
        (|p| p.config.validate = Every::Epochs(0), "validate = 0: it must be at least 1"),
        (
            |p| p.config.monitor = score("r2"),
            "monitor = r2: it must be loss or one of the metrics of the run",
        ),
        (|p| p.config.select = score("r2"), "select = r2: it must be loss or one of the metrics of the run"),
        (
            |p| p.config.metrics = vec!["accuracy".parse().unwrap()],
            "metrics = accuracy: it must be of values, as the loss is",
        ),
    ];
    for (change, words) in cases {
        check(&changed(regression(), change), |e| matches!(e, Error::Setting { .. }), words);
    }
    check(
        &changed(classification(), |p| p.config.metrics.push("mae".parse().unwrap())),
        |e| matches!(e, Error::Setting { field: "metrics", .. }),
        "metrics = mae: it must be of classes, as the loss is",
    );
    check(
        &changed(classification(), |p| p.config.metrics.push(Metric::TopKAccuracy(0))),
        |e| matches!(e, Error::Setting { field: "metrics", .. }),
        "metrics = top_0_accuracy: it must count the first class at least",
    );
}

fn score(name: &str) -> Score {
    name.parse().unwrap()
}

#[test]
fn optimizers_schedules_and_rules_that_make_no_sense() {
    check(
        &changed(regression(), |p| {
            p.config.optimizer = Method::Sgd(Sgd { momentum: -1.0, ..Sgd::default() })
        }),
        |e| matches!(e, Error::Optimizer(_)),
        "sgd: `momentum` is -1 but must be at least 0 and finite",
    );
    check(
        &changed(regression(), |p| p.config.schedule = Curve::Step { step_size: 0, gamma: 0.1 }.into()),
        |e| matches!(e, Error::Optimizer(_)),
        "step schedule: `step_size` is 0 but must be at least 1",
    );
    check(
        &changed(regression(), |p| {
            p.config.optimizer = Method::Rprop(Rprop::default());
            p.config.schedule = Curve::Exponential { gamma: 0.9 }.into();
        }),
        |e| matches!(e, Error::Optimizer(_)),
        "rprop takes the learning rate for its first step sizes at most: `schedule` has no effect, leave it constant",
    );
    check(
        &changed(regression(), |p| {
            p.config.groups = vec![GroupRule { patterns: vec!["1.*".into()], ..GroupRule::default() }];
        }),
        |e| matches!(e, Error::Optimizer(_)),
        "no parameter's name matches `1.*`; the names are `0.weight`, `0.bias`, `2.weight`, `2.bias`",
    );
    let mut problem = regression();
    problem.config.stop = highwater_early_stopping::Rule::patience(0);
    let is_rule: Kind = |e| matches!(e, Error::Rule { .. });
    check(&problem, is_rule, "the stopping rule: `patience` needs a wait of at least 1");
    for (rule, words) in [
        (
            "patience(3) or held(2, plateau(3))",
            "`plateau(3)` counts reductions of the learning rate, and this run makes none: set training.plateau",
        ),
        (
            "patience(3, min_delta=2se)",
            "`patience(3, min_delta=2se)` goes by standard errors, which are known of loss and accuracy, not of mae: \
             monitor one of these, or give min_delta as a number",
        ),
        (
            "2 of (never, after(3, skip(1, evidence)), gl(5))",
            "`evidence` goes by the spread of the gradient within a batch: it needs a batch size of at least 4, better 32",
        ),
    ] {
        problem.config.stop = rule.parse().unwrap();
        problem.config.monitor = score("mae");
        problem.config.batch_size = 3;
        check(&problem, is_rule, &format!("the stopping rule: {words}"));
    }
}

#[test]
fn losses_that_make_no_sense_or_are_of_other_outputs() {
    let is_loss: Kind = |e| matches!(e, Error::Loss(_));
    let cases: [(Problem, Change, &str); 3] = [
        (
            regression(),
            |p| p.loss = Loss::Huber { delta: 0.0 },
            "huber: `delta` is 0 but must be above 0 and finite",
        ),
        (
            classification(),
            |p| p.loss = cross_entropy(&[1.0, f64::NAN]),
            "cross_entropy: `class_weights` is NaN but must be at least 0 and finite",
        ),
        (
            classification(),
            |p| p.loss = cross_entropy(&[1.0, 1.0, 1.0]),
            "cross_entropy: `class_weights` has 3 weights but the network has 2 outputs",
        ),
    ];
    for (problem, change, words) in cases {
        check(&changed(problem, change), is_loss, words);
    }
}

fn cross_entropy(class_weights: &[f64]) -> Loss {
    Loss::CrossEntropy(CrossEntropy { class_weights: class_weights.to_vec(), ..CrossEntropy::default() })
}

#[test]
fn batch_normalisation_of_single_rows() {
    fn normalised(change: Change) -> Problem {
        let mut problem = regression();
        problem.layers = Some(vec![Layer::BatchNorm, Layer::Linear { outputs: 1 }]);
        changed(problem, change)
    }
    let must = "it must be at least 2, for batch normalisation needs the variance over the rows of a batch";
    let is_setting: Kind = |e| matches!(e, Error::Setting { .. });
    check(&normalised(|p| p.config.batch_size = 1), is_setting, &format!("batch_size = 1: {must}"));
    check(&normalised(|p| p.config.micro_batch = Some(1)), is_setting, &format!("micro_batch = 1: {must}"));
    check(
        &normalised(|p| p.train = p.train.select(&[0])),
        |e| matches!(e, Error::Data { .. }),
        "the training data have 1 row, and the model needs at least 2 for batch normalisation",
    );
}

#[test]
fn rules_that_network_loss_or_data_cannot_feed() {
    let is_rule: Kind = |e| matches!(e, Error::Rule { .. });
    let evidence = |change: Change| {
        let mut problem = regression();
        problem.config.stop = "evidence".parse().unwrap();
        changed(problem, change)
    };
    let cases: [(Change, &str); 3] = [
        (
            |p| p.layers = Some(vec![Layer::BatchNorm, Layer::Linear { outputs: 1 }]),
            "`evidence` needs the gradient of each row alone, and batch normalisation mixes rows: leave one of the two out",
        ),
        (
            |p| {
                p.mlp.inputs = 1;
                p.layers = Some(vec![Layer::LayerNorm]);
                let one = |data: &Dataset| {
                    let features = data.features().slice_move(ndarray::s![.., ..1]).to_owned();
                    Dataset::new(features, data.targets().clone())
                };
                (p.train, p.validation) = (one(&p.train), one(&p.validation));
            },
            "`evidence` is computed from dense layers, and the network has none that is trained",
        ),
        (|p| p.train = p.train.select(&[0, 1, 2]), "`evidence` needs at least 4 training rows"),
    ];
    for (change, words) in cases {
        check(&evidence(change), is_rule, &format!("the stopping rule: {words}"));
    }
    let mut weighted = classification();
    weighted.loss = cross_entropy(&[1.0, 2.0]);
    weighted.config.stop = "patience(3, min_delta=1se)".parse().unwrap();
    check(
        &weighted,
        is_rule,
        "the stopping rule: a min_delta in standard errors needs the loss of each row, and with class weights the loss is \
         no mean of such: monitor accuracy, or give min_delta as a number",
    );
}

#[test]
fn units_of_another_number_of_targets() {
    let problem = regression();
    let mut model = problem.model();
    let data = Data { units: &[Scale { mean: 0.0, sd: 1.0 }; 2], ..problem.data() };
    let error = fit(Run::new(&mut model, &problem.loss), data, &problem.config).unwrap_err();
    let text = "the training data have units of 2 targets, and the model needs those of 1, or none";
    assert_eq!(error.to_string(), text);
}

#[test]
fn data_that_do_not_fit() {
    fn first_rows(data: &Dataset, rows: usize) -> Dataset {
        data.select(&(0..rows).collect::<Vec<_>>())
    }
    fn with_targets(data: &Dataset, targets: Targets) -> Dataset {
        Dataset::new(data.features().to_owned(), targets)
    }
    let no_rows: Kind = |e| matches!(e, Error::NoRows);
    let no_fit: Kind = |e| matches!(e, Error::Data { .. });
    let cases: [(Problem, Change, Kind, &str); 10] = [
        (regression(), |p| p.train = first_rows(&p.train, 0), no_rows, "there are no training rows"),
        (
            regression(),
            |p| p.mlp.inputs = 6,
            no_fit,
            "the training data have 5 columns, and the model needs 6",
        ),
        (
            regression(),
            |p| {
                let (features, targets) = (p.validation.features(), p.validation.targets().clone());
                p.validation = Dataset::new(features.slice_move(ndarray::s![.., 1..]).to_owned(), targets);
            },
            no_fit,
            "the validation data have 4 columns, and the model needs 5",
        ),
        (
            regression(),
            |p| p.mlp.outputs = 2,
            no_fit,
            "the training data have 1 target columns, and the model needs 2",
        ),
        (
            regression(),
            |p| p.validation = with_targets(&p.validation, Targets::Classes(vec![0; 30])),
            no_fit,
            "the validation data have classes as targets, and the model needs values",
        ),
        (
            classification(),
            |p| p.train = regression().train,
            no_fit,
            "the training data have values as targets, and the model needs classes",
        ),
        (
            classification(),
            |p| p.mlp.outputs = 1,
            no_fit,
            "the training data have a class 1, and the model needs classes below 1",
        ),
        (
            classification(),
            |p| p.validation = with_targets(&p.validation, Targets::Classes(vec![2; 30])),
            no_fit,
            "the validation data have a class 2, and the model needs classes below 2",
        ),
        (
            classification(),
            |p| p.train = with_targets(&p.train, Targets::Classes(vec![1; 50])),
            no_fit,
            "the training data have rows of class 1 only, and the model needs at least two classes",
        ),
        (
            classification(),
            |p| {
                p.loss = cross_entropy(&[0.0, 1.0]);
                p.validation = with_targets(&p.validation, Targets::Classes(vec![0; 30]));
            },
            no_fit,
            "the validation data have rows of classes of weight 0 only, and the model needs a row that counts",
        ),
    ];
    for (problem, change, kind, words) in cases {
        check(&changed(problem, change), kind, words);
    }
}

#[test]
fn checkpoints_of_another_model_or_optimizer() {
    let cases: [(Change, &str); 5] = [
        (|p| p.mlp.hidden = vec![9], "model.0.weight has the shape [8, 5], and here it is [9, 5]"),
        (|p| p.mlp.hidden = vec![8, 8], "its model has 4 parameters, this one has 6"),
        (|p| p.mlp.hidden = vec![], "its model has 4 parameters, this one has 2"),
        (
            |p| p.config.optimizer = Method::Sgd(Sgd::default()),
            "sgd: the saved state has `momentum_buffer`, which this method does not use",
        ),
        (
            |p| p.config.optimizer = Method::Adam(Adam::default()),
            "adam: the saved state has `momentum_buffer`, which this method does not use",
        ),
    ];
    for (change, words) in cases {
        let problem = regression();
        let dir = tempfile::tempdir().unwrap();
        problem.fit_until(5, dir.path());
        let before = files(dir.path());
        let other = changed(problem, change);
        let (report, model) = other.run(How { dir: Some(dir.path()), resume: true, ..How::default() });
        let error = report.unwrap_err();
        assert!(matches!(error, Error::Mismatch { .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            format!("{} does not go with this run: {words}", before.last().unwrap().display())
        );
        assert_eq!(files(dir.path()), before);
        assert_eq!(model.parameters(), other.model().parameters());
    }
}
