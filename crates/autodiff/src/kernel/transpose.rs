//! A matrix turned on its side, for products that would read it along its columns.

use super::Matrix;
use crate::real::Real;
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

/// Rows and columns of the squares that are turned together: a cache line of `f32` each.
const SIDE: usize = 16;
/// Elements of the strips that threads take.
const STRIP: usize = 1 << 14;

/// target (columns×rows) = sourceᵀ.
pub(crate) fn transpose<T: Real>(source: Matrix<'_, T>, target: &mut [T]) {
    let Matrix { data, rows, columns } = source;
    let strip = (STRIP / rows).next_multiple_of(SIDE);
    target.par_chunks_mut(strip * rows).enumerate().for_each(|(number, target)| {
        for (block, target) in target.chunks_mut(SIDE * rows).enumerate() {
            let column = number * strip + block * SIDE;
            for (square, data) in data.chunks(SIDE * columns).enumerate() {
                turn(&data[column..], columns, &mut target[square * SIDE..], rows);
            }
        }
    });
}

/// The square at the beginning of `source` to the beginning of `target`, as far as both go.
fn turn<T: Real>(source: &[T], columns: usize, target: &mut [T], rows: usize) {
    for (c, target) in target.chunks_mut(rows).take(SIDE).enumerate() {
        for (target, source) in target.iter_mut().take(SIDE).zip(source[c..].iter().step_by(columns)) {
            *target = *source;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_arrives_at_its_place_whatever_the_sizes() {
        for (rows, columns) in [(1, 1), (3, 17), (16, 16), (40, 33), (129, 200)] {
            let data: Vec<f32> = (0..rows * columns).map(|i| i as f32).collect();
            let mut target = vec![-1.0; rows * columns];
            transpose(Matrix { data: &data, rows, columns }, &mut target);
            for row in 0..rows {
                for column in 0..columns {
                    assert_eq!(target[column * rows + row], data[row * columns + column], "{rows}×{columns}");
                }
            }
        }
    }
}
