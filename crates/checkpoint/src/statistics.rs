//! What the numbers of an array are like.

use crate::array::{ArrayView, Dtype};

/// A few numbers about the elements of an array. `min`, `max`, `mean` and `sd` are those of the finite ones.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// How many elements there are.
    pub elements: usize,
    /// How many of them are NaN or infinite.
    pub non_finite: usize,
    /// The smallest; NaN if there is none.
    pub min: f64,
    /// The largest; NaN if there is none.
    pub max: f64,
    /// The mean; NaN if there is none.
    pub mean: f64,
    /// The standard deviation (dividing by the number of values); NaN if there is none.
    pub sd: f64,
}

impl Statistics {
    /// Of all elements of an array.
    ///
    /// ```
    /// use highwater_checkpoint::{Array, Checkpoint, Snapshot, Statistics, write};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("file.safetensors");
    /// let values = [1.0, 3.0, f32::NAN, 2.0];
    /// write(&path, &Snapshot { arrays: &[Array::f32("w", &[4], &values)], ..Snapshot::default() })?;
    /// let statistics = Statistics::of(Checkpoint::open(&path)?.array("w")?);
    /// assert_eq!((statistics.elements, statistics.non_finite), (4, 1));
    /// assert_eq!((statistics.min, statistics.max, statistics.mean), (1.0, 3.0, 2.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(array: ArrayView<'_>) -> Self {
        let bytes = array.bytes;
        match array.dtype {
            Dtype::U8 => Self::from(bytes.iter().map(|&v| v.into())),
            Dtype::U32 => Self::from(bytes.as_chunks().0.iter().map(|v| u32::from_le_bytes(*v).into())),
            Dtype::F32 => Self::from(bytes.as_chunks().0.iter().map(|v| f32::from_le_bytes(*v).into())),
            Dtype::I64 => Self::from(bytes.as_chunks().0.iter().map(|v| i64::from_le_bytes(*v) as f64)),
            Dtype::F16 | Dtype::BF16 => Self::from(array.to_f32().into_iter().flatten().map(f64::from)),
            // None is a number here.
            Dtype::Other(_) => {
                let elements = array.shape.iter().product();
                Self { elements, non_finite: elements, ..Self::from(std::iter::empty()) }
            }
            Dtype::F64 => Self::from(bytes.as_chunks().0.iter().map(|v| f64::from_le_bytes(*v))),
        }
    }

    /// One pass, as Welford (Technometrics 4(3), 1962): a large mean does not swallow the deviation.
    fn from(values: impl Iterator<Item = f64>) -> Self {
        let (mut elements, mut finite, mut mean, mut squares) = (0, 0.0, 0.0, 0.0);
        let (mut min, mut max) = (f64::NAN, f64::NAN);
        for value in values {
            elements += 1;
            if !value.is_finite() {
                continue;
            }
            finite += 1.0;
            let deviation = value - mean;
            mean += deviation / finite;
            squares += deviation * (value - mean);
            (min, max) = (value.min(min), value.max(max));
        }
        let of_some = |value: f64| if finite > 0.0 { value } else { f64::NAN };
        Self {
            elements,
            non_finite: elements - finite as usize,
            min,
            max,
            mean: of_some(mean),
            sd: of_some((squares / finite).sqrt()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Array;

    fn check(array: &Array<'_>, expected: (usize, usize, f64, f64, f64, f64)) {
        let found = Statistics::of(array.view());
        let (elements, non_finite, min, max, mean, sd) = expected;
        assert_eq!((found.elements, found.non_finite), (elements, non_finite), "{array:?}");
        for (found, expected) in [(found.min, min), (found.max, max), (found.mean, mean), (found.sd, sd)] {
            let same = (found - expected).abs() <= 1e-12 * expected.abs();
            assert!(same || found.is_nan() && expected.is_nan(), "{array:?}: {found}, {expected} expected");
        }
    }

    #[test]
    fn every_type_of_element_has_statistics() {
        const NAN: f64 = f64::NAN;
        check(&Array::u8("a", &[3], &[0, 255, 255]), (3, 0, 0.0, 255.0, 170.0, 120.208_152_801_712_58));
        check(
            &Array::u32("a", &[1], &[u32::MAX]),
            (1, 0, 4_294_967_295.0, 4_294_967_295.0, 4_294_967_295.0, 0.0),
        );
        check(&Array::i64("a", &[2], &[-1, 1]), (2, 0, -1.0, 1.0, 0.0, 1.0));
        check(&Array::f32("a", &[2, 2], &[1.0, -2.0, f32::NAN, f32::INFINITY]), (4, 2, -2.0, 1.0, -0.5, 1.5));
        check(&Array::f64("a", &[2], &[1e9 + 1.0, 1e9 - 1.0]), (2, 0, 1e9 - 1.0, 1e9 + 1.0, 1e9, 1.0));
        check(&Array::f64("a", &[1], &[NAN]), (1, 1, NAN, NAN, NAN, NAN));
        check(&Array::f64("a", &[0], &[]), (0, 0, NAN, NAN, NAN, NAN));
        let of_others = |dtype: &str, shape: &[usize], bytes: &'static [u8]| Array {
            name: "a".into(),
            dtype: Dtype::named(dtype).unwrap(),
            shape: shape.to_vec(),
            bytes: bytes.into(),
        };
        check(&of_others("F16", &[2], &[0, 0x3c, 0, 0xc0]), (2, 0, -2.0, 1.0, -0.5, 1.5));
        check(&of_others("I16", &[2, 3], &[1; 12]), (6, 6, NAN, NAN, NAN, NAN));
    }
}
