//! The page of a run.

mod axis;
mod chart;
mod classes;
mod curves;
mod frame;
mod importance;
mod plot;
mod rules;
mod table;
mod values;

use crate::ending::{Savings, ended_too_early, ending, kept};
use crate::figures::{Count, Rounded, Size, Time, counted, score_text};
use crate::summary::score_rows;
use crate::{About, Error, Outcome, Truth};
use askama::Template;
pub(crate) use axis::Axis;
use chart::Chart;
use classes::Classes;
pub(crate) use frame::Frame;
use highwater_trainer::checkpoint::Replacement;
use highwater_trainer::{MeasuredOn, Report, Score};
use importance::ImportanceTable;
pub(crate) use plot::{COLOURED, Key, Plot};
use rules::{Judged, judge};
use std::path::Path;
use table::Validations;

/// What is known of a run, to be made into one self-contained HTML page: it loads nothing, follows the reader's light or
/// dark scheme, can be read on a telephone, and can be printed.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// What was known before it began.
    pub about: &'a About<'a>,
    /// How it went.
    pub report: &'a Report,
    /// What was found out at its end.
    pub outcome: &'a Outcome<'a>,
    /// While it goes on: the seconds after which the page loads itself again.
    pub refresh: Option<u64>,
}

#[derive(Template)]
#[template(path = "page.html")]
struct Html<'a> {
    page: &'a Page<'a>,
    about: &'a About<'a>,
    lead: [String; 2],
    too_early: bool,
    headlines: Vec<(String, String, String)>,
    scores: Vec<Vec<String>>,
    /// Whether no score is of rows that the model has not seen.
    all_seen: bool,
    judged_part: String,
    classes: Option<Classes>,
    plots: Vec<Plot>,
    importance: Option<ImportanceTable>,
    charts: Vec<Chart>,
    monitor: String,
    last: String,
    rules: Vec<Judged>,
    effort: Vec<(&'static str, String)>,
    files: Vec<(&'a str, &'a str, String, String, Size)>,
    select: String,
    validations: Validations,
    records: String,
}

impl Page<'_> {
    /// The page.
    pub fn html(&self) -> String {
        let Page { about, report, outcome, .. } = *self;
        let history = &report.history;
        let (mut classes, mut plots, mut judged_part) = (None, Vec::new(), String::new());
        if let Some(predictions) = &outcome.predictions {
            judged_part = counted(predictions.outputs.nrows() as u64, &format!("{} row", predictions.part));
            match predictions.truth {
                Truth::Classes { names, of_rows } => {
                    classes = Some(Classes::of(predictions.outputs, names, of_rows));
                }
                Truth::Values { names, of_rows } => {
                    plots = values::plots(predictions.outputs, names, of_rows);
                }
            }
        }
        let page = Html {
            page: self,
            about,
            lead: self.lead(),
            too_early: self.refresh.is_none() && ended_too_early(report, about.measured_on),
            headlines: self.headlines(),
            scores: if outcome.scores.is_empty() { Vec::new() } else { score_rows(outcome.scores) },
            all_seen: about.measured_on == MeasuredOn::TrainingRows && outcome.scores.len() == 1,
            judged_part,
            classes,
            plots,
            importance: outcome.importance.map(ImportanceTable::of),
            charts: curves::charts(report, about),
            monitor: about.measured_on.score(about.config.monitor),
            last: history.last().map_or(String::new(), |record| format!("epoch {}", record.epoch)),
            rules: judge(history, about.config),
            effort: self.effort(),
            files: self.files(),
            select: about.measured_on.score(about.config.select),
            validations: Validations::of(report, about),
            records: counted(history.len() as u64, "record"),
        };
        page.render().expect("a string takes all that is written")
    }

    /// Writes the page in place of an earlier one: a reader sees one or the other, complete.
    ///
    /// # Errors
    /// If it cannot be written; then an earlier page is as it was.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        Replacement::with(path, self.html()).map_err(|error| Error::Write { path: path.into(), error })
    }

    /// Why it ended, and what was kept.
    fn lead(&self) -> [String; 2] {
        let report = self.report;
        let kept = kept(report, self.about.config.select, self.about.measured_on);
        match self.refresh {
            None => [ending(report), format!("Kept: {kept}")],
            Some(_) if report.history.is_empty() => {
                ["In progress: nothing is validated yet".into(), "Kept: nothing yet".into()]
            }
            Some(_) => {
                let (epochs, limit) = (Count(report.epochs), Count(report.epoch_limit));
                [format!("In progress: epoch {epochs} of at most {limit}"), format!("Kept so far: {kept}")]
            }
        }
    }

    /// The few numbers that matter most: label, number, remark.
    fn headlines(&self) -> Vec<(String, String, String)> {
        let (report, config) = (self.report, self.about.config);
        let mut headlines = Vec::new();
        if let Some((part, scores)) = self.outcome.scores.last() {
            let metric = scores.metrics.iter().find(|(metric, _)| config.select == Score::Metric(*metric));
            let (name, value) = match metric.or(scores.metrics.first()) {
                Some((metric, value)) => (metric.to_string(), *value),
                None => ("loss".to_owned(), scores.loss),
            };
            let rows = counted(scores.rows as u64, "row");
            headlines.push((format!("{part} {name}"), score_text(value, scores.loss), format!("on {rows}")));
        } else if let Some(best) = report.best() {
            let value = Rounded(best.score(config.select)).to_string();
            headlines.push((self.about.measured_on.score(config.select), value, "the best so far".into()));
        }
        if let Some(best) = report.best() {
            let remark = format!("of {} trained", Count(report.epochs));
            headlines.push(("kept epoch".into(), Count(best.epoch).to_string(), remark));
        }
        let remark = match report.steps as f64 / report.elapsed {
            pace if pace.is_finite() => format!("{} a second", counted(pace.round() as u64, "step")),
            _ => String::new(),
        };
        headlines.push(("training time".into(), Time(report.elapsed).to_string(), remark));
        if let Some(Savings { epochs, percent, seconds }) = Savings::of(report) {
            // A number does not leave its unit.
            let time = Time(seconds).to_string().replace(' ', "\u{a0}");
            let remark = format!("{}, about {time}", counted(epochs, "epoch"));
            headlines.push(("of the limit saved".into(), format!("{percent:.0}%"), remark));
        }
        headlines
    }

    /// What the run took, each with a label.
    fn effort(&self) -> Vec<(&'static str, String)> {
        let report = self.report;
        let mut effort = vec![(
            "training",
            format!(
                "{} for {} and {}",
                Time(report.elapsed),
                counted(report.epochs, "epoch"),
                counted(report.steps, "step")
            ),
        )];
        let rows = report.epochs as f64 * self.about.training_rows as f64 / report.elapsed;
        if rows.is_finite() && rows >= 1.0 {
            let steps = counted((report.steps as f64 / report.elapsed).round() as u64, "step");
            let rows = counted(rows.round() as u64, "row");
            effort.push(("throughput", format!("{rows} and {steps} a second, validations included")));
        }
        effort
    }

    /// Name, why, place, score, size.
    fn files(&self) -> Vec<(&str, &str, String, String, Size)> {
        let files = self.outcome.files.iter().map(|file| {
            let place = format!("epoch {}, step {}", Count(file.epoch), Count(file.step));
            let score = file.score.map_or("–".to_owned(), |score| Rounded(score).to_string());
            (&*file.name, &*file.what, place, score, Size(file.bytes))
        });
        files.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Text, config, ended, records, scores, wiggle};
    use crate::{ColumnUse, reconstruct};
    use highwater_trainer::Ended;

    fn html(report: &Report) -> String {
        let (validation, test) = (scores(288, 0.4, 0.8), scores(360, 0.41, 0.79));
        let outcome =
            Outcome { scores: &[("validation", &validation), ("test", &test)], ..Outcome::default() };
        let text = Text::new("patience(3)");
        Page { about: &text.about(), report, outcome: &outcome, refresh: None }.html()
    }

    #[test]
    fn a_page_tells_why_the_run_stopped_and_what_is_kept() {
        let html = html(&wiggle("patience(3)"));
        for part in [
            "<h1>digits</h1>",
            "Stopped at epoch 6 of at most 200: no improvement in 3 epochs: best 0.4 at epoch 3.",
            "Kept: the model of epoch 3, the best by validation loss (0.4000).",
            "<dt>test accuracy</dt><dd>0.7900<small>on 360 rows</small></dd>",
            "<dt>of the limit saved</dt><dd>97%<small>194 epochs, about 49\u{a0}s</small></dd>",
            "<th scope=\"row\">accuracy</th><td>0.8000</td><td>0.7900</td>",
            "epoch 3 kept: 0.4000</text>",
            "stopped: 6</text>",
            "Training: 0.8100 at epoch 1, 0.3600 at epoch 3 (kept), 0.4500 at epoch 6.",
            "<tr class=\"own\"><th scope=\"row\"><code>patience(3)</code>",
            "<dt>data</dt><dd>digits.csv: 1,797 rows</dd>",
            "<code>highwater train --data digits.csv</code>",
            "<code>seed = 7\n</code>",
            "<tr class=\"kept\"><td>3<td>108<td>0.3600<td>0.4000<td>0.8000<td>0.01000<td>1.5000<td>0.75",
        ] {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
        assert!(html.contains("Rate: 0.01000 throughout."), "{html}");
    }

    #[test]
    fn without_validation_rows_nothing_is_said_to_be_measured_on_some() {
        let text = Text::new("patience(3)");
        let about = About { measured_on: MeasuredOn::TrainingRows, ..text.about() };
        let (report, training) = (wiggle("patience(3)"), scores(9, 0.4, 0.8));
        let outcome = Outcome { scores: &[("training", &training)], ..Outcome::default() };
        let html = Page { about: &about, report: &report, outcome: &outcome, refresh: None }.html();
        for part in [
            "Kept: the model of epoch 3, the best by loss on the training rows (0.4000).",
            "its scores say nothing of new ones.",
            "<h3>Accuracy on the training rows</h3>",
            "<th scope=\"col\">loss on the training rows</th>",
            "Training rows: 0.9000 at epoch 1, 0.4000 at epoch 3 (kept), 0.5000 at epoch 6.",
        ] {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
        assert!(!html.to_lowercase().contains("validation loss"), "{html}");
    }

    #[test]
    fn a_page_loads_nothing() {
        let html = html(&wiggle("patience(3)"));
        for part in ["http:", "https:", " src=", "@import", "url(", "<script", "http-equiv=\"refresh"] {
            assert!(!html.contains(part), "{part}");
        }
    }

    #[test]
    fn hostile_names_stay_text() {
        let hostile = "</code><script>alert('1')</script>&\"";
        let (report, test) = (wiggle("patience(3)"), scores(1, 0.5, 0.5));
        let columns = [hostile; 1].map(|name| ColumnUse {
            name: name.into(),
            kind: name.into(),
            inputs: 1,
            remark: name.into(),
        });
        let text = Text::new("patience(3)");
        let about = About {
            title: hostile,
            facts: &[(hostile.to_owned(), hostile.to_owned())],
            columns: &columns,
            command: hostile,
            configuration: hostile,
            ..text.about()
        };
        let files = [crate::SavedFile {
            name: hostile.into(),
            what: hostile.into(),
            epoch: 1,
            step: 1,
            score: None,
            bytes: 1,
        }];
        let importance = crate::Importance {
            part: hostile.into(),
            rows: 1,
            repeats: 1,
            seed: 1,
            loss: 0.5,
            columns: vec![crate::ColumnImportance { name: hostile.into(), rise: 1.0, least: 1.0, most: 1.0 }],
        };
        let names = [hostile.to_owned(), hostile.to_owned()];
        let outputs = ndarray::array![[0.0, 1.0], [0.0, 1.0]];
        let outcome = Outcome {
            scores: &[(hostile, &test)],
            note: Some(hostile),
            predictions: Some(crate::Predictions {
                part: hostile,
                outputs: &outputs,
                truth: Truth::Classes { names: &names, of_rows: &[0, 1] },
            }),
            importance: Some(&importance),
            files: &files,
        };
        let html = Page { about: &about, report: &report, outcome: &outcome, refresh: None }.html();
        assert!(!html.contains("<script"), "{html}");
        assert!(html.matches("&#60;script&#62;").count() >= 15, "{html}");
    }

    #[test]
    fn odd_runs_have_pages() {
        let nan = f64::NAN;
        for (losses, part) in [
            (&[][..], "Interrupted at epoch 0 of at most 9."),
            (&[0.5], "epoch 1 kept: 0.5000</text>"),
            (&[nan], "Kept: the last model, since no validation gave a finite loss."),
            (&[nan, f64::INFINITY, 0.5], "0.5000 at epoch 3; not finite in 2 records.</figcaption>"),
            (&[nan, f64::INFINITY, 0.5], "<td>inf<td>"),
            (&[1e-30, 1e30], "on a logarithmic scale"),
        ] {
            let html = html(&ended(losses, Ended::Interrupted, 9));
            assert!(html.contains(part), "{losses:?}: {part} is missing in {html}");
            assert!(html.ends_with("</main>\n</html>") || html.ends_with("</main>\n</html>\n"));
        }
    }

    #[test]
    fn a_changing_learning_rate_and_several_validations_of_an_epoch_are_shown() {
        let mut history = records(&[0.9, 0.5, 0.6]);
        history[2].epoch = 2;
        history[2].learning_rate = 0.001;
        let html = html(&reconstruct(history, &config("never")));
        assert!(html.contains("<h3>Learning rate</h3>"), "{html}");
        assert!(html.contains("step 72 kept: 0.5000</text>"), "{html}");
        assert!(html.contains("the model of epoch 2, step 72,"), "{html}");
    }

    #[test]
    fn five_thousand_records_make_a_page_below_a_megabyte() {
        let noise =
            |epoch: u32| 1.0 / f64::from(epoch) + f64::from(epoch.wrapping_mul(2_654_435_761) >> 20) / 4e4;
        let losses: Vec<f64> = (1..=5_000).map(noise).collect();
        let html = html(&ended(&losses, Ended::EpochLimit, 5_000));
        assert!(html.len() < 1_000_000, "{} bytes", html.len());
        assert!(html.contains("5,000 records"));
        assert_eq!(html.matches("\n<tr><td>").count() + html.matches("\n<tr class=\"kept\">").count(), 5_000);
    }

    #[test]
    fn what_is_not_known_of_a_run_has_no_heading() {
        let (text, report, outcome) = (Text::new("never"), wiggle("patience(3)"), Outcome::default());
        let headings = ["What was trained on what?", "How is it repeated?"];
        for (about, known) in [(text.about(), true), (About::new(text.about().config), false)] {
            let html = Page { about: &about, report: &report, outcome: &outcome, refresh: None }.html();
            for heading in headings {
                assert_eq!(html.contains(heading), known, "{heading}");
            }
        }
    }

    #[test]
    fn a_page_replaces_an_earlier_one_or_leaves_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.html");
        std::fs::write(&path, "earlier").unwrap();
        let report = wiggle("patience(3)");
        let (text, outcome) = (Text::new("never"), Outcome::default());
        let about = text.about();
        let page = Page { about: &about, report: &report, outcome: &outcome, refresh: None };
        page.write(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), page.html());
        // The longest name is no longer while it is written.
        page.write(dir.path().join("r".repeat(255))).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
        let error = page.write(dir.path().join("no/report.html")).unwrap_err();
        assert!(error.to_string().contains("report.html"), "{error}");
    }
}
