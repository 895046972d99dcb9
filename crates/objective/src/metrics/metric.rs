//! The metrics and their names.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Average;

/// A metric to be chosen by name, in a configuration or on a command line.
///
/// ```
/// use highwater_objective::metrics::{Average, Metric};
///
/// assert_eq!(Metric::R2.name(), "r2");
/// assert_eq!("f1_macro".parse(), Ok(Metric::F1(Average::Macro)));
/// assert_eq!("top_5_accuracy".parse(), Ok(Metric::TopKAccuracy(5)));
/// assert!(!Metric::Rmse.higher_is_better());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Metric {
    /// `accuracy`: see [`Classification::accuracy`](super::Classification::accuracy).
    Accuracy,
    /// `top_5_accuracy` and the like, from 1 on: see [`Classification::top_k_accuracy`](super::Classification::top_k_accuracy).
    TopKAccuracy(usize),
    /// `precision_macro`, `precision_micro`, `precision_weighted`: see
    /// [`ConfusionMatrix::precision`](super::ConfusionMatrix::precision).
    Precision(Average),
    /// `recall_macro`, `recall_micro`, `recall_weighted`: see
    /// [`ConfusionMatrix::recall`](super::ConfusionMatrix::recall).
    Recall(Average),
    /// `f1_macro`, `f1_micro`, `f1_weighted`: see [`ConfusionMatrix::f1`](super::ConfusionMatrix::f1).
    F1(Average),
    /// `log_loss`: see [`Classification::log_loss`](super::Classification::log_loss).
    LogLoss,
    /// `roc_auc`: see [`Ranking::roc_auc`](super::Ranking::roc_auc).
    RocAuc,
    /// `average_precision`: see [`Ranking::average_precision`](super::Ranking::average_precision).
    AveragePrecision,
    /// `mae`: see [`Regression::mae`](super::Regression::mae).
    Mae,
    /// `mse`: see [`Regression::mse`](super::Regression::mse).
    Mse,
    /// `rmse`: see [`Regression::rmse`](super::Regression::rmse).
    Rmse,
    /// `r2`: see [`Regression::r2`](super::Regression::r2).
    R2,
    /// `mape`: see [`Regression::mape`](super::Regression::mape).
    Mape,
    /// `squared_error_percentage`, of targets between 0 and 1: see
    /// [`Regression::squared_error_percentage`](super::Regression::squared_error_percentage).
    SquaredErrorPercentage,
}

const NAMES: [(&str, Metric); 19] = [
    ("accuracy", Metric::Accuracy),
    ("precision_macro", Metric::Precision(Average::Macro)),
    ("precision_micro", Metric::Precision(Average::Micro)),
    ("precision_weighted", Metric::Precision(Average::Weighted)),
    ("recall_macro", Metric::Recall(Average::Macro)),
    ("recall_micro", Metric::Recall(Average::Micro)),
    ("recall_weighted", Metric::Recall(Average::Weighted)),
    ("f1_macro", Metric::F1(Average::Macro)),
    ("f1_micro", Metric::F1(Average::Micro)),
    ("f1_weighted", Metric::F1(Average::Weighted)),
    ("log_loss", Metric::LogLoss),
    ("roc_auc", Metric::RocAuc),
    ("average_precision", Metric::AveragePrecision),
    ("mae", Metric::Mae),
    ("mse", Metric::Mse),
    ("rmse", Metric::Rmse),
    ("r2", Metric::R2),
    ("mape", Metric::Mape),
    ("squared_error_percentage", Metric::SquaredErrorPercentage),
];

impl Metric {
    /// The name in reports and files, which parses back.
    pub fn name(self) -> Cow<'static, str> {
        if let Metric::TopKAccuracy(k) = self {
            return Cow::Owned(format!("top_{k}_accuracy"));
        }
        let (name, _) = NAMES.iter().find(|(_, metric)| *metric == self).expect("NAMES has all but top-k");
        Cow::Borrowed(name)
    }

    /// Whether a higher value is a better one.
    pub fn higher_is_better(self) -> bool {
        use Metric::*;
        match self {
            Accuracy | TopKAccuracy(_) | Precision(_) | Recall(_) | F1(_) | RocAuc | AveragePrecision
            | R2 => true,
            LogLoss | Mae | Mse | Rmse | Mape | SquaredErrorPercentage => false,
        }
    }

    /// Whether it judges predicted classes; the others judge predicted values.
    pub fn is_of_classes(self) -> bool {
        use Metric::*;
        match self {
            Accuracy | TopKAccuracy(_) | Precision(_) | Recall(_) | F1(_) => true,
            LogLoss | RocAuc | AveragePrecision => true,
            Mae | Mse | Rmse | R2 | Mape | SquaredErrorPercentage => false,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(name: &str) -> Result<Metric, UnknownMetric> {
        let k = || name.strip_prefix("top_")?.strip_suffix("_accuracy")?.parse().ok().filter(|&k| k > 0);
        let named = NAMES.iter().find(|(known, _)| *known == name).map(|&(_, metric)| metric);
        named.or_else(|| k().map(Metric::TopKAccuracy)).ok_or_else(|| UnknownMetric { name: name.to_owned() })
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> String {
        metric.name().into_owned()
    }
}

impl TryFrom<String> for Metric {
    type Error = UnknownMetric;

    fn try_from(name: String) -> Result<Metric, UnknownMetric> {
        name.parse()
    }
}

/// No metric has this name; the message lists those there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownMetric {
    /// The name that was asked for.
    pub name: String,
}

impl fmt::Display for UnknownMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown metric `{}`; there are top_K_accuracy", self.name)?;
        NAMES.iter().try_for_each(|(name, _)| write!(f, ", {name}"))
    }
}

impl Error for UnknownMetric {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Evaluation, Scores};

    #[test]
    fn every_name_parses_back() {
        for metric in NAMES.map(|(_, metric)| metric).into_iter().chain([Metric::TopKAccuracy(3)]) {
            assert_eq!(metric.name().parse(), Ok(metric));
            assert_eq!(metric.to_string(), metric.name());
        }
    }

    #[test]
    fn right_predictions_are_better_in_the_direction_that_a_metric_names() {
        for metric in NAMES.map(|(_, metric)| metric).into_iter().chain([Metric::TopKAccuracy(1)]) {
            let value = |right: bool| {
                let mut seen;
                if metric.is_of_classes() {
                    let (own, other) = if right { (0.9, 0.1) } else { (0.1, 0.9) };
                    seen = Evaluation::of_classes(&[metric], 2, Scores::Probabilities);
                    seen.update_classes(&[own, other, other, own], &[0, 1]);
                } else {
                    seen = Evaluation::of_values(&[metric], 1);
                    seen.update_values(&[if right { 1.0 } else { 3.0 }, 2.0], &[1.0, 2.0]);
                }
                seen.values().next().unwrap().1.unwrap()
            };
            let (right, wrong) = (value(true), value(false));
            let higher_is_better = metric.higher_is_better();
            assert!(
                if higher_is_better { right > wrong } else { right < wrong },
                "{metric}: {right} {wrong}"
            );
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        for name in ["acc", "top_0_accuracy", "top_-1_accuracy", "Accuracy", ""] {
            let message = name.parse::<Metric>().unwrap_err().to_string();
            assert!(message.starts_with(&format!("unknown metric `{name}`; there are ")), "{message}");
            assert!(message.contains(", roc_auc, "), "{message}");
        }
    }

    #[test]
    fn in_a_configuration_a_metric_is_its_name() {
        let metrics = vec![Metric::F1(Average::Weighted), Metric::TopKAccuracy(5)];
        let text = serde_json::to_string(&metrics).unwrap();
        assert_eq!(text, r#"["f1_weighted","top_5_accuracy"]"#);
        assert_eq!(serde_json::from_str::<Vec<Metric>>(&text).unwrap(), metrics);
        assert!(serde_json::from_str::<Metric>("\"loss\"").is_err());
    }
}
