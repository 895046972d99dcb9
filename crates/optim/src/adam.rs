//! Adam and AdamW.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::error::{require, require_non_negative};
use crate::method::{At, Update};
use crate::pass::Rule;
use crate::real::{Real, lerp};

/// Adam (Kingma & Ba 2015, algorithm 1), with AMSGrad if asked for (Reddi, Kale & Kumar 2018, algorithm 2).
///
/// The defaults are PyTorch's; so is AMSGrad's maximum, which is taken before the bias correction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adam {
    /// Decay of the running mean of the gradient, in [0, 1).
    pub beta1: f64,
    /// Decay of the running mean of the squared gradient, in [0, 1).
    pub beta2: f64,
    /// Added to the root of the (corrected) mean square.
    pub eps: f64,
    /// This times the parameter is added to its gradient (an L2 penalty, which Adam then rescales; see [`AdamW`]).
    pub weight_decay: f64,
    /// Divides by the largest mean square so far instead of the present one.
    pub amsgrad: bool,
}

impl Default for Adam {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0, amsgrad: false }
    }
}

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2): the parameter is first multiplied by
/// 1 − learning rate · `weight_decay`, and the decay does not pass through the running means.
///
/// The defaults are PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamW {
    /// Decay of the running mean of the gradient, in [0, 1).
    pub beta1: f64,
    /// Decay of the running mean of the squared gradient, in [0, 1).
    pub beta2: f64,
    /// Added to the root of the (corrected) mean square.
    pub eps: f64,
    /// The share of a parameter, times the learning rate, that a step takes away.
    pub weight_decay: f64,
    /// Divides by the largest mean square so far instead of the present one.
    pub amsgrad: bool,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01, amsgrad: false }
    }
}

impl Adam {
    pub(crate) fn slots(&self) -> &'static [&'static str] {
        slots(self.amsgrad)
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        validate("adam", self.beta1, self.beta2, self.eps)
    }

    pub(crate) fn run<T: Real>(&self, at: At, update: Update<'_, T>) {
        let moments = Moments::new(self.beta1, self.beta2, self.eps, at);
        let moments = Moments { weight_decay: T::from_f64(at.weight_decay), ..moments };
        moments.run(self.amsgrad, update);
    }
}

impl AdamW {
    pub(crate) fn slots(&self) -> &'static [&'static str] {
        slots(self.amsgrad)
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        validate("adamw", self.beta1, self.beta2, self.eps)
    }

    pub(crate) fn run<T: Real>(&self, at: At, update: Update<'_, T>) {
        let moments = Moments::new(self.beta1, self.beta2, self.eps, at);
        let moments = Moments { keep: T::from_f64(1.0 - at.learning_rate * at.weight_decay), ..moments };
        moments.run(self.amsgrad, update);
    }
}

fn slots(amsgrad: bool) -> &'static [&'static str] {
    if amsgrad { &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"] } else { &["exp_avg", "exp_avg_sq"] }
}

fn validate(method: &'static str, beta1: f64, beta2: f64, eps: f64) -> Result<(), Error> {
    require((0.0..1.0).contains(&beta1), method, "beta1", beta1, "in [0, 1)")?;
    require((0.0..1.0).contains(&beta2), method, "beta2", beta2, "in [0, 1)")?;
    require_non_negative(method, "eps", eps)
}

/// Both methods' update: Adam keeps the whole parameter, AdamW adds nothing to the gradient.
#[derive(Clone, Copy)]
struct Moments<T> {
    keep: T,
    weight_decay: T,
    share1: T,
    beta2: T,
    share2: T,
    correction2_root: T,
    correction2_root_reciprocal: T,
    eps: T,
    negated_rate: T,
}

impl<T: Real> Moments<T> {
    fn new(beta1: f64, beta2: f64, eps: f64, at: At) -> Self {
        let correction1 = 1.0 - beta1.powf(at.step as f64);
        let correction2_root = (1.0 - beta2.powf(at.step as f64)).sqrt();
        Self {
            keep: T::ONE,
            weight_decay: T::ZERO,
            share1: T::from_f64(1.0 - beta1),
            beta2: T::from_f64(beta2),
            share2: T::from_f64(1.0 - beta2),
            correction2_root: T::from_f64(correction2_root),
            correction2_root_reciprocal: T::from_f64(1.0 / correction2_root),
            eps: T::from_f64(eps),
            negated_rate: T::from_f64(-(at.learning_rate / correction1)),
        }
    }

    fn run(self, amsgrad: bool, update: Update<'_, T>) {
        if amsgrad { update.apply::<4>(self) } else { update.apply::<3>(self) }
    }

    #[inline(always)]
    fn means(self, parameter: T, gradient: T, mean: T, square: T) -> (T, T, T) {
        let gradient = gradient + self.weight_decay * parameter;
        let mean = lerp(mean, gradient, self.share1);
        let square = square * self.beta2 + self.share2 * gradient * gradient;
        (parameter * self.keep, mean, square)
    }

    #[inline(always)]
    fn moved(self, parameter: T, mean: T, square: T) -> T {
        let root = square.sqrt();
        let root = if T::RECIPROCALS {
            root * self.correction2_root_reciprocal
        } else {
            root / self.correction2_root
        };
        parameter + self.negated_rate * mean / (root + self.eps)
    }
}

impl<T: Real> Rule<T, 3, 1> for Moments<T> {
    #[inline(always)]
    fn update(self, [parameter, mean, square]: [T; 3], [gradient]: [T; 1]) -> [T; 3] {
        let (parameter, mean, square) = self.means(parameter, gradient, mean, square);
        [self.moved(parameter, mean, square), mean, square]
    }
}

impl<T: Real> Rule<T, 4, 1> for Moments<T> {
    #[inline(always)]
    fn update(self, [parameter, mean, square, largest]: [T; 4], [gradient]: [T; 1]) -> [T; 4] {
        let (parameter, mean, square) = self.means(parameter, gradient, mean, square);
        let largest = if largest > square { largest } else { square };
        [self.moved(parameter, mean, largest), mean, square, largest]
    }
}
