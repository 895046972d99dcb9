//! Metrics of predicted classes that a few counts suffice for.

use super::scores::{self, Scores};
use super::{ConfusionMatrix, ratio};

/// The least and, from one, the greatest probability that log loss believes in, as in scikit-learn.
const CLIP: f64 = f64::EPSILON;

/// Accuracy, top-k accuracy, log loss and the confusion matrix of scores seen so far.
///
/// The predicted class of a row is the one with the highest score, the first of them if several are.
///
/// ```
/// use highwater_objective::metrics::{Classification, Scores};
///
/// let mut seen = Classification::new(1, Scores::Probabilities);
/// seen.update(&[0.9, 0.2, 0.6], &[1, 0, 0]);
/// assert_eq!(seen.accuracy(), Some(2.0 / 3.0));
/// assert_eq!(seen.log_loss(), Some(-(0.9_f64.ln() + 0.8_f64.ln() + 0.4_f64.ln()) / 3.0));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Classification {
    scores: Scores,
    columns: usize,
    confusion: ConfusionMatrix,
    /// How many rows had so many classes before their own.
    ranks: Vec<u64>,
    surprise: f64,
}

impl Classification {
    /// For rows of this many columns: one for each class, or a single one for class 1 against class 0.
    ///
    /// # Panics
    /// If there is no column.
    #[track_caller]
    pub fn new(columns: usize, scores: Scores) -> Classification {
        let classes = scores::classes(columns);
        Classification {
            scores,
            columns,
            confusion: ConfusionMatrix::new(classes),
            ranks: vec![0; classes],
            surprise: 0.0,
        }
    }

    /// Takes in the scores of more rows, `[rows, columns]` row-major, and their classes.
    ///
    /// # Panics
    /// If the lengths don't fit together, or a label is not a class.
    #[track_caller]
    pub fn update<T: Copy + Into<f64>>(&mut self, scores: &[T], labels: &[u32]) {
        self.scores.visit_rows(self.columns, scores, labels, |row, label| {
            if row.iter().any(|score| score.is_nan()) {
                self.confusion.record(label, None);
                self.surprise = f64::NAN;
                return;
            }
            let best =
                (1..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best });
            self.confusion.record(label, Some(best));

            let own = row[label];
            let before = row[..label].iter().filter(|&&score| score >= own).count();
            let after = row[label + 1..].iter().filter(|&&score| score > own).count();
            self.ranks[before + after] += 1;

            self.surprise -= match self.scores {
                Scores::Probabilities => own.clamp(CLIP, 1.0 - CLIP).ln(),
                Scores::Logits => {
                    scores::log_softmax(row);
                    row[label]
                }
            };
        });
    }

    /// Which class was taken for which, and with it precision, recall and F1.
    pub fn confusion(&self) -> &ConfusionMatrix {
        &self.confusion
    }

    /// The share of rows whose class was predicted.
    pub fn accuracy(&self) -> Option<f64> {
        self.confusion.accuracy()
    }

    /// The share of rows whose class is among the `k` with the highest scores.
    pub fn top_k_accuracy(&self, k: usize) -> Option<f64> {
        ratio(self.ranks.iter().take(k).sum(), self.confusion.rows())
    }

    /// The mean of -ln p, in nats, where p is the probability given to the row's class. Probabilities are clipped to
    /// \[ε, 1 - ε\] with the ε of `f64`; logits need no clipping.
    pub fn log_loss(&self) -> Option<f64> {
        let rows = self.confusion.rows();
        (rows > 0).then(|| self.surprise / rows as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_class_that_comes_first() {
        let mut seen = Classification::new(3, Scores::Logits);
        seen.update(&[1.0_f32, 1.0, 0.0, /**/ 1.0, 1.0, 0.0, /**/ 0.0, 0.0, 0.0], &[0, 1, 2]);
        assert_eq!(seen.accuracy(), Some(1.0 / 3.0));
        assert_eq!([1, 2, 3].map(|k| seen.top_k_accuracy(k)), [Some(1.0 / 3.0), Some(2.0 / 3.0), Some(1.0)]);
        assert_eq!(seen.confusion().count(1, Some(0)), 1);
    }

    #[test]
    fn a_row_with_a_nan_is_wrong_for_every_k_and_spoils_the_log_loss() {
        let mut seen = Classification::new(2, Scores::Logits);
        seen.update(&[f32::NAN, 1.0, /**/ 0.0, 1.0], &[1, 1]);
        assert_eq!(seen.accuracy(), Some(0.5));
        assert_eq!(seen.top_k_accuracy(2), Some(0.5));
        assert!(seen.log_loss().is_some_and(f64::is_nan));
    }

    #[test]
    fn nothing_is_defined_without_rows() {
        let mut seen = Classification::new(4, Scores::Logits);
        seen.update::<f32>(&[], &[]);
        assert_eq!((seen.accuracy(), seen.top_k_accuracy(2), seen.log_loss()), (None, None, None));
    }

    #[test]
    fn log_loss_of_huge_logits_is_their_distance() {
        let mut seen = Classification::new(2, Scores::Logits);
        seen.update(&[1e4_f32, -1e4], &[1]);
        assert_eq!(seen.log_loss(), Some(2e4));
    }
}
