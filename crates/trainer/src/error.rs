//! What can end a run with an error.

use thiserror::Error as ThisError;

/// What ended a run with an error.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// A setting that makes no sense.
    #[error("{field} = {value}: it must {must}")]
    Setting {
        /// Its name.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        must: &'static str,
    },
    /// A stopping rule that makes no sense.
    #[error("the stopping rule: {what}")]
    Rule {
        /// What is wrong with it.
        what: String,
    },
    /// The network.
    #[error(transparent)]
    Network(#[from] highwater_nn::Error),
    /// The optimizer or the schedule.
    #[error(transparent)]
    Optimizer(#[from] highwater_optim::Error),
    /// The loss.
    #[error(transparent)]
    Loss(#[from] highwater_objective::Error),
    /// Nothing to train on.
    #[error("there are no training rows")]
    NoRows,
    /// Data of another width or kind than the model and the loss need.
    #[error("the {part} data have {found}, and the model needs {needed}")]
    Data {
        /// `training` or `validation`.
        part: &'static str,
        /// What they have.
        found: String,
        /// What is needed.
        needed: String,
    },
    /// A fresh run in a store that holds checkpoints of another.
    #[error("{dir} holds checkpoints already: resume that run, or choose another folder")]
    NotEmpty {
        /// The store's folder.
        dir: String,
    },
    /// A checkpoint of another model or optimizer, or of a step that does not serve.
    #[error("{checkpoint} does not go with this run: {what}")]
    Mismatch {
        /// Which checkpoint.
        checkpoint: String,
        /// What differs.
        what: String,
    },
    /// A file of another program whose arrays are not those of the model.
    #[error("{file} does not fit the model: {what}")]
    Foreign {
        /// Which file.
        file: String,
        /// What does not fit.
        what: String,
    },
    /// Saving or loading.
    #[error(transparent)]
    Checkpoint(#[from] highwater_checkpoint::Error),
}
