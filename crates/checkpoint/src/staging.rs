//! A snapshot that owns its bytes, in memory that is used again.

use std::borrow::Cow;
use std::ops::Range;
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

/// Arrays that can be stored: all about them but their numbers. It is read once in many steps, when it is in no cache: the
/// names lie together, and so do the sizes.
#[derive(Default)]
pub(crate) struct Table {
    arrays: Vec<Meta>,
    names: String,
    sizes: Vec<usize>,
}

/// An array: where its name ends, the sizes of its dimensions, and its bytes in the memory. Each begins where that before
/// ends.
struct Meta {
    dtype: Dtype,
    name: usize,
    shape: usize,
    bytes: usize,
}

impl Table {
    /// Of the arrays of a snapshot.
    ///
    /// # Errors
    /// If the snapshot cannot be stored.
    pub(crate) fn of(snapshot: &Snapshot<'_>) -> Result<Table, Error> {
        let Snapshot { arrays, sections, labels, .. } = *snapshot;
        layout::check(arrays, sections, labels)?;
        let mut table = Table::default();
        for Array { name, dtype, shape, bytes } in arrays {
            table.names += name;
            table.sizes.extend(shape);
            let (name, shape, bytes) = (table.names.len(), table.sizes.len(), table.len() + bytes.len());
            table.arrays.push(Meta { dtype: *dtype, name, shape, bytes });
        }
        Ok(table)
    }

    /// Whether it is that of these arrays: then they can be stored.
    pub(crate) fn fits(&self, arrays: &[Array<'_>]) -> bool {
        self.arrays.len() == arrays.len()
            && self.iter().zip(arrays).all(|((name, dtype, shape, bytes), array)| {
                name == array.name
                    && dtype == array.dtype
                    && shape == array.shape
                    && bytes.len() == array.bytes.len()
            })
    }

    /// Name, type, shape and place of each.
    fn iter(&self) -> impl Iterator<Item = (&str, Dtype, &[usize], Range<usize>)> {
        let mut from = [0; 3];
        self.arrays.iter().map(move |&Meta { dtype, name, shape, bytes }| {
            let [n, s, b] = std::mem::replace(&mut from, [name, shape, bytes]);
            (&self.names[n..name], dtype, &self.sizes[s..shape], b..bytes)
        })
    }

    /// Bytes of all of them.
    fn len(&self) -> usize {
        self.arrays.last().map_or(0, |last| last.bytes)
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
            .iter()
            .map(|(name, dtype, shape, range)| Array {
                name: Cow::Borrowed(name),
                dtype,
                shape: shape.to_vec(),
                bytes: Cow::Borrowed(&bytes[range]),
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
