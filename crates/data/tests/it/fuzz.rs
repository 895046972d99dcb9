//! Real files of every format, changed at random: whatever is in a file, reading and preparing it ends with numbers or with
//! an error that names the file, and never with a panic.
//!
//! To look further: `HIGHWATER_FUZZ_SECONDS=600 cargo test --release -p highwater-data --test it fuzz -- --nocapture`.

use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use highwater_data::{
    Dialect, Fractions, Kind, Preparation, Recipe, SplitBy, Table, TableReader, Task, folds, split_rows,
};

/// What stands in tables and is easily misread.
const WORDS: [&[u8]; 40] = [
    b",",
    b";",
    b"\t",
    b"|",
    b" ",
    b"\n",
    b"\r\n",
    b"\r",
    b"\"",
    b"\"\"",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\0end",
    b"?",
    b"NA",
    b"",
    b"nan",
    b"inf",
    b"-inf",
    b"1e999",
    b"1e39",
    b"-3.4e38",
    b"1e-320",
    b"1,5",
    b"1.234,5",
    b"1,234.5",
    b"99999999999999999999",
    b"-0",
    b"yes",
    b"no",
    b"true",
    b"2026-11-23",
    b"2026-02-30",
    b"31.12.9999",
    b"11/23/2026",
    b"25:61",
    b"9999-12-31T23:59:60Z",
    "é".as_bytes(),
    b"some words with blanks",
];

/// A number from a seed that goes on.
struct Random(u64);

impl Random {
    /// Below `end`.
    fn below(&mut self, end: usize) -> usize {
        // SplitMix64 (Steele, Lea & Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn word(&mut self) -> &'static [u8] {
        WORDS[self.below(WORDS.len())]
    }
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// Sound files, small ones, as changes in large ones are lost.
fn seeds() -> Vec<Vec<u8>> {
    let iris = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/iris.csv"))
        .expect("a file of the repository");
    let short: Vec<u8> = iris.split_inclusive(|byte| *byte == b'\n').step_by(9).flatten().copied().collect();
    let people = "\u{feff}id,height,town,joined,answer\r\np1,150,\"north, or so\",2026-01-05,yes\r\n\
                  p2,NA,south,2026-02-06,no\r\n\r\np3,\"1,170.5\",\"say \"\"no\"\"\",2026-03-07,yes\r\n\
                  p4,151,south,,no\r\np5,180,east,2026-05-09,yes\r\np6,181,south,2026-05-10,no\r\n";
    let european = "größe;seit;klasse\n1,5;23.11.2026;a\n1.234,5;24.11.2026;b\n2,25;?;a\n3;26.11.2026;b\n";
    let raw = "2 1 530101 38.50 66 ?\n1 1  534817 39.2 88 3\n2 2 530334 38.3 ? 1\n1 9 5290409 39.1 164 ?\n";
    let tabs = "a\tb\tc\n1\t08:15\ttrue\n2\t14:30\tfalse\n3\t23:59\ttrue\n4\t00:00\tfalse\n";
    let mut array =
        b"\x93NUMPY\x01\0\x46\0{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }".to_vec();
    array.resize(79, b' ');
    array.push(b'\n');
    array.extend([0.5_f32, 1.0, -2.0, 1.0, 3e38, 0.0].iter().flat_map(|value| value.to_le_bytes()));
    let images =
        [&[0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2][..], &[0, 1, 2, 3, 250, 5, 6, 7]].concat();
    let texts = [(people, 1), (european, 1), (raw, 0), (tabs, 1)].map(|(text, header)| {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        (lines[..header].concat() + &lines[header..].concat().repeat(5)).into_bytes()
    });
    let mut seeds = vec![zipped(&short), short, zipped(&images), images, array];
    seeds.extend(texts);
    seeds
}

/// Changes a file in a few places.
fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(24)).min(bytes.len());
        match random.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 => drop(bytes.splice(at..at, random.word().iter().copied())),
            2 => drop(bytes.splice(at..end, random.word().iter().copied())),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let again = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                drop(bytes.splice(to..to, again));
            }
            5 if random.one_in(4) => bytes.truncate(at),
            // A field is replaced by a word.
            _ => {
                let ends = |byte: &u8| b",;\t|\n ".contains(byte);
                let from = bytes[..at].iter().rposition(ends).map_or(0, |place| place + 1);
                let to = bytes[at..].iter().position(ends).map_or(bytes.len(), |place| at + place);
                drop(bytes.splice(from..to, random.word().iter().copied()));
            }
        }
    }
}

/// Reads a file and makes of it all that can be made. Returns what came of it.
fn use_all_of(path: &Path, random: &mut Random) -> String {
    let mut dialect = Dialect::default();
    if random.one_in(4) {
        dialect.skip_lines = random.below(3) as u64;
        dialect.header = [None, Some(true), Some(false)][random.below(3)];
        dialect.decimal_comma = [None, Some(true), Some(false)][random.below(3)];
        dialect.names = ["p", "q", "r"][..random.below(4)].iter().map(|name| (*name).to_owned()).collect();
    }
    let named = |error: highwater_data::Error| {
        let text = error.to_string();
        assert!(text.contains("fuzzed"), "a message without the file: {text}");
        let kind = format!("{error:?}");
        kind.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
    };
    let table = match Table::read(path, &dialect) {
        Ok(table) => table,
        Err(error) => return named(error),
    };
    // Piece by piece it holds the same.
    let mut reader = TableReader::open(path, &dialect).expect("it was read");
    let mut first = 0;
    while let Some(part) = reader.next_rows(1 + random.below(3)).expect("it was read") {
        for (column, whole) in part.columns().iter().zip(table.columns()) {
            assert!((0..part.rows()).all(|row| column.get(row) == whole.get(first + row)));
        }
        first += part.rows();
    }
    assert_eq!(first, table.rows());

    let target = table.columns()[random.below(table.columns().len())].name().to_owned();
    let told = Task::infer(&table, &target);
    let task = if random.one_in(4) { Ok(Task::Regression) } else { told };
    let task = match task {
        Ok(task) => task,
        Err(error) => return named(error),
    };
    let rows = match table.rows_with(std::slice::from_ref(&target)) {
        Ok(rows) => rows,
        Err(error) => return named(error),
    };
    let kinds = Kind::of_columns(&table, &rows);
    assert_eq!(kinds.len(), table.columns().len());
    let classes = (task == Task::Classification).then_some(&target[..]);
    let column = table.columns()[random.below(table.columns().len())].name().to_owned();
    let by = [SplitBy::Class, SplitBy::Random, SplitBy::Group(column.clone()), SplitBy::Time(column)];
    let by = &by[random.below(4)];
    _ = folds(&table, &rows, classes, by, 2, 1).map_err(named);
    let split = match split_rows(&table, &rows, classes, by, &BTreeMap::new(), Fractions::default(), 1) {
        Ok(split) => split,
        Err(error) => return named(error),
    };
    let mut recipe = Recipe::new(target, task);
    recipe.indicators = random.one_in(2);
    recipe.one_hot = [64, 1][random.below(2)];
    let preparation = match Preparation::fit_recipe(&table, &split.train, &recipe) {
        Ok(preparation) => preparation,
        Err(error) => return named(error),
    };
    for rows in [&split.train, &split.validation, &split.test] {
        match preparation.dataset(&table, rows) {
            Ok(data) => {
                let all: Vec<u32> = (0..data.rows() as u32).collect();
                let mut buffer = highwater_data::BatchBuffer::new();
                let finite = all.chunks(5).all(|rows| {
                    buffer.gather(&data, rows).features.iter().all(|value: &f32| value.is_finite())
                });
                assert!(finite, "an input that is not finite");
            }
            Err(error) => return named(error),
        }
    }
    "prepared".to_owned()
}

#[test]
fn files_changed_at_random_are_prepared_or_refused_by_name() {
    let seconds = std::env::var("HIGHWATER_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fuzzed");
    let seeds = seeds();
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    let mut number = 0;
    while end.map_or(number < 3_000, |end| Instant::now() < end) {
        number += 1;
        // Runs for long begin where the short ones end.
        let mut random = Random(number + if end.is_some() { 1 << 32 } else { 0 });
        let mut bytes = seeds[random.below(seeds.len())].clone();
        if random.one_in(5) {
            let other = &seeds[random.below(seeds.len())];
            bytes.extend_from_slice(&other[random.below(other.len())..]);
        }
        change(&mut bytes, &mut random);
        if random.one_in(16) {
            bytes = zipped(&bytes);
        }
        std::fs::write(&path, &bytes).unwrap();
        let outcome = catch_unwind(AssertUnwindSafe(|| use_all_of(&path, &mut random)));
        let Ok(outcome) = outcome else { panic!("file {number}: {:?}", String::from_utf8_lossy(&bytes)) };
        *outcomes.entry(outcome).or_default() += 1;
    }
    println!("{number} files");
    for (outcome, count) in &outcomes {
        println!("{count:9} {outcome}");
    }
    let prepared = outcomes.get("prepared").copied().unwrap_or_default();
    assert!(prepared > number / 25 && outcomes.len() > 12, "the changes try too little: {outcomes:?}");
}
