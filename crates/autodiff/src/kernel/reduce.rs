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

/// y[r] = factor · the sum of row r. With the few columns known beforehand, vectors go down the rows.
#[inline(always)]
fn sum_narrow<T: Real, const COLUMNS: usize>(x: &[T], factor: T, y: &mut [T]) {
    for (y, x) in y.iter_mut().zip(x.as_chunks::<COLUMNS>().0) {
        *y = factor * sum_of(COLUMNS, |i| x[i]);
    }
}

/// The gradient of [`sum_narrow`].
#[inline(always)]
fn spread_narrow<T: Real, const COLUMNS: usize>(dy: &[T], factor: T, dx: &mut [T]) {
    for (dx, &dy) in dx.as_chunks_mut::<COLUMNS>().0.iter_mut().zip(dy) {
        *dx = [factor * dy; COLUMNS];
    }
}

impl Reduction {
    /// y[r] = reduction of row r of `x`, which has `columns` columns.
    pub(crate) fn forward<T: Real>(self, x: &[T], columns: usize, y: &mut [T]) {
        let rows = x.chunks_exact(columns);
        let factor: T = self.factor(columns);
        vectorize(
            #[inline(always)]
            || match self {
                Reduction::Sum | Reduction::Mean => match columns {
                    1 => sum_narrow::<T, 1>(x, factor, y),
                    2 => sum_narrow::<T, 2>(x, factor, y),
                    3 => sum_narrow::<T, 3>(x, factor, y),
                    4 => sum_narrow::<T, 4>(x, factor, y),
                    _ => {
                        for (y, x) in y.iter_mut().zip(rows) {
                            *y = factor * sum_of(columns, |i| x[i]);
                        }
                    }
                },
                Reduction::Max => {
                    for (y, x) in y.iter_mut().zip(rows) {
                        *y = x[place_of_max(x.iter().copied())];
                    }
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
                if self != Reduction::Max && write == Write::Set {
                    match columns {
                        1 => return spread_narrow::<T, 1>(dy, factor, dx),
                        2 => return spread_narrow::<T, 2>(dy, factor, dx),
                        3 => return spread_narrow::<T, 3>(dy, factor, dx),
                        4 => return spread_narrow::<T, 4>(dy, factor, dx),
                        _ => {}
                    }
                }
                for ((dx, x), &dy) in dx.chunks_exact_mut(columns).zip(x.chunks_exact(columns)).zip(dy) {
                    match (self, write) {
                        (Reduction::Sum | Reduction::Mean, Write::Set) => dx.fill(factor * dy),
                        (Reduction::Sum | Reduction::Mean, Write::Add) => {
                            for dx in dx {
                                *dx += factor * dy;
                            }
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
