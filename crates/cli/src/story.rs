//! What the pages tell of a run.

use crate::data_args::ClassWeights;
use crate::evaluate;
use crate::folder::{RunFolder, checkpoints_in};
use crate::guess::Guess;
use crate::measures::loss;
use crate::remarks::{SHORT_YEARS, reason};
use crate::repeat;
use crate::source::{Datasets, Source};
use crate::train::{Job, shape};
use anyhow::{Context, Result};
use highwater_data::{Dataset, Dropped, Encoding, Input, MomentFormat, Preparation, SplitBy, Targets};
use highwater_report::{
    About, ColumnUse, Count, Importance, LivePage, Outcome, Predictions, SavedFile, Screen, TensorBoard,
    Truth,
};
use highwater_trainer::{Config, Evaluator, Event, MeasuredOn, Observer, Report, Score, Scores, score_in};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use std::env::consts::{ARCH, OS};
use std::fs;
use std::ops::{ControlFlow, Range};
use std::time::SystemTime;

/// Multiplications that the importance of columns may take: some hundredths of a second.
const EFFORT: f64 = 2e8;

/// What is written for people to look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportConfig {
    /// Whether there are event files for TensorBoard.
    pub(crate) tensorboard: bool,
}

impl Default for ReportConfig {
    fn default() -> ReportConfig {
        ReportConfig { tensorboard: true }
    }
}

/// What is known of a run before it begins.
pub(crate) struct Story {
    title: String,
    facts: Vec<(String, String)>,
    columns: Vec<ColumnUse>,
    training_rows: usize,
    measured_on: MeasuredOn,
    training: Config,
    settings: Vec<(String, String)>,
    command: String,
    configuration: String,
}

impl Story {
    pub(crate) fn of(job: &Job) -> Result<Story> {
        let (split, model, config) = (&job.source.split, job.model.network(), &job.config);
        let unlabelled = match job.source.unlabelled {
            0 => String::new(),
            rows => format!("; {rows} without a value of the target left out"),
        };
        let rows = format!(
            "{}: {} rows for training, {} for validation, {} for testing{unlabelled}",
            job.source.table.source(),
            Count(split.train.len() as u64),
            Count(split.validation.len() as u64),
            Count(split.test.len() as u64)
        );
        let inputs = job.preparation.inputs().len();
        let dropped = job.preparation.dropped().len();
        let mut facts = vec![
            ("data", rows),
            ("columns", format!("{inputs} used, {dropped} left out")),
            ("target", config.data.target.list().join(", ")),
            ("task", config.data.task.to_string()),
            (
                "network",
                format!("{}, {} parameters", shape(model), Count(job.model.parameters().len() as u64)),
            ),
            ("seed", config.training.seed.to_string()),
            ("computed by", format!("highwater {} on {ARCH} {OS}", env!("CARGO_PKG_VERSION"))),
        ];
        if config.data.is_balanced() {
            facts.insert(4, ("loss", "each class counts the same, however many rows it has".to_owned()));
        }
        Ok(Story {
            title: config.data.name(),
            facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            columns: columns(&job.preparation, &config.data.split),
            training_rows: split.train.len(),
            measured_on: measured_on(&job.source),
            training: config.training.clone(),
            settings: config.settings()?,
            command: repeat::command(config, job.source.table.rows())?,
            configuration: config.to_toml()?,
        })
    }

    pub(crate) fn about(&self) -> About<'_> {
        About {
            title: &self.title,
            facts: &self.facts,
            columns: &self.columns,
            training_rows: self.training_rows,
            measured_on: self.measured_on,
            config: &self.training,
            settings: &self.settings,
            command: &self.command,
            configuration: &self.configuration,
        }
    }
}

/// What the run stops and chooses by.
pub(crate) fn measured_on(source: &Source) -> MeasuredOn {
    MeasuredOn::with(source.split.validation.len())
}

/// What becomes of the columns, in the order of the network's inputs, then those that are left out.
fn columns(preparation: &Preparation, split: &SplitBy) -> Vec<ColumnUse> {
    let used = preparation.inputs().iter().map(|input| ColumnUse {
        name: input.name.clone(),
        kind: kind(&input.encoding),
        inputs: input.width(),
        remark: remark(input),
    });
    let dropped = preparation.dropped().iter().map(|dropped: &Dropped| ColumnUse {
        name: dropped.name.clone(),
        kind: "left out".to_owned(),
        inputs: 0,
        remark: reason(dropped, split).to_owned(),
    });
    used.chain(dropped).collect()
}

fn kind(encoding: &Encoding) -> String {
    match encoding {
        Encoding::Number { .. } => "number".to_owned(),
        Encoding::Quantity { unit, .. } => match unit.to_string() {
            // Brackets.
            unit if unit.is_empty() => "number".to_owned(),
            unit => format!("number ({unit})"),
        },
        Encoding::Boolean { .. } => "yes or no".to_owned(),
        Encoding::Moment(moments) => moment(moments.format),
        Encoding::OneHot(categories) => format!("{} categories", categories.names.len()),
        Encoding::Embedded(categories) => format!("{} categories, embedded", categories.names.len()),
    }
}

fn moment(format: MomentFormat) -> String {
    use MomentFormat::{DayFirst, Duration, Month, MonthFirst, ShortDayFirst, ShortMonthFirst, TimeOfDay};
    let order = match format {
        TimeOfDay => return "time of day".to_owned(),
        Duration => return "duration".to_owned(),
        Month => return "month, quarter or week".to_owned(),
        DayFirst | ShortDayFirst => ", the day first",
        MonthFirst | ShortMonthFirst => ", the month first",
        _ => "",
    };
    let years = if format.has_short_years() { format!(", {SHORT_YEARS}") } else { String::new() };
    format!("date{order}{years}")
}

fn remark(input: &Input) -> String {
    let mut remarks = Vec::new();
    let filled = match &input.encoding {
        Encoding::Number { fill, .. } | Encoding::Quantity { fill, .. } => format!("the median, {fill},"),
        Encoding::Boolean { fill, .. } => format!("the more frequent, {},", if *fill { "yes" } else { "no" }),
        Encoding::Moment(_) => "the median".to_owned(),
        Encoding::OneHot(categories) | Encoding::Embedded(categories) => {
            format!("the most frequent, {},", categories.names[categories.fill])
        }
    };
    if input.missing > 0 {
        let values = if input.missing == 1 { "value" } else { "values" };
        remarks.push(format!("{filled} stands for {} missing {values}", input.missing));
    }
    if input.indicator {
        remarks.push("one more input says where it is missing".to_owned());
    }
    if let Encoding::OneHot(categories) | Encoding::Embedded(categories) = &input.encoding
        && categories.rare > 0.0
    {
        let share = 100.0 * categories.rare;
        remarks.push(format!("rare ones, in {share:.1}% of the training rows, are joined"));
    }
    remarks.join("; ")
}

/// What the kept model is worth.
pub(crate) struct Kept {
    /// On the validation rows; without any, on the training rows.
    chosen_by: (&'static str, Scores),
    test: Option<Scores>,
    /// What is to be said of the scores.
    pub(crate) note: Option<String>,
    /// What it says of the last of these parts.
    outputs: Array2<f64>,
    importance: Option<Importance>,
}

impl Kept {
    /// Its losses are those that it was trained with, or with other weights of the classes.
    pub(crate) fn of(job: &Job, weights: ClassWeights) -> Kept {
        let test = &job.data.test;
        let (preparation, model) = (&job.preparation, &job.model);
        let loss = loss(preparation, weights, job.data.train.targets());
        let on = |data| evaluate::scores(model, &loss, &job.config.training.metrics, preparation, data);
        let ((part, data), chosen) = (judged(&job.data), chosen_by(&job.data));
        let (chosen_by, test) = ((chosen.0, on(chosen.1)), Some(test).filter(|test| test.rows() > 0).map(on));
        let mut evaluator = Evaluator::new(model, &loss, &[], &preparation.units());
        let columns = inputs(preparation);
        let guess = Guess::of(&job.config.data, preparation, job.data.train.targets(), data);
        let on = format!(" on the {part} rows");
        let note = guess.and_then(|guess| guess.note_on(test.as_ref().unwrap_or(&chosen_by.1), &on));
        Kept {
            note,
            chosen_by,
            test,
            outputs: evaluator.outputs(model.values(), data),
            importance: Importance::of(
                &mut evaluator,
                model.values(),
                (part, data),
                &columns,
                job.config.training.seed,
                EFFORT,
            ),
        }
    }

    pub(crate) fn named(&self) -> Vec<(&str, &Scores)> {
        let test = self.test.iter().map(|test| ("test", test));
        let (name, scores) = &self.chosen_by;
        [(*name, scores)].into_iter().chain(test).collect()
    }
}

/// The rows on which the kept model is judged: those that had no say in choosing it, if there are any.
fn judged(data: &Datasets) -> (&'static str, &Dataset) {
    if data.test.rows() > 0 { ("test", &data.test) } else { chosen_by(data) }
}

/// The rows by which the model was chosen.
fn chosen_by(data: &Datasets) -> (&'static str, &Dataset) {
    match data.validation.rows() {
        0 => ("training", &data.train),
        _ => ("validation", &data.validation),
    }
}

/// For each column of the table, the inputs of the network that it became.
fn inputs(preparation: &Preparation) -> Vec<(&str, Range<usize>)> {
    preparation.input_ranges().map(|(input, range)| (&input.name[..], range)).collect()
}

/// Shows `tell` what was found out at the end of a run.
pub(crate) fn outcome<T>(
    job: &Job,
    report: &Report,
    kept: &Kept,
    tell: impl FnOnce(&Outcome<'_>) -> T,
) -> Result<T> {
    let (part, data) = judged(&job.data);
    let (names, units) = (job.config.data.target.list(), job.preparation.units());
    let in_units;
    let truth = match data.targets() {
        Targets::Classes(classes) => {
            Truth::Classes { names: job.preparation.class_names(), of_rows: classes }
        }
        Targets::Values(values) => {
            in_units = Array2::from_shape_fn(values.dim(), |(row, column)| match units.get(column) {
                Some(unit) => unit.invert(values[[row, column]]),
                None => f64::from(values[[row, column]]),
            });
            Truth::Values { names: &names, of_rows: &in_units }
        }
    };
    Ok(tell(&Outcome {
        scores: &kept.named(),
        note: kept.note.as_deref(),
        predictions: Some(Predictions { part, outputs: &kept.outputs, truth }),
        importance: kept.importance.as_ref(),
        files: &files(&job.folder, report, job.config.training.select)?,
    }))
}

/// The models and checkpoints on the disk.
fn files(folder: &RunFolder, report: &Report, select: Score) -> Result<Vec<SavedFile>> {
    let mut files = Vec::new();
    let best_step = report.best().map(|best| best.step);
    if let (Some(best), Ok(metadata)) = (report.best(), fs::metadata(folder.best_file())) {
        files.push(SavedFile {
            name: "best.safetensors".to_owned(),
            what: "the kept model".to_owned(),
            epoch: best.epoch,
            step: best.step,
            score: None,
            bytes: metadata.len(),
        });
    }
    let entries = checkpoints_in(folder.checkpoints()).list()?.entries;
    let newest = entries.last().map(|entry| entry.key);
    for entry in &entries {
        let what = match (Some(entry.key.step) == best_step, Some(entry.key) == newest) {
            (true, true) => "the best and the newest",
            (true, false) => "the best, to go on from",
            (false, true) => "the newest, to resume from",
            (false, false) if entry.pinned => "pinned",
            (false, false) => "kept by retention",
        };
        files.push(SavedFile {
            name: format!("checkpoints/{}", entry.key.file_name()),
            what: what.to_owned(),
            epoch: entry.facts.epoch,
            step: entry.facts.step,
            score: score_in(&entry.facts, select),
            bytes: entry.bytes,
        });
    }
    Ok(files)
}

/// What is written for people to look at while a run goes on: the page, and event files.
pub(crate) struct Files<'a> {
    page: LivePage<'a>,
    board: Option<TensorBoard<'a>>,
}

impl<'a> Files<'a> {
    pub(crate) fn new(story: &'a Story, job: &Job, screen: &Screen) -> Files<'a> {
        let board = || TensorBoard::new(job.folder.root(), SystemTime::now(), story.about(), screen);
        Files {
            page: LivePage::new(job.folder.report_file(), story.about(), screen),
            board: job.config.report.tensorboard.then(board),
        }
    }

    /// Writes the page of the run that has ended.
    pub(crate) fn finish(self, job: &Job, report: &Report, kept: &Kept) -> Result<()> {
        outcome(job, report, kept, |outcome| self.page.finish(report, outcome))?
            .context("cannot write the report page")
    }
}

impl Observer for Files<'_> {
    fn observe(&mut self, event: &Event<'_>) -> ControlFlow<()> {
        if let Some(board) = &mut self.board {
            _ = board.observe(event);
        }
        self.page.observe(event)
    }
}
