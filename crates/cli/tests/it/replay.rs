//! Rules over recorded runs.

use crate::args;
use crate::run::{done, history, run, table};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    path
}

/// The losses 9, 6, 4, 5, 4.5, 2, 2.5, 3: the best is the sixth.
fn wiggle(dir: &Path) -> PathBuf {
    let losses = ["9", "6", "4", "5", "4.5", "2", "2.5", "3"];
    let rows = losses.iter().zip(1..).map(|(loss, epoch)| format!("{epoch},{epoch}.5,{loss}\n"));
    write(dir, "wiggle.csv", &format!("epoch,train_loss,val_loss\n{}", rows.collect::<String>()))
}

#[test]
fn one_run_is_a_line_for_each_rule_and_why() {
    let dir = tempfile::tempdir().unwrap();
    let file = wiggle(dir.path());
    let said =
        done(args!["replay", &file, "--stop", "patience(1)", "--stop", "patience(3)", "--stop", "never"]);
    let text = said.out.replace(&format!("{}/", dir.path().display()), "");
    assert_eq!(
        text,
        "\
wiggle.csv: val_loss (minimize) over 8 epochs, best 2.0000 at epoch 6
  rule         stops at   keeps  of epoch  slowness  redundancy    loss    in %
  patience(1)         4  4.0000         3      0.67        0.33  2.0000  100.00
  patience(3)         –  2.0000         6      1.33        0.33       0    0.00
  never               –  2.0000         6      1.33        0.33       0    0.00

  patience(1): no improvement in 1 epoch: best 4 at epoch 3
  patience(3): lets the whole run pass
  never: lets the whole run pass
"
    );
    assert_eq!(said.err, "");
}

#[test]
fn what_a_rule_goes_by_and_nobody_recorded_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = wiggle(dir.path());
    let rules = [
        "--stop",
        "pq(0.75)",
        "--stop",
        "time(30s)",
        "--stop",
        "time(1m) or patience(2 steps, min_delta=1se)",
    ];
    let said = done(args!["replay", &file].into_iter().chain(rules.map(Into::into)));
    let notes: Vec<&str> = said.out.lines().filter_map(|line| line.strip_prefix("  note: ")).collect();
    let named = "time(1m) or patience(2 steps, min_delta=1se)";
    assert_eq!(
        notes,
        [
            "`time(30s)` goes by the time, of which nothing is recorded: --time names its column",
            &format!("`{named}` goes by steps, of which nothing is recorded: --step names their column"),
            &format!(
                "`{named}` goes by standard errors, of which nothing is recorded: they would be in a column `standard_error`"
            ),
        ]
    );
}

#[test]
fn many_runs_have_means_and_spreads() {
    let dir = tempfile::tempdir().unwrap();
    let one = wiggle(dir.path());
    let other = write(dir.path(), "other.tsv", "Epoch\tval acc\n0\t0.25\n1\t0.5\n2\t0.25\n3\t0.125\n");
    let rules = ["--stop", "patience(1)", "--stop", "gl(200)"];
    let files = args!["replay", &one, &other];
    let said = done(files.iter().cloned().chain(rules.iter().map(Into::into)));
    let means = "\
2 runs: mean ± standard deviation
  rule         stopped  kept the best     slowness   redundancy             loss           in %
  patience(1)        2              1  1.08 ± 0.59  0.42 ± 0.12  1.0000 ± 1.4142  50.00 ± 70.71
  gl(200)            0              2  1.67 ± 0.47  0.67 ± 0.47            0 ± 0    0.00 ± 0.00
";
    assert!(said.out.ends_with(means), "{}", said.out);
    assert!(said.out.contains("other.tsv: val acc (maximize) over 4 epochs, best 0.5000 at epoch 2\n"));
    assert!(said.out.contains("  note: `Epoch` begins with 0: its epochs are raised by 1\n"), "{}", said.out);
    let summary = done(files.iter().cloned().chain(rules.iter().map(Into::into)).chain(["--summary".into()]));
    assert_eq!(summary.out, means);

    let json = done(files.into_iter().chain(rules.iter().map(Into::into)).chain(["--json".into()])).json();
    assert_eq!(json["runs"][0]["oracle"], json!({ "at": 6, "value": 2.0, "index": 5 }));
    let outcome = &json["runs"][1]["outcomes"][0];
    assert_eq!((&outcome["rule"], &outcome["stop"]["at"]), (&json!("patience(1)"), &json!(3)));
    assert_eq!(outcome["stop"]["sentence"], "no improvement in 1 epoch: best 0.5 at epoch 2");
    let rule = &json["rules"][0];
    assert_eq!(
        (&rule["rule"], &rule["runs"], &rule["stopped"]),
        (&json!("patience(1)"), &json!(2), &json!(2))
    );
    assert_eq!(rule["loss"]["mean"], 1.0);
}

#[test]
fn a_run_folder_is_watched_as_its_run_watched() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let set = "training.plateau={maximize = true, patience = 1, factor = 0.5}";
    let rest = ["--epochs", "12", "--monitor", "accuracy", "--stop", "never", "--quiet", "--set", set];
    let train = args!["train", "--data", table("iris.csv"), "--target", "species", "--out", &folder];
    done(train.into_iter().chain(rest.iter().map(Into::into)));
    let rules = ["--stop", "patience(2)", "--stop", "plateau(2)", "--stop", "up(1, strip=1)", "--json"];
    let replayed = |path: &Path, more: &[&str]| -> Value {
        let all = args!["replay", path].into_iter().chain(rules.iter().chain(more).map(Into::into));
        done(all).json()
    };
    let json = replayed(&folder, &[]);
    assert_eq!(
        (&json["runs"][0]["watched"], &json["runs"][0]["goal"]),
        (&json!("accuracy"), &json!("maximize"))
    );
    assert_eq!(replayed(&folder.join("history.csv"), &[])["rules"], json["rules"]);
    let loss = replayed(&folder, &["--validation", "loss"]);
    assert_eq!((&loss["runs"][0]["watched"], &loss["runs"][0]["goal"]), (&json!("loss"), &json!("minimize")));

    // Where the rule would have stopped, the run stops if it is given the rule.
    let rows = history(&folder);
    let reductions = rows[0].iter().position(|name| name == "reductions").unwrap();
    assert!(rows[12][reductions].parse::<u64>().unwrap() >= 2, "{rows:?}");
    for (place, rule) in ["patience(2)", "plateau(2)"].into_iter().enumerate() {
        let stop = json["runs"][0]["outcomes"][place]["stop"]["at"].as_u64().unwrap();
        let again = dir.path().join(rule);
        let train = args!["train", "--data", table("iris.csv"), "--target", "species", "--out", &again];
        let rest = ["--epochs", "12", "--monitor", "accuracy", "--stop", rule, "--quiet", "--set", set];
        done(train.into_iter().chain(rest.iter().map(Into::into)));
        assert_eq!(history(&again)[..], rows[..=stop as usize], "{rule}");
        let said = done(args!["replay", &again, "--stop", "never"]);
        assert!(said.out.contains("note: this run was itself stopped (no improvement in"), "{}", said.out);
    }
}

#[test]
fn a_run_without_validation_rows_goes_by_its_gradients() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let rest = [
        "--validation",
        "0",
        "--test",
        "0.3",
        "--stop",
        "held(2, evidence)",
        "--epochs",
        "300",
        "--learning-rate",
        "0.01",
        // Weights that decay keep gradients that agree with each other.
        "--optimizer",
        "adam",
        "--activation",
        "gelu",
    ];
    let train = args!["train", "--data", table("iris.csv"), "--target", "species", "--out", &folder];
    let said = done(train.into_iter().chain(rest.iter().map(Into::into)));
    assert!(said.err.contains("no validation rows: losses and metrics are measured on the training rows"));
    assert!(said.err.contains("validating on the same"), "{}", said.err);
    assert!(said.out.contains("the gradients of epoch"), "{}", said.out);
    let words: Vec<&str> = said.out.split_whitespace().collect();
    assert!(words.windows(2).any(|pair| pair == ["training", "test"]), "{}", said.out);
    assert!(folder.join("best.safetensors").exists());

    let json =
        done(args!["replay", &folder, "--stop", "evidence", "--stop", "held(2, evidence)", "--json"]).json();
    let rows = history(&folder);
    let outcomes = &json["runs"][0]["outcomes"];
    assert_eq!(outcomes[1]["stop"]["at"], rows.len() - 1);
    assert!(outcomes[0]["stop"]["at"].as_u64().unwrap() < rows.len() as u64 - 1);

    let no_rows = run(args!["evaluate", &folder, "--split", "validation"]);
    assert_eq!(no_rows.code, Some(1));
    assert!(no_rows.err.starts_with("error: the run has no validation rows: --split test, --split train"));
}

#[test]
fn what_is_wrong_is_told_by_file_line_and_column() {
    let dir = tempfile::tempdir().unwrap();
    let file = wiggle(dir.path());
    let bad = write(dir.path(), "bad.csv", "epoch,val_loss\n1,0.5\n2,oops\n");
    let broken = write(
        dir.path(),
        "history.csv",
        "epoch,step,training_loss,validation_loss,learning_rate,gradient_norm,elapsed_s,improved\n1,2,0.5,x,0.1,1,1,true\n",
    );
    fs::create_dir(dir.path().join("empty")).unwrap();
    for (arguments, code, message) in [
        (
            args!["replay", &bad, "--stop", "gl(5)"],
            1,
            "bad.csv, line 3, column `val_loss`: \"oops\" is not a number",
        ),
        (args!["replay", &broken, "--stop", "gl(5)"], 1, "history.csv, line 2: validation_loss = `x`"),
        (args!["replay", dir.path().join("none.csv"), "--stop", "gl(5)"], 1, "cannot read"),
        (args!["replay", dir.path().join("empty"), "--stop", "gl(5)"], 1, "it has no history.csv"),
        (args!["replay", &file, "--stop", "gl(5) or gk(3)"], 2, "there is no rule `gk`; did you mean `gl`?"),
        (args!["replay", &file], 2, "--stop"),
        (args!["replay", "--stop", "gl(5)"], 2, "HISTORY"),
        (
            args!["replay", &file, "--stop", "gl(5)", "--validation", "vall_loss"],
            1,
            "did you mean \"val_loss\"?",
        ),
        (args!["replay", &file, "--stop", "gl(5)", "--validation", "epoch"], 1, "say which (--goal minimize"),
    ] {
        let said = run(arguments);
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(said.err.contains(message), "{message}: {}", said.err);
        assert_eq!(said.out, "");
    }
}
