//! Named arrays of numbers: what goes into a checkpoint and what comes out.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use crate::cast::{self, Number};
use crate::error::Error;
use crate::half;

/// The element type of an array, named as in safetensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Dtype {
    /// Bytes.
    U8,
    /// `u32`.
    U32,
    /// `f32`.
    F32,
    /// `i64`.
    I64,
    /// `f64`.
    F64,
    /// Half precision; in files of other programs only.
    F16,
    /// The upper half of an `f32`; in files of other programs only.
    BF16,
    /// Any other that safetensors has; in files of other programs only.
    Other(Other),
}

/// The name and the bits of an element type of safetensors that nothing here computes with, as those of masks, counters and
/// quantised numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Other(&'static str, usize);

const OTHERS: [Other; 13] = [
    Other("BOOL", 8),
    Other("I8", 8),
    Other("I16", 16),
    Other("U16", 16),
    Other("I32", 32),
    Other("U64", 64),
    Other("C64", 64),
    Other("F8_E4M3", 8),
    Other("F8_E5M2", 8),
    Other("F8_E8M0", 8),
    Other("F6_E2M3", 6),
    Other("F6_E3M2", 6),
    Other("F4", 4),
];

impl Dtype {
    const READ: [Dtype; 7] =
        [Dtype::U8, Dtype::U32, Dtype::F32, Dtype::I64, Dtype::F64, Dtype::F16, Dtype::BF16];

    /// The one of this name in safetensors.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let other = || OTHERS.into_iter().find(|other| other.0 == name).map(Dtype::Other);
        Dtype::READ.into_iter().find(|dtype| dtype.name() == name).or_else(other)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Dtype::U8 => "U8",
            Dtype::U32 => "U32",
            Dtype::F32 => "F32",
            Dtype::I64 => "I64",
            Dtype::F64 => "F64",
            Dtype::F16 => "F16",
            Dtype::BF16 => "BF16",
            Dtype::Other(other) => other.0,
        }
    }

    pub(crate) const fn bits(self) -> usize {
        match self {
            Dtype::U8 => 8,
            Dtype::F16 | Dtype::BF16 => 16,
            Dtype::U32 | Dtype::F32 => 32,
            Dtype::I64 | Dtype::F64 => 64,
            Dtype::Other(other) => other.1,
        }
    }

    /// Bytes of one element, rounded up.
    pub const fn size(self) -> usize {
        self.bits().div_ceil(8)
    }

    /// Whether a checkpoint may hold such arrays.
    pub(crate) const fn is_stored(self) -> bool {
        matches!(self, Dtype::U8 | Dtype::U32 | Dtype::F32 | Dtype::I64 | Dtype::F64)
    }

    /// Whether its elements are floating-point numbers that [`ArrayView::to_f32`] takes.
    pub const fn is_float(self) -> bool {
        matches!(self, Dtype::F32 | Dtype::F64 | Dtype::F16 | Dtype::BF16)
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A named array on its way into a checkpoint. Borrows the numbers; row-major.
///
/// The shape is held against the number of elements when the snapshot is saved.
#[derive(Clone, Debug)]
pub struct Array<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Cow<'a, [u8]>,
}

impl<'a> Array<'a> {
    /// An array of `f32`.
    pub fn f32(name: impl Into<Cow<'a, str>>, shape: &[usize], values: &'a [f32]) -> Self {
        Self::of(name.into(), Dtype::F32, shape, values)
    }

    /// An array of `f64`.
    pub fn f64(name: impl Into<Cow<'a, str>>, shape: &[usize], values: &'a [f64]) -> Self {
        Self::of(name.into(), Dtype::F64, shape, values)
    }

    /// An array of `i64`.
    pub fn i64(name: impl Into<Cow<'a, str>>, shape: &[usize], values: &'a [i64]) -> Self {
        Self::of(name.into(), Dtype::I64, shape, values)
    }

    /// An array of `u32`.
    pub fn u32(name: impl Into<Cow<'a, str>>, shape: &[usize], values: &'a [u32]) -> Self {
        Self::of(name.into(), Dtype::U32, shape, values)
    }

    /// An array of bytes.
    pub fn u8(name: impl Into<Cow<'a, str>>, shape: &[usize], values: &'a [u8]) -> Self {
        Self::of(name.into(), Dtype::U8, shape, values)
    }

    fn of<T: Number>(name: Cow<'a, str>, dtype: Dtype, shape: &[usize], values: &'a [T]) -> Self {
        let bytes = if cfg!(target_endian = "little") {
            Cow::Borrowed(cast::bytes_of(values))
        } else {
            let swapped: Vec<T> = values.iter().map(|v| v.swapped()).collect();
            Cow::Owned(cast::bytes_of(&swapped).to_vec())
        };
        Self { name, dtype, shape: shape.to_vec(), bytes }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The element type.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The size of each dimension.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements as little-endian bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
impl Array<'_> {
    /// As if it had been read.
    pub(crate) fn view(&self) -> ArrayView<'_> {
        let Array { name, dtype, shape, bytes, .. } = self;
        ArrayView { path: Path::new("file"), name, dtype: *dtype, shape, bytes }
    }
}

/// A named array of a checkpoint that was read. Row-major.
#[derive(Clone, Copy, Debug)]
pub struct ArrayView<'a> {
    /// The file it is from, for messages.
    pub(crate) path: &'a Path,
    pub(crate) name: &'a str,
    pub(crate) dtype: Dtype,
    pub(crate) shape: &'a [usize],
    pub(crate) bytes: &'a [u8],
}

impl<'a> ArrayView<'a> {
    /// The name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The element type.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The size of each dimension; empty for a scalar.
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// This array, if it has this shape: before its elements go where so many are expected.
    ///
    /// # Errors
    /// [`Error::Shape`] if it has another.
    pub fn of_shape(self, shape: &[usize]) -> Result<Self, Error> {
        if self.shape == shape {
            return Ok(self);
        }
        Err(Error::Shape {
            path: self.path.to_owned(),
            name: self.name.to_owned(),
            expected: shape.to_vec(),
            found: self.shape.to_vec(),
        })
    }

    /// The elements as little-endian bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The elements, if they are `f32`: borrowed from the bytes of the file, or copied where these are not aligned, as in some
    /// files of other programs, or the machine is big-endian.
    ///
    /// # Errors
    /// [`Error::ElementType`] if they are of another type.
    pub fn as_f32(&self) -> Result<Cow<'a, [f32]>, Error> {
        self.typed(Dtype::F32)
    }

    /// The elements, if they are `f64`.
    ///
    /// # Errors
    /// [`Error::ElementType`] if they are of another type.
    pub fn as_f64(&self) -> Result<Cow<'a, [f64]>, Error> {
        self.typed(Dtype::F64)
    }

    /// The elements, if they are `i64`.
    ///
    /// # Errors
    /// [`Error::ElementType`] if they are of another type.
    pub fn as_i64(&self) -> Result<Cow<'a, [i64]>, Error> {
        self.typed(Dtype::I64)
    }

    /// The elements, if they are `u32`.
    ///
    /// # Errors
    /// [`Error::ElementType`] if they are of another type.
    pub fn as_u32(&self) -> Result<Cow<'a, [u32]>, Error> {
        self.typed(Dtype::U32)
    }

    /// The elements, if they are `u8`.
    ///
    /// # Errors
    /// [`Error::ElementType`] if they are of another type.
    pub fn as_u8(&self) -> Result<&'a [u8], Error> {
        self.expect(Dtype::U8)?;
        Ok(self.bytes)
    }

    /// The elements as `f32`, if they are floating-point numbers: those of half precision exactly, those of double precision
    /// rounded.
    pub fn to_f32(&self) -> Option<Vec<f32>> {
        let halves = |value: fn(u16) -> f32| {
            self.bytes.as_chunks().0.iter().map(|b| value(u16::from_le_bytes(*b))).collect()
        };
        match self.dtype {
            Dtype::F32 => self.as_f32().ok().map(Cow::into_owned),
            Dtype::F64 => self.as_f64().ok().map(|values| values.iter().map(|&value| value as f32).collect()),
            Dtype::F16 => Some(halves(half::f16)),
            Dtype::BF16 => Some(halves(half::bf16)),
            Dtype::U8 | Dtype::U32 | Dtype::I64 | Dtype::Other(_) => None,
        }
    }

    /// The same array, ready to be saved again.
    pub fn to_array(&self) -> Array<'a> {
        Array {
            name: Cow::Borrowed(self.name),
            dtype: self.dtype,
            shape: self.shape.to_vec(),
            bytes: Cow::Borrowed(self.bytes),
        }
    }

    fn expect(&self, expected: Dtype) -> Result<(), Error> {
        if self.dtype == expected {
            Ok(())
        } else {
            let (path, name) = (self.path.to_owned(), self.name.to_owned());
            Err(Error::ElementType { path, name, expected, found: self.dtype })
        }
    }

    fn typed<T: Number>(&self, dtype: Dtype) -> Result<Cow<'a, [T]>, Error> {
        self.expect(dtype)?;
        Ok(match cast::numbers_of(self.bytes) {
            Some(numbers) if cfg!(target_endian = "little") => Cow::Borrowed(numbers),
            _ => Cow::Owned(self.bytes.chunks_exact(T::SIZE).map(T::from_le).collect()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floating_point_numbers_of_any_width_are_also_had_as_f32() {
        let of = |dtype, bytes: &[u8]| {
            let view = ArrayView { path: Path::new("file"), name: "a", dtype, shape: &[1], bytes };
            view.to_f32()
        };
        assert_eq!(of(Dtype::F32, &1.5_f32.to_le_bytes()), Some(vec![1.5]));
        assert_eq!(of(Dtype::F64, &(1.5 + 1e-12_f64).to_le_bytes()), Some(vec![1.5]));
        assert_eq!(of(Dtype::F16, &0x3e00_u16.to_le_bytes()), Some(vec![1.5]));
        assert_eq!(of(Dtype::BF16, &0x3fc0_u16.to_le_bytes()), Some(vec![1.5]));
        assert_eq!(of(Dtype::I64, &1_i64.to_le_bytes()), None);
    }
}
