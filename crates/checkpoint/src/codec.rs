//! Values to bytes and back: the only module that knows bincode.
//!
//! Little-endian, integers of fixed width: the wire format of bincode 1, which has one encoding for each value and other
//! readers than this one. A decoder never allocates much more than its input, whatever lengths the input claims.

use bincode::config::{Configuration, Fixint, Limit, LittleEndian, NoLimit};
use bincode::error::{DecodeError, EncodeError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest encoding of one value, in bytes.
pub(crate) const MAX_LEN: usize = 256 << 20;

const fn config() -> Configuration<LittleEndian, Fixint, NoLimit> {
    bincode::config::standard().with_fixed_int_encoding()
}

pub(crate) fn encode<T: Serialize>(value: &T, buffer: &mut Vec<u8>) -> Result<(), String> {
    let len =
        bincode::serde::encode_into_std_write(value, buffer, config()).map_err(|error| match error {
            EncodeError::Serde(_) => {
                "a `flatten`, or a sequence of unknown length, cannot be written".to_owned()
            }
            other => other.to_string(),
        })?;
    if len > MAX_LEN { Err(format!("{len} bytes encoded, {MAX_LEN} allowed")) } else { Ok(()) }
}

/// Decodes exactly `bytes`: all of them, and nothing beyond.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    // bincode allocates what a string claims, up to its limit, before it looks whether the bytes are there. The limit is
    // part of a type, hence a ladder of them.
    match bytes.len() >> 20 {
        0 => decode_within::<T, { 1 << 20 }>(bytes),
        1..4 => decode_within::<T, { 4 << 20 }>(bytes),
        4..16 => decode_within::<T, { 16 << 20 }>(bytes),
        16..64 => decode_within::<T, { 64 << 20 }>(bytes),
        64..256 => decode_within::<T, MAX_LEN>(bytes),
        _ => Err(format!("{} bytes encoded, {MAX_LEN} allowed", bytes.len())),
    }
}

fn decode_within<T: DeserializeOwned, const LIMIT: usize>(bytes: &[u8]) -> Result<T, String> {
    let config: Configuration<LittleEndian, Fixint, Limit<LIMIT>> = config().with_limit::<LIMIT>();
    let (value, used) = bincode::serde::decode_from_slice::<T, _>(bytes, config).map_err(reason)?;
    match bytes.len() - used {
        0 => Ok(value),
        rest => Err(format!("{rest} bytes left over; {CHANGED}")),
    }
}

/// Why bytes that are sound are probably of no use.
const CHANGED: &str = "it was written from another type (one that changes needs the next schema number), or from one that \
                       leaves fields out";

fn reason(error: DecodeError) -> String {
    match error {
        DecodeError::UnexpectedEnd { .. } => format!("bytes are missing at its end; {CHANGED}"),
        DecodeError::Serde(_) => {
            "a type whose form depends on its data, as untagged enums and JSON values, cannot be read back"
                .to_owned()
        }
        other => format!("{other}; {CHANGED}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(value, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_encoding_is_the_one_that_is_documented() {
        assert_eq!(encoded(&(1_u8, 0x0203_u16, -2_i32)), [1, 3, 2, 0xfe, 0xff, 0xff, 0xff]);
        assert_eq!(encoded(&"ab"), [2, 0, 0, 0, 0, 0, 0, 0, b'a', b'b']);
        assert_eq!(encoded(&Some(true)), [1, 1]);
        assert_eq!(encoded(&None::<u64>), [0]);
        assert_eq!(encoded(&1.5_f64), 1.5_f64.to_le_bytes());
        assert_eq!(encoded(&Err::<(), u8>(7)), [1, 0, 0, 0, 7], "a variant is a u32");
    }

    #[test]
    fn a_value_comes_back_bit_for_bit() {
        let value = (vec![f64::NAN, -0.0], "ü".to_owned(), Some(vec![(1_u64, false)]));
        type Value = (Vec<f64>, String, Option<Vec<(u64, bool)>>);
        let back: Value = decode(&encoded(&value)).unwrap();
        assert_eq!(back.0[0].to_bits(), f64::NAN.to_bits());
        assert!(back.0[1].is_sign_negative());
        assert_eq!((back.1, back.2), (value.1, value.2));
    }

    #[test]
    fn bytes_left_over_and_bytes_missing_are_errors() {
        let mut bytes = encoded(&7_u32);
        bytes.push(0);
        assert_eq!(decode::<u32>(&bytes).unwrap_err(), format!("1 bytes left over; {CHANGED}"));
        assert_eq!(
            decode::<u32>(&bytes[..3]).unwrap_err(),
            format!("bytes are missing at its end; {CHANGED}")
        );
    }

    #[test]
    fn types_that_cannot_be_written_or_read_back_are_told() {
        #[derive(Serialize)]
        struct Flat {
            #[serde(flatten)]
            rest: std::collections::BTreeMap<String, u8>,
        }
        let flat = Flat { rest: [("a".to_owned(), 1)].into() };
        assert!(encode(&flat, &mut Vec::new()).unwrap_err().contains("`flatten`"));
        let json = serde_json::json!({ "a": 1 });
        assert!(decode::<serde_json::Value>(&encoded(&json)).unwrap_err().contains("JSON values"));
    }

    #[test]
    fn claimed_lengths_are_not_believed() {
        for claim in [u64::MAX, 1 << 40, 1 << 21, 1 << 10] {
            assert!(decode::<String>(&claim.to_le_bytes()).is_err(), "{claim}");
            assert!(decode::<Vec<f64>>(&claim.to_le_bytes()).is_err(), "{claim}");
        }
    }
}
