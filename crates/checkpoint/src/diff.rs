//! Two checkpoints, number by number.

use std::collections::BTreeSet;

use crate::array::{ArrayView, Dtype};
use crate::checkpoint::Checkpoint;
use crate::error::Error;
use crate::half;

/// What differs between two checkpoints; what is the same is not mentioned.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Diff {
    /// Arrays, sorted by name.
    pub arrays: Vec<(String, Change)>,
    /// Sections, sorted by name: in both with other bytes, or in one only.
    pub sections: Vec<(String, Change)>,
}

/// How an array or a section differs.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Only the first checkpoint has it.
    Removed,
    /// Only the second checkpoint has it.
    Added,
    /// Another element type or shape: the two cannot be compared.
    Reshaped {
        /// In the first checkpoint.
        from: (Dtype, Vec<usize>),
        /// In the second checkpoint.
        to: (Dtype, Vec<usize>),
    },
    /// Other numbers.
    Numbers {
        /// How many elements differ in their bits.
        elements: usize,
        /// The largest absolute difference; NaN if a number became NaN or the other way round.
        largest: f64,
        /// The largest distance in units in the last place: how many floating-point numbers lie between the two, plus one.
        /// For integers and bytes, the largest absolute difference again. `u64::MAX` to and from NaN.
        ulps: u64,
        /// Where the largest distance is first: the index in row-major order.
        at: usize,
    },
    /// Other bytes, of a section.
    Bytes,
}

impl Diff {
    /// Compares two checkpoints.
    ///
    /// # Errors
    /// [`Error::Damaged`] if one is mapped and a tensor turns out to be damaged.
    pub fn between(a: &Checkpoint, b: &Checkpoint) -> Result<Self, Error> {
        let mut diff = Diff::default();
        let names: BTreeSet<&str> = a.arrays().chain(b.arrays()).map(|info| info.name()).collect();
        for name in names {
            let change = change(found(a.array(name))?, found(b.array(name))?, compare);
            diff.arrays.extend(change.map(|change| (name.to_owned(), change)));
        }
        let names: BTreeSet<&str> = a.sections().chain(b.sections()).collect();
        for name in names {
            let compare = |a, b| (a != b).then_some(Change::Bytes);
            let change = change(found(a.raw_section(name))?, found(b.raw_section(name))?, compare);
            diff.sections.extend(change.map(|change| (name.to_owned(), change)));
        }
        Ok(diff)
    }

    /// Whether the arrays and sections are the same, bit for bit.
    pub fn is_empty(&self) -> bool {
        self.arrays.is_empty() && self.sections.is_empty()
    }
}

fn found<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Err(Error::NoArray { .. } | Error::NoSection { .. }) => Ok(None),
        result => result.map(Some),
    }
}

fn change<T>(a: Option<T>, b: Option<T>, compare: impl Fn(T, T) -> Option<Change>) -> Option<Change> {
    match (a, b) {
        (Some(a), Some(b)) => compare(a, b),
        (Some(_), None) => Some(Change::Removed),
        (None, _) => Some(Change::Added),
    }
}

fn compare(a: ArrayView<'_>, b: ArrayView<'_>) -> Option<Change> {
    if (a.dtype(), a.shape()) != (b.dtype(), b.shape()) {
        let [from, to] = [a, b].map(|array| (array.dtype(), array.shape().to_vec()));
        return Some(Change::Reshaped { from, to });
    }
    if a.bytes() == b.bytes() {
        return None;
    }
    if matches!(a.dtype(), Dtype::Other(_)) {
        return Some(Change::Bytes);
    }
    let pairs = a.bytes().chunks_exact(a.dtype().size()).zip(b.bytes().chunks_exact(a.dtype().size()));
    let (mut elements, mut largest, mut farthest) = (0, 0.0_f64, (0, 0));
    for (at, (x, y)) in pairs.enumerate().filter(|(_, (x, y))| x != y) {
        let (difference, ulps) = distance(a.dtype(), x, y);
        elements += 1;
        // `max` would forget a NaN.
        largest = if difference > largest || difference.is_nan() { difference } else { largest };
        if ulps > farthest.0 || elements == 1 {
            farthest = (ulps, at);
        }
    }
    Some(Change::Numbers { elements, largest, ulps: farthest.0, at: farthest.1 })
}

/// Absolute difference and distance in units in the last place of two elements.
fn distance(dtype: Dtype, x: &[u8], y: &[u8]) -> (f64, u64) {
    let [x, y] = [x, y].map(|bytes| Number::read(dtype, bytes));
    match (x, y) {
        (Number::Float(x, _), Number::Float(y, _)) if x.is_nan() != y.is_nan() => (f64::NAN, u64::MAX),
        // Equal infinities have equal bits and do not come here; NaNs with other bits do.
        (Number::Float(x, _), Number::Float(..)) if x.is_nan() => (0.0, 0),
        (Number::Float(x, i), Number::Float(y, j)) => ((x - y).abs(), i.abs_diff(j)),
        (Number::Integer(x), Number::Integer(y)) => (x.abs_diff(y) as f64, x.abs_diff(y)),
        _ => unreachable!("both are of one type"),
    }
}

enum Number {
    /// The value, and its place in the order of all floating-point numbers of its width.
    Float(f64, i64),
    Integer(i64),
}

impl Number {
    fn read(dtype: Dtype, bytes: &[u8]) -> Self {
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        let bits = u64::from_le_bytes(wide);
        // The uppermost bit is the sign, and without it the bits of floating-point numbers are in the order of the numbers.
        let sign = 1 << (dtype.bits() - 1);
        let magnitude = (bits & (sign - 1)) as i64;
        let place = if bits & sign == 0 { magnitude } else { -magnitude };
        match dtype {
            Dtype::U8 | Dtype::U32 | Dtype::I64 => Number::Integer(bits as i64),
            Dtype::F16 => Number::Float(half::f16(bits as u16).into(), place),
            Dtype::BF16 => Number::Float(half::bf16(bits as u16).into(), place),
            Dtype::F32 => Number::Float(f32::from_bits(bits as u32).into(), place),
            Dtype::F64 => Number::Float(f64::from_bits(bits), place),
            Dtype::Other(_) => unreachable!("their bytes are compared"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Array;

    fn check(from: &Array<'_>, to: &Array<'_>, expected: Option<(usize, f64, u64, usize)>) {
        match (compare(from.view(), to.view()), expected) {
            (None, None) => {}
            (Some(Change::Numbers { elements, largest, ulps, at }), Some(expected)) => {
                assert_eq!((elements, ulps, at), (expected.0, expected.2, expected.3), "{from:?} {to:?}");
                assert!(largest == expected.1 || largest.is_nan() && expected.1.is_nan(), "{largest}");
            }
            (found, expected) => panic!("{found:?}, {expected:?} expected"),
        }
    }

    #[test]
    fn distances_are_exact() {
        const INF: f64 = f64::INFINITY;
        let f64s = |from: &[f64], to: &[f64], expected| {
            check(&Array::f64("w", &[from.len()], from), &Array::f64("w", &[to.len()], to), expected);
        };
        let f32s = |from: &[f32], to: &[f32], expected| {
            check(&Array::f32("w", &[from.len()], from), &Array::f32("w", &[to.len()], to), expected);
        };
        f64s(&[1.0, f64::NAN], &[1.0, f64::NAN], None);
        f64s(&[1.0, 2.0], &[1.0, 2.5], Some((1, 0.5, 1 << 50, 1)));
        f64s(&[1.0, 2.0, 4.0], &[1.0, 2.5, 5.0], Some((2, 1.0, 1 << 50, 1)));
        f64s(&[0.0], &[-0.0], Some((1, 0.0, 0, 0)));
        f64s(&[f64::from_bits(1)], &[-f64::from_bits(1)], Some((1, f64::from_bits(2), 2, 0)));
        f64s(&[1.0, 1.0], &[1.0 + f64::EPSILON, f64::NAN], Some((2, f64::NAN, u64::MAX, 1)));
        f64s(&[f64::NAN], &[f64::from_bits(f64::NAN.to_bits() ^ 1)], Some((1, 0.0, 0, 0)));
        f64s(&[INF], &[-INF], Some((1, INF, 2 * 0x7ff0_0000_0000_0000, 0)));
        f32s(&[1.0, 3.0], &[1.0 + f32::EPSILON, 3.0], Some((1, f64::from(f32::EPSILON), 1, 0)));
        f32s(&[1e-40, 1.0], &[2e-40, 2.0], Some((2, 1.0, 1 << 23, 1)));
        check(
            &Array::i64("w", &[2], &[i64::MIN, 5]),
            &Array::i64("w", &[2], &[i64::MAX, 4]),
            Some((2, u64::MAX as f64, u64::MAX, 0)),
        );
        check(&Array::u8("w", &[2], &[0, 9]), &Array::u8("w", &[2], &[255, 9]), Some((1, 255.0, 255, 0)));
        check(
            &Array::u32("w", &[1], &[u32::MAX]),
            &Array::u32("w", &[1], &[0]),
            Some((1, 4_294_967_295.0, 4_294_967_295, 0)),
        );
    }
}
