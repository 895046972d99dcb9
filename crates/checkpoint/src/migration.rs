//! Files of older schemas, rewritten.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::array::Array;
use crate::checkpoint::Checkpoint;
use crate::error::Error;
use crate::facts::Facts;
use crate::filesystem::Disk;
use crate::layout::Layout;
use crate::section::{Schema, Section};
use crate::snapshot::Snapshot;

/// Brings the sections of files to their newest schemas, so that programs that only know these read them.
///
/// Programs that read with [`Checkpoint::migrate`] do not need it; with it, code for old types can be deleted. Everything else of
/// a file stays: arrays, facts, and sections that the migration does not know.
///
/// ```
/// use highwater_checkpoint::{Checkpoint, Migration, NoPrevious, Schema, Section, Snapshot, write};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct RateV1(f32);
/// #[derive(Serialize, Deserialize)]
/// struct RateV2 { rate: f64 }
///
/// impl Schema for RateV1 {
///     const NUMBER: u32 = 1;
///     type Previous = NoPrevious;
///     fn upgrade(previous: NoPrevious) -> Self { match previous {} }
/// }
/// impl Schema for RateV2 {
///     const NUMBER: u32 = 2;
///     type Previous = RateV1;
///     fn upgrade(previous: RateV1) -> Self { RateV2 { rate: previous.0.into() } }
/// }
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("file.safetensors");
/// let sections = &[Section::required("rate", 1, &RateV1(0.5))?];
/// write(&path, &Snapshot { step: 3, sections, ..Snapshot::default() })?;
///
/// let migration = Migration::new().section::<RateV2>("rate");
/// let upgraded = migration.apply(&path)?;
/// assert_eq!((upgraded[0].name.as_str(), upgraded[0].from, upgraded[0].to), ("rate", 1, 2));
/// assert_eq!(Checkpoint::open(&path)?.section::<RateV2>("rate", 2)?.rate, 0.5);
/// assert!(migration.apply(&path)?.is_empty(), "it is done");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Migration {
    sections: Vec<(String, Upgrade)>,
}

type Upgrade = fn(&Checkpoint, &Section) -> Result<Option<Section>, Error>;

/// A section that is not of the newest schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgraded {
    /// Its name, without `state.`.
    pub name: String,
    /// The schema in the file.
    pub from: u32,
    /// The newest schema.
    pub to: u32,
}

impl Migration {
    /// Knows no section yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows the section of this name, whose newest type is `T`.
    pub fn section<T: Schema + Serialize>(mut self, name: &str) -> Self {
        self.sections.push((name.to_owned(), upgrade::<T>));
        self
    }

    /// What [`Migration::apply`] would do.
    ///
    /// # Errors
    /// [`Error::Schema`] if a section is newer than its type, [`Error::Section`] if its bytes do not decode,
    /// [`Error::UnknownSection`] if a section is required and not known here.
    pub fn plan(&self, checkpoint: &Checkpoint) -> Result<Vec<Upgraded>, Error> {
        self.sections_of(checkpoint).map(|(_, upgraded)| upgraded)
    }

    /// Verifies a file and rewrites it, all or nothing and durable, if it holds anything of an older schema. Returns what
    /// was upgraded; nothing if the file is as it was.
    ///
    /// # Errors
    /// As [`Migration::plan`], [`Checkpoint::open`] and [`write()`](crate::write()).
    pub fn apply(&self, path: impl AsRef<Path>) -> Result<Vec<Upgraded>, Error> {
        let path = path.as_ref();
        let checkpoint = Checkpoint::open(path)?;
        let (sections, upgraded) = self.sections_of(&checkpoint)?;
        if upgraded.is_empty() {
            return Ok(upgraded);
        }
        let names: Vec<&str> = checkpoint.arrays().map(|info| info.name()).collect();
        let arrays: Vec<Array<'_>> = names
            .into_iter()
            .map(|name| Ok(checkpoint.array(name)?.to_array()))
            .collect::<Result<_, Error>>()?;
        let Facts { step, epoch, score, elapsed, parent, labels, .. } = checkpoint.facts();
        let labels: Vec<(&str, &str)> = labels.iter().map(|(key, value)| (&key[..], &value[..])).collect();
        let snapshot = Snapshot {
            step: *step,
            epoch: *epoch,
            score: *score,
            elapsed: *elapsed,
            arrays: &arrays,
            sections: &sections,
            labels: &labels,
        };
        Layout::new(&snapshot, parent.as_deref())?.save(&Disk, path)?;
        Ok(upgraded)
    }

    /// All sections as they are to be, and those that are not yet.
    fn sections_of(&self, checkpoint: &Checkpoint) -> Result<(Vec<Section>, Vec<Upgraded>), Error> {
        let known: Vec<&str> = self.sections.iter().map(|(name, _)| name.as_str()).collect();
        let (mut sections, mut upgraded) = (checkpoint.unknown_sections(&known)?, Vec::new());
        for (name, upgrade) in &self.sections {
            if !checkpoint.sections().any(|section| section == name) {
                continue;
            }
            let old = checkpoint.raw_section(name)?;
            let new = upgrade(checkpoint, &old)?;
            if let Some(new) = &new {
                upgraded.push(Upgraded { name: name.clone(), from: old.schema(), to: new.schema() });
            }
            sections.push(new.unwrap_or(old));
        }
        Ok((sections, upgraded))
    }
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sections.iter().map(|(name, _)| name)).finish()
    }
}

/// The section at the newest schema, if it is not there yet.
fn upgrade<T: Schema + Serialize>(checkpoint: &Checkpoint, old: &Section) -> Result<Option<Section>, Error> {
    let value: T = checkpoint.migrate(old.name())?;
    match (old.schema() == T::NUMBER, old.is_required()) {
        (true, _) => Ok(None),
        (false, true) => Section::required(old.name(), T::NUMBER, &value).map(Some),
        (false, false) => Section::optional(old.name(), T::NUMBER, &value).map(Some),
    }
}
