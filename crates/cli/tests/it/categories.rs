//! Categories with more names than there can be inputs.

use crate::run::{Said, highwater};
use safetensors::SafeTensors;
use std::fs;
use std::path::Path;

/// Runs a command line in a folder, which must succeed.
#[track_caller]
fn done(dir: &Path, command: &str) -> Said {
    let said = Said::of(highwater(command.split_whitespace()).current_dir(dir).output().unwrap());
    assert_eq!(said.code, Some(0), "{command}: {said:#?}");
    said
}

/// `rows` rows of `towns` towns; what is to be said depends on the town alone.
fn towns(rows: usize, towns: usize) -> String {
    let line = |row: usize| {
        let town = row * 7919 % towns;
        format!("t{town},{},{}\n", row % 17, ["yes", "no"][town * 31 % 7 % 2])
    };
    "town,x,y\n".to_owned() + &(0..rows).map(line).collect::<String>()
}

#[test]
fn many_names_are_learned_as_rows_of_a_table() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("t.csv"), towns(6000, 300)).unwrap();
    let command = "train --data t.csv --target y --hidden 8 --epochs 20 --batch-size 64 --learning-rate 0.01";
    let trained = done(dir.path(), &format!("{command} --out run --json"));
    assert!(trained.err.contains("embedded: the 300 categories of \"town\""), "{}", trained.err);
    assert!(trained.json()["test"]["accuracy"].as_f64().unwrap() > 0.95, "{}", trained.out);

    // A name that nobody has seen, and one that is missing.
    fs::write(dir.path().join("new.csv"), "x,town\n3,Atlantis\n3,?\n3,t0\n").unwrap();
    let answers = done(dir.path(), "predict run --data new.csv").out;
    assert_eq!(answers.lines().count(), 4, "{answers}");

    done(dir.path(), "evaluate run");
    done(dir.path(), "resume run --epochs 21");
    done(dir.path(), "checkpoints verify run");
    let exported = done(dir.path(), "checkpoints export run --to safetensors --out m.safetensors").out;
    assert!(exported.contains("class Embed(nn.Module):"), "{exported}");
    assert!(exported.contains("nn.Sequential(Embed([(0, 301, 5)]), nn.Linear(6, 8)"), "{exported}");
    let bytes = fs::read(dir.path().join("m.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.tensor("0.tables.0.weight").unwrap().shape(), [301, 5]);
    done(dir.path(), "checkpoints export run --to onnx --out m.onnx");
    let onnx = fs::read(dir.path().join("m.onnx")).unwrap();
    let named = b"\"names\":[\"t0\",\"t1\"";
    assert!(onnx.windows(named.len()).any(|bytes| bytes == named), "the names are in the file");

    let hot = done(dir.path(), "train --data t.csv --target y --epochs 1 --one-hot 300 --out hot");
    assert!(!hot.err.contains("embedded"), "{}", hot.err);
}

#[test]
fn fifty_thousand_names_are_no_trouble() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("many.csv"), towns(100_000, 50_000)).unwrap();
    let command = "train --data many.csv --target y --epochs 1 --hidden 4 --batch-size 5000 --out run";
    let trained = done(dir.path(), command);
    assert!(trained.err.contains("categories of \"town\", each a row of a table"), "{}", trained.err);
    assert!(trained.err.contains("joined: the rare categories of \"town\""), "{}", trained.err);
}
