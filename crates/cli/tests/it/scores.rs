//! Which model is scored or answers, by what, and where that is written.

use crate::run::{Said, highwater, history, table};
use highwater_checkpoint::Checkpoint;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// Runs a command line in a folder; it must succeed.
#[track_caller]
fn done(dir: &Path, command: &str) -> Said {
    let said = Said::of(highwater(command.split_whitespace()).current_dir(dir).output().unwrap());
    assert_eq!(said.code, Some(0), "{command}: {said:#?}");
    said
}

const IRIS: &str = "train --data iris.csv --target species --epochs 3 --hidden none";

fn with_iris() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(table("iris.csv"), dir.path().join("iris.csv")).unwrap();
    dir
}

#[test]
fn it_is_said_which_model_is_scored_and_why() {
    let dir = with_iris();
    let dir = dir.path();
    done(dir, &format!("{IRIS} --out both"));
    done(dir, &format!("{IRIS} --out one --refit no"));
    for (command, first, model) in [
        (
            "evaluate both",
            "test: 23 rows, scored with best.safetensors, as final.safetensors has seen all rows of the table\n",
            "best.safetensors",
        ),
        (
            "evaluate both --data iris.csv",
            "iris.csv: 150 rows, scored with final.safetensors, the model of all rows of the run, as predict uses it\n",
            "final.safetensors",
        ),
        ("evaluate one", "test: 23 rows, scored with best.safetensors\n", "best.safetensors"),
        (
            "evaluate one --data iris.csv",
            "iris.csv: 150 rows, scored with best.safetensors\n",
            "best.safetensors",
        ),
    ] {
        let said = done(dir, command);
        assert!(said.out.starts_with(first), "{command}: {said:?}");
        let seen = "seen: iris.csv is the table that the model was trained on";
        assert_eq!(said.err.contains(seen), command.contains("iris.csv"), "{command}: {said:?}");
        assert_eq!(done(dir, &format!("{command} --json")).json()["model"], model, "{command}");
    }
}

#[test]
fn what_is_proposed_at_the_end_can_be_done() {
    let dir = with_iris();
    let dir = dir.path();
    for (number, (options, split)) in
        [("", ""), ("--test 0", " --split validation"), ("--validation 0 --test 0", " --split train")]
            .into_iter()
            .enumerate()
    {
        let said = done(dir, &format!("{IRIS} {options} --out run{number}")).out;
        let line = said.lines().find(|line| line.contains("cargo xtask evaluate")).unwrap();
        let command = line.split("  ").find_map(|part| part.strip_prefix("cargo xtask ")).unwrap();
        assert_eq!(command, format!("evaluate run{number}{split}"));
        done(dir, command);
    }
    let said = Said::of(highwater(["evaluate", "run2"]).current_dir(dir).output().unwrap());
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("no test rows: --split train, or other rows with --data FILE"), "{said:?}");
}

#[test]
fn the_loss_of_balanced_classes_is_one_and_the_same_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let rows: String = (0..240)
        .map(|row| {
            format!("{},{},{}\n", row % 13, row % 7, if row % 6 == row % 5 { "rare" } else { "usual" })
        })
        .collect();
    fs::write(dir.join("t.csv"), format!("a,b,kind\n{rows}")).unwrap();
    let train = "train --data t.csv --target kind --epochs 4 --hidden none --refit no";
    let run = format!("{train} --class-weights balanced --out run");
    let trained = done(dir, &format!("{run} --json"));
    assert!(trained.err.contains("balanced: in every loss each class counts the same"), "{trained:?}");
    let summary = trained.json();
    let column = |name: &str, history: &[Vec<String>]| history[0].iter().position(|n| n == name).unwrap();
    let history = history(&dir.join("run"));
    let (epoch, loss) = (column("epoch", &history), column("validation_loss", &history));
    let best_epoch = summary["best_epoch"].to_string();
    let best = history.iter().find(|row| row[epoch] == best_epoch).unwrap();
    let chosen_by: f64 = best[loss].parse().unwrap();
    let near = |value: &serde_json::Value| (value.as_f64().unwrap() - chosen_by).abs() < 1e-6;
    assert!(near(&summary["validation"]["loss"]), "{chosen_by}: {summary}");
    let again = done(dir, "evaluate run --split validation --json").json();
    assert!(near(&again["loss"]), "{chosen_by}: {again}");
    let text = done(dir, "evaluate run --data t.csv").out;
    assert!(text.contains("In the loss each class counts the same"), "{text}");
    // Each class counts the same wherever the rows are, also if they are of one class only.
    let usual: String =
        rows.lines().filter(|row| row.ends_with("usual")).map(|row| row.to_owned() + "\n").collect();
    fs::write(dir.join("usual.csv"), format!("a,b,kind\n{usual}")).unwrap();
    fs::write(dir.join("twice.csv"), format!("a,b,kind\n{rows}{usual}")).unwrap();
    let of = |file: &str| {
        let json = done(dir, &format!("evaluate run --data {file} --json")).json();
        json["loss"].as_f64().unwrap()
    };
    assert!((of("t.csv") - of("twice.csv")).abs() < 1e-6 && (of("t.csv") - of("usual.csv")).abs() > 1e-3);

    let page = fs::read_to_string(dir.join("run/report.html")).unwrap();
    assert!(page.contains("each class counts the same"), "the page says nothing of it");
    done(dir, &format!("{train} --out plain"));
    done(dir, "report run plain");
    let page = fs::read_to_string(dir.join("comparison.html")).unwrap();
    assert!(
        page.contains("In the losses of this table each row counts the same"),
        "runs are compared by different losses"
    );
}

#[test]
fn answers_take_the_place_of_older_ones_when_they_are_complete() {
    let dir = with_iris();
    let dir = dir.path();
    done(dir, &format!("{IRIS} --out run"));
    let iris = fs::read_to_string(dir.join("iris.csv")).unwrap();
    let (header, rows) = iris.split_once('\n').unwrap();
    let many = format!("{header}\n{}", rows.repeat(40));
    fs::write(dir.join("good.csv"), &many).unwrap();
    fs::write(dir.join("bad.csv"), format!("{many}wide,1,1,1,setosa\n")).unwrap();
    fs::write(dir.join("old.csv"), "the only copy").unwrap();
    fs::set_permissions(dir.join("old.csv"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("old.csv", dir.join("link.csv")).unwrap();
    let names = || {
        let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
        names.collect::<BTreeSet<_>>()
    };
    let before = names();

    for out in ["old.csv", "link.csv", "new.csv"] {
        let args = ["predict", "run", "--data", "bad.csv", "--out", out];
        let said = Said::of(highwater(args).current_dir(dir).output().unwrap());
        assert!(said.code == Some(1) && said.err.contains("\"wide\""), "{said:?}");
        assert_eq!(names(), before, "{out}");
        assert_eq!(fs::read_to_string(dir.join("old.csv")).unwrap(), "the only copy");
    }
    done(dir, "predict run --data good.csv --out link.csv");
    assert_eq!(names(), before);
    assert_eq!(fs::read_to_string(dir.join("old.csv")).unwrap().lines().count(), 6001);
    assert_eq!(fs::metadata(dir.join("old.csv")).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(dir.join("link.csv").is_symlink());
    done(dir, "predict run --data good.csv --out /dev/null");
    done(dir, "predict run --data good.csv --out new.csv");
    assert_eq!(fs::read(dir.join("new.csv")).unwrap(), fs::read(dir.join("old.csv")).unwrap());
}

#[test]
fn values_far_from_zero_are_scored_with_all_their_digits() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // Numbers of 32 bits are 8 apart there.
    let truth: Vec<f64> = (0..120).map(|row| 1e8 + f64::from(row * 7 % 23) / 8.0).collect();
    let line = |row: usize| format!("{},{},{}\n", row * 7 % 23, row % 5, truth[row]);
    fs::write(dir.join("t.csv"), format!("a,b,y\n{}", (0..120).map(line).collect::<String>())).unwrap();
    done(dir, "train --data t.csv --target y --task regression --epochs 30 --hidden 8 --out run --quiet");
    let said = done(dir, "predict run --data t.csv").out;
    let found: Vec<f64> = said.lines().skip(1).map(|line| line.parse().unwrap()).collect();
    assert_eq!(found.len(), truth.len());
    let mean = |of: &dyn Fn(usize) -> f64| (0..truth.len()).map(of).sum::<f64>() / truth.len() as f64;
    let middle = mean(&|row| truth[row]);
    let squares = mean(&|row| (found[row] - truth[row]).powi(2));
    let spread = mean(&|row| (truth[row] - middle).powi(2));
    let expected = [
        ("r2", 1.0 - squares / spread),
        ("mae", mean(&|row| (found[row] - truth[row]).abs())),
        ("rmse", squares.sqrt()),
    ];
    let scores = done(dir, "evaluate run --data t.csv --json").json();
    for (name, expected) in expected {
        let score = scores[name].as_f64().unwrap();
        assert!((score - expected).abs() < 1e-5, "{name}: {scores}, {expected} by the answers");
    }
    assert!(expected[0].1 > 0.1, "the model has learned something: {expected:?}");
}

#[test]
fn the_page_tells_of_the_model_that_is_kept_and_not_of_one_that_was_never_saved() {
    let dir = with_iris();
    let dir = dir.path();
    done(dir, &format!("{IRIS} --refit no --out run --quiet"));
    // What is left of a run that was killed before it had saved its best model.
    let file = dir.join("run/history.csv");
    let history = fs::read_to_string(&file).unwrap();
    let names: Vec<&str> = history.lines().next().unwrap().split(',').collect();
    let mut last: Vec<&str> = history.lines().last().unwrap().split(',').collect();
    for (name, value) in [("epoch", "4"), ("step", "16"), ("validation_loss", "0.0001"), ("improved", "true")]
    {
        last[names.iter().position(|other| *other == name).unwrap()] = value;
    }
    fs::write(&file, format!("{history}{}\n", last.join(","))).unwrap();
    done(dir, "report run");
    let page = dir.join("run/report.html");
    assert_eq!(kept_epochs(&page), [3], "the epoch of best.safetensors");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("0.000100"), "the record is told");
}

/// The kept epoch of a run's page, and of the runs of a comparison.
fn kept_epochs(page: &Path) -> Vec<u64> {
    let page = fs::read_to_string(page).unwrap();
    let cells = ["<tr class=\"kept\"><td>", "<td data-name=\"kept epoch\">"]
        .into_iter()
        .flat_map(|before| page.split(before).skip(1));
    cells.map(|cell| cell.split('<').next().unwrap().parse().unwrap_or(0)).collect()
}

#[test]
fn every_page_names_the_model_that_is_left_and_none_that_is_lost() {
    let dir = with_iris();
    let dir = dir.path();
    let train = "train --data iris.csv --target species --epochs 12 --hidden 4 --stop never --refit no --keep-every 1";
    done(dir, &format!("{train} --out other --quiet"));
    done(dir, &format!("{train} --learning-rate 0.3 --out run --quiet"));
    let best = || Checkpoint::open(dir.join("run/best.safetensors")).unwrap().facts().epoch;
    let kept = || {
        done(dir, "report run");
        done(dir, "report run other");
        assert_eq!(
            kept_epochs(&dir.join("comparison.html"))[0],
            kept_epochs(&dir.join("run/report.html"))[0]
        );
        kept_epochs(&dir.join("run/report.html"))
    };
    let lost = best();
    assert_eq!(kept(), [lost]);
    // The best and its second name are lost: another one is the best that is left, long before a run goes on.
    for file in ["best.safetensors".to_owned(), format!("checkpoints/step-{:08}.safetensors", 4 * lost)] {
        fs::remove_file(dir.join("run").join(file)).unwrap();
    }
    let left = kept();
    assert!(left.len() == 1 && left[0] != lost, "{left:?}");
    done(dir, "resume run --quiet");
    assert_eq!((best(), kept()), (left[0], left.clone()));
    // A power failure takes what was not yet forced to the disk; of what is left another one was the best.
    let file = dir.join("run/history.csv");
    let history = fs::read_to_string(&file).unwrap();
    let short: Vec<&str> = history.lines().take(left[0] as usize).collect();
    assert!(short.len() > 2, "{history}");
    fs::write(&file, short.join("\n") + "\n").unwrap();
    assert_eq!(kept(), left);
    fs::remove_file(&file).unwrap();
    assert_eq!(kept(), left);
}

/// Where a run came to select by another score, everyone goes by that, and of equal scores by the earlier.
#[test]
fn everyone_agrees_which_model_is_the_best_by_another_score() {
    let dir = with_iris();
    let dir = dir.path();
    let train = "train --data iris.csv --target species --epochs 24 --hidden 4 --learning-rate 0.02 --stop never --refit no";
    done(dir, &format!("{train} --keep-every 12 --keep-best 1 --keep-last 1 --out run --quiet"));
    let listed = |options: &str| -> Vec<Value> {
        let out = done(dir, &format!("checkpoints ls run {options} --json")).out;
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let best = |listed: &[Value]| {
        let best: Vec<&Value> = listed.iter().filter(|line| line["best"] == true).collect();
        assert_eq!(best.len(), 1, "{listed:?}");
        best[0]["step"].as_u64().unwrap()
    };
    let by_loss = best(&listed(""));
    let resumed = done(dir, "resume run --select accuracy");
    assert!(!resumed.err.contains("gone"), "retention let it go: {resumed:?}");

    let ranked = listed("");
    assert!(ranked.iter().all(|line| line["score_of"] == "accuracy"), "{ranked:?}");
    let score = |line: &Value| line["score"].as_f64().unwrap_or(-1.0);
    let top = ranked.iter().map(score).fold(-1.0, f64::max);
    let tied: Vec<u64> =
        ranked.iter().filter(|line| score(line) == top).map(|line| line["step"].as_u64().unwrap()).collect();
    let step = tied[0];
    assert!(tied.len() > 1 && step != by_loss, "the scores tell them apart: {ranked:?}");
    let history = history(&dir.join("run"));
    let column = |name: &str| history[0].iter().position(|other| other == name).unwrap();
    let of_all = history[1..].iter().map(|row| row[column("accuracy")].parse::<f64>().unwrap());
    let better = of_all.fold(-1.0, f64::max) > top;
    assert_eq!(resumed.out.contains("was not kept"), better, "{resumed:?}");

    let loss = |line: &str| line.split_whitespace().nth(2).map(str::to_owned);
    let shown = done(dir, "checkpoints ls run").out;
    assert_eq!(shown.lines().next().and_then(loss).as_deref(), Some("accuracy"), "{shown}");
    let mut answers = Vec::new();
    for published in [true, false] {
        if !published {
            fs::remove_file(dir.join("run/best.safetensors")).unwrap();
        }
        assert_eq!(best(&listed("")), step);
        let exported = done(dir, "checkpoints export run --to safetensors --out model.safetensors --json");
        assert_eq!(exported.json()["step"], step);
        let scored = done(dir, "evaluate run --split validation --json").json();
        assert_eq!(scored["accuracy"].as_f64(), Some(top), "{scored}");
        answers.push(done(dir, "predict run --data iris.csv").out);
        done(dir, "report run");
        let kept = kept_epochs(&dir.join("run/report.html"));
        assert_eq!(kept, [step / 4], "105 rows in batches of 32 are 4 steps an epoch");
    }
    assert_eq!(answers[0], answers[1]);
    // The published one is missing now, which is told, and comes back.
    let resumed = done(dir, "resume run --quiet");
    let left = format!("the best that is left is that of step {step}");
    assert!(resumed.err.is_empty() || resumed.err.contains(&left), "{resumed:?}");
    assert_eq!(Checkpoint::open(dir.join("run/best.safetensors")).unwrap().facts().step, step);
}

#[test]
fn what_some_rows_say_nothing_of_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let rows = |of: fn(usize) -> String| (0..60).map(|at| format!("{at}.5,{}\n", of(at))).collect::<String>();
    for (name, rows) in [
        ("value", rows(|at| format!("{}.25", at * 37 % 59))),
        ("same", "1.5,3\n2.5,3\n".to_owned()),
        ("class", rows(|at| ["no", "yes"][usize::from(at * 37 % 59 > 20)].to_owned())),
        ("no", "1.5,no\n2.5,no\n".to_owned()),
    ] {
        fs::write(dir.join(format!("{name}.csv")), format!("x,y\n{rows}")).unwrap();
    }
    let short = "--target y --epochs 1 --refit no";
    let said = done(dir, &format!("train --data value.csv {short} --test 0.02 --out value")).out;
    assert!(said.contains(" –\n") && !said.contains("NaN"), "{said}");
    let said = done(dir, "evaluate value --data same.csv").out;
    assert!(said.contains("\n  r2    –  (needs two different values of the target)\n"), "{said}");
    assert!(!said.contains("guessing"), "{said}");
    assert!(done(dir, "evaluate value --data same.csv --json").json()["r2"].is_null());
    let said = done(dir, &format!("train --data value.csv {short} --folds 60")).out;
    assert!(said.contains("r2            –          –\n"), "{said}");
    // Of two classes, how well the probabilities put the rows into order.
    let said = done(dir, &format!("train --data class.csv {short} --out class")).out;
    assert!(said.contains("\n  roc_auc "), "{said}");
    assert!(!history(&dir.join("class"))[0].contains(&"roc_auc".to_owned()));
    assert!(done(dir, "evaluate class --json").json()["roc_auc"].is_number());
    let said = done(dir, "evaluate class --data no.csv").out;
    assert!(said.contains("\n  roc_auc   –  (needs rows of two classes)\n"), "{said}");
}

#[test]
fn a_model_that_is_no_better_than_a_guess_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let table = |target: fn(usize) -> String| {
        let rows = (0..120).map(|at| format!("{},{}\n", at * 37 % 101, target(at)));
        "x,y\n".to_owned() + &rows.collect::<String>()
    };
    for (name, text, flags, note) in [
        (
            "chance",
            table(|at| ["no", "yes"][usize::from(at % 6 > 0)].to_owned()),
            "",
            "\"yes\": accuracy 0.8333",
        ),
        ("noise", table(|at| format!("{}", at * at * 29 % 97)), "", "the mean: r2 "),
        // Not made for being right most often.
        (
            "even",
            table(|at| ["no", "yes"][usize::from(at % 6 > 0)].to_owned()),
            "--class-weights balanced",
            "",
        ),
        ("easy", table(|at| ["no", "yes"][usize::from(at * 37 % 101 > 15)].to_owned()), "", ""),
    ] {
        fs::write(dir.join(format!("{name}.csv")), text).unwrap();
        let said = done(dir, &format!("train --data {name}.csv --target y --out {name} {flags}")).out;
        let page = fs::read_to_string(dir.join(name).join("report.html")).unwrap();
        let start = "no better than always guessing ";
        let found = said.split_once(start).map(|(_, rest)| rest.lines().next().unwrap());
        match note {
            "" => assert_eq!(found, None, "{name}: {said}"),
            note => {
                assert!(
                    found.is_some_and(|rest| rest.starts_with(note) && rest.ends_with(" on the test rows")),
                    "{said}"
                );
            }
        }
        assert_eq!(page.contains(&format!("The kept model is {start}")), !note.is_empty(), "{name}");
        // Of the rows that it has seen, a model may know a little more.
        let rows = ["", &format!("--data {name}.csv")];
        for rows in &rows[..if name == "noise" { 1 } else { 2 }] {
            let said = done(dir, &format!("evaluate {name} {rows}")).out;
            assert_eq!(said.contains(&format!("\nThe model is {start}")), !note.is_empty(), "{name}: {said}");
            let said = done(dir, &format!("evaluate {name} {rows} --json")).out;
            assert_eq!(said.contains("\"note\":null"), note.is_empty(), "{name}: {said}");
        }
    }
    // Few rows are of the rare class, and where there is a fifth of them is known.
    let rare = |at: usize| ["no", "yes"][usize::from(at.is_multiple_of(5) && at % 4 == 3)];
    let rows: String = (0..2000).map(|at| format!("{},{}\n", at % 5, rare(at))).collect();
    fs::write(dir.join("rare.csv"), format!("x,y\n{rows}")).unwrap();
    let said = done(dir, "train --data rare.csv --target y --epochs 20 --out rare").out;
    let note = "guessing \"no\": accuracy 0.9500 on the test rows; but its probabilities tell more than the shares of the classes";
    assert!(said.contains(note), "{said}");
    // Where it is right of every row, no model is better.
    fs::write(dir.join("one.csv"), "x,y\n1,yes\n2,yes\n").unwrap();
    assert!(!done(dir, "evaluate chance --data one.csv").out.contains("guessing"));
    done(dir, "report chance easy --out both.html");
    let page = fs::read_to_string(dir.join("both.html")).unwrap();
    assert_eq!(page.matches("<small>No better than always guessing").count(), 1, "{page}");
    for (name, flags, is_said) in
        [("chance", "", true), ("chance", "--class-weights balanced", false), ("easy", "", false)]
    {
        let said = done(dir, &format!("train --data {name}.csv --target y --folds 3 {flags}")).out;
        assert_eq!(
            said.contains("The models are no better than always guessing \"yes\": accuracy 0.833"),
            is_said,
            "{name}: {said}"
        );
    }
}

#[test]
fn the_rows_of_a_fold_are_not_trained_on() {
    let dir = tempfile::tempdir().unwrap();
    // Answers by chance, which can be learned by heart and not foreseen.
    let answer = |at: u32| ["no", "yes"][(at * at * 7 % 61 % 2) as usize];
    let row = |at: u32| {
        let inputs = [37, 23, 11, 43].map(|step| format!("{}.5,", at * step % 59)).concat();
        format!("{inputs}{}\n", answer(at))
    };
    fs::write(dir.path().join("chance.csv"), (0..59).map(row).collect::<String>()).unwrap();
    let short =
        "--epochs 300 --stop never --validation 0 --learning-rate 0.01 --weight-decay 0 --quiet --json";
    let train = format!("train --data chance.csv --names a,b,c,d,y --target y {short}");
    let learned = done(dir.path(), &format!("{train} --test 0 --out run")).json();
    assert!(!dir.path().join("run/final.safetensors").exists(), "the kept model has seen all rows");
    assert!(learned["training"]["accuracy"].as_f64().unwrap() > 0.95, "{learned}");
    let folds = done(dir.path(), &format!("{train} --folds 3")).json();
    let foreseen = folds["summary"]["accuracy"]["mean"].as_f64().unwrap();
    assert!(foreseen < 0.8, "{folds}");
}
