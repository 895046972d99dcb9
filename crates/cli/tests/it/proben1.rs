//! The benchmark, on problems that were made up.

use crate::args;
use crate::run::{done, run};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Points in the unit square, and whether they are above the diagonal: 24 + 12 + 12 examples.
fn write_problem(dir: &Path, name: &str) {
    let points = (0..48).map(|n| (f64::from(n * 29 % 48) / 47.0, f64::from(n * 31 % 47) / 46.0));
    let rows: String =
        points.map(|(x, y)| format!("{x:.4} {y:.4} {} {}\n", u8::from(y > x), u8::from(y <= x))).collect();
    let head = "bool_in=0\nreal_in=2\nbool_out=2\nreal_out=0\n\
                training_examples=24\nvalidation_examples=12\ntest_examples=12\n";
    fs::write(dir.join(format!("{name}.dt")), format!("{head}{rows}")).unwrap();
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn published_problems_are_compared_and_others_are_trained() {
    let dir = tempfile::tempdir().unwrap();
    write_problem(dir.path(), "mine");
    write_problem(dir.path(), "cancer1");
    fs::write(dir.path().join("README"), "no problem").unwrap();
    let said = done(args!["proben1", "--data", dir.path(), "--runs", "3"]);
    for words in [
        "without shortcuts, 3 runs each",
        "(no figures were published)",
        "published",
        "of 1 problems",
        "6 runs in",
    ] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    assert_eq!(said.err, "", "no progress where nobody watches");
}

#[test]
fn json_is_a_line_for_each_problem_with_the_names_of_the_tables() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["mine", "cancer1", "cancer2"] {
        write_problem(dir.path(), name);
    }
    let command =
        args!["proben1", "--data", dir.path(), "--problems", "mine,cancer1", "--runs", "4", "--json"];
    let first = done(&command);
    let problems = lines(&first.out);
    assert_eq!(problems.len(), 2);
    let (cancer1, mine) = (&problems[0], &problems[1]);
    assert_eq!((&cancer1["problem"], &mine["problem"]), (&"cancer1".into(), &"mine".into()));
    assert_eq!((&mine["published"], &mine["within"]), (&Value::Null, &Value::Null));
    assert_eq!(cancer1["published"]["test_mean"], 1.32);
    for name in [
        "train_mean",
        "train_sd",
        "valid_mean",
        "valid_sd",
        "test_mean",
        "test_sd",
        "class_error_mean",
        "class_error_sd",
        "overfit_mean",
        "overfit_sd",
        "epochs_mean",
        "epochs_sd",
        "relevant_mean",
        "relevant_sd",
    ] {
        assert!(mine[name].is_f64(), "{name}: {mine}");
    }
    // A plane that the network learns; guessing errs by 25.
    assert!(mine["test_mean"].as_f64().unwrap() < 15.0, "{mine}");
    assert_eq!(mine["runs"], 4);

    let one_thread = done(command.iter().cloned().chain(args!["--threads", "1"]));
    assert_eq!(first.out, one_thread.out, "the same seeds give the same figures");
    let other = done(command.iter().cloned().chain(args!["--seed", "1"]));
    assert_ne!(first.out, other.out);
    let otherwise =
        ["--stop", "epochs(10)", "--backtracking", "--initial-steps", "0.01,0.1", "--initial-weights", "0.5"];
    let otherwise = lines(&done(command.iter().cloned().chain(otherwise.iter().map(Into::into))).out);
    assert_eq!((&otherwise[0]["epochs_mean"], &otherwise[0]["epochs_sd"]), (&10.0.into(), &0.0.into()));
    let shortcuts = lines(&done(command.iter().cloned().chain(args!["--shortcuts"])).out);
    assert_eq!(shortcuts[0]["published"]["test_mean"], 1.6);
}

#[test]
fn the_study_compares_criteria_and_draws() {
    let dir = tempfile::tempdir().unwrap();
    write_problem(dir.path(), "mine");
    let plot = dir.path().join("trade-off.svg");
    let study = args![
        "proben1",
        "--data",
        dir.path(),
        "--study",
        "--runs",
        "1",
        "--epochs",
        "100",
        "--plot",
        &plot,
        "--json"
    ];
    let said = lines(&done(study).out);
    assert_eq!(said.len(), 15);
    let gl2 = said.iter().find(|line| line["criterion"] == "GL2").unwrap();
    assert_eq!((&gl2["slowness"], &gl2["badness"]), (&1.0.into(), &1.0.into()));
    assert_eq!(said[14]["runs"], 24);
    assert!(said[14]["trade_off"]["times_longer"].as_f64().unwrap() >= 1.0);
    assert!(fs::read_to_string(plot).unwrap().contains("UP8"));
}

#[test]
fn faults_are_told_before_anything_is_trained() {
    let dir = tempfile::tempdir().unwrap();
    let check = |more: &[&str], words: &[&str]| {
        let said = run(args!["proben1", "--data", dir.path()].into_iter().chain(more.iter().map(Into::into)));
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
        for word in words {
            assert!(said.err.contains(word), "{word}: {}", said.err);
        }
    };
    check(&[], &["has no .dt file"]);
    write_problem(dir.path(), "a");
    check(&["--problems", "a,b"], &["cannot read", "b.dt"]);
    let text = fs::read_to_string(dir.path().join("a.dt")).unwrap();
    fs::write(dir.path().join("b.dt"), text.replacen("1.0000", "one", 1)).unwrap();
    check(&[], &["b.dt, line ", "\"one\", not a finite number"]);

    let run = dir.path().join("run");
    fs::create_dir_all(run.join("checkpoints")).unwrap();
    fs::write(run.join("config.toml"), "").unwrap();
    let plot = run.join("config.toml").display().to_string();
    check(
        &["--problems", "a", "--study", "--plot", &plot],
        &["a file that a run itself writes and depends on"],
    );
    let plot = dir.path().join("no/plot.svg").display().to_string();
    check(&["--problems", "a", "--study", "--plot", &plot], &["cannot write", "no/plot.svg"]);
}
