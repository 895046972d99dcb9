//! Values against the naive evaluation, gradients against its central differences, tiles against one tile.

use crate::dag::{Dag, UNARY, uniform};
use crate::grow::dags;
use highwater_autodiff::{Axis, Graph, Mode, Program, Workspace};
use ndarray::Array2;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Loss, outputs and gradients of one step.
struct Step {
    loss: f64,
    outputs: Vec<Array2<f64>>,
    gradients: Vec<f64>,
}

fn step(dag: &Dag, program: &Program, ws: &mut Workspace<f64>) -> Step {
    let feeds = dag.feeds();
    // What is there before must not matter.
    let mut gradients = vec![f64::NAN; dag.params.len()];
    program.forward(ws, &dag.params, &feeds, Mode::Train { key: dag.key });
    program.backward(ws, &dag.params, &feeds, &mut gradients);
    Step {
        loss: ws.loss(),
        outputs: (0..dag.outputs.len()).map(|index| ws.output(index)).collect(),
        gradients,
    }
}

fn compile(dag: &Dag) -> Program {
    let g = Graph::new();
    let (vars, loss) = dag.record(&g);
    g.compile(loss, &dag.outputs.iter().map(|&id| vars[id]).collect::<Vec<_>>())
}

/// The slope of the loss along parameter `index`, from central differences (a five-point formula), and how far two
/// step sizes disagree; `None` where the loss has a kink so near that this says nothing.
fn difference(dag: &Dag, index: usize, sides: &[usize]) -> Option<(f64, f64)> {
    let loss = |shift: f64| {
        let mut params = dag.params.clone();
        params[index] += shift;
        let evaluation = dag.evaluate(&params);
        (evaluation.sides == sides).then(|| dag.loss_of(&evaluation))
    };
    let slope = |h: f64| {
        let near = loss(h)? - loss(-h)?;
        let far = loss(2.0 * h)? - loss(-2.0 * h)?;
        Some((8.0 * near - far) / (12.0 * h))
    };
    let (coarse, fine) = (slope(4e-4)?, slope(2e-4)?);
    Some((fine, (fine - coarse).abs()))
}

#[track_caller]
fn check_close(what: &str, found: f64, expected: f64, tolerance: f64) {
    let scale = 1.0 + expected.abs();
    assert!((found - expected).abs() <= tolerance * scale, "{what}: {found}, not {expected}");
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..Default::default() }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn random_computations_have_the_values_and_gradients_of_their_definition(dag in dags()) {
        let program = compile(&dag);
        let found = step(&dag, &program, &mut program.workspace(dag.batch));
        let evaluation = dag.evaluate(&dag.params);
        check_close("loss", found.loss, dag.loss_of(&evaluation), 1e-11);
        for (output, &id) in found.outputs.iter().zip(&dag.outputs) {
            let expected = &evaluation.values[id];
            prop_assert_eq!(output.dim(), expected.dim());
            output.iter().zip(expected).for_each(|(&y, &e)| check_close("output", y, e, 1e-11));
        }
        for (index, &gradient) in found.gradients.iter().enumerate() {
            if let Some((slope, doubt)) = difference(&dag, index, &evaluation.sides) {
                let scale = 1.0 + found.loss.abs() + slope.abs();
                if doubt < 1e-4 * scale {
                    let what = format!("gradient of element {index}");
                    prop_assert!((gradient - slope).abs() <= 1e-7 * scale + 4.0 * doubt, "{what}: {gradient}, not {slope}");
                }
            }
        }
    }

    #[test]
    fn tiles_of_any_size_give_what_one_tile_gives(dag in dags()) {
        let program = compile(&dag);
        let whole = step(&dag, &program, &mut program.workspace_with_tile_rows(dag.batch, dag.batch));
        let size = whole.gradients.iter().fold(1.0f64, |size, g| size.max(g.abs()));
        for tile_rows in 1..dag.batch {
            // A larger workspace has tiles without rows.
            for max_rows in [dag.batch, dag.batch + 5] {
                let tiled = step(&dag, &program, &mut program.workspace_with_tile_rows(max_rows, tile_rows));
                check_close("loss", tiled.loss, whole.loss, 1e-12);
                for (&t, &w) in tiled.outputs.iter().flatten().zip(whole.outputs.iter().flatten()) {
                    check_close("output", t, w, 1e-12);
                }
                for (&t, &w) in tiled.gradients.iter().zip(&whole.gradients) {
                    prop_assert!((t - w).abs() <= 1e-12 * size, "gradient {t}, not {w}");
                }
            }
        }
    }
}

/// Two layers with batch normalisation between them: rows meet several times on the way to the loss, and parameters
/// are used before and after.
#[test]
fn gradients_flow_back_through_means_over_the_batch() {
    let (rows, width) = (23, 5);
    let g = Graph::new();
    let x = g.input(4);
    let t = g.input(1);
    let (w, v) = (g.param("w", [width, 4]), g.param("v", [1, width]));
    let (scale, shift) = (g.param_vector("scale", width), g.param_vector("shift", width));
    let z = x.matmul_t(w);
    let centred = z - z.mean_over(Axis::Rows);
    let variance = centred.square().mean_over(Axis::Rows);
    let normal = centred / (variance + 1e-5).sqrt() * scale + shift;
    let correlation = normal.t_matmul(normal) / rows as f64;
    let whitened = normal.matmul(correlation).tanh() * scale + shift;
    let loss = (whitened.matmul_t(v) - t).square().mean();
    let program = g.compile(loss, &[normal]);

    let mut uniform = uniform(7);
    let params: Vec<f64> = (0..program.parameter_count()).map(|_| uniform() * 2.0 - 1.0).collect();
    let x = Array2::from_shape_simple_fn((rows, 4), || uniform() * 2.0 - 1.0);
    let t = Array2::from_shape_simple_fn((rows, 1), || uniform() * 2.0 - 1.0);
    let feeds = [(&x).into(), (&t).into()];
    let mut ws = program.workspace(rows);
    let mut gradients = vec![0.0; params.len()];
    program.forward(&mut ws, &params, &feeds, Mode::Evaluate);
    program.backward(&mut ws, &params, &feeds, &mut gradients);

    for index in 0..params.len() {
        let mut at = |shift: f64| {
            let mut params = params.clone();
            params[index] += shift;
            program.forward(&mut ws, &params, &feeds, Mode::Evaluate);
            ws.loss()
        };
        let h = 1e-4;
        let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
        check_close("gradient", gradients[index], slope, 1e-10);
    }
    for tile_rows in [1, 2, 7, 16] {
        let mut ws = program.workspace_with_tile_rows(rows, tile_rows);
        let mut tiled = vec![f64::NAN; params.len()];
        program.forward(&mut ws, &params, &feeds, Mode::Evaluate);
        program.backward(&mut ws, &params, &feeds, &mut tiled);
        tiled.iter().zip(&gradients).for_each(|(&t, &w)| check_close("gradient", t, w, 1e-12));
    }
}

/// What is an output is not fused away: the same two layers once as two ops and once as six.
#[test]
fn fused_layers_have_the_values_and_gradients_of_their_parts() {
    for f in UNARY {
        for (rows, inputs, outputs) in [(1, 1, 1), (5, 3, 2), (40, 4, 33), (3, 2, 70), (130, 90, 120)] {
            let g = Graph::new();
            let (x, target) = (g.input(inputs), g.input(outputs));
            let mut parts = Vec::new();
            let mut y = x;
            for (number, inputs) in [inputs, outputs].into_iter().enumerate() {
                // The function is applied to what is above 1, for those that want positive numbers.
                let weight = g.param(format!("w{number}"), [outputs, inputs]) * (1.0 / inputs as f64);
                let product = y.matmul_t(weight);
                let sum = (g.param_vector(format!("b{number}"), outputs) + 1.0) + product;
                parts.extend([product, sum]);
                y = (f.record)(sum);
            }
            let loss = (y * target).sum();
            let programs = [g.compile(loss, &[y]), g.compile(loss, &[&[y], &parts[..]].concat())];
            let mut uniform = uniform(3);
            let mut random = |size| Array2::from_shape_simple_fn(size, &mut uniform);
            let (x, target) = (random((rows, inputs)), random((rows, outputs)));
            let count = programs[0].parameter_count();
            let params: Vec<f64> = random((1, count)).iter().map(|p| p + 0.2).collect();
            let [fused, apart] = programs.map(|program| {
                let mut ws = program.workspace(rows);
                let mut gradients = vec![f64::NAN; count];
                let feeds = [(&x).into(), (&target).into()];
                program.forward(&mut ws, &params, &feeds, Mode::Evaluate);
                program.backward(&mut ws, &params, &feeds, &mut gradients);
                (ws.output(0), gradients)
            });
            fused.0.iter().zip(&apart.0).for_each(|(&y, &e)| check_close(f.name, y, e, 1e-13));
            fused.1.iter().zip(&apart.1).for_each(|(&y, &e)| check_close(f.name, y, e, 1e-12));
        }
    }
}
