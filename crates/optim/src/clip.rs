//! Clipping of gradients, by norm and by value.

use std::array;

use pulp::{Arch, NullaryFnOnce};

use crate::pass::{self, Rule};
use crate::real::Real;

/// The Euclidean norm of `grads`, in double precision.
///
/// The order of the sum depends on the length alone: the same bits for every number of threads. For `f32` it cannot
/// overflow: it is finite exactly when every gradient is.
pub fn norm<T: Real>(grads: &[T]) -> f64 {
    sum_of_squares(grads).sqrt()
}

/// Scales `grads` down so that their norm is at most `max_norm`, and returns the norm they had.
///
/// As PyTorch's `clip_grad_norm_`: the factor is `max_norm` / (norm + 10⁻⁶), and never above 1. Unlike there, gradients
/// whose norm is not finite stay as they are: whoever calls sees it in the value returned, and decides. An infinite
/// `max_norm` only measures.
///
/// # Panics
/// If `max_norm` is negative or NaN: the one would turn the gradients round, the other clip nothing.
#[track_caller]
pub fn clip_norm<T: Real>(grads: &mut [T], max_norm: f64) -> f64 {
    assert!(max_norm >= 0.0, "`max_norm` is {max_norm} but must be at least 0");
    let norm = norm(grads);
    let factor = max_norm / (norm + 1e-6);
    if norm.is_finite() && factor < 1.0 {
        pass::apply(Scale(T::from_f64(factor)), [grads], []);
    }
    norm
}

/// Moves each gradient that is outside [−`limit`, `limit`] to the nearer end. NaN stays NaN.
///
/// # Panics
/// If `limit` is negative or NaN.
#[track_caller]
pub fn clip_value<T: Real>(grads: &mut [T], limit: f64) {
    assert!(limit >= 0.0, "`limit` is {limit} but must be at least 0");
    pass::apply(Clamp(T::from_f64(limit)), [grads], []);
}

/// Multiplies each value.
#[derive(Clone, Copy)]
pub(crate) struct Scale<T>(pub(crate) T);

impl<T: Real> Rule<T, 1, 0> for Scale<T> {
    #[inline(always)]
    fn update(self, [value]: [T; 1], []: [T; 0]) -> [T; 1] {
        [value * self.0]
    }
}

#[derive(Clone, Copy)]
struct Clamp<T>(T);

impl<T: Real> Rule<T, 1, 0> for Clamp<T> {
    #[inline(always)]
    fn update(self, [value]: [T; 1], []: [T; 0]) -> [T; 1] {
        let value = if value > self.0 { self.0 } else { value };
        [if value < -self.0 { -self.0 } else { value }]
    }
}

/// The number of squares that one loop sums; longer slices are halved until they fit.
const BLOCK: usize = 1 << 14;
/// The number of sums that a loop keeps side by side.
const LANES: usize = 32;

fn sum_of_squares<T: Real>(values: &[T]) -> f64 {
    if values.len() <= BLOCK {
        return Arch::new().dispatch(Block(values));
    }
    let (left, right) = values.split_at(values.len() / 2 / LANES * LANES);
    let (left, right) = if pass::pays_to_share(values.len()) {
        highwater_threads::join(|| sum_of_squares(left), || sum_of_squares(right))
    } else {
        (sum_of_squares(left), sum_of_squares(right))
    };
    left + right
}

struct Block<'a, T>(&'a [T]);

impl<T: Real> NullaryFnOnce for Block<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        let (chunks, rest) = self.0.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for chunk in chunks {
            let squares: [f64; LANES] = array::from_fn(|lane| square(chunk[lane]));
            sums = array::from_fn(|lane| sums[lane] + squares[lane]);
        }
        for (sum, &value) in sums.iter_mut().zip(rest) {
            *sum += square(value);
        }
        let mut width = LANES;
        while width > 1 {
            width /= 2;
            for lane in 0..width {
                sums[lane] += sums[lane + width];
            }
        }
        sums[0]
    }
}

#[inline(always)]
fn square<T: Real>(value: T) -> f64 {
    value.to_f64() * value.to_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_norm_that_is_not_finite_is_returned_and_the_gradients_stay() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut grads = [1.0, bad, 100.0];
            assert!(!clip_norm(&mut grads, 1.0).is_finite());
            assert_eq!((grads[0], grads[2]), (1.0, 100.0));
        }
    }

    #[test]
    fn limits_without_sense_are_refused() {
        type Clip = fn(&mut [f64], f64) -> f64;
        let by_value: Clip = |grads, limit| {
            clip_value(grads, limit);
            0.0
        };
        for clip in [clip_norm::<f64> as Clip, by_value] {
            for limit in [-1.0, f64::NAN] {
                let outcome = std::panic::catch_unwind(|| clip(&mut [3.0, 4.0], limit));
                let message = outcome.unwrap_err().downcast::<String>().unwrap();
                assert!(message.ends_with(&format!("is {limit} but must be at least 0")), "{message}");
            }
        }
        let mut grads = [3.0, 4.0];
        assert_eq!((clip_norm(&mut grads, f64::INFINITY), grads), (5.0, [3.0, 4.0]));
    }

    #[test]
    fn the_norm_of_large_single_precision_gradients_does_not_overflow() {
        let mut grads = [f32::MAX; 2];
        let expected = f64::from(f32::MAX) * 2_f64.sqrt();
        assert!((clip_norm(&mut grads, 1.0) / expected - 1.0).abs() < 1e-15);
        assert!((norm(&grads) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_norm_of_any_length_is_that_of_a_plain_sum() {
        for length in [0, 1, 31, 32, 33, 1000, 16_384, 16_385, 100_000, 1 << 18, 300_000] {
            let values: Vec<f64> = (0..length).map(|index| f64::from(index % 1009) - 500.0).collect();
            let plain = values.iter().map(|value| value * value).sum::<f64>().sqrt();
            assert_eq!(norm(&values), plain, "{length}");
        }
    }

    #[test]
    fn clipping_by_value_keeps_nan_and_all_that_is_within() {
        let mut grads = [-3.0, -0.5, 0.0, 0.5, 3.0, f64::INFINITY, f64::NAN];
        clip_value(&mut grads, 0.5);
        assert_eq!(grads[..6], [-0.5, -0.5, 0.0, 0.5, 0.5, 0.5]);
        assert!(grads[6].is_nan());
    }
}
