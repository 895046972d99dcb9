//! Matrix products, through faer; large ones are split over threads by blocks of columns of the result, whose width
//! depends on the sizes alone: every number of threads gives the same bits.

use super::{Matrix, Write};
use crate::real::Real;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};

/// Products of at least this many multiplications are worth handing over to other threads (about 0.1 ms).
const PARALLEL: usize = 4 << 20;
/// Columns of a block: a multiple of the widest kernel's 96.
const BLOCK: usize = 192;

/// A factor of a product, perhaps to be read as its transpose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Factor<'a, T> {
    pub(crate) matrix: Matrix<'a, T>,
    pub(crate) transposed: bool,
}

impl<'a, T: Real> Factor<'a, T> {
    pub(crate) fn transpose(self) -> Self {
        Factor { transposed: !self.transposed, ..self }
    }

    fn view(self) -> MatRef<'a, T> {
        let Matrix { data, rows, columns } = self.matrix;
        let view = MatRef::from_row_major_slice(data, rows, columns);
        if self.transposed { view.transpose() } else { view }
    }
}

impl<'a, T> From<Matrix<'a, T>> for Factor<'a, T> {
    fn from(matrix: Matrix<'a, T>) -> Self {
        Factor { matrix, transposed: false }
    }
}

/// target (rows×columns, row-major) = left · right, or target += left · right.
pub(crate) fn product<T: Real>(target: &mut [T], left: Factor<'_, T>, right: Factor<'_, T>, write: Write) {
    product_then(target, left, right, write, |_, _| {});
}

/// Like [`product`]; `then(rows, first_column)` is called on finished rows of a block of columns, one after another
/// in memory, by the thread that made them, while they are in its cache.
pub(crate) fn product_then<T: Real>(
    target: &mut [T],
    left: Factor<'_, T>,
    right: Factor<'_, T>,
    write: Write,
    then: impl Fn(&mut [T], usize) + Sync,
) {
    let (left, right) = (left.view(), right.view());
    let (rows, inner, columns) = (left.nrows(), left.ncols(), right.ncols());
    let beta = match write {
        Write::Set => Accum::Replace,
        Write::Add => Accum::Add,
    };
    let view = MatMut::from_row_major_slice_mut(target, rows, columns);
    if rows * inner * columns < PARALLEL || columns < 2 * BLOCK {
        matmul(view, beta, left, right, T::ONE, Par::Seq);
        then(target, 0);
        return;
    }
    view.par_col_chunks_mut(BLOCK).enumerate().for_each(|(block, mut target)| {
        let (start, width) = (block * BLOCK, target.ncols());
        matmul(target.as_mut(), beta, left, right.subcols(start, width), T::ONE, Par::Seq);
        for row in target.row_iter_mut() {
            let row = row.try_as_row_major_mut().expect("blocks of a row-major matrix have contiguous rows");
            then(row.as_slice_mut(), start);
        }
    });
}
