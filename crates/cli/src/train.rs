//! `train` and `resume`: a run folder around the trainer.

use crate::amended::Amended;
use crate::args::{Resume, Shared, Train};
use crate::called::HIGHWATER;
use crate::config::{RunConfig, Seen};
use crate::folder::{RunFolder, checkpoints_in, open_store};
use crate::interrupt::interrupt;
use crate::measures::loss;
use crate::prove;
use crate::same_run::Rows;
use crate::saved;
use crate::source::{self, Datasets, Source};
use crate::story::{Files, Kept, Story};
use crate::{closing, folds, line, print, refit, remarks, same_run, say};
use anyhow::{Context, Result, anyhow, bail};
use highwater_checkpoint::{Checkpoint, Store};
use highwater_data::{Dataset, Preparation, Task};
use highwater_nn::{Layer, Model, Sequential};
use highwater_report::{History, Look, Progress, Screen, read_history};
use highwater_trainer::{Checkpoints, Data, Ended, Observer, Report, Run};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

/// A run that is ready to go.
pub(crate) struct Job {
    pub(crate) folder: RunFolder,
    pub(crate) config: RunConfig,
    pub(crate) source: Source,
    pub(crate) preparation: Preparation,
    pub(crate) data: Datasets,
    pub(crate) rows: Rows,
    pub(crate) model: Model<f32>,
}

impl Job {
    /// Whether a model of all rows is made when the best is known.
    pub(crate) fn refits(&self, report: &Report) -> bool {
        refit::is_due(&self.config, report) && self.source.all().len() > self.source.split.train.len()
    }
}

pub(crate) fn train(args: &Train) -> Result<ExitCode> {
    let mut table = None;
    let scratch = scratch_folder(args.out.as_deref());
    let config = RunConfig::resolve(args, |data| {
        let read = source::table(data, data.file.as_deref(), &scratch)?;
        data.read.check_signs(&read)?;
        let targets = data.target.list();
        let tasks = targets.iter().map(|target| Task::infer(&read, target)).collect::<Result<Vec<_>, _>>()?;
        let task = if let [task] = tasks[..] { task } else { Task::Regression };
        let seen = Seen { task, rows: read.rows(), decimal_comma: read.has_decimal_comma() };
        table = Some(read);
        Ok(seen)
    })?;
    let table = table.context("the data were looked at")?;
    if let Some(count) = args.parts.folds {
        return folds::run(table, &config, count, &args.shared);
    }
    let source = Source::of(table, &config.data, &scratch)?;
    let preparation = source.prepare(&config.data)?;
    let (data, model) = prepared(&source, &config, &preparation)?;
    // The folder comes last: a mistake leaves nothing behind.
    let folder = match &args.out {
        Some(out) => RunFolder::create(out.clone())?,
        None => RunFolder::create_next(&config.data.name())?,
    };
    let store = folder.take()?;
    let begun = folder.clone();
    let rows = Rows::of(&data);
    let ended = folder.write_config(&config).and_then(|()| {
        run(Job { folder, config, source, preparation, data, rows, model }, store, &args.shared, None)
    });
    if ended.is_err() {
        begun.withdraw();
    }
    ended
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
    // What is wrong in the file itself is to be mended there.
    config.check().map_err(|error| match before.check() {
        Err(_) => error.context(folder.config_file().display().to_string()),
        Ok(()) => error,
    })?;
    folder.must_be_no_folder(&folder.best_file())?;
    folder.must_be_no_folder(&folder.final_file())?;
    if !folder.has_kept() {
        // It says why there is none.
        folder.best()?;
    }
    if let Some(from) = args.from.as_deref().filter(|from| from.is_dir()) {
        bail!(
            "--from {} is a folder: name a checkpoint, one of those that `{HIGHWATER} checkpoints ls {}` lists",
            from.display(),
            folder.quoted()
        );
    }
    let is_new = !folder.checkpoints().exists();
    let store = open_store(folder.checkpoints())?;
    let ended = go_on(args, &folder, &before, config, store);
    if ended.is_err() && is_new {
        folder.without_checkpoints();
    }
    ended
}

/// Goes on with a run whose configuration was another one `before`.
fn go_on(
    args: &Resume,
    folder: &RunFolder,
    before: &RunConfig,
    config: RunConfig,
    mut store: Store,
) -> Result<ExitCode> {
    let from = args.from.as_deref().map(Checkpoint::open).transpose()?;
    if let Some(from) = from.as_ref().filter(|from| from.facts().labels.contains_key(refit::TRAINED_ON)) {
        bail!(
            "{} is a model that was trained on all rows, and nothing to go on from: name a checkpoint, or best.safetensors",
            from.path().display()
        );
    }
    let newest = if from.is_none() { store.latest()?.0 } else { None };
    let origin = from.as_ref().or(newest.as_ref());
    if origin.is_none() && folder.best_file().exists() {
        let (checkpoints, root) = (folder.checkpoints(), folder.quoted());
        bail!(
            "{} holds no checkpoint any more; go on from the best model, which is left: {HIGHWATER} resume {root} --from \
             {root}/best.safetensors",
            checkpoints.display()
        );
    }
    let after = origin.map(|checkpoint| checkpoint.facts().step);
    let learnt = origin.map(saved::load).transpose()?;
    let (source, preparation) = match &learnt {
        Some((_, learnt)) => (Source::of_run(&config, learnt, folder.root())?, learnt.clone()),
        None => {
            let source = Source::new(&config, folder.root())?;
            let preparation = source.prepare(&config.data)?;
            (source, preparation)
        }
    };
    let (data, model) = prepared(&source, &config, &preparation)?;
    let rows = Rows::of(&data);
    if let (Some(checkpoint), Some((saved, _))) = (origin, &learnt) {
        let (there, here) = (saved.network(), model.network());
        if there != here {
            let file = checkpoint.path().display();
            bail!("{file} is of another model: {}, and the run's is {}", shape(there), shape(here));
        }
        same_run::check(checkpoint, &config, &source, &rows)?;
    }
    if let Some(epochs) = args.stopping.epochs {
        let steps_per_epoch = data.train.rows().div_ceil(config.training.batch_size) as u64;
        if after.is_some_and(|step| step > epochs.saturating_mul(steps_per_epoch)) {
            let (root, trained) = (folder.quoted(), after.unwrap_or(0) / steps_per_epoch);
            bail!(
                "--epochs {epochs}: the run has trained for {trained} epochs already. For more, give a larger number; to \
                 go on from an earlier checkpoint, --from one of those that `{HIGHWATER} checkpoints ls {root}` lists"
            );
        }
    }
    let is_lost = !folder.config_file().exists();
    if is_lost {
        say(format_args!(
            "warning: {} is gone: it is written again as the newest checkpoint has it",
            folder.config_file().display()
        ));
    }
    let is_amended = config != *before || is_lost;
    let job = Job { folder: folder.clone(), config, source, preparation, data, rows, model };
    run(job, store, &args.shared, Some(GoOn { from, after, is_amended }))
}

/// The rows of a run, and its model before it is trained.
pub(crate) fn prepared(
    source: &Source,
    config: &RunConfig,
    preparation: &Preparation,
) -> Result<(Datasets, Model<f32>)> {
    let datasets = source.datasets(preparation)?;
    let network = config.model.network(preparation);
    Ok((datasets, Model::new(network, config.model.init, config.model.init_seed)?))
}

/// A new model, trained without a run folder. Someone may watch, or want the end.
pub(crate) fn in_memory(
    config: &RunConfig,
    preparation: &Preparation,
    train: &Dataset,
    validation: &Dataset,
    watcher: Option<&mut dyn Observer>,
    interrupt: Option<&AtomicBool>,
) -> Result<(Model<f32>, Report)> {
    let network = config.model.network(preparation);
    let mut model = Model::new(network, config.model.init, config.model.init_seed)?;
    let loss = loss(preparation, config.data.class_weights, train.targets());
    let run = Run {
        observers: watcher.map(|watcher| watcher as &mut dyn Observer).into_iter().collect(),
        interrupt,
        ..Run::new(&mut model, &loss)
    };
    let data = Data { units: &preparation.units(), ..Data::new(train, validation) };
    let report = highwater_trainer::fit(run, data, &config.training)?;
    Ok((model, report))
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

/// Where an earlier process left off.
struct GoOn {
    /// The checkpoint to go on from, if it is not the newest.
    from: Option<Checkpoint>,
    /// The step that it is of; none if there is no checkpoint.
    after: Option<u64>,
    /// The configuration is not that of config.toml.
    is_amended: bool,
}

/// Trains, or goes on.
fn run(mut job: Job, store: Store, shared: &Shared, go_on: Option<GoOn>) -> Result<ExitCode> {
    let pool = pool(shared)?;
    let interrupt = interrupt()?;
    let (is_resumed, resumed_at) = (go_on.is_some(), go_on.as_ref().and_then(|go_on| go_on.after));
    if !shared.quiet {
        remarks::of_processor().iter().for_each(say);
        if !is_resumed {
            remarks::of(&job.source, &job.preparation, &job.config).iter().for_each(say);
        }
    }
    let screen = Screen::stderr(if shared.quiet { Look::Quiet } else { Look::Auto });
    if is_resumed && resumed_at.is_none() {
        let root = job.folder.root().display();
        let text =
            format!("{root} holds neither a checkpoint nor best.safetensors: it begins anew, at step 0");
        // A run that was killed as it began has lost nothing.
        match read_history(job.folder.history_file()) {
            Ok(history) if !history.is_empty() => screen.warn(&text),
            _ => screen.say(&text),
        }
    }
    let story = Story::of(&job)?;
    let mut files = Files::new(&story, &job, &screen);
    let progress = Progress::new(&screen, job.config.training.select);
    let progress = if shared.json { progress } else { progress.before_a_summary() };
    let (report, history) =
        pool.install(|| fit(&mut job, store, &screen, progress, &mut files, &interrupt, go_on))?;
    let scores = pool.install(|| Kept::of(&job, job.config.data.class_weights));
    // What is for people to look at costs nobody a model.
    let written = history.and(files.finish(&job, &report, &scores));
    if job.refits(&report) && !pool.install(|| refit::run(&job, &report, &screen, &interrupt))? {
        let root = job.folder.quoted();
        screen.warn(&format!(
            "interrupted after the run, whose kept model is in best.safetensors; final.safetensors, the model of all rows, is \
             not made: {HIGHWATER} resume {root} makes it"
        ));
        return Ok(ExitCode::from(130));
    }
    let told = match (shared.json, shared.quiet) {
        (true, _) => line(closing::as_json(&job, &report, &scores)),
        (false, false) => print(closing::text(&job, &report, resumed_at, &scores)),
        (false, true) => Ok(()),
    };
    // The terminal may be what ended it.
    if report.ended != Ended::Interrupted {
        told?;
    }
    let code = match &report.ended {
        Ended::Interrupted => ExitCode::from(130),
        Ended::Stopped(reason) if reason.is_failure() => bail!("{reason}"),
        _ if report.best.is_none() => bail!(closing::none_chosen(job.config.training.select)),
        _ => ExitCode::SUCCESS,
    };
    written.map(|()| code)
}

/// How it ended, and whether the history could be written.
fn fit(
    job: &mut Job,
    mut store: Store,
    screen: &Screen,
    mut progress: Progress,
    files: &mut Files<'_>,
    interrupt: &AtomicBool,
    go_on: Option<GoOn>,
) -> Result<(Report, Result<()>)> {
    let training = &job.config.training;
    let keep = &job.config.checkpoints;
    store.retain(keep.retention(training.select.goal()));
    let Datasets { train, validation, .. } = &job.data;
    let units = job.preparation.units();
    let data = Data { units: &units, ..Data::new(train, validation) };
    let mut sections = saved::sections(&job.preparation, job.model.network(), &job.config)?;
    sections.push(job.rows.section()?);
    let best_file = job.folder.best_file();
    let mut history = History::new(job.folder.history_file(), training, screen);
    let mut amended = Amended::new(&job.folder, &job.config);
    let mut observers: Vec<&mut dyn Observer> = vec![&mut progress, &mut history, files];
    if go_on.as_ref().is_some_and(|go_on| go_on.is_amended) {
        observers.insert(0, &mut amended);
    }
    let checkpoints = Checkpoints {
        best: Some(&best_file),
        sections: &sections,
        saving: keep.saving(),
        ..Checkpoints::new(store)
    };
    let loss = loss(&job.preparation, job.config.data.class_weights, train.targets());
    let run = Run {
        checkpoints: Some(checkpoints),
        observers,
        interrupt: Some(interrupt),
        ..Run::new(&mut job.model, &loss)
    };
    let ended = match go_on {
        None => highwater_trainer::fit(run, data, training),
        Some(GoOn { from, .. }) => highwater_trainer::resume(run, data, training, from),
    };
    let report = ended.map_err(|error| what_to_do(error, &job.folder))?;
    amended.written?;
    // Somebody may have deleted half of the folder meanwhile.
    if !job.folder.config_file().exists() {
        job.folder.write_config(&job.config)?;
    }
    Ok((report, history.finish().map_err(Into::into)))
}

/// Says what to do about it, if it is for want of space, or somebody has put a folder in the place of the model meanwhile.
fn what_to_do(error: highwater_trainer::Error, folder: &RunFolder) -> anyhow::Error {
    use highwater_trainer::Error::Checkpoint;
    match &error {
        Checkpoint(checkpoint) if checkpoint.is_full() => {}
        Checkpoint(_) => {
            let in_its_place = folder.must_be_no_folder(&folder.best_file());
            return in_its_place.err().unwrap_or_else(|| error.into());
        }
        _ => return error.into(),
    }
    let saved = checkpoints_in(folder.checkpoints()).list().is_ok_and(|listing| !listing.entries.is_empty());
    let rest = format!(", and go on from the last checkpoint: {HIGHWATER} resume {}", folder.quoted());
    anyhow!("{error}; make room on the disk{}", if saved { &rest } else { "" })
}
