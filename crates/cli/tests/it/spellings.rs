//! Numbers and dates as people write them: what is around a number, and which of two fields is the month.

use crate::run::{Said, highwater};
use std::fs;
use std::path::Path;

/// Runs a command line in a folder, which must succeed.
fn done(dir: &Path, command: &str) -> Said {
    let said = Said::of(highwater(command.split_whitespace()).current_dir(dir).output().unwrap());
    assert_eq!(said.code, Some(0), "{command}: {said:?}");
    said
}

/// Rows as `row` writes them below these names.
fn write(dir: &Path, names: &str, rows: usize, row: impl Fn(usize) -> String) {
    let rows: Vec<String> = (0..rows).map(row).collect();
    fs::write(dir.join("t.csv"), format!("{names}\n{}\n", rows.join("\n"))).unwrap();
}

#[test]
fn amounts_in_a_currency_are_numbers_from_training_to_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let amount = |value: usize| match value {
        0..1000 => format!("${value}.50"),
        _ => format!("\"$1,{:03}.50\"", value - 1000),
    };
    let row = |row: usize| {
        let size = 100 + row * 37 % 900;
        let change = if row.is_multiple_of(3) { format!("({row})") } else { row.to_string() };
        format!("{},{}%,{change},{}", amount(size), row % 50, amount(size + 900))
    };
    write(dir, "cost,share,change,price", 200, row);
    let trained = done(dir, "train --data t.csv --target price --epochs 60 --out run --json");
    let words = "read as numbers: \"cost\" ($), \"share\" (%), \"change\" (in brackets or behind a dash: below zero), \"price\" ($)";
    assert!(trained.err.contains(words), "{trained:?}");
    assert!(trained.json()["test"]["r2"].as_f64().unwrap() > 0.9, "{trained:?}");

    let rows = "cost,share,change\n$120.50,3%,7\n\"$ 1,120.50\",3 %,(7)\n";
    fs::write(dir.join("new.csv"), rows).unwrap();
    let answers = done(dir, "predict run --data new.csv").out;
    let answers: Vec<f64> = answers.lines().skip(1).map(|line| line.parse().unwrap()).collect();
    assert!(answers[0] > 900.0 && answers[0] < 1200.0 && answers[1] > 1600.0, "{answers:?}");

    done(dir, "resume run --epochs 62 --stop never");
    done(dir, "evaluate run --data t.csv");
    done(dir, "checkpoints export run --to onnx --out m.onnx");

    fs::write(dir.join("new.csv"), "cost,share,change\n€5,3%,7\n").unwrap();
    let other =
        Said::of(highwater(["predict", "run", "--data", "new.csv"]).current_dir(dir).output().unwrap());
    let words = "new.csv, line 2, column \"cost\": \"€5\" is not written like \"$12\"";
    assert!(other.code == Some(1) && other.err.contains(words), "{other:?}");
    assert!(!other.err.contains("dmy"), "that is of dates: {other:?}");
}

#[test]
fn dates_that_can_be_read_in_two_ways_are_told_of_and_can_be_said() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // The first of each month of eight years.
    write(dir, "at,y", 96, |row| format!("{}/1/{},{}.5", row % 12 + 1, 2010 + row / 12, row % 12));
    let trained = done(dir, "train --data t.csv --target y --epochs 3 --out told");
    let words = "dates: \"at\" is read as month/day/year; if it is day/month/year: --column at=dmy";
    assert!(trained.err.contains(words), "{trained:?}");
    let said = done(dir, "train --data t.csv --target y --epochs 3 --out said --column at=dmy --time at");
    assert!(!said.err.contains("dates:"), "{said:?}");
    let inputs = |run: &str| done(dir, &format!("predict {run} --data t.csv --write inputs")).out;
    assert_ne!(inputs("told"), inputs("said"));
    for run in ["told", "said"] {
        done(dir, &format!("resume {run} --epochs 5 --stop never"));
        done(dir, &format!("evaluate {run}"));
    }

    // What held-out rows suggest does not change what the training rows were taken for.
    let at = |row: usize| match row {
        0..70 => format!("{}/1/{}", row % 12 + 1, 2010 + row / 12),
        _ => format!("{}/{}/2020", row * 7 % 12 + 1, row * 5 % 12 + 1),
    };
    write(dir, "n,at,y", 100, |row| format!("{row},{},{}.5", at(row), row % 12));
    done(dir, "train --data t.csv --target y --epochs 3 --time n --column n=ignore --out both");
    let days: Vec<f64> =
        inputs("both").lines().skip(1).map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
    let months = (days[12] - days[0]) / (days[1] - days[0]);
    assert!((months - 365.0 / 31.0).abs() < 0.01, "{months}");

    // Later rows tell.
    write(dir, "at,y", 96, |row| format!("{}/{}/2024,{row}.5", row / 28 + 1, row % 28 + 1));
    let trained = done(dir, "train --data t.csv --target y --epochs 3 --out sure");
    assert!(!trained.err.contains("dates:"), "{trained:?}");
}

#[test]
fn dates_with_named_months_or_short_years_are_dates_from_training_to_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let day = |row: usize| (row * 5 % 28 + 1, MONTHS[row * 7 % 12], 10 + row % 9);
    let row = |row: usize| {
        let (date, name, year) = day(row);
        let number = row * 7 % 12 + 1;
        format!(
            "{date} {name} 20{year},\"{name} {date}, 20{year}\",{number}/{date}/{year},{date:02}-{name}-{year},{number}.5"
        )
    };
    write(dir, "words,american,short,oracle,y", 200, row);
    let trained = done(dir, "train --data t.csv --target y --epochs 60 --out run --json");
    for words in [
        "dates: \"short\" is read as month/day/year, with years from 1969 to 2068",
        "dates: \"oracle\" is read with years from 1969 to 2068",
    ] {
        assert!(trained.err.contains(words), "{trained:?}");
    }
    assert!(!trained.err.contains("left out") && !trained.err.contains("joined"), "{trained:?}");
    assert!(trained.json()["test"]["r2"].as_f64().unwrap() > 0.5, "{trained:?}");
    let page = fs::read_to_string(dir.join("run/report.html")).unwrap();
    assert!(page.contains("date, the month first, with years from 1969 to 2068"));

    // The same days, each spelled in four ways, are the same inputs.
    let inputs = done(dir, "predict run --data t.csv --write inputs").out;
    let cells: Vec<Vec<&str>> = inputs.lines().map(|line| line.split(',').collect()).collect();
    let width = cells[0].len() / 4;
    for cells in &cells[1..] {
        for column in 1..4 {
            assert_eq!(cells[column * width..(column + 1) * width], cells[..width], "{cells:?}");
        }
    }
    done(dir, "resume run --epochs 62 --stop never");
    done(dir, "evaluate run --data t.csv");

    fs::write(
        dir.join("new.csv"),
        "words,american,short,oracle\n5 Jan 2026,\"Jan 5, 2026\",1/5/2026,05-Jan-26\n",
    )
    .unwrap();
    let other =
        Said::of(highwater(["predict", "run", "--data", "new.csv"]).current_dir(dir).output().unwrap());
    let words = "line 2, column \"short\": \"1/5/2026\" is not a date like 11/23/26, the month first";
    assert!(other.code == Some(1) && other.err.contains(words), "{other:?}");
}

#[test]
fn what_a_model_knows_nothing_of_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let row =
        |row: usize| format!("{},{},{}", ["1", "2", "A"][row % 3], row * 7 % 13, ["no", "yes"][row % 2]);
    write(dir, "code,size,y", 60, row);
    done(dir, "train --data t.csv --target y --epochs 3 --out run");
    let other = "code,size,y\n".to_owned() + &"2.0,,no\n".repeat(5) + "2.0,,\n";
    fs::write(dir.join("new.csv"), other).unwrap();
    let scored = done(dir, "evaluate run --data new.csv");
    assert!(scored.err.starts_with("left out: 1 row without a value of the target\n"), "{scored:?}");
    let far = "code,size,y\n".to_owned() + &"2,9000,no\n".repeat(5);
    fs::write(dir.join("far.csv"), far).unwrap();
    let words = "far off: all numbers of \"size\" in far.csv, such as 9000, are far from those of training; are they in another unit?\n";
    assert_eq!(done(dir, "predict run --data far.csv").err, words);
    // All pieces of a large table count, and four rows are too few.
    let pieces = "code,size,y\n".to_owned() + &"2.0,,no\n".repeat(5000);
    fs::write(dir.join("pieces.csv"), &pieces).unwrap();
    let said = done(dir, "predict run --data pieces.csv").err;
    assert!(said.contains("of \"size\"") && said.contains("of \"code\""), "{said}");
    fs::write(dir.join("pieces.csv"), pieces + "2,,no\n").unwrap();
    let said = done(dir, "predict run --data pieces.csv").err;
    assert!(said.contains("of \"size\"") && !said.contains("of \"code\""), "{said}");
    let turns = "code,size,y\n".to_owned() + &"2.0,5,no\n".repeat(4096) + &"2,,no\n".repeat(10);
    fs::write(dir.join("turns.csv"), turns).unwrap();
    assert_eq!(done(dir, "predict run --data turns.csv").err, "");
    fs::write(dir.join("four.csv"), "code,size,y\n".to_owned() + &"2.0,,no\n".repeat(4)).unwrap();
    assert_eq!(done(dir, "predict run --data four.csv").err, "");
    let told = [
        "empty: new.csv has no value of \"size\"; the median or the most frequent stands for it\n",
        "unknown: new.csv has no value of \"code\" that the model knows, but \"2.0\" and the like; if they are the same, \
         write them as in training: \"1\", \"2\", \"A\"\n",
    ];
    for (command, is_told) in [
        ("predict run --data new.csv", true),
        ("predict run --data new.csv --quiet", false),
        ("evaluate run --data new.csv", true),
        ("evaluate run --data t.csv", false),
        ("train --data t.csv --target y --epochs 3 --test new.csv --out other", true),
    ] {
        let said = done(dir, command);
        let name = if command.starts_with("train") {
            dir.join("new.csv").display().to_string()
        } else {
            "new.csv".into()
        };
        for words in told.map(|words| words.replace("new.csv", &name)) {
            assert_eq!(said.err.contains(&words), is_told, "{command}: {said:?}");
        }
    }
}

#[test]
fn a_last_row_that_may_be_the_sum_of_the_others_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (region, is_told) in [("north", true), ("Total", false)] {
        let rows: String = (0..60).map(|row| format!("{region},{}.5,{}\n", row * 7 % 13, row % 9)).collect();
        fs::write(dir.join("t.csv"), format!("region,size,y\n{rows}Total,999.5,240\n")).unwrap();
        let said = done(dir, &format!("train --data t.csv --target y --epochs 1 --out {region}"));
        let words = "line 62, the last, is a row like the others; if \"Total\" means their sum, take it out of the file\n";
        assert_eq!(said.err.contains(words), is_told, "{said:?}");
    }
}
