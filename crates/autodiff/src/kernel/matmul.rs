//! Matrix products, each by the kernel that suits its shape.

use super::{Matrix, Write, column, packed, thin};
use crate::real::Real;

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
    match kernel([left.transposed, right.transposed], [rows, inner, columns]) {
        Kernel::Column => column::product(target, left.matrix.data, right.matrix.data, write),
        Kernel::Thin => {
            let right = thin::Right { data: right.matrix.data, transposed: right.transposed };
            thin::product(target, left.matrix.data, right, [inner, columns], write);
        }
        Kernel::ThinOuter => {
            thin::outer_product(target, left.matrix.data, right.matrix.data, [rows, columns], write);
        }
        Kernel::Shared if !scratch.is_empty() => {
            return packed::shared(target, left, right, write, scratch, &then);
        }
        Kernel::Shared | Kernel::Alone => packed::alone(target, left, right, write),
    }
    then(target, 0);
}

/// What computes a product.
enum Kernel {
    Column,
    Thin,
    ThinOuter,
    /// Packed, by several threads if there is scratch memory.
    Shared,
    /// Packed, by the thread that calls.
    Alone,
}

/// The kernel for a product of rows×inner and inner×columns, of factors of which each may be read as its transpose.
fn kernel(transposed: [bool; 2], shape: [usize; 3]) -> Kernel {
    let [_, inner, columns] = shape;
    match transposed {
        [false, _] if column::is_column(inner, columns) => Kernel::Column,
        [false, _] if thin::is_thin(shape) => Kernel::Thin,
        [true, false] if thin::is_thin_outer(shape) => Kernel::ThinOuter,
        _ if is_large(shape) => Kernel::Shared,
        _ => Kernel::Alone,
    }
}

/// How many elements of scratch memory a product wants: none if no other thread helps.
pub(crate) fn scratch(transposed: [bool; 2], shape: [usize; 3]) -> usize {
    match kernel(transposed, shape) {
        Kernel::Shared => packed::scratch(shape[0], shape[1]),
        _ => 0,
    }
}

/// Whether a product of rows×inner and inner×columns is worth more than one thread.
pub(crate) fn is_large([rows, inner, columns]: [usize; 3]) -> bool {
    rows * inner * columns >= PARALLEL
}
