//! config.toml in and out, flags over it, and `--set`.

use crate::args;
use crate::run::{assert_same, done, highwater, run, table};
use std::fs;
use std::path::Path;
use std::process::Command;
use toml::{Table, Value};

/// The resolved configuration of a short run, or what it said instead.
fn resolved(dir: &Path, name: &str, args: &[&str]) -> Result<Table, String> {
    let out = dir.join(name);
    let data = table("iris.csv");
    let first =
        args!["train", "--data", data, "--target", "species", "--epochs", "1", "--quiet", "--out", &out];
    let said = run(first.into_iter().chain(args.iter().map(Into::into)));
    match said.code {
        Some(0) => Ok(fs::read_to_string(out.join("config.toml")).unwrap().parse().unwrap()),
        _ => Err(said.err),
    }
}

fn get<'a>(table: &'a Table, key: &str) -> &'a Value {
    let mut parts = key.split('.');
    let first = &table[parts.next().unwrap()];
    parts.fold(first, |value, part| &value[part])
}

#[test]
fn what_decides_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let metrics = |name, args: &[&str]| {
        resolved(dir.path(), name, args).map(|config| get(&config, "training.metrics").to_string())
    };
    let [chosen, both, number] = [
        ("chosen", &["--select", "roc_auc"][..]),
        ("both", &["--select", "roc_auc", "--monitor", "roc_auc", "--set", "metrics=[\"accuracy\"]"]),
        ("number", &["--select", "r2"]),
    ]
    .map(|(name, args)| metrics(name, args));
    assert_eq!(chosen.unwrap(), "[\"accuracy\", \"f1_macro\", \"roc_auc\"]");
    assert_eq!(both.unwrap(), "[\"accuracy\", \"roc_auc\"]");
    assert!(number.unwrap_err().contains("--select r2: the run measures the loss and accuracy, f1_macro"));
    let scored = done(args!["evaluate", dir.path().join("chosen"), "--json"]).json();
    assert!(scored["roc_auc"].is_number() && scored["f1_macro"].is_number(), "{scored}");
    let short = ["--folds", "2", "--epochs", "1", "--select", "log_loss", "--json"].map(Into::into);
    let folds =
        done([args!["train", "--data", table("iris.csv"), "--target", "species"], short.into()].concat());
    assert!(folds.json()["summary"]["log_loss"]["mean"].is_number());
}

#[test]
fn a_setting_is_known_by_its_name_and_by_what_is_clear_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let sets = [
        ("optimizer.lr=0.01", "training.learning_rate", Value::Float(0.01)),
        ("training.learning_rate=1", "training.learning_rate", Value::Float(1.0)),
        ("learning_rate=0.5", "training.learning_rate", Value::Float(0.5)),
        ("optimizer.weight_decay=0.1", "training.optimizer.adamw.weight_decay", Value::Float(0.1)),
        ("optimizer=sgd", "training.optimizer.sgd.momentum", Value::Float(0.0)),
        ("model.hidden=[8, 4]", "model.hidden", vec![8, 4].into()),
        ("stop=patience(3)", "training.stop", "patience(3)".into()),
        ("columns.sepal_length=ignore", "data.columns.sepal_length", "ignore".into()),
    ];
    for (number, (set, key, expected)) in sets.into_iter().enumerate() {
        let config = resolved(dir.path(), &number.to_string(), &["--set", set]).unwrap();
        assert_eq!(get(&config, key), &expected, "{set}");
    }
    let order = resolved(dir.path(), "order", &["--batch-size", "7", "--set", "batch_size=9"]).unwrap();
    assert_eq!(get(&order, "training.batch_size"), &Value::Integer(9));
}

#[test]
fn a_file_of_settings_is_overridden_by_flags_and_checked() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("my.toml");
    let with = |text: &str, name: &str| {
        fs::write(&file, text).unwrap();
        resolved(dir.path(), name, &["--config", file.to_str().unwrap(), "--batch-size", "8"])
    };
    let config =
        with("[training]\nbatch_size = 4\nlearning_rate = 0.25\n[training.optimizer.sgd]\n", "a").unwrap();
    assert_eq!(get(&config, "training.batch_size"), &Value::Integer(8));
    assert_eq!(get(&config, "training.learning_rate"), &Value::Float(0.25));
    assert_eq!(get(&config, "training.optimizer.sgd.nesterov"), &Value::Boolean(false));
    for (text, words) in [
        (
            "[training]\nlerning_rate = 1\n",
            "no setting training.lerning_rate; did you mean training.learning_rate?",
        ),
        ("[trainin]\nbatch_size = 1\n", "no setting trainin.batch_size; did you mean training.batch_size?"),
        ("[training\n", "my.toml is not TOML"),
        ("[training]\nlearning_rate = \"fast\"\n", "the setting learning_rate = \"fast\": "),
    ] {
        let said = with(text, "b").unwrap_err();
        assert!(said.contains(words) && said.contains("error: "), "{text}: {said}");
    }
}

#[test]
fn the_resolved_configuration_and_the_command_of_the_report_repeat_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let data = table("iris.csv");
    let first = args!["train", "--data", &data, "--target", "species", "--epochs", "3", "--seed", "5"];
    let more = args![
        "--optimizer",
        "sgd",
        "--momentum",
        "0.5",
        "--hidden",
        "8,4",
        "--column",
        "sepal_width=ignore",
        "--out",
        at("a"),
        "--set",
        "optimizer.nesterov=true",
        "--class-weights",
        "balanced",
        "--validate-every",
        "2",
    ];
    done([first, more].concat());
    done(args!["train", "--config", at("a/config.toml"), "--out", at("b")]);
    assert_same(&at("a"), &at("b"));

    repeat(&at("a"), &at("c"));
    assert_same(&at("a"), &at("c"));
}

/// Runs the command that a run's page tells, as somebody does who copies it into a shell.
fn repeat(run: &Path, out: &Path) {
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    let start = page.find("cargo xtask train").unwrap();
    let escaped = [("&#39;", "'"), ("&#34;", "\""), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    let command = escaped
        .into_iter()
        .fold(page[start..].split('<').next().unwrap().to_owned(), |text, (from, to)| text.replace(from, to));
    let command = command.replacen("cargo xtask train", "\"$0\" train --quiet --out \"$1\"", 1);
    let program = env!("CARGO_BIN_EXE_highwater");
    let said = Command::new("sh").args(["-c", &command, program]).arg(out).output().unwrap();
    assert!(said.status.success(), "{command}: {said:?}");
}

#[test]
fn the_command_of_the_report_leaves_out_what_the_rows_suggest_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let rows = |count: usize| -> String {
        (0..count).map(|row| format!("{},{},{}\n", row % 7, row % 11, row % 3)).collect()
    };
    fs::write(at("many.csv"), format!("a,b,kind\n{}", rows(20_500))).unwrap();
    fs::write(at("bare.csv"), rows(20_500)).unwrap();
    fs::write(at("odd.csv"), format!("\"Sepal.Width\",\"it's \n<b> & \"\"c\"\" = d\",kind\n{}", rows(90)))
        .unwrap();
    let (many, odd) = (["--data", "many.csv", "--target", "kind"], ["--data", "odd.csv", "--target", "kind"]);
    let bare = ["--data", "bare.csv", "--target=-kind", "--set", r#"data.read.names=["a,b", " c", "-kind"]"#];
    for (number, (data, options)) in [
        (&many[..], &["--batch-size", "500"][..]),
        (&many, &["--batch-size", "500", "--weight-decay", "1", "--refit", "yes", "--epochs", "1"]),
        (&odd, &["--refit", "no", "--weight-decay", "0.01"]),
        (&odd, &["--column", "Sepal.Width=category", "--column", "it's \n<b> & \"c\" = d=number"]),
        (&bare, &["--batch-size", "500", "--task", "classification"]),
        (&[], &["--refit", "no", "--validation", "0.4"]),
        (&odd, &["--set", r#"groups=[{patterns=["*.bias"], weight_decay=0}, {patterns=["0.*", "'"], learning_rate_scale=0.5}]"#]),
    ]
    .into_iter()
    .enumerate()
    {
        let (first, second) = (at(&format!("{number}a")), at(&format!("{number}b")));
        let mut train = highwater(["train", "--quiet", "--hidden", "none", "--stop", "patience(1)"]);
        let said = train.args(data).args(options).arg("--out").arg(&first).current_dir(dir.path()).output();
        assert!(said.as_ref().unwrap().status.success(), "{options:?}: {said:?}");
        repeat(&first, &second);
        let [one, other] = [&first, &second].map(|run| fs::read_to_string(run.join("config.toml")).unwrap());
        assert_eq!(one, other);
        assert_same(&first, &second);
    }
}

#[test]
fn a_column_may_be_called_anything() {
    let dir = tempfile::tempdir().unwrap();
    let rows: String = (0..60).map(|row| format!("{},{},{}\n", row % 7, row % 11, row % 3)).collect();
    fs::write(dir.path().join("t.csv"), format!("Sepal.Width,\"x.y=1\nz\",kind\n{rows}")).unwrap();
    let here = |args: &[&str]| {
        let output = highwater(args).current_dir(dir.path()).output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
    };
    here(&["init", "t.csv", "--out", "t.toml"]);
    let text = fs::read_to_string(dir.path().join("t.toml")).unwrap();
    for line in ["# \"Sepal.Width\" = \"number\"\n", "# \"x.y=1\\nz\" = \"number\"\n"] {
        assert!(text.contains(line), "{text}");
    }
    let live = text.replace("# \"", "\"").replace("\"number\"", "\"category\"");
    fs::write(dir.path().join("live.toml"), live).unwrap();
    let short = ["--epochs", "1", "--hidden", "none", "--refit", "no", "--quiet"];
    let table = ["--data", "t.csv", "--target", "kind"];
    for (number, args) in [
        ["--config", "live.toml"].as_slice(),
        &[&table[..], &["--column", "Sepal.Width=category", "--column", "x.y=1\nz=category"]].concat(),
        &[
            &table[..],
            &["--set", "columns.Sepal.Width=category"],
            &["--set", r#"data.columns."x.y=1\nz" = "category""#],
        ]
        .concat(),
    ]
    .into_iter()
    .enumerate()
    {
        let out = format!("run{number}");
        here(&[&["train", "--out", &out], args, &short].concat());
        let config = fs::read_to_string(dir.path().join(out).join("config.toml")).unwrap();
        let config: Table = config.parse().unwrap();
        let columns = config["data"]["columns"].as_table().unwrap();
        assert_eq!(columns["Sepal.Width"].as_str(), Some("category"), "{args:?}");
        assert_eq!(columns["x.y=1\nz"].as_str(), Some("category"), "{args:?}");
    }
}

#[test]
fn the_configuration_of_a_run_of_the_digits_repeats_it() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    done(args!["train", "--epochs", "2", "--hidden", "8", "--refit", "no", "--quiet", "--out", at("a")]);
    done(args!["train", "--config", at("a/config.toml"), "--quiet", "--out", at("b")]);
    assert_same(&at("a"), &at("b"));
    let said = run(args!["train", "--target", "digit", "--out", at("c")]);
    assert!(said.err.contains("give the table with --data"), "{said:?}");
}

#[test]
fn a_template_for_a_table_trains_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(table("iris.csv"), dir.path().join("iris.csv")).unwrap();
    let here = |args: &[&str]| {
        let output = highwater(args).current_dir(dir.path()).output().unwrap();
        crate::run::Said::of(output)
    };
    let said = here(&["init", "iris.csv"]);
    assert!(said.out.contains("\"species\" (classification)"), "{said:?}");
    let text = fs::read_to_string(dir.path().join("highwater.toml")).unwrap();
    assert!(text.contains("# \"petal_width\" = \"number\"") && text.contains("# batch_size = 32"), "{text}");
    let again = here(&["init", "iris.csv"]);
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("highwater.toml exists already"), "{again:?}");
    let said = here(&["init", "iris.csv", "--out", "other.toml", "--json"]).json();
    assert_eq!((&said["config"], &said["target"]), (&"other.toml".into(), &"species".into()));
    assert_eq!(said["task"], "classification");
    let trained = here(&["train", "--config", "highwater.toml", "--epochs", "2", "--quiet"]);
    assert_eq!(trained.code, Some(0), "{trained:?}");

    // A raw file, as it has to be read.
    fs::write(dir.path().join("raw.data"), format!("30 rows\n{}", "1;2;a\n2;1;b\n3;?;a\n".repeat(10)))
        .unwrap();
    let refused = here(&["init", "raw.data", "--out", "raw.toml"]);
    assert!(refused.err.contains("--skip-lines"), "{refused:?}");
    let flags = ["--skip-lines", "1", "--names", "x,y,kind", "--target", "kind"];
    let said = here(&[&["init", "raw.data", "--out", "raw.toml"], &flags[..]].concat());
    assert!(said.out.contains("\"kind\" (classification)"), "{said:?}");
    let raw = fs::read_to_string(dir.path().join("raw.toml")).unwrap();
    assert!(
        raw.contains("\n[data.read]\n# delimiter = ") && raw.contains("\nnames = [\"x\", \"y\", \"kind\"]\n"),
        "{raw}"
    );
    let trained = here(&["train", "--config", "raw.toml", "--epochs", "2", "--quiet"]);
    assert_eq!(trained.code, Some(0), "{trained:?}");

    // What is commented out is what holds, also of many rows.
    let rows: String = (0..20_500).map(|row| format!("{},{}\n", row % 7, row % 3)).collect();
    fs::write(dir.path().join("many.csv"), format!("a,kind\n{rows}")).unwrap();
    here(&["init", "many.csv", "--out", "many.toml"]);
    let trained = here(&["train", "--config", "many.toml", "--epochs", "1", "--quiet", "--out", "many"]);
    assert_eq!(trained.code, Some(0), "{trained:?}");
    let many = fs::read_to_string(dir.path().join("many.toml")).unwrap();
    let holds = fs::read_to_string(dir.path().join("many/config.toml")).unwrap();
    for setting in ["refit = ", "weight_decay = "] {
        let line = holds.lines().find(|line| line.starts_with(setting)).unwrap();
        assert!(many.contains(&format!("\n# {line}\n")), "{line}: {many}");
    }

    // All of it may be uncommented.
    let start = text.lines().position(|line| line == "[model]").unwrap();
    let live: String = text
        .lines()
        .enumerate()
        .map(|(at, line)| {
            if at >= start { line.strip_prefix("# ").unwrap_or(line) } else { line }.to_owned() + "\n"
        })
        .filter(|line| line.starts_with(['[', '\n']) || line.contains(" = "))
        .collect();
    fs::write(dir.path().join("live.toml"), live).unwrap();
    let trained = here(&["train", "--config", "live.toml", "--epochs", "2", "--quiet", "--out", "live"]);
    assert_eq!(trained.code, Some(0), "{trained:?}");
}

#[test]
fn shells_get_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let said = done(["completions", shell]);
        assert!(said.out.contains("--learning-rate") || said.out.contains("learning-rate"), "{shell}");
    }
}
