//! Several metrics at once.

use super::{Classification, Metric, Ranking, Regression, Scores};

/// A list of metrics of the same predictions.
///
/// ```
/// use highwater_objective::metrics::{Evaluation, Metric};
///
/// let mut evaluation = Evaluation::of_values(&[Metric::Mae, Metric::Rmse], 1);
/// evaluation.update_values(&[1.0, 5.0], &[1.0, 3.0]);
/// let values: Vec<_> = evaluation.values().map(|(metric, value)| (metric.name(), value)).collect();
/// assert_eq!(values, [("mae".into(), Some(1.0)), ("rmse".into(), Some(f64::sqrt(2.0)))]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    metrics: Vec<Metric>,
    classification: Option<Classification>,
    /// Only if a metric needs it, since it keeps every score.
    ranking: Option<Ranking>,
    regression: Option<Regression>,
}

impl Evaluation {
    /// Metrics of scores with this many columns.
    ///
    /// # Panics
    /// If a metric is one of values or of no class (top 0), or there is no column.
    #[track_caller]
    pub fn of_classes(metrics: &[Metric], columns: usize, scores: Scores) -> Evaluation {
        if let Some(metric) = metrics.iter().find(|metric| !metric.is_of_classes()) {
            panic!("{metric} is a metric of values, not of classes");
        }
        assert!(!metrics.contains(&Metric::TopKAccuracy(0)), "of a top-k accuracy, k is at least 1");
        let ranks = metrics.iter().any(|metric| matches!(metric, Metric::RocAuc | Metric::AveragePrecision));
        Evaluation {
            metrics: metrics.to_vec(),
            classification: Some(Classification::new(columns, scores)),
            ranking: ranks.then(|| Ranking::new(columns, scores)),
            regression: None,
        }
    }

    /// Metrics of values with this many columns.
    ///
    /// # Panics
    /// If a metric is one of classes, or there is no column.
    #[track_caller]
    pub fn of_values(metrics: &[Metric], columns: usize) -> Evaluation {
        if let Some(metric) = metrics.iter().find(|metric| metric.is_of_classes()) {
            panic!("{metric} is a metric of classes, not of values");
        }
        Evaluation {
            metrics: metrics.to_vec(),
            classification: None,
            ranking: None,
            regression: Some(Regression::new(columns)),
        }
    }

    /// Takes in the scores of more rows, `[rows, columns]` row-major, and their classes.
    ///
    /// # Panics
    /// If the metrics are those of values, the lengths don't fit together, or a label is not a class.
    #[track_caller]
    pub fn update_classes<T: Copy + Into<f64>>(&mut self, scores: &[T], labels: &[u32]) {
        self.classification.as_mut().expect("these are metrics of values").update(scores, labels);
        if let Some(ranking) = &mut self.ranking {
            ranking.update(scores, labels);
        }
    }

    /// Takes in more rows of predictions and targets, `[rows, columns]` row-major.
    ///
    /// # Panics
    /// If the metrics are those of classes, or the lengths don't fit together.
    #[track_caller]
    pub fn update_values<T: Copy + Into<f64>>(&mut self, predictions: &[T], targets: &[T]) {
        self.regression.as_mut().expect("these are metrics of classes").update(predictions, targets);
    }

    /// Each metric with its value, in the order of the list; `None` where nothing defines it.
    pub fn values(&self) -> impl ExactSizeIterator<Item = (Metric, Option<f64>)> {
        self.metrics.iter().map(|&metric| (metric, self.value(metric)))
    }

    fn value(&self, metric: Metric) -> Option<f64> {
        let (classes, order, values) = (&self.classification, &self.ranking, &self.regression);
        match metric {
            Metric::Accuracy => classes.as_ref()?.accuracy(),
            Metric::TopKAccuracy(k) => classes.as_ref()?.top_k_accuracy(k),
            Metric::Precision(average) => classes.as_ref()?.confusion().precision(average),
            Metric::Recall(average) => classes.as_ref()?.confusion().recall(average),
            Metric::F1(average) => classes.as_ref()?.confusion().f1(average),
            Metric::LogLoss => classes.as_ref()?.log_loss(),
            Metric::RocAuc => order.as_ref()?.roc_auc(),
            Metric::AveragePrecision => order.as_ref()?.average_precision(),
            Metric::Mae => values.as_ref()?.mae(),
            Metric::Mse => values.as_ref()?.mse(),
            Metric::Rmse => values.as_ref()?.rmse(),
            Metric::R2 => values.as_ref()?.r2(),
            Metric::Mape => values.as_ref()?.mape(),
            Metric::SquaredErrorPercentage => values.as_ref()?.squared_error_percentage(0.0..=1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_undefined_is_listed_all_the_same() {
        let evaluation = Evaluation::of_classes(&[Metric::RocAuc, Metric::Accuracy], 2, Scores::Logits);
        assert_eq!(
            evaluation.values().collect::<Vec<_>>(),
            [(Metric::RocAuc, None), (Metric::Accuracy, None)]
        );
    }

    #[test]
    #[should_panic(expected = "k is at least 1")]
    fn the_top_0_classes_are_refused() {
        let _ = Evaluation::of_classes(&[Metric::TopKAccuracy(0)], 2, Scores::Logits);
    }

    #[test]
    #[should_panic(expected = "r2 is a metric of values, not of classes")]
    fn a_metric_of_the_other_kind_is_refused() {
        Evaluation::of_classes(&[Metric::Accuracy, Metric::R2], 2, Scores::Logits);
    }

    #[test]
    #[should_panic(expected = "these are metrics of values")]
    fn targets_of_the_other_kind_are_refused() {
        Evaluation::of_values(&[Metric::Mae], 1).update_classes(&[1.0], &[0]);
    }
}
