//! How good are these predictions? Metrics over slices, fed batch by batch.
//!
//! Three accumulators take batches of row-major predictions, in `f32` or `f64`, and answer at any time:
//! [`Classification`] (accuracy, top-k accuracy, log loss and, through its [`ConfusionMatrix`], precision, recall and
//! F1) and [`Regression`] keep a few numbers; [`Ranking`] (ROC AUC, average precision) must keep every score, since the
//! order of all rows matters. [`Evaluation`] feeds whichever a list of [`Metric`]s needs.
//!
//! ```
//! use highwater_objective::metrics::{Average, Classification, Scores};
//!
//! let mut seen = Classification::new(3, Scores::Logits);
//! seen.update(&[2.0_f32, 0.1, 0.3, /**/ 0.2, 0.1, 1.5], &[0, 2]);
//! seen.update(&[0.9_f32, 0.8, 0.1], &[1]);
//!
//! assert_eq!(seen.accuracy(), Some(2.0 / 3.0));
//! assert_eq!(seen.top_k_accuracy(2), Some(1.0));
//! assert_eq!(seen.confusion().count(1, Some(0)), 1);
//! assert_eq!(seen.confusion().precision(Average::Macro), Some(0.5));
//! ```
//!
//! What the definitions leave open is decided as follows, and otherwise as scikit-learn does it.
//!
//! - **Batches don't matter.** Counts are integers and sums run in the order of the rows, so that a value has the same
//!   bits however the rows were divided.
//! - **Every row counts once.** There are no sample weights: the losses ([`Loss::between`](crate::Loss::between)) have them.
//! - **Undefined is `None`**: every metric of no rows, ROC AUC of rows that are all of one class, average precision
//!   without a positive, R² of fewer than two rows.
//! - **Absent classes have no say.** A class that neither occurs nor is predicted is left out of macro averages, and a
//!   class for which ROC AUC or average precision is undefined out of the mean over classes.
//! - **Ties** go to the class that comes first.
//! - **NaN is never right.** A row with a NaN score predicts nothing: it counts as wrong, whatever its class. Every
//!   metric that is computed from the values themselves becomes NaN.

mod classification;
mod confusion;
mod evaluation;
mod metric;
mod ranking;
mod regression;
mod scores;

pub use classification::Classification;
pub use confusion::{Average, ClassScores, ConfusionMatrix};
pub use evaluation::Evaluation;
pub use metric::{Metric, UnknownMetric};
pub use ranking::{Ranking, RocCurve};
pub use regression::Regression;
pub use scores::Scores;

/// `numerator / denominator`, or `None` if the denominator is zero.
fn ratio(numerator: u64, denominator: u64) -> Option<f64> {
    (denominator > 0).then(|| numerator as f64 / denominator as f64)
}
