//! Squares of the gradients of single rows, against the gradients of the rows one by one.

use highwater_autodiff::{Axis, Graph, Mode, Program, Var};
use ndarray::{Array2, s};

const ROWS: usize = 23;

/// Numbers without a pattern, between -1 and 1.
fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn dense<'g>(x: Var<'g>, name: &str, outputs: usize) -> Var<'g> {
    let weight = x.graph().param(format!("{name}.weight"), [outputs, x.columns()]);
    x.matmul_t(weight) + x.graph().param_vector(format!("{name}.bias"), outputs)
}

/// Two dense layers with an activation that is fused and one that is not, a connection past them, and cross-entropy.
fn network(graph: &Graph) -> Var<'_> {
    let x = graph.input(3);
    let hidden = dense(x, "a", 5).tanh();
    let hidden = dense(hidden, "b", 4).gelu().concatenate(&[x]);
    let scale = graph.param_vector("scale", 7);
    let outputs = dense(hidden * scale, "c", 3);
    -outputs.log_softmax().pick(graph.indices()).mean()
}

fn squares(program: &Program, tile_rows: usize, threads: usize) -> (Vec<f64>, Vec<std::ops::Range<usize>>) {
    let params = numbers(program.parameter_count(), 1);
    let (x, classes) = data();
    let feeds = [(&x).into(), (&classes[..]).into()];
    let mut ws = program.workspace_with_tile_rows(ROWS, tile_rows);
    let mut gradients = vec![0.0; params.len()];
    let mut squares = program.row_squares(ROWS).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        program.forward(&mut ws, &params, &feeds, Mode::Train { key: 0 });
        program.backward(&mut ws, &params, &feeds, &mut gradients);
        (squares.compute(&ws, &feeds).to_vec(), squares.covered().to_vec())
    })
}

fn data() -> (Array2<f64>, Vec<u32>) {
    let x = Array2::from_shape_vec((ROWS, 3), numbers(ROWS * 3, 2)).unwrap();
    (x, (0..ROWS as u32).map(|row| row * row % 3).collect())
}

#[test]
fn they_are_the_squares_of_the_gradients_of_the_rows_one_by_one() {
    let graph = Graph::new();
    let program = graph.compile(network(&graph), &[]);
    let params = numbers(program.parameter_count(), 1);
    let (x, classes) = data();
    let mut expected = vec![0.0; params.len()];
    let (mut ws, mut gradients) = (program.workspace(1), vec![0.0; params.len()]);
    for (row, class) in classes.iter().enumerate() {
        let of_row = x.slice(s![row..=row, ..]);
        let feeds = [of_row.into(), std::slice::from_ref(class).into()];
        program.forward(&mut ws, &params, &feeds, Mode::Train { key: 0 });
        program.backward(&mut ws, &params, &feeds, &mut gradients);
        // Alone, a row is the whole mean; among others it is its share.
        let share = |gradient: f64| gradient / ROWS as f64;
        expected.iter_mut().zip(&gradients).for_each(|(sum, &g)| *sum += share(g) * share(g));
    }
    for tile_rows in [ROWS, 5, 1] {
        let (found, covered) = squares(&program, tile_rows, 2);
        // The scale is no dense layer's: it has none.
        let names = ["a.weight", "a.bias", "b.weight", "b.bias", "c.weight", "c.bias"];
        let of = |name: &&str| program.parameters().iter().find(|p| p.name == **name).unwrap().range();
        let mut expected_cover: Vec<_> = names.iter().map(of).collect();
        expected_cover.sort_by_key(|range| range.start);
        assert_eq!(covered, expected_cover);
        for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let expected = if covered.iter().any(|range| range.contains(&i)) { *expected } else { 0.0 };
            assert!((found - expected).abs() <= 1e-14 * expected, "{i}: {found}, not {expected}");
        }
    }
}

#[test]
fn they_have_the_same_bits_on_every_number_of_threads() {
    let graph = Graph::new();
    let program = graph.compile(network(&graph), &[]);
    assert_eq!(squares(&program, 4, 1), squares(&program, 4, 2));
}

#[test]
fn where_rows_meet_before_the_loss_no_row_has_a_gradient_of_its_own() {
    let graph = Graph::new();
    let weight = graph.param("w", [2, 3]);
    let y = graph.input(3).matmul_t(weight) + graph.param_vector("b", 2);
    let centred = y - y.mean_over(Axis::Rows);
    let program = graph.compile(centred.square().mean(), &[]);
    assert!(program.row_squares::<f64>(8).is_none());
}

#[test]
fn a_weight_that_is_used_twice_has_none() {
    let graph = Graph::new();
    let (weight, bias) = (graph.param("w", [3, 3]), graph.param_vector("b", 3));
    let y = (graph.input(3).matmul_t(weight) + bias).tanh().matmul_t(weight);
    let program = graph.compile(y.square().mean(), &[]);
    assert_eq!(program.row_squares::<f64>(8).unwrap().covered(), []);
}

#[test]
fn what_is_covered_is_in_the_order_of_the_parameters_whichever_layer_is_first() {
    let graph = Graph::new();
    let (b, a) = (graph.param_vector("b", 2), graph.param("a", [2, 3]));
    let (d, c) = (graph.param("d", [1, 2]), graph.param_vector("c", 1));
    let hidden = (graph.input(3).matmul_t(a) + b).tanh();
    let program = graph.compile((hidden.matmul_t(d) + c).square().mean(), &[]);
    assert_eq!(program.row_squares::<f64>(4).unwrap().covered(), [0..2, 2..8, 8..10, 10..11]);
}
