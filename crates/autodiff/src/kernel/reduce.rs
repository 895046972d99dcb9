//! Sums, means and maxima over the columns of each row.

use super::{Write, sum_of, vectorize};
use crate::real::Real;

/// How many elements become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reduction {
    Sum,
    Mean,
    Max,
}

/// The place of the largest element, the first of equals; a NaN is larger than any number, so that it is seen.
#[inline(always)]
pub(crate) fn place_of_max<T: Real>(x: impl Iterator<Item = T>) -> usize {
    let mut best = (0, T::NEG_INFINITY);
    for (i, x) in x.enumerate() {
        if x > best.1 || (x.is_nan() && !best.1.is_nan()) {
            best = (i, x);
        }
    }
    best.0
}

impl Reduction {
    /// y[r] = reduction of row r of `x`, which has `columns` columns.
    pub(crate) fn forward<T: Real>(self, x: &[T], columns: usize, y: &mut [T]) {
        let rows = x.chunks_exact(columns);
        let factor: T = self.factor(columns);
        vectorize(
            #[inline(always)]
            || match self {
                Reduction::Sum | Reduction::Mean => {
                    y.iter_mut().zip(rows).for_each(|(y, x)| *y = factor * sum_of(columns, |i| x[i]));
                }
                Reduction::Max => {
                    y.iter_mut().zip(rows).for_each(|(y, x)| *y = x[place_of_max(x.iter().copied())]);
                }
            },
        )
    }

    /// Each row's gradient, spread over the elements it came from (for `Max` to the first largest).
    pub(crate) fn backward<T: Real>(self, x: &[T], columns: usize, dy: &[T], dx: &mut [T], write: Write) {
        let factor: T = self.factor(columns);
        vectorize(
            #[inline(always)]
            || {
                for ((dx, x), &dy) in dx.chunks_exact_mut(columns).zip(x.chunks_exact(columns)).zip(dy) {
                    match (self, write) {
                        (Reduction::Sum | Reduction::Mean, Write::Set) => dx.fill(factor * dy),
                        (Reduction::Sum | Reduction::Mean, Write::Add) => {
                            dx.iter_mut().for_each(|dx| *dx += factor * dy);
                        }
                        (Reduction::Max, _) => {
                            if write == Write::Set {
                                dx.fill(T::ZERO);
                            }
                            dx[place_of_max(x.iter().copied())] += dy;
                        }
                    }
                }
            },
        )
    }

    fn factor<T: Real>(self, count: usize) -> T {
        match self {
            Reduction::Mean => T::ONE / T::from_f64(count as f64),
            Reduction::Sum | Reduction::Max => T::ONE,
        }
    }
}
