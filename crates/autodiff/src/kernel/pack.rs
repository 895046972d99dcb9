//! The factors of a product, put in the order in which its kernel reads them.

use super::block::prefetch;
use crate::buffer::Buffer;
use crate::real::Real;
use pulp::{Simd, WithSimd};

/// Rows ahead of the one that is copied, whose elements are fetched already.
const AHEAD: usize = 8;
/// Columns that are turned at a time where there are no vectors for it: a cache line of `f32`.
const SIDE: usize = 16;

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
    if T::turn_squares(source, stride, [rows, columns], target, width) {
        return;
    }
    for start in (0..columns).step_by(SIDE) {
        let end = columns.min(start + SIDE);
        for row in 0..rows {
            for column in start..end {
                target[column * width + row] = source[row * stride + column];
            }
        }
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
