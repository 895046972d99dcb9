//! What holds of the losses of any rows.

use highwater_autodiff::{Feed, Graph, Mode};
use highwater_objective::{BinaryCrossEntropy, CrossEntropy, Loss};
use ndarray::Array2;
use proptest::prelude::*;

const OUTPUTS: usize = 3;

/// Outputs, targets within 0..=1, a class, and a weight.
type Row = ([f64; OUTPUTS], [f64; OUTPUTS], u32, f64);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let outputs = prop::array::uniform3(-9.0..9.0);
    let targets = prop::array::uniform3(0.0..1.0);
    prop::collection::vec((outputs, targets, 0..OUTPUTS as u32, 0.1..4.0), 1..20)
}

fn loss() -> impl Strategy<Value = Loss> {
    let class_weights = prop_oneof![Just(vec![]), prop::collection::vec(0.1..4.0, OUTPUTS)];
    let positive_weights = prop_oneof![Just(vec![]), prop::collection::vec(0.1..4.0, OUTPUTS)];
    prop_oneof![
        Just(Loss::MeanSquaredError),
        Just(Loss::MeanAbsoluteError),
        (0.1..9.0).prop_map(|delta| Loss::Huber { delta }),
        (0.0..1.0, class_weights).prop_map(|(label_smoothing, class_weights)| {
            Loss::CrossEntropy(CrossEntropy { label_smoothing, class_weights })
        }),
        positive_weights.prop_map(|positive_weights| {
            Loss::BinaryCrossEntropy(BinaryCrossEntropy { positive_weights })
        }),
    ]
}

fn matrix<const N: usize>(rows: &[Row], of: impl Fn(&Row) -> [f64; N]) -> Array2<f64> {
    Array2::from_shape_vec((rows.len(), N), rows.iter().flat_map(of).collect()).unwrap()
}

fn classes(rows: &[Row]) -> Vec<u32> {
    rows.iter().map(|(_, _, class, _)| *class).collect()
}

/// The loss of the rows, each of which counts as much as the others or by its weight.
fn value(loss: &Loss, rows: &[Row], weighted: bool) -> f64 {
    let (outputs, targets, weights) =
        (matrix(rows, |row| row.0), matrix(rows, |row| row.1), matrix(rows, |row| [row.3]));
    let classes = classes(rows);
    let g = Graph::new();
    let y = g.input(OUTPUTS);
    let program = g.compile(if weighted { loss.record_weighted(y) } else { loss.record(y) }, &[]);
    let target = if loss.wants_classes() { Feed::Indices(&classes) } else { (&targets).into() };
    let mut ws = program.workspace(rows.len());
    program.forward(&mut ws, &[], &[(&outputs).into(), target, (&weights).into()], Mode::Evaluate);
    ws.loss()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-11 * (1.0 + b.abs())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_loss_of_all_rows_is_the_mean_over_pieces_by_their_divisors(
        loss in loss(), rows in rows(), cut in 0.0..1.0_f64,
    ) {
        let (a, b) = rows.split_at((cut * rows.len() as f64) as usize);
        let pieces = [a, b].into_iter().filter(|piece| !piece.is_empty());
        let (mut sum, mut divisor) = (0.0, 0.0);
        for piece in pieces {
            let of_piece = loss.divisor(&classes(piece));
            sum += of_piece * value(&loss, piece, false);
            divisor += of_piece;
        }
        let whole = value(&loss, &rows, false);
        prop_assert!(close(sum / divisor, whole), "{} {whole}", sum / divisor);
    }

    #[test]
    fn neither_the_order_of_rows_nor_the_size_of_all_weights_decides_anything(
        loss in loss(), rows in rows(), factor in 0.1..9.0,
    ) {
        let mut turned = rows.clone();
        turned.reverse();
        turned.iter_mut().for_each(|row| row.3 *= factor);
        for weighted in [false, true] {
            let (a, b) = (value(&loss, &rows, weighted), value(&loss, &turned, weighted));
            prop_assert!(close(a, b), "{a} {b}");
        }
        turned.iter_mut().for_each(|row| row.3 = factor);
        prop_assert!(close(value(&loss, &rows, false), value(&loss, &turned, true)));
    }

    #[test]
    fn classes_of_equal_weights_weigh_nothing(rows in rows(), weight in 0.1..9.0, label_smoothing in 0.0..1.0) {
        let of = |class_weights| Loss::CrossEntropy(CrossEntropy { label_smoothing, class_weights });
        for weighted in [false, true] {
            let with = |weights| value(&of(weights), &rows, weighted);
            let (a, b) = (with(vec![]), with(vec![weight; OUTPUTS]));
            prop_assert!(close(a, b), "{a} {b}");
        }
    }

    #[test]
    fn the_loss_of_each_row_has_the_loss_as_its_mean(loss in loss(), rows in rows()) {
        let g = Graph::new();
        let (mean, each) = loss.record_with_rows(g.input(OUTPUTS));
        prop_assert_eq!(each.is_none(), loss.weighs_classes());
        let Some(each) = each else { return Ok(()) };
        let program = g.compile(mean, &[each]);
        let (outputs, targets) = (matrix(&rows, |row| row.0), matrix(&rows, |row| row.1));
        let classes = classes(&rows);
        let target = if loss.wants_classes() { Feed::Indices(&classes) } else { (&targets).into() };
        let mut ws = program.workspace(rows.len());
        program.forward(&mut ws, &[], &[(&outputs).into(), target], Mode::Evaluate);
        prop_assert!(close(ws.output(0).mean().unwrap(), ws.loss()));
        for (row, found) in rows.iter().zip(ws.output(0)) {
            prop_assert!(close(found, value(&loss, std::slice::from_ref(row), false)));
        }
    }

    #[test]
    fn two_classes_may_be_one_output_or_two(logit in -9.0..9.0, class in 0..2_u32, positive in 0.1..4.0) {
        let g = Graph::new();
        let z = g.input(1);
        let both = (z * 0.0).concatenate(&[z]);
        let (class_weights, positive_weights) = (vec![1.0, positive], vec![positive]);
        let entropy = Loss::CrossEntropy(CrossEntropy { class_weights, ..Default::default() });
        let binary = Loss::BinaryCrossEntropy(BinaryCrossEntropy { positive_weights });
        let program = g.compile_forward(&[entropy.record(both), binary.record(z)]);
        let mut ws = program.workspace(1);
        let [z, target] = [logit, f64::from(class)].map(|element| Array2::from_elem((1, 1), element));
        let feeds = [(&z).into(), Feed::Indices(&[class]), (&target).into()];
        program.forward(&mut ws, &[], &feeds, Mode::Evaluate);
        // The one divides by the weight of the class, the other by the number of rows.
        let weight = if class == 1 { positive } else { 1.0 };
        let [entropy, binary] = [0, 1].map(|output| ws.output(output)[[0, 0]]);
        prop_assert!(close(weight * entropy, binary), "{entropy} {binary}");
    }
}
