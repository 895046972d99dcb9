//! Files made to hurt: their hashes hold, their contents lie. And files of the safetensors crate, in both directions.
#![allow(unsafe_code)] // an allocator that counts

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;

use highwater_checkpoint::{Array, Checkpoint, Dtype, Section, Snapshot, export, write};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use crate::one_file::open;

struct Counting;

thread_local! {
    static NOW: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

fn count(added: usize, removed: usize) {
    // Threads on their way out have no counters any more.
    let _ = NOW.try_with(|now| {
        now.set((now.get() + added).saturating_sub(removed));
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(now.get())));
    });
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(0, layout.size());
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes of memory that `work` held at most.
pub(crate) fn peak_of<T>(work: impl FnOnce() -> T) -> usize {
    let before = NOW.get();
    PEAK.set(before);
    drop(work());
    PEAK.get() - before
}

/// A section of all that a hostile length or tag can be put into.
#[derive(Serialize, Deserialize, Debug, PartialEq)]
pub(crate) struct Everything {
    text: String,
    numbers: Vec<f64>,
    map: BTreeMap<String, Vec<u8>>,
    choice: Choice,
    maybe: Option<Box<str>>,
    nested: Vec<Vec<(u32, bool, char)>>,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
pub(crate) enum Choice {
    Unit,
    Tuple(u8, String),
    Struct { a: Vec<i64> },
}

pub(crate) fn example() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let everything = Everything {
        text: "text".to_owned(),
        numbers: vec![0.5; 3],
        map: BTreeMap::from([("key".to_owned(), vec![1, 2])]),
        choice: Choice::Tuple(1, "two".to_owned()),
        maybe: Some("perhaps".into()),
        nested: vec![vec![(1, true, 'ü')], vec![]],
    };
    let choices = [Choice::Unit, Choice::Struct { a: vec![-1] }];
    write(
        &path,
        &Snapshot {
            step: 1,
            arrays: &[
                Array::f32("model.weight", &[2, 3], &[1.0; 6]),
                Array::f64("d", &[1], &[2.0]),
                Array::u8("m", &[0], &[]),
            ],
            sections: &[
                Section::required("everything", 1, &everything).unwrap(),
                Section::optional("choices", 1, &choices).unwrap(),
            ],
            labels: &[("a", "b")],
            ..Snapshot::default()
        },
    )
    .unwrap();
    std::fs::read(path).unwrap()
}

/// A file in its parts, to be changed and sealed again.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) json: Vec<u8>,
    pub(crate) tensors: Vec<Vec<u8>>,
}

impl Parts {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let header_len = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let (_, header) = safetensors::SafeTensors::read_metadata(bytes).unwrap();
        let mut ranges: Vec<_> = header.tensors().values().map(|info| info.data_offsets).collect();
        ranges.sort_unstable();
        ranges.pop();
        let tensors = ranges.iter().map(|(a, b)| bytes[header_len + a..header_len + b].to_vec()).collect();
        Self { json: bytes[8..header_len].to_vec(), tensors }
    }

    /// The file, every hash right.
    pub(crate) fn sealed(&self) -> Vec<u8> {
        let mut bytes = (self.json.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.json);
        let header = XxHash3_128::oneshot(&bytes);
        let header_len = bytes.len() as u64;
        self.tensors.iter().for_each(|tensor| bytes.extend_from_slice(tensor));
        let own_len = 72 + 16 * self.tensors.len() as u64;
        let mut own = b"\x89HWC\r\n\x1a\n".to_vec();
        own.extend_from_slice(&1_u32.to_le_bytes());
        own.extend_from_slice(&(self.tensors.len() as u32).to_le_bytes());
        own.extend_from_slice(&header_len.to_le_bytes());
        own.extend_from_slice(&(bytes.len() as u64 + own_len).to_le_bytes());
        own.extend_from_slice(&header.to_be_bytes());
        self.tensors
            .iter()
            .for_each(|tensor| own.extend_from_slice(&XxHash3_128::oneshot(tensor).to_be_bytes()));
        own.extend_from_slice(&own_len.to_le_bytes());
        own.extend_from_slice(&XxHash3_128::oneshot(&own).to_be_bytes());
        bytes.extend_from_slice(&own);
        bytes
    }
}

pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n.max(1)
    }

    /// A small change somewhere in `bytes`.
    pub(crate) fn change(&mut self, bytes: &mut Vec<u8>) {
        const NUMBERS: [u64; 10] =
            [0, 1, 7, 255, 1 << 16, 1 << 31, (1 << 32) - 1, 1 << 40, i64::MAX as u64, u64::MAX];
        const PIECES: [&str; 14] = [
            "0",
            "-1",
            "18446744073709551615",
            "1e9",
            "[",
            "{",
            "\"",
            ",",
            "[0,0]",
            "\"F32\"",
            "null",
            "\\u0000",
            "\"integrity\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},",
            "\"__metadata__\":{},",
        ];
        let at = self.below(bytes.len());
        match self.below(8) {
            0 => bytes[at] ^= 1 << self.below(8),
            1 => bytes[at] = self.below(256) as u8,
            2 => drop(bytes.drain(at..(at + 1 + self.below(12)).min(bytes.len()))),
            3 => bytes.insert(at, self.below(256) as u8),
            4 => {
                let number = NUMBERS[self.below(NUMBERS.len())].to_le_bytes();
                let n = number.len().min(bytes.len() - at);
                bytes[at..at + n].copy_from_slice(&number[..n]);
            }
            5 => {
                let piece = PIECES[self.below(PIECES.len())].bytes();
                bytes.splice(at..at, piece).for_each(drop);
            }
            6 => {
                let end = (at + 1 + self.below(40)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                let to = self.below(bytes.len());
                bytes.splice(to..to, copy).for_each(drop);
            }
            _ => {
                // A digit of a number in the header.
                if let Some(digit) = bytes[at..].iter_mut().find(|byte| byte.is_ascii_digit()) {
                    *digit = b'0' + self.below(10) as u8;
                }
            }
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
}

/// What a reader needs whatever the file: a thread's buffer for reading, what serde sets aside for a sequence.
pub(crate) const FIXED: usize = 3 << 20;

#[test]
fn memory_is_bounded_by_the_size_of_the_file_whatever_it_claims() {
    let many = |n: usize, entry: &dyn Fn(usize) -> String| (0..n).map(entry).collect::<Vec<_>>().join(",");
    let tiny = |i: usize| format!(r#""{i:x}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#);
    let flat = |i: usize| {
        format!(r#""{i:x}":{{"dtype":"U8","shape":[{}],"data_offsets":[0,0]}}"#, "0,".repeat(15) + "0")
    };
    let cases = [
        ("many tensors", format!("{{{}}}", many(40_000, &tiny)), 40_000),
        ("many dimensions", format!("{{{}}}", many(20_000, &flat)), 20_000),
        ("endless dimensions", format!(r#"{{"a":{{"dtype":"U8","shape":[{}0]}}}}"#, "0,".repeat(1 << 20)), 1),
        (
            "much metadata",
            format!(r#"{{"__metadata__":{{{}}}}}"#, many(100_000, &|i| format!(r#""{i:x}":"""#))),
            0,
        ),
        ("a long name", format!(r#"{{"{}":{{}}}}"#, "n".repeat(4 << 20)), 1),
        ("escapes", format!(r#"{{"__metadata__":{{"a":"{}"}}}}"#, "\\u0000".repeat(1 << 19)), 0),
        ("depth", format!(r#"{{"a":{}}}"#, "[".repeat(1 << 20)), 1),
    ];
    for (name, json, tensors) in cases {
        let own = format!(
            r#","integrity":{{"dtype":"U8","shape":[{0}],"data_offsets":[0,{0}]}}}}"#,
            72 + 16 * tensors
        );
        let json = json.strip_suffix('}').unwrap().to_owned() + &own;
        let bytes = Parts { json: json.into_bytes(), tensors: vec![Vec::new(); tensors] }.sealed();
        let mut opened = false;
        let peak = peak_of(|| opened = open(&bytes).is_ok()) - bytes.len();
        assert!(
            peak <= 4 * bytes.len() + FIXED,
            "{name}: {peak} bytes of memory for {} bytes of file",
            bytes.len()
        );
        assert_eq!(opened, matches!(name, "many tensors" | "many dimensions" | "escapes"), "{name}");
    }
}

#[test]
fn hashes_that_are_not_those_of_the_header_are_refused() {
    let array = |name: &str, from: usize, to: usize| {
        format!(r#""{name}":{{"dtype":"U8","shape":[{}],"data_offsets":[{from},{to}]}}"#, to - from)
    };
    let own = |name: &str, dtype: &str, shape: &str, len: usize| {
        format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[4,{}]}}"#, 4 + len)
    };
    let (whole, halves) = (vec![vec![1, 2, 3, 4]], vec![vec![1, 2], vec![3, 4]]);
    let one = array("a", 0, 4);
    let two = array("a", 0, 2) + "," + &array("b", 2, 4);
    let cases = [
        (&one, own("integrity", "U8", "[88]", 88), &whole, true),
        (&two, own("integrity", "U8", "[104]", 104), &halves, true),
        (&two, own("integrity", "U8", "[88]", 88), &whole, false),
        (&one, own("integrity", "U8", "[104]", 104), &halves, false),
        (&one, own("other", "U8", "[88]", 88), &whole, false),
        (&one, own("integrity", "I8", "[88]", 88), &whole, false),
        (&one, own("integrity", "U8", "[8,11]", 88), &whole, false),
    ];
    for (arrays, own, tensors, sound) in cases {
        let json = format!("{{{arrays},{own}}}");
        let opened = open(&Parts { json: json.clone().into_bytes(), tensors: tensors.clone() }.sealed());
        assert_eq!(opened.is_ok(), sound, "{json} {opened:?}");
    }
}

#[test]
fn a_string_that_claims_to_be_longer_than_its_section_costs_nothing() {
    for claim in [1_u64 << 19, 1 << 22, 1 << 26, 1 << 40, u64::MAX] {
        let section = Section::required("s", 1, &claim).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write(&path, &Snapshot { sections: &[section], ..Snapshot::default() }).unwrap();
        let checkpoint = Checkpoint::open(&path).unwrap();
        let peak = peak_of(|| {
            assert!(checkpoint.section::<String>("s", 1).is_err());
            assert!(checkpoint.section::<Vec<u64>>("s", 1).is_err());
            assert!(checkpoint.section::<BTreeMap<String, String>>("s", 1).is_err());
        });
        assert!(peak <= 2 << 20, "{peak} bytes for a claim of {claim}");
    }
}

type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

fn tensors() -> impl Strategy<Value = Tensors> {
    let dtype =
        prop_oneof![Just(Dtype::U8), Just(Dtype::U32), Just(Dtype::F32), Just(Dtype::I64), Just(Dtype::F64)];
    let tensor =
        (dtype, prop::collection::vec(0..5_usize, 0..4), any::<u64>()).prop_map(|(dtype, shape, seed)| {
            let len = shape.iter().product::<usize>() * dtype.size();
            let mut random = Random(seed | 1);
            (dtype, shape, (0..len).map(|_| random.below(256) as u8).collect::<Vec<u8>>())
        });
    let name = prop_oneof![any::<String>(), "[a-z.0-9]{1,20}"];
    let name = name.prop_filter("a name that is not reserved", |name| {
        !name.is_empty() && !name.starts_with("state.") && name != "__metadata__" && name != "integrity"
    });
    prop::collection::btree_map(name, tensor, 0..12)
}

/// The array of these bytes.
fn with_array<T>(tensors: &Tensors, work: impl FnOnce(&[Array<'_>]) -> T) -> T {
    enum Numbers {
        U32(Vec<u32>),
        F32(Vec<f32>),
        I64(Vec<i64>),
        F64(Vec<f64>),
        U8(Vec<u8>),
    }
    let numbers: Vec<Numbers> = tensors
        .values()
        .map(|(dtype, _, bytes)| match dtype {
            Dtype::U32 => Numbers::U32(bytes.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b)).collect()),
            Dtype::F32 => Numbers::F32(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()),
            Dtype::I64 => Numbers::I64(bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect()),
            Dtype::F64 => Numbers::F64(bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect()),
            _ => Numbers::U8(bytes.clone()),
        })
        .collect();
    let arrays: Vec<Array<'_>> = tensors
        .iter()
        .zip(&numbers)
        .map(|((name, (_, shape, _)), numbers)| match numbers {
            Numbers::U32(values) => Array::u32(name.as_str(), shape, values),
            Numbers::F32(values) => Array::f32(name.as_str(), shape, values),
            Numbers::I64(values) => Array::i64(name.as_str(), shape, values),
            Numbers::F64(values) => Array::f64(name.as_str(), shape, values),
            Numbers::U8(values) => Array::u8(name.as_str(), shape, values),
        })
        .collect();
    work(&arrays)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_safetensors_crate_reads_every_file_of_ours(tensors in tensors(), plain in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        with_array(&tensors, |arrays| {
            if plain {
                export(&path, arrays, &[("k", "v")]).unwrap();
            } else {
                write(&path, &Snapshot { arrays, ..Snapshot::default() }).unwrap();
            }
        });
        let bytes = std::fs::read(&path).unwrap();
        let theirs = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        prop_assert_eq!(theirs.len(), tensors.len() + usize::from(!plain));
        for (name, (dtype, shape, bytes)) in &tensors {
            let tensor = theirs.tensor(name).unwrap();
            prop_assert_eq!(format!("{:?}", tensor.dtype()), dtype.to_string());
            prop_assert_eq!(tensor.shape(), shape.as_slice());
            prop_assert_eq!(tensor.data(), bytes.as_slice());
        }
        if !plain {
            let ours = open(&bytes).unwrap();
            for (name, (dtype, shape, bytes)) in &tensors {
                let array = ours.array(name).unwrap();
                prop_assert_eq!((array.dtype(), array.shape(), array.bytes()), (*dtype, shape.as_slice(), bytes.as_slice()));
            }
        }
    }

    #[test]
    fn every_file_of_the_safetensors_crate_can_be_imported(tensors in tensors(), note in any::<Option<String>>()) {
        let theirs = |dtype: Dtype| match dtype {
            Dtype::U32 => safetensors::Dtype::U32,
            Dtype::F32 => safetensors::Dtype::F32,
            Dtype::I64 => safetensors::Dtype::I64,
            Dtype::F64 => safetensors::Dtype::F64,
            _ => safetensors::Dtype::U8,
        };
        let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
            (name, safetensors::tensor::TensorView::new(theirs(*dtype), shape.clone(), bytes).unwrap())
        });
        let metadata = note.map(|note| std::collections::HashMap::from([("note".to_owned(), note)]));
        let bytes = safetensors::serialize(views, metadata).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let imported = Checkpoint::import(&path).unwrap();
        prop_assert_eq!(imported.arrays().count(), tensors.len());
        for (name, (dtype, shape, bytes)) in &tensors {
            let array = imported.array(name).unwrap();
            prop_assert_eq!((array.dtype(), array.shape(), array.bytes()), (*dtype, shape.as_slice(), bytes.as_slice()));
        }
    }
}
