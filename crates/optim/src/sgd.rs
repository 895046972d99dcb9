//! Gradient descent, with momentum if asked for.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::error::{require, require_non_negative};
use crate::method::{At, Update};
use crate::pass::Rule;
use crate::real::Real;

/// Stochastic gradient descent, with momentum if asked for.
///
/// With *g* the gradient plus `weight_decay` times the parameter, the buffer becomes
/// *b ← momentum · b + (1 − dampening) · g* (at the first step *b = g*), and the parameter moves by
/// −learning rate · *b*; with `nesterov` by −learning rate · (*g + momentum · b*). The learning rate stays outside the
/// buffer, in contrast to Sutskever et al. 2013. The defaults are PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// The share of the buffer that a step keeps; 0 keeps no buffer at all.
    pub momentum: f64,
    /// The share of the gradient that does not enter the buffer (from the second step on).
    pub dampening: f64,
    /// Looks ahead: the buffer as it would be after one more step with the same gradient.
    pub nesterov: bool,
    /// This times the parameter is added to its gradient (an L2 penalty of half this times the squared norm).
    pub weight_decay: f64,
}

impl Sgd {
    pub(crate) fn slots(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["momentum_buffer"] }
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        require_non_negative("sgd", "momentum", self.momentum)?;
        require(self.dampening.is_finite(), "sgd", "dampening", self.dampening, "finite")?;
        if self.nesterov && (self.momentum == 0.0 || self.dampening != 0.0) {
            return Err(Error::Nesterov);
        }
        Ok(())
    }

    pub(crate) fn run<T: Real>(&self, at: At, update: Update<'_, T>) {
        let descent = Descent {
            negated_rate: T::from_f64(-at.learning_rate),
            weight_decay: T::from_f64(at.weight_decay),
        };
        if self.momentum == 0.0 {
            return update.apply(descent);
        }
        let dampening = if at.step == 1 { 0.0 } else { self.dampening };
        let (momentum, share) = (T::from_f64(self.momentum), T::from_f64(1.0 - dampening));
        if self.nesterov {
            update.apply(Momentum::<T, true> { descent, momentum, share });
        } else {
            update.apply(Momentum::<T, false> { descent, momentum, share });
        }
    }
}

#[derive(Clone, Copy)]
struct Descent<T> {
    negated_rate: T,
    weight_decay: T,
}

impl<T: Real> Rule<T, 1, 1> for Descent<T> {
    #[inline(always)]
    fn update(self, [parameter]: [T; 1], [gradient]: [T; 1]) -> [T; 1] {
        let gradient = gradient + self.weight_decay * parameter;
        [parameter + self.negated_rate * gradient]
    }
}

#[derive(Clone, Copy)]
struct Momentum<T, const NESTEROV: bool> {
    descent: Descent<T>,
    momentum: T,
    share: T,
}

impl<T: Real, const NESTEROV: bool> Rule<T, 2, 1> for Momentum<T, NESTEROV> {
    #[inline(always)]
    fn update(self, [parameter, buffer]: [T; 2], [gradient]: [T; 1]) -> [T; 2] {
        let gradient = gradient + self.descent.weight_decay * parameter;
        let buffer = buffer * self.momentum + self.share * gradient;
        let direction = if NESTEROV { gradient + self.momentum * buffer } else { buffer };
        [parameter + self.descent.negated_rate * direction, buffer]
    }
}
