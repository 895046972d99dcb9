//! A chart as SVG: curves over epochs, where rules stop, and when conditions hold. Readable on light and dark pages.

use std::fmt::Write;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const PLOT: f64 = 240.0;
const ROW: f64 = 18.0;

const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#57606a}.grid{stroke:#d0d7de;stroke-width:.5}.curve{fill:none;stroke-width:1.5}\
.stop{stroke-dasharray:4 3;stroke-width:1.2}.c0{stroke:#0969da}.c1{stroke:#bc4c00}.c2{stroke:#1a7f37}.c3{stroke:#8250df}\
.c4{stroke:#6e7781}.f0{fill:#0969da}.f1{fill:#bc4c00}.f2{fill:#1a7f37}.f3{fill:#8250df}.f4{fill:#6e7781}\
@media(prefers-color-scheme:dark){text{fill:#9da7b3}.grid{stroke:#3d444d}.c0{stroke:#58a6ff}.c1{stroke:#f0883e}\
.c2{stroke:#3fb950}.c3{stroke:#bc8cff}.c4{stroke:#8b949e}.f0{fill:#58a6ff}.f1{fill:#f0883e}.f2{fill:#3fb950}\
.f3{fill:#bc8cff}.f4{fill:#8b949e}}";

/// A curve; values that are not finite leave a gap.
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) points: Vec<(u64, f64)>,
}

/// Where a rule stops, and the point that is kept.
pub(crate) struct Mark {
    pub(crate) label: String,
    pub(crate) stop: Option<u64>,
    pub(crate) kept: Option<(u64, f64)>,
}

/// When a condition holds.
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) holds: Vec<(u64, bool)>,
}

pub(crate) struct Chart {
    /// For those who cannot see it.
    pub(crate) title: &'static str,
    pub(crate) curves: Vec<Curve>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) bars: Vec<Bar>,
    /// Values beyond are cut off.
    pub(crate) range: (f64, f64),
}

impl Chart {
    pub(crate) fn svg(&self) -> String {
        let rows = self.marks.len() + self.bars.len();
        let height = TOP + PLOT + 30.0 + ROW * (rows + self.curves.len().div_ceil(3)) as f64 + 8.0;
        let title = self.title;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n"
        );
        self.grid(&mut svg);
        for (number, curve) in self.curves.iter().enumerate() {
            _ = writeln!(svg, "<path class=\"curve c{}\" d=\"{}\"/>", 4 - number % 5, self.path(curve));
        }
        for (number, mark) in self.marks.iter().enumerate() {
            let color = number % 4;
            if let Some(stop) = mark.stop {
                let (x, end) = (self.x(stop), TOP + PLOT);
                _ = writeln!(
                    svg,
                    "<line class=\"stop c{color}\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{end}\"/>"
                );
            }
            if let Some((at, value)) = mark.kept {
                let (x, y) = (self.x(at), self.y(value));
                let radius = 7 - 2 * (number % 3);
                _ = writeln!(
                    svg,
                    "<circle class=\"f{color}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill-opacity=\".55\"/>"
                );
            }
        }
        self.key(&mut svg);
        svg.push_str("</svg>\n");
        svg
    }

    fn last(&self) -> u64 {
        let ends = self.curves.iter().filter_map(|curve| curve.points.last());
        ends.map(|(at, _)| *at).max().unwrap_or(1)
    }

    fn x(&self, at: u64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * at as f64 / self.last() as f64
    }

    fn y(&self, value: f64) -> f64 {
        let (low, high) = self.range;
        TOP + PLOT * (high - value.clamp(low, high)) / (high - low)
    }

    fn path(&self, curve: &Curve) -> String {
        let mut path = String::new();
        let mut pen = 'M';
        for (at, value) in &curve.points {
            if !value.is_finite() {
                pen = 'M';
                continue;
            }
            _ = write!(path, "{pen}{:.1} {:.1}", self.x(*at), self.y(*value));
            pen = 'L';
        }
        path
    }

    fn grid(&self, svg: &mut String) {
        let (low, high) = self.range;
        let (right, bottom) = (WIDTH - RIGHT, TOP + PLOT);
        for part in 0..=4 {
            let value = low + (high - low) * f64::from(part) / 4.0;
            let y = self.y(value);
            let text = (value * 1000.0).round() / 1000.0;
            _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                LEFT - 6.0,
                y + 4.0
            );
        }
        let step = [1, 2, 5, 10, 20, 50, 100, 200, 500].into_iter().find(|step| self.last() / step <= 10);
        for at in (0..=self.last()).filter(|at| at.is_multiple_of(step.unwrap_or(1000))) {
            let x = self.x(at);
            let word = if at == 0 { "epoch " } else { "" };
            _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{word}{at}</text>",
                bottom + 16.0
            );
        }
    }

    /// What is what, and the bars.
    fn key(&self, svg: &mut String) {
        let mut y = TOP + PLOT + 38.0;
        for (number, curve) in self.curves.iter().enumerate() {
            let (x, color) = (LEFT + 236.0 * (number % 3) as f64, 4 - number % 5);
            _ = writeln!(
                svg,
                "<line class=\"curve c{color}\" x1=\"{x}\" y1=\"{:.1}\" x2=\"{}\" y2=\"{:.1}\"/>\
                 <text x=\"{}\" y=\"{y:.1}\">{}</text>",
                y - 4.0,
                x + 22.0,
                y - 4.0,
                x + 28.0,
                escape(&curve.name)
            );
            if number % 3 == 2 || number + 1 == self.curves.len() {
                y += ROW;
            }
        }
        for (number, mark) in self.marks.iter().enumerate() {
            let color = number % 4;
            let stop = match mark.stop {
                Some(stop) => format!("stops after epoch {stop}"),
                None => "does not stop".to_owned(),
            };
            let kept = match mark.kept {
                Some((at, _)) => format!(", keeps epoch {at}"),
                None => String::new(),
            };
            _ = writeln!(
                svg,
                "<line class=\"stop c{color}\" x1=\"{LEFT}\" y1=\"{:.1}\" x2=\"{}\" y2=\"{:.1}\"/>\
                 <text x=\"{}\" y=\"{y:.1}\">{}: {stop}{kept}</text>",
                y - 4.0,
                LEFT + 22.0,
                y - 4.0,
                LEFT + 28.0,
                escape(&mark.label)
            );
            y += ROW;
        }
        for (number, bar) in self.bars.iter().enumerate() {
            let color = number % 4;
            for run in bar.holds.chunk_by(|one, other| one.1 == other.1).filter(|run| run[0].1) {
                let half = (self.x(1) - self.x(0)) / 2.0;
                let from = self.x(run[0].0) - half;
                let width = (self.x(run[run.len() - 1].0) + half).min(WIDTH - RIGHT) - from;
                _ = writeln!(
                    svg,
                    "<rect class=\"f{color}\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"12\" \
                     fill-opacity=\".4\"/>",
                    y - 10.0
                );
            }
            _ = writeln!(svg, "<text x=\"{}\" y=\"{y:.1}\">{}</text>", LEFT + 4.0, escape(&bar.label));
            y += ROW;
        }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
