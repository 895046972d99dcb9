//! Every validation of a run, with numbers that stand in line.

use crate::About;
use crate::figures::{Count, decimals};
use highwater_trainer::{Record, Report, Score};

/// The history, with as many decimals in a column as its numbers need.
pub(crate) struct Validations {
    pub(crate) columns: Vec<String>,
    /// Whether a record is that of the kept model, and its numbers.
    pub(crate) rows: Vec<(bool, Vec<String>)>,
}

impl Validations {
    pub(crate) fn of(report: &Report, about: &About<'_>) -> Validations {
        let history = &report.history;
        type Value<'v> = Box<dyn Fn(&Record) -> f64 + 'v>;
        let mut numbers: Vec<(String, Value<'_>)> = vec![
            ("training loss".into(), Box::new(|record| record.training_loss)),
            (about.measured_on.score(Score::Loss), Box::new(|record| record.validation_loss)),
        ];
        for metric in &about.config.metrics {
            numbers.push((metric.to_string(), Box::new(|record| record.score(Score::Metric(*metric)))));
        }
        numbers.push(("learning rate".into(), Box::new(|record| record.learning_rate)));
        numbers.push(("gradient".into(), Box::new(|record| record.gradient_norm)));
        let columns: Vec<Column> =
            numbers.iter().map(|(_, value)| Column::of(history.iter().map(value))).collect();
        let row = |(index, record): (usize, &Record)| {
            let counts = [Count(record.epoch).to_string(), Count(record.step).to_string()];
            let values = numbers.iter().zip(&columns).map(|((_, value), column)| column.text(value(record)));
            let time = std::iter::once(format!("{:.2}", record.elapsed));
            (report.best == Some(index), counts.into_iter().chain(values).chain(time).collect())
        };
        let names = numbers.iter().map(|(name, _)| name.clone());
        let names =
            ["epoch".to_owned(), "step".to_owned()].into_iter().chain(names).chain(["seconds".to_owned()]);
        Validations { columns: names.collect(), rows: history.iter().enumerate().map(row).collect() }
    }
}

/// How the numbers of a column are written.
enum Column {
    Decimals(usize),
    Scientific,
}

impl Column {
    fn of(values: impl Iterator<Item = f64>) -> Column {
        let magnitudes = values.map(f64::abs).filter(|value| value.is_finite() && *value > 0.0);
        let (least, most) = magnitudes.fold((f64::INFINITY, 0.0_f64), |(l, m), v| (l.min(v), m.max(v)));
        match () {
            () if least > most => Column::Decimals(1),
            () if least >= 1e-4 && most < 1e7 => Column::Decimals(decimals(least).min(6)),
            () => Column::Scientific,
        }
    }

    fn text(&self, value: f64) -> String {
        match self {
            _ if !value.is_finite() => value.to_string(),
            Column::Decimals(decimals) => format!("{value:.decimals$}"),
            Column::Scientific => format!("{value:.3e}"),
        }
    }
}
