//! Products with a thin factor, such as a layer of few units: the sums of some rows are kept in registers while the
//! whole inner dimension passes by. The general kernels spend most of their time on packing such shapes.
//!
//! Each sum runs over the inner dimension in its order, so it does not depend on how rows are grouped.

use super::arch::has_many_registers;
use super::matmul::is_large;
use super::pack::{turn, with_memory};
use super::{ARCH, Write};
use crate::real::Real;
use pulp::{NullaryFnOnce, Simd, WithSimd};

/// What the columns of a packed factor are rounded up to: the lanes of the widest vectors.
const LANES: usize = 16;
/// The most vectors that are handled together.
const WIDE: usize = 4;
/// How many elements of the packed right factor, or of the result, are still thin, if threads could share the product
/// otherwise, and if not.
const SHARED: usize = 1 << 12;
const ALONE: usize = 1 << 16;

/// A right factor: inner×columns or, if transposed, columns×inner, row by row.
#[derive(Clone, Copy)]
pub(crate) struct Right<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) transposed: bool,
}

/// Whether [`product`] is the quicker way to rows×inner · inner×columns.
pub(super) fn is_thin([rows, inner, columns]: [usize; 3]) -> bool {
    inner * columns.next_multiple_of(LANES) <= most([rows, inner, columns])
}

/// Whether [`outer_product`] is the quicker way to (inner×rows)ᵀ · inner×columns.
pub(super) fn is_thin_outer([rows, inner, columns]: [usize; 3]) -> bool {
    rows * columns.next_multiple_of(LANES) <= most([rows, inner, columns])
}

fn most(shape: [usize; 3]) -> usize {
    if is_large(shape) { SHARED } else { ALONE }
}

/// target (rows×columns) = left (rows×inner) · right, or target += left · right.
pub(crate) fn product<T: Real>(
    target: &mut [T],
    left: &[T],
    right: Right<'_, T>,
    [inner, columns]: [usize; 2],
    write: Write,
) {
    let stride = columns.next_multiple_of(LANES);
    with_memory(inner * stride, |packed| {
        pack(packed, stride, right, [inner, columns]);
        ARCH.dispatch(Product { left, inner, packed, stride, columns, target, write });
    });
}

/// The right factor as inner rows of `stride` elements, what is beyond its columns left as it is.
fn pack<T: Real>(packed: &mut [T], stride: usize, right: Right<'_, T>, [inner, columns]: [usize; 2]) {
    match right.transposed {
        true => turn(right.data, inner, [columns, inner], packed, stride),
        false => {
            for (packed, right) in packed.chunks_exact_mut(stride).zip(right.data.chunks_exact(columns)) {
                packed[..columns].copy_from_slice(right);
            }
        }
    }
}

struct Product<'a, T> {
    left: &'a [T],
    inner: usize,
    packed: &'a [T],
    stride: usize,
    columns: usize,
    target: &'a mut [T],
    write: Write,
}

impl<T: Real> WithSimd for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let product = &mut self;
        for first in parts::<T, S>(product.columns) {
            match ((product.columns - first).div_ceil(T::lanes::<S>()), has_many_registers::<S>()) {
                (1, _) => simd.vectorize(ProductPart::<T, S, 8, 1> { simd, product, first }),
                (2, true) => simd.vectorize(ProductPart::<T, S, 8, 2> { simd, product, first }),
                (3, true) => simd.vectorize(ProductPart::<T, S, 6, 3> { simd, product, first }),
                (_, true) => simd.vectorize(ProductPart::<T, S, 4, WIDE> { simd, product, first }),
                (2, false) => simd.vectorize(ProductPart::<T, S, 4, 2> { simd, product, first }),
                (_, false) => simd.vectorize(ProductPart::<T, S, 4, 3> { simd, product, first }),
            }
        }
    }
}

/// V vectors of columns, R rows at a time.
struct ProductPart<'a, 'p, T, S, const R: usize, const V: usize> {
    simd: S,
    product: &'a mut Product<'p, T>,
    first: usize,
}

impl<T: Real, S: Simd, const R: usize, const V: usize> NullaryFnOnce for ProductPart<'_, '_, T, S, R, V> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let ProductPart { simd, product, first } = self;
        let rows = product.left.len() / product.inner;
        let mut row = 0;
        while row + R <= rows {
            product.block::<S, R, V>(simd, first, row);
            row += R;
        }
        while row < rows {
            product.block::<S, 1, V>(simd, first, row);
            row += 1;
        }
    }
}

impl<T: Real> Product<'_, T> {
    #[inline(always)]
    fn block<S: Simd, const R: usize, const V: usize>(&mut self, simd: S, first: usize, row: usize) {
        let mut sums = [[T::splat(simd, T::ZERO); V]; R];
        let mut left = [&self.left[..0]; R];
        for (r, left) in left.iter_mut().enumerate() {
            *left = &self.left[(row + r) * self.inner..(row + r + 1) * self.inner];
        }
        for (k, packed) in self.packed.chunks_exact(self.stride).enumerate().take(self.inner) {
            let mut factors = [T::ZERO; R];
            for r in 0..R {
                factors[r] = left[r][k];
            }
            accumulate(simd, &mut sums, &factors, &packed[first..first + V * T::lanes::<S>()]);
        }
        let target = &mut self.target[row * self.columns + first..];
        store(simd, target, self.columns, self.columns - first, sums, self.write);
    }
}

/// target (rows×columns) = leftᵀ · right for left inner×rows and right inner×columns, or target += leftᵀ · right.
pub(crate) fn outer_product<T: Real>(
    target: &mut [T],
    left: &[T],
    right: &[T],
    [rows, columns]: [usize; 2],
    write: Write,
) {
    ARCH.dispatch(OuterProduct { left, right, rows, columns, target, write });
}

struct OuterProduct<'a, T> {
    left: &'a [T],
    right: &'a [T],
    rows: usize,
    columns: usize,
    target: &'a mut [T],
    write: Write,
}

impl<T: Real> WithSimd for OuterProduct<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let product = &mut self;
        for first in parts::<T, S>(product.columns) {
            let mut row = 0;
            while row < product.rows {
                let rows = product.rows - row;
                let vectors = (product.columns - first).div_ceil(T::lanes::<S>()).min(wide::<S>());
                row += match (vectors, rows) {
                    (1, 20..) if has_many_registers::<S>() => {
                        simd.vectorize(OuterPart::<T, S, 20, 1> { simd, product, first, row })
                    }
                    (2, 8..) if has_many_registers::<S>() => {
                        simd.vectorize(OuterPart::<T, S, 8, 2> { simd, product, first, row })
                    }
                    (3, 6..) if has_many_registers::<S>() => {
                        simd.vectorize(OuterPart::<T, S, 6, 3> { simd, product, first, row })
                    }
                    (1, 8..) => simd.vectorize(OuterPart::<T, S, 8, 1> { simd, product, first, row }),
                    (1, 4..) => simd.vectorize(OuterPart::<T, S, 4, 1> { simd, product, first, row }),
                    (2, 4..) => simd.vectorize(OuterPart::<T, S, 4, 2> { simd, product, first, row }),
                    (3, 4..) => simd.vectorize(OuterPart::<T, S, 4, 3> { simd, product, first, row }),
                    (WIDE, 4..) => simd.vectorize(OuterPart::<T, S, 4, WIDE> { simd, product, first, row }),
                    (1, 3) => simd.vectorize(OuterPart::<T, S, 3, 1> { simd, product, first, row }),
                    (1, 2) => simd.vectorize(OuterPart::<T, S, 2, 1> { simd, product, first, row }),
                    (2, 2..) => simd.vectorize(OuterPart::<T, S, 2, 2> { simd, product, first, row }),
                    (3, 2..) => simd.vectorize(OuterPart::<T, S, 2, 3> { simd, product, first, row }),
                    (WIDE, 2..) => simd.vectorize(OuterPart::<T, S, 2, WIDE> { simd, product, first, row }),
                    (1, _) => simd.vectorize(OuterPart::<T, S, 1, 1> { simd, product, first, row }),
                    (2, _) => simd.vectorize(OuterPart::<T, S, 1, 2> { simd, product, first, row }),
                    (3, _) => simd.vectorize(OuterPart::<T, S, 1, 3> { simd, product, first, row }),
                    _ => simd.vectorize(OuterPart::<T, S, 1, WIDE> { simd, product, first, row }),
                };
            }
        }
    }
}

/// V vectors of columns of R rows, from `row` on.
struct OuterPart<'a, 'p, T, S, const R: usize, const V: usize> {
    simd: S,
    product: &'a mut OuterProduct<'p, T>,
    first: usize,
    row: usize,
}

impl<T: Real, S: Simd, const R: usize, const V: usize> NullaryFnOnce for OuterPart<'_, '_, T, S, R, V> {
    type Output = usize;

    #[inline(always)]
    fn call(self) -> usize {
        let OuterPart { simd, product, first, row } = self;
        product.block::<S, R, V>(simd, first, row);
        R
    }
}

impl<T: Real> OuterProduct<'_, T> {
    #[inline(always)]
    fn block<S: Simd, const R: usize, const V: usize>(&mut self, simd: S, first: usize, row: usize) {
        let mut sums = [[T::splat(simd, T::ZERO); V]; R];
        let wide = V * T::lanes::<S>();
        // Beyond the end of its row a vector sees elements of the next, in lanes that are not kept.
        let whole = match self.right.len().checked_sub(first + wide) {
            Some(rest) => rest / self.columns + 1,
            None => 0,
        };
        let mut left = self.left.chunks_exact(self.rows);
        for (k, left) in left.by_ref().take(whole).enumerate() {
            let start = k * self.columns + first;
            accumulate(simd, &mut sums, &left[row..row + R], &self.right[start..start + wide]);
        }
        let end = self.left.len() / self.rows;
        for (k, left) in (whole..end).zip(left) {
            let mut elements = [T::ZERO; WIDE * LANES];
            let rest = &self.right[k * self.columns + first..];
            elements[..rest.len()].copy_from_slice(rest);
            accumulate(simd, &mut sums, &left[row..row + R], &elements[..wide]);
        }
        let target = &mut self.target[row * self.columns + first..];
        store(simd, target, self.columns, self.columns - first, sums, self.write);
    }
}

/// sums += left · right for a column and a row.
#[inline(always)]
fn accumulate<T: Real, S: Simd, const R: usize, const V: usize>(
    simd: S,
    sums: &mut [[T::Vector<S>; V]; R],
    left: &[T],
    right: &[T],
) {
    let right = &T::vectors::<S>(right)[..V];
    for r in 0..R {
        let factor = T::splat(simd, left[r]);
        for v in 0..V {
            sums[r][v] = T::mul_add_vectors(simd, factor, right[v], sums[r][v]);
        }
    }
}

/// As many vectors as are handled together: with fewer registers, the sums of four would not leave one for a factor.
#[inline(always)]
fn wide<S: Simd>() -> usize {
    if has_many_registers::<S>() { WIDE } else { 3 }
}

/// Where the parts of a row begin, last to first: see [`store`].
#[inline(always)]
fn parts<T: Real, S: Simd>(columns: usize) -> impl Iterator<Item = usize> {
    (0..columns).step_by(wide::<S>() * T::lanes::<S>()).rev()
}

/// Writes the first `count` sums of each of R rows, which begin `stride` after one another. What whole vectors write
/// beyond the end of a row is overwritten later: by the next row, as the rows and the blocks of rows are stored in
/// their order, and the last part of all rows before those to its left.
#[inline(always)]
#[allow(
    clippy::needless_range_loop,
    clippy::manual_memcpy,
    reason = "unrolled, they keep the sums in registers"
)]
fn store<T: Real, S: Simd, const R: usize, const V: usize>(
    simd: S,
    target: &mut [T],
    stride: usize,
    count: usize,
    sums: [[T::Vector<S>; V]; R],
    write: Write,
) {
    let lanes = T::lanes::<S>();
    let wide = V * lanes;
    if write == Write::Set && (R - 1) * stride + wide <= target.len() {
        for r in 0..R {
            let target = &mut T::vectors_mut::<S>(&mut target[r * stride..r * stride + wide])[..V];
            for v in 0..V {
                target[v] = sums[r][v];
            }
        }
    } else {
        for r in 0..R {
            for v in 0..V {
                let within = v * lanes..count.min((v + 1) * lanes);
                let target = &mut target[r * stride..][within];
                let sum = match write {
                    Write::Set => sums[r][v],
                    Write::Add => T::add_vectors(simd, T::load_part(simd, target), sums[r][v]),
                };
                T::store_part(simd, target, sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers<T: Real>(count: usize, seed: usize) -> Vec<T> {
        (0..count).map(|i| T::from_f64(((i * 37 + seed * 101) % 19) as f64 - 9.0)).collect()
    }

    /// Small whole numbers: every sum is exact.
    fn check<T: Real>(rows: usize, inner: usize, columns: usize) {
        let (left, right) = (numbers::<T>(rows * inner, 1), numbers::<T>(inner * columns, 2));
        let transposed: Vec<T> =
            (0..columns * inner).map(|i| right[i % inner * columns + i / inner]).collect();
        let sideways: Vec<T> = (0..inner * rows).map(|i| left[i % rows * inner + i / rows]).collect();
        for write in [Write::Set, Write::Add] {
            let before = numbers::<T>(rows * columns, 3);
            let mut expected = before.clone();
            for (i, expected) in expected.iter_mut().enumerate() {
                let (row, column) = (i / columns, i % columns);
                let mut sum = if write == Write::Add { *expected } else { T::ZERO };
                for k in 0..inner {
                    sum += left[row * inner + k] * right[k * columns + column];
                }
                *expected = sum;
            }
            let assert_equal = |target: &[T], how: &str| {
                assert_eq!(target, expected, "{rows}×{inner}·{inner}×{columns}, {write:?}, {how}");
            };
            for (data, transposed) in [(&right, false), (&transposed, true)] {
                let mut target = before.clone();
                product(&mut target, &left, Right { data, transposed }, [inner, columns], write);
                assert_equal(&target, if transposed { "right transposed" } else { "as it is" });
            }
            let mut target = before.clone();
            outer_product(&mut target, &sideways, &right, [rows, columns], write);
            assert_equal(&target, "left transposed");
        }
    }

    #[test]
    fn every_shape_gives_the_exact_product() {
        for rows in [1, 2, 3, 7, 8, 16, 21, 40] {
            for inner in [1, 3, 10, 16, 21] {
                for columns in [1, 3, 8, 15, 16, 17, 31, 32, 33, 48, 50, 64, 65, 100, 128, 130] {
                    check::<f32>(rows, inner, columns);
                    check::<f64>(rows, inner, columns);
                }
            }
        }
    }

    #[test]
    fn what_is_not_a_number_stays_in_its_row() {
        let (left, right) = ([f32::NAN, 1.0, f32::INFINITY, 1.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let mut target = [0.0; 9];
        product(&mut target, &left, Right { data: &right, transposed: false }, [2, 3], Write::Set);
        assert!(target[..3].iter().all(|x| x.is_nan()) && target[3..6].iter().all(|&x| x == f32::INFINITY));
        assert_eq!(target[6..], [6.0, 9.0, 12.0]);
    }
}
