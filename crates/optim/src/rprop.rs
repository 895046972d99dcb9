//! Rprop, in PyTorch's form and in those of 1993 and 1994.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::error::{require, require_non_negative, require_positive};
use crate::method::{At, Update};
use crate::pass::Rule;
use crate::real::Real;

/// Resilient propagation as PyTorch has it: only the gradient's sign counts, each weight has a step size of its own,
/// and a weight whose gradient changes its sign stands still for a step.
///
/// For full batches. The step sizes start at the learning rate of the first step, times the scale of a
/// [group](crate::GroupRule::learning_rate_scale); later learning rates have no effect.
/// The defaults are PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rprop {
    /// What a step size is multiplied by when the gradient's sign changes, in (0, 1).
    pub eta_minus: f64,
    /// What a step size is multiplied by when the gradient keeps its sign; above 1.
    pub eta_plus: f64,
    /// The least step size.
    pub step_min: f64,
    /// The largest step size.
    pub step_max: f64,
}

impl Default for Rprop {
    fn default() -> Self {
        Self { eta_minus: 0.5, eta_plus: 1.2, step_min: 1e-6, step_max: 50.0 }
    }
}

/// Resilient propagation as it was published (Riedmiller & Braun 1993): a weight whose gradient changes its sign goes
/// back to where it came from, and its step size is left alone in the step after.
///
/// For full batches. The learning rate, and the scale of a [group](crate::GroupRule::learning_rate_scale), count in the
/// first step only, and only if [`InitialStep`] says so.
/// The defaults are the paper's recommendations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rprop1993 {
    /// What a step size is multiplied by when the gradient's sign changes, in (0, 1).
    pub eta_minus: f64,
    /// What a step size is multiplied by when the gradient keeps its sign; above 1.
    pub eta_plus: f64,
    /// The least step size.
    pub step_min: f64,
    /// The largest step size.
    pub step_max: f64,
    /// The step sizes before the first step.
    pub initial_step: InitialStep,
    /// Whether a weight goes back where its gradient changes its sign. Otherwise it moves on by the smaller step, in the
    /// direction that is new, and a change of sign in the step after counts like every other: the form of Riedmiller
    /// 1994, named Rprop⁻ by Igel & Hüsken 2000.
    pub backtracking: bool,
}

impl Default for Rprop1993 {
    fn default() -> Self {
        Self {
            eta_minus: 0.5,
            eta_plus: 1.2,
            step_min: 1e-6,
            step_max: 50.0,
            initial_step: InitialStep::LearningRate,
            backtracking: true,
        }
    }
}

/// The step size of each weight before the first step.
///
/// Other values can be written into the slot `step_size` before the first step
/// ([`Optimizer::slots_mut`](crate::Optimizer::slots_mut)): what is not zero there stays.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum InitialStep {
    /// The learning rate of the first step (the paper's Δ₀, for which it recommends 0.1). The default.
    #[default]
    LearningRate,
    /// Uniform in [low, high), each weight's own: a function of the seed and of the weight's place in the flat slice.
    /// Prechelt's Proben1 report (1994) trains with 0.05 to 0.2.
    Uniform {
        /// The least.
        low: f64,
        /// The bound above.
        high: f64,
        /// Chooses the values.
        seed: u64,
    },
}

const SLOTS: &[&str] = &["prev", "step_size"];

impl Rprop {
    pub(crate) fn slots(&self) -> &'static [&'static str] {
        SLOTS
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        validate("rprop", self.eta_minus, self.eta_plus, self.step_min, self.step_max)
    }

    pub(crate) fn run<T: Real>(&self, at: At, update: Update<'_, T>) {
        if at.step == 1 {
            start(&mut update.slots[1][update.range.clone()], |_| at.learning_rate);
        }
        let Self { eta_minus, eta_plus, step_min, step_max } = *self;
        update.apply(StandStill(Sizes::new(eta_minus, eta_plus, step_min, step_max)));
    }
}

impl Rprop1993 {
    pub(crate) fn slots(&self) -> &'static [&'static str] {
        SLOTS
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        validate("rprop1993", self.eta_minus, self.eta_plus, self.step_min, self.step_max)?;
        if let InitialStep::Uniform { low, high, .. } = self.initial_step {
            require_positive("rprop1993", "initial_step.low", low)?;
            let accepted = high >= low && high.is_finite();
            require(accepted, "rprop1993", "initial_step.high", high, "at least `low` and finite")?;
        }
        Ok(())
    }

    pub(crate) fn run<T: Real>(&self, at: At, update: Update<'_, T>) {
        if at.step == 1 {
            let first = update.range.start;
            start(&mut update.slots[1][update.range.clone()], |index| match self.initial_step {
                InitialStep::LearningRate => at.learning_rate,
                InitialStep::Uniform { low, high, seed } => {
                    low + (high - low) * unit(seed, (first + index) as u64)
                }
            });
        }
        let Self { eta_minus, eta_plus, step_min, step_max, .. } = *self;
        let sizes = Sizes::new(eta_minus, eta_plus, step_min, step_max);
        match self.backtracking {
            true => update.apply(TurnBack(sizes)),
            false => update.apply(MoveOn(sizes)),
        }
    }
}

fn validate(method: &'static str, minus: f64, plus: f64, min: f64, max: f64) -> Result<(), Error> {
    require(minus > 0.0 && minus < 1.0, method, "eta_minus", minus, "in (0, 1)")?;
    require(plus > 1.0 && plus.is_finite(), method, "eta_plus", plus, "above 1 and finite")?;
    require_non_negative(method, "step_min", min)?;
    require(max > 0.0 && max >= min, method, "step_max", max, "above 0 and at least `step_min`")
}

/// Gives a first step size to each weight that has none yet.
fn start<T: Real>(sizes: &mut [T], first: impl Fn(usize) -> f64) {
    for (index, size) in sizes.iter_mut().enumerate().filter(|(_, size)| **size == T::ZERO) {
        *size = T::from_f64(first(index));
    }
}

/// A number in [0, 1) that depends on its arguments only (SplitMix64: Steele, Lea & Flood 2014).
fn unit(seed: u64, counter: u64) -> f64 {
    let mut z = seed.wrapping_add(counter.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[derive(Clone, Copy)]
struct Sizes<T> {
    eta_minus: T,
    eta_plus: T,
    min: T,
    max: T,
}

impl<T: Real> Sizes<T> {
    fn new(eta_minus: f64, eta_plus: f64, min: f64, max: f64) -> Self {
        let [eta_minus, eta_plus, min, max] = [eta_minus, eta_plus, min, max].map(T::from_f64);
        Self { eta_minus, eta_plus, min, max }
    }

    /// The next step size, and whether the gradient changed its sign.
    #[inline(always)]
    fn next(self, size: T, gradient: T, previous: T) -> (T, bool) {
        let agreement = gradient * previous;
        let turned = agreement < T::ZERO;
        let factor = if turned { self.eta_minus } else { T::ONE };
        let factor = if agreement > T::ZERO { self.eta_plus } else { factor };
        let size = size * factor;
        let size = if size < self.min { self.min } else { size };
        (if size > self.max { self.max } else { size }, turned)
    }
}

/// The sign of `direction` times `size`; 0 for 0 and for NaN.
#[inline(always)]
fn signed<T: Real>(size: T, direction: T) -> T {
    let above = if direction > T::ZERO { size } else { T::ZERO };
    if direction < T::ZERO { -size } else { above }
}

#[derive(Clone, Copy)]
struct StandStill<T>(Sizes<T>);

impl<T: Real> Rule<T, 3, 1> for StandStill<T> {
    #[inline(always)]
    fn update(self, [parameter, previous, size]: [T; 3], [gradient]: [T; 1]) -> [T; 3] {
        let (size, turned) = self.0.next(size, gradient, previous);
        let gradient = if turned { T::ZERO } else { gradient };
        [parameter - signed(size, gradient), gradient, size]
    }
}

/// The last move needs no slot of its own: it was the last step size against the last gradient's sign.
#[derive(Clone, Copy)]
struct TurnBack<T>(Sizes<T>);

impl<T: Real> Rule<T, 3, 1> for TurnBack<T> {
    #[inline(always)]
    fn update(self, [parameter, previous, last]: [T; 3], [gradient]: [T; 1]) -> [T; 3] {
        let (size, turned) = self.0.next(last, signed(T::ONE, gradient), previous);
        let move_on = parameter - signed(size, gradient);
        let move_back = parameter + signed(last, previous);
        if turned { [move_back, T::ZERO, size] } else { [move_on, gradient, size] }
    }
}

#[derive(Clone, Copy)]
struct MoveOn<T>(Sizes<T>);

impl<T: Real> Rule<T, 3, 1> for MoveOn<T> {
    #[inline(always)]
    fn update(self, [parameter, previous, size]: [T; 3], [gradient]: [T; 1]) -> [T; 3] {
        let (size, _) = self.0.next(size, signed(T::ONE, gradient), previous);
        [parameter - signed(size, gradient), gradient, size]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Method, Optimizer};

    /// One weight through the 1993 paper's cases: same sign, changed sign (back, and the size is halved), the step after
    /// (no change of size), same sign again.
    #[test]
    fn rprop_of_1993_goes_back_where_the_sign_changes() {
        let method =
            Rprop1993 { eta_minus: 0.5, eta_plus: 2.0, step_min: 0.0, step_max: 1.5, ..Rprop1993::default() };
        let mut optimizer = Optimizer::new(Method::Rprop1993(method), 1).unwrap();
        let mut params = [10.0];
        let mut position = |gradient: f64| {
            optimizer.step(&mut params, &[gradient], 0.5);
            params[0]
        };
        let found = [1.0, 3.0, 1e-200, -0.1, -7.0, -2.0, 0.0, -1.0].map(&mut position);
        assert_eq!(
            found,
            [
                9.5,   // 0.5 down
                8.5,   // 1 down
                7.0,   // 2, at most 1.5, down
                8.5,   // the sign changed: back by 1.5; the size becomes 0.75
                9.25,  // 0.75 up
                10.75, // 1.5 up
                10.75, // no gradient, no move
                12.25, // after it the size stays
            ]
        );
    }

    #[test]
    fn without_backtracking_a_weight_moves_on_by_the_smaller_step() {
        let backtracking = false;
        let method =
            Rprop1993 { eta_minus: 0.5, eta_plus: 2.0, step_min: 0.0, backtracking, ..Rprop1993::default() };
        let mut optimizer = Optimizer::new(Method::Rprop1993(method), 1).unwrap();
        let mut params = [10.0];
        let found = [1.0, 3.0, -0.1, -1e-200, 5.0, 0.0, -1.0].map(|gradient| {
            optimizer.step(&mut params, &[gradient], 0.5);
            params[0]
        });
        // Down by 0.5 and 1; up by 0.5 and 1; down by 0.5; no gradient, no move; up by the same.
        assert_eq!(found, [9.5, 8.5, 9.0, 10.0, 9.5, 9.5, 10.0]);
    }

    #[test]
    fn tiny_gradients_still_agree_or_disagree() {
        let mut optimizer = Optimizer::new(Method::Rprop1993(Rprop1993::default()), 1).unwrap();
        let mut params = [0.0_f32];
        optimizer.step(&mut params, &[1e-30], 0.5);
        optimizer.step(&mut params, &[-1e-30], 0.5);
        assert_eq!(params, [0.0]);
    }

    #[test]
    fn initial_steps_are_uniform_and_a_function_of_the_seed() {
        let steps = |seed| {
            let initial_step = InitialStep::Uniform { low: 0.05, high: 0.2, seed };
            let method = Method::Rprop1993(Rprop1993 { initial_step, ..Rprop1993::default() });
            let mut optimizer = Optimizer::<f64>::new(method, 1000).unwrap();
            let mut params = vec![0.0; 1000];
            optimizer.step(&mut params, &[-1.0; 1000], f64::NAN);
            params
        };
        let first = steps(1);
        assert!(first.iter().all(|step| (0.05..0.2).contains(step)));
        let mean = first.iter().sum::<f64>() / 1000.0;
        assert!((mean - 0.125).abs() < 5.0 * 0.15 / 12_f64.sqrt() / 1000_f64.sqrt(), "{mean}");
        assert_eq!(first, steps(1));
        assert_ne!(first, steps(2));
    }

    #[test]
    fn initial_steps_can_be_written_before_the_first_step() {
        let mut optimizer = Optimizer::new(Method::Rprop1993(Rprop1993::default()), 2).unwrap();
        for (name, values) in optimizer.slots_mut() {
            if name == "step_size" {
                values[1] = 0.25;
            }
        }
        let mut params = [0.0, 0.0];
        optimizer.step(&mut params, &[1.0, 1.0], 0.5);
        assert_eq!(params, [-0.5, -0.25]);
    }
}
