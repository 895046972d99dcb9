//! The same bits for every number of threads, in every run, and whatever the workspace was used for before.

use crate::nets::{Batch, classifier, classifier_with, entangled, step};
use highwater_autodiff::{Program, Real};
use rayon::ThreadPoolBuilder;

#[track_caller]
fn assert_same_bits<T: Real>(what: &str, found: &[T], expected: &[T]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let differing =
        found.iter().zip(expected).position(|(f, e)| f.to_f64().to_bits() != e.to_f64().to_bits());
    if let Some(place) = differing {
        panic!("{what}: {} at {place}, not {}", found[place], expected[place]);
    }
}

#[track_caller]
fn check_threads<T: Real>(program: &Program, columns: usize, rows: usize) {
    let batch = Batch::<T>::random(rows, columns, 1);
    let expected = step(program, &mut program.workspace(rows), &batch);
    assert!(expected.iter().all(|x| x.to_f64().is_finite()));
    for threads in [1, 2, 4] {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut ws = program.workspace(rows);
        for run in 0..3 {
            let found = pool.install(|| step(program, &mut ws, &batch));
            assert_same_bits(&format!("{threads} threads, run {run}"), &found, &expected);
        }
    }
}

#[test]
fn many_small_tiles_give_the_same_bits_on_any_number_of_threads() {
    check_threads::<f32>(&classifier(&[10, 20, 10]), 10, 1000);
    check_threads::<f64>(&classifier(&[10, 20, 10]), 10, 1000);
}

#[test]
fn stages_in_which_rows_meet_give_the_same_bits_on_any_number_of_threads() {
    check_threads::<f32>(&entangled(9), 9, 700);
    check_threads::<f64>(&entangled(9), 9, 700);
}

#[test]
fn products_split_over_threads_give_the_same_bits_on_any_number_of_threads() {
    check_threads::<f32>(&classifier(&[64, 700, 500, 10]), 64, 200);
    check_threads::<f64>(&classifier(&[64, 700, 500, 10]), 64, 200);
    check_threads::<f32>(&classifier_with(&[64, 700, 500, 10], |x| x.gelu()), 64, 200);
}

#[track_caller]
fn check_reuse<T: Real>(program: &Program, columns: usize, max_rows: usize) {
    let mut used = program.workspace(max_rows);
    let mut poison = Batch::<T>::random(max_rows, columns, 2);
    poison.values.fill(T::from_f64(f64::NAN));
    for rows in [max_rows, 1, max_rows / 2 + 1, max_rows - 1, 17, max_rows] {
        step(program, &mut used, &poison);
        let batch = Batch::random(rows, columns, 3);
        let found = step(program, &mut used, &batch);
        // A workspace of just this size, too: the bits depend on the batch alone.
        for fresh_rows in [max_rows, rows] {
            let expected = step(program, &mut program.workspace(fresh_rows), &batch);
            assert!(expected.iter().all(|x| x.to_f64().is_finite()));
            assert_same_bits(&format!("{rows} rows, workspace for {fresh_rows}"), &found, &expected);
        }
    }
}

#[test]
fn a_used_workspace_gives_the_same_bits_as_a_fresh_one() {
    check_reuse::<f32>(&classifier(&[10, 20, 10]), 10, 900);
    check_reuse::<f64>(&classifier(&[10, 20, 10]), 10, 900);
    check_reuse::<f32>(&entangled(9), 9, 500);
    check_reuse::<f64>(&entangled(9), 9, 500);
    check_reuse::<f32>(&classifier_with(&[64, 300, 500, 10], |x| x.gelu()), 64, 64);
}
