//! Small tables of all kinds, in one command.

use crate::args;
use crate::run::{done, table};
use std::fs;

#[test]
fn tables_with_names_or_numbers_as_targets_train_in_one_command() {
    for (name, target, score, at_least) in [
        ("iris", "species", "accuracy", 0.85),
        ("wine", "cultivar", "accuracy", 0.85),
        ("diabetes", "progression", "r2", 0.2),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("run");
        let file = format!("{name}.csv");
        let data = table(&file);
        let args =
            args!["train", "--data", &data, "--target", target, "--out", &out, "--epochs", "60", "--json"];
        let summary = done(args).json();
        assert!(summary["test"][score].as_f64().unwrap() >= at_least, "{name}: {summary}");
        let predictions = done(args!["predict", &out, "--data", &data]).out;
        let rows = fs::read_to_string(&data).unwrap().lines().count();
        assert_eq!(predictions.lines().count(), rows);
        let all = done(args!["evaluate", &out, "--data", &data, "--json"]).json();
        assert_eq!(all["rows"], rows - 1, "{name}: {all}");
        assert!(predictions.starts_with(target), "{predictions}");
    }
}

#[test]
fn errors_of_a_quantity_are_in_the_unit_of_the_table() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let args = args!["train", "--data", table("diabetes.csv"), "--target", "progression", "--out", &out];
    let summary = done([args, args!["--epochs", "20", "--json"]].concat()).json();
    let test = &summary["test"];
    let value = |name: &str| test[name].as_f64().unwrap();
    // The progression is 25 to 346, with a standard deviation of 77.
    assert!((20.0..90.0).contains(&value("mae")), "{test}");
    assert!((value("mae")..120.0).contains(&value("rmse")), "{test}");
    assert!((-0.5..0.8).contains(&value("r2")), "{test}");
}
