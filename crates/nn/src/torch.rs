//! The same network in PyTorch's words.

use crate::activation::Activation;
use crate::layer::{Layer, Sequential};

impl Sequential {
    /// The Python expression of the `torch.nn.Sequential` whose parameters have the same names and shapes, and which
    /// computes the same in its `eval` mode. `None` if connections lead past layers: that module has none.
    ///
    /// ```
    /// use highwater_nn::{Activation, Mlp};
    ///
    /// let mlp = Mlp { inputs: 4, hidden: vec![8], outputs: 3, activation: Activation::GeluTanh, dropout: 0.5 };
    /// assert_eq!(
    ///     mlp.network().to_torch().as_deref(),
    ///     Some("nn.Sequential(nn.Linear(4, 8), nn.GELU(approximate='tanh'), nn.Dropout(0.5), nn.Linear(8, 3))")
    /// );
    /// ```
    pub fn to_torch(&self) -> Option<String> {
        let widths = self.widths();
        let module = |(layer, &width): (&Layer, &usize)| match layer {
            Layer::Linear { outputs } => Some(format!("nn.Linear({width}, {outputs})")),
            Layer::Activation(activation) => Some(activation.to_torch().to_owned()),
            Layer::Dropout { rate } => Some(format!("nn.Dropout({rate})")),
            Layer::LayerNorm => Some(format!("nn.LayerNorm({width})")),
            Layer::BatchNorm => Some(format!("nn.BatchNorm1d({width})")),
            Layer::Shortcut { .. } | Layer::Residual { .. } => None,
        };
        let modules: Option<Vec<String>> = self.layers.iter().zip(&widths).map(module).collect();
        Some(format!("nn.Sequential({})", modules?.join(", ")))
    }
}

impl Activation {
    fn to_torch(self) -> &'static str {
        match self {
            Activation::Identity => "nn.Identity()",
            Activation::Relu => "nn.ReLU()",
            Activation::LeakyRelu => "nn.LeakyReLU(0.01)",
            Activation::Elu => "nn.ELU()",
            Activation::Tanh => "nn.Tanh()",
            Activation::Sigmoid => "nn.Sigmoid()",
            Activation::Softsign => "nn.Softsign()",
            Activation::Softplus => "nn.Softplus()",
            Activation::Silu => "nn.SiLU()",
            Activation::Gelu => "nn.GELU()",
            Activation::GeluTanh => "nn.GELU(approximate='tanh')",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_past_layers_have_no_word() {
        let layers = vec![Layer::LayerNorm, Layer::BatchNorm];
        let plain = Sequential { inputs: 2, layers };
        let expected = "nn.Sequential(nn.LayerNorm(2), nn.BatchNorm1d(2))";
        assert_eq!(plain.to_torch().as_deref(), Some(expected));
        for layer in [Layer::Shortcut { from: 0 }, Layer::Residual { from: 0 }] {
            assert_eq!(Sequential { inputs: 2, layers: vec![layer] }.to_torch(), None);
        }
    }
}
