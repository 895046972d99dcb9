//! Sums, means and maxima over the rows, in parts: each tile of rows gives a partial result, and the parts are
//! combined in their order.

use super::reduce::{Reduction, place_of_max};
use super::{Write, vectorize};
use crate::real::Real;

/// y (1×columns, added to or set) gets the sum of the rows of `x`, in their order.
pub(crate) fn sum_rows<T: Real>(x: &[T], columns: usize, y: &mut [T], write: Write) {
    if columns == 1 {
        let sum = vectorize(
            #[inline(always)]
            || super::sum_of(x.len(), |i| x[i]),
        );
        match write {
            Write::Set => y[0] = sum,
            Write::Add => y[0] += sum,
        }
        return;
    }
    vectorize(
        #[inline(always)]
        || {
            if write == Write::Set {
                y.fill(T::ZERO);
            }
            for x in x.chunks_exact(columns) {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y += x;
                }
            }
        },
    )
}

impl Reduction {
    /// The part that the rows of `x` have in the result: a sum or a maximum of each column.
    pub(crate) fn rows_part<T: Real>(self, x: &[T], columns: usize, part: &mut [T]) {
        match self {
            Reduction::Sum | Reduction::Mean => sum_rows(x, columns, part, Write::Set),
            Reduction::Max => {
                part.fill(T::NEG_INFINITY);
                x.chunks_exact(columns).for_each(|x| self.combine(part, x));
            }
        }
    }

    /// Joins another part to `total`.
    pub(crate) fn combine<T: Real>(self, total: &mut [T], part: &[T]) {
        match self {
            Reduction::Sum | Reduction::Mean => super::accumulate(total, part, Write::Add),
            Reduction::Max => total.iter_mut().zip(part).for_each(|(t, &p)| {
                if p > *t || p.is_nan() {
                    *t = p;
                }
            }),
        }
    }

    /// Turns the joined parts of `rows` rows into the result.
    pub(crate) fn finish<T: Real>(self, rows: usize, total: &mut [T]) {
        if self == Reduction::Mean {
            let factor = T::ONE / T::from_f64(rows as f64);
            total.iter_mut().for_each(|t| *t *= factor);
        }
    }

    /// The gradient of the rows of `x` from that of the result over all `rows` rows; that of `Max` goes to the first
    /// of equals, and needs all rows in `x`.
    pub(crate) fn rows_backward<T: Real>(self, x: &[T], dy: &[T], rows: usize, dx: &mut [T], write: Write) {
        let columns = dy.len();
        if self == Reduction::Max {
            if write == Write::Set {
                dx.fill(T::ZERO);
            }
            for (column, &dy) in dy.iter().enumerate() {
                let row = place_of_max(x.iter().skip(column).step_by(columns).copied());
                dx[row * columns + column] += dy;
            }
            return;
        }
        let factor = if self == Reduction::Mean { T::ONE / T::from_f64(rows as f64) } else { T::ONE };
        vectorize(
            #[inline(always)]
            || {
                if let ([dy], Write::Set) = (dy, write) {
                    return dx.fill(factor * *dy);
                }
                for dx in dx.chunks_exact_mut(columns) {
                    for (dx, &dy) in dx.iter_mut().zip(dy) {
                        match write {
                            Write::Set => *dx = factor * dy,
                            Write::Add => *dx += factor * dy,
                        }
                    }
                }
            },
        )
    }
}
