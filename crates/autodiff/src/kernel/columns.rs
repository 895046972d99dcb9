//! Ops that choose or arrange columns and rows: pick, concatenation, slicing, look-up in a table.

use super::{Write, accumulate};
use crate::real::Real;

/// y[r] = x[r, index[r]].
pub(crate) fn pick<T: Real>(x: &[T], columns: usize, index: &[u32], y: &mut [T]) {
    for ((x, &i), y) in x.chunks_exact(columns).zip(index).zip(y) {
        *y = x[i as usize];
    }
}

/// The gradient of what was picked from.
pub(crate) fn pick_backward<T: Real>(index: &[u32], dy: &[T], columns: usize, dx: &mut [T], write: Write) {
    if write == Write::Set {
        dx.fill(T::ZERO);
    }
    for ((dx, &i), &dy) in dx.chunks_exact_mut(columns).zip(index).zip(dy) {
        dx[i as usize] += dy;
    }
}

/// Copies `part`, rows of `width` columns, into the columns of `whole` from `start` on.
pub(crate) fn place<T: Real>(part: &[T], width: usize, whole: &mut [T], columns: usize, start: usize) {
    for (part, whole) in part.chunks_exact(width).zip(whole.chunks_exact_mut(columns)) {
        whole[start..start + width].copy_from_slice(part);
    }
}

/// Copies the columns of `whole` from `start` on into `part`, rows of `width` columns; or adds them.
pub(crate) fn take<T: Real>(
    whole: &[T],
    columns: usize,
    start: usize,
    part: &mut [T],
    width: usize,
    write: Write,
) {
    for (part, whole) in part.chunks_exact_mut(width).zip(whole.chunks_exact(columns)) {
        accumulate(part, &whole[start..start + width], write);
    }
}

/// The gradient of sliced columns within the whole.
pub(crate) fn slice_backward<T: Real>(
    dy: &[T],
    width: usize,
    dx: &mut [T],
    columns: usize,
    start: usize,
    write: Write,
) {
    for (dy, dx) in dy.chunks_exact(width).zip(dx.chunks_exact_mut(columns)) {
        if write == Write::Set {
            dx.fill(T::ZERO);
        }
        accumulate(&mut dx[start..start + width], dy, Write::Add);
    }
}

/// Indices that were given with the run.
pub(crate) fn given(index: &[u32]) -> impl Iterator<Item = usize> {
    index.iter().map(|&i| i as usize)
}

/// For each number the nearest of the indices of `rows` rows; the first for NaN.
pub(crate) fn nearest<T: Real>(numbers: &[T], rows: usize) -> impl Iterator<Item = usize> {
    numbers.iter().map(move |number| (number.to_f64().round() as usize).min(rows - 1))
}

/// y[r] = table[index[r]], rows of `columns` columns.
pub(crate) fn look_up<T: Real>(table: &[T], columns: usize, index: impl Iterator<Item = usize>, y: &mut [T]) {
    for (i, y) in index.zip(y.chunks_exact_mut(columns)) {
        y.copy_from_slice(&table[i * columns..][..columns]);
    }
}

/// The gradient of the table: each row's gradient added to the row it came from, in the order of the batch.
pub(crate) fn look_up_backward<T: Real>(
    index: impl Iterator<Item = usize>,
    dy: &[T],
    columns: usize,
    table: &mut [T],
    write: Write,
) {
    if write == Write::Set {
        table.fill(T::ZERO);
    }
    for (i, dy) in index.zip(dy.chunks_exact(columns)) {
        accumulate(&mut table[i * columns..][..columns], dy, Write::Add);
    }
}
