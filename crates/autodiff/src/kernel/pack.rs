//! The factors of a product, put in the order in which its kernel reads them.

use super::block::prefetch;
use crate::buffer::Buffer;
use crate::real::Real;
use pulp::{Simd, WithSimd};

/// Rows ahead of the one that is copied, whose elements are fetched already.
const AHEAD: usize = 8;
/// Rows and columns of the squares that are turned at a time: a cache line of `f32`.
pub(crate) const SIDE: usize = 16;

/// Lets a thread use memory of its own for so many elements, which have any values.
pub(super) fn with_memory<T: Real>(length: usize, work: impl FnOnce(&mut [T])) {
    T::memory().with(|memory| {
        let mut buffer = memory.replace(Buffer::EMPTY);
        if buffer.len() < length {
            buffer = Buffer::zeros(length);
        }
        work(&mut buffer[..length]);
        memory.set(buffer);
    });
}

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
        let fetch = |k: usize| {
            for column in (0..columns).step_by(lanes) {
                prefetch(source, (k + AHEAD) * stride + column);
            }
        };
        if columns <= width {
            // Whole vectors, as long as what they write beyond the end of a row is overwritten by its next one.
            let wide = columns.next_multiple_of(lanes);
            let room = |length: usize, step: usize| (length + step).saturating_sub(wide) / step;
            let whole = room(source.len(), stride).min(room(target.len(), width)).min(rows.saturating_sub(1));
            for k in 0..whole {
                fetch(k);
                let from = T::vectors::<S>(&source[k * stride..][..wide]);
                let to = T::vectors_mut::<S>(&mut target[k * width..][..wide]);
                for (to, from) in to.iter_mut().zip(from) {
                    *to = *from;
                }
            }
            for k in whole..rows {
                target[k * width..][..columns].copy_from_slice(&source[k * stride..][..columns]);
            }
        } else {
            for k in 0..rows {
                fetch(k);
                let row = &source[k * stride..][..columns];
                let mut pieces = target[k * width..].chunks_mut(panel);
                let whole = row.chunks_exact(width);
                let rest = whole.remainder();
                for (from, to) in whole.zip(&mut pieces) {
                    let to = T::vectors_mut::<S>(&mut to[..width]);
                    for (to, from) in to.iter_mut().zip(T::vectors::<S>(from)) {
                        *to = *from;
                    }
                }
                if let Some(to) = pieces.next() {
                    to[..rest.len()].copy_from_slice(rest);
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
#[allow(unsafe_code, reason = "one check for a square, not one for each of its rows")]
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
            // The last square overlaps the one before it, if it would be narrower.
            let squares = (0..columns / SIDE * SIDE).step_by(SIDE);
            let last = (columns > SIDE && !columns.is_multiple_of(SIDE)).then(|| columns - SIDE);
            // A few rows at a time, whose lines the processor fetches ahead, and not all of them side by side.
            for row in (0..rows).step_by(SIDE) {
                let count = (rows - row).min(SIDE);
                // Vectors beyond the end of a row of the target are overwritten by its next row.
                let over = count == SIDE || rows < SIDE;
                for column in squares.clone().chain(last) {
                    let source = &source[row * stride + column..];
                    let target = &mut target[column * width + row..];
                    // In both branches: turned before them, each square would go through the stack for the second's sake.
                    if over && target.len() >= (SIDE - 1) * width + SIDE {
                        store(simd, transpose(simd, load(simd, source, stride, count)), target, width);
                    } else {
                        let square = transpose(simd, load(simd, source, stride, count));
                        for (target, vector) in target.chunks_mut(width).zip(&square) {
                            let mut elements = [0.0; SIDE];
                            f32::vectors_mut::<V4>(&mut elements)[0] = *vector;
                            target[..count].copy_from_slice(&elements[..count]);
                        }
                    }
                }
            }
            if columns < SIDE { 0 } else { columns }
        }
    }

    /// The first elements of `count` rows; instead of rows beyond the last, that one again.
    #[inline(always)]
    fn load(simd: V4, source: &[f32], stride: usize, count: usize) -> [f32x16; SIDE] {
        assert!(source.len() >= (count - 1) * stride + SIDE);
        let mut rows = [simd.splat_f32x16(0.0); SIDE];
        for (r, row) in rows.iter_mut().enumerate() {
            // SAFETY: the last of the rows has as many elements as are read.
            let elements = unsafe { source.as_ptr().add(r.min(count - 1) * stride) };
            *row = cast(unsafe { simd.avx512f._mm512_loadu_ps(elements) });
        }
        rows
    }

    /// Writes rows that begin `width` after one another.
    #[inline(always)]
    fn store(simd: V4, rows: [f32x16; SIDE], target: &mut [f32], width: usize) {
        assert!(target.len() >= (SIDE - 1) * width + SIDE);
        for (r, row) in rows.into_iter().enumerate() {
            // SAFETY: the last of the rows has as many elements as are written.
            unsafe { simd.avx512f._mm512_storeu_ps(target.as_mut_ptr().add(r * width), cast(row)) };
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
            [(1, 1, 1), (3, 17, 16), (16, 16, 16), (14, 40, 14), (20, 33, 32), (32, 130, 32), (50, 64, 51)]
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
