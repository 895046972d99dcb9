//! Layers, and networks that are a sequence of them.

use crate::activation::Activation;
use crate::error::Error;
use highwater_autodiff::{Axis, Graph, Var};
use serde::{Deserialize, Serialize};

/// What PyTorch's normalising layers add to the variance.
pub(crate) const EPSILON: f64 = 1e-5;

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
    /// Each row is shifted and scaled to mean 0 and variance 1, then by `weight` and `bias` (Ba et al. 2016), as
    /// `torch.nn.LayerNorm`.
    LayerNorm,
    /// Each column is shifted and scaled to mean 0 and variance 1 over the batch, then by `weight` and `bias` (Ioffe &
    /// Szegedy 2015), as `torch.nn.BatchNorm1d`: elsewhere than in training by the running mean and variance, which are
    /// buffers of the model.
    BatchNorm,
    /// Puts the value that entered an earlier layer beside the present one: units are connected past the layers
    /// between, as all of them are in Prechelt's networks (Proben1, section 3.2).
    Shortcut {
        /// The number of that layer; 0 stands for the input of the network.
        from: usize,
    },
    /// Adds the value that entered an earlier layer (He et al. 2016); it must be as wide as the present one.
    Residual {
        /// The number of that layer; 0 stands for the input of the network.
        from: usize,
    },
}

/// What a network is recorded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Batches are normalised by their own statistics.
    Train,
    /// Batches are normalised by the running statistics, given behind the parameters.
    Evaluate,
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

/// A recorded network.
pub struct Recorded<'g> {
    /// batch×outputs.
    pub outputs: Var<'g>,
    /// Mean and variance (1×n) of the batch in each normalising layer, in order; empty unless recorded for training.
    pub statistics: Vec<[Var<'g>; 2]>,
}

/// The parameters or buffers of a layer, as they take part in a graph.
type Pair<'g> = Option<(Var<'g>, Var<'g>)>;

impl Sequential {
    /// The number of output columns.
    pub fn outputs(&self) -> usize {
        self.widths().last().copied().unwrap_or(self.inputs)
    }

    /// The width of the value that enters each layer, and at last that of the output.
    pub(crate) fn widths(&self) -> Vec<usize> {
        let mut widths = vec![self.inputs];
        for (number, layer) in self.layers.iter().enumerate() {
            let width = widths[number];
            widths.push(match layer {
                Layer::Linear { outputs } => *outputs,
                Layer::Shortcut { from } => width + widths.get(*from).copied().unwrap_or(0),
                _ => width,
            });
        }
        widths
    }

    /// Records the network applied to `x` (batch×inputs), with its parameters and, for evaluation, its buffers behind
    /// them.
    ///
    /// # Panics
    /// If `x` has not as many columns as the network has inputs.
    #[track_caller]
    pub fn record<'g>(&self, x: Var<'g>, purpose: Purpose) -> Recorded<'g> {
        assert_eq!(x.columns(), self.inputs, "the network has {} inputs", self.inputs);
        let graph = x.graph();
        let widths = self.widths();
        let parameters = self.each(|number, layer| layer.parameters(graph, number, widths[number]));
        let buffers = match purpose {
            Purpose::Train => vec![None; self.layers.len()],
            Purpose::Evaluate => self.each(|number, layer| layer.buffers(graph, number, widths[number])),
        };
        let mut values = vec![x];
        let mut statistics = Vec::new();
        for (number, layer) in self.layers.iter().enumerate() {
            let x = values[number];
            let scaled = |x: Var<'g>| {
                let (weight, bias) = parameters[number].expect("the layer has parameters");
                x * weight + bias
            };
            values.push(match layer {
                Layer::Linear { .. } => {
                    let (weight, bias) = parameters[number].expect("the layer has parameters");
                    x.matmul_t(weight) + bias
                }
                Layer::Activation(activation) => activation.record(x),
                Layer::Dropout { rate } if *rate == 0.0 => x,
                Layer::Dropout { rate } => x.dropout(*rate),
                Layer::LayerNorm => {
                    let (centred, variance) = moments(x, x.mean_over(Axis::Columns), Axis::Columns);
                    scaled(centred / (variance + EPSILON).sqrt())
                }
                Layer::BatchNorm => {
                    let (centred, variance) = match buffers[number] {
                        Some((mean, variance)) => (x - mean, variance),
                        None => {
                            let mean = x.mean_over(Axis::Rows);
                            let (centred, variance) = moments(x, mean, Axis::Rows);
                            statistics.push([mean, variance]);
                            (centred, variance)
                        }
                    };
                    scaled(centred / (variance + EPSILON).sqrt())
                }
                Layer::Shortcut { from } => x.concatenate(&[values[*from]]),
                Layer::Residual { from } => x + values[*from],
            });
        }
        Recorded { outputs: values[self.layers.len()], statistics }
    }

    fn each<T>(&self, f: impl Fn(usize, &Layer) -> T) -> Vec<T> {
        self.layers.iter().enumerate().map(|(number, layer)| f(number, layer)).collect()
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        if self.inputs == 0 {
            return Err(Error::Width { layer: None });
        }
        let widths = self.widths();
        for (number, layer) in self.layers.iter().enumerate() {
            match layer {
                Layer::Linear { outputs: 0 } => return Err(Error::Width { layer: Some(number) }),
                Layer::Dropout { rate } if !(0.0..1.0).contains(rate) => {
                    return Err(Error::DropoutRate { rate: *rate });
                }
                Layer::Shortcut { from } | Layer::Residual { from } if *from > number => {
                    return Err(Error::NotEarlier { layer: number, from: *from });
                }
                Layer::Residual { from } if widths[*from] != widths[number] => {
                    let (found, needed) = (widths[*from], widths[number]);
                    return Err(Error::ResidualWidth { layer: number, found, needed });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Layer {
    fn parameters<'g>(&self, graph: &'g Graph, number: usize, width: usize) -> Pair<'g> {
        let vector = |name: &str, n: usize| graph.param_vector(format!("{number}.{name}"), n);
        match self {
            Layer::Linear { outputs } => {
                let weight = graph.param(format!("{number}.weight"), [*outputs, width]);
                Some((weight, vector("bias", *outputs)))
            }
            Layer::LayerNorm | Layer::BatchNorm => Some((vector("weight", width), vector("bias", width))),
            Layer::Activation(_)
            | Layer::Dropout { .. }
            | Layer::Shortcut { .. }
            | Layer::Residual { .. } => None,
        }
    }

    fn buffers<'g>(&self, graph: &'g Graph, number: usize, width: usize) -> Pair<'g> {
        let vector = |name: &str| graph.param_vector(format!("{number}.{name}"), width);
        (*self == Layer::BatchNorm).then(|| (vector("running_mean"), vector("running_var")))
    }
}

/// x less its mean, and the mean square of that (without Bessel's correction).
fn moments<'g>(x: Var<'g>, mean: Var<'g>, axis: Axis) -> (Var<'g>, Var<'g>) {
    let centred = x - mean;
    (centred, centred.square().mean_over(axis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Init, Model};
    use ndarray::array;

    fn model(layers: Vec<Layer>) -> Result<Model<f64>, Error> {
        Model::new(Sequential { inputs: 2, layers }, Init::Constant { value: 1.0 }, 0)
    }

    #[test]
    fn connections_past_layers_concatenate_or_add() {
        let linear = Layer::Linear { outputs: 2 };
        let x = array![[1.0, 2.0]]; // a layer of ones gives 1 + 2 + 1 twice
        let shortcut = model(vec![linear.clone(), Layer::Shortcut { from: 0 }]).unwrap();
        assert_eq!(shortcut.predict(x.view()), array![[4.0, 4.0, 1.0, 2.0]]);
        let residual = model(vec![linear.clone(), Layer::Residual { from: 0 }, linear]).unwrap();
        assert_eq!(residual.predict(x.view()), array![[12.0, 12.0]]);
        assert_eq!(residual.table()[2].name, "2.weight");
    }

    #[test]
    fn connections_from_nowhere_are_refused() {
        let later = model(vec![Layer::Shortcut { from: 1 }]).unwrap_err();
        assert_eq!(later, Error::NotEarlier { layer: 0, from: 1 });
        let width = model(vec![Layer::Linear { outputs: 3 }, Layer::Residual { from: 0 }]).unwrap_err();
        assert_eq!(width, Error::ResidualWidth { layer: 1, found: 2, needed: 3 });
    }

    #[test]
    fn batch_normalisation_follows_the_statistics_of_the_batches_as_pytorch_does() {
        let mut model = model(vec![Layer::BatchNorm]).unwrap();
        let program = model.compile(|y| y.square().mean());
        let mut ws = program.workspace(2);
        let batch = array![[1.0, 10.0], [3.0, 10.0]];
        program.forward(&mut ws, model.parameters(), &[(&batch).into()], highwater_autodiff::Mode::Evaluate);
        model.follow(&ws, 2);
        let close = |name: &str, expected: [f64; 2]| {
            let found = model.parameter(name).unwrap();
            assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-15), "{name}: {found:?}");
        };
        // A tenth of the mean, and of the variance 2 with Bessel's correction, towards the batch.
        close("0.running_mean", [0.2, 1.0]);
        close("0.running_var", [0.9 + 0.2, 0.9]);
        assert_eq!(model.parameters().len(), 4, "buffers are not trained");
    }
}
