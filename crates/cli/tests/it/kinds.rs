//! Untidy tables: kinds of columns, missing values, dialects, splits, and what a model makes of them.

use crate::args;
use crate::run::{Said, done, highwater, table};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

/// Rows of people: an identifier, numbers with gaps, names, dates; who is tall or comes from the north says yes.
fn people(rows: usize) -> String {
    let mut text = "id,height,town,joined,unit,answer,weight\n".to_owned();
    for row in 0..rows {
        let height = if row % 11 == 3 { "NA".to_owned() } else { (150 + row * 37 % 50).to_string() };
        let town = ["north", "south", "?", "south"][row % 4];
        let yes = (row * 37) % 50 > 25 || town == "north";
        let (day, answer) = (1 + row % 28, if yes { "yes" } else { "no" });
        let weight = 50 + row * 37 % 50;
        _ = writeln!(text, "p{row},{height},{town},2026-{:02}-{day:02},cm,{answer},{weight}", 1 + row % 12);
    }
    text
}

fn write(dir: &Path, name: &str, text: &str) {
    fs::write(dir.join(name), text).unwrap();
}

/// Runs a command line in a folder.
fn said(dir: &Path, command: &str) -> Said {
    Said::of(highwater(command.split_whitespace()).current_dir(dir).output().unwrap())
}

#[test]
fn an_untidy_table_is_prepared_with_a_word_and_predicted_from() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "people.csv", &people(300));
    let trained = said(dir.path(), "train --data people.csv --target answer --epochs 40 --out run --json");
    assert_eq!(trained.code, Some(0), "{trained:?}");
    for word in [
        "column \"id\", different in every row",
        "column \"unit\", the same",
        "imputed",
        "\"height\" (",
        "\"town\" (",
    ] {
        assert!(trained.err.contains(word), "{word}: {}", trained.err);
    }
    assert!(!trained.err.contains("where there is a value"), "a column without gaps: {trained:?}");
    assert!(trained.json()["test"]["accuracy"].as_f64().unwrap() > 0.7, "{trained:?}");

    // Columns in another order, others among them, a town that nobody has seen, and nothing known of a height.
    let new = "town,extra,weight,joined,height\nnorth,1,90,2026-05-05,\nfarthest,2,51,2026-05-06,151\n";
    write(dir.path(), "new.csv", new);
    let from_file = said(dir.path(), "predict run --data new.csv");
    assert_eq!(from_file.out.lines().count(), 3, "{from_file:?}");
    assert!(from_file.out.starts_with("answer,probability_no,probability_yes\n"), "{from_file:?}");

    let mut child = highwater(["predict", "run", "--data", "-"])
        .current_dir(dir.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(new.as_bytes()).unwrap();
    assert_eq!(Said::of(child.wait_with_output().unwrap()).out, from_file.out);

    let classes = said(dir.path(), "predict run --data new.csv --write classes").out;
    assert!(classes.starts_with("answer\n") && !classes.contains(','), "{classes}");
    let probabilities = said(dir.path(), "predict run --data new.csv --write probabilities").out;
    assert!(probabilities.starts_with("probability_no,probability_yes\n"), "{probabilities}");
    let kept = said(dir.path(), "predict run --data new.csv --write classes --keep extra --keep height").out;
    let begin: Vec<&str> = kept.lines().map(|line| line.rsplit_once(',').unwrap().0).collect();
    assert_eq!(begin, ["extra,height", "1,", "2,151"]);
    let unknown = said(dir.path(), "predict run --data new.csv --keep extras --out never.csv");
    assert!(unknown.code == Some(1) && unknown.err.contains("no column \"extras\""), "{unknown:?}");
    assert!(!dir.path().join("never.csv").exists());

    write(dir.path(), "narrow.csv", "town,joined,weight\nnorth,2026-05-05,90\n");
    let inputs = said(dir.path(), "predict run --data new.csv --write inputs").out;
    let lines: Vec<Vec<&str>> = inputs.lines().map(|line| line.split(',').collect()).collect();
    assert!(lines[0].starts_with(&["height", "town[0]", "town[1]"]), "{inputs}");
    let widths: Vec<usize> = lines.iter().map(Vec::len).collect();
    let network = fs::read_to_string(dir.path().join("run/report.html")).unwrap();
    assert!(network.contains(&format!("<dd>{}–256–2", widths[0])), "{widths:?}");
    assert_eq!(widths, [widths[0]; 3]);
    assert!(lines[1..].iter().flatten().all(|cell| cell.parse::<f32>().is_ok()), "{inputs}");

    let narrow = said(dir.path(), "predict run --data narrow.csv --out p.csv");
    assert!(narrow.err.contains("narrow.csv has no column \"height\""), "{narrow:?}");
    assert!(!dir.path().join("p.csv").exists());
}

#[test]
fn a_file_longer_than_what_is_read_at_a_time_is_answered_row_by_row() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    done(args![
        "train",
        "--data",
        table("iris.csv"),
        "--target",
        "species",
        "--epochs",
        "2",
        "--quiet",
        "--out",
        &run
    ]);
    let iris = fs::read_to_string(table("iris.csv")).unwrap();
    let (header, rows) = iris.split_once('\n').unwrap();
    let once = done(args!["predict", &run, "--data", table("iris.csv")]).out;
    let long = dir.path().join("long.csv.gz");
    let mut encoder = GzEncoder::new(fs::File::create(&long).unwrap(), Compression::fast());
    encoder.write_all(format!("{header}\n{}", rows.repeat(60)).as_bytes()).unwrap();
    encoder.finish().unwrap();
    let all = done(args!["predict", &run, "--data", &long]).out;
    let answers = once.split_once('\n').unwrap().1;
    assert!(all == once.split_once('\n').unwrap().0.to_owned() + "\n" + &answers.repeat(60));
}

#[test]
fn files_without_a_header_are_learned_from_and_predicted_for() {
    let dir = tempfile::tempdir().unwrap();
    let line = |row: usize| {
        let missing = if row.is_multiple_of(9) { "?".to_owned() } else { format!("{}.5", row % 13) };
        format!("{} {missing}   {}", row % 7, 1 + row % 2)
    };
    write(dir.path(), "raw.data", &(0..120).map(|row| line(row) + "\n").collect::<String>());
    let trained = said(dir.path(), "train --data raw.data --target column_3 --epochs 3 --out run");
    assert_eq!(trained.code, Some(0), "{trained:?}");
    assert!(
        trained.err.contains("no header: the columns are called column_1 to column_3"),
        "{}",
        trained.err
    );
    let wrong = said(dir.path(), "train --data raw.data --target result");
    assert!(wrong.err.contains("no column \"result\"") && wrong.err.contains("\"column_3\""), "{wrong:?}");
    write(dir.path(), "one.data", "3 4.5\n");
    assert_eq!(said(dir.path(), "predict run --data one.data").out.lines().count(), 2);
    // Places tell which column is which, also where the target is in the middle and unknown.
    let whole: String = (0..120).map(|row| format!("{} {}.5 {}\n", row % 7, row % 13, 1 + row % 2)).collect();
    write(dir.path(), "whole.data", &whole);
    let middle = "train --data whole.data --target column_2 --task regression --epochs 3 --out middle";
    assert_eq!(said(dir.path(), middle).code, Some(0));
    write(dir.path(), "all.data", "3 0.5 2\n");
    write(dir.path(), "asked.data", "3 2\n");
    let answers = |name: &str| said(dir.path(), &format!("predict middle --data {name}"));
    assert_eq!(answers("all.data").out, answers("asked.data").out);
    write(dir.path(), "wide.data", "3 0.5 2 7\n");
    let wide = answers("wide.data").err;
    assert!(
        wide.contains("wide.data has 4 columns and no header, and there are names for 3, or for 2"),
        "{wide}"
    );
    let unasked = said(dir.path(), "evaluate middle --data asked.data").err;
    assert!(
        unasked.contains("asked.data has 2 columns and no header, and there are names for 3"),
        "{unasked}"
    );
    let other =
        said(dir.path(), "train --data whole.data --target column_3 --test asked.data --out other").err;
    assert!(other.contains("asked.data has 2 columns and no header, and there are names for 3"), "{other}");

    // With names of their own, and then also found by name.
    write(dir.path(), "names.txt", "place\nsize\n\nresult\n");
    for (names, out) in [("place,size,result", "by-list"), ("names.txt", "by-file")] {
        let command = format!("train --data raw.data --names {names} --target result --epochs 3 --out {out}");
        let named = said(dir.path(), &command);
        assert!(named.code == Some(0) && !named.err.contains("no header"), "{named:?}");
        write(dir.path(), "again.csv", "size,extra,place\n4.5,x,3\n");
        let by_name = said(dir.path(), &format!("predict {out} --data again.csv")).out;
        let by_place = said(dir.path(), &format!("predict {out} --data raw.data")).out;
        assert_eq!((by_name.lines().count(), by_place.lines().count()), (2, 121), "{by_name}");
        let unknown = said(dir.path(), &format!("predict {out} --data one.data")).out;
        assert_eq!(unknown, by_name, "a table to predict for may lack the target");
        let score = said(dir.path(), &format!("evaluate {out} --data raw.data --quiet")).out;
        assert!((0.0..=1.0).contains(&score.trim().parse::<f64>().unwrap()), "{score}");
    }
}

#[test]
fn a_header_that_is_taken_for_values_is_told_with_what_makes_it_one() {
    let dir = tempfile::tempdir().unwrap();
    let rows: String = (0..60).map(|row| format!("{},{},{}\n", row % 7, row % 13, row % 2)).collect();
    write(dir.path(), "years.csv", &format!("2019,2020,2021\n{rows}"));
    let trained = said(dir.path(), "train --data years.csv --target column_3 --epochs 1 --out taken");
    let hint = "no header: the columns are called column_1 to column_3 (--names gives them names; if it has a header: --header yes)";
    assert!(trained.code == Some(0) && trained.err.contains(hint), "{trained:?}");
    let unknown = said(dir.path(), "train --data years.csv --target 2021");
    let hint = "; its first line was taken for values (--header yes if it names the columns)";
    assert!(unknown.err.contains("no column \"2021\"") && unknown.err.contains(hint), "{unknown:?}");
    let named = said(dir.path(), "train --data years.csv --target 2021 --header yes --epochs 1 --out named");
    assert!(named.code == Some(0) && !named.err.contains("no header"), "{named:?}");
    let unknown = said(dir.path(), "train --data years.csv --target 2022 --header yes");
    assert!(!unknown.err.contains("--header yes"), "{unknown:?}");
    // A name among the first values.
    write(dir.path(), "mixed.csv", &format!("1,size,2\n{rows}"));
    let mixed = said(dir.path(), "train --data mixed.csv --target column_3 --epochs 1 --out mixed");
    let hint =
        "if the first line is no part of the table: --skip-lines 1, if it names the columns: --header yes";
    assert!(
        mixed.err.contains("mixed.csv, line 1, column \"column_2\": \"size\"") && mixed.err.contains(hint),
        "{mixed:?}"
    );
}

#[test]
fn a_run_without_validation_rows_does_not_speak_of_validation_as_if_it_had_some() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "people.csv", &people(60));
    let trained =
        said(dir.path(), "train --data people.csv --target answer --validation 0 --epochs 2 --out run");
    let lines: Vec<&str> = trained.err.lines().filter(|line| line.starts_with("epoch")).collect();
    assert!(lines.len() == 2 && lines[1].contains("  training rows "), "{trained:?}");
    assert!(!lines[1].contains("validation"), "{trained:?}");
    let shown = said(dir.path(), "checkpoints show run");
    assert!(shown.out.contains("training_rows_loss: ") && !shown.out.contains("validation"), "{shown:?}");
}

#[test]
fn rows_without_a_target_are_left_out_with_a_word() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "people.csv", &people(200).replace(",no,", ",?,").replacen(",?,", ",no,", 60));
    let trained = said(dir.path(), "train --data people.csv --target answer --epochs 2 --out run");
    assert!(trained.err.contains("rows without a value of the target"), "{trained:?}");
}

/// As the credit approvals of UCI: what is missing is `?`, and the classes are `+` and `-`.
#[test]
fn plus_and_minus_are_classes_of_whatever_is_scored_and_predicted() {
    let dir = tempfile::tempdir().unwrap();
    let line = |row: usize| {
        let (gap, class) = (row.is_multiple_of(10), if row % 20 < 10 { '+' } else { '-' });
        let test = if row % 20 < 12 { '+' } else { '-' };
        format!("{},{test},{class}\n", if gap { "?".to_owned() } else { (row % 20).to_string() })
    };
    let all: String = (0..160).map(line).collect();
    write(dir.path(), "crx.data", &all);
    write(
        dir.path(),
        "no.data",
        &all.lines().filter(|line| line.ends_with('-')).fold(String::new(), |all, line| all + line + "\n"),
    );
    let command = "train --data crx.data --target column_3 --validation no.data --epochs 30 --out run --json";
    let trained = said(dir.path(), command);
    assert_eq!(trained.code, Some(0), "{trained:?}");
    assert!(!trained.err.contains("left out"), "{}", trained.err);
    assert_eq!(trained.json()["validation"]["rows"], 80);
    let scored = |name: &str| said(dir.path(), &format!("evaluate run --data {name} --json")).json();
    assert_eq!((&scored("no.data")["rows"], &scored("crx.data")["rows"]), (&80.into(), &160.into()));
    assert!(scored("no.data")["accuracy"].as_f64() > Some(0.8), "{}", scored("no.data"));
    let predicted = said(dir.path(), "predict run --data no.data").out;
    assert!(predicted.starts_with("column_3,probability_+,probability_-\n"), "{predicted}");
    assert_eq!(predicted.lines().count(), 81);
    write(dir.path(), "two.data", "15,-,-\n15,?,-\n");
    let inputs = said(dir.path(), "predict run --data two.data --write inputs").out;
    assert!(
        inputs.starts_with("column_1,column_2[0],column_2[1]\n") && inputs.contains(",0,1\n"),
        "{inputs}"
    );
    assert_eq!(said(dir.path(), "resume run --epochs 31").code, Some(0));
    assert_eq!(said(dir.path(), "evaluate run").code, Some(0));
}

#[test]
fn the_signs_of_what_is_missing_may_be_named_and_hold_for_prediction_and_again() {
    let dir = tempfile::tempdir().unwrap();
    let line = |row: usize| {
        let size = if row.is_multiple_of(7) { "none".to_owned() } else { (row % 13).to_string() };
        format!("{},{size},{}\n", ["NA", "EU", "-"][row % 3], ["NA", "EU"][row % 2])
    };
    write(dir.path(), "t.csv", &format!("from,size,to\n{}", (0..90).map(line).collect::<String>()));
    let trained = said(dir.path(), "train --data t.csv --target to --missing-only none --epochs 2 --out run");
    assert_eq!(trained.code, Some(0), "{trained:?}");
    assert!(!trained.err.contains("left out") && !trained.err.contains("\"from\" ("), "{}", trained.err);
    write(dir.path(), "new.csv", "size,from\nnone,NA\n1,-\n");
    let inputs = said(dir.path(), "predict run --data new.csv --write inputs").out;
    assert!(inputs.starts_with("from[0],from[1],from[2],size\n0,0,1,"), "{inputs}");
    assert!(inputs.contains("\n1,0,0,"), "{inputs}");
    let page = fs::read_to_string(dir.path().join("run/report.html")).unwrap();
    assert!(page.contains("--missing-only none"), "the command that repeats the run");
    write(dir.path(), "new.csv", "size,from\n?,NA\n");
    let other = said(dir.path(), "predict run --data new.csv");
    assert!(other.err.contains("new.csv, line 2, column \"size\": \"?\" is not a number"), "{other:?}");
    let init = said(dir.path(), "init t.csv --missing-only none --missing-only ?");
    assert_eq!(init.code, Some(0), "{init:?}");
    let template = fs::read_to_string(dir.path().join("highwater.toml")).unwrap();
    assert!(template.contains("missing_only = [\"none\", \"?\"]\n"), "{template}");
    assert_eq!(said(dir.path(), "train --config highwater.toml --epochs 2 --out again").code, Some(0));
}

#[test]
fn a_sign_of_one_column_is_a_value_in_others() {
    let dir = tempfile::tempdir().unwrap();
    let row = |row: usize| {
        let kids = if row.is_multiple_of(7) { 99 } else { row % 4 };
        format!("{kids},{},{}\n", 90 + row % 13, ["no", "yes"][row % 2])
    };
    write(dir.path(), "t.csv", &format!("kids,age,vote\n{}", (0..90).map(row).collect::<String>()));
    let train = "train --data t.csv --target vote --epochs 2";
    let trained = said(dir.path(), &format!("{train} --missing kids=99 --out run"));
    assert!(
        trained.code == Some(0) && trained.err.contains("imputed: missing values of \"kids\" (8)"),
        "{trained:?}"
    );
    assert!(!trained.err.contains("--indicators"), "where few are missing: {trained:?}");
    write(dir.path(), "new.csv", "kids,age\n99,99\n,98\n");
    let inputs = said(dir.path(), "predict run --data new.csv --write inputs").out;
    let inputs: Vec<Vec<&str>> = inputs.lines().map(|line| line.split(',').collect()).collect();
    assert!(inputs[1][0] == inputs[2][0] && inputs[1][1] != inputs[2][1], "{inputs:?}");
    let page = fs::read_to_string(dir.path().join("run/report.html")).unwrap();
    assert!(page.contains("--missing kids=99"), "the command that repeats the run");
    let wrong = said(dir.path(), &format!("{train} --missing kid=99 --out wrong"));
    assert!(wrong.code == Some(1) && wrong.err.contains("has no column \"kid\""), "{wrong:?}");
}

#[test]
fn several_numbers_are_predicted_together() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "people.csv", &people(200));
    let command = "train --data people.csv --target height --target weight --epochs 5 --out run --json";
    let trained = said(dir.path(), command);
    assert_eq!(trained.code, Some(0), "{trained:?}");
    let predicted = said(dir.path(), "predict run --data people.csv").out;
    assert!(predicted.starts_with("height,weight\n"), "{predicted}");
    let rows: Vec<Vec<f64>> = predicted
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|value| value.parse().unwrap()).collect())
        .collect();
    assert_eq!(rows.len(), 200);
    assert!(
        rows.iter().all(|row| (100.0..250.0).contains(&row[0]) && (0.0..150.0).contains(&row[1])),
        "{rows:?}"
    );
}

#[test]
fn parts_may_be_files_groups_or_times() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "people.csv", &people(240));
    write(dir.path(), "later.csv", &people(50));
    let test_rows = |options: &str, name: &str| {
        let command =
            format!("train --data people.csv --target answer --epochs 2 --json --out {name} {options}");
        let trained = said(dir.path(), &command);
        assert_eq!(trained.code, Some(0), "{trained:?}");
        let summary = trained.json();
        [&summary["validation"]["rows"], &summary["test"]["rows"]].map(|rows| rows.as_u64().unwrap())
    };
    assert_eq!(test_rows("--test later.csv", "a")[1], 50);
    assert_eq!(test_rows("--validation later.csv --test 0.25", "b"), [50, 60]);
    assert_eq!(test_rows("--time joined --test 0.25", "c")[1], 60);
    assert_eq!(test_rows("--group joined", "d").map(|rows| rows > 10), [true, true]);
    let page = fs::read_to_string(dir.path().join("d/report.html")).unwrap();
    assert!(page.contains("which groups the rows"), "why it is left out");
    for name in ["a", "b", "c", "d"] {
        assert_eq!(said(dir.path(), &format!("evaluate {name}")).code, Some(0), "{name}");
    }
}

#[test]
fn cross_validation_sums_up_and_saves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "people.csv", &people(120));
    let folds = said(dir.path(), "train --data people.csv --target answer --epochs 4 --folds 4 --json");
    let summary = folds.json();
    let each = summary["folds"].as_array().unwrap();
    assert_eq!(each.iter().map(|fold| fold["rows"].as_u64().unwrap()).collect::<Vec<_>>(), [30; 4]);
    let accuracies: Vec<f64> = each.iter().map(|fold| fold["accuracy"].as_f64().unwrap()).collect();
    let mean = summary["summary"]["accuracy"]["mean"].as_f64().unwrap();
    assert!((accuracies.iter().sum::<f64>() / 4.0 - mean).abs() < 1e-12, "{summary}");
    // As of a sample, from which the spread of other divisions is told.
    let variance = accuracies.iter().map(|accuracy| (accuracy - mean).powi(2)).sum::<f64>() / 3.0;
    let sd = summary["summary"]["accuracy"]["sd"].as_f64().unwrap();
    assert!(sd > 0.0 && (variance.sqrt() - sd).abs() < 1e-12, "{summary}");
    let shown = said(dir.path(), "train --data people.csv --target answer --epochs 4 --folds 4");
    assert!(shown.out.contains("Cross-validation of 120 rows in 4 parts"), "{shown:?}");
    assert!(!dir.path().join("runs").exists());
}

#[test]
fn the_model_of_all_rows_is_the_one_to_predict_with_and_not_the_one_to_score() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "people.csv", &people(200));
    for (refit, out) in [("yes", "with"), ("no", "without")] {
        let command =
            format!("train --data people.csv --target answer --epochs 5 --refit {refit} --out {out} --json");
        assert_eq!(said(dir.path(), &command).code, Some(0));
    }
    let there = |name: &str| dir.path().join(name).join("final.safetensors").exists();
    assert_eq!((there("with"), there("without")), (true, false));
    let out = |command: &str| said(dir.path(), command).out;
    assert_eq!(out("evaluate with --json"), out("evaluate without --json"));
    assert_ne!(out("evaluate with --data people.csv"), out("evaluate without --data people.csv"));
    assert_ne!(out("predict with --data people.csv"), out("predict without --data people.csv"));
}

#[test]
fn balanced_classes_change_what_is_learned() {
    let dir = tempfile::tempdir().unwrap();
    let rare: String =
        (0..200).map(|row| format!("{},{}\n", row % 20, if row % 20 > 17 { "b" } else { "a" })).collect();
    write(dir.path(), "rare.csv", &format!("x,y\n{rare}"));
    let recall = |options: &str, out: &str| {
        let command = format!("train --data rare.csv --target y --epochs 1 --out {out} --quiet {options}");
        assert_eq!(said(dir.path(), &command).code, Some(0));
        said(dir.path(), &format!("predict {out} --data rare.csv --write classes")).out.matches('b').count()
    };
    assert!(recall("--class-weights balanced", "weighted") > recall("", "plain"));
}

#[test]
fn decimal_commas_are_learned_from_and_remembered_for_prediction() {
    let dir = tempfile::tempdir().unwrap();
    let line = |row: usize| format!("{},5;{};{},0\n", row % 13, 1000 + row, row % 13 * 2);
    write(dir.path(), "t.csv", &format!("size;id;price\n{}", (0..120).map(line).collect::<String>()));
    let trained =
        said(dir.path(), "train --data t.csv --target price --task regression --epochs 3 --out run");
    assert_eq!(trained.code, Some(0), "{trained:?}");
    assert!(!trained.err.contains("column \"size\""), "{}", trained.err);
    // Too little to tell a decimal comma from thousands.
    write(dir.path(), "one.csv", "size;id;price\n3,125;2000;0\n");
    let one = said(dir.path(), "predict run --data one.csv --out p.csv --json");
    assert_eq!(one.code, Some(0), "{one:?}");
    assert_eq!(one.json()["rows"], 1);
    let config = fs::read_to_string(dir.path().join("run/config.toml")).unwrap();
    assert!(config.contains("decimal_comma = true"), "{config}");
}

#[test]
fn a_cell_that_is_no_number_hides_no_decimal_commas() {
    let dir = tempfile::tempdir().unwrap();
    let row = |row: usize| {
        let size = if row == 16 { "k.A.".to_owned() } else { format!("{},{}", 20 + row, row % 9 + 1) };
        format!("{size};{}\n", ["ja", "nein"][row % 2])
    };
    write(dir.path(), "t.csv", &format!("size;paid\n{}", (0..90).map(row).collect::<String>()));
    let train = "train --data t.csv --target paid --epochs 2 --out run";
    let told = said(dir.path(), train).err;
    assert!(told.contains("t.csv, line 18, column \"size\": \"k.A.\" is not a number"), "{told}");
    assert_eq!(said(dir.path(), &format!("{train} --missing k.A.")).code, Some(0));
}

#[test]
fn a_word_among_numbers_is_told_with_what_can_be_done_there() {
    let dir = tempfile::tempdir().unwrap();
    let row = |row: usize| format!("{},{},{}\n", row % 23, row * 7 % 11, ["x", "y"][row % 2]);
    let rows: String = (0..230).map(row).collect();
    write(dir.path(), "t.csv", &format!("size,age,kind\n{rows}"));
    let train = "train --data t.csv --target kind --epochs 2 --out run";
    assert_eq!(said(dir.path(), train).code, Some(0));
    write(dir.path(), "new.csv", "size,age,kind\n1,2,x\nrotary,3,y\n2,4,x\nV 8,5,y\nrotary,1,x\n");
    let told = "new.csv, line 3, column \"size\": \"rotary\" is not a number (nor are those on lines 5 and 6: \"V 8\"); \
                correct the cells, or empty them (what is empty is a missing value, as in training)\n";
    for job in ["evaluate", "predict"] {
        let failed = said(dir.path(), &format!("{job} run --data new.csv"));
        assert_eq!((failed.code, &*failed.err), (Some(1), &*format!("error: {told}")), "{job}");
    }
    // In training it may be a sign, or the column one of names; the rows of all parts are looked at.
    let words = rows.replace("\n1,", "\nrotary,").replace("\n2,", "\nV 8,");
    write(dir.path(), "t.csv", &format!("size,age,kind\n{words}"));
    let failed = said(dir.path(), "train --data t.csv --target kind --epochs 2 --out other");
    let flags = "--missing size=rotary --missing 'size=V 8' takes them for missing, --column size=category takes the \
                 column for names";
    assert!(failed.code == Some(1) && failed.err.contains("and 16 others: \"V 8\""), "{failed:?}");
    assert!(failed.err.contains(flags), "{failed:?}");
    let signs = ["--missing", "size=rotary", "--missing", "size=V 8"];
    let again = highwater(train.replace("--out run", "--out other").split(' ').chain(signs))
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(again.status.success(), "{again:?}");
}

#[test]
fn numbers_that_may_be_names_and_names_that_may_be_numbers_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let row = |row: usize| {
        let views =
            if row.is_multiple_of(3) { format!("{}M", 1 + row % 4) } else { format!("{}K", 10 * (row % 40)) };
        format!("{:05},{:03},{views},{}\n", 907 * (row % 9), row % 31, ["x", "y"][row % 2])
    };
    write(dir.path(), "t.csv", &format!("zip,ward,views,kind\n{}", (0..120).map(row).collect::<String>()));
    let train = "train --data t.csv --target kind --epochs 2";
    let told = said(dir.path(), &format!("{train} --out told")).err;
    for words in [
        "codes: the numbers of \"zip\" have zeros before them, as \"00",
        "and are taken for names; if they are quantities: --column zip=number\n",
        "codes: the numbers of \"ward\" have zeros before them, as \"0",
        "and are taken for quantities; if they are names: --column ward=category\n",
        "amounts: those of \"views\", such as \"",
        "are taken for names; if K is a thousand and M a million: --column views=number\n",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let said_so = "--column zip=number --column ward=category --column views=number";
    let mended = said(dir.path(), &format!("{train} {said_so} --out mended"));
    assert!(mended.code == Some(0) && !mended.err.contains("codes: "), "{mended:?}");
    assert!(
        !mended.err.contains("amounts: ") && mended.err.contains("read as numbers: \"views\""),
        "{mended:?}"
    );
}

#[test]
fn what_may_mislead_is_told_before_training() {
    let dir = tempfile::tempdir().unwrap();
    let row = |row: usize| {
        let (size, far) =
            (row * 37 % 50, if row % 20 == 7 { "-9999".to_owned() } else { format!("{row}.5") });
        let answer = if row * 7 % 13 > 5 { "yes" } else { "no" };
        format!("{size},{far},{},{answer}\n", if answer == "yes" { "paid" } else { "due" })
    };
    let rows: String = (0..200).map(row).collect();
    write(dir.path(), "t.csv", &format!("size,far,state,answer\n{rows}"));
    let train = "train --data t.csv --target answer --epochs 2";
    let told = said(dir.path(), &format!("{train} --out told"));
    for words in [
        "far off: -9999, in training rows of \"far\" (7), is far from all other numbers; if it means missing: --missing=far=-9999",
        "suspicious: \"state\" alone tells \"answer\" in all training rows; if it is not known beforehand: \
         --column state=ignore",
    ] {
        assert!(told.code == Some(0) && told.err.contains(words), "{words}: {told:?}");
    }
    assert!(!told.err.contains("repeated: "), "{told:?}");
    let mended = said(dir.path(), &format!("{train} --missing=far=-9999 --column state=ignore --out mended"));
    assert!(
        mended.code == Some(0) && mended.err.contains("imputed: missing values of \"far\""),
        "{mended:?}"
    );
    assert!(!mended.err.contains("far off") && !mended.err.contains("suspicious"), "{mended:?}");

    let total: String = (0..90)
        .map(|row| {
            let (a, b) = (row * 37 % 53, row * row * 7 % 41);
            format!(
                "{a},{b},{},{}\n",
                if row % 2 == 0 { format!("{row} kg") } else { format!("{row}00 g") },
                a + b
            )
        })
        .collect();
    write(dir.path(), "total.csv", &format!("a,b,load,y\n{total}"));
    let total = "train --data total.csv --target y --epochs 1";
    let folds = said(dir.path(), &format!("{total} --folds 2"));
    assert!(folds.err.contains("suspicious: \"a\" and \"b\" together tell"), "{folds:?}");
    assert!(!folds.err.contains("no validation rows") && !folds.err.contains("few rows"), "{folds:?}");
    let total = said(dir.path(), &format!("{total} --out total"));
    for words in [
        "suspicious: \"a\" and \"b\" together tell \"y\" in all training rows; if they are not known beforehand: \
         --column a=ignore --column b=ignore\n",
        "mixed: the numbers of \"load\" are in several units (\"g\", \"kg\"), and taken for names",
    ] {
        assert!(total.err.contains(words), "{words}: {total:?}");
    }

    let one_hot: String = (0..90)
        .map(|row| format!("{}.5,{},1.5e{}\n", row, ["1,0,0", "0,1,0", "0,0,1"][row % 3], row % 9))
        .collect();
    write(dir.path(), "hot.csv", &format!("x,a,b,c,size\n{one_hot}"));
    let train = "train --data hot.csv --epochs 1 --target";
    let hot = said(dir.path(), &format!("{train} a --target b --target c --out hot"));
    assert!(hot.err.contains("one-hot: in each training row one of \"a\", \"b\", \"c\" is 1"), "{hot:?}");
    let stars: String = (0..90).map(|row| format!("{row}.5,{},{}\n", row % 5 + 1, row % 3)).collect();
    write(dir.path(), "stars.csv", &format!("x,stars,code\n{stars}"));
    let numbered = said(dir.path(), "train --data stars.csv --target stars --epochs 1 --out stars").err;
    assert!(numbered.contains("classes: \"stars\" has 5 numbers (--task regression takes"), "{numbered}");
    write(dir.path(), "label.csv", &format!("x,label,code\n{stars}"));
    let label = said(dir.path(), "train --data label.csv --target label --epochs 1 --out label").err;
    assert!(!label.contains("classes:"), "{label}");
    let days: String = (0..90)
        .map(|row| format!("2026-{:02}-{:02},{}.5,{}\n", 1 + row / 28, 1 + row % 28, row % 7, row % 2))
        .collect();
    write(dir.path(), "days.csv", &format!("day,x,rain\n{days}"));
    let days = "train --data days.csv --target rain --epochs 1 --out";
    let chance = said(dir.path(), &format!("{days} chance")).err;
    assert!(
        chance.contains("in time: the rows are in the order of \"day\"") && chance.contains("--time day"),
        "{chance}"
    );
    let time = said(dir.path(), &format!("{days} time --time day")).err;
    assert!(!time.contains("in time:"), "{time}");
    let visits: String =
        (0..90).map(|row| format!("{},{}.5,{}\n", 500 + row / 3 * 7, row % 7, row % 2)).collect();
    write(dir.path(), "visits.csv", &format!("patient_id,x,ill\n{visits}"));
    let visits = "train --data visits.csv --target ill --epochs 1 --out";
    let words = "in groups: several rows have the same \"patient_id\"; if rows of new ones are to be predicted, test on such: \
                 --group patient_id\n";
    for (flag, is_told) in [("", true), ("--group patient_id", false)] {
        let visits = said(dir.path(), &format!("{visits} visits{is_told} {flag}")).err;
        assert_eq!(visits.contains(words), is_told, "{visits}");
    }
    let codes = said(dir.path(), "train --data stars.csv --target code --epochs 1 --out codes").err;
    assert!(!codes.contains("classes:"), "{codes}");
    let wide = said(dir.path(), &format!("{train} size --out wide"));
    assert!(wide.err.contains("wide: the largest value of \"size\" is "), "{wide:?}");

    assert!(!told.err.contains("few rows"), "{told:?}");
    write(
        dir.path(),
        "few.csv",
        &rows.lines().take(100).fold("size,far,state,answer\n".to_owned(), |text, row| text + row + "\n"),
    );
    let few = said(dir.path(), "train --data few.csv --target answer --epochs 2 --out few").err;
    assert!(few.contains("few rows: 15 to test on, too few"), "{few}");
    let ten = rows.lines().take(10).fold("size,far,state,answer\n".to_owned(), |text, row| text + row + "\n");
    write(dir.path(), "ten.csv", &ten);
    let chosen = "train --data few.csv --test ten.csv --target answer --epochs 2 --out chosen";
    let chosen = said(dir.path(), chosen);
    assert!(chosen.code == Some(0) && !chosen.err.contains("few rows"), "{chosen:?}");

    let twice: String = rows.lines().map(|line| format!("{line}\n{line}\n")).collect();
    write(dir.path(), "twice.csv", &format!("size,far,state,answer\n{twice}"));
    let command = "train --data twice.csv --target answer --epochs 2 --out twice";
    let repeated = said(dir.path(), command).err;
    assert!(repeated.contains(" of 60 test rows are the same as training rows; scores on"), "{repeated}");
    let apart =
        said(dir.path(), "train --data t.csv --test twice.csv --target answer --epochs 2 --out apart").err;
    assert!(apart.contains(" of 400 test rows are the same as training rows"), "{apart}");

    let coupon = |row: usize| ["VIP", "", "SPRING", "", "", ""][row % 6];
    let rows: String =
        (0..200).map(|row| format!("{},{},{}\n", row * 37 % 50, coupon(row), row % 2)).collect();
    write(dir.path(), "shop.csv", &format!("size,coupon,back\n{rows}"));
    for (flag, is_told) in [("", true), ("--indicators", false)] {
        let train = "train --data shop.csv --target back --epochs 2";
        let shop = said(dir.path(), &format!("{train} --out shop{is_told} {flag}")).err;
        assert_eq!(shop.contains("or the most frequent; --indicators tells"), is_told, "{shop}");
    }

    let cross = |row: usize| ["x", ""][usize::from(row.is_multiple_of(3))];
    let sex = |row: usize| ["M", "f", "F"][row % 5 % 3];
    let rows: String =
        (0..90).map(|row| format!("{}.5,{},{},{}\n", row % 7, cross(row), sex(row), row % 2)).collect();
    write(dir.path(), "cross.csv", &format!("size,smoker,sex,ill\n{rows}"));
    let crossed = said(dir.path(), "train --data cross.csv --target ill --epochs 1 --out cross").err;
    let words = "left out: column \"smoker\", the same, or missing, in all training rows (--indicators tells the network where \
                 there is a value)\n";
    assert!(crossed.contains(words), "{crossed}");
    let words =
        "\"F\", \"f\" are different categories of \"sex\": if they are one, write them alike in the file\n";
    assert!(crossed.contains(words), "{crossed}");

    let rows: String =
        (0..200).map(|row| format!("{},0{}:{:02}\n", row * 37 % 50, row % 3, row % 30)).collect();
    write(dir.path(), "walks.csv", &format!("size,walk\n{rows}"));
    let timed = said(dir.path(), "train --data walks.csv --target walk --epochs 2 --out walks").err;
    assert!(timed.contains("dates: those of \"walk\" are 30 classes; if they are a quantity"), "{timed}");
}
