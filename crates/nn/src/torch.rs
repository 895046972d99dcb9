//! The same network in PyTorch's words.

use crate::activation::Activation;
use crate::layer::{Layer, Sequential};

/// The module that stands for [`Layer::Embed`]: PyTorch has none that takes some columns of a matrix.
const EMBED: &str = "\
class Embed(nn.Module):
    def __init__(self, tables):
        super().__init__()
        self.columns = [column for column, _, _ in tables]
        self.tables = nn.ModuleList(nn.Embedding(rows, width) for _, rows, width in tables)

    def forward(self, x):
        plain = [column for column in range(x.shape[1]) if column not in self.columns]
        numbers = [x[:, column].round().long() for column in self.columns]
        rows = [table(n.clamp(0, table.num_embeddings - 1)) for n, table in zip(numbers, self.tables)]
        return torch.cat([x[:, plain], *rows], 1)
";

impl Sequential {
    /// The Python classes that [`to_torch`](Sequential::to_torch) needs besides those of `torch.nn`, if it needs any.
    pub fn torch_classes(&self) -> Option<&'static str> {
        self.layers.iter().any(|layer| matches!(layer, Layer::Embed { .. })).then_some(EMBED)
    }

    /// The Python expression of the `torch.nn.Sequential` whose parameters have the same names and shapes, and which
    /// computes the same in its `eval` mode; it may use [`torch_classes`](Sequential::torch_classes). `None` if connections lead past layers: that module has none.
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
            Layer::Embed { tables } => {
                let each = tables.iter().map(|t| format!("({}, {}, {})", t.column, t.rows, t.width));
                Some(format!("Embed([{}])", each.collect::<Vec<_>>().join(", ")))
            }
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
        assert_eq!(plain.torch_classes(), None);
        for layer in [Layer::Shortcut { from: 0 }, Layer::Residual { from: 0 }] {
            assert_eq!(Sequential { inputs: 2, layers: vec![layer] }.to_torch(), None);
        }
    }

    #[test]
    fn tables_have_a_class_of_their_own() {
        let tables = vec![crate::Embedding { column: 1, rows: 300, width: 5 }];
        let network =
            Sequential { inputs: 3, layers: vec![Layer::Embed { tables }, Layer::Linear { outputs: 2 }] };
        let expected = "nn.Sequential(Embed([(1, 300, 5)]), nn.Linear(7, 2))";
        assert_eq!(network.to_torch().as_deref(), Some(expected));
        assert!(
            network.torch_classes().is_some_and(|classes| classes.starts_with("class Embed(nn.Module):"))
        );
    }
}
