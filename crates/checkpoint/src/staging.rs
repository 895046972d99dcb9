//! A snapshot that owns its bytes, in memory that is used again.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use crate::array::{Array, Dtype};
use crate::error::{Context, Error};
use crate::memory::Memory;
use crate::section::Section;
use crate::snapshot::Snapshot;

#[derive(Default)]
pub(crate) struct Staged {
    step: u64,
    epoch: u64,
    score: Option<f64>,
    elapsed: Option<Duration>,
    arrays: Vec<Meta>,
    memory: Option<Memory>,
    sections: Vec<Section>,
    labels: Vec<(String, String)>,
}

/// An array, its bytes somewhere in the memory.
struct Meta {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    start: usize,
    end: usize,
}

impl Staged {
    /// Copies everything. Allocates nothing for the arrays if they are those of the last time.
    pub(crate) fn copy(&mut self, snapshot: &Snapshot<'_>) -> Result<(), Error> {
        let Snapshot { step, epoch, score, elapsed, arrays, sections, labels } = *snapshot;
        (self.step, self.epoch, self.score, self.elapsed) = (step, epoch, score, elapsed);
        self.sections = sections.to_vec();
        self.labels = labels.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();

        if !self.fits(arrays) {
            let mut end = 0;
            let place = |array: &Array<'_>| {
                let start = end;
                end += array.bytes.len();
                Meta {
                    name: array.name.to_string(),
                    dtype: array.dtype,
                    shape: array.shape.clone(),
                    start,
                    end,
                }
            };
            self.arrays = arrays.iter().map(place).collect();
            // The old memory goes first.
            self.memory = None;
            let memory =
                Memory::zeroed(end as u64).context("make room in memory for", Path::new("a snapshot"));
            self.memory = Some(memory?);
        }
        if let Some(memory) = &mut self.memory {
            let bytes = memory.bytes_mut();
            for (Meta { start, end, .. }, array) in self.arrays.iter().zip(arrays) {
                bytes[*start..*end].copy_from_slice(&array.bytes);
            }
        }
        Ok(())
    }

    fn fits(&self, arrays: &[Array<'_>]) -> bool {
        self.memory.is_some()
            && self.arrays.len() == arrays.len()
            && self.arrays.iter().zip(arrays).all(|(meta, array)| {
                meta.name == array.name
                    && meta.dtype == array.dtype
                    && meta.shape == array.shape
                    && meta.end - meta.start == array.bytes.len()
            })
    }

    /// The snapshot again.
    pub(crate) fn with<T>(&self, use_it: impl FnOnce(&Snapshot<'_>) -> T) -> T {
        let bytes = self.memory.as_ref().map_or(&[][..], Memory::bytes);
        let arrays: Vec<Array<'_>> = self
            .arrays
            .iter()
            .map(|Meta { name, dtype, shape, start, end }| Array {
                name: Cow::Borrowed(name),
                dtype: *dtype,
                shape: shape.clone(),
                bytes: Cow::Borrowed(&bytes[*start..*end]),
            })
            .collect();
        let labels: Vec<(&str, &str)> =
            self.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        use_it(&Snapshot {
            step: self.step,
            epoch: self.epoch,
            score: self.score,
            elapsed: self.elapsed,
            arrays: &arrays,
            sections: &self.sections,
            labels: &labels,
        })
    }
}
