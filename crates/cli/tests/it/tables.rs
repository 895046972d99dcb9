//! Small tables of all kinds, in one command.

use crate::args;
use crate::run::{done, run, table};
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

#[test]
fn what_images_show_is_in_the_file_beside_them() {
    let dir = tempfile::tempdir().unwrap();
    // 40 images of 6 by 6 pixels, half of them dark.
    let pixel = |place: usize| ((place / 36 % 2) * 128 + place * 7 % 100) as u8;
    let mut images = b"\0\0\x08\x03\0\0\0\x28\0\0\0\x06\0\0\0\x06".to_vec();
    images.extend((0..40 * 36).map(pixel));
    let mut labels = b"\0\0\x08\x01\0\0\0\x28".to_vec();
    labels.extend((0..40).map(|image| image % 2));
    let file = dir.path().join("t-images-idx3-ubyte");
    fs::write(&file, &images).unwrap();
    fs::write(dir.path().join("t-labels-idx1-ubyte"), &labels).unwrap();
    let train =
        |file| args!["train", "--data", file, "--epochs", "20", "--json", "--out", dir.path().join("run")];
    let said = done(train(&file));
    assert_eq!(said.json()["test"]["accuracy"], 1.0);
    let target = "target: \"label\", since the other columns have no names";
    assert!(said.err.starts_with(target), "{said:#?}");
    // Another one is not guessed.
    let named = dir.path().join("named.csv");
    fs::write(&named, "column_1,size,label\n1,2,a\n").unwrap();
    assert!(run(train(&named)).err.contains("which column is to be predicted?"));

    let alone = dir.path().join("alone-images-idx3-ubyte");
    fs::write(&alone, &images).unwrap();
    let said = run(train(&alone));
    let words = "and 6 more, \"column_36\" the last of them";
    assert!(said.code == Some(1) && said.err.contains(words), "{said:#?}");
}
