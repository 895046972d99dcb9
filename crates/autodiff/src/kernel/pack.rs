//! The factors of a product, put in the order in which its kernel reads them.

use super::block::prefetch;
use crate::real::Real;
use pulp::{Simd, WithSimd};

/// Rows ahead of the one that is copied, whose elements are fetched already.
const AHEAD: usize = 8;
/// Rows and columns of the squares that are turned at a time: a cache line of `f32`.
pub(crate) const SIDE: usize = 16;

/// Copies of rows that begin `stride` after one another, each cut into pieces of `width`: of the piece number p,
/// row k goes to `target[p * panel + k * width..]`. Of what is beyond the end of a row, the target keeps anything.
pub(super) struct Rows<'a, T> {
    pub(super) source: &'a [T],
    pub(super) stride: usize,
    /// How many rows, and how many elements of each.
    pub(super) shape: [usize; 2],
    pub(super) target: &'a mut [T],
    pub(super) width: usize,
    pub(super) panel: usize,
}

impl<T: Real> WithSimd for Rows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Rows { source, stride, shape: [rows, columns], target, width, panel } = self;
        let lanes = T::lanes::<S>();
        for k in 0..rows {
            let row = &source[k * stride..];
            for column in (0..columns).step_by(lanes) {
                prefetch(source, (k + AHEAD) * stride + column);
            }
            for (piece, start) in (0..columns).step_by(width).enumerate() {
                let count = width.min(columns - start);
                let wide = count.next_multiple_of(lanes);
                let target = &mut target[piece * panel + k * width..];
                // What whole vectors write beyond the end of a piece is overwritten by its next row.
                if row.len() >= start + wide && target.len() >= wide && (k + 1 < rows || wide <= width) {
                    let vectors = T::vectors::<S>(&row[start..start + wide]);
                    let target = T::vectors_mut::<S>(&mut target[..wide]);
                    for (target, vector) in target.iter_mut().zip(vectors) {
                        *target = *vector;
                    }
                } else {
                    target[..count].copy_from_slice(&row[start..start + count]);
                }
            }
        }
    }
}

/// target[c * width + r] = source[r * stride + c] for rows r and columns c, with rows ≤ `width`. Of what is beyond
/// the rows, the target keeps anything.
pub(super) fn turn<T: Real>(
    source: &[T],
    stride: usize,
    [rows, columns]: [usize; 2],
    target: &mut [T],
    width: usize,
) {
    let whole = T::turn_squares(source, stride, [rows, columns], target, width);
    for start in (whole..columns).step_by(SIDE) {
        let end = columns.min(start + SIDE);
        for row in 0..rows {
            for column in start..end {
                target[column * width + row] = source[row * stride + column];
            }
        }
    }
}

/// Turns what fits into squares of [`SIDE`] columns, in registers; returns how many columns that are.
pub(crate) fn turn_squares(
    source: &[f32],
    stride: usize,
    shape: [usize; 2],
    target: &mut [f32],
    width: usize,
) -> usize {
    #[cfg(target_arch = "x86_64")]
    if let pulp::Arch::V4(simd) = *super::ARCH {
        return simd.vectorize(avx512::Turn { simd, source, stride, shape, target, width });
    }
    let _ = (source, stride, shape, target, width);
    0
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::SIDE;
    use crate::vector::Vectors;
    use pulp::x86::V4;
    use pulp::{NullaryFnOnce, cast, f32x16};

    pub(super) struct Turn<'a> {
        pub(super) simd: V4,
        pub(super) source: &'a [f32],
        pub(super) stride: usize,
        pub(super) shape: [usize; 2],
        pub(super) target: &'a mut [f32],
        pub(super) width: usize,
    }

    impl NullaryFnOnce for Turn<'_> {
        type Output = usize;

        #[inline(always)]
        fn call(self) -> usize {
            let Turn { simd, source, stride, shape: [rows, columns], target, width } = self;
            let whole = columns / SIDE * SIDE;
            for column in (0..whole).step_by(SIDE) {
                for row in (0..rows).step_by(SIDE) {
                    let count = (rows - row).min(SIDE);
                    let square: [f32x16; SIDE] = std::array::from_fn(|r| {
                        // Instead of rows beyond the last, that one again.
                        let start = (row + r.min(count - 1)) * stride + column;
                        f32::vectors::<V4>(&source[start..start + SIDE])[0]
                    });
                    let square = transpose(simd, square);
                    let target = &mut target[column * width + row..];
                    // Vectors beyond the end of a row of the target are overwritten by its next row.
                    if (count == SIDE || rows < SIDE) && target.len() >= (SIDE - 1) * width + SIDE {
                        for (c, vector) in square.iter().enumerate() {
                            f32::vectors_mut::<V4>(&mut target[c * width..c * width + SIDE])[0] = *vector;
                        }
                    } else {
                        for (target, vector) in target.chunks_mut(width).zip(&square) {
                            let mut elements = [0.0; SIDE];
                            f32::vectors_mut::<V4>(&mut elements)[0] = *vector;
                            target[..count].copy_from_slice(&elements[..count]);
                        }
                    }
                }
            }
            whole
        }
    }

    /// Columns of the rows: pairs and fours of rows are woven within each quarter of the vectors, then the quarters
    /// change places.
    #[inline(always)]
    fn transpose(simd: V4, rows: [f32x16; SIDE]) -> [f32x16; SIDE] {
        let avx = simd.avx512f;
        let low = |a: f32x16, b: f32x16| cast(avx._mm512_unpacklo_ps(cast(a), cast(b)));
        let high = |a: f32x16, b: f32x16| cast(avx._mm512_unpackhi_ps(cast(a), cast(b)));
        let low_pairs = |a: f32x16, b: f32x16| cast(avx._mm512_unpacklo_pd(cast(a), cast(b)));
        let high_pairs = |a: f32x16, b: f32x16| cast(avx._mm512_unpackhi_pd(cast(a), cast(b)));
        let even = |a: f32x16, b: f32x16| cast(avx._mm512_shuffle_f32x4::<0b10_00_10_00>(cast(a), cast(b)));
        let odd = |a: f32x16, b: f32x16| cast(avx._mm512_shuffle_f32x4::<0b11_01_11_01>(cast(a), cast(b)));
        let mut fours = rows;
        for four in (0..SIDE).step_by(4) {
            let [a, b, c, d] = [rows[four], rows[four + 1], rows[four + 2], rows[four + 3]];
            let (ab, cd): (f32x16, f32x16) = (low(a, b), low(c, d));
            (fours[four], fours[four + 1]) = (low_pairs(ab, cd), high_pairs(ab, cd));
            let (ab, cd): (f32x16, f32x16) = (high(a, b), high(c, d));
            (fours[four + 2], fours[four + 3]) = (low_pairs(ab, cd), high_pairs(ab, cd));
        }
        let mut columns = rows;
        for c in 0..4 {
            let [a, b, c_, d] = [fours[c], fours[4 + c], fours[8 + c], fours[12 + c]];
            let (ab, cd): (f32x16, f32x16) = (even(a, b), even(c_, d));
            (columns[c], columns[8 + c]) = (even(ab, cd), odd(ab, cd));
            let (ab, cd): (f32x16, f32x16) = (odd(a, b), odd(c_, d));
            (columns[4 + c], columns[12 + c]) = (even(ab, cd), odd(ab, cd));
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_arrives_at_its_place_whatever_the_sizes() {
        for (rows, columns, width) in
            [(1, 1, 1), (3, 17, 16), (16, 16, 16), (14, 40, 14), (20, 33, 32), (32, 130, 32)]
        {
            let stride = columns + 3;
            let source: Vec<f32> = (0..rows * stride).map(|i| i as f32).collect();
            let mut target = vec![-1.0; width * columns];
            turn(&source, stride, [rows, columns], &mut target, width);
            for row in 0..rows {
                for column in 0..columns {
                    let found = target[column * width + row];
                    assert_eq!(found, source[row * stride + column], "{rows}×{columns} to {width}");
                }
            }
        }
    }
}
