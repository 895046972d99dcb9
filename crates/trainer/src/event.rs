//! What a run tells while it goes on. Observers only watch: what changes a run is a named argument.

use crate::best;
use crate::config::Score;
use crate::record::{Record, observations};
use crate::report::Report;
use highwater_autodiff::Parameter;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A moment of a run.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The run begins, or goes on from a checkpoint.
    Started(&'a Plan),
    /// A training step is done.
    Stepped {
        /// Of the whole run, this one included.
        step: u64,
        /// In progress, from 1.
        epoch: u64,
        /// Of this epoch, this one included.
        step_of_epoch: u64,
        /// The step's own loss, before its update.
        loss: f64,
    },
    /// The model was tried on the validation rows.
    Validated {
        /// What was found.
        record: &'a Record,
        /// Whether it is the best so far.
        improved: bool,
        /// The best so far.
        best: Option<&'a Record>,
        /// After how many more validations the stopping rule can fire at the earliest.
        earliest_stop: Option<u64>,
        /// The model as it is now, and the gradient that brought it there.
        weights: Weights<'a>,
    },
    /// A checkpoint is durable. It was written in the background: there may have been events of later steps and validations
    /// already.
    Saved {
        /// The file.
        path: &'a Path,
        /// Its size in bytes.
        bytes: u64,
        /// How long the writing took. Training went on meanwhile.
        took: Duration,
    },
    /// Something went wrong that the run can live with.
    Warning(&'a str),
    /// The run is over, and the best model restored. A run that ends with an error does not get here.
    Ended(&'a Report),
}

/// What is inside a model in training.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weights<'a> {
    /// Name, shape and offset of each parameter.
    pub table: &'a [Parameter],
    /// All parameters, one after another as the table says, and behind them the buffers, as in
    /// [`Model::values`](highwater_nn::Model::values): what an [`Evaluator`](crate::Evaluator) takes.
    pub values: &'a [f32],
    /// The gradient of the last step's loss, clipped if the run clips, in the same order, without buffers. Empty if this process has not
    /// done a step yet.
    pub gradients: &'a [f32],
}

/// What is known when a run begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Rows to train on.
    pub training_rows: usize,
    /// Rows to validate on; 0 if the training rows take their place.
    pub validation_rows: usize,
    /// The number of the model's parameters.
    pub parameters: usize,
    /// Steps of an epoch.
    pub steps_per_epoch: u64,
    /// The limit of epochs.
    pub epochs: u64,
    /// Steps from one validation to the next.
    pub steps_per_validation: u64,
    /// The step from which an earlier run goes on.
    pub resumed_at: Option<u64>,
    /// What was recorded before that.
    pub history: Vec<Record>,
    /// Place within it of the best record whose model is there.
    pub best: Option<usize>,
}

impl Plan {
    /// For each record of the history whether it was the best so far by the score that selects, as
    /// [`Event::Validated`] tells of those to come. The last `true` is that of [`best`](Plan::best): better records whose models
    /// are lost do not count.
    pub fn improved(&self, select: Score) -> Vec<bool> {
        best::improved(select.goal(), &observations(&self.history, select), self.best)
    }
}

/// Someone who watches a run. A closure is one.
///
/// A metric of your own is computed whenever the model was tried:
///
/// ```
/// use highwater_data::{Dataset, Targets};
/// use highwater_nn::Model;
/// use highwater_objective::Loss;
/// use highwater_trainer::{Evaluator, Event, Observer};
/// use std::ops::ControlFlow;
///
/// /// Notes after each validation by how much the worst row was missed.
/// fn worst_misses<'a>(
///     model: &Model<f32>,
///     loss: &Loss,
///     rows: &'a Dataset,
///     misses: &'a mut Vec<f64>,
/// ) -> impl Observer + 'a {
///     let mut evaluator = Evaluator::new(model, loss, &[], &[]);
///     move |event: &Event<'_>| {
///         if let (Event::Validated { weights, .. }, Targets::Values(targets)) = (event, rows.targets()) {
///             let outputs = evaluator.outputs(weights.values, rows);
///             let each = outputs.iter().zip(targets).map(|(output, target)| (output - f64::from(*target)).abs());
///             misses.push(each.fold(0.0, f64::max));
///         }
///         ControlFlow::Continue(())
///     }
/// }
/// ```
pub trait Observer {
    /// Sees an event; `Break` asks the run to save and end. So a condition of your own can end a run, which is
    /// [`Ended::Interrupted`](crate::Ended::Interrupted) then, with its best model restored; why it ended is yours to tell, and
    /// the run can be resumed.
    fn observe(&mut self, event: &Event<'_>) -> ControlFlow<()>;
}

impl<F: FnMut(&Event<'_>) -> ControlFlow<()>> Observer for F {
    fn observe(&mut self, event: &Event<'_>) -> ControlFlow<()> {
        self(event)
    }
}

/// Everyone outside of a run: who watches it, and who can ask it to end.
pub(crate) struct Audience<'a> {
    pub(crate) observers: Vec<&'a mut dyn Observer>,
    pub(crate) interrupt: Option<&'a AtomicBool>,
    /// Whether an observer asked.
    pub(crate) leave: bool,
}

impl Audience<'_> {
    /// All see it, also after one has asked for the end.
    pub(crate) fn tell(&mut self, event: &Event<'_>) {
        for observer in &mut self.observers {
            self.leave |= observer.observe(event).is_break();
        }
    }

    pub(crate) fn wants_the_end(&self) -> bool {
        self.leave || self.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}
