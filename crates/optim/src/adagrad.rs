//! Adagrad.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::error::require_non_negative;
use crate::method::{At, Update};
use crate::pass::Rule;
use crate::real::Real;

/// Adagrad (Duchi, Hazan & Singer 2011, the diagonal form): the gradient divided by the root of the sum of all its squares.
///
/// The defaults are PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adagrad {
    /// Step *t* (from 0) uses the learning rate divided by 1 + *t* · this.
    pub lr_decay: f64,
    /// Added to the root of the sum.
    pub eps: f64,
    /// This times the parameter is added to its gradient.
    pub weight_decay: f64,
    /// What each sum starts with.
    pub initial_accumulator_value: f64,
}

impl Default for Adagrad {
    fn default() -> Self {
        Self { lr_decay: 0.0, eps: 1e-10, weight_decay: 0.0, initial_accumulator_value: 0.0 }
    }
}

impl Adagrad {
    pub(crate) fn slots(&self) -> &'static [&'static str] {
        &["sum"]
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        require_non_negative("adagrad", "lr_decay", self.lr_decay)?;
        require_non_negative("adagrad", "eps", self.eps)?;
        require_non_negative("adagrad", "initial_accumulator_value", self.initial_accumulator_value)
    }

    pub(crate) fn run<T: Real>(&self, at: At, update: Update<'_, T>) {
        let learning_rate = at.learning_rate / (1.0 + (at.step - 1) as f64 * self.lr_decay);
        update.apply(Summed {
            negated_rate: T::from_f64(-learning_rate),
            weight_decay: T::from_f64(at.weight_decay),
            eps: T::from_f64(self.eps),
        });
    }
}

#[derive(Clone, Copy)]
struct Summed<T> {
    negated_rate: T,
    weight_decay: T,
    eps: T,
}

impl<T: Real> Rule<T, 2, 1> for Summed<T> {
    #[inline(always)]
    fn update(self, [parameter, sum]: [T; 2], [gradient]: [T; 1]) -> [T; 2] {
        let gradient = gradient + self.weight_decay * parameter;
        let sum = sum + gradient * gradient;
        [parameter + self.negated_rate * gradient / (sum.sqrt() + self.eps), sum]
    }
}
