//! When to stop training, and which observation was best.
//!
//! A validation error falls, wiggles, and rises. Who stops at the first rise stops too early; who trains on
//! wastes time; who keeps the last model keeps the wrong one. This crate decides both questions, *stop now?*
//! and *which one was best?*, from numbers alone. It knows no models, files or clocks, has no dependencies,
//! and works in any training loop:
//!
//! ```
//! use highwater_early_stopping::{EarlyStopping, Goal, Observation, Rule};
//!
//! let rule: Rule = "patience(3, min_delta=0.01) or gl(40) or epochs(100)".parse()?;
//! let mut stopper = EarlyStopping::new(Goal::Minimize, rule);
//!
//! let validation_losses = [0.91, 0.62, 0.64, 0.55, 0.57, 0.549, 0.56, 0.58];
//! for (epoch, loss) in (1..).zip(validation_losses) {
//!     // … train an epoch, then measure the loss …
//!     let verdict = stopper.observe(&Observation::new(epoch, loss));
//!     if verdict.improved {
//!         // … keep a copy of the model …
//!     }
//!     if let Some(reason) = verdict.stop {
//!         assert_eq!(epoch, 7);
//!         assert_eq!(reason.to_string(), "no improvement by 0.01 in 3 epochs: best 0.55 at epoch 4");
//!         break;
//!     }
//! }
//! let best = stopper.best().unwrap();
//! assert_eq!((best.at, best.value), (6, 0.549));
//! # Ok::<(), highwater_early_stopping::ParseError>(())
//! ```
//!
//! As the example shows, *best* is apart from *stop*: the gain of epoch 6 was too small to go on for, and its
//! model is still the best there was.
//!
//! * [`Rule`] lists the rules and how they are composed; each has a page with its source and its degenerate
//!   cases.
//! * [`StopReason`] says which rule fired, with which values, and prints as a sentence.
//! * [`BestTracker`] keeps the best observations whatever ends the run, also by another metric than the one
//!   that stops it.
//! * [`NonFinite`] names what NaN does. It is never an improvement and never the best.
//! * [`replay`] shows recorded runs to other rules: where they would have stopped, and at what price.
//! * [`StoppingRule`] is for rules of your own.
//! * [`peers`] says the settings of Keras, PyTorch Lightning, XGBoost and others in rules.
//!
//! The guide (`docs/stopping` in the repository) has a page for each family of rules, with pictures of where they
//! stop.
//!
//! # What a rule goes by
//! Most rules go by the value alone. `time(30m)` also goes by the training time, which this crate cannot know, `pq` by
//! the training loss, and so on: a rule that is not shown what it goes by decides nothing, and never stops the run.
//! [`Rule::goes_by`] tells what it takes, before it is trained for:
//!
//! ```
//! # use core::time::Duration;
//! use highwater_early_stopping::{EarlyStopping, Goal, Observation, Rule, Signal};
//!
//! let rule: Rule = "patience(20) or time(30m)".parse()?;
//! assert!(rule.goes_by(Signal::Elapsed) && !rule.goes_by(Signal::Train));
//! let mut stopper = EarlyStopping::new(Goal::Minimize, rule);
//! let started = std::time::Instant::now();
//! // A run that was continued adds what its history ended with.
//! let before = Duration::from_secs(1795);
//! let elapsed = Some(before + started.elapsed() + Duration::from_secs(5));
//! let verdict = stopper.observe(&Observation { elapsed, ..Observation::new(1, 0.62) });
//! assert!(verdict.stop.unwrap().to_string().starts_with("of the time limit of 30m, 30m are used"));
//! # Ok::<(), highwater_early_stopping::ParseError>(())
//! ```
//!
//! # Continuing a run
//! Rules keep no state that their history does not determine. Store the rule and the observations; to
//! continue, show the observations to a new [`EarlyStopping`] with [`replay`](EarlyStopping::replay). A rule
//! that was changed in between then simply applies, as if it had been there from the beginning:
//!
//! ```
//! # use highwater_early_stopping::{EarlyStopping, Goal, Observation, Rule};
//! let history = [(1, 0.9), (2, 0.5), (3, 0.6)].map(|(epoch, loss)| Observation::new(epoch, loss));
//! let mut stopper = EarlyStopping::new(Goal::Minimize, Rule::patience(2));
//! assert_eq!(stopper.replay(&history).stop, None);
//! assert!(stopper.observe(&Observation::new(4, 0.7)).stop.is_some());
//! ```
//!
//! # Features
//! `serde`: observations, rules (as their text), reasons and outcomes can be serialized. Formats without NaN,
//! such as JSON, get numbers that are not finite as the strings `"nan"`, `"inf"` and `"-inf"`.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod best;
#[cfg(test)]
mod check;
mod delta;
mod elementary;
mod evidence;
#[cfg(feature = "serde")]
mod float;
mod goal;
mod non_finite;
mod observation;
mod reason;
mod replay;
mod rule;
mod signal;
mod span;
mod stopping;
mod text;

#[doc = include_str!("../PEERS.md")]
pub mod peers {}

/// The examples of the guide's pages about rules.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../../docs/stopping/patience.md")]
    mod patience {}
    #[doc = include_str!("../../../docs/stopping/prechelt.md")]
    mod prechelt {}
    #[doc = include_str!("../../../docs/stopping/limits.md")]
    mod limits {}
    #[doc = include_str!("../../../docs/stopping/noise.md")]
    mod noise {}
    #[doc = include_str!("../../../docs/stopping/plateau.md")]
    mod plateau {}
    #[doc = include_str!("../../../docs/stopping/without-validation.md")]
    mod without_validation {}
    #[doc = include_str!("../../../docs/stopping/composition.md")]
    mod composition {}
    #[doc = include_str!("../../../docs/stopping/best-and-stop.md")]
    mod best_and_stop {}
    #[doc = include_str!("../../../docs/stopping/replaying.md")]
    mod replaying {}
}

pub use best::{Best, BestTracker, Selection, Ties};
pub use delta::Delta;
pub use evidence::GradientEvidence;
pub use goal::Goal;
pub use non_finite::NonFinite;
pub use observation::Observation;
pub use reason::StopReason;
pub use replay::{Outcome, Spread, Stop, Summary, replay};
pub use rule::{
    Divergence, GeneralizationLoss, IncToDec, InvalidRule, Patience, Plateau, ProgressBelow,
    ProgressQuotient, Rises, Rule, Smoothing,
};
pub use signal::Signal;
pub use span::{Span, Unit};
pub use stopping::{EarlyStopping, StoppingRule, Verdict};
pub use text::{ParseError, Problem};
