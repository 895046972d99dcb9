//! The framing of event files: TFRecord, as TensorFlow's `record_writer.h` describes it.

use crc::{CRC_32_ISCSI, Crc};

const CASTAGNOLI: Crc<u32, crc::Table<16>> = Crc::<u32, crc::Table<16>>::new(&CRC_32_ISCSI);

/// Appends a record: its length as `u64`, the masked CRC of these eight bytes, the data, and the masked CRC of the
/// data, all little-endian.
pub(crate) fn append(file: &mut Vec<u8>, data: &[u8]) {
    let length = (data.len() as u64).to_le_bytes();
    file.extend_from_slice(&length);
    file.extend_from_slice(&masked(&length).to_le_bytes());
    file.extend_from_slice(data);
    file.extend_from_slice(&masked(data).to_le_bytes());
}

/// Rotated and shifted, so that the CRC of data that hold a CRC is not degenerate.
fn masked(data: &[u8]) -> u32 {
    CASTAGNOLI.checksum(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
pub(crate) fn read(mut file: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while !file.is_empty() {
        let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        let data = &file[12..12 + length];
        assert_eq!(file[8..12], masked(&file[..8]).to_le_bytes());
        assert_eq!(file[12 + length..16 + length], masked(data).to_le_bytes());
        records.push(data.to_vec());
        file = &file[16 + length..];
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_castagnoli_masked() {
        // The check value of CRC-32C, RFC 3720.
        assert_eq!(CASTAGNOLI.checksum(b"123456789"), 0xe306_9283);
        // The first bytes of any event file of TensorFlow or PyTorch: 24 bytes follow.
        let mut file = Vec::new();
        append(&mut file, &[0; 24]);
        assert_eq!(file[..12], [24, 0, 0, 0, 0, 0, 0, 0, 163, 127, 75, 34]);
        assert_eq!(read(&file), [[0; 24]]);
    }
}
