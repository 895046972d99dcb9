//! Blocks of columns and rows of one matrix, which different threads write at the same time.
//!
//! The columns of a row-major matrix lie between each other in memory, so slices cannot tell the compiler that two
//! blocks of columns have nothing in common: this module does, and keeps the proof in one place.

#![allow(unsafe_code, reason = "blocks of columns are disjoint, but not as slices")]

use std::marker::PhantomData;
use std::ops::Range;

/// Some rows and columns of a row-major matrix, to be written.
pub(super) struct Block<'a, T> {
    /// The first element of the first row.
    first: *mut T,
    /// From one row to the next.
    stride: usize,
    rows: usize,
    columns: usize,
    matrix: PhantomData<&'a mut [T]>,
}

// SAFETY: a block is the only one that reaches its elements, like a `&mut [T]` of them.
unsafe impl<T: Send> Send for Block<'_, T> {}

impl<'a, T> Block<'a, T> {
    /// All of a matrix of `columns` columns.
    pub(super) fn new(elements: &'a mut [T], columns: usize) -> Self {
        let rows = elements.len() / columns;
        Block { first: elements.as_mut_ptr(), stride: columns, rows, columns, matrix: PhantomData }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// The columns before `column`, and the others.
    pub(super) fn split_columns(self, column: usize) -> (Self, Self) {
        assert!(column < self.columns);
        // SAFETY: the element is one of the first row. The two parts share no column, hence no element.
        let first = unsafe { self.first.add(column) };
        let right = Block { first, columns: self.columns - column, ..self };
        (Block { columns: column, ..self }, right)
    }

    /// The rows before `row`, and the others.
    pub(super) fn split_rows(self, row: usize) -> (Self, Self) {
        assert!(row < self.rows);
        // SAFETY: the element is one of the block. The two parts share no row, hence no element.
        let first = unsafe { self.first.add(row * self.stride) };
        let below = Block { first, rows: self.rows - row, ..self };
        (Block { rows: row, ..self }, below)
    }

    /// Some of its rows and columns.
    #[inline(always)]
    pub(super) fn part(&mut self, rows: Range<usize>, columns: Range<usize>) -> Block<'_, T> {
        assert!(rows.start < rows.end && rows.end <= self.rows);
        assert!(columns.start < columns.end && columns.end <= self.columns);
        // SAFETY: the element is one of the block.
        let first = unsafe { self.first.add(rows.start * self.stride + columns.start) };
        Block { first, stride: self.stride, rows: rows.len(), columns: columns.len(), matrix: PhantomData }
    }

    /// The elements of a row.
    #[inline(always)]
    pub(super) fn row_mut(&mut self, row: usize) -> &mut [T] {
        assert!(row < self.rows);
        // SAFETY: `new` was given all rows of `stride` elements, the splits kept within them, and the row is in this
        // block, which nobody else reaches while it is borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(row * self.stride), self.columns) }
    }
}

/// Has the processor bring the element `index` into its caches, if there is one.
#[inline(always)]
pub(super) fn prefetch<T>(elements: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(element) = elements.get(index) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 processor has the instruction; it reads nothing that the program would see.
        unsafe { _mm_prefetch::<_MM_HINT_T0>((&raw const *element).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (elements, index);
}
