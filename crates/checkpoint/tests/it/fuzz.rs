//! Header, integrity and sections, changed at random under hashes that hold: the reader neither crashes, nor hangs, nor
//! takes more memory than four times the file.
//!
//! What gave a new outcome is kept, as a file, in `tests/corpus`; each test run reads all of them. To look further:
//! `HIGHWATER_FUZZ_SECONDS=600 cargo test --release -p highwater-checkpoint --test it fuzz -- --nocapture` adds to them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use twox_hash::{XxHash3_64, XxHash3_128};

use crate::hostile::{Choice, Everything, FIXED, Parts, Random, example, peak_of};
use crate::one_file::{open, verify};

/// The part that is changed; the rest of the file stays right.
#[derive(Clone, Copy, Debug)]
enum Target {
    Header,
    Integrity,
    Sections,
}

/// Files that are kept of each target, at most.
const KEPT: usize = 64;

const TARGETS: [Target; 3] = [Target::Header, Target::Integrity, Target::Sections];

impl Target {
    fn folder(self) -> PathBuf {
        let name = format!("{self:?}").to_lowercase();
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus")).join(name)
    }

    /// The part in a file that nobody changed.
    fn seeds(self, original: &Parts) -> Vec<Vec<u8>> {
        match self {
            Target::Header => vec![original.json.clone()],
            Target::Integrity => vec![own(&original.sealed(), original.tensors.len())],
            Target::Sections => original.tensors[original.tensors.len() - 2..].to_vec(),
        }
    }

    /// A file with the part as it is now, every hash right.
    fn file(self, original: &Parts, part: &[u8]) -> Vec<u8> {
        match self {
            Target::Header => Parts { json: part.to_vec(), tensors: original.tensors.clone() }.sealed(),
            Target::Integrity => {
                let mut bytes = original.sealed();
                bytes.truncate(bytes.len() - 72 - 16 * original.tensors.len());
                bytes.extend_from_slice(part);
                bytes.extend_from_slice(&XxHash3_128::oneshot(part).to_be_bytes());
                bytes
            }
            Target::Sections => {
                let n = part.len();
                let json = format!(
                    r#"{{"state.s":{{"dtype":"U8","shape":[{n}],"data_offsets":[0,{n}]}},"integrity":{{"dtype":"U8","shape":[88],"data_offsets":[{n},{}]}}}}"#,
                    n + 88
                );
                Parts { json: json.into_bytes(), tensors: vec![part.to_vec()] }.sealed()
            }
        }
    }
}

/// The integrity tensor of a file, without its own hash.
fn own(bytes: &[u8], tensors: usize) -> Vec<u8> {
    bytes[bytes.len() - 72 - 16 * tensors..bytes.len() - 16].to_vec()
}

/// Opens a file and asks it for everything. Returns what happened, without numbers and names, and whether it opened.
fn use_all_of(bytes: &[u8]) -> (String, bool) {
    let checkpoint = match open(bytes) {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            assert!(verify(bytes).is_err());
            return (gist(&error.to_string()), false);
        }
    };
    for info in checkpoint.arrays() {
        let array = checkpoint.array(info.name()).unwrap();
        assert_eq!(array.bytes().len(), array.shape().iter().product::<usize>() * array.dtype().size());
    }
    let mut outcome = String::from("opened");
    let mut note = |result: Result<(), highwater_checkpoint::Error>| {
        outcome += &result.map_or_else(|error| gist(&error.to_string()), |()| "; ok".to_owned());
    };
    for name in checkpoint.sections() {
        note(checkpoint.section::<Everything>(name, 1).map(drop));
        note(checkpoint.section::<Vec<Choice>>(name, 1).map(drop));
        note(checkpoint.section::<Vec<String>>(name, 1).map(drop));
    }
    note(checkpoint.unknown_sections(&[]).map(drop));
    (outcome, true)
}

/// An error without what differs from file to file.
fn gist(error: &str) -> String {
    let outside = error.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let word = |word: &&str| word.chars().all(|c| c.is_ascii_alphabetic());
    let words: Vec<&str> = outside.split([' ', ':', ';', ',', '(', ')']).filter(word).take(12).collect();
    words.join(" ")
}

/// As [`use_all_of`], within memory of four times the file.
fn bounded(bytes: &[u8]) -> (String, bool, usize) {
    let mut result = (String::new(), false);
    // `OneFile` copies the file each time it is opened.
    let peak = peak_of(|| result = use_all_of(bytes)).saturating_sub(bytes.len());
    assert!(peak <= 4 * bytes.len() + FIXED, "{peak} bytes of memory for {} bytes of file", bytes.len());
    (result.0, result.1, peak)
}

#[test]
fn every_file_that_was_found_before_is_still_handled() {
    let mut counts = BTreeMap::new();
    for target in TARGETS {
        let mut outcomes = BTreeMap::new();
        for entry in fs::read_dir(target.folder()).unwrap() {
            let path = entry.unwrap().path();
            let (outcome, ..) = bounded(&fs::read(&path).unwrap());
            *outcomes.entry(outcome).or_insert(0) += 1;
        }
        counts.insert(format!("{target:?}"), (outcomes.values().sum::<usize>(), outcomes.len()));
    }
    println!("fuzz corpus: (files, different outcomes) {counts:?}");
    assert!(counts.values().all(|(files, outcomes)| *files >= 10 && *outcomes >= 5), "{counts:?}");
}

#[test]
fn a_file_whose_hashes_hold_and_whose_contents_lie_neither_crashes_nor_exhausts_the_reader() {
    let original = Parts::of(&example());
    let seconds = std::env::var("HIGHWATER_FUZZ_SECONDS").ok().map(|s| s.parse().unwrap());
    let limit = seconds.map(Duration::from_secs);
    let (start, mut random) = (Instant::now(), Random(0x9e37_79b9_7f4a_7c15));
    if limit.is_some() {
        // Another way each time.
        random.0 ^= u64::from(std::process::id()) << 32;
    }
    for target in TARGETS {
        let (mut parts, mut known) = (target.seeds(&original), BTreeMap::new());
        let seeds = parts.len();
        assert!(parts.iter().all(|part| use_all_of(&target.file(&original, part)).1), "{target:?}");
        let (begun, share) = (start.elapsed(), limit.map(|limit| limit / 3));
        let (mut files, mut opened, mut worst) = (0_u64, 0_u64, 0.0_f64);
        while share.map_or(files < 10_000, |share| start.elapsed() - begun < share) {
            // Half of them from the beginning, half from what opened in a new way before.
            let begin = if random.below(2) == 0 { seeds } else { parts.len() };
            let mut part = parts[random.below(begin)].clone();
            (0..=random.below(3)).for_each(|_| random.change(&mut part));
            part.truncate(2 << 10);
            let bytes = target.file(&original, &part);
            let (outcome, ok, peak) = bounded(&bytes);
            worst = worst.max(peak as f64 / (bytes.len() + FIXED) as f64);
            files += 1;
            opened += u64::from(ok);
            let outcomes = known.len();
            known.entry(outcome).or_insert_with_key(|outcome| {
                if ok {
                    parts.push(part);
                }
                if limit.is_some() {
                    let name = format!("{:016x}.safetensors", XxHash3_64::oneshot(outcome.as_bytes()));
                    let path = target.folder().join(name);
                    fs::create_dir_all(target.folder()).unwrap();
                    if fs::read_dir(target.folder()).unwrap().count() < KEPT && !path.exists() {
                        fs::write(path, &bytes).unwrap();
                    }
                }
                outcomes
            });
        }
        assert!(
            matches!(target, Target::Integrity) || opened > files / 50,
            "the changes get past the hashes"
        );
        println!(
            "fuzz {target:?}: {files} files, {opened} of them opened, {} different outcomes; memory at most {worst:.2} × \
             (file + {FIXED})",
            known.len()
        );
    }
}
