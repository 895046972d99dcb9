//! Prechelt's networks.

use highwater_nn::{Activation, Layer, Sequential};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the output units do with their sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// Nothing.
    Linear,
    /// The sigmoid of the hidden units, x / (1 + |x|).
    Sigmoid,
}

/// A network apart from its inputs and outputs; hidden units are x / (1 + |x|).
///
/// ```
/// use highwater_proben1::{Architecture, Output};
///
/// let network = Architecture { hidden: vec![4, 2], output: Output::Linear, shortcuts: true };
/// assert_eq!(network.to_string(), "4+2 linear, shortcuts");
/// // Table 7 counts the connections of the network of cancer1, thresholds included.
/// assert_eq!(network.connections(9, 2), 100);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Architecture {
    /// The units of each hidden layer.
    pub hidden: Vec<usize>,
    /// What the output units do.
    pub output: Output,
    /// Whether each layer is connected to all layers before it, the inputs included, and not to the last only.
    pub shortcuts: bool,
}

/// The 12 topologies that the report tries for each problem (section 3.3): the units of the hidden layers.
pub const TOPOLOGIES: [&[usize]; 12] =
    [&[2], &[4], &[8], &[16], &[24], &[32], &[2, 2], &[4, 2], &[4, 4], &[8, 4], &[8, 8], &[16, 8]];

impl Architecture {
    /// Its layers.
    pub fn network(&self, inputs: usize, outputs: usize) -> Sequential {
        let sigmoid = Layer::Activation(Activation::Softsign);
        let mut layers = Vec::new();
        for &outputs in &self.hidden {
            let entered = layers.len();
            layers.extend([Layer::Linear { outputs }, sigmoid.clone()]);
            if self.shortcuts {
                layers.push(Layer::Shortcut { from: entered });
            }
        }
        layers.push(Layer::Linear { outputs });
        if self.output == Output::Sigmoid {
            layers.push(sigmoid);
        }
        Sequential { inputs, layers }
    }

    /// The number of weights and thresholds.
    pub fn connections(&self, inputs: usize, outputs: usize) -> usize {
        let (mut below, mut count) = (inputs, 0);
        for &units in self.hidden.iter().chain([&outputs]) {
            count += units * (below + 1);
            below = if self.shortcuts { below + units } else { units };
        }
        count
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden: Vec<String> = self.hidden.iter().map(usize::to_string).collect();
        let output = match self.output {
            Output::Linear => "linear",
            Output::Sigmoid => "sigmoid",
        };
        write!(f, "{} {output}{}", hidden.join("+"), if self.shortcuts { ", shortcuts" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_nn::{Init, Model};

    #[test]
    fn networks_have_as_many_parameters_as_connections() {
        for hidden in TOPOLOGIES {
            for shortcuts in [false, true] {
                let network = Architecture { hidden: hidden.to_vec(), output: Output::Sigmoid, shortcuts };
                let model =
                    Model::<f32>::new(network.network(5, 3), Init::Constant { value: 0.1 }, 0).unwrap();
                assert_eq!(model.parameters().len(), network.connections(5, 3), "{network}");
                assert_eq!(model.network().outputs(), 3);
            }
        }
    }
}
