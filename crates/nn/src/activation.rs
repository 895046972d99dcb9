//! Activation functions.

use highwater_autodiff::Var;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A function applied to every unit of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// x.
    Identity,
    /// max(x, 0).
    Relu,
    /// x, or 0.01·x where negative (Maas et al. 2013).
    LeakyRelu,
    /// x, or eˣ - 1 where negative (Clevert et al. 2016).
    Elu,
    /// The hyperbolic tangent.
    Tanh,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// x / (1 + |x|), Prechelt's sigmoid (Proben1).
    Softsign,
    /// ln(1 + eˣ).
    Softplus,
    /// x·sigmoid(x).
    Silu,
    /// x·Φ(x) (Hendrycks & Gimpel 2016).
    Gelu,
    /// The approximation of `Gelu` by a hyperbolic tangent.
    GeluTanh,
}

impl Activation {
    /// All of them.
    pub const ALL: [Activation; 11] = [
        Activation::Identity,
        Activation::Relu,
        Activation::LeakyRelu,
        Activation::Elu,
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Softsign,
        Activation::Softplus,
        Activation::Silu,
        Activation::Gelu,
        Activation::GeluTanh,
    ];

    /// Its name in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Identity => "identity",
            Activation::Relu => "relu",
            Activation::LeakyRelu => "leaky_relu",
            Activation::Elu => "elu",
            Activation::Tanh => "tanh",
            Activation::Sigmoid => "sigmoid",
            Activation::Softsign => "softsign",
            Activation::Softplus => "softplus",
            Activation::Silu => "silu",
            Activation::Gelu => "gelu",
            Activation::GeluTanh => "gelu_tanh",
        }
    }

    /// Applied to `x`.
    pub fn record(self, x: Var<'_>) -> Var<'_> {
        match self {
            Activation::Identity => x,
            Activation::Relu => x.relu(),
            Activation::LeakyRelu => x.leaky_relu(0.01),
            Activation::Elu => x.elu(1.0),
            Activation::Tanh => x.tanh(),
            Activation::Sigmoid => x.sigmoid(),
            Activation::Softsign => x.softsign(),
            Activation::Softplus => x.softplus(),
            Activation::Silu => x.silu(),
            Activation::Gelu => x.gelu(),
            Activation::GeluTanh => x.gelu_tanh(),
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Activation {
    type Err = crate::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Activation::ALL.into_iter().find(|a| a.name() == name);
        found.ok_or_else(|| crate::Error::UnknownActivation { name: name.to_owned() })
    }
}
