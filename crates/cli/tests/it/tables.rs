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

#[test]
fn a_problem_of_proben1_is_a_table_like_others() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, outputs: &str, row: fn(u32) -> String| {
        let parts = "training_examples=50\nvalidation_examples=25\ntest_examples=25\n";
        let rows: String = (0..100).map(row).collect();
        let file = dir.path().join(name);
        fs::write(&file, format!("bool_in=0\nreal_in=2\n{outputs}\n{parts}{rows}")).unwrap();
        file
    };
    let of_two = |i: u32| format!("{} 0.{} {} {}\n", i % 2, i, i % 2, 1 - i % 2);
    let classes = write("classes1.dt", "bool_out=2\nreal_out=0", of_two);
    let value = |i: u32| format!("0.{} 0.{} {}\n", i % 10, i, f64::from(i % 10) / 10.0);
    let values = write("values1.dt", "bool_out=0\nreal_out=1", value);
    let both = |i: u32| format!("0.{0} 0.{i} 0.{0} 0.{1}\n", i % 10, 9 - i % 10);
    let both = write("both1.dt", "bool_out=0\nreal_out=2", both);
    let of_both = "output_1\", \"output_2";
    for (file, target, score) in
        [(classes, "label", "accuracy"), (values, "output", "r2"), (both, of_both, "r2")]
    {
        let out = dir.path().join(file.file_stem().unwrap());
        let said = done(args!["train", "--data", &file, "--epochs", "60", "--json", "--out", &out]);
        let words = format!("target: \"{target}\", since the other columns have no names");
        assert!(said.err.starts_with(&words), "{said:#?}");
        assert!(said.json()["test"][score].as_f64().unwrap() > 0.9, "{said:#?}");
        let answers = done(args!["predict", &out, "--data", &file]).out;
        assert_eq!(answers.lines().count(), 101, "{answers}");
    }
}
