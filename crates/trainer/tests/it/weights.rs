//! Rows count by the weight of their class, however they are put together.

use crate::problem::{How, Problem, classification};
use highwater_data::{Dataset, Targets};
use highwater_objective::{CrossEntropy, Loss};
use highwater_trainer::evaluate;

fn weighted() -> Problem {
    let class_weights = vec![1.0, 9.0];
    Problem {
        loss: Loss::CrossEntropy(CrossEntropy { class_weights, ..CrossEntropy::default() }),
        ..classification()
    }
}

#[test]
fn steps_in_pieces_move_the_parameters_like_steps_in_one_piece() {
    let moved = |micro_batch| {
        let mut problem = weighted();
        problem.config.micro_batch = micro_batch;
        let (report, model) = problem.run(How::default());
        (report.unwrap().history[2].training_loss, model)
    };
    let (whole_loss, whole) = moved(None);
    for micro_batch in [1, 5] {
        let (loss, model) = moved(Some(micro_batch));
        assert!((loss - whole_loss).abs() < 1e-5, "{micro_batch}: {loss}, not {whole_loss}");
        for (found, expected) in model.values().iter().zip(whole.values()) {
            assert!((found - expected).abs() < 1e-4, "{micro_batch}: {found}, not {expected}");
        }
    }
}

#[test]
fn the_loss_of_many_rows_does_not_depend_on_their_order() {
    let problem = weighted();
    let Targets::Classes(classes) = problem.train.targets() else { unreachable!("a classification") };
    let mut rows: Vec<usize> = (0..60).flat_map(|_| 0..classes.len()).collect();
    let mixed = problem.train.select(&rows);
    rows.sort_by_key(|row| classes[*row]);
    let sorted = problem.train.select(&rows);
    let model = problem.model();
    let loss = |data: &Dataset| evaluate(&model, &problem.loss, &[], data, &[]).loss;
    assert!((loss(&mixed) - loss(&sorted)).abs() < 1e-6, "{} and {}", loss(&mixed), loss(&sorted));
}
