//! A run goes on only with what it began with.

use crate::args;
use crate::run::{done, run, table, trained, tree};
use std::fs;
use std::path::Path;

const SHORT: [&str; 8] = ["--hidden", "4", "--epochs", "2", "--stop", "never", "--refit", "no"];

/// The table with the class of each row given to the one before: what is prepared for is the same.
fn rotated(text: &str) -> String {
    let (header, rows) = text.split_once('\n').unwrap();
    let rows: Vec<(&str, &str)> = rows.lines().map(|line| line.rsplit_once(',').unwrap()).collect();
    let moved = |at: usize| format!("{},{}\n", rows[at].0, rows[(at + 1) % rows.len()].1);
    format!("{header}\n{}", (0..rows.len()).map(moved).collect::<String>())
}

#[track_caller]
fn refused(folder: &Path, commands: &[&[&str]], words: &[&str]) {
    let before = tree(folder);
    for command in commands {
        let said = run(args![command[0], folder].into_iter().chain(command[1..].iter().map(Into::into)));
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{command:?}: {said:?}");
        for word in words {
            assert!(said.err.contains(word), "{command:?}: no {word:?} in {said:?}");
        }
    }
    assert!(tree(folder) == before);
}

#[test]
fn a_run_that_goes_on_names_the_scores_that_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let run_dir = trained(dir.path(), &["--epochs", "1"]);
    let said = run(args!["resume", &run_dir, "--select", "log_loss"]);
    assert!(
        said.err.contains("--select log_loss: the run measures the loss and accuracy, f1_macro"),
        "{said:?}"
    );
}

#[test]
fn other_rows_than_those_of_the_run_are_refused_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let iris = fs::read_to_string(table("iris.csv")).unwrap();
    for name in ["own.csv", "validation.csv", "test.csv"] {
        fs::write(at(name), &iris).unwrap();
    }
    let run = args!["train", "--data", at("own.csv"), "--target", "species", "--out", at("run")];
    let parts = args!["--validation", at("validation.csv"), "--test", at("test.csv"), "--quiet"];
    done([run, parts, SHORT.map(Into::into).to_vec()].concat());
    let changed = rotated(&iris);
    assert_ne!(changed, iris);
    let fewer = iris.lines().take(140).collect::<Vec<_>>().join("\n");
    let all: [&[&str]; 3] = [&["resume", "--epochs", "3"], &["resume", "--prove"], &["report"]];
    for (name, part, text, how) in [
        ("own.csv", "training", &changed, "as many, but with other values"),
        ("validation.csv", "validation", &changed, "as many, but with other values"),
        ("test.csv", "test", &fewer, "150 rows then, 139 now"),
    ] {
        fs::write(at(name), text).unwrap();
        let words = [name, &format!("the {part} rows are not those of the run"), how, "put the file back"];
        refused(&at("run"), &all, &words);
        let split = if part == "training" { "train" } else { part };
        refused(&at("run"), &[&["evaluate", "--split", split]], &words);
        fs::write(at(name), &iris).unwrap();
    }
    done(args!["report", at("run")]);
    done(args!["evaluate", at("run"), "--quiet"]);
    done(args!["resume", at("run"), "--prove", "--quiet"]);
    done(args!["resume", at("run"), "--epochs", "3", "--quiet"]);
}

/// A minus, where others are plus signs, was missing in versions before this one: what they made of a table is what is
/// made of it now without.
#[test]
fn what_a_run_took_for_missing_stays_missing() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let table = |constant: [&str; 4], mark: [&str; 4], y: [&str; 4]| {
        let row = |at: usize| {
            let place = at / 3 % 4;
            format!("{},{},{},{}\n", at * 37 % 50, constant[place], mark[at % 4], y[place])
        };
        format!("x,constant,mark,y\n{}", (0..80).map(row).collect::<String>())
    };
    let signs = |sign: &'static str| ["+", sign, "++", "+"];
    let words = ["u", "v", "v", "u"];
    let all: [&[&str]; 4] =
        [&["resume", "--epochs", "3", "--quiet"], &["resume", "--prove"], &["evaluate"], &["report"]];
    for (name, before, now) in [
        ("constant", table(["+", "", "", "+"], words, words), table(["+", "-", "-", "+"], words, words)),
        ("category", table(words, signs(""), words), table(words, signs("-"), words)),
        ("target", table(words, words, signs("")), table(words, words, signs("-"))),
    ] {
        let (file, folder) = (at(&format!("{name}.csv")), at(name));
        fs::write(&file, before).unwrap();
        let run = args!["train", "--data", &file, "--target", "y", "--out", &folder, "--quiet"];
        done([run, SHORT.map(Into::into).to_vec()].concat());
        fs::write(&file, now).unwrap();
        for command in all {
            done(args![command[0], &folder].into_iter().chain(command[1..].iter().map(Into::into)));
        }
        // What the run did learn from is still what it must be.
        fs::write(&file, table(words, words, ["u", "v", "u", "v"])).unwrap();
        refused(&folder, &all, &[&format!("{name}.csv is not what the run was trained on"), "train anew"]);
    }
}

#[test]
fn what_epochs_were_counted_and_losses_were_measured_by_must_be_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let run = args!["train", "--data", table("iris.csv"), "--target", "species", "--out", &folder, "--quiet"];
    done([run, SHORT.map(Into::into).to_vec()].concat());
    let file = folder.join("config.toml");
    let config = fs::read_to_string(&file).unwrap();
    for (was, is) in
        [("batch_size = 32", "batch_size = 8"), ("class_weights = \"none\"", "class_weights = \"balanced\"")]
    {
        let other = config.replace(was, is);
        assert_ne!(config, other);
        fs::write(&file, other).unwrap();
        let with = format!("was trained with {}", was.split_once(" = ").unwrap().1);
        let commands: [&[&str]; 3] = [&["resume"], &["resume", "--epochs", "9"], &["resume", "--prove"]];
        refused(&folder, &commands, &[is, &with, "set it back"]);
    }
    fs::write(&file, config).unwrap();
    done(args!["resume", &folder, "--epochs", "3", "--quiet"]);
}

#[test]
fn what_no_longer_makes_sense_in_the_configuration_is_named_with_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let run = args!["train", "--data", table("iris.csv"), "--target", "species", "--out", &folder, "--quiet"];
    done([run, args!["--optimizer", "rprop"], SHORT.map(Into::into).to_vec()].concat());
    let file = folder.join("config.toml");
    let config = fs::read_to_string(&file).unwrap();
    // As a version may have saved it that knew nothing of what the two are to each other.
    let falling = config.replace("first = \"constant\"", "first = { exponential = { gamma = 0.9 } }");
    assert_ne!(config, falling);
    fs::write(&file, falling).unwrap();
    let words = [&format!("{}: rprop ", file.display()), "`schedule` has no effect, leave it constant"];
    refused(&folder, &[&["resume"], &["resume", "--epochs", "3"], &["resume", "--prove"]], &words);
    // What is wrong on the command line is not in the file.
    fs::write(&file, &config).unwrap();
    let said = super::run::run(args!["resume", &folder, "--epochs", "0"]);
    assert!(said.code != Some(0) && !said.err.contains("config.toml"), "{said:?}");
    done(args!["resume", &folder, "--epochs", "3", "--quiet"]);
}

#[test]
fn what_is_gone_or_damaged_is_told_with_what_brings_it_back() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for name in ["t.csv", "validation.csv"] {
        fs::copy(table("iris.csv"), at(name)).unwrap();
    }
    let folder = at("my run");
    let run = args!["train", "--data", at("t.csv"), "--target", "species", "--out", &folder];
    let parts = args!["--validation", at("validation.csv")];
    let said = done([run, parts, SHORT.map(Into::into).to_vec()].concat());
    let again = format!("cargo xtask resume '{}'", folder.display());
    assert!(said.out.contains(&again), "{said:?}");

    let all: [&[&str]; 4] = [&["resume"], &["resume", "--prove"], &["evaluate"], &["report"]];
    fs::rename(at("t.csv"), at("moved.csv")).unwrap();
    refused(&folder, &all, &["t.csv is gone", &format!("{again} --data FILE")]);
    done(args!["resume", &folder, "--data", at("moved.csv"), "--quiet"]);
    done(args!["evaluate", &folder, "--quiet"]);
    fs::remove_file(at("validation.csv")).unwrap();
    refused(&folder, &all, &["validation.csv is gone", "config.toml"]);
    fs::copy(table("iris.csv"), at("validation.csv")).unwrap();

    let best = folder.join("best.safetensors");
    let mut bytes = fs::read(&best).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    // A file of its own: the checkpoint that it was is sound.
    fs::remove_file(&best).unwrap();
    fs::write(&best, bytes).unwrap();
    refused(&folder, &[&["evaluate"]], &["best.safetensors", &format!("{again}` makes it again")]);
    done(args!["resume", &folder, "--quiet"]);
    done(args!["evaluate", &folder, "--quiet"]);
}

/// What the command cannot know, and only the loop refuses.
#[test]
fn a_run_that_is_refused_at_last_is_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let run = args!["train", "--data", table("iris.csv"), "--target", "species", "--out", &folder, "--quiet"];
    done([run, args!["--class-weights", "balanced"], SHORT.map(Into::into).to_vec()].concat());
    let in_errors = ["resume", "--epochs", "4", "--stop", "patience(3, min_delta=1se)"];
    refused(&folder, &[&in_errors], &["the stopping rule", "class weights"]);
}
