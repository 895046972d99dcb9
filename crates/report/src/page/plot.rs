//! Drawings of points, lines and bars between two axes.

use super::frame::Frame;
use askama::Template;
use std::fmt::Write;

/// So many lines have a colour or a dash of their own: `k0`, `k1`, … in the style sheet.
pub(crate) const COLOURED: usize = 5;

/// A drawing, with what it is called and what it says beside it.
#[derive(Template)]
#[template(path = "plot.html")]
pub(crate) struct Plot {
    pub(crate) title: String,
    /// What is shown, in words.
    pub(crate) text: String,
    pub(crate) frame: Frame,
    pub(crate) marks: Vec<Mark>,
    /// What the marks stand for, if it is not plain: classes of the style sheet, names, and numbers.
    pub(crate) keys: Vec<Key>,
}

pub(crate) struct Key {
    pub(crate) class: String,
    pub(crate) name: String,
    pub(crate) number: String,
}

/// A path, or a text, and its class in the style sheet.
pub(crate) struct Mark {
    class: String,
    path: String,
}

/// What can be drawn between the axes.
impl Frame {
    /// A line through points, interrupted where they are not finite; of those of one pixel four at the most.
    pub(crate) fn line(&self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Mark {
        let (mut path, alone) = self.path(points);
        for (x, y) in alone {
            _ = write!(path, "M{x} {y}h0");
        }
        Mark { class: format!("curve {class}"), path }
    }

    /// A dot for each point.
    pub(crate) fn dots(&self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Mark {
        let mut path = String::new();
        for (x, y) in points.into_iter().filter(|(x, y)| x.is_finite() && y.is_finite()) {
            _ = write!(path, "M{} {}h0", self.x(x), self.y(y));
        }
        Mark { class: format!("dots {class}"), path }
    }

    /// Bars that stand on the lower end of the axis: from, to, and how high.
    pub(crate) fn bars(&self, class: &str, bars: impl IntoIterator<Item = (f64, f64, f64)>) -> Mark {
        let mut path = String::new();
        for (from, to, high) in bars {
            let (x, y) = (self.x(from), self.y(high));
            if y < self.bottom {
                _ = write!(path, "M{x} {}V{y}H{}V{0}z", self.bottom, self.x(to));
            }
        }
        Mark { class: format!("bars {class}"), path }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::frame::tests::unit;

    #[test]
    fn marks_are_paths_between_the_axes_and_what_is_not_finite_is_left_out() {
        let (frame, nan) = (unit(), f64::NAN);
        let line = frame.line("a", [(0.0, 0.0), (0.5, 1.0), (0.6, nan), (0.7, 0.5), (0.8, nan)]);
        assert_eq!((&*line.class, &*line.path), ("curve a", "M0 100L50 0M70 50h0"));
        assert_eq!(frame.dots("a", [(0.25, 0.25), (nan, 0.0)]).path, "M25 75h0");
        assert_eq!(frame.bars("a", [(0.0, 0.1, 0.5), (0.1, 0.2, 0.0)]).path, "M0 100V50H10V100z");
    }

    #[test]
    fn names_and_texts_of_a_drawing_are_escaped() {
        let mut frame = unit();
        frame.x_name = "<b>".into();
        let plot = Plot { title: "t".into(), text: "a \"b\" & c".into(), frame, marks: vec![], keys: vec![] };
        let drawing = plot.to_string();
        assert!(drawing.contains("aria-label=\"a &#34;b&#34; &#38; c\""), "{drawing}");
        assert!(drawing.contains("&#60;b&#62;") && !drawing.contains("<b>"), "{drawing}");
    }
}
