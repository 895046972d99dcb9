//! What holds of the metrics of any rows.

use highwater_objective::metrics::{Average, Classification, Ranking, Regression, RocCurve, Scores};
use proptest::prelude::*;

/// Scores and a class.
type Row = (Vec<f64>, u32);

/// Rows of one logit or of three. They lie on a coarse grid: ties are common, and sums and differences exact.
fn rows(columns: usize) -> impl Strategy<Value = Vec<Row>> {
    let grid = (-12..12_i32).prop_map(|n| f64::from(n) / 4.0);
    let row = (prop::collection::vec(grid, columns), 0..columns.max(2) as u32);
    prop::collection::vec(row, 1..40)
}

/// Predictions and targets above 0, on a coarse grid: targets that differ differ by more than rounding.
fn values() -> impl Strategy<Value = Vec<(f64, f64)>> {
    let grid = |n: i32| f64::from(n) / 4.0;
    prop::collection::vec(((-36..36_i32).prop_map(grid), (1..36_i32).prop_map(grid)), 2..40)
}

/// The same rows in two orders.
fn shuffled<T: Clone + std::fmt::Debug>(
    rows: impl Strategy<Value = Vec<T>>,
) -> impl Strategy<Value = (Vec<T>, Vec<T>)> {
    rows.prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
}

fn with(rows: &[Row], change: impl Fn(f64) -> f64) -> Vec<Row> {
    rows.iter().map(|(scores, class)| (scores.iter().map(|score| change(*score)).collect(), *class)).collect()
}

fn classification(rows: &[Row]) -> Classification {
    let mut seen = Classification::new(rows[0].0.len(), Scores::Logits);
    seen.update(&rows.iter().flat_map(|(scores, _)| scores.clone()).collect::<Vec<_>>(), &classes(rows));
    seen
}

fn ranking(rows: &[Row]) -> Ranking {
    let mut seen = Ranking::new(rows[0].0.len(), Scores::Logits);
    seen.update(&rows.iter().flat_map(|(scores, _)| scores.clone()).collect::<Vec<_>>(), &classes(rows));
    seen
}

fn regression(rows: &[(f64, f64)]) -> Regression {
    let (predictions, targets): (Vec<f64>, Vec<f64>) = rows.iter().copied().unzip();
    let mut seen = Regression::new(1);
    seen.update(&predictions, &targets);
    seen
}

fn classes(rows: &[Row]) -> Vec<u32> {
    rows.iter().map(|(_, class)| *class).collect()
}

fn close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-12 * (1.0 + a.abs()),
        (a, b) => a == b,
    }
}

/// The share of the pairs of a row of class 1 and one of class 0 in which the first scores higher, ties counting
/// half.
fn pairs_won(rows: &[Row]) -> Option<f64> {
    let of =
        |wanted: u32| rows.iter().filter(move |(_, class)| *class == wanted).map(|(scores, _)| scores[0]);
    let won = |one: f64, other: f64| if one == other { 0.5 } else { f64::from(u8::from(one > other)) };
    let pairs: Vec<f64> = of(1).flat_map(|one| of(0).map(move |other| won(one, other))).collect();
    (!pairs.is_empty()).then(|| pairs.iter().sum::<f64>() / pairs.len() as f64)
}

/// The mean over the rows of class 1 of the precision among the rows that score at least as high.
fn mean_precision(rows: &[Row]) -> Option<f64> {
    let precision = |threshold: f64| {
        let above: Vec<u32> =
            rows.iter().filter(|(scores, _)| scores[0] >= threshold).map(|(_, class)| *class).collect();
        f64::from(above.iter().sum::<u32>()) / above.len() as f64
    };
    let each: Vec<f64> =
        rows.iter().filter(|(_, class)| *class == 1).map(|(scores, _)| precision(scores[0])).collect();
    (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_the_rows_decides_nothing((rows, others) in shuffled(rows(3))) {
        let (a, b) = (classification(&rows), classification(&others));
        prop_assert_eq!(a.confusion(), b.confusion());
        prop_assert_eq!([1, 2, 3].map(|k| a.top_k_accuracy(k)), [1, 2, 3].map(|k| b.top_k_accuracy(k)));
        prop_assert!(close(a.log_loss(), b.log_loss()));
        let (a, b) = (ranking(&rows), ranking(&others));
        prop_assert_eq!((a.roc_auc(), a.average_precision()), (b.roc_auc(), b.average_precision()));
        prop_assert_eq!(a.roc_curves(), b.roc_curves());
    }

    #[test]
    fn nor_does_it_of_values((rows, others) in shuffled(values())) {
        let (a, b) = (regression(&rows), regression(&others));
        for (a, b) in [(a.mae(), b.mae()), (a.rmse(), b.rmse()), (a.r2(), b.r2()), (a.mape(), b.mape())] {
            prop_assert!(close(a, b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn one_number_added_to_all_logits_of_a_row_changes_nothing(rows in rows(3), added in -9..9_i32) {
        let added = with(&rows, |logit| logit + f64::from(added));
        prop_assert_eq!(classification(&added), classification(&rows));
        prop_assert_eq!(ranking(&added), ranking(&rows));
    }

    #[test]
    fn classes_may_be_numbered_otherwise(
        rows in prop::collection::vec((prop::collection::vec(-9.0..9.0, 3), 0..3_u32), 1..40),
    ) {
        let turned: Vec<Row> = rows
            .iter()
            .map(|(scores, class)| (vec![scores[2], scores[0], scores[1]], (class + 1) % 3))
            .collect();
        let (a, b) = (classification(&rows), classification(&turned));
        for class in 0..3 {
            prop_assert_eq!(a.confusion().class(class), b.confusion().class((class + 1) % 3));
        }
        for average in [Average::Macro, Average::Micro, Average::Weighted] {
            let (a, b) = (a.confusion(), b.confusion());
            prop_assert!(close(a.precision(average), b.precision(average)));
            prop_assert!(close(a.recall(average), b.recall(average)));
            prop_assert!(close(a.f1(average), b.f1(average)));
        }
        prop_assert_eq!([1, 2, 3].map(|k| a.top_k_accuracy(k)), [1, 2, 3].map(|k| b.top_k_accuracy(k)));
        prop_assert!(close(a.log_loss(), b.log_loss()));
        let (a, b) = (ranking(&rows), ranking(&turned));
        prop_assert!(close(a.roc_auc(), b.roc_auc()) && close(a.average_precision(), b.average_precision()));
    }

    #[test]
    fn where_every_row_is_taken_for_a_class_some_scores_are_one(rows in rows(3)) {
        let seen = classification(&rows);
        let (matrix, accuracy) = (seen.confusion(), seen.accuracy());
        prop_assert_eq!(seen.top_k_accuracy(1), accuracy);
        prop_assert!(seen.top_k_accuracy(2) >= accuracy);
        prop_assert_eq!(seen.top_k_accuracy(3), Some(1.0));
        prop_assert_eq!(matrix.precision(Average::Micro), accuracy);
        prop_assert_eq!(matrix.recall(Average::Micro), accuracy);
        prop_assert!(close(matrix.f1(Average::Micro), accuracy));
        prop_assert!(close(matrix.recall(Average::Weighted), accuracy));
    }

    #[test]
    fn only_the_order_of_scores_ranks(rows in rows(1)) {
        let seen = ranking(&rows);
        let (auc, precision) = (seen.roc_auc(), seen.average_precision());
        prop_assert!(close(auc, pairs_won(&rows)), "{auc:?}");
        prop_assert!(close(precision, mean_precision(&rows)), "{precision:?}");

        let cubed = ranking(&with(&rows, |score| score * score * score));
        prop_assert_eq!((cubed.roc_auc(), cubed.average_precision()), (auc, precision));
        prop_assert_eq!(cubed.roc_curves(), seen.roc_curves());
        let negated = with(&rows, |score| -score);
        prop_assert!(close(ranking(&negated).roc_auc(), auc.map(|auc| 1.0 - auc)));
        let swapped: Vec<Row> = negated.into_iter().map(|(scores, class)| (scores, 1 - class)).collect();
        prop_assert_eq!(ranking(&swapped).roc_auc(), auc);

        for RocCurve { points, auc, .. } in seen.roc_curves() {
            let steps = points.windows(2).map(|pair| (pair[0], pair[1]));
            let area: f64 = steps.clone().map(|((x, y), (to, up))| (to - x) * (y + up) / 2.0).sum();
            prop_assert!(close(Some(area), Some(auc)));
            prop_assert!(steps.into_iter().all(|((x, y), (to, up))| x <= to && y <= up));
            prop_assert_eq!((points[0], points[points.len() - 1]), ((0.0, 0.0), (1.0, 1.0)));
        }
    }

    #[test]
    fn one_logit_is_that_of_two_whose_first_is_zero(rows in rows(1)) {
        let two: Vec<Row> = rows.iter().map(|(scores, class)| (vec![0.0, scores[0]], *class)).collect();
        let (a, b) = (classification(&rows), classification(&two));
        prop_assert_eq!((a.confusion(), a.log_loss()), (b.confusion(), b.log_loss()));
        prop_assert_eq!(ranking(&rows).roc_curves(), ranking(&two).roc_curves());
    }

    #[test]
    fn rows_in_batches_of_any_sizes_give_the_bits_of_one_pass(
        rows in rows(3), sizes in prop::collection::vec(0..7_usize, 1..40),
    ) {
        let (mut seen, mut ranked) = (Classification::new(3, Scores::Logits), Ranking::new(3, Scores::Logits));
        let mut valued = Regression::new(3);
        let mut rest = &rows[..];
        for size in sizes.into_iter().chain([rows.len()]) {
            let (batch, after) = rest.split_at(size.min(rest.len()));
            let scores: Vec<f64> = batch.iter().flat_map(|(scores, _)| scores.clone()).collect();
            seen.update(&scores, &classes(batch));
            ranked.update(&scores, &classes(batch));
            valued.update(&scores, &vec![0.3; scores.len()]);
            rest = after;
        }
        prop_assert_eq!(seen, classification(&rows));
        prop_assert_eq!(ranked, ranking(&rows));
        let all: Vec<f64> = rows.iter().flat_map(|(scores, _)| scores.clone()).collect();
        let mut whole = Regression::new(3);
        whole.update(&all, &vec![0.3; all.len()]);
        prop_assert_eq!(valued, whole);
    }

    #[test]
    fn errors_have_the_unit_of_the_values_and_shares_have_none(rows in values()) {
        let changed = |change: fn(f64) -> f64| {
            regression(&rows.iter().map(|(p, t)| (change(*p), change(*t))).collect::<Vec<_>>())
        };
        let (seen, other, moved) = (regression(&rows), changed(|x| 16.0 * x), changed(|x| x + 100.0));
        let times = |value: Option<f64>, factor: f64| value.map(|value| factor * value);
        prop_assert_eq!(other.mae(), times(seen.mae(), 16.0));
        prop_assert_eq!(other.rmse(), times(seen.rmse(), 16.0));
        prop_assert_eq!(other.mse(), times(seen.mse(), 256.0));
        prop_assert_eq!((other.r2(), other.mape()), (seen.r2(), seen.mape()));
        prop_assert!((moved.mae().unwrap() - seen.mae().unwrap()).abs() < 1e-12);
        let (r2, moved) = (seen.r2().unwrap(), moved.r2().unwrap());
        prop_assert!((moved - r2).abs() < 1e-9 * (1.0 + r2.abs()));
        prop_assert!(r2 <= 1.0 && seen.rmse() >= seen.mae().map(|mae| mae * (1.0 - 1e-12)));
    }

    #[test]
    fn the_mean_of_the_targets_explains_nothing(rows in values()) {
        let (_, targets): (Vec<f64>, Vec<f64>) = rows.into_iter().unzip();
        prop_assume!(targets.iter().any(|target| *target != targets[0]));
        let mean = targets.iter().sum::<f64>() / targets.len() as f64;
        let r2 = regression(&targets.iter().map(|target| (mean, *target)).collect::<Vec<_>>()).r2().unwrap();
        prop_assert!(r2.abs() < 1e-9, "{r2}");
    }
}
