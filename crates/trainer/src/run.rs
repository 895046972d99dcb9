//! What a run is made of, and the two ways into the loop.

use crate::config::Config;
use crate::error::Error;
use crate::event::{Event, Observer};
use crate::report::Report;
use crate::saving::Saving;
use crate::session::Session;
use highwater_checkpoint::{Checkpoint, Section, Store};
use highwater_data::{Dataset, Scale};
use highwater_nn::Model;
use highwater_objective::Loss;
use std::fmt;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// What takes part in a run. [`Run::new`] has what every run needs, and the rest is said by field:
///
/// ```
/// # use highwater_checkpoint::{Error, Store};
/// # use highwater_nn::Model;
/// # use highwater_objective::Loss;
/// # use highwater_trainer::{Checkpoints, Observer, Run};
/// # use std::path::Path;
/// # fn of<'a>(model: &'a mut Model<f32>, watcher: &'a mut dyn Observer, best: &'a Path) -> Result<Run<'a>, Error> {
/// let checkpoints = Checkpoints { best: Some(best), ..Checkpoints::new(Store::open("run/checkpoints")?) };
/// let run = Run {
///     checkpoints: Some(checkpoints),
///     observers: vec![watcher],
///     ..Run::new(model, &Loss::MeanSquaredError)
/// };
/// # Ok(run) }
/// ```
pub struct Run<'a> {
    /// Trained; at the end it is the best model seen, whatever ended the run, an error included.
    pub model: &'a mut Model<f32>,
    /// What training makes small.
    pub loss: &'a Loss,
    /// Where checkpoints go: one at the start, one after each validation, and one on interruption. Without them
    /// nothing is saved, and the best model is kept in memory alone.
    pub checkpoints: Option<Checkpoints<'a>>,
    /// They see every event, in this order.
    pub observers: Vec<&'a mut dyn Observer>,
    /// Set from outside (by a signal handler, say), it makes the run save and end within a step, or between two passes of a
    /// validation.
    pub interrupt: Option<&'a AtomicBool>,
}

impl<'a> Run<'a> {
    /// A run that saves nothing, and that nobody watches or interrupts.
    pub fn new(model: &'a mut Model<f32>, loss: &'a Loss) -> Run<'a> {
        Run { model, loss, checkpoints: None, observers: Vec::new(), interrupt: None }
    }
}

impl fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (network, observers) = (self.model.network(), self.observers.len());
        let mut run = f.debug_struct("Run");
        run.field("network", network).field("loss", self.loss).field("checkpoints", &self.checkpoints);
        run.field("observers", &observers).field("interrupt", &self.interrupt).finish_non_exhaustive()
    }
}

/// Where the checkpoints of a run go.
#[derive(Debug)]
pub struct Checkpoints<'a> {
    /// Keeps them. It is closed when the run is over; to read what it has kept, use a
    /// [`Folder`](highwater_checkpoint::Folder).
    pub store: Store,
    /// The best checkpoint so far is also to be found under this name, always complete.
    pub best: Option<&'a Path>,
    /// Saved with every checkpoint: whatever belongs to the model but not to the loop, the preparation of the data for
    /// instance.
    pub sections: &'a [Section],
    /// How they are written.
    pub saving: Saving,
}

impl Checkpoints<'_> {
    /// Checkpoints of the loop's own state alone, written as [`Saving::default`] says; the best has no second name.
    pub fn new(store: Store) -> Self {
        Checkpoints { store, best: None, sections: &[], saving: Saving::default() }
    }
}

/// An error if there is anything that looks like a checkpoint.
pub(crate) fn must_be_empty(store: &Store) -> Result<(), Error> {
    let listing = store.list()?;
    if listing.entries.is_empty() && listing.unreadable.is_empty() {
        return Ok(());
    }
    Err(Error::NotEmpty { dir: store.folder().dir().display().to_string() })
}

/// What a run learns from.
#[derive(Debug, Clone, Copy)]
pub struct Data<'a> {
    /// Trained on.
    pub train: &'a Dataset,
    /// Tried on: it decides when to stop and what to keep. If it has no rows, the training rows take its place. As their loss
    /// tells nothing of new rows, only a rule that does not go by it, such as `evidence`, can then stop a run in time.
    pub validation: &'a Dataset,
    /// If the targets were standardised, what maps them back, one for each output, so that metrics are in the units of the
    /// table; else empty.
    pub units: &'a [Scale],
}

impl<'a> Data<'a> {
    /// Data whose targets are in the units of their table.
    pub fn new(train: &'a Dataset, validation: &'a Dataset) -> Data<'a> {
        Data { train, validation, units: &[] }
    }
}

/// Trains a model from its present parameters until a rule, the limit of epochs or someone else ends the run.
///
/// # Errors
/// If the configuration makes no sense, data and model do not fit together, the store holds checkpoints already, or
/// a checkpoint cannot be written and [`Saving`] has the run end then. In the last case the model is the best seen until then.
pub fn fit<'a>(run: Run<'a>, data: Data<'a>, config: &'a Config) -> Result<Report, Error> {
    if let Some(checkpoints) = &run.checkpoints {
        must_be_empty(&checkpoints.store)?;
    }
    Session::new(run, data, config)?.train()
}

/// Goes on with a run from `from`, or from the newest checkpoint of the store that verifies, to the same bits as if it
/// had never been interrupted.
///
/// The history is replayed through the rules of the present configuration: a changed patience takes effect, and a run
/// that had ended by its rule or its limit of epochs ends again at once, with the same report. Training that goes on
/// from `from` although there is something newer is a new branch, which begins with a checkpoint of its own. A store
/// without any checkpoint is that of a run that was killed before its first one, and begins anew.
///
/// If the best model so far is lost, gone or damaged, there is a warning, and the best that is left takes its place.
///
/// # Errors
/// As [`fit`], and if there are checkpoints and none verifies; if they are of another model or optimizer; if they hold a
/// section that is required and neither the loop's nor among those of [`Checkpoints`]. Then nothing is written.
///
/// # Panics
/// If the run has no [`Checkpoints`].
#[track_caller]
pub fn resume<'a>(
    run: Run<'a>,
    data: Data<'a>,
    config: &'a Config,
    from: Option<Checkpoint>,
) -> Result<Report, Error> {
    let mut session = Session::new(run, data, config)?;
    let checkpoints = session.checkpoints.as_mut().expect("a run is resumed from its checkpoints");
    let (checkpoint, in_store) = match from {
        Some(checkpoint) => (checkpoint, false),
        None => {
            let (found, report) = checkpoints.store.latest()?;
            if !report.rejected.is_empty() {
                session.audience.tell(&Event::Warning(&report.to_string()));
            }
            let Some(checkpoint) = found else { return session.train() };
            (checkpoint, true)
        }
    };
    session.go_on_from(&checkpoint, in_store)?;
    session.train()
}
