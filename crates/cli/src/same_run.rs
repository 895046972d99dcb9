//! Whether a run goes on with what it began with: other rows would take the place of those that it was stopped and judged
//! by, and nobody would see it in the history.

use crate::args::SplitName;
use crate::config::RunConfig;
use crate::saved::configuration;
use crate::source::{Datasets, Source};
use anyhow::{Result, bail};
use highwater_checkpoint::{Checkpoint, NoPrevious, Schema, Section};
use highwater_data::{Dataset, Targets};
use highwater_trainer::Fingerprint;
use serde::{Deserialize, Serialize};
use std::hash::Hasher;
use toml::Value;
use twox_hash::XxHash3_64;

pub(crate) const ROWS: &str = "rows";

/// The rows of a run, each part as it is computed with. It is saved with every checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rows {
    train: Part,
    validation: Part,
    test: Part,
}

/// The rows of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    rows: u64,
    /// XXH3-64 of the inputs, row by row, then of the targets, as little-endian numbers.
    hash: u64,
}

impl Schema for Rows {
    const NUMBER: u32 = 1;
    type Previous = NoPrevious;

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

impl Rows {
    pub(crate) fn of(data: &Datasets) -> Rows {
        let Datasets { train, validation, test } = data;
        Rows { train: Part::of(train), validation: Part::of(validation), test: Part::of(test) }
    }

    pub(crate) fn section(&self) -> Result<Section> {
        Ok(Section::optional(ROWS, Rows::NUMBER, self)?)
    }

    /// Those of a checkpoint, if it is not of a version that did not save them.
    fn saved(checkpoint: &Checkpoint) -> Option<Rows> {
        checkpoint.migrate(ROWS).ok()
    }

    fn part(&self, name: SplitName) -> Part {
        match name {
            SplitName::Train => self.train,
            SplitName::Validation => self.validation,
            SplitName::Test => self.test,
        }
    }
}

impl Part {
    fn of(data: &Dataset) -> Part {
        let mut hash = XxHash3_64::new();
        let features = data.features();
        take_in(&mut hash, features.as_slice().unwrap_or_default(), |number| number.to_le_bytes());
        match data.targets() {
            Targets::Classes(classes) => take_in(&mut hash, classes, |class| class.to_le_bytes()),
            Targets::Values(values) => {
                take_in(&mut hash, values.as_slice().unwrap_or_default(), |number| number.to_le_bytes());
            }
        }
        Part { rows: data.rows() as u64, hash: hash.finish() }
    }
}

/// Some thousand numbers at a time, as those of a table on disk must not come into memory all at once.
fn take_in<T: Copy>(hash: &mut XxHash3_64, numbers: &[T], bytes: impl Fn(T) -> [u8; 4]) {
    let mut buffer = [[0; 4]; 4096];
    for piece in numbers.chunks(buffer.len()) {
        buffer.iter_mut().zip(piece).for_each(|(to, number)| *to = bytes(*number));
        hash.write(buffer[..piece.len()].as_flattened());
    }
}

/// An error if these are not the rows of the part, of which a checkpoint of the run tells.
pub(crate) fn check_part(
    checkpoint: &Checkpoint,
    source: &Source,
    name: SplitName,
    data: &Dataset,
) -> Result<()> {
    match Rows::saved(checkpoint) {
        Some(saved) => must_be_same(checkpoint, source, name, saved.part(name), Part::of(data)),
        None => Ok(()),
    }
}

/// An error if these are not the rows of the run that a checkpoint is of.
pub(crate) fn check_rows(checkpoint: &Checkpoint, source: &Source, rows: &Rows) -> Result<()> {
    let Some(saved) = Rows::saved(checkpoint) else { return Ok(()) };
    for name in [SplitName::Train, SplitName::Validation, SplitName::Test] {
        must_be_same(checkpoint, source, name, saved.part(name), rows.part(name))?;
    }
    Ok(())
}

fn must_be_same(
    checkpoint: &Checkpoint,
    source: &Source,
    name: SplitName,
    there: Part,
    here: Part,
) -> Result<()> {
    // Another machine may have prepared them a little differently.
    let elsewhere = || {
        let computed_by = checkpoint.migrate::<Fingerprint>("fingerprint");
        computed_by.is_ok_and(|by| !by.differences(&Fingerprint::here()).is_empty())
    };
    if there == here || there.rows == here.rows && elsewhere() {
        return Ok(());
    }
    let how = match there.rows == here.rows {
        true => "as many, but with other values or in another order".to_owned(),
        false => format!("{} rows then, {} now", there.rows, here.rows),
    };
    let part = if name == SplitName::Train { "training" } else { name.name() };
    bail!(
        "{}: the {part} rows are not those of the run ({how}): put the file back as it was, or train anew",
        source.part(name).0.source()
    )
}

/// An error if the run would go on from the checkpoint with other rows, would count its epochs otherwise, or measure its losses.
pub(crate) fn check(checkpoint: &Checkpoint, config: &RunConfig, source: &Source, rows: &Rows) -> Result<()> {
    let saved = configuration(checkpoint)?.filter(|_| checkpoint.facts().step > 0);
    let there = |section: &str, name: &str| saved.as_ref()?.get(section)?.get(name).cloned();
    let here = config.training.batch_size;
    if let Some(there) = there("training", "batch_size").and_then(|there| there.as_integer())
        && i64::try_from(here) != Ok(there)
    {
        bail!(
            "config.toml has batch_size = {here}, and the run was trained with {there}, by which its epochs are counted: set \
             it back, or train anew with --batch-size {here}"
        );
    }
    let here = Value::try_from(config.data.class_weights)?;
    if let Some(there) = there("data", "class_weights").filter(|there| *there != here) {
        bail!(
            "config.toml has class_weights = {here}, and the run was trained with {there}, by which its losses are measured: \
             set it back, or train anew"
        );
    }
    check_rows(checkpoint, source, rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn every_number_and_its_place_is_in_the_hash() {
        let features = || Array2::from_shape_fn((3000, 2), |(row, column)| (2 * row + column) as f32);
        let classes = || (0..3000).collect::<Vec<u32>>();
        let part = |features, targets| Part::of(&Dataset::new(features, targets));
        let base = part(features(), Targets::Classes(classes()));
        assert_eq!(base, part(features(), Targets::Classes(classes())));
        let mut other = features();
        other[[2999, 1]] += 1.0;
        assert_ne!(base, part(other, Targets::Classes(classes())));
        let mut rotated = classes();
        rotated.rotate_left(1);
        assert_ne!(base, part(features(), Targets::Classes(rotated)));
        let [one, other] = [array![[1.0], [2.0]], array![[2.0], [1.0]]]
            .map(|targets| part(array![[0.0], [0.0]], Targets::Values(targets)));
        assert_ne!(one, other);
    }
}
