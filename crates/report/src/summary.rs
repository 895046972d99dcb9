//! The end of a run, on one screen.

use crate::ending::{Savings, ended_too_early, ending, kept};
use crate::figures::{Count, Rounded, Time, counted, score_text};
use highwater_trainer::{Ended, MeasuredOn, Report, Saves, Score, Scores};
use std::fmt;

/// What is told at the end of a run. Its text is a few lines without colours, the last with its line break.
#[derive(Debug, Clone, Copy)]
pub struct Summary<'a> {
    /// How the run ended.
    pub report: &'a Report,
    /// What chose the kept model.
    pub select: Score,
    /// Which rows the score that chose was measured on.
    pub measured_on: MeasuredOn,
    /// The step from which a resumed run went on. If it is the last one, the text says that nothing was left to train.
    pub resumed_at: Option<u64>,
    /// Scores of the kept model on parts of the data, by the names of the parts.
    pub scores: &'a [(&'a str, &'a Scores)],
    /// A remark on these scores, in one line.
    pub note: Option<&'a str>,
    /// The folder of the run.
    pub folder: &'a str,
    /// Files in it, each with what it is.
    pub files: &'a [(&'a str, &'a str)],
    /// Commands to try next, each with what it does.
    pub next: &'a [(&'a str, &'a str)],
}

impl<'a> Summary<'a> {
    /// Of a run that was measured on validation rows, with what its report alone tells.
    pub fn new(report: &'a Report, select: Score) -> Summary<'a> {
        Summary {
            report,
            select,
            measured_on: MeasuredOn::ValidationRows,
            resumed_at: None,
            scores: &[],
            note: None,
            folder: "",
            files: &[],
            next: &[],
        }
    }
}

/// Seconds that training waits for the disk before anybody would notice.
const NOTICED: f64 = 0.5;
/// And the share of the training time.
const WORTH_TELLING: f64 = 0.02;

/// An ordinary terminal: rows above that of the prompt, and columns.
const SCREEN: (usize, usize) = (23, 80);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text)?;
        let (rows, columns) = SCREEN;
        let needed: usize = text.lines().map(|line| line.chars().count().div_ceil(columns).max(1)).sum();
        f.write_str(&if needed > rows { text.replace("\n\n", "\n") } else { text })
    }
}

impl Summary<'_> {
    fn write(&self, f: &mut impl fmt::Write) -> fmt::Result {
        let report = self.report;
        // A long reason has a line of its own.
        let ending = ending(report);
        let ending = if ending.chars().count() < SCREEN.1 { ending } else { ending.replacen(": ", ":\n", 1) };
        writeln!(f, "{ending}.\n")?;
        writeln!(f, "  kept   {}", kept(report, self.select, self.measured_on))?;
        if let Some(Savings { epochs, percent, seconds }) = Savings::of(report) {
            let (rest, limit) = (Count(epochs), counted(report.epoch_limit, "epoch"));
            writeln!(f, "  saved  {rest} of {limit} ({percent:.0}%), about {}", Time(seconds))?;
        }
        writeln!(f, "  took   {} for {}", Time(report.elapsed), counted(report.epochs, "epoch"))?;
        let Saves { written, took, stalled, training, .. } = report.saves;
        if written > 0 {
            let (checkpoints, each) = (counted(written, "checkpoint"), took / written as f64 * 1e3);
            write!(f, "  disk   {checkpoints}, {each:.1} ms each")?;
            let share = stalled / training.max(stalled);
            match stalled >= NOTICED && share >= WORTH_TELLING {
                true => writeln!(f, "; training waited {} for it ({:.0}%)", Time(stalled), 100.0 * share)?,
                false => writeln!(f, ", while training went on")?,
            }
        }
        if self.resumed_at == Some(report.steps) && report.ended != Ended::Interrupted {
            let further = if report.ended == Ended::EpochLimit { "more epochs" } else { "another rule" };
            writeln!(f, "  note   nothing was left to train: to go on, give it {further}")?;
        } else if ended_too_early(report, self.measured_on) {
            writeln!(f, "  note   the last validation was the best: more epochs may give a better model")?;
        }
        if !self.scores.is_empty() {
            writeln!(f)?;
            f.write_str(&text_table(&score_rows(self.scores)))?;
            if let Some(note) = self.note {
                writeln!(f, "  note   {note}")?;
            }
        }
        if !self.files.is_empty() {
            writeln!(f, "Files in {}", self.folder)?;
        }
        pairs(f, "  ", "  ", self.files)?;
        pairs(f, "Next  ", "      ", self.next)
    }
}

/// Lines of two parts, of which the second stand below each other, each behind a text of its own.
fn pairs(f: &mut impl fmt::Write, first: &str, other: &str, lines: &[(&str, &str)]) -> fmt::Result {
    let width = lines.iter().map(|(left, _)| left.chars().count()).max().unwrap_or(0);
    for (place, (left, right)) in lines.iter().enumerate() {
        let before = if place == 0 { first } else { other };
        writeln!(f, "{}", format!("{before}{left}{}  {right}", padding(left, width)).trim_end())?;
    }
    Ok(())
}

/// A table of scores: a heading with the parts, then a row for each score and the number of rows.
pub(crate) fn score_rows(scores: &[(&str, &Scores)]) -> Vec<Vec<String>> {
    let row = |name: String, value: &dyn Fn(&Scores) -> String| {
        std::iter::once(name).chain(scores.iter().map(|(_, scores)| value(scores))).collect()
    };
    let heading = std::iter::once(String::new()).chain(scores.iter().map(|(part, _)| (*part).to_owned()));
    let mut rows: Vec<Vec<String>> = vec![heading.collect()];
    rows.push(row("loss".to_owned(), &|scores| Rounded(scores.loss).to_string()));
    let metrics = scores.first().map_or(&[][..], |(_, scores)| &scores.metrics);
    for (metric, _) in metrics {
        rows.push(row(metric.to_string(), &|scores| {
            let found = scores.score(Score::Metric(*metric));
            found.map_or("–".to_owned(), |value| score_text(value, scores.loss))
        }));
    }
    rows.push(row("rows".to_owned(), &|scores| Count(scores.rows as u64).to_string()));
    rows
}

/// Rows of cells as columns of text: the first is aligned on the left, the others on the right. A row may have fewer
/// cells than others.
pub fn text_table(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| Some(row.get(column)?.chars().count())).max();
    let widths: Vec<usize> = (0..count).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let padding = padding(cell, *width);
            line += &if column == 0 { format!("  {cell}{padding}") } else { format!("  {padding}{cell}") };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// What a text lacks to be so wide. The width of a format may be 65,535 at the most.
fn padding(text: &str, width: usize) -> String {
    " ".repeat(width.saturating_sub(text.chars().count()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{ended, scores, wiggle};

    #[test]
    fn columns_of_text_are_straight() {
        let rows = [["a", "1"].as_slice(), &["größe", "22"], &["none"], &["", ""]];
        let rows = rows.map(|row| row.iter().map(|cell| (*cell).to_owned()).collect());
        assert_eq!(text_table(&rows), "  a       1\n  größe  22\n  none\n\n");
        assert_eq!(text_table(&[]), "");
        let long = "x".repeat(70_000);
        let rows = [vec![long.clone(), "1".into()], vec!["y".into(), long.clone()]];
        assert_eq!(text_table(&rows).lines().map(str::len).collect::<Vec<_>>(), [140_004; 2]);
    }

    #[test]
    fn what_saving_took_is_told_if_anything_was_saved() {
        let mut report = wiggle("patience(3)");
        assert!(!summary(&report).contains("disk"));
        report.saves = Saves {
            written: 4,
            took: 0.01,
            longest: 0.004,
            stalled: 0.003,
            training: 1.5,
            ..Saves::default()
        };
        let text = summary(&report);
        let line = "  disk   4 checkpoints, 2.5 ms each";
        let meanwhile = ", while training went on";
        assert!(text.contains(&format!("{line}{meanwhile}\n")), "{text}");
        // A wait is told if it is long, and if it is a part of the time that counts.
        for (stalled, training, waited) in [
            (0.4, 1.5, meanwhile),
            (0.6, 60.0, meanwhile),
            (3.0, 60.0, "; training waited 3.0 s for it (5%)"),
        ] {
            (report.saves.stalled, report.saves.training) = (stalled, training);
            let text = summary(&report);
            assert!(text.contains(&format!("{line}{waited}\n")), "{text}");
        }
    }

    fn bare(report: &Report, resumed_at: Option<u64>) -> String {
        let measured_on = MeasuredOn::TrainingRows;
        Summary { measured_on, resumed_at, ..Summary::new(report, Score::Loss) }.to_string()
    }

    #[test]
    fn that_nothing_was_left_to_train_is_told() {
        let nothing = "  note   nothing was left to train: to go on, give it ";
        for (report, resumed_at, note) in [
            (ended(&[0.9, 0.5], Ended::EpochLimit, 2), Some(72), Some("more epochs\n")),
            (wiggle("patience(3)"), Some(216), Some("another rule\n")),
            (wiggle("patience(3)"), Some(180), None),
            (ended(&[0.9, 0.5], Ended::Interrupted, 9), Some(72), None),
        ] {
            let text = bare(&report, resumed_at);
            assert_eq!(text.split_once(nothing).map(|(_, rest)| rest), note, "{text}");
            assert!(!text.contains("the last validation was the best"), "{text}");
        }
    }

    #[test]
    fn without_validation_rows_the_kept_model_is_not_called_the_best_by_validation() {
        let text = bare(&wiggle("patience(3)"), None);
        assert!(text.contains("the best by loss on the training rows (0.4000)"), "{text}");
    }

    fn summary(report: &Report) -> String {
        let (validation, test) = (scores(287, 0.0812, 0.979_123), scores(1_360, 0.079, 1.0));
        Summary {
            scores: &[("validation", &validation), ("test", &test)],
            folder: "runs/7",
            files: &[("best.safetensors", "the kept model"), ("report.html", "curves and tables")],
            next: &[("highwater predict runs/7 --data new.csv", "")],
            ..Summary::new(report, Score::Loss)
        }
        .to_string()
    }

    #[test]
    fn a_stopped_run_says_why_what_is_kept_and_what_was_saved() {
        let text = "\
Stopped at epoch 6 of at most 200:
no improvement in 3 epochs: best 0.4 at epoch 3.

  kept   the model of epoch 3, the best by validation loss (0.4000)
  saved  194 of 200 epochs (97%), about 49 s
  took   1.5 s for 6 epochs

            validation     test
  loss         0.08120  0.07900
  accuracy      0.9791   1.0000
  rows             287    1,360
Files in runs/7
  best.safetensors  the kept model
  report.html       curves and tables
Next  highwater predict runs/7 --data new.csv
";
        assert_eq!(summary(&wiggle("patience(3)")), text);
    }

    #[test]
    fn the_end_of_a_run_and_the_prompt_below_it_fit_a_screen_of_24_lines() {
        let mut report = wiggle("patience(3)");
        report.saves.written = 4;
        let mut found = scores(287, 0.0812, 0.979_123);
        found.metrics = ["accuracy", "f1_macro", "roc_auc"].map(|name| (name.parse().unwrap(), 0.9)).to_vec();
        let text = |report: &Report, note| {
            let summary = Summary {
                scores: &[("validation", &found), ("test", &found)],
                note,
                folder: "runs/iris-12",
                files: &[("best.safetensors", "the kept model; any safetensors reader opens it"); 5],
                next: &[("cargo xtask predict runs/iris-12 --data NEW.csv", "score it again"); 2],
                ..Summary::new(report, Score::Loss)
            };
            summary.to_string()
        };
        let rows = |text: &str| text.lines().map(|line| line.len().div_ceil(80).max(1)).sum::<usize>();
        let short = "no better than always guessing \"versicolor\": accuracy 0.3333 on the test rows";
        let long = "no better than always guessing \"Iris-versicolor\": accuracy 0.3333 on the validation rows; but its \
                    probabilities tell more than the shares of the classes: loss 0.1234, not 1.0986";
        for stalled in [0.0, 3.0] {
            (report.saves.stalled, report.saves.training) = (stalled, 60.0);
            for note in [None, Some("short"), Some(short), Some(long)] {
                let text = text(&report, note);
                assert!(rows(&text) <= 23, "{text}");
                assert_eq!(text.contains("\n\n"), note.is_none_or(|note| note.len() < 71), "{text}");
            }
        }
    }

    #[test]
    fn other_ends_are_told_as_they_were() {
        for (report, start) in [
            (
                ended(&[0.9, 0.5], Ended::EpochLimit, 2),
                "Ended at the limit of 2 epochs.\n\n  kept   the model of epoch 2, the best by validation loss (0.5000)\n  \
                 took   500 ms for 2 epochs\n  note   the last validation was the best: more epochs may give a better \
                 model\n\n",
            ),
            (
                ended(&[0.5, 0.9], Ended::EpochLimit, 2),
                "Ended at the limit of 2 epochs.\n\n  kept   the model of epoch 1, the best by validation loss (0.5000)\n  \
                 took   500 ms for 2 epochs\n\n",
            ),
            (
                ended(&[0.9, 0.5], Ended::Interrupted, 9),
                "Interrupted at epoch 2 of at most 9.\n\n  kept   the model of epoch 2, the best by validation loss \
                 (0.5000)\n  took   500 ms for 2 epochs\n\n",
            ),
            (
                wiggle("target(0.5)"),
                "Stopped at epoch 2 of at most 200: the target of 0.5 is reached: 0.5 at epoch 2.\n\n",
            ),
            (
                ended(&[f64::NAN], Ended::EpochLimit, 1),
                "Ended at the limit of 1 epoch.\n\n  kept   the last model, since no validation gave a finite loss\n",
            ),
        ] {
            let text = summary(&report);
            assert!(text.starts_with(start), "{text}");
        }
    }

    #[test]
    fn without_scores_files_and_commands_their_parts_are_left_out() {
        let report = ended(&[0.5], Ended::EpochLimit, 1);
        // On training rows the last validation is nearly always the best, which says nothing.
        assert_eq!(bare(&report, None).lines().count(), 4);
    }
}
