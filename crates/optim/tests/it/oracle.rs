//! Replays what PyTorch did on the same numbers; `tests/data/record.py` recorded it.

use highwater_optim::{
    Adagrad, Adam, AdamW, Anneal, Curve, Method, OneCycle, Optimizer, Plateau, Real, ReduceOnPlateau,
    RmsProp, Rprop, Schedule, Sgd, Threshold, clip_norm,
};

/// A recorded line: its words up to the first number, and the numbers.
struct Line<'a> {
    words: Vec<&'a str>,
    numbers: Vec<f64>,
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let parts: Vec<&str> = line.split(' ').collect();
        let words = parts.iter().take_while(|part| part.parse::<f64>().is_err()).count();
        let numbers = parts[words..].iter().map(|part| part.parse().unwrap()).collect();
        Line { words: parts[..words].to_vec(), numbers }
    })
}

/// Numbers may differ by a share of their size, or of `floor` if they are smaller.
#[track_caller]
fn assert_close(found: &[f64], expected: &[f64], relative: f64, floor: impl Fn(usize) -> f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let tolerance = relative * expected.abs().max(floor(index));
        assert!((found - expected).abs() <= tolerance, "{what}, {index}: {found:e} against {expected:e}");
    }
}

fn method(name: &str) -> (Method, f64) {
    let sgd = Sgd::default();
    let adam = Adam::default();
    let adamw = AdamW::default();
    let rmsprop = RmsProp::default();
    match name {
        "sgd" => (Method::Sgd(sgd), 0.1),
        "sgd_weight_decay" => (Method::Sgd(Sgd { weight_decay: 0.05, ..sgd }), 0.1),
        "sgd_momentum" => (Method::Sgd(Sgd { momentum: 0.9, ..sgd }), 0.05),
        "sgd_dampening" => {
            (Method::Sgd(Sgd { momentum: 0.8, dampening: 0.3, weight_decay: 0.01, ..sgd }), 0.05)
        }
        "sgd_nesterov" => {
            (Method::Sgd(Sgd { momentum: 0.9, nesterov: true, weight_decay: 1e-3, ..sgd }), 0.05)
        }
        "adam" => (Method::Adam(adam), 0.01),
        "adam_weight_decay" => {
            (Method::Adam(Adam { beta1: 0.8, beta2: 0.99, eps: 1e-6, weight_decay: 0.01, ..adam }), 3e-3)
        }
        "adam_amsgrad" => (Method::Adam(Adam { amsgrad: true, ..adam }), 0.01),
        "adamw" => (Method::AdamW(adamw), 0.01),
        "adamw_weight_decay" => {
            (Method::AdamW(AdamW { beta1: 0.95, beta2: 0.9, eps: 1e-3, weight_decay: 0.3, ..adamw }), 5e-3)
        }
        "adamw_amsgrad" => (Method::AdamW(AdamW { beta2: 0.8, amsgrad: true, ..adamw }), 0.02),
        "rmsprop" => (Method::RmsProp(rmsprop), 0.01),
        "rmsprop_momentum" => {
            (Method::RmsProp(RmsProp { alpha: 0.9, momentum: 0.5, weight_decay: 0.02, ..rmsprop }), 5e-3)
        }
        "rmsprop_centered" => {
            (Method::RmsProp(RmsProp { alpha: 0.95, centered: true, eps: 1e-4, ..rmsprop }), 5e-3)
        }
        "rmsprop_centered_momentum" => {
            (Method::RmsProp(RmsProp { alpha: 0.8, centered: true, momentum: 0.9, ..rmsprop }), 5e-3)
        }
        "adagrad" => (Method::Adagrad(Adagrad::default()), 0.05),
        "adagrad_decay" => (
            Method::Adagrad(Adagrad {
                lr_decay: 0.1,
                weight_decay: 0.03,
                initial_accumulator_value: 0.2,
                eps: 1e-3,
            }),
            0.05,
        ),
        "rprop" => (Method::Rprop(Rprop::default()), 0.01),
        "rprop_bounds" => {
            (Method::Rprop(Rprop { eta_minus: 0.4, eta_plus: 1.5, step_min: 0.02, step_max: 0.2 }), 0.05)
        }
        _ => panic!("no method for the recorded case {name}"),
    }
}

/// A number type as the replay needs it.
trait Number: Real {
    fn narrow(value: f64) -> Self;
    fn widen(self) -> f64;
}

impl Number for f32 {
    fn narrow(value: f64) -> Self {
        value as f32
    }
    fn widen(self) -> f64 {
        f64::from(self)
    }
}

impl Number for f64 {
    fn narrow(value: f64) -> Self {
        value
    }
    fn widen(self) -> f64 {
        self
    }
}

/// Replays every case whose name ends in `suffix` (and no other dot); returns how many there were.
///
/// Where a sum cancels, single precision keeps the error of what it was: with `from_largest`, a parameter may differ by
/// a share of the largest value it had.
fn replay_optimizers<T: Number>(suffix: &str, relative: f64, from_largest: bool) -> usize {
    let narrow = |values: &[f64]| values.iter().copied().map(T::narrow).collect::<Vec<T>>();
    let widen = |values: &[T]| values.iter().copied().map(T::widen).collect::<Vec<f64>>();
    let mut initial = Vec::new();
    let mut largest = Vec::new();
    let mut gradients = Vec::new();
    let mut case = None;
    let mut cases = 0;
    for Line { words, numbers } in lines(include_str!("../data/optimizers.txt")) {
        match (words[0], &mut case) {
            ("initial", _) => initial = narrow(&numbers),
            ("gradient", _) => gradients.push(narrow(&numbers)),
            ("case", _) => {
                let (name, dtype) = words[1].split_at(words[1].find('.').unwrap_or(words[1].len()));
                let (method, learning_rate) = method(name);
                let optimizer = Optimizer::<T>::new(method, initial.len()).unwrap();
                case = (dtype == suffix).then(|| (words[1], optimizer, initial.clone(), learning_rate));
                largest = vec![1e-12_f64; initial.len()];
                cases += usize::from(case.is_some());
            }
            (_, None) => {}
            ("parameters", Some((name, optimizer, params, learning_rate))) => {
                let step = optimizer.steps() as usize;
                optimizer.step(params, &gradients[step], *learning_rate);
                if from_largest {
                    largest
                        .iter_mut()
                        .zip(&numbers)
                        .for_each(|(largest, number)| *largest = largest.max(number.abs()));
                }
                assert_close(
                    &widen(params),
                    &numbers,
                    relative,
                    |index| largest[index],
                    &format!("{name}, step {step}"),
                );
            }
            ("slot", Some((name, optimizer, ..))) => {
                let slot = words[1];
                let found = optimizer.slots().find(|(name, _)| *name == slot);
                let (_, values) = found.unwrap_or_else(|| panic!("{name} has no {slot}"));
                assert_close(&widen(values), &numbers, relative, |_| 1e-12, &format!("{name}, {slot}"));
            }
            (word, _) => panic!("unknown line {word}"),
        }
    }
    cases
}

#[test]
fn every_method_moves_parameters_as_the_oracle_does_in_double_precision() {
    assert_eq!(replay_optimizers::<f64>("", 1e-12, false), 19);
}

#[test]
fn every_method_moves_parameters_as_the_oracle_does_in_single_precision() {
    assert_eq!(replay_optimizers::<f32>(".f32", 1e-6, true), 19);
}

fn schedule(name: &str) -> (Schedule, f64) {
    let linear = |start_factor, end_factor, steps| Curve::Linear { start_factor, end_factor, steps };
    let cosine = |steps, min_learning_rate| Curve::Cosine { steps, min_learning_rate };
    let one_cycle = OneCycle { steps: 200, ..OneCycle::default() };
    let curve = match name {
        "constant" => Curve::Constant,
        "step" => Curve::Step { step_size: 7, gamma: 0.9 },
        "multi_step" => Curve::MultiStep { milestones: vec![5, 15, 15, 90], gamma: 0.3 },
        "exponential" => Curve::Exponential { gamma: 0.97 },
        "cosine" => cosine(30, 1e-4),
        "cosine_to_zero" => cosine(199, 0.0),
        "cosine_restarts" => Curve::CosineRestarts { steps: 13, factor: 1, min_learning_rate: 1e-3 },
        "cosine_restarts_growing" => Curve::CosineRestarts { steps: 5, factor: 3, min_learning_rate: 0.0 },
        "linear" => linear(0.1, 1.0, 10),
        "linear_default" => linear(1.0 / 3.0, 1.0, 5),
        "linear_down" => linear(1.0, 0.2, 150),
        "polynomial" => Curve::Polynomial { steps: 150, power: 2.0 },
        "polynomial_root" => Curve::Polynomial { steps: 30, power: 0.5 },
        "one_cycle" => return (Curve::OneCycle(one_cycle).into(), 0.05),
        "one_cycle_linear" => {
            let anneal = Anneal::Linear;
            let cycle =
                OneCycle { pct_start: 0.21, anneal, div_factor: 10.0, final_div_factor: 100.0, ..one_cycle };
            return (Curve::OneCycle(cycle).into(), 0.3);
        }
        "one_cycle_three_phases" => {
            let cycle = OneCycle { pct_start: 0.37, three_phases: true, ..one_cycle };
            return (Curve::OneCycle(cycle).into(), 0.05);
        }
        "warmup_then_cosine" => {
            return (Schedule::from(linear(0.1, 1.0, 10)).then(10, cosine(150, 1e-4)), 0.02);
        }
        "three_phases" => {
            let schedule = Schedule::from(linear(0.5, 1.0, 20))
                .then(20, Curve::Exponential { gamma: 0.95 })
                .then(60, Curve::Step { step_size: 30, gamma: 0.1 });
            return (schedule, 0.02);
        }
        _ => panic!("no schedule for the recorded case {name}"),
    };
    (curve.into(), 0.02)
}

#[test]
fn every_schedule_gives_the_oracle_s_learning_rates() {
    let mut cases = 0;
    for Line { words, numbers } in lines(include_str!("../data/schedules.txt")) {
        let (schedule, base) = schedule(words[1]);
        schedule.validate().unwrap();
        let rates: Vec<f64> = (0..200).map(|step| schedule.learning_rate(base, step)).collect();
        assert_close(&rates, &numbers, 1e-10, |_| 1e-12, words[1]);
        cases += 1;
    }
    assert_eq!(cases, 18);
}

fn plateau(name: &str) -> ReduceOnPlateau {
    let default = ReduceOnPlateau::default();
    match name {
        "default" => default,
        "impatient" => ReduceOnPlateau { factor: 0.5, patience: 2, ..default },
        "zero_patience" => ReduceOnPlateau { factor: 0.9, patience: 0, ..default },
        "cooldown" => ReduceOnPlateau { factor: 0.5, patience: 1, cooldown: 4, ..default },
        "absolute" => {
            ReduceOnPlateau { factor: 0.3, patience: 2, threshold: Threshold::Absolute(0.05), ..default }
        }
        "relative" => {
            ReduceOnPlateau { factor: 0.3, patience: 2, threshold: Threshold::Relative(0.1), ..default }
        }
        "maximum" => ReduceOnPlateau { maximize: true, factor: 0.5, patience: 3, ..default },
        "maximum_absolute" => {
            let threshold = Threshold::Absolute(0.1);
            ReduceOnPlateau { maximize: true, factor: 0.5, patience: 3, threshold, ..default }
        }
        "floor" => ReduceOnPlateau { patience: 0, min_learning_rate: 2e-4, ..default },
        "eps" => ReduceOnPlateau { factor: 0.5, patience: 0, eps: 1e-2, ..default },
        _ => panic!("no rule for the recorded case {name}"),
    }
}

#[test]
fn a_plateau_lowers_the_learning_rate_where_the_oracle_does() {
    let mut recorded = lines(include_str!("../data/plateau.txt"));
    let metrics = recorded.next().unwrap().numbers;
    let mut cases = 0;
    for Line { words, numbers } in recorded {
        let mut plateau = Plateau::new(plateau(words[1]), 0.1).unwrap();
        let rates: Vec<f64> = metrics.iter().map(|&metric| plateau.observe(metric)).collect();
        assert_close(&rates, &numbers, 1e-12, |_| 0.0, words[1]);
        cases += 1;
    }
    assert_eq!(cases, 10);
}

#[test]
fn clipping_by_norm_gives_the_oracle_s_norm_and_gradients() {
    fn check<T: Number>(name: &str, numbers: &[f64], relative: f64) {
        let (given, expected) = numbers[2..].split_at(6);
        let mut grads: Vec<T> = given.iter().copied().map(T::narrow).collect();
        let norm = clip_norm(&mut grads, numbers[0]);
        assert_close(&[norm], &numbers[1..2], relative, |_| 0.0, name);
        assert_close(&grads.into_iter().map(T::widen).collect::<Vec<_>>(), expected, relative, |_| 0.0, name);
    }
    for Line { words, numbers } in lines(include_str!("../data/clipping.txt")) {
        match words[1].strip_suffix(".f32") {
            Some(name) => check::<f32>(name, &numbers, 3e-7),
            None => check::<f64>(words[1], &numbers, 1e-14),
        }
    }
}
