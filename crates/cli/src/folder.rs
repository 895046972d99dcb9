//! A run folder: config.toml, history.csv, report.html, checkpoints, best.safetensors.

use crate::called::HIGHWATER;
use crate::config::RunConfig;
use crate::repeat::quoted;
use crate::saved;
use anyhow::{Context, Result, bail};
use highwater_checkpoint::{Checkpoint, Disk, Error, Folder, Store, durable};
use highwater_trainer::kept;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::slice;
use std::sync::Arc;

/// What a store of checkpoints makes in its folder first.
const LOCK: &str = ".lock";
/// The label of the model of all rows that says which kept model it goes with.
pub(crate) const BEST_STEP: &str = "best_step";

/// Where a run's files are.
#[derive(Debug, Clone)]
pub(crate) struct RunFolder {
    root: PathBuf,
    /// Folders that were made for it, the innermost first.
    made: Vec<PathBuf>,
}

impl RunFolder {
    /// A new run's folder; it is made, and must be empty.
    pub(crate) fn create(root: PathBuf) -> Result<RunFolder> {
        let made = lacking(&root);
        durable::create_folder(&root).context("cannot make the run folder")?;
        let folder = RunFolder { root, made };
        folder.must_be_new()?;
        Ok(folder)
    }

    /// An error if there is anything but what a run leaves that was killed as it began.
    fn must_be_new(&self) -> Result<()> {
        let root = self.root.display();
        let content = fs::read_dir(&self.root).with_context(|| format!("cannot read {root}"))?;
        let is_left = |path: &Path| {
            durable::is_left_of(path, self.config_file()) || path == self.checkpoints() && locked_only(path)
        };
        if !content.flatten().all(|entry| is_left(&entry.path())) {
            let again = quoted(&root.to_string());
            bail!(
                "{root} is not empty: choose another --out, or continue that run with: {HIGHWATER} resume {again}"
            );
        }
        Ok(())
    }

    /// Takes the lock of a new run's folder, which nobody else may begin a run in meanwhile.
    pub(crate) fn take(&self) -> Result<Store> {
        let store = open_store(self.checkpoints())?;
        // Of two that begin at once, the other may have come first.
        self.must_be_new()?;
        Ok(store)
    }

    /// The next of runs/NAME-1, runs/NAME-2, … that does not exist yet; of two runs that begin at once, each gets one.
    pub(crate) fn create_next(name: &str) -> Result<RunFolder> {
        let above = lacking(Path::new("runs"));
        durable::create_folder("runs")?;
        let mut number = 1;
        loop {
            let root = PathBuf::from(format!("runs/{name}-{number}"));
            match fs::create_dir(&root) {
                Ok(()) => {
                    durable::create_folder(&root)?;
                    return Ok(RunFolder { made: [slice::from_ref(&root), &above].concat(), root });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("cannot make the run folder {}", root.display()));
                }
            }
        }
    }

    /// An existing run's folder.
    pub(crate) fn open(root: &Path) -> Result<RunFolder> {
        let folder = RunFolder { root: root.to_owned(), made: Vec::new() };
        if !root.exists() {
            bail!("there is no run folder {}", root.display());
        }
        if !folder.config_file().exists() && folder.saved_config()?.is_none() {
            let above = root.parent().filter(|above| above.join("config.toml").exists());
            let hint = above.map_or_else(String::new, |above| format!("; {} is one", above.display()));
            bail!("{} is not a run folder: it has no config.toml{hint}", root.display());
        }
        Ok(folder)
    }

    /// The run's folder of a path that is one, or is its folder of checkpoints.
    pub(crate) fn around(path: &Path) -> Option<RunFolder> {
        let above = || {
            let path = fs::canonicalize(path).ok()?;
            let folder = RunFolder::open(path.parent()?).ok()?;
            (folder.checkpoints() == path).then_some(folder)
        };
        RunFolder::open(path).ok().or_else(above)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    pub(crate) fn history_file(&self) -> PathBuf {
        self.root.join("history.csv")
    }

    pub(crate) fn report_file(&self) -> PathBuf {
        self.root.join("report.html")
    }

    pub(crate) fn best_file(&self) -> PathBuf {
        self.root.join("best.safetensors")
    }

    /// The model that was trained once more, on all rows.
    pub(crate) fn final_file(&self) -> PathBuf {
        self.root.join("final.safetensors")
    }

    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    /// That of config.toml; if it is gone, that of the newest checkpoint.
    pub(crate) fn config(&self) -> Result<RunConfig> {
        match self.config_file().exists() {
            true => RunConfig::read(&self.config_file()).map_err(|error| match self.saved_config() {
                Ok(Some(_)) => error.context(
                    "the run's configuration cannot be used (mend it, or move it away: then that of the newest checkpoint \
                     is)",
                ),
                _ => error,
            }),
            false => {
                self.saved_config()?.with_context(|| format!("{} is gone", self.config_file().display()))
            }
        }
    }

    /// What the newest checkpoint says of the run's configuration.
    fn saved_config(&self) -> Result<Option<RunConfig>> {
        let newest = checkpoints_in(self.checkpoints()).latest().ok().and_then(|(newest, _)| newest);
        newest.as_ref().map_or(Ok(None), saved::run_config)
    }

    /// Takes a new run's folder back, unless there is more in it than what was made before training began: it would only
    /// be in the way of the next try. What cannot be removed stays.
    pub(crate) fn withdraw(&self) {
        let (config, checkpoints) = (self.config_file(), self.checkpoints());
        let Ok(content) = fs::read_dir(&self.root) else { return };
        let content: Vec<PathBuf> = content.flatten().map(|entry| entry.path()).collect();
        let (configs, others): (Vec<_>, Vec<_>) =
            content.iter().partition(|path| **path == config || durable::is_left_of(path, &config));
        if others.iter().any(|path| **path != checkpoints || !locked_only(path)) {
            return;
        }
        self.without_checkpoints();
        for file in configs {
            _ = fs::remove_file(file);
        }
        for folder in &self.made {
            _ = fs::remove_dir(folder);
        }
    }

    /// Removes the folder of checkpoints if there is nothing in it. If it cannot be removed, it stays.
    pub(crate) fn without_checkpoints(&self) {
        if locked_only(&self.checkpoints()) {
            _ = fs::remove_file(self.checkpoints().join(LOCK));
            _ = fs::remove_dir(self.checkpoints());
        }
    }

    /// Writes config.toml, all or nothing, and durable.
    pub(crate) fn write_config(&self, config: &RunConfig) -> Result<()> {
        Ok(durable::replace(self.config_file(), config.to_toml()?.as_bytes())?)
    }

    /// An error if a folder stands where a model of the run is to be.
    pub(crate) fn must_be_no_folder(&self, model: &Path) -> Result<()> {
        if model.is_dir() {
            bail!(
                "{} is a folder, and stands where a model of the run is to be: move it away, then {HIGHWATER} resume {}",
                model.display(),
                self.quoted()
            );
        }
        Ok(())
    }

    /// The model to use: that of all rows if there is one that goes with the kept one, which is used else. After it the
    /// run may have gone on, and found a better one.
    pub(crate) fn model(&self) -> Result<Checkpoint> {
        let path = self.final_file();
        if !path.exists() {
            return self.best();
        }
        self.must_be_no_folder(&path)?;
        let last = Checkpoint::open(&path).with_context(|| {
            let root = self.quoted();
            let way_out = match self.has_kept() {
                true => format!(
                    "`{HIGHWATER} resume {root}` makes it again; without it, best.safetensors is used, the model that was \
                     measured"
                ),
                false => "import it again".to_owned(),
            };
            format!("the model of all rows cannot be used ({way_out})")
        })?;
        let Some(step) = last.facts().labels.get(BEST_STEP) else { return Ok(last) };
        match self.best() {
            Ok(best) if *step != best.facts().step.to_string() => Ok(best),
            _ => Ok(last),
        }
    }

    /// Whether there is a kept model: of an import of a model of all rows, that model is all there is.
    pub(crate) fn has_kept(&self) -> bool {
        self.best_file().exists() || self.checkpoints().is_dir() || !self.final_file().exists()
    }

    /// The folder's name as a shell wants it.
    pub(crate) fn quoted(&self) -> String {
        quoted(&self.root.display().to_string())
    }

    /// The file of the [kept model](RunFolder::best), which may be damaged; none if there is no such model.
    pub(crate) fn kept_file(&self) -> Option<PathBuf> {
        let published = Some(self.best_file()).filter(|path| path.exists());
        published.or_else(|| Some(self.best().ok()?.path().to_owned()))
    }

    /// The kept model: the published best, or else what `resume` would make of the checkpoints that are left.
    pub(crate) fn best(&self) -> Result<Checkpoint> {
        let path = self.best_file();
        self.must_be_no_folder(&path)?;
        if path.exists() {
            return Checkpoint::open(&path).with_context(|| {
                let root = self.quoted();
                format!("the kept model cannot be used (`{HIGHWATER} resume {root}` makes it again)")
            });
        }
        if !self.has_kept() {
            bail!(
                "{} holds nothing but a model that was trained on all rows, which leaves no rows of the run to score it on or \
                 to validate on. `evaluate --data FILE` scores it on other rows; to go on with the model that was measured, \
                 export best.safetensors of the run that it is from",
                self.root.display()
            );
        }
        let folder = checkpoints_in(self.checkpoints());
        if let Some(best) = kept(&folder, self.config()?.training.select)? {
            return Ok(best);
        }
        // Without a finite score the model is as it was last. A run that begins with a model from elsewhere has it before its
        // first step.
        match folder.latest()?.0 {
            Some(last) if last.facts().step > 0 || !self.history_file().exists() => Ok(last),
            _ => bail!(
                "{} holds no trained model yet, as the run was stopped too early: {HIGHWATER} resume {}",
                self.root.display(),
                self.quoted()
            ),
        }
    }
}

/// An error if a result written to `out` would take the place of a file that a run goes by, which `report.html` is not.
pub(crate) fn must_be_no_runs(out: &Path) -> Result<()> {
    let beside = || Some(fs::canonicalize(folder_of(out)).ok()?.join(out.file_name()?));
    let Some(place) = fs::canonicalize(out).ok().or_else(beside) else { return Ok(()) };
    for root in place.ancestors().skip(1).take(2) {
        let run = RunFolder { root: root.to_owned(), made: Vec::new() };
        let is_run = run.config_file().exists() && run.checkpoints().is_dir();
        let own =
            [run.config_file(), run.history_file(), run.best_file(), run.final_file(), run.checkpoints()];
        if is_run && own.iter().any(|own| place.starts_with(own)) {
            bail!(
                "{} is a file that a run itself writes and depends on: choose another place",
                out.display()
            );
        }
    }
    Ok(())
}

/// The folder that a file is in.
pub(crate) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// A folder of checkpoints that is shown as the user wrote it, since this program never changes its current folder.
pub(crate) fn checkpoints_in(dir: impl Into<PathBuf>) -> Folder {
    Folder::new_in(dir, Arc::new(Disk))
}

/// As [`checkpoints_in`], for writing.
pub(crate) fn open_store(dir: impl Into<PathBuf>) -> Result<Store, Error> {
    Store::open_in(dir, Arc::new(Disk))
}

/// Whether there is nothing in a folder but the lock of a store.
fn locked_only(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|content| content.flatten().all(|entry| entry.file_name() == LOCK))
}

/// The folders that would have to be made for this one, the innermost first.
fn lacking(folder: &Path) -> Vec<PathBuf> {
    let named = folder.ancestors().filter(|folder| *folder != Path::new(""));
    named.take_while(|folder| !folder.exists()).map(Path::to_owned).collect()
}
