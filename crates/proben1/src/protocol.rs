//! Prechelt's protocol: how a network is trained.

use crate::error::Error;
use crate::history::{End, History};
use crate::network::Architecture;
use crate::outputs::{class_error, classes};
use highwater_autodiff::{Feed, Mode};
use highwater_data::{Dataset, Proben1};
use highwater_early_stopping::{Goal, NonFinite, Observation, Rule};
use highwater_nn::{Init, Model};
use highwater_objective::Loss;
use highwater_optim::{InitialStep, Method, Optimizer, Rprop1993};
use ndarray::ArrayView2;

/// How networks are trained: on whole batches by RPROP, with the validation and test errors measured at the end of each
/// strip of epochs.
///
/// The default reproduces the tables of the report. Three of its values are not those that section 3.3.1 of the report
/// names first; `docs/proben1.md` has the measurements:
///
/// - *The rule is `gl(2)`*, where the text says GL5: the report's own overfit figures say so.
/// - *RPROP does not go back* where a gradient changes its sign ([`Rprop1993::backtracking`]).
/// - *Step sizes begin in 0.05..0.2*, as in the report's search for architectures; weights begin within ±0.01, as in its
///   linear networks.
#[derive(Debug, Clone, PartialEq)]
pub struct Protocol {
    /// The method. Its initial step sizes get the seed of the run.
    pub rprop: Rprop1993,
    /// Weights and thresholds begin uniform within plus and minus this.
    pub initial_weights: f64,
    /// The epochs of a strip.
    pub strip: u64,
    /// When to stop. It sees the validation error of the last strip, and the training error of each epoch.
    pub stop: Rule,
    /// The most epochs.
    pub epochs: u64,
}

impl Default for Protocol {
    fn default() -> Self {
        let initial_step = InitialStep::Uniform { low: 0.05, high: 0.2, seed: 0 };
        Protocol {
            rprop: Rprop1993 { step_min: 0.0, initial_step, backtracking: false, ..Rprop1993::default() },
            initial_weights: 0.01,
            strip: 5,
            stop: "gl(2, strip=5) or progress_below(0.1)".parse().expect("a test parses it"),
            epochs: 3000,
        }
    }
}

impl Protocol {
    /// Trains a network on a problem, up to the stop. The run is a function of its arguments, `seed` among them.
    ///
    /// # Errors
    /// If a value of the protocol makes no sense.
    pub fn run(&self, problem: &Proben1, network: &Architecture, seed: u64) -> Result<History, Error> {
        self.stop.check()?;
        if self.strip == 0 || self.epochs == 0 {
            return Err(Error::NoEpochs);
        }
        let initial = Init::Uniform { low: -self.initial_weights, high: self.initial_weights };
        let network = network.network(problem.inputs(), problem.outputs());
        let mut model = Model::<f32>::new(network, initial, seed)?;
        let mut rprop = self.rprop;
        if let InitialStep::Uniform { seed: of_steps, .. } = &mut rprop.initial_step {
            *of_steps = seed;
        }
        let mut optimizer = Optimizer::<f32>::new(Method::Rprop1993(rprop), model.parameters().len())?;

        let squares = Loss::MeanSquaredError;
        let program = model.compile(|outputs| squares.record(outputs));
        let mut ws = program.workspace(problem.train.rows());
        let mut gradients = vec![0.0; model.parameters().len()];
        let measuring = model.compile_evaluation(|outputs| squares.record(outputs));
        let mut measuring_ws = measuring.workspace(problem.validation.rows().max(problem.test.rows()));
        let mut outputs = vec![0.0; problem.test.rows() * problem.outputs()];
        let answers = problem.is_classification().then(|| classes(targets(&problem.test)));

        let mut measure = |model: &Model<f32>, part: &Dataset, outputs: &mut [f32]| {
            measuring.forward(&mut measuring_ws, model.values(), &feeds(part), Mode::Evaluate);
            if !outputs.is_empty() {
                measuring_ws.copy_output(0, outputs);
            }
            percentage(measuring_ws.loss())
        };
        let untrained = measure(&model, &problem.validation, &mut []);
        let mut history = History { training: Vec::new(), untrained, ends: Vec::new(), strip: self.strip };
        let mut stop = self.stop.start(Goal::Minimize, NonFinite::Stop);
        let mut value = untrained;
        let mut ended = stop.observe(&Observation::new(0, value)).is_some();
        for epoch in 1..=self.epochs {
            if ended {
                break;
            }
            let feeds = feeds(&problem.train);
            program.forward(&mut ws, model.parameters(), &feeds, Mode::Train { key: 0 });
            program.backward(&mut ws, model.parameters(), &feeds, &mut gradients);
            // The rate counts only where step sizes begin at it.
            optimizer.step(model.parameters_mut(), &gradients, 0.1);
            let error = percentage(ws.loss());
            history.training.push(error);
            if epoch.is_multiple_of(self.strip) {
                value = measure(&model, &problem.validation, &mut []);
                let test = measure(&model, &problem.test, &mut outputs);
                let class_error =
                    answers.as_ref().map(|answers| class_error(&outputs, problem.outputs(), answers));
                history.ends.push(End { epoch, valid: value, test, class_error });
            }
            let observation = Observation { train: Some(error), ..Observation::new(epoch, value) };
            ended = stop.observe(&observation).is_some();
        }
        Ok(history)
    }
}

/// The squared error percentage of a mean squared error, the outputs' range being 1.
fn percentage(mean_square: f32) -> f64 {
    100.0 * f64::from(mean_square)
}

fn targets(part: &Dataset) -> ArrayView2<'_, f32> {
    part.targets().values().expect("problems of Proben1 have values")
}

fn feeds(part: &Dataset) -> [Feed<'_, f32>; 2] {
    [Feed::Values(part.features()), Feed::Values(targets(part))]
}
