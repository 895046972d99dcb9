//! ln(softmax(x)) of each row, through the largest element, so that nothing overflows.
//!
//! Sixteen rows are handled side by side: networks have few outputs and many rows.

use super::{LANES, Write, vectorize};
use crate::real::Real;

/// y = x - ln Σ exp(x), row by row.
pub(crate) fn forward<T: Real>(x: &[T], columns: usize, y: &mut [T]) {
    vectorize(
        #[inline(always)]
        || {
            for (x, y) in x.chunks(LANES * columns).zip(y.chunks_mut(LANES * columns)) {
                let rows = x.len() / columns;
                let mut max = [T::NEG_INFINITY; LANES];
                for c in 0..columns {
                    let column = lanes(x, c, columns, rows);
                    for (m, x) in max.iter_mut().zip(column) {
                        *m = if x > *m || x.is_nan() { x } else { *m };
                    }
                }
                let mut sum = [T::ZERO; LANES];
                for c in 0..columns {
                    let column = lanes(x, c, columns, rows);
                    for lane in 0..LANES {
                        sum[lane] += (column[lane] - max[lane]).exp();
                    }
                }
                let mut shift = [T::ZERO; LANES];
                for lane in 0..LANES {
                    shift[lane] = sum[lane].ln();
                }
                for ((x, y), (max, shift)) in
                    x.chunks_exact(columns).zip(y.chunks_exact_mut(columns)).zip(max.iter().zip(&shift))
                {
                    for (y, &x) in y.iter_mut().zip(x) {
                        *y = (x - *max) - *shift;
                    }
                }
            }
        },
    )
}

/// dx = dy - softmax(x) · Σ dy, row by row, where `y` is the value.
pub(crate) fn backward<T: Real>(y: &[T], columns: usize, dy: &[T], dx: &mut [T], write: Write) {
    let block = LANES * columns;
    vectorize(
        #[inline(always)]
        || {
            for ((y, dy), dx) in y.chunks(block).zip(dy.chunks(block)).zip(dx.chunks_mut(block)) {
                let rows = y.len() / columns;
                let mut sum = [T::ZERO; LANES];
                for c in 0..columns {
                    let column = lanes(dy, c, columns, rows);
                    for lane in 0..LANES {
                        sum[lane] += column[lane];
                    }
                }
                for c in 0..columns {
                    let (y, dy) = (lanes(y, c, columns, rows), lanes(dy, c, columns, rows));
                    let mut out = [T::ZERO; LANES];
                    for lane in 0..LANES {
                        out[lane] = dy[lane] - y[lane].exp() * sum[lane];
                    }
                    for (row, &out) in out.iter().enumerate().take(rows) {
                        match write {
                            Write::Set => dx[row * columns + c] = out,
                            Write::Add => dx[row * columns + c] += out,
                        }
                    }
                }
            }
        },
    )
}

/// Column `c` of up to 16 rows; the places of missing rows repeat the last.
#[inline(always)]
fn lanes<T: Real>(x: &[T], c: usize, columns: usize, rows: usize) -> [T; LANES] {
    let mut lanes = [T::ZERO; LANES];
    for (row, lane) in lanes.iter_mut().enumerate() {
        *lane = x[row.min(rows - 1) * columns + c];
    }
    lanes
}
