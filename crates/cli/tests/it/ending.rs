//! What goes wrong beside a run does not end it.

use crate::args;
use crate::run::{done, highwater, run};
use highwater_checkpoint::Store;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::Path;

/// A run on a table of which there is something to remark.
fn remarkable(out: &Path) -> Vec<OsString> {
    let data = out.with_extension("csv");
    fs::write(&data, "1,2,x\n2,1,y\n3,,x\n4,3,y\n5,9,x\n".repeat(8)).unwrap();
    args!["train", "--data", data, "--target", "column_3", "--hidden", "2", "--epochs", "2", "--out", out]
}

#[test]
fn a_run_that_nobody_can_be_told_of_is_trained_and_saved() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let deaf = |args: Vec<OsString>| {
        let full = File::options().write(true).open("/dev/full").unwrap();
        highwater(args).stderr(full).output().unwrap().status.code()
    };
    assert_eq!(deaf(remarkable(&folder)), Some(0));
    for file in ["best.safetensors", "final.safetensors", "report.html", "history.csv"] {
        assert!(folder.join(file).exists(), "{file}");
    }
    let answers = dir.path().join("answers.csv");
    assert_eq!(
        deaf(args!["predict", &folder, "--data", dir.path().join("run.csv"), "--out", answers]),
        Some(0)
    );
    assert_eq!(deaf(args!["resume", dir.path().join("none")]), Some(1));
    assert_eq!(deaf(args!["train", "none.csv"]), Some(2));
}

#[test]
fn a_page_or_a_history_that_cannot_be_written_costs_no_model() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    done([remarkable(&folder), args!["--quiet"]].concat());
    let last = folder.join("final.safetensors");
    for (file, words) in [("report.html", "report page"), ("history.csv", "history.csv")] {
        let file = folder.join(file);
        fs::remove_file(&file).unwrap();
        fs::remove_file(&last).unwrap();
        fs::create_dir(&file).unwrap();
        let said = run(args!["resume", &folder]);
        assert_eq!(said.code, Some(1), "{said:?}");
        let error = said.err.lines().last().unwrap();
        assert!(error.starts_with("error: ") && error.contains(words), "{said:?}");
        assert!(said.out.contains("final.safetensors") && last.exists(), "{said:?}");
        fs::remove_dir(&file).unwrap();
        done(args!["resume", &folder, "--quiet"]);
    }
}

#[test]
fn a_training_that_runs_away_says_what_helps_and_answers_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let said = run([remarkable(&folder), args!["--optimizer", "sgd", "--learning-rate", "1e30"]].concat());
    let advice = "smaller --learning-rate";
    assert!(said.code == Some(1) && said.err.contains(advice) && !said.out.contains("Next"), "{said:#?}");
    let data = dir.path().join("run.csv");
    for job in ["predict", "evaluate"] {
        let said = run(args![job, &folder, "--data", &data]);
        assert!(said.code == Some(1) && said.out.is_empty(), "{job}: {said:#?}");
        assert!(
            said.err.contains("losses of NaN or infinity") && said.err.contains(advice),
            "{job}: {said:#?}"
        );
    }
}

#[test]
fn of_two_runs_that_begin_in_one_folder_at_once_one_is_all_there_is() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..6 {
        let folder = dir.path().join(round.to_string());
        let both = ["3", "4"].map(|seed| (seed, [remarkable(&folder), args!["--seed", seed]].concat()));
        let both = both.map(|(seed, args)| (seed, highwater(args).spawn().unwrap()));
        let codes = both.map(|(seed, child)| (seed, child.wait_with_output().unwrap().status.code()));
        let won: Vec<&str> =
            codes.iter().filter(|(_, code)| *code == Some(0)).map(|(seed, _)| *seed).collect();
        assert_eq!(won.len(), 1, "{codes:?}");
        let config = fs::read_to_string(folder.join("config.toml")).unwrap();
        assert!(config.contains(&format!("\nseed = {}\n", won[0])), "{codes:?} {config}");
    }
    // Who comes second, and finds nothing yet but a lock, leaves it alone.
    let folder = dir.path().join("begun");
    let _other = Store::open(folder.join("checkpoints")).unwrap();
    let said = run(remarkable(&folder));
    assert!(said.code == Some(1) && said.err.contains("locked by"), "{said:?}");
    assert!(!folder.join("config.toml").exists());
}
