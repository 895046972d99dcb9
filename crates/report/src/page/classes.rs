//! What a model says of rows whose classes are known.

use super::axis::Axis;
use super::frame::Frame;
use super::plot::{COLOURED, Key, Mark, Plot};
use crate::figures::{Count, counted, shortened};
use highwater_objective::metrics::{ConfusionMatrix, Ranking, RocCurve, Scores};
use ndarray::Array2;
use std::fmt::Write;

/// With more classes a table of counts is too wide to read, and a map takes its place.
const TABLE: usize = 16;
/// So many confusions are named.
const NAMED: usize = 8;
/// Probabilities are judged in so many groups.
const BINS: usize = 10;

/// What a page shows of classes.
pub(crate) struct Classes {
    /// Of few classes: for each actual one its name and a cell for each predicted one.
    pub(crate) matrix: Vec<(String, Vec<Cell>)>,
    pub(crate) names: Vec<String>,
    /// Of many classes: a drawing.
    pub(crate) map: Option<String>,
    pub(crate) map_text: String,
    /// Rows with scores that are not numbers, which are of no class.
    pub(crate) lost: u64,
    /// The most frequent confusions: actual, predicted, rows.
    pub(crate) confusions: Vec<(String, String, String)>,
    /// Class, rows, precision, recall, F1, area under the ROC curve.
    pub(crate) table: Vec<[String; 6]>,
    pub(crate) plots: Vec<Plot>,
}

pub(crate) struct Cell {
    pub(crate) count: u64,
    /// Of the rows of the actual class, in percent.
    pub(crate) share: u64,
    pub(crate) right: bool,
}

impl Classes {
    /// Of logits, rows × classes, and the rows' classes.
    pub(crate) fn of(outputs: &Array2<f64>, names: &[String], actual: &[u32]) -> Classes {
        let classes = names.len();
        let mut ranking = Ranking::new(classes, Scores::Logits);
        let mut matrix = ConfusionMatrix::new(classes);
        let mut calibration = Calibration::default();
        for (row, class) in outputs.rows().into_iter().zip(actual) {
            let row = row.to_vec();
            ranking.update(&row, &[*class]);
            let Some((taken, sure)) = likeliest(&row) else {
                matrix.record(*class as usize, None);
                continue;
            };
            matrix.record(*class as usize, Some(taken));
            match (classes, taken) {
                (2, 0) => calibration.add(1.0 - sure, *class == 1),
                (2, _) => calibration.add(sure, *class == 1),
                _ => calibration.add(sure, taken == *class as usize),
            }
        }
        let curves = ranking.roc_curves();
        let named: Vec<String> = names.iter().map(|name| shortened(name, 24)).collect();
        let plots = [roc(&curves, &named), calibration.plot(&named)].into_iter().flatten();
        let small = classes <= TABLE;
        Classes {
            matrix: if small { cells(&matrix, &named) } else { Vec::new() },
            map: (!small).then(|| map(&matrix)),
            map_text: format!("{classes} × {classes} classes, in the order of the table below"),
            lost: (0..classes).map(|class| matrix.count(class, None)).sum(),
            confusions: confusions(&matrix, &named),
            table: (0..classes).map(|class| row(&matrix, &curves, &named, class)).collect(),
            plots: plots.collect(),
            names: named,
        }
    }
}

/// The class with the largest logit, of equals the first, and its probability.
fn likeliest(logits: &[f64]) -> Option<(usize, f64)> {
    if logits.iter().any(|logit| logit.is_nan()) {
        return None;
    }
    let top = (1..logits.len()).fold(0, |top, class| if logits[class] > logits[top] { class } else { top });
    let sum: f64 = logits.iter().map(|logit| (logit - logits[top]).exp()).sum();
    Some((top, 1.0 / sum))
}

fn cells(matrix: &ConfusionMatrix, names: &[String]) -> Vec<(String, Vec<Cell>)> {
    let row = |(actual, name): (usize, &String)| {
        let rows = matrix.class(actual).support.max(1);
        let cell = |predicted: usize| {
            let count = matrix.count(actual, Some(predicted));
            Cell {
                count,
                share: (100.0 * count as f64 / rows as f64).round() as u64,
                right: actual == predicted,
            }
        };
        (name.clone(), (0..matrix.classes()).map(cell).collect())
    };
    names.iter().enumerate().map(row).collect()
}

/// A square for each pair that occurs, the darker the larger its share of the rows of the actual class.
fn map(matrix: &ConfusionMatrix) -> String {
    let classes = matrix.classes();
    let mut squares = String::new();
    for actual in 0..classes {
        let rows = matrix.class(actual).support.max(1) as f64;
        for predicted in 0..classes {
            let count = matrix.count(actual, Some(predicted));
            if count > 0 {
                let class = if actual == predicted { "right" } else { "wrong" };
                let share = 0.15 + 0.85 * count as f64 / rows;
                _ = write!(
                    squares,
                    "<rect class=\"{class}\" x=\"{predicted}\" y=\"{actual}\" width=\"1\" height=\"1\" opacity=\"{share:.2}\"/>"
                );
            }
        }
    }
    squares
}

fn confusions(matrix: &ConfusionMatrix, names: &[String]) -> Vec<(String, String, String)> {
    let classes = 0..matrix.classes();
    let pairs = classes.clone().flat_map(|actual| classes.clone().map(move |predicted| (actual, predicted)));
    let mut wrong: Vec<(u64, usize, usize)> = pairs
        .filter(|(actual, predicted)| actual != predicted)
        .map(|(actual, predicted)| (matrix.count(actual, Some(predicted)), actual, predicted))
        .filter(|(count, ..)| *count > 0)
        .collect();
    wrong.sort_by_key(|&(count, actual, predicted)| (std::cmp::Reverse(count), actual, predicted));
    wrong.truncate(NAMED);
    let told = |(count, actual, predicted): (u64, usize, usize)| {
        (names[actual].clone(), names[predicted].clone(), counted(count, "row"))
    };
    wrong.into_iter().map(told).collect()
}

fn row(matrix: &ConfusionMatrix, curves: &[RocCurve], names: &[String], class: usize) -> [String; 6] {
    let scores = matrix.class(class);
    // Of two classes one curve tells of both.
    let of_class = |curve: &&RocCurve| curve.class == class || matrix.classes() == 2;
    let auc = curves.iter().find(of_class).map(|curve| curve.auc);
    let share = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3}"));
    let [precision, recall, f1, auc] = [scores.precision, scores.recall, scores.f1, auc].map(share);
    [names[class].clone(), Count(scores.support).to_string(), precision, recall, f1, auc]
}

fn unit() -> Axis {
    Axis::of([0.0, 1.0].into_iter(), 5, false)
}

/// The curves in colours if they are few, else the lowest in colours and the others in grey.
fn roc(curves: &[RocCurve], names: &[String]) -> Option<Plot> {
    let lowest = curves.iter().min_by(|a, b| a.auc.total_cmp(&b.auc))?;
    let frame = Frame::small(
        ("share of the other rows taken for it", unit()),
        ("share of the class that is found", unit()),
    );
    let few = curves.len() <= COLOURED;
    let mut coloured: Vec<&RocCurve> = curves.iter().collect();
    if !few {
        coloured.sort_by(|a, b| a.auc.total_cmp(&b.auc));
        coloured.truncate(COLOURED - 1);
    }
    let mut marks = vec![frame.line("reference", [(0.0, 0.0), (1.0, 1.0)])];
    let mut keys = Vec::new();
    let others = curves.iter().filter(|curve| !coloured.iter().any(|other| other.class == curve.class));
    marks.extend(others.map(|curve| frame.line("other", corners(&curve.points, 24))));
    for (number, curve) in coloured.iter().enumerate() {
        let class = format!("k{number}");
        marks.push(frame.line(&class, corners(&curve.points, 200)));
        keys.push(Key { class, name: names[curve.class].clone(), number: format!("{:.3}", curve.auc) });
    }
    if !few {
        let name = format!("the other {}", curves.len() - coloured.len());
        keys.push(Key { class: "other".into(), name, number: String::new() });
    }
    let mean = curves.iter().map(|curve| curve.auc).sum::<f64>() / curves.len() as f64;
    let text = match curves {
        [only] => format!(
            "Area under the curve of {} against {}: {:.4}.",
            names[only.class],
            names[1 - only.class],
            only.auc
        ),
        _ => format!(
            "Each class against all others. Area under the curve: {mean:.4} in the mean; lowest {:.4}, of {}.",
            lowest.auc, names[lowest.class]
        ),
    };
    Some(Plot { title: "ROC curve".into(), text, frame, marks, keys })
}

/// The corners of a curve of steps, and at most about so many of them.
fn corners(points: &[(f64, f64)], most: usize) -> Vec<(f64, f64)> {
    let straight = |a: (f64, f64), b: (f64, f64), c: (f64, f64)| {
        ((b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)).abs() < 1e-12
    };
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for &point in points {
        if let [.., a, b] = corners[..]
            && straight(a, b, point)
        {
            corners.pop();
        }
        corners.push(point);
    }
    let every = corners.len().div_ceil(most).max(1);
    let last = corners.len() - 1;
    let kept = corners.iter().enumerate().filter(|(at, _)| at.is_multiple_of(every) || *at == last);
    kept.map(|(_, point)| *point).collect()
}

/// How often what is said to be so likely is so.
#[derive(Default)]
struct Calibration {
    /// Rows, sum of the probabilities, and how many were so.
    bins: [(u64, f64, u64); BINS],
}

impl Calibration {
    fn add(&mut self, probability: f64, so: bool) {
        let (rows, sum, right) = &mut self.bins[((probability * BINS as f64) as usize).min(BINS - 1)];
        *rows += 1;
        *sum += probability;
        *right += u64::from(so);
    }

    fn plot(&self, names: &[String]) -> Option<Plot> {
        let all: u64 = self.bins.iter().map(|(rows, ..)| rows).sum();
        if all == 0 {
            return None;
        }
        let of_bin = |&(rows, sum, right): &(u64, f64, u64)| {
            (rows, sum / rows.max(1) as f64, right as f64 / rows.max(1) as f64)
        };
        let filled: Vec<(u64, f64, f64)> =
            self.bins.iter().filter(|(rows, ..)| *rows > 0).map(of_bin).collect();
        let off = filled.iter().map(|(rows, said, is)| *rows as f64 / all as f64 * (said - is).abs());
        let off: f64 = off.sum();
        let (said, is, text) = match names {
            [_, second] => (
                format!("probability of {second}"),
                "share that is so".to_owned(),
                format!("How often a row is {second} when the model gives that so much probability."),
            ),
            _ => (
                "probability of the likeliest class".to_owned(),
                "share that is right".to_owned(),
                "How often the likeliest class is right.".to_owned(),
            ),
        };
        let frame = Frame::small((&said, unit()), (&is, unit()));
        let most = self.bins.iter().map(|(rows, ..)| *rows).max().unwrap_or(1) as f64;
        let bars = self.bins.iter().enumerate().map(|(bin, (rows, ..))| {
            let edge = |bin: usize| bin as f64 / BINS as f64;
            (edge(bin) + 0.01, edge(bin + 1) - 0.01, 0.2 * *rows as f64 / most)
        });
        let points = filled.iter().map(|&(_, said, is)| (said, is));
        let marks: Vec<Mark> = vec![
            frame.bars("faint", bars),
            frame.line("reference", [(0.0, 0.0), (1.0, 1.0)]),
            frame.line("k0", points.clone()),
            frame.dots("large k0", points),
        ];
        let text = format!(
            "{text} On the diagonal it is as often as it says; it is off by {:.1} points in the mean over the rows. \
             The bars show where the rows are.",
            100.0 * off
        );
        Some(Plot { title: "Calibration".into(), text, frame, marks, keys: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("c{class}")).collect()
    }

    #[test]
    fn each_row_is_counted_where_its_largest_logit_is() {
        let outputs =
            ndarray::array![[2.0, 1.0, 0.0], [0.0, 3.0, 3.0], [0.0, f64::NAN, 0.0], [0.0, 0.0, 9.0]];
        let classes = Classes::of(&outputs, &names(3), &[0, 2, 1, 2]);
        let counts: Vec<Vec<u64>> =
            classes.matrix.iter().map(|(_, row)| row.iter().map(|cell| cell.count).collect()).collect();
        assert_eq!(counts, [[1, 0, 0], [0, 0, 0], [0, 1, 1]]);
        assert_eq!((classes.lost, classes.matrix[2].1[1].share), (1, 50));
        assert_eq!(classes.confusions, [("c2".to_owned(), "c1".to_owned(), "1 row".to_owned())]);
        assert_eq!(classes.table[2][..4], ["c2", "2", "1.000", "0.500"]);
        // With a NaN the order of the rows is not known.
        assert_eq!((classes.table[2][5].as_str(), classes.plots.len()), ("–", 1));
    }

    #[test]
    fn two_classes_have_one_curve_and_the_probability_of_the_second() {
        let outputs = ndarray::array![[2.0, 0.0], [0.0, 1.0], [0.0, 0.5], [1.0, 0.0]];
        let classes = Classes::of(&outputs, &names(2), &[0, 1, 0, 0]);
        let [roc, calibration] = &classes.plots[..] else { panic!("two plots") };
        assert_eq!(roc.text, "Area under the curve of c1 against c0: 1.0000.");
        assert_eq!((roc.keys.len(), roc.marks.len()), (1, 2));
        // |0.119 - 0| + |0.731 - 1| + |0.622 - 0| + |0.269 - 0|, over four rows.
        assert!(calibration.text.contains("off by 32.0 points"), "{}", calibration.text);
    }

    #[test]
    fn many_classes_get_a_map_and_the_lowest_curves_a_colour() {
        let outputs = Array2::from_shape_fn((200, 50), |(row, class)| ((row * 7 + class * 13) % 50) as f64);
        let actual: Vec<u32> = (0..200).map(|row| row % 50).collect();
        let classes = Classes::of(&outputs, &names(50), &actual);
        assert!(classes.matrix.is_empty());
        assert_eq!(classes.map.unwrap().matches("<rect").count(), 50);
        assert_eq!((classes.confusions.len(), classes.table.len()), (NAMED, 50));
        let roc = &classes.plots[0];
        assert_eq!((roc.marks.len(), roc.keys.len()), (51, 5));
        assert_eq!(roc.keys[4].name, "the other 46");
    }

    #[test]
    fn a_curve_keeps_its_corners() {
        let points = [(0.0, 0.0), (0.0, 0.25), (0.0, 0.5), (0.5, 0.5), (1.0, 1.0)];
        assert_eq!(corners(&points, 9), [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (1.0, 1.0)]);
        let many: Vec<(f64, f64)> = (0..1_000).map(|i| (f64::from(i).sqrt(), f64::from(i))).collect();
        let few = corners(&many, 100);
        assert!(few.len() <= 101 && few.last() == many.last(), "{}", few.len());
    }

    #[test]
    fn no_rows_give_no_plots() {
        let classes = Classes::of(&Array2::zeros((0, 3)), &names(3), &[]);
        assert!(classes.plots.is_empty() && classes.confusions.is_empty());
        assert_eq!(classes.table[0][2], "–");
    }
}
