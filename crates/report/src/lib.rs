//! What a run shows: while it goes on, at its end, and long after.
//!
//! A run that says nothing is watched with worry; one that prints every step drowns what matters; and three weeks later
//! nobody knows why it stopped where it did. This crate has the observers and texts that answer: how far is it, is
//! it getting better, why did it stop, what was kept, what did stopping save, and where would another rule have stopped?
//! They only watch: no number of a run depends on them.
//!
//! * [`Progress`] shows a run on the terminal: a bar, or lines where there is no terminal, on a [`Screen`] on which others show
//!   their warnings, too.
//! * [`History`] keeps `history.csv`, exact to the bit; [`read_history`] reads it, and [`reconstruct`] tells from it how
//!   the run ended.
//! * [`Summary`] is the end of a run on one screen.
//! * [`Page`] is the whole run as one HTML file.
//!
//! ```
//! use highwater_report::{Look, Progress, Screen, Summary};
//! use highwater_trainer::{Ended, Event, Observer, Record, Report, Score};
//!
//! let record = |epoch, validation_loss| Record {
//!     epoch,
//!     step: 36 * epoch,
//!     training_loss: 0.25,
//!     validation_loss,
//!     metrics: vec![],
//!     learning_rate: 0.01,
//!     gradient_norm: 1.5,
//!     elapsed: 2.0 * epoch as f64,
//!     signals: Default::default(),
//! };
//! let report = Report {
//!     ended: Ended::EpochLimit,
//!     history: vec![record(1, 0.5), record(2, 0.375), record(3, 0.4375)],
//!     best: Some(1),
//!     steps: 108,
//!     epochs: 3,
//!     epoch_limit: 3,
//!     elapsed: 6.0,
//!     saves: Default::default(),
//! };
//!
//! // `fit` and `resume` show an observer every event of a run; this is the last.
//! let mut progress = Progress::new(&Screen::stderr(Look::Auto), Score::Loss);
//! assert!(progress.observe(&Event::Ended(&report)).is_continue());
//!
//! let summary = Summary {
//!     next: &[("highwater evaluate runs/7", "score it again")],
//!     ..Summary::new(&report, Score::Loss)
//! };
//! assert_eq!(
//!     summary.to_string(),
//!     "Ended at the limit of 3 epochs.
//!
//!   kept   the model of epoch 2, the best by validation loss (0.3750)
//!   took   6.0 s for 3 epochs
//! Next  highwater evaluate runs/7  score it again
//! "
//! );
//! ```
//!
//! # A loop that is not `trainer`'s
//! What is shown are values of `trainer`, whose fields are all public: a loop of your own shows them itself, and needs no
//! network of ours. It begins with [`Event::Started`](highwater_trainer::Event::Started) and ends with
//! [`Event::Ended`](highwater_trainer::Event::Ended); [`read_curve`] and [`reconstruct`] are for logs of runs that are over.
//!
//! ```
//! # let dir = tempfile::tempdir()?;
//! # let dir = dir.path();
//! use highwater_report::{About, History, Look, Outcome, Page, Progress, Screen};
//! use highwater_trainer::early_stopping::{EarlyStopping, Goal};
//! use highwater_trainer::{Config, Ended, Event, Observer, Plan, Record, Report, Score, Weights};
//!
//! // What the page and the columns of the history go by; the rest of it is left as it is.
//! let config = Config { epochs: 30, stop: "patience(2)".parse()?, ..Config::default() };
//! let screen = Screen::stderr(Look::Auto);
//! let mut progress = Progress::new(&screen, Score::Loss);
//! let mut history = History::new(dir.join("history.csv"), &config, &screen);
//! let mut show = |event: Event<'_>| {
//!     let _ = (progress.observe(&event), history.observe(&event));
//! };
//! show(Event::Started(&Plan {
//!     training_rows: 100,
//!     validation_rows: 20,
//!     parameters: 1,
//!     steps_per_epoch: 4,
//!     epochs: config.epochs,
//!     steps_per_validation: 4,
//!     resumed_at: None,
//!     history: vec![],
//!     best: None,
//! }));
//! let mut stopper = EarlyStopping::new(Goal::Minimize, config.stop.clone());
//! let (mut records, mut best, mut ended) = (Vec::new(), None, Ended::EpochLimit);
//! for epoch in 1..=config.epochs {
//!     // … train an epoch, then measure …
//!     let validation_loss = 0.2 + (epoch as f64 - 5.0).powi(2) / 100.0;
//!     records.push(Record {
//!         epoch,
//!         step: 4 * epoch,
//!         training_loss: 1.0 / epoch as f64,
//!         validation_loss,
//!         metrics: vec![],
//!         learning_rate: 0.01,
//!         gradient_norm: f64::NAN, // unknown
//!         elapsed: 0.5 * epoch as f64,
//!         signals: Default::default(),
//!     });
//!     let record = &records[records.len() - 1];
//!     let verdict = stopper.observe(&record.observation(Score::Loss));
//!     if verdict.improved {
//!         best = Some(records.len() - 1);
//!     }
//!     show(Event::Validated {
//!         record,
//!         improved: verdict.improved,
//!         best: best.map(|at| &records[at]),
//!         earliest_stop: stopper.earliest_stop(),
//!         weights: Weights::default(),
//!     });
//!     if let Some(reason) = verdict.stop {
//!         ended = Ended::Stopped(reason);
//!         break;
//!     }
//! }
//! let epochs = records.len() as u64;
//! let report = Report {
//!     ended,
//!     best,
//!     steps: 4 * epochs,
//!     epochs,
//!     epoch_limit: config.epochs,
//!     elapsed: 0.5 * epochs as f64,
//!     history: records,
//!     saves: Default::default(),
//! };
//! show(Event::Ended(&report));
//! history.finish()?;
//! let about = About { title: "my own loop", training_rows: 100, ..About::new(&config) };
//! let page = Page { about: &about, report: &report, outcome: &Outcome::default(), refresh: None };
//! page.write(dir.join("report.html"))?;
//!
//! assert_eq!((report.epochs, report.best().map(|record| record.epoch)), (7, Some(5)));
//! assert!(std::fs::read_to_string(dir.join("report.html"))?.contains("no improvement in 2 epochs"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod about;
#[cfg(test)]
mod check;
mod comparison;
mod curve;
mod ending;
mod error;
mod figures;
mod gauge;
mod history;
mod importance;
mod live;
mod outcome;
mod page;
mod progress;
mod reconstruct;
mod screen;
mod signal;
mod standing;
mod summary;
mod tensorboard;

pub use about::{About, ColumnUse};
pub use comparison::{Compared, Comparison};
pub use curve::{Columns, Curve, read_curve};
pub use error::Error;
pub use figures::{Count, Rounded, is_undefined, score_text};
pub use history::{History, is_history, read_history};
pub use importance::{ColumnImportance, Importance};
pub use live::LivePage;
pub use outcome::{Outcome, Predictions, SavedFile, Truth};
pub use page::Page;
pub use progress::Progress;
pub use reconstruct::reconstruct;
pub use screen::{Look, Screen};
pub use summary::{Summary, text_table};
pub use tensorboard::TensorBoard;
