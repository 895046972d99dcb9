//! Rows of numbers with their targets, and batches of them.

use std::ops::Range;
use std::path::Path;

use ndarray::{Array2, ArrayView2, Axis, s};

use crate::error::Result;
use crate::scratch::{Mapped, Scratch, bytes_of};

/// Rows of numbers with their targets, row after row, in memory or (features only) in a scratch file.
#[derive(Debug, Clone)]
pub struct Dataset {
    features: Features,
    targets: Targets,
}

/// Rows × inputs.
#[derive(Debug, Clone)]
enum Features {
    Memory(Array2<f32>),
    Disk { rows: Mapped, inputs: usize },
}

impl PartialEq for Dataset {
    fn eq(&self, other: &Dataset) -> bool {
        self.features() == other.features() && self.targets == other.targets
    }
}

/// What is to be predicted, for each row.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// The number of the class, from 0.
    Classes(Vec<u32>),
    /// Values: rows × outputs.
    Values(Array2<f32>),
}

impl Targets {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Targets::Classes(classes) => classes.len(),
            Targets::Values(values) => values.nrows(),
        }
    }

    /// The number of each row's class; `None` if they are values.
    pub fn classes(&self) -> Option<&[u32]> {
        match self {
            Targets::Classes(classes) => Some(classes),
            Targets::Values(_) => None,
        }
    }

    /// Values, rows × outputs; `None` if they are classes.
    pub fn values(&self) -> Option<ArrayView2<'_, f32>> {
        match self {
            Targets::Classes(_) => None,
            Targets::Values(values) => Some(values.view()),
        }
    }
}

impl Dataset {
    /// A dataset of `features` (rows × inputs) and `targets`, which are copied only if they are not row-major.
    ///
    /// # Panics
    /// If the two have different numbers of rows.
    #[track_caller]
    pub fn new(features: Array2<f32>, targets: Targets) -> Dataset {
        let (rows, of_targets) = (features.nrows(), targets.rows());
        assert_eq!(rows, of_targets, "{rows} rows of features, {of_targets} rows of targets");
        let targets = match targets {
            Targets::Values(values) => Targets::Values(row_major(values)),
            classes => classes,
        };
        Dataset { features: Features::Memory(row_major(features)), targets }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.targets.rows()
    }

    /// The number of features of a row.
    pub fn inputs(&self) -> usize {
        match &self.features {
            Features::Memory(features) => features.ncols(),
            Features::Disk { inputs, .. } => *inputs,
        }
    }

    /// Rows × inputs, row-major.
    pub fn features(&self) -> ArrayView2<'_, f32> {
        match &self.features {
            Features::Memory(features) => features.view(),
            Features::Disk { rows, inputs } => {
                let shape = (self.targets.rows(), *inputs);
                ArrayView2::from_shape(shape, rows.numbers()).expect("so many were written")
            }
        }
    }

    /// One target for each row.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Consecutive rows, without copying them: for validation and test, where order does not matter.
    ///
    /// # Panics
    /// If the range is not within the rows.
    pub fn batch(&self, rows: Range<usize>) -> Batch<'_> {
        let targets = match &self.targets {
            Targets::Classes(classes) => BatchTargets::Classes(&classes[rows.clone()]),
            Targets::Values(values) => BatchTargets::Values(values.slice(s![rows.clone(), ..])),
        };
        let features = self.features().slice_move(s![rows, ..]);
        Batch { features, targets }
    }

    /// A copy of some rows in memory, in the order given.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn select(&self, rows: &[usize]) -> Dataset {
        let targets = match &self.targets {
            Targets::Classes(classes) => Targets::Classes(rows.iter().map(|row| classes[*row]).collect()),
            Targets::Values(values) => Targets::Values(values.select(Axis(0), rows)),
        };
        Dataset { features: Features::Memory(self.features().select(Axis(0), rows)), targets }
    }
}

/// Puts a dataset into a scratch file, some rows after the other.
pub(crate) struct DatasetWriter {
    scratch: Scratch,
    inputs: usize,
}

impl DatasetWriter {
    /// For rows of so many features, on the file system of this folder.
    pub(crate) fn new(inputs: usize, folder: &Path) -> Result<DatasetWriter> {
        Ok(DatasetWriter { scratch: Scratch::new(folder)?, inputs })
    }

    pub(crate) fn push(&mut self, features: &Array2<f32>) -> Result<()> {
        self.scratch.write(bytes_of(features.as_slice().expect("row-major")))
    }

    /// The dataset, with a target for each row that was written.
    pub(crate) fn finish(self, targets: Targets) -> Result<Dataset> {
        Ok(Dataset { features: Features::Disk { rows: self.scratch.map()?, inputs: self.inputs }, targets })
    }
}

fn row_major(values: Array2<f32>) -> Array2<f32> {
    if values.is_standard_layout() { values } else { values.as_standard_layout().into_owned() }
}

/// Some rows of a dataset, borrowed. Both views are row-major: `as_slice()` is never `None`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Batch<'a> {
    /// Rows × inputs.
    pub features: ArrayView2<'a, f32>,
    /// One for each row.
    pub targets: BatchTargets<'a>,
}

/// The targets of a [`Batch`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BatchTargets<'a> {
    /// The number of the class, from 0.
    Classes(&'a [u32]),
    /// Values: rows × outputs.
    Values(ArrayView2<'a, f32>),
}

impl<'a> BatchTargets<'a> {
    /// The number of each row's class; `None` if they are values.
    pub fn classes(self) -> Option<&'a [u32]> {
        match self {
            BatchTargets::Classes(classes) => Some(classes),
            BatchTargets::Values(_) => None,
        }
    }

    /// Values, rows × outputs; `None` if they are classes.
    pub fn values(self) -> Option<ArrayView2<'a, f32>> {
        match self {
            BatchTargets::Classes(_) => None,
            BatchTargets::Values(values) => Some(values),
        }
    }
}

/// The memory for one mini-batch after another.
///
/// It grows to the largest batch it has held, and allocates nothing after that.
///
/// ```
/// use highwater_data::{BatchBuffer, BatchTargets, Dataset, Targets};
/// use ndarray::array;
///
/// let data = Dataset::new(array![[1.0], [2.0], [3.0], [4.0]], Targets::Classes(vec![0, 0, 1, 1]));
/// let mut buffer = BatchBuffer::new();
/// let batch = buffer.gather(&data, &[3, 0]);
/// assert_eq!(batch.features, array![[4.0], [1.0]]);
/// assert_eq!(batch.targets, BatchTargets::Classes(&[1, 0]));
/// assert_eq!((batch.targets.classes(), batch.targets.values()), (Some(&[1, 0][..]), None));
/// assert_eq!((data.targets().classes(), data.targets().values()), (Some(&[0, 0, 1, 1][..]), None));
///
/// let values = Dataset::new(array![[1.0], [2.0]], Targets::Values(array![[0.5], [0.25]]));
/// assert_eq!((values.targets().classes(), values.targets().values()), (None, Some(array![[0.5], [0.25]].view())));
/// let batch = buffer.gather(&values, &[1]);
/// assert_eq!((batch.targets.classes(), batch.targets.values()), (None, Some(array![[0.25]].view())));
/// ```
#[derive(Debug, Clone, Default)]
pub struct BatchBuffer {
    features: Vec<f32>,
    classes: Vec<u32>,
    values: Vec<f32>,
}

impl BatchBuffer {
    /// A buffer without memory yet.
    pub fn new() -> Self {
        BatchBuffer::default()
    }

    /// Copies the rows, in this order, and lends them as a batch.
    ///
    /// # Panics
    /// If the dataset has no such row.
    pub fn gather<'a>(&'a mut self, data: &Dataset, rows: &[u32]) -> Batch<'a> {
        let features = copy_rows(data.features(), rows, &mut self.features);
        let targets = match &data.targets {
            Targets::Classes(classes) => {
                self.classes.clear();
                self.classes.extend(rows.iter().map(|row| classes[*row as usize]));
                BatchTargets::Classes(&self.classes)
            }
            Targets::Values(values) => BatchTargets::Values(copy_rows(values.view(), rows, &mut self.values)),
        };
        Batch { features, targets }
    }
}

/// Copies rows of a row-major matrix to the front of a buffer.
fn copy_rows<'a>(from: ArrayView2<'_, f32>, rows: &[u32], to: &'a mut Vec<f32>) -> ArrayView2<'a, f32> {
    let width = from.ncols();
    let flat = from.as_slice().expect("row-major");
    to.clear();
    to.reserve(rows.len() * width);
    for row in rows {
        to.extend_from_slice(&flat[*row as usize * width..][..width]);
    }
    ArrayView2::from_shape((rows.len(), width), to).expect("so many rows were copied")
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn classes() -> Dataset {
        Dataset::new(array![[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], Targets::Classes(vec![7, 8, 9]))
    }

    fn values() -> Dataset {
        Dataset::new(
            array![[0.0], [1.0], [2.0]],
            Targets::Values(array![[0.5, 5.0], [1.5, 15.0], [2.5, 25.0]]),
        )
    }

    #[test]
    fn a_gathered_batch_a_range_and_a_selection_hold_the_same_rows() {
        for data in [classes(), values()] {
            let mut buffer = BatchBuffer::new();
            assert_eq!(buffer.gather(&data, &[1, 2]), data.batch(1..3));
            assert_eq!(buffer.gather(&data, &[2, 0, 2]), data.select(&[2, 0, 2]).batch(0..3));
            assert_eq!(buffer.gather(&data, &[]), data.batch(0..0));
        }
    }

    #[test]
    fn a_buffer_goes_from_one_dataset_to_another() {
        let mut buffer = BatchBuffer::new();
        assert_eq!(buffer.gather(&classes(), &[0]).features, array![[0.0, 1.0]]);
        assert_eq!(buffer.gather(&values(), &[2]).targets, BatchTargets::Values(array![[2.5, 25.0]].view()));
        assert_eq!(buffer.gather(&classes(), &[2]).targets, BatchTargets::Classes(&[9]));
    }

    #[test]
    fn a_used_buffer_does_not_move() {
        let data = classes();
        let mut buffer = BatchBuffer::new();
        let at = buffer.gather(&data, &[0, 1, 2]).features.as_ptr();
        for rows in [&[2_u32, 1, 0][..], &[1], &[0, 1]] {
            assert_eq!(buffer.gather(&data, rows).features.as_ptr(), at);
        }
    }

    #[test]
    fn column_major_arrays_are_stored_row_major() {
        let turned = array![[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]].reversed_axes();
        assert!(!turned.is_standard_layout());
        let data = Dataset::new(turned, Targets::Classes(vec![7, 8, 9]));
        assert_eq!(data, classes());
        assert_eq!(data.batch(0..3).features.as_slice(), Some(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0][..]));
    }

    #[test]
    #[should_panic(expected = "2 rows of features, 3 rows of targets")]
    fn different_numbers_of_rows_are_a_mistake() {
        Dataset::new(array![[1.0], [2.0]], Targets::Classes(vec![0, 1, 0]));
    }
}
