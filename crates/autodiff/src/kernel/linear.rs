//! The fused dense layer: y = f(x · wᵀ + b).

use super::matmul::{self, Factor, product, product_then};
use super::unary::Unary;
use super::{Matrix, Write, vectorize};
use crate::real::Real;

/// Rows shorter than half of this are handled several at a time, so that vectors are full.
const PATTERN: usize = 320;
/// What the passes over elements take at a time: a few vectors of any processor.
const STEP: usize = 64;

/// y = f(x · weightᵀ + bias) for `x` rows×inputs, `weight` outputs×inputs, `bias` 1×outputs.
pub(crate) fn forward<T: Real>(
    x: Matrix<'_, T>,
    weight: Matrix<'_, T>,
    bias: &[T],
    activation: Option<Unary>,
    y: &mut [T],
    scratch: &mut [T],
) {
    let weight = Factor { matrix: weight, transposed: true };
    product_then(y, x.into(), weight, Write::Set, scratch, |y, start| {
        let width = bias.len().min(y.len());
        let bias = &bias[start..(start + width).min(bias.len())];
        finish(y, bias, activation);
    });
}

/// y = f(y + bias) for rows of the length of `bias`.
fn finish<T: Real>(y: &mut [T], bias: &[T], activation: Option<Unary>) {
    let mut pattern = [T::ZERO; PATTERN];
    let bias = repeat(bias, &mut pattern);
    match activation {
        Some(activation) => activation.forward_biased(bias, y),
        None => vectorize(
            #[inline(always)]
            || {
                for y in y.chunks_mut(bias.len()) {
                    for (y, &b) in y.iter_mut().zip(bias) {
                        *y += b;
                    }
                }
            },
        ),
    }
}

/// How many elements of rows of `columns` are handled at a time: those of as many rows as make whole steps, if they are
/// not too many.
fn together(columns: usize) -> usize {
    match columns.checked_mul(STEP >> columns.trailing_zeros().min(STEP.trailing_zeros())) {
        Some(steps @ ..=PATTERN) => steps,
        _ => PATTERN / columns * columns,
    }
}

/// `row` several times, or itself.
fn repeat<'a, T: Real>(row: &'a [T], pattern: &'a mut [T; PATTERN]) -> &'a [T] {
    let whole = together(row.len());
    if whole < 2 * row.len() {
        return row;
    }
    pattern[..row.len()].copy_from_slice(row);
    let mut filled = row.len();
    while filled < whole {
        let more = filled.min(whole - filled);
        pattern.copy_within(..more, filled);
        filled += more;
    }
    &pattern[..whole]
}

/// Turns the gradient of y into that of x · weightᵀ + bias.
pub(crate) fn backward_activation<T: Real>(activation: Option<Unary>, y: &[T], dy: &mut [T]) {
    if let Some(activation) = activation {
        activation.backward_in_place(y, dy);
    }
}

/// The gradient of the bias: the sum of the rows of `dz`.
pub(crate) fn backward_bias<T: Real>(dz: &[T], bias: &mut [T], write: Write) {
    let columns = bias.len();
    let whole = together(columns);
    if whole < 2 * columns {
        return super::rows::sum_rows(dz, columns, bias, write);
    }
    let mut sums = [T::ZERO; PATTERN];
    let sums = &mut sums[..whole];
    let rows = vectorize(
        #[inline(always)]
        || {
            for dz in dz.chunks(whole) {
                for (sum, &dz) in sums.iter_mut().zip(dz) {
                    *sum += dz;
                }
            }
            let mut rows = whole / columns;
            while rows.is_multiple_of(2) {
                rows /= 2;
                let (half, other) = sums.split_at_mut(rows * columns);
                for (sum, &other) in half.iter_mut().zip(&*other) {
                    *sum += other;
                }
            }
            rows
        },
    );
    super::rows::sum_rows(&sums[..rows * columns], columns, bias, write);
}

/// How many elements of scratch memory the way forward wants, or the gradients of input and weight side by side.
pub(crate) fn scratch(rows: usize, inputs: usize, outputs: usize) -> usize {
    let forward = matmul::scratch([false, true], [rows, inputs, outputs]);
    let weight = matmul::scratch([true, false], [outputs, rows, inputs]);
    forward.max(input_scratch(rows, inputs, outputs) + weight)
}

/// How many elements of scratch memory the gradient of the input wants.
pub(crate) fn input_scratch(rows: usize, inputs: usize, outputs: usize) -> usize {
    matmul::scratch([false, false], [rows, outputs, inputs])
}

/// The gradient of the weight, outputs×inputs: dzᵀ · x.
pub(crate) fn backward_weight<T: Real>(
    dz: Matrix<'_, T>,
    x: Matrix<'_, T>,
    scratch: &mut [T],
    weight: &mut [T],
    write: Write,
) {
    product(weight, Factor::from(dz).transpose(), x.into(), write, scratch);
}

/// The gradient of the input: dz · weight.
pub(crate) fn backward_input<T: Real>(
    dz: Matrix<'_, T>,
    weight: Matrix<'_, T>,
    scratch: &mut [T],
    x: &mut [T],
    write: Write,
) {
    product(x, dz.into(), weight.into(), write, scratch);
}
