//! The page of a run.

mod axis;
mod chart;
mod rules;

use crate::Error;
use crate::ending::{Saved, ended_too_early, ending, kept};
use crate::figures::{Count, Rounded, Time, counted, decimals};
use crate::replace::replace;
use crate::summary::score_rows;
use askama::Template;
use chart::{Chart, Curve};
use highwater_trainer::{Config, Ended, Record, Report, Score, Scores};
use rules::{Judged, judge};
use std::path::Path;

/// What is known of a run, to be made into one self-contained HTML page: it loads nothing, follows the reader's light or
/// dark scheme, and can be printed.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// What was trained.
    pub title: &'a str,
    /// What there is to know about data, model and machine, each with a label.
    pub facts: &'a [(&'a str, &'a str)],
    /// How the run ended.
    pub report: &'a Report,
    /// What it was asked to do.
    pub config: &'a Config,
    /// Scores of the kept model on parts of the data, by the names of the parts; the last are the headline.
    pub scores: &'a [(&'a str, &'a Scores)],
    /// The command that repeats the run.
    pub command: &'a str,
    /// The complete configuration, as text.
    pub configuration: &'a str,
}

#[derive(Template)]
#[template(path = "page.html")]
struct Html<'a> {
    page: &'a Page<'a>,
    ending: String,
    kept: String,
    too_early: bool,
    headlines: Vec<(String, String, String)>,
    scores: Vec<Vec<String>>,
    charts: Vec<Chart>,
    monitor: String,
    last: String,
    rules: Vec<Judged>,
    columns: Vec<String>,
    rows: Vec<(bool, Vec<String>)>,
    records: String,
}

impl Page<'_> {
    /// The page.
    pub fn html(&self) -> String {
        let report = self.report;
        let history = &report.history;
        let (columns, rows) = self.table();
        let page = Html {
            page: self,
            ending: ending(report),
            kept: kept(report, self.config.select),
            too_early: ended_too_early(report),
            headlines: self.headlines(),
            scores: if self.scores.is_empty() { Vec::new() } else { score_rows(self.scores) },
            charts: self.charts(),
            monitor: format!("validation {}", self.config.monitor),
            last: history.last().map_or(String::new(), |record| format!("epoch {}", record.epoch)),
            rules: judge(history, self.config),
            columns,
            rows,
            records: counted(history.len() as u64, "record"),
        };
        page.render().expect("a string takes all that is written")
    }

    /// Writes the page in place of an earlier one: a reader sees one or the other, complete.
    ///
    /// # Errors
    /// If it cannot be written; then an earlier page is as it was.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        replace(path, &self.html()).map_err(|source| Error::Write { path: path.into(), source })
    }

    /// The few numbers that matter most: label, number, remark.
    fn headlines(&self) -> Vec<(String, String, String)> {
        let report = self.report;
        let mut headlines = Vec::new();
        if let Some((part, scores)) = self.scores.last() {
            let metric =
                scores.metrics.iter().find(|(metric, _)| self.config.select == Score::Metric(*metric));
            let (name, value) = match metric.or(scores.metrics.first()) {
                Some((metric, value)) => (metric.to_string(), *value),
                None => ("loss".to_owned(), scores.loss),
            };
            let rows = counted(scores.rows as u64, "row");
            headlines.push((format!("{part} {name}"), Rounded(value).to_string(), format!("on {rows}")));
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
        if let Some(Saved { epochs, percent, seconds }) = Saved::by(report) {
            let remark = format!("{}, about {}", counted(epochs, "epoch"), Time(seconds));
            headlines.push(("of the limit saved".into(), format!("{percent:.0}%"), remark));
        }
        headlines
    }

    fn charts(&self) -> Vec<Chart> {
        let history = &self.report.history;
        if history.is_empty() {
            return Vec::new();
        }
        let curve = |name: &str, class, value: &dyn Fn(&Record) -> f64| Curve {
            name: name.to_owned(),
            class,
            values: history.iter().map(value).collect(),
        };
        let losses = vec![
            curve("training", "training", &|record| record.training_loss),
            curve("validation", "validation", &|record| record.validation_loss),
        ];
        let mut charts = vec![self.chart("Loss", losses, Some(1), true)];
        for metric in &self.config.metrics {
            let score = Score::Metric(*metric);
            let values = curve("validation", "validation", &|record| record.score(score));
            charts.push(self.chart(&format!("Validation {metric}"), vec![values], Some(0), false));
        }
        let rates = curve("rate", "rate", &|record| record.learning_rate);
        if rates.values.iter().any(|rate| *rate != rates.values[0]) {
            charts.push(self.chart("Learning rate", vec![rates], None, true));
        }
        charts
    }

    fn chart(
        &self,
        title: &str,
        curves: Vec<Curve>,
        marked: Option<usize>,
        may_be_logarithmic: bool,
    ) -> Chart {
        let history = &self.report.history;
        let each_epoch = history.windows(2).all(|pair| pair[0].epoch < pair[1].epoch);
        let place = |record: &Record| if each_epoch { record.epoch } else { record.step };
        let unit = if each_epoch { "epoch" } else { "step" };
        let places: Vec<u64> = history.iter().map(place).collect();
        let [first, last] = [0, places.len() - 1];
        let tell = |curve: &Curve| {
            let at =
                |index: usize| format!("{} at {unit} {}", Rounded(curve.values[index]), Count(places[index]));
            let kept = self.report.best.filter(|best| *best != first && *best != last);
            let between = kept.map_or(String::new(), |best| format!(", {} (kept)", at(best)));
            let (initial, rest) = curve.name.split_at(1);
            let gaps = match curve.values.iter().filter(|value| !value.is_finite()).count() as u64 {
                0 => String::new(),
                gaps => format!("; not finite in {}", counted(gaps, "record")),
            };
            format!("{}{rest}: {}{between}, {}{gaps}.", initial.to_uppercase(), at(first), at(last))
        };
        Chart {
            title: title.to_owned(),
            text: curves.iter().map(tell).collect::<Vec<_>>().join(" "),
            unit,
            places,
            curves,
            kept: self.report.best,
            marked,
            stopped: matches!(self.report.ended, Ended::Stopped(_)),
            may_be_logarithmic,
            tall: marked == Some(1),
        }
    }

    /// The history, with as many decimals in a column as its numbers need; whether a record is that of the kept model.
    fn table(&self) -> (Vec<String>, Vec<(bool, Vec<String>)>) {
        let history = &self.report.history;
        type Value<'v> = Box<dyn Fn(&Record) -> f64 + 'v>;
        let mut numbers: Vec<(String, Value<'_>)> = vec![
            ("training loss".into(), Box::new(|record| record.training_loss)),
            ("validation loss".into(), Box::new(|record| record.validation_loss)),
        ];
        for metric in &self.config.metrics {
            numbers.push((metric.to_string(), Box::new(|record| record.score(Score::Metric(*metric)))));
        }
        numbers.push(("learning rate".into(), Box::new(|record| record.learning_rate)));
        let columns: Vec<Column> =
            numbers.iter().map(|(_, value)| Column::of(history.iter().map(value))).collect();
        let row = |(index, record): (usize, &Record)| {
            let counts = [Count(record.epoch).to_string(), Count(record.step).to_string()];
            let values = numbers.iter().zip(&columns).map(|((_, value), column)| column.text(value(record)));
            let time = std::iter::once(format!("{:.2}", record.elapsed));
            (self.report.best == Some(index), counts.into_iter().chain(values).chain(time).collect())
        };
        let names = numbers.iter().map(|(name, _)| name.clone());
        let names =
            ["epoch".to_owned(), "step".to_owned()].into_iter().chain(names).chain(["seconds".to_owned()]);
        (names.collect(), history.iter().enumerate().map(row).collect())
    }
}

/// How the numbers of a column are written, so that they stand in line.
enum Column {
    Decimals(usize),
    Scientific,
}

impl Column {
    fn of(values: impl Iterator<Item = f64>) -> Column {
        let magnitudes = values.map(f64::abs).filter(|value| value.is_finite() && *value > 0.0);
        let (least, most) = magnitudes.fold((f64::INFINITY, 0.0_f64), |(l, m), v| (l.min(v), m.max(v)));
        match () {
            () if least > most => Column::Decimals(1),
            () if least >= 1e-4 && most < 1e7 => Column::Decimals(decimals(least).min(6)),
            () => Column::Scientific,
        }
    }

    fn text(&self, value: f64) -> String {
        match self {
            _ if !value.is_finite() => value.to_string(),
            Column::Decimals(decimals) => format!("{value:.decimals$}"),
            Column::Scientific => format!("{value:.3e}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{config, ended, records, scores, wiggle};
    use crate::reconstruct;

    fn html(report: &Report) -> String {
        let (validation, test) = (scores(288, 0.4, 0.8), scores(360, 0.41, 0.79));
        Page {
            title: "digits",
            facts: &[("data", "digits.csv: 1,797 rows")],
            report,
            config: &config("patience(3)"),
            scores: &[("validation", &validation), ("test", &test)],
            command: "highwater train --data digits.csv",
            configuration: "seed = 7\n",
        }
        .html()
    }

    #[test]
    fn a_page_tells_why_the_run_stopped_and_what_is_kept() {
        let html = html(&wiggle("patience(3)"));
        for part in [
            "<h1>digits</h1>",
            "Stopped at epoch 6 of at most 200: no improvement in 3 epochs: best 0.4 at epoch 3.",
            "Kept: the model of epoch 3, the best by validation loss (0.4000).",
            "<dt>test accuracy</dt><dd>0.7900<small>on 360 rows</small></dd>",
            "<dt>of the limit saved</dt><dd>97%<small>194 epochs, about 49 s</small></dd>",
            "<th scope=\"row\">accuracy</th><td>0.8000</td><td>0.7900</td>",
            "epoch 3 kept: 0.4000</text>",
            "stopped: 6</text>",
            "Training: 0.8100 at epoch 1, 0.3600 at epoch 3 (kept), 0.4500 at epoch 6.",
            "<tr class=\"own\"><th scope=\"row\"><code>patience(3)</code>",
            "<dt>data</dt><dd>digits.csv: 1,797 rows</dd>",
            "<code>highwater train --data digits.csv</code>",
            "<code>seed = 7\n</code>",
            "<tr class=\"kept\"><td>3<td>108<td>0.3600<td>0.4000<td>0.8000<td>0.01000<td>0.75",
        ] {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
        assert!(!html.contains("Learning rate"), "a constant rate needs no chart");
    }

    #[test]
    fn a_page_loads_nothing() {
        let html = html(&wiggle("patience(3)"));
        for part in ["http:", "https:", " src=", "@import", "url(", "<script"] {
            assert!(!html.contains(part), "{part}");
        }
    }

    #[test]
    fn hostile_names_stay_text() {
        let hostile = "</code><script>alert('1')</script>&\"";
        let report = wiggle("patience(3)");
        let test = scores(1, 0.5, 0.5);
        let html = Page {
            title: hostile,
            facts: &[(hostile, hostile)],
            report: &report,
            config: &config("patience(3)"),
            scores: &[(hostile, &test)],
            command: hostile,
            configuration: hostile,
        }
        .html();
        assert!(!html.contains("<script"), "{html}");
        assert_eq!(html.matches("&#60;script&#62;").count(), 8, "{html}");
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
    fn a_page_replaces_an_earlier_one_or_leaves_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.html");
        std::fs::write(&path, "earlier").unwrap();
        let report = wiggle("patience(3)");
        let page = Page {
            title: "t",
            facts: &[],
            report: &report,
            config: &config("never"),
            scores: &[],
            command: "",
            configuration: "",
        };
        page.write(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), page.html());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        let error = page.write(&dir.path().join("no/report.html")).unwrap_err();
        assert!(error.to_string().contains("report.html"), "{error}");
    }
}
