//! A snapshot that owns its bytes, in memory that is used again.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::array::{Array, Dtype};
use crate::error::{Context, Error};
use crate::layout;
use crate::memory::{self, Memory};
use crate::section::Section;
use crate::snapshot::Snapshot;
use crate::workers;

/// Behind a pointer: it goes from thread to thread, and what moves costs a miss of the cache on either side.
#[derive(Default)]
pub(crate) struct Staged(Box<Contents>);

#[derive(Default)]
struct Contents {
    step: u64,
    epoch: u64,
    score: Option<f64>,
    elapsed: Option<Duration>,
    table: Arc<Table>,
    memory: Option<Memory>,
    sections: Vec<Section>,
    labels: Vec<(String, String)>,
}

/// Arrays that can be stored: all about them but their numbers.
#[derive(Default)]
pub(crate) struct Table(Vec<Meta>);

/// An array, its bytes somewhere in the memory.
struct Meta {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    start: usize,
    end: usize,
}

impl Table {
    /// Of the arrays of a snapshot.
    ///
    /// # Errors
    /// If the snapshot cannot be stored.
    pub(crate) fn of(snapshot: &Snapshot<'_>) -> Result<Table, Error> {
        let Snapshot { arrays, sections, labels, .. } = *snapshot;
        layout::check(arrays, sections, labels)?;
        let mut end = 0;
        let place = |array: &Array<'_>| {
            let start = end;
            end += array.bytes.len();
            Meta { name: array.name.to_string(), dtype: array.dtype, shape: array.shape.clone(), start, end }
        };
        Ok(Table(arrays.iter().map(place).collect()))
    }

    /// Whether it is that of these arrays: then they can be stored.
    pub(crate) fn fits(&self, arrays: &[Array<'_>]) -> bool {
        self.0.len() == arrays.len()
            && self.0.iter().zip(arrays).all(|(meta, array)| {
                meta.name == array.name
                    && meta.dtype == array.dtype
                    && meta.shape == array.shape
                    && meta.end - meta.start == array.bytes.len()
            })
    }

    /// Bytes of all of them.
    fn len(&self) -> usize {
        self.0.last().map_or(0, |last| last.end)
    }
}

impl Staged {
    /// Copies everything; `table` is that of the snapshot. Allocates nothing for the arrays if they need as many bytes as
    /// the last time.
    pub(crate) fn copy(&mut self, snapshot: &Snapshot<'_>, table: &Arc<Table>) -> Result<(), Error> {
        let Snapshot { step, epoch, score, elapsed, arrays, sections, labels } = *snapshot;
        let own = &mut *self.0;
        (own.step, own.epoch, own.score, own.elapsed) = (step, epoch, score, elapsed);
        // Its count is in the cache of another processor.
        if !Arc::ptr_eq(&own.table, table) {
            own.table = Arc::clone(table);
        }
        own.sections = sections.to_vec();
        own.labels = labels.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();

        let is_new = own.memory.as_ref().is_none_or(|memory| memory.bytes().len() != table.len());
        if is_new {
            // The old memory goes first.
            own.memory = None;
            let memory = Memory::zeroed(table.len() as u64);
            own.memory = Some(memory.context("make room in memory for", Path::new("a snapshot"))?);
        }
        let rest = own.memory.as_mut().map_or(&mut [][..], Memory::bytes_mut);
        copy_all(rest, arrays, is_new);
        Ok(())
    }

    /// The snapshot again.
    pub(crate) fn with<T>(&self, use_it: impl FnOnce(&Snapshot<'_>) -> T) -> T {
        let own = &*self.0;
        let bytes = own.memory.as_ref().map_or(&[][..], Memory::bytes);
        let arrays: Vec<Array<'_>> = own
            .table
            .0
            .iter()
            .map(|Meta { name, dtype, shape, start, end }| Array {
                name: Cow::Borrowed(name),
                dtype: *dtype,
                shape: shape.clone(),
                bytes: Cow::Borrowed(&bytes[*start..*end]),
            })
            .collect();
        let labels: Vec<(&str, &str)> =
            own.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        use_it(&Snapshot {
            step: own.step,
            epoch: own.epoch,
            score: own.score,
            elapsed: own.elapsed,
            arrays: &arrays,
            sections: &own.sections,
            labels: &labels,
        })
    }
}

/// What a thread copies at a time.
const PIECE: usize = 1 << 20;
/// Below so many bytes a thread costs more than it brings.
const WORTH_A_THREAD: u64 = 8 << 20;
/// More of them wait for the memory.
const MAX_THREADS: usize = 4;

/// Copies arrays, one after the other, to where there is room for all of them.
fn copy_all(mut room: &mut [u8], arrays: &[Array<'_>], is_new: bool) {
    let threads = workers::threads(room.len() as u64, WORTH_A_THREAD, MAX_THREADS);
    let pieces = arrays.iter().flat_map(|array| {
        let (own, rest) = std::mem::take(&mut room).split_at_mut(array.bytes.len());
        room = rest;
        own.chunks_mut(PIECE).zip(array.bytes.chunks(PIECE))
    });
    let copy = |(to, from): (&mut [u8], &[u8])| {
        if is_new && to.len() == PIECE {
            memory::provide(to);
        }
        to.copy_from_slice(from);
    };
    match threads {
        1 => pieces.for_each(copy),
        _ => _ = workers::share(threads, pieces.collect(), |pieces| pieces.for_each(copy)),
    }
}
