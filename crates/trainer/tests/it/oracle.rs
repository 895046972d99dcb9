//! Trajectories recorded from PyTorch in `f64`, replayed step by step through network, loss, optimizer and schedule.

use highwater_autodiff::{Feed, Mode};
use highwater_nn::{Activation, Init, Layer, Model, Sequential};
use highwater_objective::{BinaryCrossEntropy, CrossEntropy, Loss};
use highwater_optim::{
    Adagrad, Adam, AdamW, Anneal, Curve, Method, OneCycle, Optimizer, RmsProp, Rprop, Schedule, Sgd,
    clip_norm,
};
use ndarray::{Array2, s};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    sizes: Vec<usize>,
    modules: Vec<String>,
    loss: Map<String, Value>,
    optimizer: Map<String, Value>,
    schedule: Option<Map<String, Value>>,
    clip_norm: Option<f64>,
    batch: Option<usize>,
    steps: usize,
    inputs: Vec<f64>,
    targets: Vec<f64>,
    init: BTreeMap<String, Vec<f64>>,
    expect: Expect,
}

#[derive(Deserialize)]
struct Expect {
    losses: Vec<f64>,
    lrs: Vec<f64>,
    grad_norms: Vec<f64>,
    #[serde(rename = "final")]
    parameters: BTreeMap<String, Vec<f64>>,
    buffers: BTreeMap<String, Vec<f64>>,
    outputs: Vec<f64>,
}

/// 1e-9 relative, 1e-12 absolute near zero.
fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= (1e-9 * expected.abs()).max(1e-12)
}

fn number(map: &Map<String, Value>, key: &str, default: f64) -> f64 {
    map.get(key).map_or(default, |v| v.as_f64().unwrap_or_else(|| panic!("{key} = {v}")))
}

fn numbers(map: &Map<String, Value>, key: &str) -> Vec<f64> {
    map.get(key).map_or(vec![], |v| v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect())
}

fn name(map: &Map<String, Value>) -> &str {
    map["name"].as_str().unwrap()
}

impl Case {
    fn network(&self) -> Sequential {
        let mut sizes = self.sizes[1..].iter();
        let layer = |module: &String| match module.as_str() {
            "linear" => Layer::Linear { outputs: *sizes.next().unwrap() },
            "layer_norm" => Layer::LayerNorm,
            "batch_norm" => Layer::BatchNorm,
            activation => Layer::Activation(activation.parse::<Activation>().unwrap()),
        };
        Sequential { inputs: self.sizes[0], layers: self.modules.iter().map(layer).collect() }
    }

    fn loss(&self) -> Loss {
        let loss = &self.loss;
        match name(loss) {
            "mse" => Loss::MeanSquaredError,
            "mae" => Loss::MeanAbsoluteError,
            "huber" => Loss::Huber { delta: number(loss, "delta", 1.0) },
            "cross_entropy" => Loss::CrossEntropy(CrossEntropy {
                label_smoothing: number(loss, "label_smoothing", 0.0),
                class_weights: numbers(loss, "class_weights"),
            }),
            "bce_with_logits" => {
                Loss::BinaryCrossEntropy(BinaryCrossEntropy { positive_weights: numbers(loss, "pos_weight") })
            }
            other => panic!("a loss {other}"),
        }
    }

    fn method(&self) -> Method {
        let o = &self.optimizer;
        let flag = |key: &str| o.get(key).is_some_and(|v| v.as_bool().unwrap());
        let pair = |key: &str, default: [f64; 2]| match numbers(o, key)[..] {
            [a, b] => [a, b],
            _ => default,
        };
        let [beta1, beta2] = pair("betas", [0.9, 0.999]);
        let (eps, decay) = (number(o, "eps", 1e-8), |default| number(o, "weight_decay", default));
        let amsgrad = flag("amsgrad");
        match name(o) {
            "sgd" => Method::Sgd(Sgd {
                momentum: number(o, "momentum", 0.0),
                dampening: number(o, "dampening", 0.0),
                nesterov: flag("nesterov"),
                weight_decay: decay(0.0),
            }),
            "adam" => Method::Adam(Adam { beta1, beta2, eps, weight_decay: decay(0.0), amsgrad }),
            "adamw" => Method::AdamW(AdamW { beta1, beta2, eps, weight_decay: decay(0.01), amsgrad }),
            "rmsprop" => Method::RmsProp(RmsProp {
                alpha: number(o, "alpha", 0.99),
                eps,
                momentum: number(o, "momentum", 0.0),
                centered: flag("centered"),
                weight_decay: decay(0.0),
            }),
            "adagrad" => Method::Adagrad(Adagrad {
                lr_decay: number(o, "lr_decay", 0.0),
                eps: number(o, "eps", 1e-10),
                weight_decay: decay(0.0),
                initial_accumulator_value: number(o, "initial_accumulator_value", 0.0),
            }),
            "rprop" => {
                let [eta_minus, eta_plus] = pair("etas", [0.5, 1.2]);
                let [step_min, step_max] = pair("step_sizes", [1e-6, 50.0]);
                Method::Rprop(Rprop { eta_minus, eta_plus, step_min, step_max })
            }
            other => panic!("an optimizer {other}"),
        }
    }

    /// The schedule and its base.
    fn schedule(&self) -> (Schedule, f64) {
        let base = number(&self.optimizer, "lr", f64::NAN);
        let Some(s) = &self.schedule else { return (Schedule::default(), base) };
        let count = |key: &str| number(s, key, f64::NAN) as u64;
        let curve = match name(s) {
            "step" => Curve::Step { step_size: count("step_size"), gamma: number(s, "gamma", 0.1) },
            "multi_step" => Curve::MultiStep {
                milestones: numbers(s, "milestones").into_iter().map(|m| m as u64).collect(),
                gamma: number(s, "gamma", 0.1),
            },
            "exponential" => Curve::Exponential { gamma: number(s, "gamma", f64::NAN) },
            "cosine" => Curve::Cosine { steps: count("T_max"), min_learning_rate: number(s, "eta_min", 0.0) },
            "linear_warmup" => Curve::Linear {
                start_factor: number(s, "start_factor", 1.0 / 3.0),
                end_factor: number(s, "end_factor", 1.0),
                steps: count("total_iters"),
            },
            "polynomial" => Curve::Polynomial { steps: count("total_iters"), power: number(s, "power", 1.0) },
            "one_cycle" => {
                let default = OneCycle::default();
                let curve = OneCycle {
                    steps: count("total_steps"),
                    pct_start: number(s, "pct_start", default.pct_start),
                    anneal: match s.get("anneal_strategy").map(|way| way.as_str().unwrap()) {
                        None | Some("cos") => Anneal::Cosine,
                        Some("linear") => Anneal::Linear,
                        Some(other) => panic!("anneal_strategy {other}"),
                    },
                    div_factor: number(s, "div_factor", default.div_factor),
                    final_div_factor: number(s, "final_div_factor", default.final_div_factor),
                    three_phases: s.get("three_phase").is_some_and(|v| v.as_bool().unwrap()),
                };
                return (Curve::OneCycle(curve).into(), number(s, "max_lr", f64::NAN));
            }
            other => panic!("a schedule {other}"),
        };
        (curve.into(), base)
    }

    /// Batch normalisation takes away the mean, and with it a bias just before it: that bias has a gradient of exactly
    /// 0, computed as rounding errors of 1e-16, which Adam scales up. PyTorch itself, run twice on different
    /// processors, differs there (and in the running mean, where the bias shows) by 1e-8.
    fn is_noise(&self, name: &str) -> bool {
        let (layer, part) = name.split_once('.').unwrap();
        let layer: usize = layer.parse().unwrap();
        let is_norm = |layer: usize| self.modules.get(layer).is_some_and(|module| module == "batch_norm");
        (part == "bias" && is_norm(layer + 1)) || (part == "running_mean" && is_norm(layer))
    }

    fn replay(&self, check: &mut dyn FnMut(&str, usize, f64, f64)) {
        let (loss, expect) = (self.loss(), &self.expect);
        let mut model = Model::<f64>::new(self.network(), Init::default(), 0).unwrap();
        let initial: Vec<f64> = model.table().iter().flat_map(|p| self.init[&p.name].clone()).collect();
        model.parameters_mut().copy_from_slice(&initial);
        let mut optimizer = Optimizer::<f64>::new(self.method(), initial.len()).unwrap();
        let (schedule, base) = self.schedule();

        let rows = self.inputs.len() / self.sizes[0];
        let x = Array2::from_shape_vec((rows, self.sizes[0]), self.inputs.clone()).unwrap();
        let classes: Vec<u32> = self.targets.iter().map(|&t| t as u32).collect();
        let outputs = self.sizes[self.sizes.len() - 1];
        let values = (!loss.wants_classes())
            .then(|| Array2::from_shape_vec((rows, outputs), self.targets.clone()).unwrap());
        let batch = self.batch.unwrap_or(rows);
        let program = model.compile(|y| loss.record(y));
        let mut ws = program.workspace::<f64>(batch);
        let mut gradients = vec![0.0; initial.len()];

        for step in 0..self.steps {
            let at = step % (rows / batch) * batch;
            let target = match &values {
                Some(values) => Feed::Values(values.slice(s![at..at + batch, ..])),
                None => Feed::Indices(&classes[at..at + batch]),
            };
            let feeds = [Feed::Values(x.slice(s![at..at + batch, ..])), target];
            program.forward(&mut ws, model.parameters(), &feeds, Mode::Train { key: 0 });
            program.backward(&mut ws, model.parameters(), &feeds, &mut gradients);
            check("loss", step, ws.loss(), expect.losses[step]);
            let norm = clip_norm(&mut gradients, self.clip_norm.unwrap_or(1e30));
            check("gradient norm", step, norm, expect.grad_norms[step]);
            let learning_rate = schedule.learning_rate(base, step as u64);
            check("learning rate", step, learning_rate, expect.lrs[step]);
            optimizer.step(model.parameters_mut(), &gradients, learning_rate);
            model.follow(&ws, batch);
        }
        for (name, expected) in expect.parameters.iter().chain(&expect.buffers) {
            // PyTorch counts batches in a buffer; here the run counts its steps.
            let counted = name.ends_with("num_batches_tracked").then(|| vec![self.steps as f64]);
            let found = counted.unwrap_or_else(|| model.parameter(name).expect(name).to_vec());
            assert_eq!(found.len(), expected.len(), "{name}");
            for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
                match self.is_noise(name) {
                    true => {
                        assert!((found - expected).abs() < 1e-7, "{name} {i}: {found:e}, not {expected:e}")
                    }
                    false => check(name, i, found, expected),
                }
            }
        }
        // In evaluation a bias and the running mean after it do not cancel as they do in training: noise would show.
        let tables = model.table().iter().chain(model.buffers());
        let own: BTreeMap<String, Vec<f64>> =
            tables.map(|p| (p.name.clone(), model.parameter(&p.name).unwrap().to_vec())).collect();
        let recorded = |name: &str| expect.parameters.get(name).or_else(|| expect.buffers.get(name));
        let values = |name: &str| match recorded(name) {
            Some(recorded) if self.is_noise(name) => recorded.clone(),
            _ => own[name].clone(),
        };
        model.load(|p| Ok::<_, highwater_nn::Error>(values(&p.name))).unwrap();
        let found = model.predict(x.view());
        found.iter().zip(&expect.outputs).enumerate().for_each(|(i, (&f, &e))| check("output", i, f, e));
    }
}

#[test]
fn oracle_trajectories_of_pytorch_are_replayed() {
    let folder = std::env::var_os("HIGHWATER_ORACLE_DIR")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data")), PathBuf::from);
    let path = folder.join("torch_trajectories.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file: File = serde_json::from_str(&text).unwrap();
    let (mut compared, mut wrong) = (0, Vec::new());
    for (number, case) in file.cases.iter().enumerate() {
        case.replay(&mut |what, place, found, expected| {
            compared += 1;
            if !close(found, expected) && wrong.len() < 20 {
                let case = (&case.modules, &case.loss, &case.optimizer, &case.schedule);
                wrong.push(format!("case {number} {case:?}: {what} {place} is {found:e}, not {expected:e}"));
            }
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} trajectories, {compared} numbers", file.cases.len());
    assert!(compared > 0);
}
