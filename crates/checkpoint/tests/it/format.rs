//! What is written is what is read, by this crate and by others.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use highwater_checkpoint::{
    Array, Change, Checkpoint, Diff, Dtype, Error, Section, Snapshot, export, verify, write,
};

fn written(snapshot: &Snapshot<'_>) -> (Vec<u8>, Checkpoint) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file.safetensors");
    let len = write(&path, snapshot).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len() as u64, len);
    assert_eq!(verify(&path).unwrap().bytes, len);
    (bytes, Checkpoint::open(&path).unwrap())
}

#[test]
fn arrays_come_back_bit_for_bit() {
    let f32s = [1.0, -0.0, f32::NAN, f32::INFINITY, f32::MIN_POSITIVE / 2.0, f32::from_bits(0x7fc0_1234)];
    let f64s = [f64::MAX, -0.0, f64::from_bits(0x7ff8_0000_0000_0001)];
    let (_, checkpoint) = written(&Snapshot {
        arrays: &[
            Array::u8("bytes", &[5], &[0, 1, 2, 254, 255]),
            Array::f32("f32", &[2, 3], &f32s),
            Array::f64("f64", &[3, 1], &f64s),
            Array::i64("i64", &[2], &[i64::MIN, -1]),
            Array::u32("u32", &[], &[u32::MAX]),
            Array::f32("none", &[0, 9], &[]),
        ],
        ..Snapshot::default()
    });
    let bits =
        checkpoint.array("f32").unwrap().as_f32().unwrap().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits, f32s.map(f32::to_bits));
    let bits =
        checkpoint.array("f64").unwrap().as_f64().unwrap().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits, f64s.map(f64::to_bits));
    assert_eq!(checkpoint.array("f64").unwrap().name(), "f64");
    assert_eq!(checkpoint.array("f64").unwrap().shape(), [3, 1]);
    assert_eq!(&*checkpoint.array("i64").unwrap().as_i64().unwrap(), [i64::MIN, -1]);
    assert_eq!(&*checkpoint.array("u32").unwrap().as_u32().unwrap(), [u32::MAX]);
    assert_eq!(checkpoint.array("u32").unwrap().shape(), [0; 0]);
    assert_eq!(checkpoint.array("bytes").unwrap().as_u8().unwrap(), [0, 1, 2, 254, 255]);
    assert_eq!(checkpoint.array("none").unwrap().shape(), [0, 9]);
    let borrowed =
        matches!(checkpoint.array("f64").unwrap().as_f64().unwrap(), std::borrow::Cow::Borrowed(_));
    assert!(borrowed, "data of our own files are aligned");
    let names: Vec<&str> = checkpoint.arrays().map(|info| info.name()).collect();
    assert_eq!(names, ["f64", "i64", "f32", "none", "u32", "bytes"]);
}

#[test]
fn facts_come_back() {
    let (_, checkpoint) = written(&Snapshot {
        step: 12,
        epoch: 3,
        score: Some(0.1),
        elapsed: Some(Duration::from_nanos(1_000_000_001)),
        labels: &[("note", "größer\n\"quoted\""), ("step", "mine")],
        ..Snapshot::default()
    });
    let facts = checkpoint.facts();
    assert_eq!((facts.step, facts.epoch, facts.score), (12, 3, Some(0.1)));
    assert_eq!(facts.elapsed, Some(Duration::new(1, 1)));
    assert_eq!(facts.labels["note"], "größer\n\"quoted\"");
    assert_eq!(facts.labels["step"], "mine");
    assert!(facts.writer.starts_with("highwater-checkpoint "));
}

#[test]
fn asking_for_the_wrong_thing_is_answered_by_name() {
    let (_, checkpoint) = written(&Snapshot {
        arrays: &[Array::f32("w", &[1], &[1.0])],
        sections: &[Section::required("loop", 2, &7_u64).unwrap()],
        ..Snapshot::default()
    });
    let message = |error: Error| error.to_string().replace(&checkpoint.path().display().to_string(), "FILE");
    assert_eq!(message(checkpoint.array("b").unwrap_err()), "FILE: no array `b`; it has `w`");
    assert_eq!(message(checkpoint.array("integrity").unwrap_err()), "FILE: no array `integrity`; it has `w`");
    assert_eq!(
        message(checkpoint.array("state.loop").unwrap_err()),
        "FILE: no array `state.loop`; it has `w`"
    );
    let array = checkpoint.array("w").unwrap();
    assert_eq!(message(array.as_f64().unwrap_err()), "FILE: array `w` holds F32, not F64");
    assert_eq!(
        message(array.of_shape(&[1, 2]).unwrap_err()),
        "FILE: array `w` has the shape [1], not [1, 2]"
    );
    assert_eq!(*array.of_shape(&[1]).unwrap().as_f32().unwrap(), [1.0]);
    assert_eq!(
        message(checkpoint.section::<u64>("lop", 2).unwrap_err()),
        "FILE: no section `lop`; it has `loop`"
    );
    let error = message(checkpoint.section::<u64>("loop", 1).unwrap_err());
    assert!(
        error.starts_with("FILE: section `loop` has schema 2, this program reads up to 1; it was written by")
    );
    let error = message(checkpoint.section::<u64>("loop", 3).unwrap_err());
    assert!(error.starts_with("FILE: section `loop` has schema 2, this program reads 3; it was written by"));
    assert_eq!(
        message(checkpoint.section::<u32>("loop", 2).unwrap_err()),
        "FILE: section `loop`: 4 bytes left over; it was written from another type (one that changes needs \
         the next schema number), or from one that leaves fields out"
    );
    assert!(matches!(checkpoint.section::<String>("loop", 2), Err(Error::Section { .. })));
    assert_eq!(checkpoint.section::<u64>("loop", 2).unwrap(), 7);
}

#[test]
fn of_many_names_an_error_lists_the_first() {
    let (_, checkpoint) = written(&Snapshot::default());
    assert!(checkpoint.array("w").unwrap_err().to_string().ends_with("no array `w`; it has none"));
    let names: Vec<String> = (10..22).map(|at| format!("w{at}")).collect();
    let arrays: Vec<Array> = names.iter().map(|name| Array::u8(name, &[1], &[0])).collect();
    let (_, checkpoint) = written(&Snapshot { arrays: &arrays, ..Snapshot::default() });
    let error = checkpoint.array("w").unwrap_err().to_string();
    assert!(
        error.ends_with("it has `w10`, `w11`, `w12`, `w13`, `w14`, `w15`, `w16`, `w17` and 4 more"),
        "{error}"
    );
}

#[test]
fn unknown_sections_are_handed_on_or_refused() {
    let sections = [
        Section::optional("extra", 9, &"kept").unwrap(),
        Section::optional("history", 1, &1_u8).unwrap(),
        Section::required("rng", 4, &2_u8).unwrap(),
    ];
    let (_, checkpoint) = written(&Snapshot { sections: &sections, ..Snapshot::default() });
    assert_eq!(checkpoint.sections().collect::<Vec<_>>(), ["extra", "history", "rng"]);
    assert_eq!(checkpoint.unknown_sections(&["history", "rng"]).unwrap(), sections[..1]);
    let error = checkpoint.unknown_sections(&["history"]).unwrap_err().to_string();
    assert!(error.contains("section `rng` (schema 4) is required and unknown"), "{error}");
    assert_eq!((sections[0].name(), sections[0].schema(), sections[0].is_required()), ("extra", 9, false));
}

#[test]
fn the_same_state_gives_the_same_bytes_whatever_the_order_it_is_given_in() {
    let arrays =
        [Array::f32("b", &[1], &[1.0]), Array::f64("c", &[1], &[2.0]), Array::f32("a", &[1], &[3.0])];
    let sections = [Section::optional("y", 1, &1_u8).unwrap(), Section::optional("x", 1, &2_u8).unwrap()];
    let labels = [("k", "1"), ("j", "2")];
    let (mut arrays_back, mut sections_back, mut labels_back) = (arrays.clone(), sections.clone(), labels);
    arrays_back.reverse();
    sections_back.reverse();
    labels_back.reverse();
    let one =
        written(&Snapshot { arrays: &arrays, sections: &sections, labels: &labels, ..Snapshot::default() });
    let other = written(&Snapshot {
        arrays: &arrays_back,
        sections: &sections_back,
        labels: &labels_back,
        ..Snapshot::default()
    });
    assert_eq!(one.0, other.0);
}

#[test]
fn a_checkpoint_that_is_read_and_written_again_is_the_same_file() {
    let (bytes, checkpoint) = written(&Snapshot {
        step: 5,
        arrays: &[Array::f32("model.w", &[2], &[1.0, 2.0]), Array::u32("order", &[1], &[9])],
        sections: &[Section::optional("s", 2, &1_u64).unwrap()],
        labels: &[("a", "b")],
        ..Snapshot::default()
    });
    let views: Vec<_> = checkpoint.arrays().map(|info| checkpoint.array(info.name()).unwrap()).collect();
    let facts = checkpoint.facts();
    let labels: Vec<(&str, &str)> = facts.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let (again, _) = written(&Snapshot {
        step: facts.step,
        epoch: facts.epoch,
        score: facts.score,
        elapsed: facts.elapsed,
        arrays: &views.iter().map(|view| view.to_array()).collect::<Vec<_>>(),
        sections: &checkpoint.unknown_sections(&[]).unwrap(),
        labels: &labels,
    });
    assert_eq!(bytes, again);
}

#[test]
fn the_safetensors_crate_reads_what_we_write() {
    let (bytes, checkpoint) = written(&Snapshot {
        step: 1,
        arrays: &[
            Array::f32("model.0.weight", &[2, 2], &[1.0, 2.0, 3.0, 4.0]),
            Array::f64("é", &[], &[0.5]),
            Array::i64("i", &[1], &[-1]),
            Array::u32("u", &[1], &[1]),
            Array::u8("b", &[3], &[1, 2, 3]),
        ],
        sections: &[Section::optional("s", 1, &"x").unwrap()],
        ..Snapshot::default()
    });
    let theirs = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let metadata: BTreeMap<_, _> = metadata.metadata().clone().unwrap().into_iter().collect();
    assert_eq!(metadata["format"], "pt");
    assert_eq!(metadata["step"], "1");
    assert_eq!(theirs.len(), checkpoint.arrays().count() + 2);
    for info in checkpoint.arrays() {
        let (ours, theirs) = (checkpoint.array(info.name()).unwrap(), theirs.tensor(info.name()).unwrap());
        assert_eq!(ours.bytes(), theirs.data());
        assert_eq!(ours.shape(), theirs.shape());
        assert_eq!(ours.dtype().to_string(), format!("{:?}", theirs.dtype()));
    }
    assert_eq!(checkpoint.array("u").unwrap().dtype(), Dtype::U32);
}

#[cfg(unix)]
#[test]
fn a_file_has_the_mode_that_the_umask_allows() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (ours, plain) = (dir.path().join("ours"), dir.path().join("plain"));
    write(&ours, &Snapshot::default()).unwrap();
    std::fs::write(&plain, "").unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&plain));
}

#[test]
#[allow(unsafe_code)]
fn a_mapped_checkpoint_is_verified_tensor_by_tensor_when_it_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file.safetensors");
    let numbers: Vec<f32> = (0..1000).map(|i| i as f32).collect();
    let snapshot = Snapshot {
        step: 3,
        arrays: &[Array::f32("a", &[1000], &numbers), Array::f64("b", &[1], &[0.5])],
        sections: &[Section::required("s", 1, &"text").unwrap()],
        ..Snapshot::default()
    };
    write(&path, &snapshot).unwrap();
    // SAFETY: nobody else knows these files, here and below.
    let checkpoint = unsafe { Checkpoint::map(&path) }.unwrap();
    assert_eq!(checkpoint.facts().step, 3);
    assert_eq!(&*checkpoint.array("a").unwrap().as_f32().unwrap(), numbers);
    assert_eq!(checkpoint.section::<String>("s", 1).unwrap(), "text");
    checkpoint.verify().unwrap();
    let at = checkpoint.arrays().find(|info| info.name() == "a").unwrap().range().start as usize;
    drop(checkpoint);

    let mut bytes = std::fs::read(&path).unwrap();
    bytes[at + 40] ^= 4;
    let damaged = dir.path().join("damaged.safetensors");
    std::fs::write(&damaged, &bytes).unwrap();
    let checkpoint = unsafe { Checkpoint::map(&damaged) }.unwrap();
    assert_eq!(&*checkpoint.array("b").unwrap().as_f64().unwrap(), [0.5]);
    for _ in 0..2 {
        let error = checkpoint.array("a").unwrap_err();
        assert!(matches!(&error, Error::Damaged { damage, .. } if damage.len() == 1), "{error}");
    }
    assert!(checkpoint.verify().is_err());
    bytes[9] ^= 1;
    std::fs::write(&damaged, &bytes).unwrap();
    assert!(matches!(unsafe { Checkpoint::map(&damaged) }, Err(Error::Damaged { .. })));
}

#[test]
fn an_export_holds_the_arrays_and_nothing_else_and_can_be_imported() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    let arrays = [Array::f32("0.weight", &[2, 1], &[1.0, 2.0]), Array::f32("0.bias", &[2], &[0.1, 0.2])];
    export(&path, &arrays, &[("note", "exported")]).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let theirs = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(theirs.len(), 2);
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(metadata.metadata().as_ref().unwrap()["format"], "pt");
    assert_eq!(metadata.metadata().as_ref().unwrap()["note"], "exported");

    assert!(matches!(Checkpoint::open(&path), Err(Error::NotACheckpoint { .. })));
    let imported = Checkpoint::import(&path).unwrap();
    assert_eq!(&*imported.array("0.weight").unwrap().as_f32().unwrap(), [1.0, 2.0]);
    assert_eq!(imported.arrays().count(), 2);
    assert_eq!(imported.sections().count(), 0);
    for len in 0..bytes.len() {
        std::fs::write(&path, &bytes[..len]).unwrap();
        assert!(Checkpoint::import(&path).is_err(), "{len} bytes");
    }
}

#[test]
fn names_of_other_programs_arrays_are_not_taken_for_those_of_sections() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("foreign.safetensors");
    let bytes = 1.5_f32.to_le_bytes();
    let view = || safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1], &bytes).unwrap();
    let names = ["integrity", "out.weight", "state.weight"];
    std::fs::write(&file, safetensors::serialize(names.map(|name| (name, view())), None).unwrap()).unwrap();
    let foreign = Checkpoint::import(&file).unwrap();
    let mut found: Vec<&str> = foreign.arrays().map(|array| array.name()).collect();
    found.sort_unstable();
    assert_eq!(found, names);
    assert_eq!(&*foreign.array("state.weight").unwrap().as_f32().unwrap(), [1.5]);
    assert_eq!(foreign.sections().count(), 0);
}

#[test]
fn importing_a_damaged_checkpoint_does_not_get_around_its_hashes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file.safetensors");
    write(&path, &Snapshot { arrays: &[Array::f32("a", &[1], &[1.0])], ..Snapshot::default() }).unwrap();
    assert!(Checkpoint::import(&path).is_ok());
    let bytes = std::fs::read(&path).unwrap();
    for at in [8, bytes.len() / 2, bytes.len() - 1] {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        std::fs::write(&path, &flipped).unwrap();
        assert!(Checkpoint::import(&path).is_err(), "byte {at}");
    }
}

#[test]
fn large_checkpoints_are_read_by_several_threads_and_every_damage_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file.safetensors");
    let numbers: Vec<f64> = (0..300_000).map(|i| f64::from(i).sqrt()).collect();
    let names: Vec<String> = (0..9).map(|i| format!("t{i}")).collect();
    let arrays: Vec<Array<'_>> = names
        .iter()
        .enumerate()
        .map(|(i, name)| Array::f64(name.as_str(), &[300_000 - i], &numbers[i..]))
        .collect();
    write(&path, &Snapshot { arrays: &arrays, ..Snapshot::default() }).unwrap();
    let checkpoint = Checkpoint::open(&path).unwrap();
    for (i, name) in names.iter().enumerate() {
        assert_eq!(&*checkpoint.array(name).unwrap().as_f64().unwrap(), &numbers[i..]);
    }
    assert_eq!(verify(&path).unwrap().tensors, 9);

    let ranges: Vec<_> = [1, 6].map(|i| checkpoint.arrays().nth(i).unwrap().range()).into();
    let mut bytes = std::fs::read(&path).unwrap();
    ranges.iter().for_each(|range| bytes[range.end as usize - 1] ^= 0x80);
    std::fs::write(&path, bytes).unwrap();
    for error in [Checkpoint::open(&path).unwrap_err(), verify(&path).unwrap_err()] {
        let Error::Damaged { damage, .. } = error else { panic!("{error}") };
        assert_eq!(damage.iter().map(|d| d.range.clone()).collect::<Vec<_>>(), ranges);
    }
}

#[test]
fn a_diff_names_what_changed_and_nothing_else() {
    let checkpoint = |a: f32, shape: &[usize], extra: bool, section: u64| {
        let numbers = [a, 2.0];
        let mut arrays = vec![Array::f32("a", &[2], &numbers), Array::u8("shape", shape, &[1, 2])];
        arrays.push(Array::u8(if extra { "new" } else { "old" }, &[], &[0]));
        let sections = [
            Section::required("changed", 1, &section).unwrap(),
            Section::required("same", 1, &1_u8).unwrap(),
            Section::required(if extra { "new" } else { "old" }, 1, &1_u8).unwrap(),
        ];
        written(&Snapshot { arrays: &arrays, sections: &sections, ..Snapshot::default() }).1
    };
    let (one, other) = (checkpoint(1.0, &[2], false, 5), checkpoint(1.5, &[1, 2], true, 6));
    let diff = Diff::between(&one, &other).unwrap();
    let expected = [
        ("a", Change::Numbers { elements: 1, largest: 0.5, ulps: 1 << 22, at: 0 }),
        ("new", Change::Added),
        ("old", Change::Removed),
        ("shape", Change::Reshaped { from: (Dtype::U8, vec![2]), to: (Dtype::U8, vec![1, 2]) }),
    ];
    assert_eq!(diff.arrays, expected.map(|(name, change)| (name.to_owned(), change)));
    let expected = [("changed", Change::Bytes), ("new", Change::Added), ("old", Change::Removed)];
    assert_eq!(diff.sections, expected.map(|(name, change)| (name.to_owned(), change)));
    for (other, is_same) in
        [(&one, true), (&checkpoint(1.5, &[2], false, 5), false), (&checkpoint(1.0, &[2], false, 6), false)]
    {
        assert_eq!(Diff::between(&one, other).unwrap().is_empty(), is_same);
    }
}
