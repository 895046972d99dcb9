//! Recorded runs as stopping rules see them, from tables that any program may have written.

mod columns;
mod json;

use crate::Error;
use columns::{Found, Picked};
use highwater_data::{Column, Dialect, Table};
use highwater_early_stopping::{Goal, Observation};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A recorded run, ready to be shown to rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// The file it is from.
    pub path: PathBuf,
    /// What is watched: the name of a column.
    pub watched: String,
    /// Whether small or large values of it are good.
    pub goal: Goal,
    /// What was recorded, in its order; at least one observation.
    pub observations: Vec<Observation>,
    /// How the file was understood, where it can be understood in several ways.
    pub notes: Vec<String>,
}

/// Which columns of a table mean what, and the goal; what is `None` is told from the names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Columns {
    /// Epochs complete.
    pub epoch: Option<String>,
    /// The training loss.
    pub training: Option<String>,
    /// The value that is watched.
    pub validation: Option<String>,
    /// Steps complete.
    pub step: Option<String>,
    /// Seconds of training so far, or since 1970: then the first counts as the beginning.
    pub elapsed: Option<String>,
    /// Whether small or large values are good.
    pub goal: Option<Goal>,
}

/// Reads a recorded run from a file, plain or gzip: a table (CSV, TSV or the like) with a header, or JSON: a line or an array with an
/// object for each row, Hugging Face's `trainer_state.json`, or an object with an array for each column, as Keras has it in
/// `History.history`. An entry of JSON counts as a line, and `{"val": {"loss": 1}}` is in the column `val/loss`.
///
/// Columns are told by their usual names, in any case and with any separators: `epoch`; `val_loss`, `validation/loss`,
/// `eval_accuracy` and such for the watched value, a loss before everything else; `train_loss` or, as Keras has it,
/// `loss`; `step`; `elapsed_s` or, as TensorBoard has it, `Wall time`. Without an epoch each row counts as one. Whether small
/// or large values are good is told from the name of the metric. `standard_error`, `reductions` and `evidence` are what an
/// [`Observation`] calls so.
///
/// A row without a watched value is no observation, and its training loss counts for the next one (PyTorch Lightning
/// writes the two in rows of their own). A file whose epochs are whole numbers that begin with 0 numbers them from 0, as
/// Keras and Lightning do: they are raised by 1, since an [`Observation`] counts epochs that are complete. Of an epoch with
/// a fraction, only the whole part counts.
///
/// # Errors
/// If the file is no such table, a column is not there or cannot be told, the goal cannot be told, a cell is no number, or
/// epochs go back.
pub fn read_curve(path: impl AsRef<Path>, columns: &Columns) -> Result<Curve, Error> {
    let path = path.as_ref();
    let table = match json::table(path) {
        Some(table) => table?,
        None => Table::read_text(path, &Dialect { header: Some(true), ..Dialect::default() })?,
    };
    let Picked { found, watched, goal } = columns::pick(path, &table, columns)?;
    let (mut rows, mut notes) = (Vec::with_capacity(table.rows()), Vec::new());
    for row in 0..table.rows() {
        rows.push(Row::read(path, &table, row, &found)?);
    }
    match found.epoch {
        None => notes.push("no column of epochs: each row counts as one".to_owned()),
        Some(column) if rows[0].at == 0 && rows.iter().all(|row| row.whole) => {
            rows.iter_mut().for_each(|row| row.at += 1);
            notes.push(format!("`{}` begins with 0: its epochs are raised by 1", column.name()));
        }
        Some(_) => {}
    }
    if let (Some(column), Some(clock)) = (found.elapsed, rows.iter().find_map(|row| row.rest.elapsed))
        && clock >= BY_THE_CLOCK
    {
        for elapsed in rows.iter_mut().filter_map(|row| row.rest.elapsed.as_mut()) {
            *elapsed = elapsed.saturating_sub(clock);
        }
        let name = column.name();
        notes.push(format!("`{name}` counts from 1970: its times are taken from the first one on"));
    }
    let observations = observations(path, &table, &rows, found.epoch)?;
    if observations.is_empty() {
        return Err(Error::NoValues { path: path.into(), column: watched });
    }
    Ok(Curve { path: path.into(), watched, goal, observations, notes })
}

/// Three years: no time of training, but one of day in seconds since 1970.
const BY_THE_CLOCK: Duration = Duration::from_secs(100_000_000);
const COUNT: &str = "a number of at least 0";
/// Up to here, each whole number is one of its own.
const MOST: f64 = 9e15;

/// What one row of a table says.
struct Row {
    at: u64,
    /// Whether the epoch has no fraction.
    whole: bool,
    value: Option<f64>,
    train: Option<f64>,
    rest: Observation,
}

impl Row {
    fn read(path: &Path, table: &Table, row: usize, found: &Found<'_>) -> Result<Row, Error> {
        let wrong = |column: &Column, needed: &'static str| {
            let (line, text) = (table.line(row), column.get(row).to_owned());
            Error::Cell { path: path.into(), line, column: column.name().to_owned(), text, needed }
        };
        let cell = |column: Option<&Column>| match column.map(|column| (column, number(column.get(row)))) {
            None => Ok(None),
            Some((column, None)) => Err(wrong(column, "a number")),
            Some((_, Some(number))) => Ok(number),
        };
        let count = |column: Option<&Column>| match (cell(column)?, column) {
            (Some(number), Some(column)) if !(0.0..MOST).contains(&number) => Err(wrong(column, COUNT)),
            (number, _) => Ok(number),
        };
        let epoch = match found.epoch {
            None => (row + 1) as f64,
            // An empty cell is no place.
            Some(column) => count(Some(column))?.ok_or_else(|| wrong(column, COUNT))?,
        };
        let elapsed = cell(found.elapsed)?.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Ok(Row {
            at: epoch as u64,
            whole: epoch.fract() == 0.0,
            value: cell(found.value)?,
            train: cell(found.training)?,
            rest: Observation {
                step: count(found.step)?.map(|steps| steps as u64),
                elapsed,
                standard_error: cell(found.standard_error)?,
                reductions: count(found.reductions)?.map(|times| times as u64),
                evidence: cell(found.evidence)?,
                ..Observation::default()
            },
        })
    }
}

/// The number in a cell, or none in one that is empty; `None` if it is something else.
fn number(text: &str) -> Option<Option<f64>> {
    if ["", "none", "null", "na", "n/a", "-"].iter().any(|sign| text.eq_ignore_ascii_case(sign)) {
        return Some(None);
    }
    text.parse().ok().map(Some)
}

fn observations(
    path: &Path,
    table: &Table,
    rows: &[Row],
    epoch: Option<&Column>,
) -> Result<Vec<Observation>, Error> {
    let mut observations: Vec<Observation> = Vec::new();
    // Where the rows after the last observation begin.
    let mut after = 0;
    for (place, row) in rows.iter().enumerate() {
        if let Some(before) = place.checked_sub(1).map(|before| &rows[before])
            && row.at < before.at
        {
            return Err(Error::Malformed {
                path: path.into(),
                line: table.line(place) as usize,
                what: format!(
                    "{} goes back from {} to {}: give each run a file of its own",
                    epoch.map_or("epoch", Column::name),
                    before.at,
                    row.at
                ),
            });
        }
        let Some(value) = row.value else { continue };
        let train = row.train.or_else(|| mean_until(&rows[after..], row.at));
        after += rows[after..].iter().take_while(|later| later.at <= row.at).count();
        observations.push(Observation { at: row.at, value, train, ..row.rest });
    }
    Ok(observations)
}

/// The mean of the training losses in the first of these rows, up to the epoch `at`.
fn mean_until(rows: &[Row], at: u64) -> Option<f64> {
    let losses = rows.iter().take_while(|row| row.at <= at).filter_map(|row| row.train);
    let (sum, count) = losses.fold((0.0, 0), |(sum, count), loss| (sum + loss, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::fs::File;
    use std::io::Write;

    fn read(text: &str, columns: &Columns) -> Result<Curve, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h.csv");
        std::fs::write(&path, text).unwrap();
        read_curve(&path, columns)
            .map_err(|error| error.to_string().replace(&format!("{}/", dir.path().display()), ""))
    }

    fn seen(curve: &Curve) -> Vec<(u64, f64, Option<f64>)> {
        curve.observations.iter().map(|o| (o.at, o.value, o.train)).collect()
    }

    #[test]
    fn the_files_of_keras_lightning_and_others_are_understood() {
        for (text, watched, goal, expected) in [
            (
                "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,1.0,0.5,0.75\n1,0.6,0.5,0.75,0.5\n",
                "val_loss",
                Goal::Minimize,
                vec![(1, 0.75, Some(1.0)), (2, 0.5, Some(0.5))],
            ),
            (
                "epoch,step,train_loss,val_loss\n0,9,,0.75\n0,9,1.0,\n1,19,,0.5\n1,19,0.25,\n",
                "val_loss",
                Goal::Minimize,
                vec![(1, 0.75, Some(1.0)), (2, 0.5, Some(0.25))],
            ),
            (
                "Round\ttrain/auc\tEval AUC\n1\t0.5\t0.25\n2\t0.75\tnan\n",
                "Eval AUC",
                Goal::Maximize,
                vec![(1, 0.25, Some(0.5)), (2, f64::NAN, Some(0.75))],
            ),
            ("valid_rmse\n3\n2\n", "valid_rmse", Goal::Minimize, vec![(1, 3.0, None), (2, 2.0, None)]),
            (
                "epoch,loss,eval_loss\n0.5,1,\n0.9,3,\n1.0,,0.5\n",
                "eval_loss",
                Goal::Minimize,
                vec![(1, 0.5, Some(2.0))],
            ),
        ] {
            let curve = read(text, &Columns::default()).unwrap();
            assert_eq!((&curve.watched[..], curve.goal), (watched, goal), "{text}");
            assert_eq!(format!("{:?}", seen(&curve)), format!("{expected:?}"), "{text}");
        }
    }

    #[test]
    fn logs_in_json_are_understood() {
        let minimized = vec![(1, 0.75, Some(1.0)), (2, f64::NAN, Some(0.5))];
        for (text, watched, expected) in [
            // Hugging Face
            (
                "{\"best_metric\": 0.75, \"log_history\": [\n\
                 {\"epoch\": 0.5, \"loss\": 1.5, \"step\": 9}, {\"epoch\": 1.0, \"loss\": 0.5, \"step\": 18},\n\
                 {\"epoch\": 1.0, \"eval_loss\": 0.75, \"eval_runtime\": 1.2, \"step\": 18},\n\
                 {\"epoch\": 2.0, \"loss\": 0.5, \"step\": 36}, {\"epoch\": 2.0, \"eval_loss\": NaN, \"step\": 36},\n\
                 {\"epoch\": 2.0, \"step\": 36, \"train_loss\": 0.8, \"train_runtime\": 7.5}], \"max_steps\": 36}",
                "eval_loss",
                minimized.clone(),
            ),
            // Keras
            ("{\"loss\": [1.0, 0.5], \"val_loss\": [0.75, NaN]}", "val_loss", minimized.clone()),
            // XGBoost
            (
                "{\"train\": {\"rmse\": [1.0, 0.5]}, \"validation\": {\"rmse\": [0.75, \"NaN\"]}}",
                "validation/rmse",
                minimized.clone(),
            ),
            // A line for each epoch
            (
                "{\"epoch\": 1, \"note\": \"NaN, so far\", \"loss\": 1.0, \"val\": {\"loss\": 0.75}, \"lr\": [1, 2, 3, 4]}\n\
                 {\"epoch\": 2, \"loss\": 0.5, \"val\": {\"loss\": NaN}, \"lr\": []}\n",
                "val/loss",
                minimized,
            ),
            (
                r#"[{"note": "not \"NaN\" yet", "val_loss": 3}, {"note": "a \\", "val_loss": NaN}]"#,
                "val_loss",
                vec![(1, 3.0, None), (2, f64::NAN, None)],
            ),
            (
                "[{\"val_loss\": 3}, {\"val_loss\": null}, {\"val_loss\": -Infinity}]",
                "val_loss",
                vec![(1, 3.0, None), (3, f64::NEG_INFINITY, None)],
            ),
        ] {
            let curve = read(text, &Columns::default()).unwrap();
            assert_eq!(curve.watched, watched, "{text}");
            assert_eq!(format!("{:?}", seen(&curve)), format!("{expected:?}"), "{text}");
        }
        for (text, message) in [
            (
                "{\"val_loss\": 1}\n{\"val_l",
                "h.csv, line 2: this is not JSON: EOF while parsing a string at line 2 column 7",
            ),
            ("{\"a\": \"b\"}", "h.csv, line 1: there is no number in this JSON"),
            (
                "{\"epoch\": 3, \"val_loss\": 1}\n{\"epoch\": 2, \"val_loss\": 1}",
                "h.csv, line 2: epoch goes back from 3 to 2: give each run a file of its own",
            ),
            (
                "{\"epoch\": 1, \"loss\": 2}",
                "h.csv: no column looks like a validation value; name one of `epoch`, `loss`",
            ),
        ] {
            assert_eq!(read(text, &Columns::default()).unwrap_err(), message);
        }
    }

    #[test]
    fn json_may_be_compressed_and_begin_with_a_byte_order_mark() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h.jsonl.gz");
        let mut encoder = GzEncoder::new(File::create(&path).unwrap(), Compression::fast());
        encoder.write_all(b"{\"val_loss\": 3}\n{\"val_loss\": 2}\n").unwrap();
        encoder.finish().unwrap();
        let expected = [(1, 3.0, None), (2, 2.0, None)];
        assert_eq!(seen(&read_curve(&path, &Columns::default()).unwrap()), expected);
        let text = "\u{feff}[\r\n{\"val_loss\": 3},\r\n{\"val_loss\": 2}]";
        assert_eq!(seen(&read(text, &Columns::default()).unwrap()), expected);
    }

    #[test]
    fn what_is_named_is_taken() {
        let text = "t,a,b,seconds\n1,9,0.5,2\n3,8,0.75,4\n";
        let columns = Columns {
            epoch: Some("t".into()),
            training: Some("a".into()),
            validation: Some("b".into()),
            step: None,
            elapsed: Some("seconds".into()),
            goal: Some(Goal::Maximize),
        };
        let curve = read(text, &columns).unwrap();
        assert_eq!(seen(&curve), [(1, 0.5, Some(9.0)), (3, 0.75, Some(8.0))]);
        assert_eq!(curve.observations[1].elapsed, Some(Duration::from_secs(4)));
        assert_eq!((curve.goal, &curve.notes[..]), (Goal::Maximize, &[][..]));
    }

    #[test]
    fn times_of_day_are_times_since_the_first() {
        let seconds = |curve: &Curve| {
            curve.observations.iter().map(|o| o.elapsed.map(|time| time.as_secs_f64())).collect::<Vec<_>>()
        };
        let text = "Wall time,Step,Value\n1700000000.5,10,3\n1700000004.0,20,2\n";
        let columns =
            Columns { validation: Some("Value".into()), goal: Some(Goal::Minimize), ..Columns::default() };
        let curve = read(text, &columns).unwrap();
        assert_eq!(seconds(&curve), [Some(0.0), Some(3.5)]);
        assert_eq!(curve.notes, ["`Wall time` counts from 1970: its times are taken from the first one on"]);
        for (text, expected) in [
            ("val_loss,_timestamp\n3,1.7e9\n2,\n1,1700000060\n", [Some(0.0), None, Some(60.0)]),
            ("val_loss,timestamp\n3,2\n2,4\n1,6\n", [Some(2.0), Some(4.0), Some(6.0)]),
            ("val_loss,timestamp\n3,12:00\n2,12:01\n1,12:02\n", [None; 3]),
        ] {
            assert_eq!(seconds(&read(text, &Columns::default()).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn what_rules_go_by_is_read_too() {
        let text =
            "epoch,val_loss,train_loss,standard_error,reductions,evidence\n1,1,1,0.5,0,\n2,1,1,,2,-3\n";
        let curve = read(text, &Columns::default()).unwrap();
        let signals = curve.observations.iter().map(|o| (o.standard_error, o.reductions, o.evidence));
        assert_eq!(signals.collect::<Vec<_>>(), [(Some(0.5), Some(0), None), (None, Some(2), Some(-3.0))]);
    }

    #[test]
    fn what_is_wrong_is_told_by_file_line_and_column() {
        for (text, message) in [
            ("epoch,val_loss\n1,0.5\n2,oops\n", "h.csv, line 3, column `val_loss`: \"oops\" is not a number"),
            (
                "epoch,val_loss\n1,0.5\n,0.5\n",
                "h.csv, line 3, column `epoch`: \"\" is not a number of at least 0",
            ),
            (
                "epoch,val_loss\n-1,0.5\n",
                "h.csv, line 2, column `epoch`: \"-1\" is not a number of at least 0",
            ),
            (
                "epoch,val_loss\n3,0.5\n1,0.5\n",
                "h.csv, line 3: epoch goes back from 3 to 1: give each run a file of its own",
            ),
            ("epoch,val_loss\n1,\n2,\n", "h.csv: there is no number in the column `val_loss`"),
            (
                "epoch,loss\n1,2\n",
                "h.csv: no column looks like a validation value; name one of `epoch`, `loss`",
            ),
            (
                "epoch,val_f1,val_auc\n1,2,3\n",
                "h.csv: `val_f1` and `val_auc` both look like a validation value; name one",
            ),
            (
                "epoch,val_wombats\n1,2\n",
                "h.csv: it is not known whether small or large values of `val_wombats` are good; say which",
            ),
            ("", "h.csv is empty: its first line should name the columns"),
            (
                "epoch,val_loss\n1,2,3,4\n",
                "h.csv, line 2: 4 fields where the first row has 2; quote fields that hold the delimiter, and skip lines \
                 that are no part of the table",
            ),
        ] {
            assert_eq!(read(text, &Columns::default()).unwrap_err(), message);
        }
        let absent = Columns { training: Some("lss".into()), ..Columns::default() };
        assert_eq!(
            read("epoch,loss,val_loss\n1,2,3\n", &absent).unwrap_err(),
            "h.csv has no column \"lss\"; did you mean \"loss\"? It has \"epoch\", \"loss\", \"val_loss\""
        );
    }
}
