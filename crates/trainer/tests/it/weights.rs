//! Rows count by the weight of their class, however they are put together.

use crate::problem::{How, Problem, classification};
use highwater_data::{Dataset, Targets};
use highwater_objective::{CrossEntropy, Loss};
use highwater_trainer::evaluate;

fn weighted() -> Problem {
    Problem { loss: cross_entropy([1.0, 9.0]), ..classification() }
}

fn cross_entropy(class_weights: [f64; 2]) -> Loss {
    Loss::CrossEntropy(CrossEntropy { class_weights: class_weights.to_vec(), ..CrossEntropy::default() })
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
fn a_batch_in_which_no_row_counts_moves_nothing() {
    for (batch_size, micro_batch) in [(1, None), (2, Some(1)), (16, Some(1))] {
        let mut problem = weighted();
        problem.loss = cross_entropy([0.0, 1.0]);
        (problem.config.batch_size, problem.config.micro_batch) = (batch_size, micro_batch);
        let (report, model) = problem.run(How::default());
        assert!(
            report
                .unwrap()
                .history
                .iter()
                .all(|r| r.training_loss.is_finite() && r.validation_loss.is_finite())
        );
        assert!(model.values().iter().all(|value| value.is_finite()));
    }
    let problem = weighted();
    let mut rows: Vec<usize> = (0..60).flat_map(|_| 0..problem.train.rows()).collect();
    let Targets::Classes(classes) = problem.train.targets() else { unreachable!("a classification") };
    rows.sort_by_key(|row| classes[*row]);
    let sorted = problem.train.select(&rows);
    assert!(evaluate(&problem.model(), &cross_entropy([0.0, 1.0]), &[], &sorted, &[]).loss.is_finite());
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
