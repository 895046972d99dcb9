//! The charts of a run: losses, metrics, learning rate, gradient.

use super::chart::{Chart, Curve};
use crate::About;
use crate::figures::{Count, Rounded, capitalised, counted};
use highwater_trainer::{Ended, Record, Report, Score};

/// Loss first, which takes the whole width.
pub(crate) fn charts(report: &Report, about: &About<'_>) -> Vec<Chart> {
    let history = &report.history;
    if history.is_empty() {
        return Vec::new();
    }
    let curve = |name: &str, class, value: &dyn Fn(&Record) -> f64| Curve {
        name: name.to_owned(),
        class,
        values: history.iter().map(value).collect(),
    };
    let losses = vec![
        curve("training", "training", &|record| record.training_loss),
        curve(about.measured_on.name(), "validation", &|record| record.validation_loss),
    ];
    let mut charts = vec![chart(report, "Loss", losses, Some(1), true)];
    for metric in &about.config.metrics {
        let score = Score::Metric(*metric);
        let values = curve(about.measured_on.name(), "validation", &|record| record.score(score));
        let title = capitalised(&about.measured_on.score(score));
        charts.push(chart(report, &title, vec![values], Some(0), false));
    }
    for (title, name, value) in [
        ("Learning rate", "rate", (|record| record.learning_rate) as fn(&Record) -> f64),
        ("Norm of the gradient", "norm", |record| record.gradient_norm),
    ] {
        charts.push(chart(report, title, vec![curve(name, "rate", &value)], None, true));
    }
    charts
}

fn chart(
    report: &Report,
    title: &str,
    curves: Vec<Curve>,
    marked: Option<usize>,
    may_be_logarithmic: bool,
) -> Chart {
    let history = &report.history;
    let each_epoch = history.windows(2).all(|pair| pair[0].epoch < pair[1].epoch);
    let place = |record: &Record| if each_epoch { record.epoch } else { record.step };
    let unit = if each_epoch { "epoch" } else { "step" };
    let places: Vec<u64> = history.iter().map(place).collect();
    let text = curves.iter().map(|curve| told(curve, unit, &places, report.best));
    Chart {
        title: title.to_owned(),
        text: text.collect::<Vec<_>>().join(" "),
        unit,
        places,
        whole_width: curves.len() > 1,
        curves,
        kept: report.best,
        marked,
        stopped: matches!(report.ended, Ended::Stopped(_)),
        may_be_logarithmic,
    }
}

/// A curve in words: its ends, and what it is at the kept record.
fn told(curve: &Curve, unit: &str, places: &[u64], kept: Option<usize>) -> String {
    let values = &curve.values;
    let name = capitalised(&curve.name);
    if values.iter().all(|value| value.to_bits() == values[0].to_bits()) {
        return format!("{name}: {} throughout.", Rounded(values[0]));
    }
    let [first, last] = [0, places.len() - 1];
    let at = |index: usize| format!("{} at {unit} {}", Rounded(values[index]), Count(places[index]));
    let kept = kept.filter(|best| *best != first && *best != last);
    let between = kept.map_or(String::new(), |best| format!(", {} (kept)", at(best)));
    let gaps = match values.iter().filter(|value| !value.is_finite()).count() as u64 {
        0 => String::new(),
        gaps => format!("; not finite in {}", counted(gaps, "record")),
    };
    format!("{name}: {}{between}, {}{gaps}.", at(first), at(last))
}
