//! Two axes, and where on a drawing they are.

use super::axis::Axis;
use std::fmt::Write;

/// Axes with a name each, and where on the drawing they are; lengths are in pixels.
pub(crate) struct Frame {
    pub(super) x_axis: Axis,
    pub(super) y_axis: Axis,
    pub(super) x_name: String,
    pub(super) y_name: String,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Frame {
    /// Of a small drawing, of which two stand side by side.
    pub(crate) fn small(x: (&str, Axis), y: (&str, Axis)) -> Frame {
        Frame::sized([360.0, 318.0], x, y)
    }

    /// Of a drawing with the name of each axis at its end.
    pub(crate) fn sized([width, height]: [f64; 2], x: (&str, Axis), y: (&str, Axis)) -> Frame {
        Frame {
            x_axis: x.1,
            y_axis: y.1,
            x_name: x.0.to_owned(),
            y_name: y.0.to_owned(),
            width,
            height,
            left: 54.0,
            right: width - 14.0,
            top: 28.0,
            bottom: height - 46.0,
        }
    }

    pub(super) fn x(&self, value: f64) -> f64 {
        tenth(self.left + (self.right - self.left) * self.x_axis.place(value))
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        tenth(self.bottom - (self.bottom - self.top) * self.y_axis.place(value))
    }

    /// Where the ticks of the y axis are, each with its text.
    pub(super) fn y_ticks(&self) -> Vec<(f64, String)> {
        self.y_axis.ticks().into_iter().map(|(value, text)| (self.y(value), text)).collect()
    }

    /// Where the ticks of the x axis are, each with its text.
    pub(super) fn x_ticks(&self) -> Vec<(f64, String)> {
        self.x_axis.ticks().into_iter().map(|(value, text)| (self.x(value), text)).collect()
    }

    /// The path through points, interrupted where they are not finite, and the points that stand alone. No more than
    /// four points are drawn for a pixel's width: the first, the least, the largest and the last.
    pub(super) fn path(&self, points: impl IntoIterator<Item = (f64, f64)>) -> (String, Vec<(f64, f64)>) {
        let places: Vec<(f64, f64)> = points.into_iter().map(|(x, y)| (self.x(x), self.y(y))).collect();
        let (mut path, mut alone) = (String::new(), Vec::new());
        for run in places.split(|(x, y)| !x.is_finite() || !y.is_finite()) {
            if let [place] = run {
                alone.push(*place);
                continue;
            }
            let mut pen = 'M';
            for pixel in run.chunk_by(|a, b| a.0.floor() == b.0.floor()) {
                for (x, y) in envelope(pixel) {
                    _ = write!(path, "{pen}{x} {y}");
                    pen = 'L';
                }
            }
        }
        (path, alone)
    }
}

/// Rounded to a tenth of a pixel.
pub(super) fn tenth(length: f64) -> f64 {
    (length * 10.0).round() / 10.0
}

/// The first, least, largest and last of some points, in their order, each once.
fn envelope(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> {
    let order = |a: &usize, b: &usize| points[*a].1.total_cmp(&points[*b].1);
    let ends = [Some(0), points.len().checked_sub(1)];
    let extremes = [(0..points.len()).min_by(order), (0..points.len()).max_by(order)];
    let mut chosen: Vec<usize> = ends.into_iter().chain(extremes).flatten().collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen.into_iter().map(|index| points[index])
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// From 0 to 1 in both directions, a hundred pixels each.
    pub(in super::super) fn unit() -> Frame {
        let unit = Axis::of([0.0, 1.0].into_iter(), 5, false);
        Frame { left: 0.0, right: 100.0, top: 0.0, bottom: 100.0, ..Frame::small(("x", unit), ("y", unit)) }
    }

    #[test]
    fn what_is_not_finite_leaves_a_gap() {
        let values = [0.9, 0.8, f64::NAN, 0.7, f64::INFINITY, 0.6, 0.5];
        let points = values.into_iter().enumerate().map(|(at, value)| (at as f64 / 10.0, value));
        let (path, alone) = unit().path(points);
        assert_eq!(path, "M0 10L10 20M50 40L60 50");
        assert_eq!(alone, [(30.0, 30.0)]);
    }

    #[test]
    fn a_pixel_keeps_its_extremes() {
        let value = |at: u32| if at == 333 { 0.1 } else { 0.9 + f64::from(at % 7) / 100.0 };
        let (path, _) = unit().path((0..975).map(|at| (f64::from(at) / 5e4, value(at))));
        assert_eq!(path.matches(['M', 'L']).count(), 7, "{path}");
        assert!(path.contains(" 90"), "{path}");
    }
}
