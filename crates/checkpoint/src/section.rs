//! Serde values inside a checkpoint, each with the number of its schema.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec;
use crate::error::Error;

/// Sections are tensors of this prefix.
pub(crate) const PREFIX: &str = "state.";
/// Schema (`u32`) and flags (`u32`) before the value.
const HEAD: usize = 8;
const REQUIRED: u32 = 1;

/// An encoded value on its way into a checkpoint, or one that came out of it undecoded.
///
/// What the value's type may not contain, because bincode would lose it or a hostile file could use it: serde's `flatten`,
/// `skip`, `skip_serializing_if`, `tag` and `untagged`, and types that are like these, such as `serde_json::Value`; recursive
/// types; collections of zero-sized elements. Not all of these are refused when they are written: read one back before you
/// rely on it. Maps should be `BTreeMap`, for equal bytes, and sizes `u64`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    name: String,
    /// Head and value, as in the file. Shared: a section that stays as it is goes into many snapshots.
    bytes: Arc<[u8]>,
}

impl Section {
    /// A value that a reader must understand to use the checkpoint at all. Programs that do not know it refuse.
    ///
    /// # Errors
    /// [`Error::Unstorable`] if the value is of a type that cannot be written, or too long.
    pub fn required<T: Serialize>(name: &str, schema: u32, value: &T) -> Result<Self, Error> {
        Self::encode(name, schema, REQUIRED, value)
    }

    /// A value that a reader may ignore. Programs that do not know it keep it and write it back.
    ///
    /// # Errors
    /// As [`Section::required`].
    pub fn optional<T: Serialize>(name: &str, schema: u32, value: &T) -> Result<Self, Error> {
        Self::encode(name, schema, 0, value)
    }

    fn encode<T: Serialize>(name: &str, schema: u32, flags: u32, value: &T) -> Result<Self, Error> {
        let mut bytes = [schema.to_le_bytes(), flags.to_le_bytes()].concat();
        codec::encode(value, &mut bytes)
            .map_err(|reason| Error::Unstorable { name: format!("{PREFIX}{name}"), reason })?;
        Ok(Self { name: name.to_owned(), bytes: bytes.into() })
    }

    /// The name, without `state.`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of the schema.
    pub fn schema(&self) -> u32 {
        SectionView { bytes: &self.bytes }.schema()
    }

    /// Whether a reader must understand it.
    pub fn is_required(&self) -> bool {
        SectionView { bytes: &self.bytes }.is_required()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The bytes of a section in a file, its head checked.
#[derive(Clone, Copy)]
pub(crate) struct SectionView<'a> {
    bytes: &'a [u8],
}

impl<'a> SectionView<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, String> {
        if bytes.len() < HEAD {
            return Err(format!("{} bytes, at least {HEAD} expected", bytes.len()));
        }
        let view = Self { bytes };
        match view.flags() & !REQUIRED {
            0 => Ok(view),
            unknown => Err(format!("unknown flags {unknown:#x}")),
        }
    }

    pub(crate) fn schema(&self) -> u32 {
        u32::from_le_bytes([self.bytes[0], self.bytes[1], self.bytes[2], self.bytes[3]])
    }

    fn flags(&self) -> u32 {
        u32::from_le_bytes([self.bytes[4], self.bytes[5], self.bytes[6], self.bytes[7]])
    }

    pub(crate) fn is_required(&self) -> bool {
        self.flags() & REQUIRED != 0
    }

    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, String> {
        codec::decode(&self.bytes[HEAD..])
    }

    pub(crate) fn to_section(self, name: &str) -> Section {
        Section { name: name.to_owned(), bytes: self.bytes.into() }
    }
}

/// A type of a section at one schema number, and how the one before it becomes it.
///
/// A type that was released never changes. The next schema is a new type; together they form a chain that
/// [`Checkpoint::migrate`](crate::Checkpoint::migrate) climbs from whatever the file holds.
///
/// ```
/// use highwater_checkpoint::{NoPrevious, Schema};
///
/// #[derive(serde::Deserialize)]
/// struct ScheduleV1 { rate: f32 }
/// #[derive(serde::Deserialize)]
/// struct ScheduleV2 { rate: f64, warmup: u64 }
///
/// impl Schema for ScheduleV1 {
///     const NUMBER: u32 = 1;
///     type Previous = NoPrevious;
///     fn upgrade(previous: NoPrevious) -> Self { match previous {} }
/// }
/// impl Schema for ScheduleV2 {
///     const NUMBER: u32 = 2;
///     type Previous = ScheduleV1;
///     fn upgrade(previous: ScheduleV1) -> Self { ScheduleV2 { rate: previous.rate.into(), warmup: 0 } }
/// }
/// ```
pub trait Schema: DeserializeOwned {
    /// The number of this schema.
    const NUMBER: u32;
    /// The schema before this one, or [`NoPrevious`].
    type Previous: Schema;
    /// Converts a value of the schema before.
    fn upgrade(previous: Self::Previous) -> Self;
}

/// What comes before the first schema: nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPrevious {}

impl<'de> serde::Deserialize<'de> for NoPrevious {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("there is no schema before the first"))
    }
}

impl Schema for NoPrevious {
    const NUMBER: u32 = 0;
    type Previous = NoPrevious;

    fn upgrade(previous: NoPrevious) -> Self {
        previous
    }
}

/// Decodes with the type of the schema found, and climbs from there. `None` if no type of the chain has this number.
pub(crate) fn climb<T: Schema>(section: SectionView<'_>) -> Option<Result<T, String>> {
    if T::NUMBER == NoPrevious::NUMBER {
        None
    } else if section.schema() == T::NUMBER {
        Some(section.decode())
    } else {
        climb::<T::Previous>(section).map(|previous| previous.map(T::upgrade))
    }
}
