//! A run as its observers see it, killed and resumed, and what can be told of it from its folder alone.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests too.

use highwater_early_stopping::NonFinite;
use highwater_report::{
    About, History, Look, Outcome, Page, Progress, Screen, Summary, read_history, reconstruct,
};
use highwater_trainer::{Config, Ended, Event, Observer, Plan, Record, Report, Weights};
use std::path::Path;

fn config() -> Config {
    Config {
        seed: 1,
        learning_rate: 0.1,
        stop: "patience(4)".parse().unwrap(),
        select: "accuracy".parse().unwrap(),
        non_finite: NonFinite::Count,
        metrics: vec!["accuracy".parse().unwrap(), "f1_macro".parse().unwrap()],
        ..Config::default()
    }
}

/// Fourteen epochs, after the last of which the rule fires.
fn records() -> Vec<Record> {
    let losses = [3.0, 1.1, f64::NAN, 0.7, 0.8, 0.61, 0.65, 0.55, 0.56, 0.54, 0.6, 0.58, 0.59, 0.7];
    let record = |(epoch, loss): (u64, f64)| Record {
        epoch,
        step: 10 * epoch,
        training_loss: 2.0 / epoch as f64,
        validation_loss: loss,
        metrics: config().metrics.into_iter().zip([1.0 - loss / 3.0, 1.0 - loss / 2.9]).collect(),
        learning_rate: 0.1 / epoch as f64,
        gradient_norm: 3.0 / epoch as f64,
        elapsed: epoch as f64 / 3.0,
        signals: Default::default(),
    };
    (1..).zip(losses).map(record).collect()
}

/// Shows observers a run that goes on after `before` records and is killed before the one at `until`.
fn run(dir: &Path, before: usize, until: usize) -> Result<(), highwater_report::Error> {
    let (config, records) = (config(), records());
    let screen = Screen::to(std::io::sink(), Look::Auto);
    let mut progress = Progress::new(&screen, config.select);
    let mut history = History::new(dir.join("history.csv"), &config, &screen);
    let mut tell = |event: &Event<'_>| {
        assert!(progress.observe(event).is_continue());
        assert!(history.observe(event).is_continue());
    };
    tell(&Event::Started(&Plan {
        training_rows: 320,
        validation_rows: 80,
        parameters: 42,
        steps_per_epoch: 10,
        epochs: config.epochs,
        steps_per_validation: 10,
        resumed_at: (before > 0).then_some(10 * before as u64),
        history: records[..before].to_vec(),
        best: reconstruct(records[..before].to_vec(), &config).best,
    }));
    for (at, record) in records.iter().enumerate().take(until).skip(before) {
        for place in 1..=10 {
            let step = record.step - 10 + place;
            tell(&Event::Stepped {
                step,
                epoch: record.epoch,
                step_of_epoch: place,
                loss: record.training_loss,
            });
        }
        tell(&Event::Validated {
            record,
            improved: reconstruct(records[..=at].to_vec(), &config).best == Some(at),
            best: None,
            earliest_stop: Some(2),
            weights: Weights::default(),
        });
    }
    if until == records.len() {
        tell(&Event::Ended(&reconstruct(records, &config)));
    }
    history.finish()
}

fn page(report: &Report) -> String {
    let config = config();
    let about = About {
        title: "t",
        facts: &[("data".to_owned(), "made up".to_owned())],
        training_rows: 320,
        command: "c",
        ..About::new(&config)
    };
    Page { about: &about, report, outcome: &Outcome::default(), refresh: None }.html()
}

#[test]
fn a_killed_and_resumed_run_can_be_told_from_its_folder_as_if_nothing_had_happened() {
    let whole = tempfile::tempdir().unwrap();
    run(whole.path(), 0, 14).unwrap();
    let history = read_history(whole.path().join("history.csv")).unwrap();
    let report = reconstruct(history, &config());
    assert_eq!(report.ended.to_string(), "no improvement in 4 epochs: best 0.54 at epoch 10");
    assert_eq!(report.best, Some(9));
    assert_eq!(page(&report), page(&reconstruct(records(), &config())));

    for (resumed, killed) in [(0, 0), (0, 1), (3, 3), (3, 9), (13, 13)] {
        let parts = tempfile::tempdir().unwrap();
        run(parts.path(), 0, killed).unwrap();
        run(parts.path(), resumed, 14).unwrap();
        let file = |dir: &Path| std::fs::read_to_string(dir.join("history.csv")).unwrap();
        assert_eq!(file(parts.path()), file(whole.path()), "killed after {killed}, resumed after {resumed}");
    }
}

#[test]
fn the_page_has_every_record_and_agrees_with_the_summary() {
    let report = reconstruct(records(), &config());
    assert!(matches!(report.ended, Ended::Stopped(_)));
    let html = page(&report);
    for record in &report.history {
        let start = format!("<td>{}<td>{}<td>{:.4}<td>", record.epoch, record.step, record.training_loss);
        assert!(html.contains(&start), "{start}");
    }
    let summary = Summary::new(&report, config().select).to_string();
    let kept = "the model of epoch 10, the best by validation accuracy (0.8200)";
    let saved = "86 of 100 epochs (86%), about 29 s";
    assert!(summary.contains(kept) && summary.contains(saved), "{summary}");
    assert!(html.contains(kept) && html.contains("86 epochs, about 29\u{a0}s"), "{html}");
}
