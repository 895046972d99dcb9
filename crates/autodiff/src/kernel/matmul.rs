//! Matrix products: large ones and those with a thin factor have kernels of their own, the others are faer's.

use super::{Matrix, Write, column, packed, thin};
use crate::real::Real;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

/// Products of at least this many multiplications are worth handing over to other threads (about 10 µs).
const PARALLEL: usize = 1 << 20;
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

    pub(crate) fn shape(self) -> [usize; 2] {
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

/// target (rows×columns, row-major) = left · right, or target += left · right. A large product with scratch memory is
/// shared between threads; without, it is left to the thread that calls.
pub(crate) fn product<T: Real>(
    target: &mut [T],
    left: Factor<'_, T>,
    right: Factor<'_, T>,
    write: Write,
    scratch: &mut [T],
) {
    product_then(target, left, right, write, scratch, |_, _| {});
}

/// How many elements of scratch memory the product of rows×inner and inner×columns wants.
pub(crate) fn scratch(rows: usize, inner: usize, columns: usize) -> usize {
    if is_large(rows, inner, columns) { packed::scratch(rows, inner) } else { 0 }
}

/// Computes the product if it is a matter for the kernels for thin factors.
fn thin_product<T: Real>(target: &mut [T], left: Factor<'_, T>, right: Factor<'_, T>, write: Write) -> bool {
    let ([rows, inner], columns) = (left.shape(), right.shape()[1]);
    match (left.transposed, right.transposed) {
        (false, _) if column::is_column(inner, columns) => {
            column::product(target, left.matrix.data, right.matrix.data, write);
        }
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

/// Like [`product`]; `then(elements, first_column)` is called on finished rows, or on finished pieces of single rows
/// that begin in that column, by the thread that made them, while they are in its cache.
pub(crate) fn product_then<T: Real>(
    target: &mut [T],
    left: Factor<'_, T>,
    right: Factor<'_, T>,
    write: Write,
    scratch: &mut [T],
    then: impl Fn(&mut [T], usize) + Sync,
) {
    let ([rows, inner], columns) = (left.shape(), right.shape()[1]);
    if thin_product(target, left, right, write) {
        then(target, 0);
    } else if is_large(rows, inner, columns) && !scratch.is_empty() {
        packed::product(target, left, right, write, scratch, &then);
    } else {
        let beta = match write {
            Write::Set => Accum::Replace,
            Write::Add => Accum::Add,
        };
        let view = MatMut::from_row_major_slice_mut(target, rows, columns);
        matmul(view, beta, left.view(), right.view(), T::ONE, Par::Seq);
        then(target, 0);
    }
}

/// Whether threads share the work on a product of rows×inner and inner×columns.
pub(crate) fn is_large(rows: usize, inner: usize, columns: usize) -> bool {
    rows * inner * columns >= PARALLEL
}
