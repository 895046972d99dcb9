//! The multi-layer perceptron.

use crate::activation::Activation;
use crate::layer::{Layer, Sequential};
use serde::{Deserialize, Serialize};

/// Dense layers with an activation, and perhaps dropout, after each hidden one.
///
/// ```
/// use highwater_nn::{Activation, Mlp};
/// let mlp = Mlp { inputs: 64, hidden: vec![128, 64], outputs: 10, activation: Activation::Relu, dropout: 0.0 };
/// let network = mlp.network();
/// assert_eq!(network.layers.len(), 5); // Linear, ReLU, Linear, ReLU, Linear
/// assert_eq!(network.outputs(), 10);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mlp {
    /// The number of input columns.
    pub inputs: usize,
    /// The number of units of each hidden layer.
    pub hidden: Vec<usize>,
    /// The number of output columns.
    pub outputs: usize,
    /// After each hidden layer.
    pub activation: Activation,
    /// The probability that a hidden unit is dropped while training; 0 for none.
    pub dropout: f64,
}

impl Mlp {
    /// Its layers.
    pub fn network(&self) -> Sequential {
        let mut layers = Vec::new();
        for &outputs in &self.hidden {
            layers.extend([Layer::Linear { outputs }, Layer::Activation(self.activation)]);
            if self.dropout != 0.0 {
                layers.push(Layer::Dropout { rate: self.dropout });
            }
        }
        layers.push(Layer::Linear { outputs: self.outputs });
        Sequential { inputs: self.inputs, layers }
    }
}
