//! The last tensor of a file: the hashes of everything before it, and its own.
//!
//! | offset | bytes | content (integers little-endian) |
//! |---|---|---|
//! | 0 | 8 | `89 48 57 43 0D 0A 1A 0A`: no text file begins so, and a transfer as text destroys it |
//! | 8 | 4 | format version |
//! | 12 | 4 | number *n* of the other tensors |
//! | 16 | 8 | length of the header: the eight length bytes, the JSON, the padding |
//! | 24 | 8 | length of the file |
//! | 32 | 16 | XXH3-128 of the header |
//! | 48 | 16·*n* | XXH3-128 of each tensor's bytes, in the order of their data |
//! | 48 + 16·*n* | 8 | length of this tensor, 72 + 16·*n* |
//! | 56 + 16·*n* | 16 | XXH3-128 of all bytes of this tensor before this one |
//!
//! Hashes are stored in xxHash's canonical form, most significant byte first. The fixed end lets a reader find the tensor
//! from the end of the file, so that a damaged header is recognised before it is parsed.

use twox_hash::XxHash3_128;

/// The version that is written, and the newest that is read.
pub(crate) const FORMAT_VERSION: u32 = 1;
pub(crate) const NAME: &str = "integrity";
/// Length of the fixed parts.
pub(crate) const FIXED: u64 = 72;
/// Length of the part at the end from which the rest is found.
pub(crate) const END: u64 = 24;

const MAGIC: [u8; 8] = *b"\x89HWC\r\n\x1a\n";

/// The hashes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Integrity {
    pub(crate) header_len: u64,
    pub(crate) file_len: u64,
    pub(crate) header: u128,
    pub(crate) tensors: Vec<u128>,
}

/// Why bytes are not an `integrity` tensor that can be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Damaged(String),
    Version(u32),
}

/// The length of the tensor for a file of `tensors` others.
pub(crate) const fn len(tensors: usize) -> u64 {
    FIXED + 16 * tensors as u64
}

/// The tensor's length as the last [`END`] bytes of a file say, if it can be one.
pub(crate) fn claimed_len(end: &[u8; END as usize]) -> Option<u64> {
    let (len, _) = end.split_first_chunk()?;
    Some(u64::from_le_bytes(*len)).filter(|&n| n >= FIXED && (n - FIXED).is_multiple_of(16))
}

impl Integrity {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len(self.tensors.len()) as usize);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&(self.tensors.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&self.header_len.to_le_bytes());
        bytes.extend_from_slice(&self.file_len.to_le_bytes());
        for hash in std::iter::once(&self.header).chain(&self.tensors) {
            bytes.extend_from_slice(&hash.to_be_bytes());
        }
        bytes.extend_from_slice(&len(self.tensors.len()).to_le_bytes());
        bytes.extend_from_slice(&XxHash3_128::oneshot(&bytes).to_be_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let damaged = |reason: &str| Refusal::Damaged(reason.to_owned());
        let short = || damaged("too short");
        let (content, own) = bytes.split_last_chunk().ok_or_else(short)?;
        if XxHash3_128::oneshot(content) != u128::from_be_bytes(*own) {
            return Err(damaged("its own hash does not hold"));
        }
        let mut rest = content;
        if take(&mut rest).ok_or_else(short)? != MAGIC {
            return Err(damaged("does not begin as one"));
        }
        let version = u32::from_le_bytes(take(&mut rest).ok_or_else(short)?);
        if version != FORMAT_VERSION {
            return Err(Refusal::Version(version));
        }
        let count = u32::from_le_bytes(take(&mut rest).ok_or_else(short)?) as usize;
        let header_len = u64::from_le_bytes(take(&mut rest).ok_or_else(short)?);
        let file_len = u64::from_le_bytes(take(&mut rest).ok_or_else(short)?);
        let header = u128::from_be_bytes(take(&mut rest).ok_or_else(short)?);
        if len(count) != bytes.len() as u64 {
            return Err(damaged("its length and its number of hashes differ"));
        }
        let tensors = rest.as_chunks().0[..count].iter().map(|hash| u128::from_be_bytes(*hash)).collect();
        Ok(Self { header_len, file_len, header, tensors })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Integrity {
        Integrity { header_len: 128, file_len: 999, header: 7, tensors: vec![1, u128::MAX, 3] }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let bytes = example().encode();
        assert_eq!(bytes.len() as u64, len(3));
        assert_eq!(claimed_len(bytes.last_chunk().unwrap()), Some(len(3)));
        assert_eq!(Integrity::decode(&bytes), Ok(example()));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let bytes = example().encode();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(Integrity::decode(&flipped), Err(Refusal::Damaged(_))), "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert!(matches!(Integrity::decode(&bytes[..len]), Err(Refusal::Damaged(_))), "{len} bytes");
        }
    }

    #[test]
    fn a_newer_version_is_told_apart_from_damage() {
        let mut bytes = example().encode();
        bytes[8] = 2;
        let end = bytes.len() - 16;
        let own = XxHash3_128::oneshot(&bytes[..end]).to_be_bytes();
        bytes[end..].copy_from_slice(&own);
        assert_eq!(Integrity::decode(&bytes), Err(Refusal::Version(2)));
    }

    #[test]
    fn hashes_are_those_of_the_reference_implementation() {
        // Test vectors of the xxHash project (XXH3_128bits, seed 0): the empty input.
        assert_eq!(XxHash3_128::oneshot(b""), 0x99aa_06d3_0147_98d8_6001_c324_468d_497f);
        let mut hasher = XxHash3_128::new();
        let bytes: Vec<u8> = (0..5000_u32).map(|i| (i * 7) as u8).collect();
        bytes.chunks(333).for_each(|piece| hasher.write(piece));
        assert_eq!(hasher.finish_128(), XxHash3_128::oneshot(&bytes));
    }
}
