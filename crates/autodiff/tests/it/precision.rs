//! `f32` against `f64`, and what happens to numbers that are very large, infinite or none.

use crate::dag::UNARY;
use crate::nets::{Batch, classifier, entangled, step};
use highwater_autodiff::{Axis, Graph, Mode, Program, Real, Var};
use ndarray::{Array2, array};

/// The value of f(x) and, in the same shape, the gradient of its sum.
fn value_and_gradient<T: Real>(
    f: impl for<'g> Fn(Var<'g>) -> Var<'g>,
    x: &Array2<T>,
) -> (Array2<T>, Array2<T>) {
    let g = Graph::new();
    let p = g.param("x", [x.nrows(), x.ncols()]);
    let y = f(p);
    let program = g.compile(y.sum(), &[y]);
    let mut ws = program.workspace(1);
    let params = x.as_slice().unwrap();
    let mut gradients = vec![T::ZERO; params.len()];
    program.forward(&mut ws, params, &[], Mode::Evaluate);
    program.backward(&mut ws, params, &[], &mut gradients);
    (ws.output(0), Array2::from_shape_vec(x.dim(), gradients).unwrap())
}

#[track_caller]
fn check_close(what: &str, found: &[f32], expected: &[f64], tolerance: f64) {
    let scale = expected.iter().fold(0f64, |scale, e| scale.max(e.abs()));
    for (&f, &e) in found.iter().zip(expected) {
        assert!((f64::from(f) - e).abs() <= tolerance * (e.abs() + 1e-2 * scale), "{what}: {f}, not {e}");
    }
}

#[test]
fn functions_of_one_element_agree_in_both_precisions() {
    for f in UNARY {
        let fine = Array2::from_shape_fn((1, 2000), |(_, i)| f64::from((i as f32 - 999.5) * 0.006));
        let fine: Array2<f64> =
            fine.mapv(|x| if f.domain.contains(&x) { x } else { x.abs() + f.domain.start });
        let coarse = fine.mapv(|x| x as f32);
        let fine = coarse.mapv(f64::from);
        let (y, dy) = value_and_gradient(f.record, &fine);
        let (y32, dy32) = value_and_gradient(f.record, &coarse);
        check_close(f.name, y32.as_slice().unwrap(), y.as_slice().unwrap(), 2e-6);
        check_close(f.name, dy32.as_slice().unwrap(), dy.as_slice().unwrap(), 3e-5);
        y.iter().zip(&fine).for_each(|(&y, &x)| {
            let expected = (f.value)(x);
            assert!(
                (y - expected).abs() <= 1e-13 * (1.0 + expected.abs()),
                "{} of {x}: {y}, not {expected}",
                f.name
            );
        });
    }
}

#[test]
fn whole_steps_agree_in_both_precisions() {
    let check = |program: &Program, columns: usize, rows: usize| {
        let fine = Batch::<f64>::random(rows, columns, 4);
        let coarse = Batch { values: fine.values.mapv(|x| x as f32), classes: fine.classes.clone() };
        let expected = step(program, &mut program.workspace(rows), &fine);
        let found = step(program, &mut program.workspace(rows), &coarse);
        check_close("step", &found, &expected, 1e-3);
    };
    check(&classifier(&[10, 20, 10]), 10, 500);
    check(&classifier(&[64, 400, 300, 10]), 64, 100);
    check(&entangled(9), 9, 200);
}

#[test]
fn infinities_go_where_the_function_goes_and_nan_stays() {
    const INF: f64 = f64::INFINITY;
    type Function = for<'g> fn(Var<'g>) -> Var<'g>;
    let check = |name: &str, f: Function, below: f64, above: f64| {
        let expected = [below, above, f64::NAN].map(|y| y.to_string());
        let fine = value_and_gradient(f, &array![[-INF, INF, f64::NAN]]).0;
        assert_eq!(
            fine.as_slice().unwrap().iter().map(f64::to_string).collect::<Vec<_>>(),
            expected,
            "{name}"
        );
        let coarse = value_and_gradient(f, &array![[f32::NEG_INFINITY, f32::INFINITY, f32::NAN]]).0;
        assert_eq!(
            coarse.as_slice().unwrap().iter().map(f32::to_string).collect::<Vec<_>>(),
            expected,
            "{name}"
        );
    };
    check("abs", |x| x.abs(), INF, INF);
    check("square", |x| x.square(), INF, INF);
    check("sqrt", |x| x.sqrt(), f64::NAN, INF);
    check("exp", |x| x.exp(), 0.0, INF);
    check("ln", |x| x.ln(), f64::NAN, INF);
    check("powf", |x| x.powf(3.0), -INF, INF);
    check("clamp", |x| x.clamp(-1.0, 2.0), -1.0, 2.0);
    check("relu", |x| x.relu(), 0.0, INF);
    check("leaky_relu", |x| x.leaky_relu(0.5), -INF, INF);
    check("elu", |x| x.elu(1.5), -1.5, INF);
    check("tanh", |x| x.tanh(), -1.0, 1.0);
    check("sigmoid", |x| x.sigmoid(), 0.0, 1.0);
    check("softplus", |x| x.softplus(), 0.0, INF);
}

#[test]
fn the_fused_layer_keeps_nan_too() {
    let g = Graph::new();
    let (x, w, b) = (g.input(2), g.param("w", [3, 2]), g.param_vector("b", 3));
    let program = g.compile_forward(&[(x.matmul_t(w) + b).relu()]);
    let mut ws = program.workspace(2);
    let params: [f32; 9] = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, f32::NAN, f32::NEG_INFINITY];
    let batch = array![[1.0, 2.0], [f32::NAN, 2.0]];
    program.forward(&mut ws, &params, &[(&batch).into()], Mode::Evaluate);
    let y = ws.output(0);
    assert_eq!(y[[0, 0]], 3.0);
    assert!(y[[0, 1]].is_nan());
    assert_eq!(y[[0, 2]], 0.0);
    assert!(y.row(1).iter().all(|y| y.is_nan()));
}

#[test]
fn extreme_logits_have_exact_logarithms() {
    fn check<T: Real>() {
        let real = |x: &f64| T::from_f64(*x);
        let x = array![[1e4, -1e4, 0.0], [1e4, 1e4, -1e4], [-1e4, -1e4, -1e4], [0.0, 0.0, f64::NEG_INFINITY]];
        let (two, three, inf) = (2f64.ln(), 3f64.ln(), f64::INFINITY);
        let expected =
            array![[0.0, -2e4, -1e4], [-two, -two, -2e4 - two], [-three, -three, -three], [-two, -two, -inf]];
        let (y, dy) = value_and_gradient(|x| x.log_softmax(), &x.map(real));
        for (y, e) in y.iter().zip(&expected.map(real)) {
            assert!(y == e || (*y - *e).to_f64().abs() <= 1e-6 * e.to_f64().abs(), "{y}, not {e}");
        }
        // The last row has an infinite sum; of the others each gradient is 1 - 3·softmax.
        let third = 1.0 / 3.0;
        let softmax = array![[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [third, third, third]];
        for (dy, &s) in dy.iter().zip(&softmax) {
            let expected: f64 = 1.0 - 3.0 * s;
            assert!(f64::abs(dy.to_f64() - expected) <= 1e-6, "{dy}, not {expected}");
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn nan_is_seen_in_its_row_and_column_and_nowhere_else() {
    let x = array![[1.0, 2.0, 3.0], [4.0, f64::NAN, 6.0]];
    let nans = |y: Array2<f64>| y.mapv(|y| u8::from(y.is_nan()));
    let of = |f: fn(Var<'_>) -> Var<'_>| nans(value_and_gradient(f, &x).0);
    assert_eq!(of(|x| x.max_over(Axis::Rows)), array![[0, 1, 0]]);
    assert_eq!(of(|x| x.max_over(Axis::Columns)), array![[0], [1]]);
    assert_eq!(of(|x| x.mean_over(Axis::Rows)), array![[0, 1, 0]]);
    assert_eq!(of(|x| x.sum_over(Axis::Columns)), array![[0], [1]]);
    assert_eq!(of(|x| x.log_softmax()), array![[0, 0, 0], [1, 1, 1]]);
    assert_eq!(of(|x| x.matmul_t(x)), array![[0, 1], [1, 1]]);
    assert_eq!(of(|x| x - x.slice(0..1)), array![[0, 0, 0], [0, 1, 0]]);
}
