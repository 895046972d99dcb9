//! How a run stands, in words.

use crate::figures::{Count, Rounded, Time, counted, score_text};
use crate::gauge::{Ink, bar, spark};
use highwater_trainer::{MeasuredOn, Plan, Record, Score};

/// A line has room for so many metrics, the one that selects not counted.
const METRICS: usize = 2;
/// Characters of a bar, and of the curve: with what stands beside them they fit into 80 columns. In fewer, they are shorter.
const BAR: usize = 24;
const CURVE: usize = 48;
/// A shorter bar tells nothing.
const LEAST: usize = 4;
/// What stands before each.
const INDENT: usize = 7;

/// How a run stands.
#[derive(Debug)]
pub(crate) struct Standing {
    /// Steps done.
    pub(crate) step: u64,
    /// Of the last step.
    pub(crate) loss: f64,
    select: Score,
    measured_on: MeasuredOn,
    epochs: u64,
    steps_per_epoch: u64,
    steps_per_validation: u64,
    rows_per_step: f64,
    /// Where this process began: the step, and the training time before it in seconds.
    began: (u64, f64),
    history: Vec<Record>,
    /// Place of the best record.
    best: Option<usize>,
    earliest_stop: Option<u64>,
}

impl Standing {
    pub(crate) fn new(plan: &Plan, select: Score) -> Standing {
        let step = plan.resumed_at.unwrap_or(0);
        Standing {
            step,
            loss: f64::NAN,
            select,
            measured_on: MeasuredOn::with(plan.validation_rows),
            epochs: plan.epochs,
            steps_per_epoch: plan.steps_per_epoch.max(1),
            steps_per_validation: plan.steps_per_validation.max(1),
            rows_per_step: plan.training_rows as f64 / plan.steps_per_epoch.max(1) as f64,
            began: (step, plan.history.last().map_or(0.0, |record| record.elapsed)),
            history: plan.history.clone(),
            best: plan.best,
            earliest_stop: None,
        }
    }

    pub(crate) fn validated(&mut self, record: &Record, improved: bool, earliest_stop: Option<u64>) {
        self.step = record.step;
        self.earliest_stop = earliest_stop;
        if improved {
            self.best = Some(self.history.len());
        }
        self.history.push(record.clone());
    }

    /// The last step of the last epoch.
    pub(crate) fn last_step(&self) -> u64 {
        self.epochs.saturating_mul(self.steps_per_epoch)
    }

    /// What is said when the run begins.
    pub(crate) fn opening(&self, plan: &Plan) -> String {
        match plan.resumed_at {
            Some(step) => {
                let (last, seen) =
                    (Count(self.last_step()), counted(plan.history.len() as u64, "validation"));
                format!("resumed after step {} of at most {last}, with {seen} done", Count(step))
            }
            None => format!(
                "training {} on {}, validating on {}: at most {} of {}",
                counted(plan.parameters as u64, "parameter"),
                counted(plan.training_rows as u64, "row"),
                match plan.validation_rows {
                    0 => "the same".to_owned(),
                    rows => Count(rows as u64).to_string(),
                },
                counted(plan.epochs, "epoch"),
                counted(plan.steps_per_epoch, "step"),
            ),
        }
    }

    /// A line of a log, after a validation.
    pub(crate) fn line(&self) -> String {
        let Some(record) = self.history.last() else { return String::new() };
        let width = self.epochs.to_string().len();
        let mut line = format!("epoch {:>width$}/{}", record.epoch, self.epochs);
        if !self.steps_per_validation.is_multiple_of(self.steps_per_epoch) {
            let width = Count(self.last_step()).to_string().len();
            line += &format!("  step {:>width$}", Count(record.step));
        }
        for (name, value) in self.values(record) {
            line += &format!("  {name} {value:<8}");
        }
        line += &match self.best {
            Some(best) if best + 1 == self.history.len() => "  best so far".to_owned(),
            _ => self.best_words().map_or(String::new(), |words| format!("  {words}")),
        };
        let pace = self.pace(record.elapsed - self.began.1);
        format!(
            "{line}  [{}{}]",
            Time(record.elapsed),
            pace.map_or(String::new(), |pace| format!(", {pace}"))
        )
    }

    /// The picture of a run on a terminal of so many columns: a bar for all of it and one for the epoch, and below them the values
    /// of the latest validation, the best and the curve so far.
    pub(crate) fn picture(&self, seconds: f64, ink: Ink, columns: usize) -> String {
        let done = self.step.saturating_sub(1);
        let (epoch, step) = (done / self.steps_per_epoch + 1, done % self.steps_per_epoch + 1);
        let of = self.steps_per_epoch;
        let width = self.epochs.to_string().len().max(of.to_string().len());
        let values = match self.history.last() {
            Some(record) => self.values(record),
            None => vec![("training".to_owned(), Rounded(self.loss).to_string())],
        };
        let values = values.into_iter().map(|(name, value)| format!("{name} {value}"));
        let step = if self.step == 0 { 0 } else { step };
        let time = self.time_left(seconds).unwrap_or_default();
        let throughput = self.throughput(seconds).unwrap_or_default();
        let beside = [
            format!("epoch {epoch:>width$}/{:<width$}  {time}", self.epochs),
            format!("step  {step:>width$}/{of:<width$}  {throughput}"),
        ];
        let widest = beside.iter().map(|text| text.trim_end().chars().count()).max().unwrap_or(0);
        let room = columns.saturating_sub(INDENT + 2 + widest).min(BAR);
        let bars = [("run", self.step, self.last_step()), ("epoch", step, of)];
        let mut lines: Vec<String> = bars
            .into_iter()
            .zip(beside)
            .map(|((name, done, of), beside)| match room {
                LEAST.. => format!("{name:<INDENT$}{}  {beside}", bar(done, of, room, ink)),
                _ => beside,
            })
            .collect();
        let indent = " ".repeat(INDENT);
        let mut line = indent.clone();
        for value in values {
            if line.len() > INDENT && line.chars().count() + 2 + value.chars().count() > columns {
                lines.push(std::mem::replace(&mut line, indent.clone()));
            }
            line += if line.len() > INDENT { "  " } else { "" };
            line += &value;
        }
        lines.push(line);
        lines.extend(self.best_words().map(|words| format!("{indent}{words}")));
        if self.history.len() > 1 {
            let scores: Vec<f64> = self.history.iter().map(|record| record.score(self.select)).collect();
            let name = self.measured_on.score(self.select);
            let room = columns.saturating_sub(INDENT + 2 + name.chars().count()).clamp(1, CURVE);
            lines.push(format!("{indent}{}  {name}", spark(&scores, self.best, room, ink)));
        }
        lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
    }

    fn best_words(&self) -> Option<String> {
        let best = &self.history[self.best?];
        let value = Rounded(best.score(self.select));
        Some(format!("best {} {value} at epoch {}", self.select, best.epoch))
    }

    /// Losses, the first metrics and the one that selects.
    fn values(&self, record: &Record) -> Vec<(String, String)> {
        let mut values = vec![
            ("training".to_owned(), Rounded(record.training_loss).to_string()),
            (self.measured_on.name().to_owned(), Rounded(record.validation_loss).to_string()),
        ];
        for (place, (metric, value)) in record.metrics.iter().enumerate() {
            if place < METRICS || self.select == Score::Metric(*metric) {
                values.push((metric.to_string(), score_text(*value, record.validation_loss)));
            }
        }
        values
    }

    /// Throughput and what is left, after so many seconds in this process.
    fn pace(&self, seconds: f64) -> Option<String> {
        Some(format!("{}, {}", self.throughput(seconds)?, self.time_left(seconds)?))
    }

    /// Seconds of a step, after so many seconds in this process.
    fn seconds_per_step(&self, seconds: f64) -> Option<f64> {
        let steps = self.step.saturating_sub(self.began.0);
        (steps > 0 && seconds > 0.0).then(|| seconds / steps as f64)
    }

    fn throughput(&self, seconds: f64) -> Option<String> {
        let rows = self.rows_per_step / self.seconds_per_step(seconds)?;
        Some(format!("{} rows/s", Count(rows.round() as u64)))
    }

    /// To the limit of epochs and, if it may come before, to the earliest end by the stopping rule.
    fn time_left(&self, seconds: f64) -> Option<String> {
        let per_step = self.seconds_per_step(seconds)?;
        let left = |rest: u64| Time(rest as f64 * per_step);
        let to_limit = self.last_step().saturating_sub(self.step);
        let since = self.step.saturating_sub(self.history.last().map_or(0, |record| record.step));
        let to_stop = self
            .earliest_stop
            .map(|validations| validations.saturating_mul(self.steps_per_validation).saturating_sub(since));
        Some(match to_stop.filter(|steps| *steps < to_limit) {
            Some(steps) => format!("{} to {} left", left(steps), left(to_limit)),
            None => format!("{} left", left(to_limit)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{plan, records};

    #[test]
    fn the_picture_has_a_bar_for_the_run_and_one_for_the_epoch_values_best_and_curve() {
        let records = records(&[0.9, 0.5, 0.6]);
        let mut standing = Standing::new(&plan(&[]), Score::Loss);
        (standing.step, standing.loss) = (9, 2.3);
        assert_eq!(
            standing.picture(0.5, Ink::Plain, 80),
            "run    ────────────────────────  epoch   1/200  6 min 40 s left\n\
             epoch  ━━━━━━──────────────────  step    9/36   575 rows/s\n       training 2.3000"
        );
        standing.validated(&records[0], true, Some(9));
        standing.validated(&records[1], true, Some(9));
        standing.validated(&records[2], false, Some(9));
        standing.step += 36;
        let picture = standing.picture(2.0, Ink::Plain, 80);
        assert_eq!(
            picture,
            "run    ────────────────────────  epoch   4/200  4.0 s to 1 min 38 s left\n\
             epoch  ━━━━━━━━━━━━━━━━━━━━━━━━  step   36/36   2,298 rows/s\n       \
             training 0.5400  validation 0.6000  accuracy 0.7000\n       \
             best loss 0.5000 at epoch 2\n       \
             █▁▃  validation loss"
        );
        assert!(picture.lines().all(|line| line.chars().count() < 80));
        assert_eq!(standing.picture(2.0, Ink::Colours, 80).matches("\x1b[32;1m▁\x1b[0m").count(), 1);
    }

    #[test]
    fn a_resumed_run_knows_its_best_from_the_first_step_on() {
        let mut standing = Standing::new(&plan(&records(&[0.9, 0.5, 0.6])), Score::Loss);
        standing.step += 1;
        assert_eq!(
            standing.picture(0.0, Ink::Plain, 80),
            "run    ────────────────────────  epoch   4/200\n\
             epoch  ╸───────────────────────  step    1/36\n       \
             training 0.5400  validation 0.6000  accuracy 0.7000\n       \
             best loss 0.5000 at epoch 2\n       \
             █▁▃  validation loss"
        );
    }

    #[test]
    fn a_narrow_terminal_has_shorter_bars_or_none() {
        let records = records(&[0.9; 40]);
        let mut standing = Standing::new(&plan(&[]), Score::Loss);
        for record in &records {
            standing.validated(record, false, Some(9));
        }
        for (columns, bar) in [(200, 24), (80, 24), (60, 12), (50, 0), (40, 0)] {
            let picture = standing.picture(20.0, Ink::Plain, columns);
            assert!(picture.lines().all(|line| line.chars().count() <= columns), "{picture}");
            assert_eq!(picture.matches(['━', '╸', '─']).count(), 2 * bar, "{picture}");
        }
        assert_eq!(
            standing.picture(20.0, Ink::Plain, 40),
            "epoch  40/200  4.5 s to 1 min 20 s left\n\
             step   36/36   2,298 rows/s\n       \
             training 0.8100\n       \
             validation 0.9000\n       \
             accuracy 0.5500\n       \
             ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄  validation loss"
        );
    }

    #[test]
    fn without_validation_rows_nothing_is_called_validation() {
        let mut standing = Standing::new(&Plan { validation_rows: 0, ..plan(&[]) }, Score::Loss);
        for record in &records(&[0.9, 0.5]) {
            standing.validated(record, true, None);
        }
        let told = standing.line() + &standing.picture(1.0, Ink::Plain, 80);
        assert!(told.contains("training rows 0.5000") && !told.contains("validation"), "{told}");
    }

    #[test]
    fn the_metric_that_selects_is_shown_whatever_its_place() {
        let names = ["accuracy", "f1_macro", "recall_macro", "log_loss"];
        let mut record = records(&[0.5]).remove(0);
        record.metrics = names.map(|name| (name.parse().unwrap(), 0.25)).to_vec();
        let shown = |select: &str| {
            let standing = Standing::new(&plan(&[]), select.parse().unwrap());
            standing.values(&record).into_iter().skip(2).map(|(name, _)| name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown("loss"), "accuracy f1_macro");
        assert_eq!(shown("log_loss"), "accuracy f1_macro log_loss");
    }

    #[test]
    fn a_metric_that_says_nothing_of_the_rows_is_a_dash() {
        let mut standing = Standing::new(&plan(&[]), Score::Loss);
        let mut record = records(&[0.5]).remove(0);
        record.metrics = vec![("r2".parse().unwrap(), f64::NAN)];
        standing.validated(&record, true, None);
        for told in [standing.line(), standing.picture(1.0, Ink::Plain, 80)] {
            assert!(told.contains("r2 –") && !told.contains("NaN"), "{told}");
        }
    }

    #[test]
    fn the_earliest_stop_is_told_only_if_it_comes_before_the_limit() {
        let records = records(&[0.9; 199]);
        for (earliest, end) in
            [(None, " 250 ms left]"), (Some(1), " 250 ms left]"), (Some(7), " 250 ms left]")]
        {
            let mut standing = Standing::new(&plan(&[]), Score::Loss);
            standing.validated(&records[198], false, earliest);
            assert!(standing.line().ends_with(end), "{}", standing.line());
        }
    }

    #[test]
    fn steps_are_told_where_validations_fall_within_epochs() {
        let within = Plan { steps_per_validation: 10, ..plan(&[]) };
        let mut standing = Standing::new(&within, Score::Loss);
        standing.validated(&Record { step: 10, ..records(&[0.5]).remove(0) }, false, None);
        assert!(
            standing.line().starts_with("epoch   1/200  step    10  training 0.4500"),
            "{}",
            standing.line()
        );
    }
}
