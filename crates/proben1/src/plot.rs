//! The trade-off as a picture.

use crate::study::Measures;
use std::fmt::Write;

/// Pixels.
const SIZE: (f64, f64) = (760.0, 470.0);
const LEFT: f64 = 70.0;
const RIGHT: f64 = 25.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 60.0;

/// Families of criteria, and their colours (Okabe & Ito's, which most people can tell apart).
const FAMILIES: [(&str, &str); 3] = [("GL", "#0072b2"), ("PQ", "#d55e00"), ("UP", "#009e73")];

/// The test error of each criterion over its training time, both as multiples of GL2's, as an SVG. The time is on a
/// logarithmic scale.
pub fn trade_off(measures: &[Measures], runs: usize) -> String {
    let times = Scale::around(measures.iter().map(|m| m.slowness.ln()), LEFT, SIZE.0 - RIGHT);
    let errors = Scale::around(measures.iter().map(|m| m.badness), SIZE.1 - BOTTOM, TOP);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <title>Test error and training time of 14 stopping criteria, as multiples of GL2's, means over {runs} \
         runs</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        SIZE.0, SIZE.1
    );
    let mut text = |x: f64, y: f64, anchor: &str, colour: &str, text: &str| {
        _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{text}</text>"
        );
    };
    let (right, floor) = (SIZE.0 - RIGHT, SIZE.1 - BOTTOM);
    text(LEFT, 25.0, "start", "#333333", &format!("test error, GL2 = 1 (means over {runs} runs)"));
    text(right, SIZE.1 - 15.0, "end", "#333333", "training time, GL2 = 1");
    let steps: [f64; 14] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0];
    let across: Vec<f64> = steps.into_iter().filter(|step| times.holds(step.ln())).collect();
    let step = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];
    let step = step.into_iter().find(|step| (errors.high - errors.low) / step <= 10.0).unwrap_or(10.0);
    let first = (errors.low / step).ceil();
    let up: Vec<f64> = (0..=10).map(|n| (first + f64::from(n)) * step).filter(|e| errors.holds(*e)).collect();
    across
        .iter()
        .for_each(|time| text(times.at(time.ln()), floor + 20.0, "middle", "#666666", &format!("{time}")));
    up.iter().for_each(|e| text(LEFT - 8.0, errors.at(*e) + 4.0, "end", "#666666", &format!("{e:.3}")));
    for time in across {
        let x = times.at(time.ln());
        _ = writeln!(svg, "<path d=\"M{x:.1} {TOP}V{floor}\" stroke=\"#e5e5e5\"/>");
    }
    for error in up {
        let y = errors.at(error);
        _ = writeln!(svg, "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#e5e5e5\"/>");
    }
    for (family, colour) in FAMILIES {
        let mut of_family: Vec<&Measures> =
            measures.iter().filter(|m| m.criterion.starts_with(family)).collect();
        of_family.sort_by(|one, other| one.slowness.total_cmp(&other.slowness));
        let points: Vec<(f64, f64)> =
            of_family.iter().map(|m| (times.at(m.slowness.ln()), errors.at(m.badness))).collect();
        let line: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        _ = writeln!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\"/>", line.join(" "));
        for ((x, y), m) in points.into_iter().zip(of_family) {
            _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>\n\
                 <text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{}</text>",
                x + 6.0,
                y - 6.0,
                m.criterion
            );
        }
    }
    svg + "</svg>\n"
}

/// From values to pixels.
struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// With all values inside, and a margin.
    fn around(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Scale {
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 0.0) };
        let margin = if high > low { 0.08 * (high - low) } else { 1.0 };
        Scale { low: low - margin, high: high + margin, from, to }
    }

    fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measures(criterion: &str, slowness: f64, badness: f64) -> Measures {
        let criterion = criterion.to_owned();
        let (slowness_to_best, badness_to_best, redundancy, good) = (1.0, 1.0, 0.0, 1.0);
        Measures { criterion, slowness, badness, slowness_to_best, badness_to_best, redundancy, good }
    }

    #[test]
    fn every_criterion_is_in_the_picture() {
        let all = [measures("GL2", 1.0, 1.0), measures("PQ3", 4.0, 0.96), measures("UP8", 3.0, 0.95)];
        let svg = trade_off(&all, 60);
        for m in &all {
            assert!(svg.contains(&format!(">{}</text>", m.criterion)), "{}", m.criterion);
        }
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains(">2</text>") && svg.contains(">0.980</text>"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn one_point_and_none_make_a_picture() {
        assert!(!trade_off(&[measures("GL2", 1.0, 1.0)], 1).contains("NaN"));
        assert!(trade_off(&[], 0).ends_with("</svg>\n"));
    }
}
