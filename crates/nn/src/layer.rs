//! Layers, and networks that are a sequence of them.

use crate::activation::Activation;
use crate::error::Error;
use highwater_autodiff::Var;
use serde::{Deserialize, Serialize};

/// One step of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// y = x · weightᵀ + bias, as `torch.nn.Linear`: `weight` is `[outputs, inputs]`, `bias` is `[outputs]`.
    Linear {
        /// The number of units.
        outputs: usize,
    },
    /// A function of every unit.
    Activation(Activation),
    /// While training, zeroes units with this probability and scales the others (Srivastava et al. 2014).
    Dropout {
        /// The probability, within 0..1.
        rate: f64,
    },
}

/// A network: layers one after another. Parameters are named as in `torch.nn.Sequential`, by the number of their
/// layer: `0.weight`, `0.bias`, `2.weight`, …
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sequential {
    /// The number of input columns.
    pub inputs: usize,
    /// From the input to the output.
    pub layers: Vec<Layer>,
}

impl Sequential {
    /// The number of output columns.
    pub fn outputs(&self) -> usize {
        let last = self.layers.iter().rev().find_map(|l| match l {
            Layer::Linear { outputs } => Some(*outputs),
            Layer::Activation(_) | Layer::Dropout { .. } => None,
        });
        last.unwrap_or(self.inputs)
    }

    /// Records the network applied to `x` (batch×inputs), with its parameters.
    ///
    /// # Panics
    /// If `x` has not as many columns as the network has inputs.
    #[track_caller]
    pub fn record<'g>(&self, x: Var<'g>) -> Var<'g> {
        assert_eq!(x.columns(), self.inputs, "the network has {} inputs", self.inputs);
        let graph = x.graph();
        self.layers.iter().enumerate().fold(x, |x, (number, layer)| match layer {
            Layer::Linear { outputs } => {
                let weight = graph.param(format!("{number}.weight"), [*outputs, x.columns()]);
                x.matmul_t(weight) + graph.param_vector(format!("{number}.bias"), *outputs)
            }
            Layer::Activation(activation) => activation.record(x),
            Layer::Dropout { rate } if *rate == 0.0 => x,
            Layer::Dropout { rate } => x.dropout(*rate),
        })
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        if self.inputs == 0 {
            return Err(Error::Width { layer: None });
        }
        for (number, layer) in self.layers.iter().enumerate() {
            match layer {
                Layer::Linear { outputs: 0 } => return Err(Error::Width { layer: Some(number) }),
                Layer::Dropout { rate } if !(0.0..1.0).contains(rate) => {
                    return Err(Error::DropoutRate { rate: *rate });
                }
                _ => {}
            }
        }
        Ok(())
    }
}
