//! What a model says of rows whose values are known.

use super::axis::Axis;
use super::frame::Frame;
use super::plot::Plot;
use crate::figures::{Rounded, counted, shortened};
use highwater_objective::metrics::{Evaluation, Metric};
use ndarray::{Array2, ArrayView1};

/// So many targets are shown.
const TARGETS: usize = 6;
/// So many points are drawn.
const POINTS: usize = 600;
/// So many bars.
const BARS: usize = 24;

/// For each target, predicted against true values, and the errors.
pub(crate) fn plots(outputs: &Array2<f64>, names: &[String], truth: &Array2<f64>) -> Vec<Plot> {
    let of_target = |(target, name): (usize, &String)| {
        let (predicted, actual) = (outputs.column(target), truth.column(target));
        let name = if names.len() > 1 { format!("{}: ", shortened(name, 24)) } else { String::new() };
        [scatter(&name, predicted, actual), errors(&name, predicted, actual)]
    };
    names.iter().enumerate().take(TARGETS).flat_map(of_target).flatten().collect()
}

fn scatter(name: &str, predicted: ArrayView1<'_, f64>, actual: ArrayView1<'_, f64>) -> Option<Plot> {
    let points: Vec<(f64, f64)> = actual.iter().zip(predicted).map(|(a, p)| (*a, *p)).collect();
    let finite: Vec<(f64, f64)> = points.iter().copied().filter(|(a, p)| (a + p).is_finite()).collect();
    let all = || finite.iter().flat_map(|(a, p)| [*a, *p]);
    let (least, most) = (all().reduce(f64::min)?, all().reduce(f64::max)?);
    let axis = Axis::of(all(), 5, false);
    let frame = Frame::small(("true", axis), ("predicted", axis));
    let every = finite.len().div_ceil(POINTS);
    let shown: Vec<(f64, f64)> = finite.iter().copied().step_by(every).collect();
    let mut rows = counted(finite.len() as u64, "row");
    if shown.len() < finite.len() {
        rows = format!("{} of {rows}, evenly chosen", shown.len());
    }
    let lost = match (points.len() - finite.len()) as u64 {
        0 => String::new(),
        lost => format!("; {} without a finite prediction", counted(lost, "more row")),
    };
    let (from, to) = (Rounded(least), Rounded(most));
    let text = format!(
        "{rows}, from {from} to {to}{lost}. On the diagonal the prediction is right.{}",
        if name.is_empty() { String::new() } else { scores(predicted, actual) }
    );
    let marks = vec![
        frame.line("reference", [(least, least), (most, most)]),
        frame.dots(if shown.len() > 150 { "small k0" } else { "k0" }, shown),
    ];
    Some(Plot { title: format!("{name}Predicted against true"), text, frame, marks, keys: Vec::new() })
}

/// Those of one target among several, whose means are of little use where their units differ.
fn scores(predicted: ArrayView1<'_, f64>, actual: ArrayView1<'_, f64>) -> String {
    let mut evaluation = Evaluation::of_values(&[Metric::R2, Metric::Mae, Metric::Rmse], 1);
    evaluation.update_values(&predicted.to_vec(), &actual.to_vec());
    let values =
        evaluation.values().filter_map(|(metric, value)| Some(format!("{metric} {}", Rounded(value?))));
    format!(" Of this target: {}.", values.collect::<Vec<_>>().join(", "))
}

/// A difference with its sign.
fn signed(difference: f64) -> String {
    format!("{}{}", if difference > 0.0 { "+" } else { "" }, Rounded(difference))
}

/// How often errors of each size occur.
fn errors(name: &str, predicted: ArrayView1<'_, f64>, actual: ArrayView1<'_, f64>) -> Option<Plot> {
    let mut errors: Vec<f64> = predicted.iter().zip(actual).map(|(p, a)| p - a).collect();
    errors.retain(|error| error.is_finite());
    errors.sort_by(f64::total_cmp);
    let quantile = |share: f64| errors.get(((errors.len().max(1) - 1) as f64 * share).round() as usize);
    let (first, low, middle, high, last) =
        (*quantile(0.0)?, *quantile(0.05)?, *quantile(0.5)?, *quantile(0.95)?, *quantile(1.0)?);
    // A few far errors must not squeeze all others into one bar.
    let reach = 1.5 * (high - low);
    let (from, to) = (first.max(low - reach), last.min(high + reach));
    let x_axis = Axis::of([from, to].into_iter(), 5, false);
    let (from, to) = x_axis.ends();
    let width = (to - from) / BARS as f64;
    let mut bars = [0_u64; BARS];
    let mut beyond = 0;
    for error in &errors {
        match ((error - from) / width).floor() {
            place if (0.0..BARS as f64).contains(&place) => bars[place as usize] += 1,
            _ if *error == to => bars[BARS - 1] += 1,
            _ => beyond += 1,
        }
    }
    let most = bars.iter().copied().max().unwrap_or(0) as f64;
    let frame = Frame::small(
        ("error: predicted − true", x_axis),
        ("rows", Axis::of([0.0, most].into_iter(), 4, false)),
    );
    let gap = 0.04 * width;
    let drawn = bars.iter().enumerate().map(|(bar, rows)| {
        let edge = |bar: usize| from + bar as f64 * width;
        (edge(bar) + gap, edge(bar + 1) - gap, *rows as f64)
    });
    let marks = vec![frame.bars("k0", drawn), frame.line("reference", [(0.0, 0.0), (0.0, most)])];
    let text = format!(
        "The median error, predicted − true, is {}; 90% of the errors lie between {} and {}.{}",
        signed(middle),
        signed(low),
        signed(high),
        match beyond {
            0 => String::new(),
            rows => format!(
                " {} beyond the drawing, from {} to {}.",
                counted(rows, "row"),
                Rounded(first),
                Rounded(last)
            ),
        }
    );
    Some(Plot { title: format!("{name}Errors"), text, frame, marks, keys: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn texts(outputs: &Array2<f64>, truth: &Array2<f64>) -> Vec<(String, String)> {
        let names: Vec<String> = (0..outputs.ncols()).map(|target| format!("t{target}")).collect();
        let plots = plots(outputs, &names, truth);
        plots.into_iter().map(|plot| (plot.title, plot.text)).collect()
    }

    #[test]
    fn what_is_drawn_is_told() {
        let found = texts(&array![[1.0], [2.5], [f64::NAN], [3.0]], &array![[1.0], [2.0], [5.0], [4.0]]);
        assert_eq!(found[0].0, "Predicted against true");
        assert!(
            found[0].1.starts_with("3 rows, from 1.0000 to 4.0000; 1 more row without a finite"),
            "{found:?}"
        );
        assert_eq!(
            found[1].1,
            "The median error, predicted − true, is 0; 90% of the errors lie between -1.0000 and +0.5000."
        );
    }

    #[test]
    fn each_of_several_targets_has_its_own_scores() {
        let found = texts(&array![[1.0, 0.0], [3.0, 0.0]], &array![[1.0, -20.0], [2.0, 20.0]]);
        assert!(found[0].1.ends_with("Of this target: r2 -1.0000, mae 0.5000, rmse 0.7071."), "{found:?}");
        assert!(found[2].1.ends_with("Of this target: r2 0, mae 20.000, rmse 20.000."), "{found:?}");
    }

    #[test]
    fn far_errors_are_left_out_and_told() {
        let truth = Array2::zeros((1_000, 1));
        let outputs = Array2::from_shape_fn((1_000, 1), |(row, _)| match row {
            0 => 1e6,
            _ => (row % 100) as f64 / 100.0,
        });
        let found = texts(&outputs, &truth);
        assert!(found[0].1.starts_with("500 of 1,000 rows"), "{found:?}");
        assert!(found[1].1.ends_with("1 row beyond the drawing, from 0 to 1000000."), "{found:?}");
    }

    #[test]
    fn odd_values_are_drawn_or_left_out() {
        for (outputs, truth, plots) in [
            (Array2::zeros((0, 1)), Array2::zeros((0, 1)), 0),
            (array![[f64::NAN]], array![[1.0]], 0),
            (array![[2.0]], array![[2.0]], 2),
            (array![[f64::from(f32::MAX)], [-f64::from(f32::MAX)]], array![[0.0], [0.0]], 2),
            (array![[1.0, 2.0]], array![[1.0, 2.0]], 4),
        ] {
            assert_eq!(texts(&outputs, &truth).len(), plots, "{outputs}");
        }
    }
}
