//! Tables in scratch files.

use crate::run::{Said, assert_same, highwater, model};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Runs a command line in a folder, which must succeed.
#[track_caller]
fn done(dir: &Path, command: &str) -> Said {
    let said = Said::of(highwater(command.split_whitespace()).current_dir(dir).output().unwrap());
    assert_eq!(said.code, Some(0), "{command}: {said:#?}");
    said
}

/// More rows than a block has, of every kind of column, with gaps, quotes and line breaks inside.
fn untidy(rows: usize) -> String {
    let mut text = "number,town,day,flag,street,note,answer\n".to_owned();
    for row in 0..rows {
        let number = if row % 13 == 5 { "NA".to_owned() } else { (row * 37 % 101).to_string() };
        let town = ["north", "south, west", "", "äöü"][row % 4];
        let flag = ["yes", "no"][row / 3 % 2];
        let (month, day, street) = (1 + row % 12, 1 + row % 28, row * 7919 % 151);
        let answer = ["a", "b", "c"][(row * 37 % 101 / 40 + row % 4 / 2) % 3];
        let line = format!("{number},\"{town}\",2026-{month:02}-{day:02},{flag},s{street},");
        _ = writeln!(text, "{line}\"a note\nof {row} words\",{answer}");
    }
    text
}

#[test]
fn a_table_on_disk_gives_the_same_bits_as_one_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("t.csv"), untidy(17_000)).unwrap();
    fs::write(dir.path().join("later.csv"), untidy(300)).unwrap();
    let command =
        "train --data t.csv --test later.csv --target answer --hidden 8 --epochs 2 --batch-size 512";
    let before = fs::read_dir(dir.path()).unwrap().count();
    let on_disk = done(dir.path(), &format!("{command} --out runs/disk --on-disk yes"));
    assert!(on_disk.err.contains("on disk: the table is in scratch files in"), "{}", on_disk.err);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), before + 1, "no scratch file is left");
    let in_memory = done(dir.path(), &format!("{command} --out runs/memory --on-disk no"));
    assert!(!in_memory.err.contains("on disk"), "{}", in_memory.err);
    assert_same(&dir.path().join("runs/disk"), &dir.path().join("runs/memory"));

    for command in ["evaluate RUN --json", "evaluate RUN --split validation", "evaluate RUN --data later.csv"]
    {
        let of = |run: &str| done(dir.path(), &command.replace("RUN", run)).out;
        assert_eq!(of("runs/disk"), of("runs/memory"), "{command}");
    }
    for run in ["runs/disk", "runs/memory"] {
        done(dir.path(), &format!("resume {run} --epochs 3"));
    }
    assert_eq!(model(&dir.path().join("runs/disk")), model(&dir.path().join("runs/memory")));
    let folds = "train --data t.csv --target answer --hidden 4 --epochs 1 --batch-size 512 --folds 2 --json";
    let of = |on_disk: &str| done(dir.path(), &format!("{folds} --on-disk {on_disk}")).out;
    assert_eq!(of("yes"), of("no"));
}
