//! A file of each format version that was released: it is read for ever. `v1.safetensors` was written by 0.1.0 from
//! [`with_golden`]; a new version adds a file of its own and leaves the old ones.

use std::path::Path;
use std::time::Duration;

use highwater_checkpoint::{Array, Checkpoint, Section, Snapshot, verify, write};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Loop {
    best: Option<(u64, f64)>,
    order: Vec<u32>,
    schedule: Schedule,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Schedule {
    Constant,
    Cosine { steps: u64, floor: f32 },
}

fn state() -> Loop {
    Loop {
        best: Some((17, 0.25)),
        order: vec![3, 1, 2],
        schedule: Schedule::Cosine { steps: 100, floor: 1e-3 },
    }
}

fn with_golden<T>(work: impl FnOnce(&Snapshot<'_>) -> T) -> T {
    let weight: Vec<f32> = (0..15).map(|i| i as f32 * 0.5 - 3.0).collect();
    work(&Snapshot {
        step: 1234,
        epoch: 5,
        score: Some(0.1),
        elapsed: Some(Duration::new(61, 7)),
        arrays: &[
            Array::f32("model.0.weight", &[3, 5], &weight),
            Array::f32("model.0.bias", &[3], &[f32::NAN, -0.0, f32::INFINITY]),
            Array::f64("optimizer.rate", &[], &[1e-300]),
            Array::i64("counts", &[2], &[i64::MIN, 42]),
            Array::u32("größe", &[1], &[u32::MAX]),
            Array::u8("mask", &[7], &[1, 0, 1, 0, 1, 0, 1]),
            Array::f64("empty", &[0, 4], &[]),
        ],
        sections: &[
            Section::required("loop", 3, &state()).unwrap(),
            Section::optional("note", 1, &"remembered").unwrap(),
        ],
        labels: &[("commit", "1a2b3c"), ("quote", "\"\\\u{1}")],
    })
}

fn path(version: u32) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/v{version}.safetensors"))
}

#[test]
fn a_file_of_version_1_is_read() {
    assert_eq!(verify(path(1)).unwrap().tensors, 9);
    let golden = Checkpoint::open(path(1)).unwrap();
    let facts = golden.facts();
    assert_eq!((facts.step, facts.epoch, facts.score), (1234, 5, Some(0.1)));
    assert_eq!(facts.elapsed, Some(Duration::new(61, 7)));
    assert_eq!(facts.writer, "highwater-checkpoint 0.1.0");
    assert_eq!((facts.labels["commit"].as_str(), facts.labels["quote"].as_str()), ("1a2b3c", "\"\\\u{1}"));
    assert_eq!(golden.section::<Loop>("loop", 3).unwrap(), state());
    assert_eq!(golden.section::<String>("note", 1).unwrap(), "remembered");
    with_golden(|snapshot| {
        assert_eq!(golden.arrays().count(), snapshot.arrays.len());
        for array in snapshot.arrays {
            let found = golden.array(array.name()).unwrap();
            assert_eq!((found.shape(), found.bytes()), (array.shape(), array.bytes()), "{}", array.name());
        }
    });
}

#[test]
fn the_same_state_is_still_written_as_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file.safetensors");
    with_golden(|snapshot| write(&file, snapshot).unwrap());
    let (written, golden) = (std::fs::read(&file).unwrap(), std::fs::read(path(1)).unwrap());
    // Hashes and the name of the writer apart, which follow from its version.
    let header = |bytes: &[u8]| {
        let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let text = String::from_utf8(bytes[8..8 + len].to_vec()).unwrap();
        text.trim_end().replace(
            concat!("highwater-checkpoint ", env!("CARGO_PKG_VERSION")),
            "highwater-checkpoint 0.1.0",
        )
    };
    assert_eq!(header(&written), header(&golden));
    let hashes = 72 + 16 * 9;
    let data = |bytes: &[u8]| {
        let start = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        bytes[start..bytes.len() - hashes].to_vec()
    };
    assert_eq!(data(&written), data(&golden));
}
