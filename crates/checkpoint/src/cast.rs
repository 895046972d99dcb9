//! Numbers seen as bytes and back, without a copy. The only `unsafe` of this kind in the crate.
#![allow(unsafe_code)]

/// Plain numbers: no padding, no invalid bit patterns.
pub(crate) trait Number: Copy + 'static {
    const SIZE: usize = size_of::<Self>();
    fn from_le(bytes: &[u8]) -> Self;
    fn swapped(self) -> Self;
}

macro_rules! numbers {
    ($($t:ty),*) => {$(
        impl Number for $t {
            fn from_le(bytes: &[u8]) -> Self {
                let mut array = [0; size_of::<$t>()];
                array.copy_from_slice(bytes);
                <$t>::from_le_bytes(array)
            }
            fn swapped(self) -> Self {
                <$t>::from_be_bytes(self.to_le_bytes())
            }
        }
    )*};
}
numbers!(f32, f64, i64, u32, u64, u8);

/// The memory of `numbers`, in the byte order of this machine.
pub(crate) fn bytes_of<T: Number>(numbers: &[T]) -> &[u8] {
    // SAFETY: `Number` types have no padding, so every byte is initialised; `u8` needs no alignment; the length in
    // bytes is that of the same allocation; the lifetime is that of the borrow.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}

/// The memory of `numbers`, for writing.
pub(crate) fn bytes_of_mut<T: Number>(numbers: &mut [T]) -> &mut [u8] {
    // SAFETY: as in `bytes_of`; every bit pattern is a valid `Number`, so any bytes may be written.
    unsafe { std::slice::from_raw_parts_mut(numbers.as_mut_ptr().cast(), size_of_val(numbers)) }
}

/// `bytes` as numbers of this machine's byte order, if they are aligned for it and there is a whole number of them.
pub(crate) fn numbers_of<T: Number>(bytes: &[u8]) -> Option<&[T]> {
    // SAFETY: every bit pattern is a valid `Number`; `align_to` keeps to aligned, whole elements.
    let (head, numbers, tail) = unsafe { bytes.align_to::<T>() };
    (head.is_empty() && tail.is_empty()).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_the_way_to_bytes_and_back() {
        let numbers = [1.5_f64, -0.0, f64::NAN, f64::MIN_POSITIVE];
        let bytes = bytes_of(&numbers);
        assert_eq!(bytes.len(), 32);
        let back: &[f64] = numbers_of(bytes).unwrap();
        assert_eq!(back.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), numbers.map(f64::to_bits));
    }

    #[test]
    fn misaligned_or_ragged_bytes_are_not_cast() {
        let numbers = [0_u64; 2];
        let bytes = bytes_of(&numbers);
        assert!(numbers_of::<u32>(&bytes[1..9]).is_none());
        assert!(numbers_of::<u32>(&bytes[..7]).is_none());
        assert!(numbers_of::<u32>(&bytes[4..12]).is_some());
    }

    #[test]
    fn swapping_reverses_the_bytes() {
        assert_eq!(0x0102_0304_u32.swapped(), 0x0403_0201);
        assert_eq!(f32::from_le(&1.25_f32.to_le_bytes()), 1.25);
    }
}
