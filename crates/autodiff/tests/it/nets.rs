//! Networks that several tests run, and what one step gives.

use crate::dag::uniform;
use highwater_autodiff::{Axis, Feed, Graph, Mode, Program, Real, Var, Workspace};
use ndarray::Array2;

/// Dense layers of these sizes with a function between them; batch×last.
pub(crate) fn dense<'g>(x: Var<'g>, sizes: &[usize], activation: fn(Var<'g>) -> Var<'g>) -> Var<'g> {
    let g = x.graph();
    let mut x = x;
    for (layer, sides) in sizes.windows(2).enumerate() {
        let weight = g.param(format!("{layer}.weight"), [sides[1], sides[0]]);
        x = x.matmul_t(weight) + g.param_vector(format!("{layer}.bias"), sides[1]);
        if layer + 2 < sizes.len() {
            x = activation(x);
        }
    }
    x
}

/// A multi-layer perceptron with cross-entropy; its output are the logits.
pub(crate) fn classifier(sizes: &[usize]) -> Program {
    classifier_with(sizes, |x| x.relu())
}

/// One with another activation.
pub(crate) fn classifier_with(sizes: &[usize], activation: for<'g> fn(Var<'g>) -> Var<'g>) -> Program {
    let g = Graph::new();
    let logits = dense(g.input(sizes[0]), sizes, activation);
    let loss = -logits.log_softmax().pick(g.indices()).mean();
    g.compile(loss, &[logits])
}

/// Dropout, batch normalisation and a product over the batch: rows meet at several stages.
pub(crate) fn entangled(columns: usize) -> Program {
    let g = Graph::new();
    let x = g.input(columns);
    let z = dense(x, &[columns, 24, 12], Var::tanh).dropout(0.25);
    let centred = z - z.mean_over(Axis::Rows);
    let normal = centred / (centred.square().mean_over(Axis::Rows) + 1e-5).sqrt();
    let mixed = normal.matmul(normal.t_matmul(normal) * 1e-2);
    let logits = mixed.matmul_t(g.param("last.weight", [10, 12]));
    let loss = -logits.log_softmax().pick(g.indices()).mean();
    g.compile(loss, &[logits, normal])
}

/// A batch of random rows, with classes below 10.
pub(crate) struct Batch<T> {
    pub(crate) values: Array2<T>,
    pub(crate) classes: Vec<u32>,
}

impl<T: Real> Batch<T> {
    pub(crate) fn random(rows: usize, columns: usize, seed: u64) -> Batch<T> {
        let mut uniform = uniform(seed);
        let values = Array2::from_shape_simple_fn((rows, columns), || T::from_f64(uniform() * 2.0 - 1.0));
        Batch { values, classes: (0..rows).map(|_| (uniform() * 10.0) as u32).collect() }
    }

    pub(crate) fn feeds(&self) -> [Feed<'_, T>; 2] {
        [(&self.values).into(), (&self.classes[..]).into()]
    }
}

/// Random parameters within ±0.3.
pub(crate) fn params<T: Real>(program: &Program) -> Vec<T> {
    let mut uniform = uniform(program.parameter_count() as u64);
    (0..program.parameter_count()).map(|_| T::from_f64(0.6 * uniform() - 0.3)).collect()
}

/// Loss, first output and gradients of one step, one after another.
pub(crate) fn step<T: Real>(program: &Program, ws: &mut Workspace<T>, batch: &Batch<T>) -> Vec<T> {
    let params = params(program);
    let mut gradients = vec![T::ZERO; params.len()];
    program.forward(ws, &params, &batch.feeds(), Mode::Train { key: 5 });
    program.backward(ws, &params, &batch.feeds(), &mut gradients);
    let mut all = vec![ws.loss()];
    all.extend(ws.output(0));
    all.extend(gradients);
    all
}
