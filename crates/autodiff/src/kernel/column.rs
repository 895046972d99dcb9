//! Products with one column, such as a layer of one unit: each row of the left factor becomes one sum.
//!
//! Of a row, [`LANES`] elements at a time are multiplied and added to as many partial sums, which are joined half by
//! half; the rest follows one by one. That fixes the order, on every processor.

use super::{ARCH, LANES, Write};
use crate::real::Real;
use pulp::{Simd, WithSimd};

/// Whether [`product`] is the quicker way to rows×inner · inner×columns.
pub(super) fn is_column(inner: usize, columns: usize) -> bool {
    columns == 1 && inner >= LANES
}

/// target (rows×1) = left (rows×inner) · right (inner×1), or target += left · right.
pub(super) fn product<T: Real>(target: &mut [T], left: &[T], right: &[T], write: Write) {
    ARCH.dispatch(Product { target, left, right, write });
}

struct Product<'a, T> {
    target: &'a mut [T],
    left: &'a [T],
    right: &'a [T],
    write: Write,
}

impl<T: Real> WithSimd for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Product { target, left, right, write } = self;
        for (target, row) in target.iter_mut().zip(left.chunks_exact(right.len())) {
            let sum = dot(simd, row, right);
            match write {
                Write::Set => *target = sum,
                Write::Add => *target += sum,
            }
        }
    }
}

#[inline(always)]
fn dot<T: Real, S: Simd>(simd: S, row: &[T], column: &[T]) -> T {
    let (row, row_rest) = row.as_chunks::<LANES>();
    let (column, column_rest) = column.as_chunks::<LANES>();
    // Of these, as many are used as hold LANES elements.
    let mut sums = [T::splat(simd, T::ZERO); LANES];
    for (row, column) in row.iter().zip(column) {
        let factors = T::vectors::<S>(row).iter().zip(T::vectors::<S>(column));
        for (sum, (&x, &y)) in sums.iter_mut().zip(factors) {
            *sum = T::mul_add_vectors(simd, x, y, *sum);
        }
    }
    let mut half = LANES / T::lanes::<S>();
    while half > 1 {
        half /= 2;
        for v in 0..half {
            sums[v] = T::add_vectors(simd, sums[v], sums[v + half]);
        }
    }
    let mut sum = T::sum(simd, sums[0]);
    for (&x, &y) in row_rest.iter().zip(column_rest) {
        sum = x.mul_add(y, sum);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::super::join;
    use super::*;
    use pulp::Scalar;

    /// The target after the product on each kind of vectors that this processor has.
    fn products<T: Real>(before: &[T], left: &[T], right: &[T], write: Write) -> Vec<Vec<T>> {
        let on = |dispatch: &dyn Fn(Product<'_, T>)| {
            let mut target = before.to_vec();
            dispatch(Product { target: &mut target, left, right, write });
            target
        };
        let mut targets = vec![on(&|p| product(p.target, left, right, write)), on(&|p| p.with_simd(Scalar))];
        #[cfg(target_arch = "x86_64")]
        if let Some(narrow) = pulp::x86::V3::try_new() {
            targets.push(on(&|p| Simd::vectorize(narrow, p)));
        }
        targets
    }

    fn check<T: Real>(rows: usize, inner: usize) {
        let number = |i: usize| T::from_f64((i as f64 * 0.7).sin());
        let left: Vec<T> = (0..rows * inner).map(number).collect();
        let right: Vec<T> = (0..inner).map(|k| number(1000 + k)).collect();
        let before: Vec<T> = (0..rows).map(|r| number(2000 + r)).collect();
        for write in [Write::Set, Write::Add] {
            let expected = left.chunks(inner).zip(&before).map(|(left, &before)| {
                let mut lanes = [T::ZERO; LANES];
                let whole = inner / LANES * LANES;
                for k in 0..whole {
                    lanes[k % LANES] = left[k].mul_add(right[k], lanes[k % LANES]);
                }
                let joined = join(lanes, |a, b| a + b);
                let sum = (whole..inner).fold(joined, |sum, k| left[k].mul_add(right[k], sum));
                if write == Write::Add { before + sum } else { sum }
            });
            let expected: Vec<T> = expected.collect();
            for target in products(&before, &left, &right, write) {
                assert_eq!(target, expected, "{rows}×{inner}, {write:?}");
            }
        }
    }

    #[test]
    fn a_sum_has_the_same_bits_on_every_kind_of_vectors() {
        for rows in [1, 2, 17] {
            for inner in [1, 15, 16, 17, 20, 32, 100, 1000] {
                check::<f32>(rows, inner);
                check::<f64>(rows, inner);
            }
        }
    }

    #[test]
    fn what_is_not_a_number_stays_in_its_row() {
        let mut left = [1.0f32; 3 * 17];
        left[17] = f32::NAN;
        left[33] = f32::INFINITY;
        for target in products(&[0.0; 3], &left, &[1.0; 17], Write::Set) {
            assert_eq!([target[0], target[2]], [17.0, 17.0]);
            assert!(target[1].is_nan());
        }
    }
}
