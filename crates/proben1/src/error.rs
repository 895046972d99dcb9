//! What can keep a run from beginning.

/// What can keep a run from beginning.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A rule from numbers that make no sense.
    #[error("the stopping rule: {0}")]
    Rule(#[from] highwater_early_stopping::InvalidRule),
    /// Initial weights that are not finite.
    #[error(transparent)]
    Network(#[from] highwater_nn::Error),
    /// A method with numbers that make no sense.
    #[error(transparent)]
    Method(#[from] highwater_optim::Error),
    /// Nothing to do.
    #[error("a protocol needs at least one epoch, and strips of at least one")]
    NoEpochs,
    /// The operating system gives no threads.
    #[error("cannot start threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}
