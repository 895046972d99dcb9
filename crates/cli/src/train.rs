//! `train`, `resume` and `report`: a run folder around the trainer.

use crate::args::{Resume, Shared, Train};
use crate::config::{RunConfig, Seen, loss};
use crate::evaluate;
use crate::folder::RunFolder;
use crate::prove;
use crate::source::{self, Datasets, Source};
use crate::story::{Files, Kept, Story};
use crate::{folds, line, print, refit, remarks};
use anyhow::{Context, Result, bail};
use highwater_checkpoint::{Checkpoint, Goal, Store};
use highwater_data::{Preparation, Task};
use highwater_nn::{Layer, Model, Sequential};
use highwater_report::{History, Look, Progress, Screen, Summary};
use highwater_trainer::{Checkpoints, Data, Ended, Report, Run, Saves};
use serde_json::{Map, Value, json};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A run that is ready to go.
pub(crate) struct Job {
    pub(crate) folder: RunFolder,
    pub(crate) config: RunConfig,
    pub(crate) source: Source,
    pub(crate) preparation: Preparation,
    pub(crate) data: Datasets,
    pub(crate) model: Model<f32>,
}

impl Job {
    /// Whether a model of all rows is made when the best is known.
    fn refits(&self, report: &Report) -> bool {
        let sound = !matches!(&report.ended, Ended::Stopped(reason) if reason.is_failure());
        let others = self.source.all().len() > self.source.split.train.len();
        self.config.data.refit
            && others
            && sound
            && report.ended != Ended::Interrupted
            && report.best.is_some()
    }
}

pub(crate) fn train(args: &Train) -> Result<ExitCode> {
    let mut table = None;
    let scratch = scratch_folder(args.out.as_deref());
    let config = RunConfig::resolve(args, |data| {
        let read = source::table(data, data.file.as_deref(), &scratch)?;
        let targets = data.target.list();
        let tasks = targets.iter().map(|target| Task::infer(&read, target)).collect::<Result<Vec<_>, _>>()?;
        let task = if let [task] = tasks[..] { task } else { Task::Regression };
        let seen = Seen { task, rows: read.rows(), decimal_comma: read.has_decimal_comma() };
        table = Some(read);
        Ok(seen)
    })?;
    let table = table.context("the data were looked at")?;
    if let Some(count) = args.parts.folds {
        return folds::run(&table, &config, count, &args.shared);
    }
    let source = Source::of(table, &config.data, &scratch)?;
    let (preparation, data, model) = prepare(&source, &config)?;
    // The folder comes last: a mistake leaves nothing behind.
    let folder = match &args.out {
        Some(out) => RunFolder::create(out.clone())?,
        None => RunFolder::create_next(&config.data.name())?,
    };
    folder.write_config(&config)?;
    let store = Store::open(folder.checkpoints())?;
    run(Job { folder, config, source, preparation, data, model }, store, &args.shared, None)
}

/// Where scratch files of a run may be, whose folder is not made yet: on the same file system.
fn scratch_folder(out: Option<&Path>) -> PathBuf {
    let there = out.and_then(|out| out.ancestors().find(|folder| folder.is_dir()));
    there.unwrap_or(Path::new(".")).to_owned()
}

pub(crate) fn resume(args: &Resume) -> Result<ExitCode> {
    if args.prove {
        return prove::run(args);
    }
    let folder = RunFolder::open(&args.run)?;
    let before = folder.config()?;
    let mut config = before.clone();
    config.amend(&args.stopping);
    if let Some(file) = &args.data {
        config.data.move_to(file)?;
    }
    config.training.validate()?;
    let source = Source::new(&config, folder.root())?;
    let (preparation, data, model) = prepare(&source, &config)?;
    let mut store = Store::open(folder.checkpoints())?;
    let from = args.from.as_deref().map(Checkpoint::open).transpose()?;
    let newest = if from.is_none() { store.latest()?.0 } else { None };
    if let Some(checkpoint) = from.as_ref().or(newest.as_ref()) {
        let (saved, prepared) = source::load(checkpoint)?;
        let (there, here) = (saved.network(), model.network());
        if there != here {
            let file = checkpoint.path().display();
            bail!("{file} is of another model: {}, and the run's is {}", shape(there), shape(here));
        }
        if prepared != preparation {
            bail!(
                "{} is not what the run began with: give it the same rows, or train anew",
                source.table.source()
            );
        }
    }
    if config != before {
        folder.write_config(&config)?;
    }
    run(Job { folder, config, source, preparation, data, model }, store, &args.shared, Some(from))
}

pub(crate) fn prepare(source: &Source, config: &RunConfig) -> Result<(Preparation, Datasets, Model<f32>)> {
    let preparation = source.prepare(&config.data)?;
    let datasets = source.datasets(&preparation)?;
    let network = config.model.network(&preparation);
    let model = Model::new(network, config.model.init, config.model.init_seed)?;
    Ok((preparation, datasets, model))
}

/// In a few words.
pub(crate) fn shape(network: &Sequential) -> String {
    let mut units = network.inputs.to_string();
    let mut rest = String::new();
    for layer in &network.layers {
        let word = match layer {
            Layer::Linear { outputs } => {
                units += &format!("–{outputs}");
                continue;
            }
            Layer::Activation(activation) => format!(", {activation}"),
            Layer::Dropout { rate } => format!(", dropout {rate}"),
            Layer::Embed { tables } => {
                let columns: Vec<String> =
                    tables.iter().map(|table| format!("{}×{}", table.rows, table.width)).collect();
                format!(", embedded {}", columns.join(" and "))
            }
            Layer::LayerNorm => ", layer normalisation".to_owned(),
            Layer::BatchNorm => ", batch normalisation".to_owned(),
            Layer::Shortcut { .. } => ", shortcuts".to_owned(),
            Layer::Residual { .. } => ", residual connections".to_owned(),
        };
        if !rest.contains(&word) {
            rest += &word;
        }
    }
    units + &rest
}

/// The threads that a run may use.
pub(crate) fn pool(shared: &Shared) -> Result<rayon::ThreadPool> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(shared.threads.map_or(0, usize::from)).build()?)
}

/// Is set by the first signal, which asks to save and end; the second one leaves at once.
pub(crate) fn interrupt() -> Result<Arc<AtomicBool>> {
    let interrupt = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order the second signal finds the flag set.
        flag::register_conditional_shutdown(signal, 130, Arc::clone(&interrupt))?;
        flag::register(signal, Arc::clone(&interrupt))?;
    }
    Ok(interrupt)
}

/// Trains, or with `resume` goes on (from the given checkpoint, or from the newest).
fn run(mut job: Job, store: Store, shared: &Shared, resume: Option<Option<Checkpoint>>) -> Result<ExitCode> {
    let pool = pool(shared)?;
    let interrupt = interrupt()?;
    if resume.is_none() && !shared.quiet {
        remarks::of(&job.source, &job.preparation, &job.config)
            .iter()
            .for_each(|remark| eprintln!("{remark}"));
    }
    let screen = Screen::stderr(if shared.quiet { Look::Quiet } else { Look::Auto });
    let story = Story::of(&job)?;
    let mut files = Files::new(&story, &job, &screen);
    let progress = Progress::new(&screen, job.config.training.select);
    let progress = if shared.json { progress } else { progress.before_a_summary() };
    let report =
        pool.install(|| fit(&mut job, store, &screen, (progress, &mut files), &interrupt, resume))?;
    let scores = pool.install(|| Kept::of(&job));
    files.finish(&job, &report, &scores)?;
    if job.refits(&report) {
        // The run is saved and over: a signal leaves at once from now on, and `resume` makes this model.
        interrupt.store(true, Ordering::Relaxed);
        pool.install(|| refit::run(&job.source, &job.config, &report, &job.folder))?;
    }
    if shared.json {
        line(summary_json(&job, &report, &scores))?;
    } else if !shared.quiet {
        print(summary(&job, &report, &scores))?;
    }
    match &report.ended {
        Ended::Interrupted => Ok(ExitCode::from(130)),
        Ended::Stopped(reason) if reason.is_failure() => bail!("{reason}"),
        _ if report.best.is_none() => {
            bail!("no model was kept: the validation {} was never finite", select(&job))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn fit(
    job: &mut Job,
    mut store: Store,
    screen: &Screen,
    (mut progress, files): (Progress, &mut Files<'_>),
    interrupt: &AtomicBool,
    resume: Option<Option<Checkpoint>>,
) -> Result<Report> {
    let training = &job.config.training;
    let goal = match training.select.goal() {
        highwater_early_stopping::Goal::Minimize => Goal::Minimize,
        highwater_early_stopping::Goal::Maximize => Goal::Maximize,
    };
    let keep = &job.config.checkpoints;
    store.retain(keep.retention(goal));
    let Datasets { train, validation, .. } = &job.data;
    let units = job.preparation.units();
    let data = Data { train, validation, units: &units };
    let sections = source::sections(&job.preparation, job.model.network(), &job.config)?;
    let best_file = job.folder.best_file();
    let mut history = History::new(job.folder.history_file(), training, screen);
    let run = Run {
        model: &mut job.model,
        loss: &loss(job.config.data.task, job.config.data.class_weights, train.targets()),
        store: Some(Checkpoints {
            store,
            best: Some(&best_file),
            sections: &sections,
            saving: keep.saving(),
        }),
        observers: vec![&mut progress, &mut history, files],
        interrupt: Some(interrupt),
    };
    let report = match resume {
        None => highwater_trainer::fit(run, data, training)?,
        Some(from) => highwater_trainer::resume(run, data, training, from)?,
    };
    history.finish()?;
    Ok(report)
}

fn select(job: &Job) -> String {
    job.config.training.select.to_string()
}

fn summary(job: &Job, report: &Report, kept: &Kept) -> String {
    let root = job.folder.root().display().to_string();
    let evaluate = format!("cargo xtask evaluate {root}");
    let predict = format!("cargo xtask predict {root} --data NEW.csv");
    let resume = format!("cargo xtask resume {root}");
    let of_all = format!("the same network trained on all {} rows; predict uses it", job.source.all().len());
    let mut files = Vec::new();
    if report.best.is_some() {
        files.push(("best.safetensors", "the kept model; any safetensors reader opens it"));
    }
    if job.refits(report) {
        files.push(("final.safetensors", &of_all));
    }
    files.extend([
        ("report.html", "curves and tables; open it in a browser"),
        ("history.csv", "every validation"),
        ("checkpoints/", "to resume from"),
    ]);
    let mut next = vec![(evaluate.as_str(), "score it again"), (predict.as_str(), "use it")];
    if report.ended == Ended::Interrupted {
        next.insert(0, (resume.as_str(), "go on where it stopped"));
    }
    let select = job.config.training.select;
    Summary { report, select, scores: &kept.named(), folder: &root, files: &files, next: &next }.to_string()
}

fn summary_json(job: &Job, report: &Report, kept: &Kept) -> Value {
    let mut object = Map::new();
    object.insert("run".into(), json!(job.folder.root()));
    object.insert("ended".into(), report.ended.to_string().into());
    object.insert("interrupted".into(), (report.ended == Ended::Interrupted).into());
    object.insert("epochs".into(), report.epochs.into());
    object.insert("steps".into(), report.steps.into());
    object.insert("best_epoch".into(), json!(report.best().map(|record| record.epoch)));
    object.insert("training_s".into(), json!(report.elapsed));
    let Saves { written, superseded, failed, took, longest, stalled, finishing, training } = report.saves;
    object.insert(
        "saving".into(),
        json!({
            "written": written, "superseded": superseded, "failed": failed, "took_s": took,
            "longest_s": longest, "stalled_s": stalled, "finishing_s": finishing, "training_s": training,
        }),
    );
    for (name, scores) in kept.named() {
        object.insert(name.into(), evaluate::as_json(scores).into());
    }
    Value::Object(object)
}
