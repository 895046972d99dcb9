//! Computations as data, and what they give: worked out element by element with ndarray, apart from the kernels.

use highwater_autodiff::{Axis, Feed, Graph, Indices, Mode, Var};
use ndarray::{Array2, concatenate, s};
use std::fmt;
use std::ops::Range;

/// A computation in which each step's arguments are steps before it, and what goes in.
pub(crate) struct Dag {
    pub(crate) steps: Vec<Step>,
    pub(crate) shapes: Vec<Size>,
    /// The loss is the sum of these steps' elements or of their mean, each times a factor.
    pub(crate) loss: Vec<(usize, Total, f64)>,
    pub(crate) outputs: Vec<usize>,
    pub(crate) batch: usize,
    pub(crate) params: Vec<f64>,
    pub(crate) inputs: Vec<Array2<f64>>,
    pub(crate) indices: Vec<u32>,
    pub(crate) key: u64,
}

/// Rows and columns; the rows may be those of the batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Size {
    pub(crate) rows: Option<usize>,
    pub(crate) columns: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Total {
    Sum,
    Mean,
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Input,
    Param { offset: usize },
    Constant(Array2<f64>),
    Unary(&'static Unary, usize),
    Binary(&'static Binary, [usize; 2]),
    MatMul { transposed: [bool; 2], of: [usize; 2] },
    Reduce(&'static Reduce, Axis, usize),
    LogSoftmax(usize),
    Pick(usize),
    LookUp(usize),
    LookUpAt([usize; 2]),
    Concatenate(Vec<usize>),
    Slice(usize, Range<usize>),
    Dropout { rate: f64, number: usize, of: usize },
}

pub(crate) struct Unary {
    pub(crate) name: &'static str,
    pub(crate) record: for<'g> fn(Var<'g>) -> Var<'g>,
    pub(crate) value: fn(f64) -> f64,
    /// Where it is defined and smooth but for kinks.
    pub(crate) domain: Range<f64>,
    /// Between kinks, the function is smooth.
    kinks: &'static [f64],
}

pub(crate) struct Binary {
    pub(crate) name: &'static str,
    record: for<'g> fn(Var<'g>, Var<'g>) -> Var<'g>,
    value: fn(f64, f64) -> f64,
}

pub(crate) struct Reduce {
    pub(crate) name: &'static str,
    record: for<'g> fn(Var<'g>, Axis) -> Var<'g>,
    value: fn(&[f64]) -> f64,
}

const ALL: Range<f64> = f64::NEG_INFINITY..f64::INFINITY;
const POSITIVE: Range<f64> = 0.2..f64::INFINITY;

macro_rules! unary {
    ($name:expr, $record:expr, $value:expr, $domain:expr, $kinks:expr) => {
        Unary { name: $name, record: $record, value: $value, domain: $domain, kinks: $kinks }
    };
}

/// Every function of one element.
pub(crate) static UNARY: &[Unary] = &[
    unary!("neg", |x| -x, |x| -x, ALL, &[]),
    unary!("abs", |x| x.abs(), |x| x.abs(), ALL, &[0.0]),
    unary!("square", |x| x.square(), |x| x * x, ALL, &[]),
    unary!("sqrt", |x| x.sqrt(), |x| x.sqrt(), POSITIVE, &[]),
    unary!("exp", |x| x.exp(), |x| x.exp(), ALL, &[]),
    unary!("ln", |x| x.ln(), |x| x.ln(), POSITIVE, &[]),
    unary!("x^3", |x| x.powf(3.0), |x| x * x * x, ALL, &[]),
    unary!("x^-1.5", |x| x.powf(-1.5), |x| 1.0 / (x * x.sqrt()), POSITIVE, &[]),
    unary!("x^0", |x| x.powf(0.0), |_| 1.0, ALL, &[]),
    unary!("clamp", |x| x.clamp(-0.8, 0.9), |x| x.clamp(-0.8, 0.9), ALL, &[-0.8, 0.9]),
    unary!("relu", |x| x.relu(), |x| x.max(0.0), ALL, &[0.0]),
    unary!("leaky_relu", |x| x.leaky_relu(0.1), |x| if x > 0.0 { x } else { 0.1 * x }, ALL, &[0.0]),
    unary!("elu", |x| x.elu(1.3), |x| if x > 0.0 { x } else { 1.3 * (x.exp() - 1.0) }, ALL, &[0.0]),
    unary!("tanh", |x| x.tanh(), |x| x.tanh(), ALL, &[]),
    unary!("sigmoid", |x| x.sigmoid(), |x| 1.0 / (1.0 + (-x).exp()), ALL, &[]),
    unary!("softsign", |x| x.softsign(), |x| x / (1.0 + x.abs()), ALL, &[0.0]),
    unary!("softplus", |x| x.softplus(), |x| (1.0 + x.exp()).ln(), ALL, &[]),
    unary!("silu", |x| x.silu(), |x| x / (1.0 + (-x).exp()), ALL, &[]),
    unary!("gelu", |x| x.gelu(), |x| 0.5 * x * (1.0 + libm::erf(x / 2f64.sqrt())), ALL, &[]),
    unary!("gelu_tanh", |x| x.gelu_tanh(), gelu_tanh, ALL, &[]),
    unary!("x·-1.7", |x| x * -1.7, |x| x * -1.7, ALL, &[]),
    unary!("x/2.5", |x| x / 2.5, |x| x / 2.5, ALL, &[]),
    unary!("x+0.4", |x| x + 0.4, |x| x + 0.4, ALL, &[]),
    unary!("x-0.3", |x| x - 0.3, |x| x - 0.3, ALL, &[]),
    unary!("0.4+x", |x| 0.4 + x, |x| 0.4 + x, ALL, &[]),
    unary!("1.7·x", |x| 1.7 * x, |x| 1.7 * x, ALL, &[]),
    unary!("0.3-x", |x| 0.3 - x, |x| 0.3 - x, ALL, &[]),
    unary!("1.2/x", |x| 1.2 / x, |x| 1.2 / x, POSITIVE, &[]),
];

fn gelu_tanh(x: f64) -> f64 {
    let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
    0.5 * x * (1.0 + inner.tanh())
}

pub(crate) static BINARY: &[Binary] = &[
    Binary { name: "add", record: |a, b| a + b, value: |a, b| a + b },
    Binary { name: "sub", record: |a, b| a - b, value: |a, b| a - b },
    Binary { name: "mul", record: |a, b| a * b, value: |a, b| a * b },
    Binary { name: "div", record: |a, b| a / b, value: |a, b| a / b },
];

pub(crate) static REDUCE: &[Reduce] = &[
    Reduce { name: "sum", record: |x, axis| x.sum_over(axis), value: |x| x.iter().sum() },
    Reduce {
        name: "mean",
        record: |x, axis| x.mean_over(axis),
        value: |x| x.iter().sum::<f64>() / x.len() as f64,
    },
    Reduce { name: "max", record: |x, axis| x.max_over(axis), value: |x| x[first_max(x)] },
];

macro_rules! named {
    ($($type:ty),*) => {
        $(impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name)
            }
        })*
    };
}
named!(Unary, Binary, Reduce);

fn first_max(x: &[f64]) -> usize {
    (0..x.len()).rev().max_by(|&i, &j| x[i].total_cmp(&x[j])).unwrap()
}

/// The values of all steps, and on which side of each kink and maximum they fell: where that changes, the function
/// of the parameters is not smooth.
pub(crate) struct Evaluation {
    pub(crate) values: Vec<Array2<f64>>,
    pub(crate) sides: Vec<usize>,
}

impl Dag {
    pub(crate) fn evaluate(&self, params: &[f64]) -> Evaluation {
        let mut evaluation = Evaluation { values: Vec::new(), sides: Vec::new() };
        (0..self.steps.len()).for_each(|id| self.extend(&mut evaluation, id, params));
        evaluation
    }

    /// Appends the value of step `id`.
    pub(crate) fn extend(&self, Evaluation { values, sides }: &mut Evaluation, id: usize, params: &[f64]) {
        let rows = self.shapes[id].rows.unwrap_or(self.batch);
        let size = (rows, self.shapes[id].columns);
        let value = match &self.steps[id] {
            Step::Input => {
                let before = self.steps[..id].iter().filter(|s| matches!(s, Step::Input)).count();
                self.inputs[before].clone()
            }
            Step::Param { offset } => Array2::from_shape_fn(size, |(r, c)| params[offset + r * size.1 + c]),
            Step::Constant(elements) => elements.clone(),
            Step::Unary(f, x) => {
                sides.extend(values[*x].iter().map(|x| f.kinks.iter().filter(|&kink| x > kink).count()));
                values[*x].mapv(f.value)
            }
            Step::Binary(f, [a, b]) => {
                let a = values[*a].broadcast(size).unwrap();
                let b = values[*b].broadcast(size).unwrap();
                Array2::from_shape_fn(size, |at| (f.value)(a[at], b[at]))
            }
            Step::MatMul { transposed, of: [a, b] } => {
                let read =
                    |x: &Array2<f64>, transposed: bool| if transposed { x.t().to_owned() } else { x.clone() };
                read(&values[*a], transposed[0]).dot(&read(&values[*b], transposed[1]))
            }
            Step::Reduce(f, axis, x) => {
                let lanes = match axis {
                    Axis::Rows => values[*x].columns(),
                    Axis::Columns => values[*x].rows(),
                };
                let lanes: Vec<Vec<f64>> = lanes.into_iter().map(|lane| lane.to_vec()).collect();
                sides.extend(lanes.iter().filter(|_| f.name == "max").map(|lane| first_max(lane)));
                Array2::from_shape_vec(size, lanes.iter().map(|lane| (f.value)(lane)).collect()).unwrap()
            }
            Step::LogSoftmax(x) => {
                let mut y = values[*x].clone();
                for mut row in y.rows_mut() {
                    let sum = row.iter().map(|x| x.exp()).sum::<f64>();
                    row.mapv_inplace(|x| (x.exp() / sum).ln());
                }
                y
            }
            Step::Pick(x) => Array2::from_shape_fn(size, |(r, _)| values[*x][[r, self.indices[r] as usize]]),
            Step::LookUp(x) => {
                Array2::from_shape_fn(size, |(r, c)| values[*x][[self.indices[r] as usize, c]])
            }
            Step::LookUpAt([x, places]) => {
                let last = values[*x].nrows() - 1;
                let rows: Vec<usize> =
                    values[*places].iter().map(|place| (place.round() as usize).min(last)).collect();
                sides.extend(&rows);
                Array2::from_shape_fn(size, |(r, c)| values[*x][[rows[r], c]])
            }
            Step::Concatenate(parts) => {
                let parts: Vec<_> = parts.iter().map(|&part| values[part].view()).collect();
                concatenate(ndarray::Axis(1), &parts).unwrap()
            }
            Step::Slice(x, columns) => values[*x].slice(s![.., columns.clone()]).to_owned(),
            Step::Dropout { rate, number, of } => &values[*of] * &mask(*rate, *number, self.key, size),
        };
        assert_eq!(value.dim(), size, "step {id}");
        values.push(value);
    }

    pub(crate) fn loss_of(&self, Evaluation { values, .. }: &Evaluation) -> f64 {
        let total = |&(id, total, factor): &(usize, Total, f64)| {
            factor * if total == Total::Sum { values[id].sum() } else { values[id].mean().unwrap() }
        };
        self.loss.iter().map(total).sum()
    }

    /// Records all steps, and last the loss.
    pub(crate) fn record<'g>(&self, g: &'g Graph) -> (Vec<Var<'g>>, Var<'g>) {
        let indices = g.indices();
        let mut vars: Vec<Var<'g>> = Vec::new();
        for (id, step) in self.steps.iter().enumerate() {
            vars.push(self.record_step(g, &vars, indices, id, step));
        }
        let total = |&(id, total, factor): &(usize, Total, f64)| {
            let x: Var<'g> = vars[id];
            if total == Total::Sum { x.sum() * factor } else { x.mean() * factor }
        };
        let loss = self.loss.iter().map(total).reduce(|a, b| a + b).unwrap();
        (vars, loss)
    }

    fn record_step<'g>(
        &self,
        g: &'g Graph,
        vars: &[Var<'g>],
        indices: Indices<'g>,
        id: usize,
        step: &Step,
    ) -> Var<'g> {
        let Size { rows, columns } = self.shapes[id];
        let size = [rows.unwrap_or(self.batch), columns];
        match step {
            Step::Input => g.input(columns),
            Step::Param { .. } if size[0] == 1 => g.param_vector(format!("p{id}"), columns),
            Step::Param { .. } => g.param(format!("p{id}"), size),
            Step::Constant(elements) => g.constant(size, elements.as_slice().unwrap()),
            Step::Unary(f, x) => (f.record)(vars[*x]),
            Step::Binary(f, [a, b]) => (f.record)(vars[*a], vars[*b]),
            Step::MatMul { transposed, of: [a, b] } => match transposed {
                [false, false] => vars[*a].matmul(vars[*b]),
                [false, true] => vars[*a].matmul_t(vars[*b]),
                [true, false] => vars[*a].t_matmul(vars[*b]),
                [true, true] => vars[*a].t_matmul_t(vars[*b]),
            },
            Step::Reduce(f, axis, x) => (f.record)(vars[*x], *axis),
            Step::LogSoftmax(x) => vars[*x].log_softmax(),
            Step::Pick(x) => vars[*x].pick(indices),
            Step::LookUp(x) => vars[*x].look_up(indices),
            Step::LookUpAt([x, places]) => vars[*x].look_up_at(vars[*places]),
            Step::Concatenate(parts) => {
                let parts: Vec<_> = parts.iter().map(|&part| vars[part]).collect();
                parts[0].concatenate(&parts[1..])
            }
            Step::Slice(x, columns) => vars[*x].slice(columns.clone()),
            Step::Dropout { rate, of, .. } => vars[*of].dropout(*rate),
        }
    }

    pub(crate) fn feeds(&self) -> Vec<Feed<'_, f64>> {
        let inputs = self.inputs.iter().map(Feed::from);
        std::iter::once(Feed::Indices(&self.indices)).chain(inputs).collect()
    }
}

/// What a dropout multiplies by: shown by one over ones, alone but for those recorded before it.
fn mask(rate: f64, number: usize, key: u64, (rows, columns): (usize, usize)) -> Array2<f64> {
    let g = Graph::new();
    let x = g.input(columns);
    (0..number).for_each(|_| _ = x.dropout(rate));
    let program = g.compile_forward(&[x.dropout(rate)]);
    let mut ws = program.workspace(rows);
    program.forward(&mut ws, &[], &[(&Array2::ones((rows, columns))).into()], Mode::Train { key });
    ws.output(0)
}

/// Numbers within 0..1 (SplitMix64).
pub(crate) fn uniform(mut state: u64) -> impl FnMut() -> f64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl fmt::Debug for Dag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "batch of {}, key {}", self.batch, self.key)?;
        for (id, step) in self.steps.iter().enumerate() {
            let Size { rows, columns } = self.shapes[id];
            writeln!(f, "{id}: {}×{columns} {step:?}", rows.map_or("batch".into(), |rows| rows.to_string()))?;
        }
        writeln!(f, "loss {:?}, outputs {:?}", self.loss, self.outputs)
    }
}
