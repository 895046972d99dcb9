//! Damaged files: all of them are refused, and the damaged part is named.

use std::ops::Range;

use highwater_checkpoint::{Array, Error, Part, Section, Snapshot};

use crate::one_file::{open, verify};

/// A small checkpoint with a part of every kind, and where its parts are.
fn example(seed: u8) -> (Vec<u8>, Vec<(Part, Range<u64>)>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("example.safetensors");
    let weights: Vec<f32> = (0..24).map(|i| (i + i32::from(seed)) as f32 * 0.25 - 1.0).collect();
    let mask = [1, 0, seed];
    let snapshot = Snapshot {
        step: 7,
        epoch: 1,
        score: Some(0.125),
        elapsed: Some(std::time::Duration::from_millis(1500)),
        arrays: &[
            Array::f32("model.weight", &[4, 6], &weights),
            Array::f64("model.scale", &[], &[2.5]),
            Array::u8("mask", &[3], &mask),
            Array::i64("empty", &[0, 5], &[]),
        ],
        sections: &[
            Section::required("history", 3, &vec![(1_u64, 0.5_f64)]).unwrap(),
            Section::optional("note", 1, &"text").unwrap(),
        ],
        labels: &[("commit", "1a2b3c")],
    };
    highwater_checkpoint::write(&path, &snapshot).unwrap();
    let bytes = std::fs::read(&path).unwrap();

    let header_len = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap());
    let (_, parsed) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let mut parts = vec![(Part::Header, 0..header_len)];
    for (name, info) in parsed.tensors() {
        let (start, end) = info.data_offsets;
        let part = if name == "integrity" { Part::Integrity } else { Part::Tensor(name) };
        parts.push((part, header_len + start as u64..header_len + end as u64));
    }
    assert_eq!(parts.iter().map(|(_, range)| range.end - range.start).sum::<u64>(), bytes.len() as u64);
    (bytes, parts)
}

#[test]
fn every_flipped_bit_of_every_byte_is_found_and_its_part_named() {
    let (bytes, parts) = example(0);
    assert!(open(&bytes).is_ok());
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let at = (bit / 8) as u64;
        let (part, range) = parts.iter().find(|(_, range)| range.contains(&at)).unwrap();
        for error in [open(&flipped).err(), verify(&flipped).err()] {
            match error {
                Some(Error::Damaged { damage, .. }) => {
                    assert_eq!(damage.len(), 1, "bit {bit}: {damage:?}");
                    assert_eq!((&damage[0].part, &damage[0].range), (part, range), "bit {bit}");
                }
                other => panic!("bit {bit} in {part}: {other:?}"),
            }
        }
    }
    println!("flipped bits: {0} of {0} found and named", bytes.len() * 8);
}

#[test]
fn all_damaged_tensors_are_named_not_just_the_first() {
    let (mut bytes, parts) = example(0);
    let tensors: Vec<_> =
        parts.iter().filter(|(part, r)| matches!(part, Part::Tensor(_)) && !r.is_empty()).collect();
    for (_, range) in &tensors {
        bytes[range.start as usize] ^= 1;
    }
    let Err(Error::Damaged { damage, .. }) = verify(&bytes) else { panic!("not found") };
    assert_eq!(damage.len(), tensors.len());
    assert_eq!(tensors.len(), 5);
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let (bytes, parts) = example(0);
    let header_len = parts[0].1.end as usize;
    for len in 0..bytes.len() {
        let error = open(&bytes[..len]).unwrap_err();
        match error {
            Error::Damaged { damage, .. } => assert_eq!(damage[0].part, Part::Length, "{len} bytes"),
            Error::NotACheckpoint { .. } => assert!(len < 8, "{len} bytes, header of {header_len}"),
            other => panic!("{len} bytes: {other}"),
        }
        assert!(verify(&bytes[..len]).is_err());
    }
    println!("truncations: {0} of {0} refused", bytes.len());
}

#[test]
fn a_file_that_grew_is_refused() {
    let (bytes, _) = example(0);
    let mut refused = 0;
    for fill in [0, b' ', 0xff] {
        for extra in (1..=600).chain([4096]) {
            let mut longer = bytes.clone();
            longer.resize(bytes.len() + extra, fill);
            let Err(Error::Damaged { damage, .. }) = open(&longer) else { panic!("{extra} bytes more") };
            assert_eq!(damage[0].part, Part::Length);
            refused += 1;
        }
    }
    let twice = [bytes.clone(), bytes].concat();
    assert!(open(&twice).is_err());
    println!("extensions: {0} of {0} refused", refused + 1);
}

#[test]
fn a_mixture_of_two_files_is_refused() {
    let ((a, _), (b, _)) = (example(0), example(1));
    assert_eq!(a.len(), b.len());
    let mut refused = 0;
    for cut in 1..a.len() {
        let mixed = [&a[..cut], &b[cut..]].concat();
        if mixed != a && mixed != b {
            assert!(open(&mixed).is_err(), "cut at {cut}");
            refused += 1;
        }
    }
    for block in 0..a.len() / 64 {
        let mut mixed = a.clone();
        mixed[block * 64..][..64].copy_from_slice(&b[block * 64..][..64]);
        assert!(mixed == a || open(&mixed).is_err(), "block {block}");
        let mut zeroed = a.clone();
        zeroed[block * 64..][..64].fill(0);
        assert!(open(&zeroed).is_err(), "block {block}");
        refused += 1;
    }
    println!("mixtures: {refused} of {refused} refused");
}

#[test]
fn other_files_are_not_called_damaged() {
    let tensor = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1], &[0; 4]).unwrap();
    let foreign = safetensors::serialize([("a", tensor)], None).unwrap();
    // Its last bytes speak of an `integrity` that is longer than all of it.
    let too_long = [&[0; 56][..], &88_u64.to_le_bytes(), &[0; 16]].concat();
    let cases: [(&[u8], &str); 6] = [
        (b"", "0 bytes"),
        (b"PK\x03\x04 a zip, certainly not what is asked for", "no safetensors header: torch.save writes"),
        (&[0; 4096], "does not begin with `{`"),
        (&too_long, "does not begin with `{`"),
        (&foreign, "without an `integrity` tensor"),
        (b"\x02\0\0\0\0\0\0\0{}", "without an `integrity` tensor"),
    ];
    for (bytes, expected) in cases {
        let error = open(bytes).unwrap_err();
        assert!(matches!(error, Error::NotACheckpoint { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}
