//! Programs at the edge of what makes sense.

use highwater_autodiff::{Axis, Graph, Mode, Program};
use ndarray::{Array2, array, s};

/// The gradients after one step on a batch.
fn gradients(program: &Program, params: &[f64], batch: &Array2<f64>) -> (f64, Vec<f64>) {
    let mut ws = program.workspace(batch.nrows());
    let mut gradients = vec![f64::NAN; params.len()];
    program.forward(&mut ws, params, &[batch.into()], Mode::Evaluate);
    program.backward(&mut ws, params, &[batch.into()], &mut gradients);
    (ws.loss(), gradients)
}

#[test]
fn a_loss_may_be_a_parameter() {
    let g = Graph::new();
    let p = g.param("p", [1, 1]);
    g.param("unused", [1, 2]);
    let program = g.compile(p, &[p, p]);
    assert_eq!(gradients(&program, &[3.0, 4.0, 5.0], &array![[0.0]]), (3.0, vec![1.0, 0.0, 0.0]));
}

#[test]
fn a_loss_may_be_made_of_parameters_alone() {
    let g = Graph::new();
    let p = g.param_vector("p", 3);
    let program = g.compile(p.square().sum(), &[]);
    assert_eq!(gradients(&program, &[1.0, -2.0, 3.0], &array![[0.0]]), (14.0, vec![2.0, -4.0, 6.0]));
}

#[test]
fn a_loss_may_depend_on_no_parameter() {
    let g = Graph::new();
    let x = g.input(2);
    let program = g.compile(x.sum(), &[]);
    assert_eq!(gradients(&program, &[], &array![[1.0, 2.0], [3.0, 4.0]]), (10.0, vec![]));
    g.param("p", [1, 1]);
    let program = g.compile(x.sum(), &[]);
    assert_eq!(gradients(&program, &[7.0], &array![[1.0, 2.0]]), (3.0, vec![0.0]));
    let program = g.compile(g.constant([1, 1], &[2.5]), &[]);
    assert_eq!(gradients(&program, &[7.0], &array![[1.0, 2.0]]), (2.5, vec![0.0]));
}

#[test]
fn a_softmax_of_scores_far_apart_is_that_of_their_differences() {
    let g = Graph::new();
    let program = g.compile_forward(&[g.input(3).softmax()]);
    let batch = array![[800.0, 800.0, 800.0], [-900.0, -900.0 + 2f64.ln(), -900.0 + 5f64.ln()]];
    let mut ws = program.workspace(2);
    program.forward(&mut ws, &[], &[(&batch).into()], Mode::Evaluate);
    let expected = array![[1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0], [0.125, 0.25, 0.625]];
    assert!((ws.output(0) - expected).iter().all(|difference| difference.abs() < 1e-13));
}

#[test]
fn what_is_given_may_be_an_output() {
    let g = Graph::new();
    let (x, p, c) = (g.input(2), g.param("p", [2, 1]), g.constant([1, 2], &[8.0, 9.0]));
    let program = g.compile_forward(&[x, p, c, x]);
    let batch = array![[1.0, 2.0], [3.0, 4.0], [5.0, f64::NEG_INFINITY]];
    let mut ws = program.workspace_with_tile_rows(3, 2);
    program.forward(&mut ws, &[6.0, -0.0], &[(&batch).into()], Mode::Evaluate);
    assert_eq!(ws.output(0), batch);
    assert_eq!(ws.output(1), array![[6.0], [-0.0]]);
    assert!(ws.output(1)[[1, 0]].is_sign_negative());
    assert_eq!(ws.output(2), array![[8.0, 9.0]]);
    assert_eq!(ws.output(3), batch);
}

#[test]
fn outputs_may_be_computed_from_the_loss_and_from_inside_what_is_fused() {
    let g = Graph::new();
    let (x, w, b) = (g.input(2), g.param("w", [1, 2]), g.param_vector("b", 1));
    let product = x.matmul_t(w);
    let sum = b + product;
    let y = sum.relu();
    let loss = y.mean();
    let program = g.compile(loss, &[loss * 2.0, product, sum, y, loss]);
    let mut ws = program.workspace(2);
    let (params, batch) = ([1.0, 2.0, -4.0], array![[1.0, 1.0], [3.0, 2.0]]);
    program.forward(&mut ws, &params, &[(&batch).into()], Mode::Evaluate);
    assert_eq!(ws.output(0), array![[3.0]]);
    assert_eq!(ws.output(1), array![[3.0], [7.0]]);
    assert_eq!(ws.output(2), array![[-1.0], [3.0]]);
    assert_eq!(ws.output(3), array![[0.0], [3.0]]);
    assert_eq!(ws.output(4), array![[1.5]]);
    assert_eq!(gradients(&program, &params, &batch), (1.5, vec![1.5, 1.0, 0.5]));
    let fused = g.compile(loss, &[]);
    assert_eq!(gradients(&fused, &params, &batch), (1.5, vec![1.5, 1.0, 0.5]));
}

#[test]
fn one_row_and_one_column_are_enough() {
    let g = Graph::new();
    let (x, w) = (g.input(1), g.param("w", [1, 1]));
    let y = x.matmul_t(w) + g.param_vector("b", 1);
    let loss = (y.tanh() * y - y.mean_over(Axis::Rows)).log_softmax().square().sum()
        + y.max_over(Axis::Columns).sum();
    let program = g.compile(loss, &[]);
    assert_eq!(gradients(&program, &[2.0, 0.5], &array![[3.0]]), (6.5, vec![3.0, 1.0]));
}

#[test]
fn feeds_that_are_not_used_may_have_any_columns_or_be_left_out_at_the_end() {
    let g = Graph::new();
    let (_, x, _) = (g.input(7), g.input(1), g.indices());
    let program = g.compile_forward(&[x * 3.0]);
    let mut ws = program.workspace(2);
    let (unused, x) = (Array2::zeros((2, 1)), array![[1.0], [2.0]]);
    program.forward(&mut ws, &[], &[(&unused).into(), (&x).into()], Mode::Evaluate);
    assert_eq!(ws.output(0), array![[3.0], [6.0]]);
}

#[test]
fn a_graph_can_be_compiled_several_times_and_grow_in_between() {
    let g = Graph::new();
    let (x, w) = (g.input(1), g.param("w", [1, 1]));
    let y = x.matmul(w);
    let first = g.compile(y.sum(), &[]);
    let v = g.param("v", [1, 1]);
    let second = g.compile(y.matmul(v).sum(), &[]);
    let batch = array![[1.0], [2.0]];
    assert_eq!(gradients(&first, &[5.0], &batch), (15.0, vec![3.0]));
    assert_eq!(gradients(&second, &[5.0, 7.0], &batch), (105.0, vec![21.0, 15.0]));
    assert_eq!(first.parameters().len(), 1);
    assert_eq!(second.parameters()[1].range(), 1..2);
}

#[test]
fn gradients_of_the_largest_go_to_the_first_of_equals() {
    let g = Graph::new();
    let p = g.param("p", [3, 2]);
    let rows = g.compile(p.max_over(Axis::Rows).sum(), &[]);
    let columns = g.compile(p.max_over(Axis::Columns).sum(), &[]);
    let params = [1.0, 5.0, 4.0, 5.0, 4.0, 4.0];
    assert_eq!(gradients(&rows, &params, &array![[0.0]]).1, [0.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(gradients(&columns, &params, &array![[0.0]]).1, [0.0, 1.0, 0.0, 1.0, 1.0, 0.0]);
}

#[test]
fn a_table_row_that_is_looked_up_often_gets_all_its_gradients() {
    let g = Graph::new();
    let (table, indices) = (g.param("table", [3, 2]), g.indices());
    let program = g.compile(table.look_up(indices).sum(), &[]);
    for tile_rows in [1, 2, 4] {
        let mut ws = program.workspace_with_tile_rows::<f64>(4, tile_rows);
        let feeds = [[2, 0, 2, 2].as_slice().into()];
        let mut gradients = vec![f64::NAN; 6];
        program.forward(&mut ws, &[0.0; 6], &feeds, Mode::Evaluate);
        program.backward(&mut ws, &[0.0; 6], &feeds, &mut gradients);
        assert_eq!(gradients, [1.0, 1.0, 0.0, 0.0, 3.0, 3.0], "tiles of {tile_rows}");
    }
}

#[test]
fn the_memory_a_workspace_takes_is_known_before_it_is_made() {
    let g = Graph::new();
    let (x, w) = (g.input(3), g.param("w", [2, 3]));
    let y = x.matmul_t(w);
    let program = g.compile(y.square().mean(), &[y]);
    // For each row: the product, its square, the mean over columns, and the gradients of these; once: the mean with its
    // part, and its gradient.
    let per_row = 2 * (2 + 2 + 1);
    assert_eq!(program.workspace_bytes::<f64>(4), 8 * (4 * per_row + 3));
    assert_eq!(program.workspace_bytes::<f32>(4), 4 * (4 * per_row + 3));
}

#[test]
fn a_program_is_shared_and_a_workspace_moved_between_threads() {
    fn shared<T: Send + Sync>(value: T) -> T {
        value
    }
    let g = Graph::new();
    let program = shared(g.compile_forward(&[g.input(1) * 2.0]));
    let results = [1.0, 2.0].map(|x: f64| {
        let (program, mut ws) = (program.clone(), shared(program.workspace(1)));
        std::thread::spawn(move || {
            program.forward(&mut ws, &[], &[(&array![[x]]).into()], Mode::Evaluate);
            ws
        })
    });
    assert_eq!(results.map(|ws| ws.join().unwrap().output(0)[[0, 0]]), [2.0, 4.0]);
}

/// Whole numbers, whose sums are exact: large products of all rows, packed, give what those of small tiles give. Each program
/// has a product for each row and one over the rows, after those of another size.
#[test]
fn large_products_give_what_small_ones_give_whichever_is_beside_them() {
    let rows = 70;
    let batch = Array2::from_shape_fn((rows, 2000), |(r, c)| ((r * 7 + c * 3) % 5) as f64 - 2.0);
    let sizes = [[128, 600, 20], [20, 16, 2000], [2000, 1, 2000], [300, 310, 320], [5, 4, 3], [128, 600, 20]];
    for pair in sizes.windows(2) {
        let g = Graph::new();
        let x = g.input(2000);
        let mut outputs = Vec::new();
        for (number, &[inputs, units, wide]) in pair.iter().enumerate() {
            let y = x.slice(0..inputs).matmul_t(g.param(format!("{number}"), [units, inputs]));
            outputs.extend([y, x.slice(0..wide).t_matmul(y), y.t_matmul(x.slice(0..wide))]);
        }
        let loss = outputs.iter().map(|output| output.sum()).reduce(|a, b| a + b).unwrap();
        let program = g.compile(loss, &outputs);
        let params: Vec<f64> = (0..program.parameter_count()).map(|i| (i % 3) as f64 - 1.0).collect();
        let [whole, tiled] = [rows, 8].map(|tile_rows| {
            let mut ws = program.workspace_with_tile_rows(rows, tile_rows);
            [rows, 19].map(|rows| {
                let feeds = [batch.slice(s![..rows, ..]).into()];
                let mut gradients = vec![f64::NAN; params.len()];
                program.forward(&mut ws, &params, &feeds, Mode::Evaluate);
                program.backward(&mut ws, &params, &feeds, &mut gradients);
                let outputs: Vec<_> = (0..outputs.len()).map(|index| ws.output(index)).collect();
                (outputs, gradients)
            })
        });
        assert!(whole == tiled, "{pair:?}");
    }
}

#[test]
fn a_layer_of_one_unit_takes_no_memory_for_packing_its_inputs() {
    let (rows, inputs) = (16, 1 << 17);
    let g = Graph::new();
    let y = g.input(inputs).matmul_t(g.param("w", [1, inputs])) + g.param_vector("b", 1);
    let program = g.compile(y.mean(), &[]);
    assert!(program.workspace_bytes::<f32>(rows) < 1024);
}
