//! What a model goes by: how much worse it becomes when a column no longer tells anything.

use highwater_data::{Dataset, epoch_order};
use highwater_trainer::Evaluator;
use ndarray::{Array2, s};
use std::ops::Range;

/// How often a column is shuffled at the most.
const REPEATS: u64 = 5;
/// Fewer rows than these say nothing of a column.
const FEWEST_ROWS: usize = 30;

/// How much worse a model becomes on some rows when the values of one column are shuffled among them: the permutation
/// importance of the column (Breiman, "Random Forests", Machine Learning 45, 2001, section 10; here of one model and
/// by its loss, as in Fisher, Rudin & Dominici, JMLR 20(177), 2019).
///
/// Two columns that tell the same hide each other: shuffling one of them costs little, as the model has the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Importance {
    /// Which rows they are: `test`, say.
    pub part: String,
    /// How many of them were used.
    pub rows: usize,
    /// How often each column was shuffled.
    pub repeats: u64,
    /// What decided the rows and the orders.
    pub seed: u64,
    /// The loss of these rows as they are.
    pub loss: f64,
    /// The columns, those that matter most first.
    pub columns: Vec<ColumnImportance>,
}

/// What shuffling a column does to the loss.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnImportance {
    /// The column's name.
    pub name: String,
    /// By how much the loss rises, in the mean over the repeats. If that is about zero, or less, the column does not matter.
    pub rise: f64,
    /// The least of the repeats.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Importance {
    /// Of a model with these `values` on the rows of a part. `columns` are names and the inputs of the network that each
    /// became, which are shuffled together. All is a function of `seed`.
    ///
    /// It takes at most about `effort` multiplications of an input with a weight: a smaller effort allows fewer repeats (five at
    /// the most), and then fewer rows. `None` if it does not allow 30 rows, or all rows of a smaller part; if there are fewer than
    /// two; or if the loss is not finite.
    pub fn of(
        evaluator: &mut Evaluator,
        values: &[f32],
        (part, data): (&str, &Dataset),
        columns: &[(&str, Range<usize>)],
        seed: u64,
        effort: f64,
    ) -> Option<Importance> {
        let of_a_row = (columns.len() * values.len()).max(1) as f64;
        let affordable = (effort / of_a_row) as usize;
        if data.rows() < 2 || affordable < data.rows().min(FEWEST_ROWS) {
            return None;
        }
        let rows = data.rows().min(affordable);
        let repeats = ((affordable / rows) as u64).min(REPEATS);
        let chosen: Vec<usize> =
            epoch_order(seed, 0, data.rows()).into_iter().take(rows).map(|row| row as usize).collect();
        let data = data.select(&chosen);
        let loss = evaluator.loss(values, &data);
        if !loss.is_finite() {
            return None;
        }
        let mut found: Vec<ColumnImportance> = Vec::with_capacity(columns.len());
        for (number, (name, inputs)) in (0..).zip(columns) {
            let rises: Vec<f64> = (1..=repeats)
                .map(|repeat| {
                    let order = epoch_order(seed, number * REPEATS + repeat, rows);
                    evaluator.loss(values, &shuffled(&data, inputs, &order)) - loss
                })
                .collect();
            found.push(ColumnImportance {
                name: (*name).to_owned(),
                rise: rises.iter().sum::<f64>() / repeats as f64,
                least: rises.iter().copied().fold(f64::INFINITY, f64::min),
                most: rises.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            });
        }
        found.sort_by(|a, b| b.rise.total_cmp(&a.rise));
        Some(Importance { part: part.to_owned(), rows, repeats, seed, loss, columns: found })
    }
}

/// The same rows, but for these inputs, which are those of other rows.
fn shuffled(data: &Dataset, inputs: &Range<usize>, order: &[u32]) -> Dataset {
    let mut features: Array2<f32> = data.features().to_owned();
    for (to, from) in order.iter().enumerate() {
        let there = data.features();
        features.slice_mut(s![to, inputs.clone()]).assign(&there.slice(s![*from as usize, inputs.clone()]));
    }
    Dataset::new(features, data.targets().clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_data::Targets;
    use highwater_nn::{Activation, Init, Mlp, Model};
    use highwater_objective::Loss;

    /// y = 3a + b, of a table whose last column tells nothing.
    fn importance(rows: usize, effort: f64) -> Option<Importance> {
        let network =
            Mlp { inputs: 4, hidden: vec![], outputs: 1, activation: Activation::Relu, dropout: 0.0 };
        let mut model = Model::new(network.network(), Init::Constant { value: 0.0 }, 0).unwrap();
        model.parameters_mut().copy_from_slice(&[3.0, 0.5, 0.5, 0.0, 0.0]);
        let features = Array2::from_shape_fn((rows, 4), |(row, column)| {
            let column = if column == 2 { 1 } else { column };
            ((row * [7, 11, 0, 13][column]) % 17) as f32 / 17.0
        });
        let values = features.map_axis(ndarray::Axis(1), |x| 3.0 * x[0] + 0.5 * x[1] + 0.5 * x[2]);
        let data = Dataset::new(features, Targets::Values(values.insert_axis(ndarray::Axis(1))));
        let mut evaluator = Evaluator::new(&model, &Loss::MeanSquaredError, &[], &[]);
        let columns = [("b", 1..3), ("noise", 3..4), ("a", 0..1)];
        Importance::of(&mut evaluator, model.values(), ("test", &data), &columns, 7, effort)
    }

    #[test]
    fn columns_that_tell_most_come_first_and_one_that_tells_nothing_last() {
        let found = importance(200, 1e9).unwrap();
        let names: Vec<&str> = found.columns.iter().map(|column| &*column.name).collect();
        assert_eq!((names, found.rows, found.repeats), (vec!["a", "b", "noise"], 200, 5));
        assert!(found.loss < 1e-10);
        // Of a shuffled column the squared error is twice the variance of what it brings in.
        let variance = (17.0 * 17.0 - 1.0) / 12.0 / (17.0 * 17.0);
        for (column, weight) in found.columns.iter().zip([3.0_f64, 1.0, 0.0]) {
            let expected = 2.0 * weight * weight * variance;
            assert!((column.rise - expected).abs() <= 0.2 * expected + 1e-10, "{column:?}: {expected}");
            assert!(column.least <= column.rise && column.rise <= column.most, "{column:?}");
        }
        assert_eq!(importance(200, 1e9), Some(found));
    }

    #[test]
    fn with_less_effort_there_are_fewer_repeats_then_fewer_rows_then_nothing() {
        for (rows, effort, expected) in [
            (200, 15.0 * 200.0 * 3.0, Some((200, 3))),
            (200, 15.0 * 100.0, Some((100, 1))),
            (200, 15.0 * 29.0, None),
            (20, 15.0 * 29.0, Some((20, 1))),
            (1, 1e9, None),
        ] {
            let found = importance(rows, effort).map(|found| (found.rows, found.repeats));
            assert_eq!(found, expected, "{rows} rows, effort {effort}");
        }
    }
}
