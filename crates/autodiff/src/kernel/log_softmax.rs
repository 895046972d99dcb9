//! ln(softmax(x)) of each row, through the largest element, so that nothing overflows.
//!
//! Networks have few outputs and many rows: exponentials are taken of several rows at once, so that vectors are full.

use super::{LANES, Write, join, sum_of, vectorize};
use crate::real::Real;

/// How many exponentials are taken at once.
const TOGETHER: usize = 16 * LANES;

/// y = x - ln Σ exp(x), row by row.
pub(crate) fn forward<T: Real>(x: &[T], columns: usize, y: &mut [T]) {
    let block = rows_together(columns) * columns;
    vectorize(
        #[inline(always)]
        || {
            for (x, y) in x.chunks(block).zip(y.chunks_mut(block)) {
                for (x, y) in x.chunks_exact(columns).zip(y.chunks_exact_mut(columns)) {
                    let largest = largest(x);
                    for (y, &x) in y.iter_mut().zip(x) {
                        *y = x - largest;
                    }
                }
                let mut sums = [T::ZERO; LANES];
                for y in y.chunks(TOGETHER) {
                    let exponentials = exponentials(y);
                    for (sum, row) in sums.iter_mut().zip(exponentials[..y.len()].chunks(columns)) {
                        *sum += sum_of_row(row);
                    }
                }
                for sum in &mut sums {
                    *sum = sum.ln();
                }
                for (y, &shift) in y.chunks_exact_mut(columns).zip(&sums) {
                    for y in y {
                        *y -= shift;
                    }
                }
            }
        },
    )
}

/// dx = dy - softmax(x) · Σ dy, row by row, where `y` is the value.
pub(crate) fn backward<T: Real>(y: &[T], columns: usize, dy: &[T], dx: &mut [T], write: Write) {
    let block = rows_together(columns) * columns;
    vectorize(
        #[inline(always)]
        || {
            for ((y, dy), dx) in y.chunks(block).zip(dy.chunks(block)).zip(dx.chunks_mut(block)) {
                let mut sums = [T::ZERO; LANES];
                for (sum, dy) in sums.iter_mut().zip(dy.chunks_exact(columns)) {
                    *sum = sum_of_row(dy);
                }
                for ((y, dy), dx) in y.chunks(TOGETHER).zip(dy.chunks(TOGETHER)).zip(dx.chunks_mut(TOGETHER))
                {
                    let exponentials = exponentials(y);
                    let rows =
                        exponentials.chunks(columns).zip(dy.chunks(columns)).zip(dx.chunks_mut(columns));
                    for (((softmax, dy), dx), &sum) in rows.zip(&sums) {
                        for ((dx, &dy), &softmax) in dx.iter_mut().zip(dy).zip(softmax) {
                            let gradient = dy - softmax * sum;
                            *dx = match write {
                                Write::Set => gradient,
                                Write::Add => *dx + gradient,
                            };
                        }
                    }
                }
            }
        },
    )
}

/// How many rows share a call of [`exponentials`]; of longer ones each takes several.
fn rows_together(columns: usize) -> usize {
    (TOGETHER / columns).clamp(1, LANES)
}

/// The exponentials of up to [`TOGETHER`] elements; what follows them has no meaning.
#[inline(always)]
fn exponentials<T: Real>(elements: &[T]) -> [T; TOGETHER] {
    let mut exponentials = [T::ZERO; TOGETHER];
    exponentials[..elements.len()].copy_from_slice(elements);
    let vectors = exponentials.as_chunks_mut::<LANES>().0;
    for vector in &mut vectors[..elements.len().div_ceil(LANES)] {
        for element in vector {
            *element = element.exp();
        }
    }
    exponentials
}

/// A NaN may be passed over: it makes the sum of the row one.
#[inline(always)]
fn largest<T: Real>(row: &[T]) -> T {
    let larger = |a: T, b: T| if b > a { b } else { a };
    let (vectors, rest) = row.as_chunks::<LANES>();
    let mut largest = T::NEG_INFINITY;
    if let Some((&first, vectors)) = vectors.split_first() {
        let mut lanes = first;
        for vector in vectors {
            for (lane, &x) in lanes.iter_mut().zip(vector) {
                *lane = larger(*lane, x);
            }
        }
        largest = join(lanes, larger);
    }
    for &x in rest {
        largest = larger(largest, x);
    }
    largest
}

/// Short rows are summed from left to right, which is quicker than joining partial sums.
#[inline(always)]
fn sum_of_row<T: Real>(row: &[T]) -> T {
    if row.len() >= 2 * LANES {
        return sum_of(row.len(), |column| row[column]);
    }
    let mut sum = T::ZERO;
    for &element in row {
        sum += element;
    }
    sum
}
