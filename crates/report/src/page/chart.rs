//! Charts of a run: curves over epochs, drawn for a wide and for a narrow page.

use super::axis::Axis;
use super::frame::{Frame, tenth};
use crate::figures::{Count, Rounded};
use askama::Template;

/// A curve and how it is called.
pub(crate) struct Curve {
    pub(crate) name: String,
    /// Its class in the style sheet.
    pub(crate) class: &'static str,
    /// One value for each place of the chart; others than finite ones leave gaps.
    pub(crate) values: Vec<f64>,
}

/// What there is to draw.
pub(crate) struct Chart {
    pub(crate) title: String,
    /// What is shown, in words.
    pub(crate) text: String,
    /// `epoch` or `step`.
    pub(crate) unit: &'static str,
    /// The epochs or steps, rising.
    pub(crate) places: Vec<u64>,
    pub(crate) curves: Vec<Curve>,
    /// Index of the record that is kept.
    pub(crate) kept: Option<usize>,
    /// The curve that is marked where the model is kept.
    pub(crate) marked: Option<usize>,
    /// Whether the end was a stop.
    pub(crate) stopped: bool,
    pub(crate) may_be_logarithmic: bool,
    /// Whether it takes the whole width of a wide page; others stand two by two.
    pub(crate) whole_width: bool,
}

/// A chart with everything in its place; lengths are in pixels.
#[derive(Template)]
#[template(path = "chart.html")]
struct Drawing<'a> {
    class: &'static str,
    description: &'a str,
    frame: Frame,
    curves: Vec<Drawn<'a>>,
    kept: Option<Kept>,
    stopped: Option<Stopped>,
}

struct Drawn<'a> {
    name: &'a str,
    class: &'static str,
    path: String,
    /// Values with gaps on both sides.
    dots: Vec<(f64, f64)>,
    /// Where the name stands; `None` for a curve without a finite value, and for one that is alone.
    label: Option<f64>,
}

struct Kept {
    x: f64,
    y: Option<f64>,
    /// From there to the end.
    rest: f64,
    text: String,
    /// Where the text begins, or ends.
    text_x: f64,
    anchor: &'static str,
}

struct Stopped {
    x: f64,
    text: String,
}

/// The least distance of two names, from line to line.
const LINE: f64 = 17.0;
/// The width of a letter, about.
const LETTER: f64 = 6.5;
/// As much as a bold one takes: of the names of curves, and of what is kept.
const BOLD_LETTER: f64 = 7.6;

impl Chart {
    /// Whether the values are drawn on a logarithmic axis.
    pub(crate) fn is_logarithmic(&self) -> bool {
        self.axis(1).logarithmic
    }

    /// One that takes the whole width is drawn twice; the style sheet shows the drawing that fits.
    pub(crate) fn drawings(&self) -> String {
        // A single curve needs no name beside it.
        let longest = self.curves.iter().map(|curve| curve.name.chars().count()).max().unwrap_or(0);
        let margin = if self.curves.len() > 1 { 12.0 + BOLD_LETTER * longest as f64 } else { 16.0 };
        let drawings = match self.whole_width {
            true => vec![
                self.drawing("wide", [760.0, 340.0], [60.0, margin + 4.0]),
                self.drawing("narrow", [360.0, 270.0], [56.0, margin]),
            ],
            false => vec![self.drawing("half", [360.0, 216.0], [56.0, margin])],
        };
        drawings
            .into_iter()
            .map(|drawing| drawing.render().expect("a string takes all that is written"))
            .collect()
    }

    fn axis(&self, ticks: usize) -> Axis {
        let values = self.curves.iter().flat_map(|curve| curve.values.iter().copied());
        Axis::of(values, ticks, self.may_be_logarithmic)
    }

    fn drawing(&self, class: &'static str, [width, height]: [f64; 2], margins: [f64; 2]) -> Drawing<'_> {
        let (left, right, top, bottom) = (margins[0], width - margins[1], 40.0, (height - 30.0).round());
        let ends = (self.places.first().copied().unwrap_or(0), self.places.last().copied().unwrap_or(0));
        let frame = Frame {
            x_axis: Axis::of_counts(ends.0, ends.1, (width / 90.0) as usize),
            y_axis: self.axis(((bottom - top) / 52.0) as usize),
            // Below a small drawing there is no room for it beside the ticks.
            x_name: if self.whole_width { self.unit } else { "" }.to_owned(),
            y_name: String::new(),
            width,
            height,
            left,
            right,
            top,
            bottom,
        };
        let xs = || self.places.iter().map(|place| *place as f64);
        let mut curves: Vec<Drawn<'_>> = Vec::new();
        for curve in &self.curves {
            let last = curve.values.iter().rfind(|value| value.is_finite());
            let label = last.filter(|_| self.curves.len() > 1).map(|last| frame.y(*last) + 4.5);
            let (path, dots) = frame.path(xs().zip(curve.values.iter().copied()));
            curves.push(Drawn { name: &curve.name, class: curve.class, path, dots, label });
        }
        spread(&mut curves, top + LINE, bottom);

        let stopped =
            (self.stopped && self.kept.is_none_or(|index| index + 1 < self.places.len())).then(|| {
                let text =
                    if self.whole_width { format!("stopped: {}", Count(ends.1)) } else { String::new() };
                // From its line on, or as far to the left as it takes to have room.
                Stopped { x: right.min(width - LETTER * text.len() as f64), text }
            });
        let kept = self.kept.map(|index| {
            let x = frame.x(self.places[index] as f64);
            let value = self.marked.map(|curve| self.curves[curve].values[index]);
            let told = value.map_or(String::new(), |value| format!(": {}", Rounded(value)));
            let text = format!("{} {} kept{told}", self.unit, Count(self.places[index]));
            let free = stopped.as_ref().map_or(right, |stopped| stopped.x.min(right));
            let needed = BOLD_LETTER * text.len() as f64;
            // Beside its line, on the right or else on the left, or over it.
            let (anchor, text_x) = match () {
                () if x + needed <= free => ("start", x),
                () if needed <= x => ("end", x),
                () => ("start", tenth((free - needed).max(0.0))),
            };
            let y = value.filter(|value| value.is_finite()).map(|value| frame.y(value));
            Kept { x, y, rest: tenth(right - x), text, text_x, anchor }
        });
        Drawing { class, description: &self.text, frame, curves, kept, stopped }
    }
}

/// Moves names apart that would stand on one another, and keeps them between `top` and `bottom`.
fn spread(curves: &mut [Drawn<'_>], top: f64, bottom: f64) {
    let mut labels: Vec<&mut f64> = curves.iter_mut().filter_map(|curve| curve.label.as_mut()).collect();
    labels.sort_by(|a, b| a.total_cmp(b));
    let mut free = top;
    for label in &mut labels {
        **label = label.max(free);
        free = **label + LINE;
    }
    let mut free = bottom;
    for label in labels.iter_mut().rev() {
        **label = label.min(free);
        free = **label - LINE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: Vec<f64>, kept: Option<usize>) -> Chart {
        Chart {
            title: "Loss".into(),
            text: "It falls.".into(),
            unit: "epoch",
            places: (1..=values.len() as u64).collect(),
            curves: vec![Curve { name: "validation".into(), class: "validation", values }],
            kept,
            marked: Some(0),
            stopped: true,
            may_be_logarithmic: true,
            whole_width: true,
        }
    }

    #[test]
    fn names_of_curves_do_not_stand_on_one_another() {
        let named = |label| Drawn { name: "", class: "", path: String::new(), dots: Vec::new(), label };
        let mut curves = [named(Some(299.0)), named(Some(300.0)), named(None), named(Some(10.0))];
        spread(&mut curves, 40.0, 310.0);
        let labels = curves.map(|curve| curve.label);
        assert_eq!(labels, [Some(293.0), Some(310.0), None, Some(40.0)]);
    }

    #[test]
    fn long_names_of_curves_have_room() {
        let mut chart = chart(vec![0.5, 0.4], None);
        chart.curves[0].name = "training rows".into();
        chart.curves.push(Curve { name: "training".into(), class: "training", values: vec![0.5, 0.4] });
        let places = chart.drawings();
        let place = places.split("text class=\"name validation\" x=\"").nth(1).unwrap();
        let x: f64 = place.split('"').next().unwrap().parse().unwrap();
        assert!(x + 13.0 * BOLD_LETTER <= 765.0 && x > 600.0, "{x}");
    }

    /// As the browser draws them: a bold letter takes 7.2 on average.
    #[test]
    fn what_is_kept_and_what_stopped_do_not_stand_on_one_another() {
        for kept in 0..87 {
            let mut values = vec![1.7614; 88];
            values[kept] = 1.7481;
            let mut chart = chart(values.clone(), Some(kept));
            chart.curves.push(Curve { name: "training".into(), class: "training", values });
            let drawings = chart.drawings();
            let mut marks = drawings.split("<text class=\"mark").skip(1);
            while let (Some(kept), Some(stopped)) = (marks.next(), marks.next()) {
                let x = |text: &str| -> f64 {
                    text.split(" x=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
                };
                let wide = 7.2 * kept.split('>').nth(1).unwrap().split('<').next().unwrap().len() as f64;
                let from = if kept.contains("\"end\"") { x(kept) - wide } else { x(kept) };
                assert!(from >= 0.0 && from + wide <= x(stopped), "{kept} {stopped}");
            }
        }
    }

    #[test]
    fn odd_histories_are_drawn() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        for (values, kept) in [
            (vec![], None),
            (vec![0.5], Some(0)),
            (vec![nan], None),
            (vec![nan, inf, -inf], None),
            (vec![1e300, 0.5, nan, -1e300], Some(3)),
            (vec![0.0; 4], Some(0)),
        ] {
            let drawings = chart(values.clone(), kept).drawings();
            assert_eq!(drawings.matches("<svg").count(), 2);
            for bad in ["NaN", "inf"] {
                let numbers = drawings.replace(&format!(">{bad}<"), "");
                assert!(!numbers.contains(bad), "{values:?}: {drawings}");
            }
        }
    }
}
