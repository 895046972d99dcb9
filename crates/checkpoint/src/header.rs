//! The safetensors header: written canonically, read with suspicion.
//!
//! The format is <https://github.com/huggingface/safetensors#format>: eight bytes of length, JSON, data. Everything that
//! the header says is checked before any of it is used: limits, shapes against sizes, offsets without holes or overlaps,
//! no name twice.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::ops::Range;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

use crate::array::Dtype;

/// The longest header, padding included; the limit of safetensors itself.
pub(crate) const MAX_HEADER: u64 = 100_000_000;
/// The most dimensions.
pub(crate) const MAX_RANK: usize = 16;
/// The most tensors.
pub(crate) const MAX_TENSORS: usize = 1 << 20;
/// The longest name of a tensor, in bytes.
pub(crate) const MAX_NAME: usize = 4096;
/// The most entries of `__metadata__`.
pub(crate) const MAX_METADATA: usize = 4096;
/// Data begin at a multiple of this.
pub(crate) const ALIGNMENT: usize = 64;

/// `"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},`
const SHORTEST_ENTRY: usize = 51;

pub(crate) const METADATA: &str = "__metadata__";

/// What the header says about a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    pub(crate) name: String,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) range: Range<u64>,
}

impl TensorInfo {
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

    /// Where its bytes are in the file.
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// The number of its bytes.
    pub(crate) fn len(&self) -> u64 {
        self.range.end - self.range.start
    }
}

/// A header that was read: tensors in the order of their data, their ranges counted from the start of the file.
#[derive(Debug, Default)]
pub(crate) struct Header {
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) tensors: Vec<TensorInfo>,
    /// Indices into `tensors`, sorted by name.
    by_name: Vec<u32>,
}

impl Header {
    /// Reads the first bytes of a file: the eight of the length, the JSON and its padding. `file_len` is what the file
    /// really has.
    pub(crate) fn parse(bytes: &[u8], file_len: u64) -> Result<Self, String> {
        let header = Self::parse_without_length(bytes)?;
        let end = header.tensors.last().map_or(bytes.len() as u64, |t| t.range.end);
        if end == file_len {
            Ok(header)
        } else {
            Err(format!("the header describes {end} bytes, the file has {file_len}"))
        }
    }

    /// As [`Header::parse`], for a file that may have been cut off or grown.
    pub(crate) fn parse_without_length(bytes: &[u8]) -> Result<Self, String> {
        let json = json_of(bytes)?;
        let mut header = Header {
            tensors: Vec::with_capacity((json.len() / SHORTEST_ENTRY).min(MAX_TENSORS)),
            ..Header::default()
        };
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        HeaderSeed(&mut header)
            .deserialize(&mut deserializer)
            .and_then(|()| deserializer.end())
            .map_err(|error| error.to_string())?;
        header.place(bytes.len() as u64)?;
        header.index()?;
        Ok(header)
    }

    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.by_name
            .binary_search_by(|&i| self.tensors[i as usize].name.as_str().cmp(name))
            .ok()
            .map(|at| self.by_name[at] as usize)
    }

    /// Sorts the tensors by where their data are, and checks that these lie end to end, each as long as its shape says.
    fn place(&mut self, data_start: u64) -> Result<(), String> {
        self.tensors.sort_by_key(|t| (t.range.start, t.range.end));
        let mut end = 0;
        for tensor in &mut self.tensors {
            let Range { start, end: stop } = tensor.range;
            let len = byte_len(tensor.dtype, &tensor.shape).ok_or_else(|| {
                let TensorInfo { name, dtype, shape, .. } = &*tensor;
                format!("tensor `{name}`: {dtype} {shape:?} overflows, or ends within a byte")
            })?;
            if start != end || stop.checked_sub(start) != Some(len) {
                return Err(format!(
                    "tensor `{}`: {} {:?} needs bytes {end}..{}, the header says {start}..{stop}",
                    tensor.name,
                    tensor.dtype,
                    tensor.shape,
                    end.saturating_add(len),
                ));
            }
            end = stop;
            tensor.range = data_start + start..data_start.checked_add(stop).ok_or("offsets overflow")?;
        }
        Ok(())
    }

    fn index(&mut self) -> Result<(), String> {
        let count = u32::try_from(self.tensors.len()).map_err(|_| "too many tensors".to_owned())?;
        let tensors = &self.tensors;
        self.by_name = (0..count).collect();
        self.by_name.sort_unstable_by(|&a, &b| tensors[a as usize].name.cmp(&tensors[b as usize].name));
        let twice =
            self.by_name.windows(2).find(|w| tensors[w[0] as usize].name == tensors[w[1] as usize].name);
        match twice {
            Some(pair) => Err(format!("tensor `{}` appears twice", tensors[pair[0] as usize].name)),
            None => Ok(()),
        }
    }
}

/// The length in bytes of an array, unless it overflows or ends within a byte.
pub(crate) fn byte_len(dtype: Dtype, shape: &[usize]) -> Option<u64> {
    let bits = shape.iter().try_fold(dtype.bits() as u64, |len, &n| len.checked_mul(n as u64))?;
    bits.is_multiple_of(8).then_some(bits / 8)
}

/// The length of a header, padding and the eight length bytes included, as the first eight bytes of a file say.
pub(crate) fn claimed_len(first: [u8; 8]) -> Option<u64> {
    u64::from_le_bytes(first).checked_add(8).filter(|&n| n <= MAX_HEADER + 8)
}

fn json_of(bytes: &[u8]) -> Result<&[u8], String> {
    let (first, json) =
        bytes.split_first_chunk().ok_or("shorter than the eight bytes of the header's length")?;
    let n = u64::from_le_bytes(*first);
    if n != json.len() as u64 {
        return Err(format!("header length {n}, {} bytes found", json.len()));
    }
    if n > MAX_HEADER {
        return Err(format!("header of {n} bytes, {MAX_HEADER} allowed"));
    }
    if json.first() != Some(&b'{') {
        return Err("the header does not begin with `{`".to_owned());
    }
    Ok(json)
}

/// The header bytes of a file: length, canonical JSON, padding. `tensors` come in the order of their data, each with its
/// length in bytes.
pub(crate) fn encode<'a>(
    metadata: &BTreeMap<String, String>,
    tensors: impl Iterator<Item = (&'a str, Dtype, &'a [usize], u64)>,
) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 8];
    write!(bytes, "{{\"{METADATA}\":")?;
    serde_json::to_writer(&mut bytes, metadata)?;
    let mut start = 0;
    for (name, dtype, shape, len) in tensors {
        let end = start + len;
        bytes.push(b',');
        serde_json::to_writer(&mut bytes, name)?;
        write!(bytes, ":{{\"dtype\":\"{dtype}\",\"shape\":")?;
        serde_json::to_writer(&mut bytes, shape)?;
        write!(bytes, ",\"data_offsets\":[{start},{end}]}}")?;
        start = end;
    }
    bytes.push(b'}');
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), b' ');
    let len = bytes.len() as u64 - 8;
    bytes[..8].copy_from_slice(&len.to_le_bytes());
    Ok(bytes)
}

/// Reads the JSON object straight into a [`Header`]: nothing is kept that breaks a limit.
struct HeaderSeed<'a>(&'a mut Header);

impl<'de> DeserializeSeed<'de> for HeaderSeed<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for HeaderSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut metadata_seen = false;
        while let Some(name) = map.next_key::<String>()? {
            if name.is_empty() || name.len() > MAX_NAME {
                let len = name.len();
                return Err(A::Error::custom(format_args!("a name of {len} bytes, 1 to {MAX_NAME} allowed")));
            }
            if name == METADATA {
                if std::mem::replace(&mut metadata_seen, true) {
                    return Err(A::Error::custom("`__metadata__` appears twice"));
                }
                map.next_value_seed(MetadataSeed(&mut self.0.metadata))?;
                continue;
            }
            if self.0.tensors.len() == MAX_TENSORS {
                return Err(A::Error::custom(format_args!("more than {MAX_TENSORS} tensors")));
            }
            let wrong = |error: &dyn fmt::Display| A::Error::custom(format_args!("tensor `{name}`: {error}"));
            let RawTensor { dtype, shape: Shape(shape), data_offsets: [start, end] } =
                map.next_value().map_err(|error| wrong(&error))?;
            let unknown = || wrong(&format_args!("{dtype} is no element type of safetensors"));
            let dtype = Dtype::named(&dtype).ok_or_else(unknown)?;
            self.0.tensors.push(TensorInfo { name, dtype, shape, range: start..end });
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTensor<'a> {
    #[serde(borrow)]
    dtype: Cow<'a, str>,
    shape: Shape,
    data_offsets: [u64; 2],
}

struct Shape(Vec<usize>);

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ShapeVisitor;
        impl<'de> Visitor<'de> for ShapeVisitor {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a shape of at most {MAX_RANK} dimensions")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
                let mut dimensions = [0; MAX_RANK];
                let mut rank = 0;
                while let Some(n) = seq.next_element()? {
                    *dimensions.get_mut(rank).ok_or_else(|| A::Error::invalid_length(rank + 1, &self))? = n;
                    rank += 1;
                }
                Ok(Shape(dimensions[..rank].to_vec()))
            }
        }
        deserializer.deserialize_seq(ShapeVisitor)
    }
}

struct MetadataSeed<'a>(&'a mut BTreeMap<String, String>);

impl<'de> DeserializeSeed<'de> for MetadataSeed<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MetadataSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry::<Cow<'de, str>, Cow<'de, str>>()? {
            if self.0.len() == MAX_METADATA {
                return Err(A::Error::custom(format_args!(
                    "more than {MAX_METADATA} entries in `__metadata__`"
                )));
            }
            if self.0.insert(key.to_string(), value.into_owned()).is_some() {
                return Err(A::Error::custom(format_args!("`__metadata__`: `{key}` appears twice")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(json: &str) -> Vec<u8> {
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(json.as_bytes());
        bytes
    }

    #[test]
    fn what_is_written_is_read_back() {
        let metadata =
            BTreeMap::from([("format".to_owned(), "pt".to_owned()), ("ü\n".to_owned(), "\"".to_owned())]);
        let shapes: [&[usize]; 3] = [&[2, 3], &[], &[0, 7]];
        let bytes = encode(
            &metadata,
            [
                ("b", Dtype::F64, shapes[0], 48),
                ("a \"q\" \u{7f}é", Dtype::F32, shapes[1], 4),
                ("c", Dtype::U8, shapes[2], 0),
            ]
            .into_iter(),
        )
        .unwrap();
        assert_eq!(bytes.len() % ALIGNMENT, 0);
        let data = bytes.len() as u64;
        let header = Header::parse(&bytes, data + 52).unwrap();
        assert_eq!(header.metadata, metadata);
        let found: Vec<_> = header.tensors.iter().map(|t| (t.name(), t.shape(), t.range())).collect();
        assert_eq!(found[0], ("b", shapes[0], data..data + 48));
        assert_eq!(found[1], ("a \"q\" \u{7f}é", shapes[1], data + 48..data + 52));
        assert_eq!(found[2], ("c", shapes[2], data + 52..data + 52));
        assert_eq!(header.find("c"), Some(2));
        assert_eq!(header.find("d"), None);
    }

    #[test]
    fn a_header_that_breaks_a_rule_is_refused_and_the_rule_named() {
        let deep = "1,".repeat(MAX_RANK) + "1";
        let long = "n".repeat(MAX_NAME + 1);
        let many: Vec<String> = (0..=MAX_METADATA).map(|i| format!("\"{i}\":\"\"")).collect();
        let t = |shape: &str, offsets: &str| {
            format!(r#"{{"dtype":"F32","shape":[{shape}],"data_offsets":[{offsets}]}}"#)
        };
        let cases = [
            (r#"[]"#.to_owned(), "begin with `{`"),
            (String::new(), "begin with `{`"),
            (" {}".to_owned(), "begin with `{`"),
            ("{} x".to_owned(), "trailing"),
            ("{\"a\":".to_owned(), "EOF"),
            (format!(r#"{{"a":{},"a":{}}}"#, t("1", "0,4"), t("1", "4,8")), "`a` appears twice"),
            (format!(r#"{{"a":{},"b":{}}}"#, t("1", "0,4"), t("1", "5,9")), "needs bytes 4..8"),
            (format!(r#"{{"a":{},"b":{}}}"#, t("1", "0,4"), t("1", "3,7")), "needs bytes 4..8"),
            (format!(r#"{{"a":{}}}"#, t("1", "0,5")), "needs bytes 0..4"),
            (format!(r#"{{"a":{}}}"#, t("2", "8,0")), "needs bytes 0..8"),
            (format!(r#"{{"a":{}}}"#, t("4611686018427387904", "0,0")), "overflows"),
            (format!(r#"{{"a":{}}}"#, t("18446744073709551616", "0,0")), "tensor `a`"),
            (format!(r#"{{"a":{}}}"#, t("-1", "0,0")), "tensor `a`"),
            (format!(r#"{{"a":{}}}"#, t(&deep, "0,4")), "at most 16 dimensions"),
            (format!(r#"{{"{long}":{}}}"#, t("1", "0,4")), "a name of 4097 bytes"),
            (format!(r#"{{"":{}}}"#, t("1", "0,4")), "a name of 0 bytes"),
            (format!(r#"{{"__metadata__":{{{}}}}}"#, many.join(",")), "more than 4096"),
            (r#"{"__metadata__":{"a":"1","a":"2"}}"#.to_owned(), "`a` appears twice"),
            (r#"{"__metadata__":{},"__metadata__":{}}"#.to_owned(), "`__metadata__` appears twice"),
            (r#"{"__metadata__":{"a":1}}"#.to_owned(), "expected"),
            (
                r#"{"a":{"dtype":"F7","shape":[],"data_offsets":[0,4]}}"#.to_owned(),
                "tensor `a`: F7 is no element type of safetensors",
            ),
            (
                r#"{"a":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}}"#.to_owned(),
                "duplicate field",
            ),
            (r#"{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":0}}"#.to_owned(), "unknown field"),
            (r#"{"a":{"dtype":"F32","shape":[]}}"#.to_owned(), "missing field"),
            (format!(r#"{{"a":{}}}"#, t("1", "0,4")), "describes"),
        ];
        for (json, expected) in cases {
            let error = Header::parse(&file(&json), 7).unwrap_err();
            assert!(error.contains(expected), "{json}: {error}");
        }
    }

    #[test]
    fn a_header_of_too_many_tensors_is_refused() {
        use std::fmt::Write;
        let mut json = String::from("{");
        for i in 0..=MAX_TENSORS {
            let comma = if i == 0 { "" } else { "," };
            write!(json, r#"{comma}"{i:x}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#).unwrap();
        }
        json.push('}');
        let bytes = file(&json);
        let error = Header::parse(&bytes, bytes.len() as u64).unwrap_err();
        assert!(error.contains("more than 1048576 tensors"), "{error}");
    }

    #[test]
    fn the_length_bytes_are_held_against_the_header() {
        let mut bytes = file("{}");
        assert!(Header::parse(&bytes, 10).is_ok());
        assert!(Header::parse(&bytes, 11).unwrap_err().contains("describes 10 bytes, the file has 11"));
        bytes.push(b' ');
        assert!(Header::parse(&bytes, 11).unwrap_err().contains("header length 2"));
        assert!(Header::parse(&[2, 0, 0], 3).is_err());
        assert_eq!(claimed_len(2_u64.to_le_bytes()), Some(10));
        assert_eq!(claimed_len(u64::MAX.to_le_bytes()), None);
        assert_eq!(claimed_len((MAX_HEADER + 1).to_le_bytes()), None);
    }
}
