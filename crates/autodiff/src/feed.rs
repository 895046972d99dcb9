//! What is given with each run.

use ndarray::{Array2, ArrayView2};
use std::ops::Range;

/// What is given with a run, in the order of recording.
#[derive(Debug, Clone, Copy)]
pub enum Feed<'a, T> {
    /// One row for each row of the batch; must be contiguous, row by row.
    Values(ArrayView2<'a, T>),
    /// One whole number for each row of the batch.
    Indices(&'a [u32]),
}

impl<'a, T> From<ArrayView2<'a, T>> for Feed<'a, T> {
    fn from(values: ArrayView2<'a, T>) -> Self {
        Feed::Values(values)
    }
}

impl<'a, T> From<&'a Array2<T>> for Feed<'a, T> {
    fn from(values: &'a Array2<T>) -> Self {
        Feed::Values(values.view())
    }
}

impl<'a, T> From<&'a [u32]> for Feed<'a, T> {
    fn from(indices: &'a [u32]) -> Self {
        Feed::Indices(indices)
    }
}

impl<'a, T> From<&'a Vec<u32>> for Feed<'a, T> {
    fn from(indices: &'a Vec<u32>) -> Self {
        Feed::Indices(indices)
    }
}

impl<'a, T, const N: usize> From<&'a [u32; N]> for Feed<'a, T> {
    fn from(indices: &'a [u32; N]) -> Self {
        Feed::Indices(indices)
    }
}

impl<'a, T> Feed<'a, T> {
    pub(crate) fn rows(&self) -> usize {
        match self {
            Feed::Values(values) => values.nrows(),
            Feed::Indices(indices) => indices.len(),
        }
    }

    #[track_caller]
    pub(crate) fn check_values(&self, position: usize, columns: usize) {
        let Feed::Values(values) = self else { panic!("feed {position} must be a matrix, not indices") };
        let found = values.ncols();
        assert_eq!(found, columns, "feed {position} has {found} columns, the program takes {columns}");
        assert!(
            values.is_standard_layout(),
            "feed {position} must be contiguous, row by row: `as_standard_layout` makes it so"
        );
    }

    #[track_caller]
    pub(crate) fn check_indices(&self, position: usize) {
        assert!(matches!(self, Feed::Indices(_)), "feed {position} must be indices, not a matrix");
    }

    /// The elements of rows `rows` of a matrix.
    pub(crate) fn values(&self, rows: Range<usize>) -> &'a [T] {
        match self {
            Feed::Values(values) => {
                let columns = values.ncols();
                let all = values.to_slice().expect("checked when the run began");
                &all[rows.start * columns..rows.end * columns]
            }
            Feed::Indices(_) => unreachable!("checked when the run began"),
        }
    }

    /// The numbers of rows `rows`.
    pub(crate) fn indices(&self, rows: Range<usize>) -> &'a [u32] {
        match self {
            Feed::Indices(indices) => &indices[rows],
            Feed::Values(_) => unreachable!("checked when the run began"),
        }
    }
}
