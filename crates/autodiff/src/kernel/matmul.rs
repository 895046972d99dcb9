//! Matrix products, through faer; large ones are split over threads by blocks of the result, and those with a thin
//! factor have kernels of their own.

use super::{Matrix, Write, thin};
use crate::real::Real;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

/// Products of at least this many multiplications are worth handing over to other threads (about 10 µs).
const PARALLEL: usize = 1 << 20;
/// Elements of a right factor that stay in the cache of a core.
const CACHED: usize = 1 << 18;
/// The least rows of a block.
const MIN_ROWS: usize = 64;
/// Columns of a block: those of the widest kernel, or more of them where there are many.
const COLUMNS: usize = 96;
const MANY: usize = 1024;

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

    fn shape(self) -> [usize; 2] {
        let Matrix { rows, columns, .. } = self.matrix;
        if self.transposed { [columns, rows] } else { [rows, columns] }
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

/// Computes the product if it is a matter for the kernels for thin factors.
fn thin_product<T: Real>(target: &mut [T], left: Factor<'_, T>, right: Factor<'_, T>, write: Write) -> bool {
    let ([rows, inner], columns) = (left.shape(), right.shape()[1]);
    match (left.transposed, right.transposed) {
        (false, transposed) if thin::is_thin(rows, inner, columns) => {
            let right = thin::Right { data: right.matrix.data, transposed };
            thin::product(target, left.matrix.data, right, [inner, columns], write);
        }
        (true, false) if thin::is_thin_outer(rows, inner, columns) => {
            thin::outer_product(target, left.matrix.data, right.matrix.data, [rows, columns], write);
        }
        _ => return false,
    }
    true
}

/// Like [`product`]; `then(rows, first_column)` is called on finished rows of a block, one after another in memory, by
/// the thread that made them, while they are in its cache.
pub(crate) fn product_then<T: Real>(
    target: &mut [T],
    left: Factor<'_, T>,
    right: Factor<'_, T>,
    write: Write,
    then: impl Fn(&mut [T], usize) + Sync,
) {
    if thin_product(target, left, right, write) {
        then(target, 0);
        return;
    }
    let (left, right) = (left.view(), right.view());
    let (rows, inner, columns) = (left.nrows(), left.ncols(), right.ncols());
    let beta = match write {
        Write::Set => Accum::Replace,
        Write::Add => Accum::Add,
    };
    let block = if is_large(rows, inner, columns) { Block::of(rows, inner, columns) } else { Block::All };
    match block {
        Block::All => {
            let view = MatMut::from_row_major_slice_mut(target, rows, columns);
            matmul(view, beta, left, right, T::ONE, Par::Seq);
            then(target, 0);
        }
        Block::Rows(size) => {
            target.par_chunks_mut(size * columns).enumerate().for_each(|(block, target)| {
                let rows = target.len() / columns;
                let view = MatMut::from_row_major_slice_mut(target, rows, columns);
                matmul(view, beta, left.subrows(block * size, rows), right, T::ONE, Par::Seq);
                then(target, 0);
            });
        }
        Block::Columns(size) => {
            let view = MatMut::from_row_major_slice_mut(target, rows, columns);
            view.par_col_chunks_mut(size).enumerate().for_each(|(block, mut target)| {
                let (start, width) = (block * size, target.ncols());
                matmul(target.as_mut(), beta, left, right.subcols(start, width), T::ONE, Par::Seq);
                for row in target.row_iter_mut() {
                    let row = row.try_as_row_major_mut();
                    then(row.expect("rows of a row-major matrix are contiguous").as_slice_mut(), start);
                }
            });
        }
    }
}

/// Whether threads share the work on a product of rows×inner and inner×columns.
pub(crate) fn is_large(rows: usize, inner: usize, columns: usize) -> bool {
    rows * inner * columns >= PARALLEL
}

/// What one thread computes of a product. It depends on the sizes alone: every number of threads gives the same bits.
enum Block {
    All,
    Rows(usize),
    Columns(usize),
}

impl Block {
    /// Every block of rows packs all of the right factor anew: they pay while it is small and rows are many.
    fn of(rows: usize, inner: usize, columns: usize) -> Block {
        if inner * columns <= CACHED && rows >= 2 * MIN_ROWS {
            Block::Rows(share(rows, (rows / 4).clamp(MIN_ROWS, 2 * MIN_ROWS)))
        } else if columns >= 2 * COLUMNS {
            Block::Columns(share(columns, if columns < MANY { COLUMNS } else { MANY / 4 }))
        } else {
            Block::All
        }
    }
}

/// The size of an even number of blocks of about `size`.
fn share(length: usize, size: usize) -> usize {
    let blocks = length.div_ceil(size).next_multiple_of(2);
    length.div_ceil(blocks).next_multiple_of(8)
}
