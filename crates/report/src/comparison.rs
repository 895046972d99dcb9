//! Several runs on one page.

use crate::ending::{ending, place};
use crate::figures::{Count, Rounded, Time, capitalised, score_text};
use crate::page::{Axis, COLOURED, Frame, Key, Plot};
use crate::{About, Error};
use askama::Template;
use highwater_early_stopping::Goal;
use highwater_trainer::checkpoint::Replacement;
use highwater_trainer::{MeasuredOn, Record, Report, Score, Scores};
use std::collections::BTreeSet;
use std::path::Path;

/// The settings that decide what is predicted and which rows are for what.
const DIVISION: [&str; 8] = [
    "data.file",
    "data.target",
    "data.validation",
    "data.test",
    "data.validation_file",
    "data.test_file",
    "data.split",
    "data.split_seed",
];

/// One of several runs.
#[derive(Debug, Clone, Copy)]
pub struct Compared<'a> {
    /// What it is called, to tell it from the others.
    pub name: &'a str,
    /// What was known before it began.
    pub about: About<'a>,
    /// How it went.
    pub report: &'a Report,
    /// Scores of the kept model on parts of the data. The first part is the one by which it was chosen, and the one compared.
    pub scores: &'a [(&'a str, &'a Scores)],
    /// A remark on the kept model, as in [`Outcome::note`](crate::Outcome::note).
    pub note: Option<&'a str>,
}

/// Several runs, to be made into one self-contained HTML page.
#[derive(Debug, Clone, Copy)]
pub struct Comparison<'a> {
    /// The runs, in the order in which they are shown.
    pub runs: &'a [Compared<'a>],
    /// Further sentences about the scores; may be empty.
    pub remark: &'a str,
}

#[derive(Template)]
#[template(path = "comparison.html")]
struct Html {
    title: String,
    columns: Vec<String>,
    runs: Vec<Row>,
    /// What the best of each column does not tell.
    note: String,
    plots: Vec<Plot>,
    names: Vec<String>,
    differences: Vec<(String, Vec<String>)>,
}

struct Row {
    name: String,
    class: String,
    ending: String,
    note: Option<String>,
    cells: Vec<Cell>,
}

#[derive(Default)]
struct Cell {
    text: String,
    /// What the text is of, and what other parts of the data say.
    remarks: Vec<String>,
    /// Whether it is the best of the column by the rows that may choose.
    is_best: bool,
}

impl Comparison<'_> {
    /// The page.
    pub fn html(&self) -> String {
        let scores = self.scores();
        let columns = ["kept epoch", "of", "time"].map(str::to_owned).into_iter();
        let page = Html {
            title: format!("{} runs", self.runs.len()),
            columns: columns.chain(scores.iter().map(Score::to_string)).collect(),
            runs: self.rows(&scores),
            note: format!("{} {}", self.note(), self.remark).trim().to_owned(),
            plots: self.plots(&scores),
            names: self.runs.iter().map(|run| run.name.to_owned()).collect(),
            differences: self.differences(),
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

    /// The loss and all metrics that some run has.
    fn scores(&self) -> Vec<Score> {
        let mut scores = vec![Score::Loss];
        for metric in self.runs.iter().flat_map(|run| &run.about.config.metrics) {
            if !scores.contains(&Score::Metric(*metric)) {
                scores.push(Score::Metric(*metric));
            }
        }
        scores
    }

    fn rows(&self, scores: &[Score]) -> Vec<Row> {
        let values: Vec<Vec<Option<f64>>> =
            self.runs.iter().map(|run| scores.iter().map(|score| value(run, *score)).collect()).collect();
        let decides = self.decides();
        let best = |(column, score): (usize, &Score)| {
            let finite = values.iter().filter_map(|values| values[column]).filter(|value| value.is_finite());
            match score.goal() {
                _ if !decides => None,
                Goal::Minimize => finite.reduce(f64::min),
                Goal::Maximize => finite.reduce(f64::max),
            }
        };
        let best: Vec<Option<f64>> = scores.iter().enumerate().map(best).collect();
        let row = |(number, run): (usize, &Compared<'_>)| {
            let report = run.report;
            let kept = report.best().map_or("–".to_owned(), |best| Count(best.epoch).to_string());
            let plain = [kept, Count(report.epochs).to_string(), Time(report.elapsed).to_string()];
            let chosen_by = run.scores.first().map_or(run.about.measured_on.name(), |(part, _)| part);
            let remarks = |score: Score| {
                let others = run.scores.iter().skip(1);
                let others = others.filter_map(|(part, scores)| {
                    // A number does not leave its name.
                    Some(format!("{part}\u{a0}{}", score_text(scores.score(score)?, scores.loss)))
                });
                [chosen_by.to_owned()].into_iter().chain(others).collect()
            };
            let scored =
                scores.iter().zip(&values[number]).zip(&best).map(|((score, found), best)| match found {
                    Some(measured) => Cell {
                        text: score_text(*measured, value(run, Score::Loss).unwrap_or(f64::NAN)),
                        remarks: remarks(*score),
                        is_best: found == best,
                    },
                    None => Cell { text: "–".to_owned(), ..Cell::default() },
                });
            Row {
                name: run.name.to_owned(),
                class: class(number),
                ending: ending(report),
                note: run.note.map(capitalised),
                cells: plain.map(|text| Cell { text, ..Cell::default() }).into_iter().chain(scored).collect(),
            }
        };
        self.runs.iter().enumerate().map(row).collect()
    }

    /// Whether the scores tell which run is best: they are of several, of rows that no model has seen, and of the same.
    fn decides(&self) -> bool {
        let held_out = |run: &Compared<'_>| run.about.measured_on == MeasuredOn::ValidationRows;
        self.runs.len() > 1 && self.runs.iter().all(held_out) && self.divisions().is_empty()
    }

    /// The settings that differ and decide which rows are for what.
    fn divisions(&self) -> Vec<String> {
        let divides = |key: &String| {
            DIVISION.iter().any(|name| {
                key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        self.differences().into_iter().map(|(key, _)| key).filter(divides).collect()
    }

    fn note(&self) -> String {
        let differing = self.divisions();
        if self.decides() {
            "Marked is the best by the validation rows. The test rows tell what to expect of the run that was chosen; to \
             choose by them is to lose that."
                .to_owned()
        } else if !differing.is_empty() {
            format!(
                "No best is marked: the runs do not have the same rows ({}), so that their scores differ by the rows, too.",
                differing.join(", ")
            )
        } else if self.runs.len() > 1 {
            "No best is marked: without validation rows, scores say nothing of new rows.".to_owned()
        } else {
            String::new()
        }
    }

    /// The loss of all runs, wide, then the metrics.
    fn plots(&self, scores: &[Score]) -> Vec<Plot> {
        let last = self.runs.iter().flat_map(|run| &run.report.history).map(|record| record.epoch).max();
        let Some(last) = last else { return Vec::new() };
        scores.iter().map(|score| self.plot(*score, last)).collect()
    }

    fn plot(&self, score: Score, last: u64) -> Plot {
        let wide = score == Score::Loss;
        let epochs = Axis::of_counts(1.min(last), last, if wide { 8 } else { 4 });
        let runs = || self.runs.iter().enumerate().filter(|(_, run)| has(run, score));
        let all = runs().flat_map(|(_, run)| run.report.history.iter().map(|r| r.score(score)));
        let values = Axis::of(all, 5, wide);
        let name = self.measured(score);
        let size = if wide { [760.0, 340.0] } else { [360.0, 250.0] };
        // What goes up is the title.
        let frame = Frame::sized(size, ("epoch", epochs), ("", values));
        let (mut marks, mut keys, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for (number, run) in runs() {
            let point = |record: &Record| (record.epoch as f64, record.score(score));
            marks.push(frame.line(&class(number), run.report.history.iter().map(point)));
            let Some(best) = run.report.best() else { continue };
            marks.push(frame.dots(&format!("large {}", class(number)), [point(best)]));
            let number_text = Rounded(best.score(score)).to_string();
            told.push(format!("{} {number_text} at {}", run.name, place(best, run.report)));
            keys.push(Key { class: class(number), name: run.name.to_owned(), number: number_text });
        }
        Plot {
            title: capitalised(&name),
            text: format!("The dots are the kept models: {}.", told.join(", ")),
            frame,
            marks,
            // Beside each small drawing they would only be repeated.
            keys: if wide { keys } else { Vec::new() },
        }
    }

    /// What the curves of a score show.
    fn measured(&self, score: Score) -> String {
        let mut all = self.runs.iter().filter(|run| has(run, score)).map(|run| run.about.measured_on);
        let first = all.next().unwrap_or_default();
        if all.all(|other| other == first) { first.score(score) } else { score.to_string() }
    }

    /// The settings that are not the same in all runs. A group of them that is empty in one run is not a setting where
    /// another run has some in it.
    fn differences(&self) -> Vec<(String, Vec<String>)> {
        let mut keys: BTreeSet<&str> =
            self.runs.iter().flat_map(|run| run.about.settings).map(|(key, _)| key.as_str()).collect();
        let all = keys.clone();
        let is_within =
            |key: &str, group: &str| key.strip_prefix(group).is_some_and(|rest| rest.starts_with('.'));
        keys.retain(|group| !all.iter().any(|key| is_within(key, group)));
        let of_run = |run: &Compared<'_>, key: &str| {
            let found = run.about.settings.iter().find(|(name, _)| name == key);
            found.map_or("–".to_owned(), |(_, value)| value.clone())
        };
        let all = keys
            .into_iter()
            .map(|key| (key.to_owned(), self.runs.iter().map(|run| of_run(run, key)).collect::<Vec<_>>()));
        all.filter(|(_, values)| values.iter().any(|value| *value != values[0])).collect()
    }
}

/// Of the kept model on the part that is compared; without one, of the validation.
fn value(run: &Compared<'_>, score: Score) -> Option<f64> {
    match run.scores.first() {
        Some((_, scores)) => scores.score(score),
        None if has(run, score) => run.report.best().map(|best| best.score(score)),
        None => None,
    }
}

/// Whether a run was measured by a score: runs of different tasks have different ones.
fn has(run: &Compared<'_>, score: Score) -> bool {
    match score {
        Score::Loss => true,
        Score::Metric(metric) => run.about.config.metrics.contains(&metric),
    }
}

fn class(number: usize) -> String {
    if number < COLOURED { format!("k{number}") } else { "other".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Text, ended, scores, wiggle};
    use highwater_trainer::Ended;

    #[test]
    fn runs_stand_side_by_side_with_what_differs() {
        let (text, a, b) = (Text::new("patience(3)"), wiggle("patience(3)"), wiggle("patience(1)"));
        // The test rows have another opinion.
        let (good, bad) = (scores(270, 0.41, 0.9), scores(270, 0.5, 0.8));
        let (worse, better) = (scores(360, 0.6, 0.7), scores(360, 0.3, 0.95));
        let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let one = [setting("seed", "1"), setting("training.stop", "patience(3)"), setting("columns", "{}")];
        let two = [
            setting("seed", "1"),
            setting("training.stop", "patience(1)"),
            setting("columns.x", "<i>"),
            setting("columns.y", "number"),
        ];
        let run = |name, report, settings, scores| {
            let about = About { settings, ..text.about() };
            Compared {
                name,
                about,
                report,
                scores,
                note: (name == "runs/a").then_some("no better than <that>"),
            }
        };
        let html = Comparison {
            runs: &[
                run("runs/a", &a, &one, &[("validation", &good), ("test", &worse)]),
                run("runs/<b>", &b, &two, &[("validation", &bad), ("test", &better)]),
            ],
            remark: "And <more>.",
        }
        .html();
        for part in [
            "<h1>2 runs</h1>",
            "runs/&#60;b&#62;",
            "<small>No better than &#60;that&#62;.</small></th>",
            "<td data-name=\"accuracy\" class=\"best\">0.9000<small>validation</small><small>test\u{a0}0.7000</small>",
            "<td data-name=\"accuracy\">0.8000<small>validation</small><small>test\u{a0}0.9500</small>",
            "Marked is the best by the validation rows.",
            "is to lose that. And &#60;more&#62;.</p>",
            "The dots are the kept models: runs/a 0.4000 at epoch 3, ",
            "<code>training.stop</code></th><td data-name=\"runs/a\">patience(3)</td><td data-name=\"runs/&#60;b&#62;\">patience(1)</td>",
            "<code>columns.x</code></th><td data-name=\"runs/a\">–</td><td data-name=\"runs/&#60;b&#62;\">&#60;i&#62;</td>",
        ] {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
        assert!(!html.contains("<code>columns</code>"), "an empty group beside what is in it: {html}");
        assert!(!html.contains("<code>seed</code>") && !html.contains("<script") && !html.contains("NaN"));
    }

    #[test]
    fn a_table_that_is_too_broad_for_paper_is_printed_as_cards() {
        let (text, report) = (Text::new("patience(3)"), wiggle("patience(3)"));
        let settings: Vec<_> = (0..5).map(|seed| [("seed".to_owned(), seed.to_string())]).collect();
        let runs: Vec<_> = settings
            .iter()
            .map(|settings| Compared {
                name: "run",
                about: About { settings, ..text.about() },
                report: &report,
                scores: &[],
                note: None,
            })
            .collect();
        let html = |count: usize| Comparison { runs: &runs[..count], remark: "" }.html();
        assert!(html(4).contains("<table class=\"differences cards\">"));
        assert!(html(5).contains("<table class=\"differences cards broad\">"));
        assert!(html(5).contains("<table class=\"compare cards\">"));
    }

    #[test]
    fn no_run_is_best_where_scores_are_not_of_the_same_rows_or_of_rows_that_were_trained_on() {
        let (text, report, good) = (Text::new("patience(3)"), wiggle("patience(3)"), scores(270, 0.41, 0.9));
        let bad = scores(270, 0.5, 0.8);
        let split = |seed: &str| [("data.split_seed".to_owned(), seed.to_owned())];
        let (one, two) = (split("1"), split("2"));
        let check = |settings: [&[(String, String)]; 2], measured_on, note: &str| {
            let run = |settings, scores| {
                let about = About { settings, measured_on, ..text.about() };
                Compared { name: "a", about, report: &report, scores, note: None }
            };
            let (first, second) = ([("validation", &good)], [("validation", &bad)]);
            let html =
                Comparison { runs: &[run(settings[0], &first), run(settings[1], &second)], remark: "" }
                    .html();
            assert_eq!(html.contains("class=\"best\""), note.starts_with("Marked"), "{html}");
            assert!(html.contains(note), "{note}: {html}");
        };
        check([&one, &one], MeasuredOn::ValidationRows, "Marked is the best");
        check([&one, &two], MeasuredOn::ValidationRows, "the same rows (data.split_seed)");
        check([&one, &one], MeasuredOn::TrainingRows, "without validation rows");
    }

    #[test]
    fn a_score_is_told_of_the_runs_that_have_it() {
        let (of_classes, mut of_values) = (Text::new("never"), Text::new("never"));
        let r2 = "r2".parse().unwrap();
        of_values.config.metrics = vec![r2];
        let (a, mut b) = (ended(&[0.5, 0.4], Ended::EpochLimit, 2), ended(&[0.7, 0.2], Ended::EpochLimit, 2));
        b.history.iter_mut().for_each(|record| record.metrics = vec![(r2, 1.0 - record.validation_loss)]);
        let about = [of_classes.about(), of_values.about()];
        let html = Comparison {
            runs: &[
                Compared { name: "a", about: about[0], report: &a, scores: &[], note: None },
                Compared { name: "b", about: about[1], report: &b, scores: &[], note: None },
            ],
            remark: "And <more>.",
        }
        .html();
        for part in [
            "models: a 0.4000 at epoch 2, b 0.2000",
            "models: a 0.8000 at epoch 2.",
            "models: b 0.8000 at epoch 2.",
        ] {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
        assert!(!html.contains("NaN"), "{html}");
    }

    #[test]
    fn odd_runs_can_be_compared() {
        let text = Text::new("never");
        for losses in [&[][..], &[0.5], &[f64::NAN, f64::NAN]] {
            let report = ended(losses, Ended::Interrupted, 9);
            let run = Compared { name: "a", about: text.about(), report: &report, scores: &[], note: None };
            let html = Comparison { runs: &vec![run; 7], remark: "" }.html();
            assert!(html.contains("<h1>7 runs</h1>") && !html.contains("d=\"MNaN"), "{html}");
        }
    }
}
