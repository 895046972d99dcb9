//! A workload is a network, a loss, an optimizer and the size of the data: what a training step is timed on.

use highwater_nn::Activation;
use highwater_objective::{BinaryCrossEntropy, CrossEntropy, Loss};
use highwater_optim::{Adagrad, Adam, AdamW, Method, RmsProp, Rprop, Sgd};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A multi-layer perceptron and what it is trained with.
#[derive(Debug, Clone, Deserialize)]
pub struct Workload {
    /// What results are reported under.
    pub name: String,
    /// The number of inputs, of the units of each hidden layer, and of outputs.
    pub sizes: Vec<usize>,
    /// After each hidden layer.
    pub activation: Activation,
    /// What is made small.
    pub loss: LossName,
    /// How.
    pub optimizer: OptimizerName,
    /// Rows of data.
    pub rows: usize,
    /// Rows of a step.
    pub batch: usize,
}

/// A loss with its settings at PyTorch's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum LossName {
    Mse,
    Mae,
    Huber,
    CrossEntropy,
    BceWithLogits,
}

/// An optimizer with its settings at PyTorch's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum OptimizerName {
    Sgd,
    Adam,
    AdamW,
    RmsProp,
    Adagrad,
    Rprop,
}

/// What is wrong with a file of workloads.
#[derive(Debug, Error)]
pub enum Error {
    /// It cannot be read.
    #[error("{}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// It is not a list of workloads.
    #[error("{}: {error}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Where, and what is wrong there.
        error: serde_json::Error,
    },
    /// A workload that cannot be run.
    #[error("workload {name}: {problem}")]
    Workload {
        /// Its name.
        name: String,
        /// Why not.
        problem: &'static str,
    },
    /// A name that no workload has.
    #[error("no workload is named {name}; there are {}", known.join(", "))]
    Unknown {
        /// The name.
        name: String,
        /// The names that workloads have.
        known: Vec<String>,
    },
}

/// The workloads that are timed when no file is given.
const DEFAULT: &str = include_str!("../workloads.json");

impl Workload {
    /// The workloads of a JSON file, or those that come with this program: all of them, or those of these names.
    ///
    /// # Errors
    /// If the file cannot be read or holds something else; if a workload has no layer or not one whole batch of rows; if
    /// there is none of a name.
    pub fn read(file: Option<&Path>, names: &[String]) -> Result<Vec<Workload>, Error> {
        let path = file.unwrap_or(Path::new("workloads.json")).to_owned();
        let text = match file {
            None => DEFAULT.to_owned(),
            Some(file) => {
                fs::read_to_string(file).map_err(|error| Error::Read { path: path.clone(), error })?
            }
        };
        let workloads: Vec<Workload> =
            serde_json::from_str(&text).map_err(|error| Error::Format { path, error })?;
        workloads.iter().try_for_each(Workload::check)?;
        if names.is_empty() {
            return Ok(workloads);
        }
        let named = |name: &String| {
            workloads.iter().find(|w| w.name == *name).cloned().ok_or_else(|| Error::Unknown {
                name: name.clone(),
                known: workloads.iter().map(|w| w.name.clone()).collect(),
            })
        };
        names.iter().map(named).collect()
    }

    fn check(&self) -> Result<(), Error> {
        let problem = if self.sizes.len() < 2 || self.sizes.contains(&0) {
            "`sizes` are those of the inputs and of at least one layer, none of them 0"
        } else if self.batch == 0 || self.batch > self.rows {
            "`batch` is at least 1 and at most `rows`"
        } else {
            return Ok(());
        };
        Err(Error::Workload { name: self.name.clone(), problem })
    }

    /// Floating-point operations of the matrix products of a step: one going forward and two going back for each
    /// layer, but the first has no gradient of its input.
    pub fn flops(&self) -> f64 {
        let layers = self.sizes.windows(2).map(|pair| 2 * pair[0] * pair[1]);
        ((3 * layers.sum::<usize>() - 2 * self.sizes[0] * self.sizes[1]) * self.batch) as f64
    }

    /// Bytes that the way forward and back needs at least: the output of each layer, which the way back reads, and the
    /// gradients of two outputs that follow each other, as one is computed from the other.
    pub fn least_activations(&self) -> usize {
        let outputs = &self.sizes[1..];
        let pair = outputs.windows(2).map(|pair| pair[0] + pair[1]).max().unwrap_or(outputs[0]);
        (outputs.iter().sum::<usize>() + pair) * self.batch * size_of::<f32>()
    }
}

impl LossName {
    /// The loss of this name.
    pub fn loss(self) -> Loss {
        match self {
            LossName::Mse => Loss::MeanSquaredError,
            LossName::Mae => Loss::MeanAbsoluteError,
            LossName::Huber => Loss::Huber { delta: 1.0 },
            LossName::CrossEntropy => Loss::CrossEntropy(CrossEntropy::default()),
            LossName::BceWithLogits => Loss::BinaryCrossEntropy(BinaryCrossEntropy::default()),
        }
    }
}

impl OptimizerName {
    /// The method of this name, and a learning rate that is customary for it.
    pub fn method(self) -> (Method, f64) {
        match self {
            OptimizerName::Sgd => (Method::Sgd(Sgd::default()), 0.01),
            OptimizerName::Adam => (Method::Adam(Adam::default()), 1e-3),
            OptimizerName::AdamW => (Method::AdamW(AdamW::default()), 1e-3),
            OptimizerName::RmsProp => (Method::RmsProp(RmsProp::default()), 1e-3),
            OptimizerName::Adagrad => (Method::Adagrad(Adagrad::default()), 0.01),
            OptimizerName::Rprop => (Method::Rprop(Rprop::default()), 0.01),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Training;

    fn read(text: &str) -> Result<Vec<Workload>, Error> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        Workload::read(Some(file.path()), &[])
    }

    #[test]
    fn the_products_of_each_layer_are_counted_once_forward_and_twice_back() {
        let tiny = &Workload::read(None, &["tiny".to_owned()]).unwrap()[0];
        // 2·(10·20 + 20·1)·32 forward, twice that back, without the gradient of the input.
        assert_eq!(tiny.flops(), (3.0 * 440.0 - 400.0) * 32.0);
    }

    #[test]
    fn every_name_can_be_trained() {
        let losses = ["mse", "mae", "huber", "cross_entropy", "bce_with_logits"];
        let optimizers = ["sgd", "adam", "adamw", "rmsprop", "adagrad", "rprop"];
        let activations = Activation::ALL.map(Activation::name);
        for n in 0..activations.len() {
            let (activation, loss, optimizer) = (activations[n], losses[n % 5], optimizers[n % 6]);
            let text = format!(
                r#"[{{"name": "any", "sizes": [3, 4, 2], "activation": "{activation}", "loss": "{loss}",
                     "optimizer": "{optimizer}", "rows": 9, "batch": 4}}]"#
            );
            let mut training = Training::new(&read(&text).unwrap()[0]);
            let first = training.step(0);
            let last = (1..200).map(|_| training.step(0)).last().unwrap();
            assert!(last < first, "{activation}, {loss}, {optimizer}: from {first} to {last}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_named() {
        let check = |text: &str, expected: &str| {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        };
        let workload = r#"{"name": "w", "sizes": [3, 1], "activation": "relu", "loss": "mse", "optimizer": "sgd",
            "rows": 4, "batch": 4}"#;
        let with = |from: &str, to: &str| format!("[{}]", workload.replace(from, to));
        check("[{]", "key must be a string at line 1 column 3");
        check(&with("relu", "relo"), "unknown variant `relo`, expected one of `identity`");
        check(&with("sgd", "adamax"), "unknown variant `adamax`, expected one of `sgd`");
        check(&with("[3, 1]", "[3]"), "workload w: `sizes` are");
        check(&with(r#""batch": 4"#, r#""batch": 5"#), "workload w: `batch` is");
        let none = Workload::read(Some(Path::new("no/such/file")), &[]).unwrap_err();
        assert!(none.to_string().starts_with("no/such/file: "), "{none}");
        let unknown = Workload::read(None, &["tiny".to_owned(), "huge".to_owned()]).unwrap_err().to_string();
        assert!(unknown.starts_with("no workload is named huge; there are tiny, "), "{unknown}");
    }
}
