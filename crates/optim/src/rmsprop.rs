//! RMSprop.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::error::{require, require_non_negative};
use crate::method::{At, Update};
use crate::pass::Rule;
use crate::real::{Real, lerp};

/// RMSprop (Tieleman & Hinton 2012, lecture 6.5): the gradient divided by the root of its running mean square.
///
/// `centered` subtracts the squared running mean first (Graves 2013). As in PyTorch, whose
/// defaults these are, `eps` is added outside the root.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RmsProp {
    /// Decay of the running means, in [0, 1].
    pub alpha: f64,
    /// Added to the root of the mean square.
    pub eps: f64,
    /// The share of the last move that is added to the next; 0 keeps no buffer at all.
    pub momentum: f64,
    /// Divides by an estimate of the standard deviation instead of the root mean square.
    ///
    /// Of a gradient that hardly varies from step to step rounding leaves nothing of that estimate, or less: then steps
    /// are as large as `eps` allows, or NaN, in PyTorch as here. An `eps` of the size of the gradients bounds them.
    pub centered: bool,
    /// This times the parameter is added to its gradient.
    pub weight_decay: f64,
}

impl Default for RmsProp {
    fn default() -> Self {
        Self { alpha: 0.99, eps: 1e-8, momentum: 0.0, centered: false, weight_decay: 0.0 }
    }
}

impl RmsProp {
    pub(crate) fn slots(&self) -> &'static [&'static str] {
        match (self.centered, self.momentum > 0.0) {
            (false, false) => &["square_avg"],
            (true, false) => &["square_avg", "grad_avg"],
            (false, true) => &["square_avg", "momentum_buffer"],
            (true, true) => &["square_avg", "grad_avg", "momentum_buffer"],
        }
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        require((0.0..=1.0).contains(&self.alpha), "rmsprop", "alpha", self.alpha, "in [0, 1]")?;
        require_non_negative("rmsprop", "eps", self.eps)?;
        require_non_negative("rmsprop", "momentum", self.momentum)
    }

    pub(crate) fn run<T: Real>(&self, at: At, update: Update<'_, T>) {
        let scaled = Scaled {
            negated_rate: T::from_f64(-at.learning_rate),
            weight_decay: T::from_f64(at.weight_decay),
            alpha: T::from_f64(self.alpha),
            share: T::from_f64(1.0 - self.alpha),
            eps: T::from_f64(self.eps),
            momentum: T::from_f64(self.momentum),
        };
        match (self.centered, self.momentum > 0.0) {
            (false, false) => update.apply::<2>(Flagged::<T, false, false>(scaled)),
            (true, false) => update.apply::<3>(Flagged::<T, true, false>(scaled)),
            (false, true) => update.apply::<3>(Flagged::<T, false, true>(scaled)),
            (true, true) => update.apply::<4>(Flagged::<T, true, true>(scaled)),
        }
    }
}

#[derive(Clone, Copy)]
struct Scaled<T> {
    negated_rate: T,
    weight_decay: T,
    alpha: T,
    share: T,
    eps: T,
    momentum: T,
}

#[derive(Clone, Copy)]
struct Flagged<T, const CENTERED: bool, const MOMENTUM: bool>(Scaled<T>);

impl<T: Real, const CENTERED: bool, const MOMENTUM: bool, const WRITTEN: usize> Rule<T, WRITTEN, 1>
    for Flagged<T, CENTERED, MOMENTUM>
{
    #[inline(always)]
    fn update(self, mut written: [T; WRITTEN], [gradient]: [T; 1]) -> [T; WRITTEN] {
        let scaled = self.0;
        let gradient = gradient + scaled.weight_decay * written[0];
        let mut square = written[1] * scaled.alpha + scaled.share * gradient * gradient;
        written[1] = square;
        if CENTERED {
            let mean = lerp(written[2], gradient, scaled.share);
            written[2] = mean;
            square = square - mean * mean;
        }
        let root = square.sqrt() + scaled.eps;
        if MOMENTUM {
            let buffer = written[WRITTEN - 1] * scaled.momentum + gradient / root;
            written[WRITTEN - 1] = buffer;
            written[0] = written[0] + scaled.negated_rate * buffer;
        } else {
            written[0] = written[0] + scaled.negated_rate * gradient / root;
        }
        written
    }
}
