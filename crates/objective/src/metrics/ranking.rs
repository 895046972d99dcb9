//! Metrics of the order in which scores put the rows.

use super::scores::{self, Scores};

/// ROC AUC and average precision of scores seen so far.
///
/// They depend on how all rows are ordered, so that every score is kept: 8 bytes for each row and class. With more than
/// two classes they are the mean over the classes, each against all others, by the probabilities of the class.
///
/// ```
/// use highwater_objective::metrics::{Ranking, Scores};
///
/// let mut seen = Ranking::new(1, Scores::Probabilities);
/// seen.update(&[0.1, 0.4, 0.35, 0.8], &[0, 0, 1, 1]);
/// assert_eq!(seen.roc_auc(), Some(0.75));
/// assert_eq!(seen.average_precision(), Some((1.0 + 2.0 / 3.0) / 2.0));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    scores: Scores,
    columns: usize,
    /// For each class its (logarithms of) probabilities; of two classes, those of the second.
    by_class: Vec<Vec<f64>>,
    labels: Vec<u32>,
}

impl Ranking {
    /// For rows of this many columns: one for each class, or a single one for class 1 against class 0.
    ///
    /// # Panics
    /// If there is no column.
    #[track_caller]
    pub fn new(columns: usize, scores: Scores) -> Ranking {
        let kept = match scores::classes(columns) {
            2 => 1,
            classes => classes,
        };
        Ranking { scores, columns, by_class: vec![Vec::new(); kept], labels: Vec::new() }
    }

    /// Takes in the scores of more rows, `[rows, columns]` row-major, and their classes.
    ///
    /// # Panics
    /// If the lengths don't fit together, or a label is not a class.
    #[track_caller]
    pub fn update<T: Copy + Into<f64>>(&mut self, scores: &[T], labels: &[u32]) {
        self.scores.visit_rows(self.columns, scores, labels, |row, label| {
            match (self.scores, &mut *row) {
                // What orders the rows, without the rounding of a probability that is nearly 1.
                (Scores::Logits, [first, second]) => *second -= *first,
                (Scores::Logits, row) => scores::log_softmax(row),
                (Scores::Probabilities, _) => {}
            }
            let first = row.len() - self.by_class.len();
            self.by_class.iter_mut().zip(&row[first..]).for_each(|(kept, &score)| kept.push(score));
            self.labels.push(label as u32);
        });
    }

    /// The probability that a row of a class scores higher than a row of another one, ties counting half (the area
    /// under the receiver operating characteristic; Hanley & McNeil 1982).
    pub fn roc_auc(&self) -> Option<f64> {
        self.mean_over_classes(roc_auc)
    }

    /// The curve of each class against all others (of two classes, of the second alone), where it is defined: not without
    /// a row of the class or without any other, and not with a NaN among the scores.
    pub fn roc_curves(&self) -> Vec<RocCurve> {
        let of_class = |(class, scores): (u32, &Vec<f64>)| {
            let thresholds = thresholds(scores, &self.labels, class)?;
            let auc = roc_auc(&thresholds)?;
            let total = |count: fn(&Threshold) -> u64| thresholds.iter().map(count).sum::<u64>() as f64;
            let (positives, negatives) = (total(|rows| rows.positives), total(|rows| rows.negatives));
            let (mut found, mut wrong) = (0, 0);
            let mut points = vec![(0.0, 0.0)];
            for rows in &thresholds {
                found += rows.positives;
                wrong += rows.negatives;
                points.push((wrong as f64 / negatives, found as f64 / positives));
            }
            Some(RocCurve { class: class as usize, points, auc })
        };
        (self.first_class()..).zip(&self.by_class).filter_map(of_class).collect()
    }

    /// The class of the first scores that are kept.
    fn first_class(&self) -> u32 {
        (scores::classes(self.columns) - self.by_class.len()) as u32
    }

    /// Σ (Rₙ - Rₙ₋₁)·Pₙ over the thresholds from the highest score down, with the recall R and the precision P at each:
    /// the area under the precision-recall curve without interpolation.
    pub fn average_precision(&self) -> Option<f64> {
        self.mean_over_classes(average_precision)
    }

    fn mean_over_classes(&self, metric: fn(&[Threshold]) -> Option<f64>) -> Option<f64> {
        let (mut sum, mut classes) = (0.0, 0);
        for (class, scores) in (self.first_class()..).zip(&self.by_class) {
            let value = match thresholds(scores, &self.labels, class) {
                Some(thresholds) => metric(&thresholds),
                None => Some(f64::NAN),
            };
            if let Some(value) = value {
                sum += value;
                classes += 1;
            }
        }
        (classes > 0).then(|| sum / f64::from(classes))
    }
}

/// What share of a class is found at the price of which share of the others, from the highest threshold to the lowest: the
/// receiver operating characteristic.
#[derive(Debug, Clone, PartialEq)]
pub struct RocCurve {
    /// The class.
    pub class: usize,
    /// (Share of the other rows above a threshold, share of the rows of the class above it), from (0, 0) to (1, 1), one
    /// for each different score.
    pub points: Vec<(f64, f64)>,
    /// The area under it.
    pub auc: f64,
}

/// The rows that share a score.
struct Threshold {
    positives: u64,
    negatives: u64,
}

/// The thresholds from the highest score to the lowest, or `None` if a score is NaN.
fn thresholds(scores: &[f64], labels: &[u32], class: u32) -> Option<Vec<Threshold>> {
    if scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut rows: Vec<(f64, bool)> =
        scores.iter().zip(labels).map(|(&score, &label)| (score, label == class)).collect();
    rows.sort_unstable_by(|(a, _), (b, _)| b.total_cmp(a));
    let tied = rows.chunk_by(|(a, _), (b, _)| a == b);
    Some(
        tied.map(|rows| {
            let positives = rows.iter().filter(|(_, positive)| *positive).count() as u64;
            Threshold { positives, negatives: rows.len() as u64 - positives }
        })
        .collect(),
    )
}

/// `None` without a positive or without a negative. The pairs are counted in integers.
fn roc_auc(thresholds: &[Threshold]) -> Option<f64> {
    let (mut above, mut below, mut won_twice) = (0, 0, 0);
    for rows in thresholds {
        won_twice += u128::from(rows.negatives * (2 * above + rows.positives));
        above += rows.positives;
        below += rows.negatives;
    }
    let pairs = u128::from(above) * u128::from(below);
    (pairs > 0).then(|| won_twice as f64 / (2 * pairs) as f64)
}

/// `None` without a positive.
fn average_precision(thresholds: &[Threshold]) -> Option<f64> {
    let (mut found, mut seen, mut sum) = (0, 0, 0.0);
    for rows in thresholds {
        found += rows.positives;
        seen += rows.positives + rows.negatives;
        sum += rows.positives as f64 * (found as f64 / seen as f64);
    }
    (found > 0).then(|| sum / found as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(columns: usize, scores: &[f64], labels: &[u32], expected: (Option<f64>, Option<f64>)) {
        let mut seen = Ranking::new(columns, Scores::Probabilities);
        seen.update(scores, labels);
        assert_eq!((seen.roc_auc(), seen.average_precision()), expected);
    }

    #[test]
    fn what_nothing_defines_is_none() {
        check(1, &[], &[], (None, None));
        check(1, &[0.1, 0.9], &[0, 0], (None, None));
        check(1, &[0.1, 0.9], &[1, 1], (None, Some(1.0)));
        check(3, &[0.2, 0.3, 0.5], &[2], (None, Some(1.0)));
    }

    #[test]
    fn scores_that_are_all_equal_are_a_coin_toss() {
        check(1, &[0.5; 4], &[0, 1, 0, 0], (Some(0.5), Some(0.25)));
        check(1, &[0.0, -0.0], &[0, 1], (Some(0.5), Some(0.5)));
    }

    #[test]
    fn logits_whose_probabilities_are_all_1_are_ordered_too() {
        for (columns, scores) in
            [(1, &[800.0, 750.0, 900.0, 700.0][..]), (2, &[0.0, 800.0, 0.0, 750.0, 0.0, 900.0, 0.0, 700.0])]
        {
            let mut seen = Ranking::new(columns, Scores::Logits);
            seen.update(scores, &[0, 0, 1, 0]);
            assert_eq!((seen.roc_auc(), seen.average_precision()), (Some(1.0), Some(1.0)));
        }
    }

    #[test]
    fn a_nan_score_makes_the_order_unknown() {
        let mut seen = Ranking::new(1, Scores::Logits);
        seen.update(&[f32::NAN, 1.0, 2.0], &[0, 1, 0]);
        assert!(seen.roc_auc().is_some_and(f64::is_nan));
        assert!(seen.average_precision().is_some_and(f64::is_nan));
    }

    #[test]
    fn a_class_that_never_occurs_is_left_out() {
        let third = [0.7, 0.2, 0.1, /**/ 0.3, 0.6, 0.1, /**/ 0.6, 0.3, 0.1];
        check(3, &third, &[0, 1, 0], (Some(1.0), Some(1.0)));
    }

    #[test]
    fn curves_rise_from_nothing_to_everything_and_their_mean_area_is_the_auc() {
        let mut seen = Ranking::new(1, Scores::Probabilities);
        seen.update(&[0.1, 0.4, 0.4, 0.8], &[0, 0, 1, 1]);
        let points = vec![(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)];
        assert_eq!(seen.roc_curves(), [RocCurve { class: 1, points, auc: 0.875 }]);

        let mut seen = Ranking::new(3, Scores::Probabilities);
        seen.update(&[0.7, 0.2, 0.1, /**/ 0.3, 0.6, 0.1, /**/ 0.3, 0.4, 0.3], &[0, 1, 0]);
        let curves = seen.roc_curves();
        assert_eq!(
            curves.iter().map(|curve| (curve.class, curve.auc)).collect::<Vec<_>>(),
            [(0, 0.75), (1, 1.0)]
        );
        assert_eq!(seen.roc_auc(), Some(0.875));
        assert_eq!(Ranking::new(2, Scores::Logits).roc_curves(), []);
    }

    #[test]
    fn logits_far_beyond_the_precision_of_a_probability_keep_their_order() {
        let mut seen = Ranking::new(1, Scores::Logits);
        seen.update(&[60.0_f32, 50.0, 40.0, 70.0], &[1, 0, 0, 1]);
        assert_eq!(seen.roc_auc(), Some(1.0));
    }
}
