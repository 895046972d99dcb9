//! Mistakes: one message that names the thing and the place, and nothing made or overwritten.

use crate::args;
use crate::run::{Said, checkpoints, done, highwater, table, tree};
use std::fs;
use std::path::Path;

const GOOD: &str = "a,b,kind\n1,2,x\n2,1,y\n3,5,x\n4,3,y\n5,9,x\n6,4,y\n7,1,x\n8,0,y\n9,3,x\n10,2,y\n";

/// More classes than anyone can tell apart.
fn many() -> String {
    (0..50_000).fold("a,kind\n".to_owned(), |text, row| text + &format!("{row}.5,c{}\n", row / 2))
}

/// Runs a command line in a folder, expects this exit code and these words, and no change.
#[track_caller]
fn check(dir: &Path, command: &str, code: i32, words: &[&str]) {
    let before = tree(dir);
    let said = Said::of(highwater(command.split_whitespace()).current_dir(dir).output().unwrap());
    assert_eq!(said.code, Some(code), "{command}: {said:#?}");
    assert!(
        said.err.starts_with("error: ") && said.err.matches("error:").count() == 1,
        "{command}: {said:#?}"
    );
    assert_eq!(said.out, "", "{command}");
    for word in words {
        assert!(said.err.contains(word), "{command}: no {word:?} in {}", said.err);
    }
    let changed: Vec<_> =
        tree(dir).into_iter().filter(|(path, bytes)| before.get(path) != Some(bytes)).collect();
    assert!(changed.is_empty() && tree(dir).len() == before.len(), "{command} changed {changed:?}");
}

#[test]
fn tables_that_cannot_be_learned_from_are_refused() {
    for (table, options, words) in [
        (None, "", &["t.csv", "No such file"][..]),
        (Some(""), "", &["t.csv", "empty"]),
        (Some("a,b,kind\n"), "", &["t.csv", "no rows"]),
        (Some("a,b,kind\n1,2,x\n3,y\n"), "", &["t.csv, line 3", "2 fields", "3"]),
        (Some(&GOOD.replace("a,b", "a,a")), "", &["t.csv", "columns 1 and 2", "both named \"a\""]),
        (Some("a,b,kind\n,7,x\n?,7,y\nNA,7,x\n,7,y\n,7,x\n"), "", &["no column to learn from", "\"b\""]),
        (Some(&GOOD.replace("5,9,x", "inf,9,x")), "", &["line 6", "\"a\"", "\"inf\"", "empty it"]),
        (Some(&many()), "", &["\"kind\"", "classes", "at most 1000"]),
        (Some(GOOD), "--column b=ignore --column a=ignore", &["no column to learn from"]),
        (Some(GOOD), "--column c=number", &["no column \"c\""]),
        (Some(GOOD), "--target a --time kind", &["t.csv, line 2", "\"kind\"", "no date"]),
        (Some(GOOD), "--target a --group kind", &["2 different values", "needs 3"]),
        (Some(GOOD), "--group kind", &["\"kind\"", "it is to be predicted", "another column"]),
        (Some(GOOD), "--hidden none --dropout 0.5", &["--dropout 0.5", "no units to drop"]),
        (Some(GOOD), "--validation nowhere.csv", &["nowhere.csv"]),
        (Some(GOOD), "--config nowhere.toml", &["nowhere.toml"]),
        (Some(GOOD), "--folds 11", &["11 parts"]),
        (
            Some(&(GOOD.to_owned() + "9,9,lonely\n")),
            "--folds 3",
            &["line 12", "\"lonely\"", "no row of it is left to train on", "join it"],
        ),
        (Some(GOOD), "--target kind --target kind", &["\"kind\"", "twice"]),
        (Some(GOOD), "--column kind=number", &["--column kind=number", "--task"]),
        (Some(GOOD), "--target a --class-weights balanced", &["balanced", "--task classification"]),
        (Some(GOOD), "--set epochs=1e3", &["epochs = 1000.0", "expected a whole number"]),
        (Some(GOOD), "--set lr=fast", &["learning_rate = \"fast\"", "expected a number"]),
        (Some(GOOD), "--set training.schedule=3", &["schedule = 3", "expected a table"]),
        (Some(GOOD), "--set data.validation_file=3", &["validation_file = 3", "expected the name of a file"]),
        (Some(GOOD), "--set data.target=3", &["target = 3: expected a name, or a list of names"]),
        (Some(GOOD), "--set data.split=time", &["split = \"time\": it goes with a value: { NAME = VALUE }"]),
        (Some(GOOD), "--set refit=maybe", &["refit = \"maybe\"", "expected true or false"]),
        (Some(GOOD), "--set =3", &["--set =3: write KEY=VALUE"]),
        // Known when training begins: the run folder is there by then, and goes again.
        (
            Some(GOOD),
            "--quiet --class-weights balanced --stop patience(3,min_delta=1se)",
            &["min_delta in standard errors"],
        ),
        (Some(GOOD), "--set optimiser.lr=1", &["optimiser.lr", "training.learning_rate"]),
        (Some(GOOD), "--set training.epoch=1", &["training.epoch", "did you mean training.epochs?"]),
        (Some(GOOD), "--set epochs=many", &["epochs = \"many\""]),
        (Some(GOOD), "--set epochs", &["KEY=VALUE"]),
        (
            Some(GOOD),
            r#"--hidden none --quiet --set groups=[{patterns=["*.biases"]}]"#,
            &["`*.biases`", "the names are `0.weight`, `0.bias`"],
        ),
        (Some(GOOD), r#"--set groups=[{pattern="*"}]"#, &["unknown field `pattern`", "`patterns`"]),
        (
            Some(&GOOD.replace("5,9,x", "5,nine,x")),
            "",
            &["t.csv, line 6", "\"b\"", "\"nine\" is not a number", "correct the cell"],
        ),
        (
            Some(&GOOD.replace("5,9,x", "5,V8,x").replace("7,1,x", "7,big one,x")),
            "",
            &[
                "line 6, column \"b\": \"V8\" is not a number (nor is that on line 8: \"big one\")",
                "correct the cells",
                "--missing b=V8 --missing 'b=big one' takes them for missing",
                "--column b=category",
            ],
        ),
        (Some(GOOD), "--target kin", &["t.csv", "no column \"kin\"", "kind"]),
        (Some(&GOOD.replace('y', "x")), "", &["t.csv", "\"kind\"", "\"x\" in all"]),
        (Some("a,b,kind\n1,2,x\n2,1,y\n3,5,z\n"), "", &["t.csv", "3 rows", "3 classes"]),
        (Some("8,3\n1,2,a\n2,3,b\n"), "--target column_3", &["line 2", "3 fields", "--skip-lines 1 if"]),
        (
            Some(&format!("Of fruit\nfrom trees, 2024\n{GOOD}")),
            "",
            &["line 2", "2 fields", "--skip-lines 2 if the table begins on line 3"],
        ),
        (
            Some("6,2,x\n1,2,3\n2,1,4\n3,2,5\n4,1,6\n5,2,7\n6,1,8\n"),
            "--target column_2",
            &["line 1", "\"x\" is not a number", "--skip-lines 1"],
        ),
        (Some("1,2,a\n2,3,b\n"), "--names p,q", &["t.csv has 3 columns and no header", "names for 2"]),
        (Some(GOOD), "--names a,b,kind --header yes", &["--names", "without a header"]),
        (Some(GOOD), "--learning-rate -1", &["learning_rate = -1"]),
        (Some(GOOD), "--learning-rate NaN", &["learning_rate = NaN"]),
        (Some(GOOD), "--dropout -0.5", &["dropout", "-0.5"]),
        (Some(GOOD), "--dropout 1.5", &["dropout", "1.5"]),
        (Some(GOOD), "--momentum 0.9", &["--momentum", "sgd"]),
        (Some(GOOD), "--optimizer sgd --momentum -2", &["momentum", "-2"]),
        (Some(GOOD), "--weight-decay -1", &["weight_decay", "-1"]),
        (Some(GOOD), "--clip-norm 0", &["clip_norm = 0"]),
        (Some(GOOD), "--validation 0.6 --test 0.6", &["0.6", "less than 1"]),
        (Some(GOOD), "--validation -0.1", &["-0.1"]),
        (Some(GOOD), "--epochs 0", &["epochs = 0"]),
        (Some(GOOD), "--batch-size 0", &["batch_size = 0"]),
        (Some(GOOD), "--validate-every 0", &["validate"]),
        (Some(GOOD), "--monitor r2", &["--monitor r2: the run measures", "accuracy, f1_macro"]),
        (Some(GOOD), "--select rmse", &["--select rmse: the run measures", "accuracy, f1_macro"]),
        (Some(GOOD), "--keep-last 0", &["--keep-last 0"]),
        (Some(GOOD), "--keep-best 0", &["--keep-best 0"]),
        (Some(GOOD), "--set checkpoints.keep_every=0", &["checkpoints.keep_every = 0", "at least 1"]),
        (Some(GOOD), "--set checkpoints.keep_minutes=0", &["checkpoints.keep_minutes = 0", "at least 1"]),
        (Some(GOOD), "--optimizer rprop --set training.plateau={factor=0.5}", &["rprop", "plateau"]),
        (Some(GOOD), "--stop plateau(3)", &["plateau(3)"]),
        (
            Some(&GOOD.replace("kind\n", "kind\n°C,hPa,type\n")),
            "",
            &["line 2", "\"°C\" is not a number", "--skip-lines 2 --names NAME,NAME,…"],
        ),
        (
            Some(&format!("A title\n{}", GOOD.replace("kind\n", "kind\n°C,hPa,type\n"))),
            "--skip-lines 1",
            &["line 3", "\"°C\" is not a number", "if line 3 says", "--skip-lines 3 --names NAME,NAME,…"],
        ),
        (
            Some(GOOD),
            "--task regression",
            &["t.csv, line 2", "\"kind\"", "\"x\" is not a number", "--task classification takes"],
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        if let Some(text) = table {
            fs::write(dir.path().join("t.csv"), text).unwrap();
        }
        let target = if options.contains("--target") { "" } else { "--target kind" };
        for out in ["", "--out run"] {
            check(dir.path(), &format!("train --data t.csv {target} {options} {out}"), 1, words);
        }
    }
}

#[test]
fn folds_are_of_one_table_and_have_rows_to_validate_on() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("t.csv"), GOOD).unwrap();
    for part in ["validation_file", "test_file"] {
        let config = format!("[data]\nfile = \"t.csv\"\ntarget = \"kind\"\n{part} = \"t.csv\"\n");
        fs::write(dir.path().join("c.toml"), config).unwrap();
        check(dir.path(), "train --config c.toml --folds 3", 1, &["--folds divides the rows of one table"]);
    }
    fs::write(dir.path().join("few.csv"), "a,kind\n1.5,x\n2.5,y\n3.5,x\n").unwrap();
    let words = ["2 rows cannot be split", "one each for 1 other part"];
    check(dir.path(), "train --data few.csv --target kind --folds 3", 1, &words);
}

#[test]
fn advice_is_given_only_where_it_fits() {
    let dir = tempfile::tempdir().unwrap();
    let sentence = "a sentence of more than forty characters, which is no sign";
    let cell = |row: usize| if row % 20 == 5 { format!("word{row}") } else { format!("{row}.5") };
    let many =
        (0..300).map(|row| format!("{row},{},{}\n", cell(row), ["x", "y"][row % 2])).collect::<String>();
    let titles = "A title\n".repeat(40);
    for (table, options, words, others) in [
        (GOOD.to_owned(), "--target kin", "no column \"kin\"", &["--skip-lines", "first line"][..]),
        (
            GOOD.replace("5,9,x", &format!("5,\"{sentence}\",x")),
            "",
            "--missing TEXT for each",
            &["--missing b", "--missing 'b"],
        ),
        (format!("a,b,kind\n{many}"), "", "--missing TEXT for each", &["--missing b", "--missing 'b"]),
        (
            titles + &GOOD.replace("kind\n", "kind\n°C,hPa,type\n"),
            "--skip-lines 40",
            "\"°C\" is not a number",
            &["units"],
        ),
    ] {
        fs::write(dir.path().join("t.csv"), table).unwrap();
        let target = if options.contains("--target") { "" } else { "--target kind" };
        let command = format!("train --data t.csv {target} {options}");
        let said = Said::of(highwater(command.split_whitespace()).current_dir(dir.path()).output().unwrap());
        assert!(said.code == Some(1) && said.err.contains(words), "{said:#?}");
        assert!(others.iter().all(|other| !said.err.contains(other)), "{said:#?}");
    }
    let said = Said::of(highwater(["train", "none.csv"]).current_dir(dir.path()).output().unwrap());
    assert!(said.code == Some(2) && !said.err.contains("A table is given as"), "{said:#?}");
}

#[test]
fn files_that_are_no_tables_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, GOOD.repeat(40).as_bytes()).unwrap();
    let zipped = encoder.finish().unwrap();
    fs::write(dir.path().join("half.csv.gz"), &zipped[..zipped.len() / 2]).unwrap();
    fs::write(dir.path().join("text.gz"), [0x1f, 0x8b, b'n', b'o', b'!']).unwrap();
    fs::write(dir.path().join("picture.csv"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").unwrap();
    fs::write(dir.path().join("part.npy"), b"\x93NUMPY\x01\0v\0{'descr': '<f8'").unwrap();
    fs::write(dir.path().join("latin.csv"), b"name,kind\nJos\xe9,x\n").unwrap();
    for (file, words) in [
        ("half.csv.gz", &["half.csv.gz"][..]),
        ("text.gz", &["text.gz"]),
        ("picture.csv", &["picture.csv, line 1", "not UTF-8"]),
        ("part.npy", &["part.npy"]),
        ("latin.csv", &["latin.csv, line 2", "not UTF-8"]),
    ] {
        check(dir.path(), &format!("train --data {file} --target kind"), 1, words);
        check(dir.path(), &format!("init {file}"), 1, words);
    }
    #[cfg(not(feature = "parquet"))]
    {
        fs::write(dir.path().join("t.parquet"), b"PAR1 and so on").unwrap();
        let words = &["t.parquet is a Parquet file", "feature `parquet`", "CSV"];
        check(dir.path(), "train --data t.parquet --target kind", 1, words);
    }
}

#[test]
fn data_and_target_go_together() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("t.csv"), GOOD).unwrap();
    check(dir.path(), "train --data t.csv", 1, &["--target"]);
    check(dir.path(), "train --target kind", 1, &["--data"]);
    check(dir.path(), "train --data - --target kind", 1, &["only once", "predict takes them"]);
}

#[test]
fn wrong_arguments_leave_with_2() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("t.csv"), GOOD).unwrap();
    for (command, words) in [
        ("trian", &["trian", "train"][..]),
        ("train --lerning-rate 1", &["--lerning-rate", "--learning-rate"]),
        ("train --column b=nominal", &["nominal", "category"]),
        ("train --column b", &["NAME=KIND"]),
        ("train --delimiter dash", &["dash", "semicolon"]),
        ("predict run --data t.csv --write some", &["some", "probabilities"]),
        ("train --stop patiense(3)", &["--stop", "patience", "\n  ^"]),
        ("train --stop patience(3", &["--stop", "patience(3"]),
        ("train --stop patience(x)", &["--stop", "patience(x)", "^"]),
        ("train --hidden 12,0", &["--hidden", "\"0\" is not a number of units"]),
        ("train --optimizer adan", &["--optimizer", "adan", "adam"]),
        ("train --activation rellu", &["--activation", "rellu", "relu"]),
        ("train --monitor lost", &["--monitor", "lost"]),
        ("train --non-finite no", &["--non-finite", "ignore"]),
        ("train --threads 0", &["--threads"]),
        ("train --epochs -3", &["-3", "Give a whole number, 0 or more"]),
        ("train --seed 1.5", &["--seed", "Give a whole number, 0 or more"]),
        ("train --learning-rate fast", &["--learning-rate", "fast"]),
        ("train --folds 3 --test 0.5", &["--folds", "--test"]),
        ("evaluate", &["<RUN>"]),
        ("evaluate run --split half", &["--split", "half", "validation"]),
        ("predict run", &["--data"]),
        ("checkpoints verfy", &["verfy", "verify"]),
        ("train t.csv --target kind", &["'t.csv'", "A table is given as --data t.csv"]),
    ] {
        check(dir.path(), command, 2, words);
    }
}

#[test]
fn a_folder_that_is_not_empty_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("run")).unwrap();
    fs::write(dir.path().join("run/thesis.txt"), "the only copy").unwrap();
    fs::write(dir.path().join("file"), "a file").unwrap();
    check(dir.path(), "train --out run", 1, &["run is not empty", "--out"]);
    check(dir.path(), "train --out file", 1, &["file"]);
}

#[test]
fn what_is_no_run_folder_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("folder")).unwrap();
    fs::write(dir.path().join("file"), "a file").unwrap();
    fs::write(dir.path().join("t.csv"), GOOD).unwrap();
    for command in
        ["evaluate", "resume", "report", "predict --data t.csv", "checkpoints ls", "checkpoints verify"]
    {
        check(dir.path(), &format!("{command} nowhere"), 1, &["nowhere"]);
        check(dir.path(), &format!("{command} folder"), 1, &["folder"]);
        if command != "checkpoints verify" {
            check(dir.path(), &format!("{command} file"), 1, &["file"]);
        }
    }
    check(dir.path(), "checkpoints show file", 1, &["file: not a checkpoint"]);
}

#[test]
fn what_lacks_the_answers_is_for_predict() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("t.csv"), GOOD).unwrap();
    fs::write(dir.path().join("new.csv"), "b,a\n1,2\n").unwrap();
    done(args![
        "train",
        "--data",
        dir.path().join("t.csv"),
        "--target",
        "kind",
        "--epochs",
        "1",
        "--out",
        dir.path().join("run")
    ]);
    let words = ["no column \"kind\"", "nothing can be scored", "cargo xtask predict run --data new.csv"];
    check(dir.path(), "evaluate run --data new.csv", 1, &words);
    fs::write(dir.path().join("new.csv"), "b,a,kind\n1,2,\n").unwrap();
    let words =
        ["no row has a value in kind", "nothing can be scored", "cargo xtask predict run --data new.csv"];
    check(dir.path(), "evaluate run --data new.csv", 1, &words);
    check(dir.path(), "evaluate run --data -", 1, &["only once", "predict takes them"]);
    fs::write(dir.path().join("new.csv"), "1,2\n3,4\n").unwrap();
    let words = ["no column \"a\"", "first line was taken for names", "write the names above it"];
    check(dir.path(), "predict run --data new.csv", 1, &words);
}

#[test]
fn a_run_is_not_mixed_with_other_models_or_other_data() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::copy(table("iris.csv"), at("iris.csv")).unwrap();
    for (out, hidden) in [("run", "8"), ("other", "4,4")] {
        let file = at("iris.csv");
        done(args![
            "train",
            "--data",
            file,
            "--target",
            "species",
            "--epochs",
            "3",
            "--hidden",
            hidden,
            "--out",
            at(out)
        ]);
    }
    check(dir.path(), "train --out run", 1, &["run is not empty", "resume run"]);

    let iris = fs::read_to_string(at("iris.csv")).unwrap();
    fs::write(at("narrow.csv"), iris.replace("petal_width", "petal_breadth")).unwrap();
    let missing = &["narrow.csv", "no column \"petal_width\"", "petal_breadth"];
    check(dir.path(), "predict run --data narrow.csv --out new.csv", 1, missing);
    check(dir.path(), "evaluate run --data narrow.csv", 1, missing);
    check(dir.path(), "predict run --data iris.csv --out iris.csv", 1, &["--out iris.csv"]);
    check(dir.path(), "predict run --data nowhere.csv", 1, &["nowhere.csv"]);

    let of_other = checkpoints(&at("other")).pop().unwrap();
    let from = of_other.strip_prefix(dir.path()).unwrap().display();
    let words = &["of another model", "4–4–4–3", "4–8–3"];
    check(dir.path(), &format!("resume run --epochs 9 --from {from}"), 1, words);
    let newest = checkpoints(&at("run")).pop().unwrap();
    let own = fs::read(&newest).unwrap();
    fs::remove_file(&newest).unwrap(); // a hard link of the kept model
    fs::copy(&of_other, &newest).unwrap();
    check(
        dir.path(),
        "resume run --epochs 9",
        1,
        &[&[newest.file_name().unwrap().to_str().unwrap()], &words[..]].concat(),
    );
    fs::write(&newest, own).unwrap();

    fs::write(at("iris.csv"), iris.replace("5.1,3.5", "9.1,0.5")).unwrap();
    for command in ["resume run --epochs 9", "evaluate run", "report run"] {
        check(dir.path(), command, 1, &["iris.csv is not what the run"]);
    }
    fs::remove_file(at("iris.csv")).unwrap();
    check(dir.path(), "resume run --epochs 9", 1, &["iris.csv"]);

    fs::write(at("moved.csv"), iris).unwrap();
    done(args!["resume", at("run"), "--data", at("moved.csv"), "--epochs", "4"]);
    done(args!["evaluate", at("run")]);

    fs::write(at("run/config.toml"), "[data]\nepochs = 3\n").unwrap();
    check(dir.path(), "resume run", 1, &["run/config.toml"]);
}
