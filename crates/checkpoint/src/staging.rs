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

/// Arrays that can be stored: all about them but their numbers.
#[derive(Default)]
pub(crate) struct Table {
    /// Name, type, shape, and place in the memory of each.
    arrays: Vec<(String, Dtype, Vec<usize>, Range<usize>)>,
    /// Bytes of all of them.
    len: usize,
    /// The [`words`] of all of them, together: they are read once in many steps, when they are in no cache.
    words: Vec<u64>,
}

impl Table {
    /// Of the arrays of a snapshot.
    ///
    /// # Errors
    /// If the snapshot cannot be stored.
    #[cold]
    pub(crate) fn of(snapshot: &Snapshot<'_>) -> Result<Table, Error> {
        let Snapshot { arrays, sections, labels, .. } = *snapshot;
        layout::check(arrays, sections, labels)?;
        let mut table = Table::default();
        for array in arrays {
            let Array { name, dtype, shape, bytes } = array;
            let place = table.len..table.len + bytes.len();
            table.len = place.end;
            table.arrays.push((name.to_string(), *dtype, shape.clone(), place));
            table.words.extend(words(array));
        }
        Ok(table)
    }

    /// Whether it is that of these arrays: then they can be stored.
    pub(crate) fn fits(&self, arrays: &[Array<'_>]) -> bool {
        let mut own = self.words.iter();
        arrays.iter().all(|array| words(array).all(|word| own.next() == Some(&word))) && own.len() == 0
    }
}

/// All about an array but its numbers, in as many words as the first two say: no other arrays have the same ones.
fn words(array: &Array<'_>) -> impl Iterator<Item = u64> {
    let pack = |bytes: &[u8]| bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
    let Array { name, dtype, shape, bytes } = array;
    let numbers = [name.len(), shape.len(), bytes.len()].into_iter().chain(shape.iter().copied());
    let texts = std::iter::once(dtype.name().as_bytes()).chain(name.as_bytes().chunks(8));
    numbers.map(|number| number as u64).chain(texts.map(pack))
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
        if !(sections.is_empty() && labels.is_empty() && own.sections.is_empty() && own.labels.is_empty()) {
            own.copy_rest(sections, labels);
        }
        let is_new = own.memory.as_ref().is_none_or(|memory| memory.bytes().len() != table.len);
        if is_new {
            own.make_room(table.len)?;
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
            .arrays
            .iter()
            .map(|(name, dtype, shape, place)| Array {
                name: Cow::Borrowed(name),
                dtype: *dtype,
                shape: shape.clone(),
                bytes: Cow::Borrowed(&bytes[place.clone()]),
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

impl Contents {
    #[cold]
    fn copy_rest(&mut self, sections: &[Section], labels: &[(&str, &str)]) {
        self.sections = sections.to_vec();
        self.labels = labels.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    }

    /// Other memory, of so many bytes.
    #[cold]
    fn make_room(&mut self, len: usize) -> Result<(), Error> {
        // The old memory goes first.
        self.memory = None;
        let memory = Memory::zeroed(len as u64);
        self.memory = Some(memory.context("make room in memory for", Path::new("a snapshot"))?);
        Ok(())
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
    if room.len() as u64 >= WORTH_A_THREAD {
        return copy_in_pieces(room, arrays, is_new);
    }
    for array in arrays {
        let (own, rest) = room.split_at_mut(array.bytes.len());
        own.copy_from_slice(&array.bytes);
        room = rest;
    }
}

#[cold]
fn copy_in_pieces(mut room: &mut [u8], arrays: &[Array<'_>], is_new: bool) {
    let threads = workers::threads(room.len() as u64, WORTH_A_THREAD, MAX_THREADS);
    let pieces = arrays.iter().flat_map(|array| {
        let (own, rest) = std::mem::take(&mut room).split_at_mut(array.bytes.len());
        room = rest;
        own.chunks_mut(PIECE).zip(array.bytes.chunks(PIECE))
    });
    workers::share(threads, pieces.collect(), |pieces| {
        for (to, from) in pieces {
            if is_new && to.len() == PIECE {
                memory::provide(to);
            }
            to.copy_from_slice(from);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_the_arrays_it_is_of_and_no_others() {
        let (a, b) = ([1.0_f32; 6], [2.0_f64; 3]);
        let arrays = [Array::f32("layer.weight", &[2, 3], &a), Array::f64("bias", &[3], &b)];
        let table = Table::of(&Snapshot { arrays: &arrays, ..Snapshot::default() }).unwrap();
        assert!(table.fits(&arrays));
        assert!(table.fits(&[Array::f32("layer.weight", &[2, 3], &[0.0; 6]), arrays[1].clone()]));
        let others = [
            Array::f32("layer.weighs", &[2, 3], &a),
            Array::f32("layer.weigh", &[2, 3], &a),
            Array::f32("\0layer.weight", &[2, 3], &a),
            Array::f32("layer.weight", &[3, 2], &a),
            Array::f32("layer.weight", &[6], &a),
            Array::f32("layer.weight", &[2, 2], &a[..4]),
            Array::u32("layer.weight", &[2, 3], &[1; 6]),
        ];
        for other in others {
            assert!(!table.fits(&[other.clone(), arrays[1].clone()]), "{other:?}");
        }
        assert!(
            !table.fits(&arrays[..1])
                && !table.fits(&[])
                && !table.fits(&[&arrays[..], &arrays[1..]].concat())
        );
    }
}
