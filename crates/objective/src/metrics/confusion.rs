//! Which class was taken for which.

use super::ratio;

/// How the scores of the classes become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Average {
    /// The mean over the classes: a rare class counts as much as a frequent one. The default.
    #[default]
    Macro,
    /// One score from the counts of all classes together: a frequent class counts more.
    Micro,
    /// The mean over the classes, each weighted by its number of rows.
    Weighted,
}

/// The scores of one class against all others, `None` where nothing defines them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassScores {
    /// The share of rows predicted to be of the class that are; `None` if none was predicted.
    pub precision: Option<f64>,
    /// The share of rows of the class that were found; `None` if there was none.
    pub recall: Option<f64>,
    /// The harmonic mean of the two, 2·TP / (2·TP + FP + FN); `None` if the class neither occurs nor is predicted.
    pub f1: Option<f64>,
    /// The rows of the class.
    pub support: u64,
}

/// Counts of (actual, predicted) classes, and what follows from them.
///
/// ```
/// use highwater_objective::metrics::{Average, ConfusionMatrix};
///
/// let mut matrix = ConfusionMatrix::new(2);
/// for (actual, predicted) in [(0, 0), (0, 0), (0, 1), (1, 1)] {
///     matrix.record(actual, Some(predicted));
/// }
/// assert_eq!(matrix.accuracy(), Some(0.75));
/// assert_eq!(matrix.class(1).precision, Some(0.5));
/// assert_eq!(matrix.recall(Average::Macro), Some((2.0 / 3.0 + 1.0) / 2.0));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: usize,
    /// `classes` rows, one for each actual class, of `classes + 1` predictions, the last for "none".
    counts: Vec<u64>,
}

/// Rows of a class that were found, predicted as it, and there.
#[derive(Clone, Copy, Default)]
struct Tally {
    found: u64,
    predicted: u64,
    actual: u64,
}

impl Tally {
    fn precision(self) -> Option<f64> {
        ratio(self.found, self.predicted)
    }

    fn recall(self) -> Option<f64> {
        ratio(self.found, self.actual)
    }

    fn f1(self) -> Option<f64> {
        ratio(2 * self.found, self.predicted + self.actual)
    }
}

impl ConfusionMatrix {
    /// An empty matrix of this many classes.
    pub fn new(classes: usize) -> ConfusionMatrix {
        ConfusionMatrix { classes, counts: vec![0; classes * (classes + 1)] }
    }

    /// Counts a row of class `actual` that was taken for `predicted`, or for nothing at all.
    ///
    /// # Panics
    /// If there is no such class.
    #[track_caller]
    pub fn record(&mut self, actual: usize, predicted: Option<usize>) {
        let index = self.index(actual, predicted);
        self.counts[index] += 1;
    }

    /// How many rows of class `actual` were taken for `predicted`, or for nothing at all.
    ///
    /// # Panics
    /// If there is no such class.
    #[track_caller]
    pub fn count(&self, actual: usize, predicted: Option<usize>) -> u64 {
        self.counts[self.index(actual, predicted)]
    }

    #[track_caller]
    fn index(&self, actual: usize, predicted: Option<usize>) -> usize {
        let classes = self.classes;
        for class in [Some(actual), predicted].into_iter().flatten() {
            assert!(class < classes, "class {class}: there are {classes} classes");
        }
        actual * (classes + 1) + predicted.unwrap_or(classes)
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The number of rows recorded.
    pub fn rows(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn tally(&self, class: usize) -> Tally {
        let predicted = (0..self.classes).map(|actual| self.count(actual, Some(class)));
        let actual = &self.counts[class * (self.classes + 1)..][..self.classes + 1];
        Tally {
            found: self.count(class, Some(class)),
            predicted: predicted.sum(),
            actual: actual.iter().sum(),
        }
    }

    fn tallies(&self) -> impl Iterator<Item = Tally> {
        (0..self.classes).map(|class| self.tally(class))
    }

    /// The scores of one class.
    ///
    /// # Panics
    /// If there is no such class.
    #[track_caller]
    pub fn class(&self, class: usize) -> ClassScores {
        let tally = self.tally(class);
        ClassScores {
            precision: tally.precision(),
            recall: tally.recall(),
            f1: tally.f1(),
            support: tally.actual,
        }
    }

    /// The share of rows whose class was found.
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.tallies().map(|tally| tally.found).sum(), self.rows())
    }

    /// Of what was predicted to be of a class, the share that is. A class that occurs but was never predicted counts
    /// as 0.
    pub fn precision(&self, average: Average) -> Option<f64> {
        self.average(average, Tally::precision)
    }

    /// Of what is of a class, the share that was found. A class that was predicted but never occurs counts as 0.
    pub fn recall(&self, average: Average) -> Option<f64> {
        self.average(average, Tally::recall)
    }

    /// The harmonic mean of precision and recall, of each class before they are averaged.
    pub fn f1(&self, average: Average) -> Option<f64> {
        self.average(average, Tally::f1)
    }

    fn average(&self, average: Average, score: fn(Tally) -> Option<f64>) -> Option<f64> {
        if self.rows() == 0 {
            return None;
        }
        let mean = |weight: fn(Tally) -> u64| {
            let (mut sum, mut weights) = (0.0, 0);
            for tally in self.tallies().filter(|tally| tally.actual + tally.predicted > 0) {
                sum += weight(tally) as f64 * score(tally).unwrap_or(0.0);
                weights += weight(tally);
            }
            sum / weights as f64
        };
        Some(match average {
            Average::Macro => mean(|_| 1),
            Average::Weighted => mean(|tally| tally.actual),
            Average::Micro => {
                let total = self.tallies().fold(Tally::default(), |total, tally| Tally {
                    found: total.found + tally.found,
                    predicted: total.predicted + tally.predicted,
                    actual: total.actual + tally.actual,
                });
                score(total).unwrap_or(0.0)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(classes: usize, rows: &[(usize, Option<usize>)]) -> ConfusionMatrix {
        let mut matrix = ConfusionMatrix::new(classes);
        rows.iter().for_each(|&(actual, predicted)| matrix.record(actual, predicted));
        matrix
    }

    #[test]
    fn nothing_recorded_means_nothing_defined() {
        let empty = matrix(3, &[]);
        assert_eq!(empty.accuracy(), None);
        assert_eq!(empty.f1(Average::Macro), None);
        assert_eq!(empty.precision(Average::Micro), None);
        assert_eq!(empty.class(2), ClassScores { precision: None, recall: None, f1: None, support: 0 });
    }

    #[test]
    fn a_row_without_a_prediction_lowers_recall_but_not_precision() {
        let matrix = matrix(2, &[(0, Some(0)), (0, None), (1, Some(1)), (1, Some(1))]);
        assert_eq!(matrix.accuracy(), Some(0.75));
        assert_eq!(matrix.precision(Average::Micro), Some(1.0));
        assert_eq!(matrix.recall(Average::Micro), Some(0.75));
        assert_eq!(matrix.class(0).recall, Some(0.5));
    }

    #[test]
    fn an_absent_class_does_not_change_a_macro_average() {
        let rows = [(0, Some(0)), (0, Some(1)), (1, Some(1))];
        assert_eq!(matrix(2, &rows).f1(Average::Macro), matrix(5, &rows).f1(Average::Macro));
    }

    #[test]
    #[should_panic(expected = "class 2: there are 2 classes")]
    fn a_class_that_does_not_exist_is_refused() {
        ConfusionMatrix::new(2).record(0, Some(2));
    }
}
