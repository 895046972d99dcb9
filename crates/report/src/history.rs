//! `history.csv`: every validation of a run, exactly.

use crate::signal::Signal;
use crate::{Error, Screen};
use highwater_trainer::checkpoint::Replacement;
use highwater_trainer::{Config, Event, MeasuredOn, Observer, Plan, Record, Score, Signals};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::str::FromStr;

const BEFORE: [&str; 3] = ["epoch", "step", "training_loss"];
/// The first column of metrics: before it is the loss that is measured, whichever it is.
const OF_METRICS: usize = BEFORE.len() + 1;
const AFTER: [&str; 4] = ["learning_rate", "gradient_norm", "elapsed_s", "improved"];

/// Keeps a CSV file of a run's validations.
///
/// The columns are `epoch`, `step`, `training_loss`, `validation_loss` (`training_rows_loss` if there are no validation
/// rows, see [`MeasuredOn`]), the configured metrics, those of `reductions`, `evidence`, `loss_error` and
/// `accuracy_error` that the configuration asks for ([`Signals`]), `learning_rate` and `gradient_norm` (of the last
/// step), `elapsed_s` and `improved` (`true` or `false`: whether this was the best so far; the last `true` is that of the
/// kept model). Numbers have as many digits as give them back exactly. A line is written when its validation is done. When a
/// run is resumed, the file is replaced by one of the history that the run goes on from, so that in the end it is that of
/// an uninterrupted run, save for the times. If the model of a better record is lost by then, `improved` is `false` there, and
/// later records are compared with those whose models are left.
///
/// A file that cannot be written does not end a run: there is a warning, and the whole file is tried again at the next
/// validation. [`finish`](History::finish) tells whether it is complete. Lines are not forced to the disk one by one: those that
/// a power failure takes are also in the checkpoints.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    screen: Screen,
    metrics: Vec<Score>,
    signals: Vec<Signal>,
    select: Score,
    /// What the file should say, and how much of it the open file says; with none open it is to be written anew.
    text: String,
    written: usize,
    file: Option<File>,
    error: Option<io::Error>,
}

impl History {
    /// Of a run of this configuration. The file is written when the run starts; a warning goes to the screen.
    pub fn new(path: impl Into<PathBuf>, config: &Config, screen: &Screen) -> History {
        History {
            path: path.into(),
            screen: screen.clone(),
            metrics: config.metrics.iter().copied().map(Score::Metric).collect(),
            signals: Signal::ALL.into_iter().filter(|signal| signal.is_asked_for(config)).collect(),
            select: config.select,
            text: String::new(),
            written: 0,
            file: None,
            error: None,
        }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// If it could not be written, or not completely.
    pub fn finish(self) -> Result<(), Error> {
        self.error.map_or(Ok(()), |error| Err(Error::Write { path: self.path, error }))
    }

    fn begin(&mut self, plan: &Plan) {
        let metrics = self.metrics.iter().map(Score::to_string);
        let signals = self.signals.iter().map(|signal| signal.name().to_owned());
        let before = BEFORE.map(String::from).into_iter();
        let loss = MeasuredOn::with(plan.validation_rows).loss_column();
        let columns = before.chain([loss]).chain(metrics).chain(signals).chain(AFTER.map(String::from));
        self.text = columns.collect::<Vec<_>>().join(",") + "\n";
        self.file = None;
        let improved = plan.improved(self.select);
        plan.history.iter().zip(improved).for_each(|(record, improved)| self.add(record, improved));
    }

    fn add(&mut self, record: &Record, improved: bool) {
        let Record { epoch, step, training_loss, validation_loss, learning_rate, .. } = record;
        let Record { gradient_norm, elapsed, .. } = record;
        let row = &mut self.text;
        _ = write!(row, "{epoch},{step},{training_loss:?},{validation_loss:?}");
        for metric in &self.metrics {
            _ = write!(row, ",{:?}", record.score(*metric));
        }
        self.signals.iter().for_each(|signal| row.push_str(&format!(",{}", signal.text(&record.signals))));
        _ = writeln!(row, ",{learning_rate:?},{gradient_norm:?},{elapsed:?},{improved}");
    }

    fn write(&mut self) {
        let written = match &mut self.file {
            Some(file) => file.write_all(&self.text.as_bytes()[self.written..]),
            None => Replacement::with(&self.path, &self.text)
                .and_then(|()| File::options().append(true).open(&self.path))
                .map(|file| self.file = Some(file)),
        };
        self.written = self.text.len();
        if let Err(error) = written {
            self.file = None;
            if self.error.is_none() {
                self.screen.warn(&format!("{} is not complete: {error}", self.path.display()));
            }
            self.error = Some(error);
        } else {
            self.error = None;
        }
    }
}

impl Observer for History {
    fn observe(&mut self, event: &Event<'_>) -> ControlFlow<()> {
        match event {
            Event::Started(plan) => self.begin(plan),
            Event::Validated { record, improved, .. } => self.add(record, *improved),
            // Somebody may have deleted half of the folder meanwhile.
            Event::Ended(_) if self.error.is_some() || !self.path.exists() => self.file = None,
            _ => return ControlFlow::Continue(()),
        }
        self.write();
        ControlFlow::Continue(())
    }
}

/// Whether the file begins as a [`History`] file does; `false` if it cannot be read.
pub fn is_history(path: impl AsRef<Path>) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(256).read_to_end(&mut head));
    let begins = |loss: String| head.starts_with(format!("{},{loss},", BEFORE.join(",")).as_bytes());
    read.is_ok() && MeasuredOn::ALL.map(MeasuredOn::loss_column).into_iter().any(begins)
}

/// The records of a [`History`] file, with the bits they had.
///
/// A last line without a line break is left out: the run was killed while it wrote it.
///
/// # Errors
/// If the file cannot be read, or is not such a file.
pub fn read_history(path: impl AsRef<Path>) -> Result<Vec<Record>, Error> {
    let path = path.as_ref();
    let text = fs::read_to_string(path).map_err(|error| Error::Read { path: path.into(), error })?;
    let mut lines =
        text.split_inclusive('\n').zip(1..).filter_map(|(row, line)| Some((row.strip_suffix('\n')?, line)));
    let malformed = |line, what| Error::Malformed { path: path.into(), line, what };
    let header: Vec<&str> = lines.next().map_or("", |(row, _)| row).split(',').collect();
    let names = header.strip_prefix(&BEFORE).and_then(|rest| rest.strip_suffix(&AFTER));
    let names = names.and_then(|names| names.split_first());
    let Some((_, names)) =
        names.filter(|(loss, _)| MeasuredOn::ALL.map(MeasuredOn::loss_column).iter().any(|own| own == *loss))
    else {
        return Err(malformed(
            1,
            format!("expected the columns {},validation_loss, …, {}", BEFORE.join(","), AFTER.join(",")),
        ));
    };
    let metric = |name: &&str| match Score::from_str(name) {
        Ok(Score::Metric(metric)) => Ok(metric),
        _ => Err(malformed(1, format!("`{name}` is not a metric"))),
    };
    let is_signal = |name: &&str| Signal::named(name).is_some();
    let (names, signals) = names.split_at(names.iter().position(is_signal).unwrap_or(names.len()));
    let signal = |name: &&str| {
        let unexpected = || malformed(1, format!("`{name}` is not expected after `{}`", signals[0]));
        Signal::named(name).ok_or_else(unexpected)
    };
    let signals = signals.iter().map(signal).collect::<Result<Vec<_>, _>>()?;
    let metrics = names.iter().map(metric).collect::<Result<Vec<_>, _>>()?;
    let record = |(row, line): (&str, usize)| {
        let cells: Vec<&str> = row.split(',').collect();
        if cells.len() != header.len() {
            return Err(malformed(line, format!("{} fields instead of {}", cells.len(), header.len())));
        }
        let wrong = |column: usize| malformed(line, format!("{} = `{}`", header[column], cells[column]));
        let count = |column: usize| cells[column].parse::<u64>().map_err(|_| wrong(column));
        let number = |column: usize| cells[column].parse::<f64>().map_err(|_| wrong(column));
        let of_signals = OF_METRICS + metrics.len();
        let after = of_signals + signals.len();
        let values = (OF_METRICS..of_signals).map(number).collect::<Result<Vec<_>, _>>()?;
        let mut found = Signals::default();
        for (column, signal) in (of_signals..after).zip(&signals) {
            if !cells[column].is_empty() {
                signal.set(&mut found, cells[column]).ok_or_else(|| wrong(column))?;
            }
        }
        Ok(Record {
            epoch: count(0)?,
            step: count(1)?,
            training_loss: number(2)?,
            validation_loss: number(3)?,
            metrics: metrics.iter().copied().zip(values).collect(),
            learning_rate: number(after)?,
            gradient_norm: number(after + 1)?,
            elapsed: number(after + 2)?,
            signals: found,
        })
    };
    lines.map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Look;
    use crate::check::{config, ended, plan, records, validated};
    use crate::screen::tests::Paper;
    use highwater_trainer::Ended;

    fn screen() -> (Screen, Paper) {
        let paper = Paper::default();
        (Screen::to(paper.clone(), Look::Quiet), paper)
    }

    fn history(path: &Path) -> History {
        History::new(path, &config("never"), &screen().0)
    }

    /// Of falling losses each is an improvement.
    fn show(history: &mut History, before: &[Record], records: &[Record]) {
        _ = history.observe(&Event::Started(&plan(before)));
        let mut least = before.iter().map(|record| record.validation_loss).fold(f64::INFINITY, f64::min);
        for record in records {
            let improved = record.validation_loss < least;
            least = least.min(record.validation_loss);
            let Event::Validated { record, best, earliest_stop, weights, .. } = validated(record) else {
                unreachable!()
            };
            _ = history.observe(&Event::Validated { record, improved, best, earliest_stop, weights });
        }
    }

    #[test]
    fn a_line_is_written_as_soon_as_its_validation_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.csv");
        show(&mut history(&path), &[], &records(&[0.5, 1e-9, 0.25]));
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "epoch,step,training_loss,validation_loss,accuracy,learning_rate,gradient_norm,elapsed_s,improved\n\
             1,36,0.45,0.5,0.75,0.01,1.5,0.25,true\n\
             2,72,9.000000000000001e-10,1e-9,0.9999999995,0.01,1.5,0.5,true\n\
             3,108,0.225,0.25,0.875,0.01,1.5,0.75,false\n"
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_somebody_deleted_is_there_again_in_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.csv");
        let mut history = history(&path);
        let records = records(&[0.5, 0.25]);
        show(&mut history, &[], &records);
        let written = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        _ = history.observe(&Event::Ended(&ended(&[0.5, 0.25], Ended::EpochLimit, 2)));
        assert_eq!(fs::read_to_string(&path).unwrap(), written);
    }

    #[test]
    fn records_come_back_with_the_bits_they_had() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.csv");
        let values = [
            1.0 / 3.0,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MIN_POSITIVE,
            5e-324,
            -0.0,
            f64::MAX,
        ];
        let written = records(&values);
        show(&mut history(&path), &[], &written);
        let read = read_history(&path).unwrap();
        let bits = |record: &Record| {
            let Record { training_loss, validation_loss, learning_rate, gradient_norm, elapsed, .. } =
                *record;
            let metric = record.metrics[0].1;
            let numbers = [training_loss, validation_loss, metric, learning_rate, gradient_norm, elapsed];
            (record.epoch, record.step, numbers.map(f64::to_bits))
        };
        assert_eq!(read.iter().map(bits).collect::<Vec<_>>(), written.iter().map(bits).collect::<Vec<_>>());
    }

    #[test]
    fn what_rules_go_by_is_there_if_they_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.csv");
        let mut config = config("evidence or patience(3, min_delta=1se)");
        config.plateau = Some(Default::default());
        let mut all = records(&[0.5, 0.25]);
        all[1].signals = Signals {
            reductions: Some(2),
            evidence: Some(-1.0 / 3.0),
            loss_error: Some(1e-9),
            accuracy_error: Some(f64::NAN),
        };
        show(&mut History::new(&path, &config, &screen().0), &[], &all);
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "epoch,step,training_loss,validation_loss,accuracy,reductions,evidence,loss_error,accuracy_error,\
             learning_rate,gradient_norm,elapsed_s,improved\n\
             1,36,0.45,0.5,0.75,,,,,0.01,1.5,0.25,true\n\
             2,72,0.225,0.25,0.875,2,-0.3333333333333333,1e-9,NaN,0.01,1.5,0.5,true\n"
        );
        assert_eq!(format!("{:?}", read_history(&path).unwrap()), format!("{all:?}"));
    }

    #[test]
    fn without_validation_rows_no_column_is_called_validation() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.csv");
        let mut history = history(&path);
        _ = history.observe(&Event::Started(&Plan { validation_rows: 0, ..plan(&[]) }));
        let all = records(&[0.5, 0.25]);
        all.iter().for_each(|record| _ = history.observe(&validated(record)));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("epoch,step,training_loss,training_rows_loss,accuracy,"), "{text}");
        assert!(is_history(&path) && read_history(&path).unwrap() == all);
    }

    #[test]
    fn a_resumed_run_leaves_the_file_of_an_uninterrupted_one() {
        let dir = tempfile::tempdir().unwrap();
        let (whole, parts) = (dir.path().join("whole.csv"), dir.path().join("parts.csv"));
        let all = records(&[0.9, 0.5, 0.6, 0.4, 0.45]);
        show(&mut history(&whole), &[], &all);
        show(&mut history(&parts), &[], &all[..4]);
        let mut killed = File::options().append(true).open(&parts).unwrap();
        killed.write_all(b"5,180,0.4").unwrap();
        assert_eq!(read_history(&parts).unwrap(), all[..4]);

        show(&mut history(&parts), &all[..2], &all[2..]);
        assert_eq!(fs::read(&parts).unwrap(), fs::read(&whole).unwrap());
    }

    #[test]
    fn a_file_that_cannot_be_written_is_warned_of_once_and_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("later").join("history.csv");
        let (screen, paper) = screen();
        let all = records(&[0.9, 0.5, 0.6]);
        let mut history = History::new(&path, &config("never"), &screen);
        show(&mut history, &[], &all[..1]);
        assert_eq!(paper.text().matches("is not complete").count(), 1, "{}", paper.text());

        fs::create_dir(dir.path().join("later")).unwrap();
        assert!(history.observe(&validated(&all[1])).is_continue());
        assert_eq!(read_history(&path).unwrap(), all[..2]);
        history.finish().unwrap();

        let mut history = History::new(dir.path(), &config("never"), &screen);
        show(&mut history, &[], &all);
        let Error::Write { path, .. } = history.finish().unwrap_err() else { panic!("another error") };
        assert_eq!(path, dir.path());
        assert!(!dir.path().with_file_name("part").exists());
    }

    #[test]
    fn what_is_not_a_history_is_refused_by_line_and_column() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h.csv");
        let header = "epoch,step,training_loss,validation_loss,accuracy,learning_rate,gradient_norm,elapsed_s,improved\n";
        for (text, message) in [
            ("".to_owned(), "h.csv, line 1: expected the columns epoch,step,"),
            ("epoch,loss\n".to_owned(), "h.csv, line 1: expected the columns epoch,step,"),
            (header.replace("accuracy", "luck"), "h.csv, line 1: `luck` is not a metric"),
            (
                header.replace("accuracy", "evidence,accuracy"),
                "h.csv, line 1: `accuracy` is not expected after `evidence`",
            ),
            (
                format!("{}1,2,0.5,0.5,1.5,0.1,1,1,true\n", header.replace("accuracy", "reductions")),
                "h.csv, line 2: reductions = `1.5`",
            ),
            (format!("{header}1,2,3\n"), "h.csv, line 2: 3 fields instead of 9"),
            (
                format!("{header}1,2,0.5,0.5,0.5,0.1,1,1,true\n2,2,x,1,1,1,1,1,true\n"),
                "h.csv, line 3: training_loss = `x`",
            ),
            (format!("{header}-1,2,0.5,0.5,0.5,0.1,1,1,true\n"), "h.csv, line 2: epoch = `-1`"),
        ] {
            fs::write(&path, text).unwrap();
            let error = read_history(&path).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        let missing = read_history(dir.path().join("missing.csv")).unwrap_err().to_string();
        assert!(missing.contains("missing.csv"), "{missing}");
    }
}
