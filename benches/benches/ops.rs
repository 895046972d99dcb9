//! Each op at three sizes: forward alone, and backward together with the sum of all elements that it starts from.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use highwater_autodiff::{Axis, Feed, Graph, Indices, Mode, Var};
use highwater_benches::normal;
use std::hint::black_box;
use std::time::Duration;

/// What ops are recorded from.
#[derive(Clone, Copy)]
struct Given<'g> {
    graph: &'g Graph,
    /// A parameter, rows×columns.
    x: Var<'g>,
    /// batch×columns, with a gradient.
    batch: Var<'g>,
    /// A column for each row of the batch.
    indices: Indices<'g>,
    rows: usize,
    columns: usize,
}

impl<'g> Given<'g> {
    /// Another parameter.
    fn other(self, rows: usize, columns: usize) -> Var<'g> {
        self.graph.param("other", [rows, columns])
    }
}

type Record = for<'g> fn(Given<'g>) -> Var<'g>;

const PRODUCTS: &[(&str, Record)] = &[
    ("linear", |g| {
        let bias = g.graph.param_vector("bias", g.columns);
        (g.batch.matmul_t(g.other(g.columns, g.columns)) + bias).relu()
    }),
    ("matmul", |g| g.x.matmul(g.other(g.columns, g.columns))),
    ("matmul_t", |g| g.x.matmul_t(g.other(g.columns, g.columns))),
    ("t_matmul", |g| g.x.t_matmul(g.other(g.rows, g.columns))),
    ("t_matmul_t", |g| g.x.t_matmul_t(g.other(g.columns, g.rows))),
];

const ELEMENTWISE: &[(&str, Record)] = &[
    ("neg", |g| -g.x),
    ("abs", |g| g.x.abs()),
    ("square", |g| g.x.square()),
    ("sqrt", |g| g.x.sqrt()),
    ("exp", |g| g.x.exp()),
    ("ln", |g| g.x.ln()),
    ("powf", |g| g.x.powf(1.5)),
    ("clamp", |g| g.x.clamp(0.5, 1.0)),
    ("scale", |g| g.x * 3.0),
    ("shift", |g| g.x + 3.0),
    ("relu", |g| g.x.relu()),
    ("leaky_relu", |g| g.x.leaky_relu(0.01)),
    ("elu", |g| g.x.elu(1.0)),
    ("tanh", |g| g.x.tanh()),
    ("sigmoid", |g| g.x.sigmoid()),
    ("softsign", |g| g.x.softsign()),
    ("softplus", |g| g.x.softplus()),
    ("silu", |g| g.x.silu()),
    ("gelu", |g| g.x.gelu()),
    ("gelu_tanh", |g| g.x.gelu_tanh()),
    ("dropout", |g| g.x.dropout(0.5)),
    ("add", |g| g.x + g.other(g.rows, g.columns)),
    ("sub", |g| g.x - g.other(g.rows, g.columns)),
    ("mul", |g| g.x * g.other(g.rows, g.columns)),
    ("div", |g| g.x / g.other(g.rows, g.columns)),
    ("mul by a row", |g| g.x * g.other(1, g.columns)),
    ("mul by a column", |g| g.x * g.other(g.rows, 1)),
];

const ROWS_AND_COLUMNS: &[(&str, Record)] = &[
    ("sum of rows", |g| g.x.sum_over(Axis::Rows)),
    ("sum of columns", |g| g.x.sum_over(Axis::Columns)),
    ("mean of rows", |g| g.x.mean_over(Axis::Rows)),
    ("mean of columns", |g| g.x.mean_over(Axis::Columns)),
    ("max of rows", |g| g.x.max_over(Axis::Rows)),
    ("max of columns", |g| g.x.max_over(Axis::Columns)),
    ("log_softmax", |g| g.x.log_softmax()),
    ("pick", |g| g.batch.pick(g.indices)),
    ("look_up", |g| g.x.look_up(g.indices)),
    ("concatenate", |g| g.x.concatenate(&[g.other(g.rows, g.columns)])),
    ("slice", |g| g.x.slice(g.columns / 4..g.columns / 2)),
];

const SIZES: [(usize, usize); 3] = [(32, 64), (128, 256), (512, 1024)];

fn ops(c: &mut Criterion) {
    for (group, ops) in
        [("products", PRODUCTS), ("elementwise", ELEMENTWISE), ("rows and columns", ROWS_AND_COLUMNS)]
    {
        for (name, record) in ops {
            for (rows, columns) in SIZES {
                measure(c, &format!("{group}/{name}"), *record, rows, columns);
            }
        }
    }
}

fn measure(c: &mut Criterion, name: &str, record: Record, rows: usize, columns: usize) {
    let graph = Graph::new();
    let indices = graph.indices();
    let input = graph.input(columns);
    let x = graph.param("x", [rows, columns]);
    let batch = input + graph.param_vector("shift", columns);
    let y = record(Given { graph: &graph, x, batch, indices, rows, columns });
    let (forward, both) = (graph.compile_forward(&[y]), graph.compile(y.sum(), &[]));

    let chosen: Vec<u32> = (0..rows.min(columns) as u32).cycle().take(rows).collect();
    let inputs = normal((rows, columns), 1);
    let feeds = [Feed::from(&chosen[..]), Feed::from(&inputs)];
    let params =
        normal((1, forward.parameter_count()), 2).mapv(|x| x.abs() + 0.1).into_raw_vec_and_offset().0;
    let mut gradients = vec![0.0; params.len()];
    let mode = Mode::Train { key: 1 };
    let size = format!("{rows}×{columns}");
    let mut group = c.benchmark_group(name);

    let mut ws = forward.workspace(rows);
    group.bench_function(BenchmarkId::new("forward", &size), |b| {
        b.iter(|| forward.forward(&mut ws, black_box(&params), &feeds, mode));
    });
    let mut ws = both.workspace(rows);
    both.forward(&mut ws, &params, &feeds, mode);
    group.bench_function(BenchmarkId::new("backward", &size), |b| {
        b.iter(|| both.backward(&mut ws, black_box(&params), &feeds, &mut gradients));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .nresamples(1000)
        .warm_up_time(Duration::from_millis(50))
        .measurement_time(Duration::from_millis(150));
    targets = ops
}
criterion_main!(benches);
