//! Without any data: the built-in digits.

use crate::args;
use crate::run::{Said, done, highwater, history, model, run, tree};
use highwater_data::digits;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A run with nothing but defaults, and its summary as JSON.
pub(crate) fn default_run() -> &'static (PathBuf, Value) {
    static RUN: OnceLock<(PathBuf, Value)> = OnceLock::new();
    RUN.get_or_init(|| {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("digits-default");
        _ = fs::remove_dir_all(&out);
        let said = done(args!["train", "--json", "--out", &out]);
        (out, said.json())
    })
}

#[test]
fn a_run_stops_by_itself_and_keeps_a_good_model() {
    let (run, summary) = default_run();
    let epochs = summary["epochs"].as_u64().unwrap();
    assert!(epochs < 500, "{summary}");
    assert!(summary["best_epoch"].as_u64().unwrap() + 20 >= epochs, "{summary}");
    let ended = summary["ended"].as_str().unwrap();
    assert!(ended.starts_with("no improvement by 0.002 in 20 epochs"), "{summary}");
    assert!(summary["test"]["accuracy"].as_f64().unwrap() >= 0.97, "{summary}");
    assert_eq!(history(run).len() as u64, epochs + 1);
    for name in ["config.toml", "history.csv", "report.html", "checkpoints", "best.safetensors"] {
        assert!(run.join(name).exists(), "{name}");
    }
}

#[test]
fn a_processor_without_vectors_is_told_where_someone_listens() {
    let folder = tempfile::tempdir().unwrap();
    for (quiet, told) in [(&[][..], 1), (&["--quiet"], 0)] {
        let mut args = args!["train", "--epochs", "1", "--refit", "no", "--hidden", "4", "--out"];
        args.push(folder.path().join(told.to_string()).into());
        args.extend(quiet.iter().map(Into::into));
        let said = Said::of(highwater(args).env("HIGHWATER_VECTORS", "none").output().unwrap());
        assert_eq!(said.code, Some(0), "{said:#?}");
        assert_eq!(said.err.matches("slow: this processor has no AVX2").count(), told, "{said:#?}");
    }
}

#[test]
fn the_kept_model_opens_elsewhere_with_its_parameters_by_name() {
    let shapes: Vec<(String, Vec<usize>)> =
        model(&default_run().0).into_iter().map(|(name, (shape, _))| (name, shape)).collect();
    let expected = [
        ("model.0.bias", vec![256]),
        ("model.0.weight", vec![256, 60]),
        ("model.2.bias", vec![10]),
        ("model.2.weight", vec![10, 256]),
    ];
    assert_eq!(shapes, expected.map(|(name, shape)| (name.to_owned(), shape)));
}

#[test]
fn evaluate_repeats_the_numbers_of_the_summary() {
    let (run, summary) = default_run();
    for (part, args) in [
        ("test", args!["evaluate", run, "--json"]),
        ("validation", args!["evaluate", run, "--split", "validation", "--json"]),
    ] {
        let mut expected = summary[part].clone();
        expected["split"] = json!(part);
        expected["model"] = json!("best.safetensors");
        expected["note"] = Value::Null;
        let evaluation = done(args).json();
        assert_eq!(evaluation, expected);
        for key in ["split", "rows", "loss", "accuracy"] {
            assert!(!evaluation[key].is_null(), "{key}: {evaluation}");
        }
    }
    let text = done(args!["evaluate", run]).out;
    assert!(text.starts_with("test: ") && text.contains("accuracy"), "{text}");
}

#[test]
fn predict_writes_a_row_for_each_row() {
    let (run, _) = default_run();
    let dir = tempfile::tempdir().unwrap();
    let (data, out) = (dir.path().join("new.csv"), dir.path().join("predictions.csv"));
    let table = digits();
    let inputs = || table.columns().iter().filter(|column| column.name() != "digit").rev();
    let mut writer = csv::Writer::from_path(&data).unwrap();
    writer.write_record(inputs().map(|column| column.name())).unwrap();
    for row in 0..50 {
        writer.write_record(inputs().map(|column| column.get(row))).unwrap();
    }
    writer.flush().unwrap();

    let text = done(args!["predict", run, "--data", &data]).out;
    done(args!["predict", run, "--data", &data, "--out", &out]);
    assert_eq!(fs::read_to_string(out).unwrap(), text);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let names = (0..10).map(|digit| format!("probability_{digit}"));
    assert_eq!(header, ["digit".to_owned()].into_iter().chain(names).collect::<Vec<_>>());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 50);
    let actual = table.column("digit").unwrap();
    let right = (0..50).filter(|&row| &rows[row][0] == actual.get(row)).count();
    assert!(right >= 45, "{right} of 50 are right");
    for row in rows {
        let probabilities: Vec<f64> = row.iter().skip(1).map(|p| p.parse().unwrap()).collect();
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{row:?}");
    }
}

#[test]
fn fewer_epochs_than_are_trained_are_refused_and_as_many_leave_nothing_to_train() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let trained = done(args!["train", "--out", &out, "--epochs", "2", "--keep-every", "40"]);
    assert!(trained.out.contains(&format!("resume {} --epochs 4", out.display())), "{}", trained.out);
    let before = tree(&out);
    let refused = run(args!["resume", &out, "--epochs", "1"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("--epochs 1: the run has trained for 2 epochs already"), "{}", refused.err);
    let again = done(args!["resume", &out, "--epochs", "2"]);
    assert!(again.out.contains("nothing was left to train: to go on, give it more epochs"), "{}", again.out);
    assert!(tree(&out) == before);
    // From an earlier checkpoint there is something left.
    let first = out.join("checkpoints/step-00000040.safetensors");
    let back = done(args!["resume", &out, "--epochs", "1", "--from", &first]);
    assert!(back.out.starts_with("Ended at the limit of 1 epoch."), "{}", back.out);
}

#[test]
fn a_run_that_has_ended_ends_again_when_it_is_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let first = done(args!["train", "--out", &run, "--epochs", "2", "--json"]).json();
    let before = tree(&run);
    let again = done(args!["resume", &run, "--json"]).json();
    assert_eq!(again["saving"]["written"], 0);
    let without_saving = |mut summary: serde_json::Value| {
        summary.as_object_mut().unwrap().remove("saving").unwrap();
        summary
    };
    assert_eq!(without_saving(again), without_saving(first));
    let mut after = tree(&run);
    after.retain(|path, content| before.get(path) != Some(content));
    assert!(after.is_empty(), "{:?}", after.into_keys());
}
