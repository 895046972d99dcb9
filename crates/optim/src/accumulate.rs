//! Gradients of several small batches as those of one large batch.

use crate::clip::Scale;
use crate::pass::{self, Rule};
use crate::real::Real;

/// Adds up the gradients of several small batches into that of the large batch they form.
///
/// ```
/// use highwater_optim::Accumulator;
///
/// let mut accumulator = Accumulator::new(2);
/// accumulator.add(&[1.0_f64, 4.0], 3.0); // the mean over 3 rows
/// accumulator.add(&[5.0, 0.0], 1.0); // the mean over 1 row
/// assert_eq!(accumulator.mean(), Some(&mut [2.0, 3.0][..])); // the mean over 4 rows
/// ```
#[derive(Debug, Clone)]
pub struct Accumulator<T> {
    sum: Vec<T>,
    weight: f64,
}

impl<T: Real> Accumulator<T> {
    /// An empty accumulator for this many parameters.
    pub fn new(parameters: usize) -> Self {
        Self { sum: vec![T::ZERO; parameters], weight: 0.0 }
    }

    /// Adds the gradient of one batch's mean loss. `weight` is what the loss was divided by: the number of rows, or the
    /// sum of their weights. A batch of weight 0 counts for nothing, even if its gradient is not a number (0 / 0).
    ///
    /// # Panics
    /// If `grads` is not as long as the accumulator was made for.
    #[track_caller]
    pub fn add(&mut self, grads: &[T], weight: f64) {
        assert_eq!(grads.len(), self.sum.len(), "gradients of another number of parameters");
        if weight == 0.0 {
            return;
        }
        let factor = T::from_f64(weight);
        if self.weight == 0.0 {
            pass::apply(First(factor), [&mut self.sum], [grads]);
        } else {
            pass::apply(Next(factor), [&mut self.sum], [grads]);
        }
        self.weight += weight;
    }

    /// The gradient of the mean loss over all that was added, to be clipped or used; `None` if nothing was. The next
    /// [`add`](Self::add) starts anew.
    pub fn mean(&mut self) -> Option<&mut [T]> {
        let weight = std::mem::take(&mut self.weight);
        if weight == 0.0 {
            return None;
        }
        pass::apply(Scale(T::from_f64(1.0 / weight)), [&mut self.sum], []);
        Some(&mut self.sum)
    }
}

/// Overwrites what an earlier mean left behind.
#[derive(Clone, Copy)]
struct First<T>(T);

impl<T: Real> Rule<T, 1, 1> for First<T> {
    #[inline(always)]
    fn update(self, _: [T; 1], [gradient]: [T; 1]) -> [T; 1] {
        [self.0 * gradient]
    }
}

#[derive(Clone, Copy)]
struct Next<T>(T);

impl<T: Real> Rule<T, 1, 1> for Next<T> {
    #[inline(always)]
    fn update(self, [sum]: [T; 1], [gradient]: [T; 1]) -> [T; 1] {
        [sum + self.0 * gradient]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weighted_small_batches_make_the_large_batch() {
        let rows: Vec<[f64; 2]> = (0..7).map(|row| [f64::from(row), f64::from(row * row)]).collect();
        let mean = |rows: &[[f64; 2]]| {
            [0, 1].map(|column| rows.iter().map(|row| row[column]).sum::<f64>() / rows.len() as f64)
        };
        let mut accumulator = Accumulator::new(2);
        for batch in rows.chunks(3) {
            accumulator.add(&mean(batch), batch.len() as f64);
        }
        let whole = mean(&rows);
        for (found, expected) in accumulator.mean().unwrap().iter().zip(whole) {
            assert!((*found - expected).abs() < 1e-14 * expected, "{found} {expected}");
        }
    }

    #[test]
    fn after_a_mean_it_starts_anew_even_after_nan() {
        let mut accumulator = Accumulator::new(1);
        assert_eq!(accumulator.mean(), None);
        accumulator.add(&[f32::NAN], 1.0);
        assert!(accumulator.mean().unwrap()[0].is_nan());
        accumulator.add(&[8.0], 2.0);
        assert_eq!(accumulator.mean(), Some(&mut [8.0][..]));
        assert_eq!(accumulator.mean(), None);
    }

    #[test]
    fn a_batch_of_no_weight_counts_for_nothing() {
        let mut accumulator = Accumulator::new(1);
        accumulator.add(&[f32::NAN], 0.0);
        assert_eq!(accumulator.mean(), None);
        accumulator.add(&[8.0], 2.0);
        accumulator.add(&[f32::NAN], 0.0);
        assert_eq!(accumulator.mean(), Some(&mut [8.0][..]));
    }

    #[test]
    #[should_panic(expected = "another number of parameters")]
    fn gradients_of_another_model_are_refused() {
        Accumulator::new(2).add(&[1.0_f32], 1.0);
    }
}
