//! A whole training step, and what a loss costs in it.

use criterion::{Criterion, criterion_group, criterion_main};
use highwater_autodiff::{Feed, Graph, Mode};
use highwater_benches::{Training, Workload, normal};
use highwater_objective::{BinaryCrossEntropy, CrossEntropy, Loss};
use std::hint::black_box;
use std::time::Duration;

fn step(c: &mut Criterion) {
    let names = ["tiny", "digits"].map(str::to_owned);
    let mut group = c.benchmark_group("step");
    for workload in Workload::read(None, &names).expect("they come along, and are sound") {
        let mut training = Training::new(&workload);
        let mut index = 0;
        group.bench_function(workload.name, |b| {
            b.iter(|| {
                index += 1;
                training.step(index)
            });
        });
    }
}

/// Value and gradient for 128 rows of 10 outputs, which are an input plus a bias.
fn loss(c: &mut Criterion) {
    let (rows, outputs) = (128, 10);
    let losses = [
        ("mse", Loss::MeanSquaredError),
        ("mae", Loss::MeanAbsoluteError),
        ("huber", Loss::Huber { delta: 1.0 }),
        ("cross_entropy", Loss::CrossEntropy(CrossEntropy::default())),
        (
            "cross_entropy, smoothed and weighted",
            Loss::CrossEntropy(CrossEntropy { label_smoothing: 0.1, class_weights: vec![0.5; outputs] }),
        ),
        ("bce_with_logits", Loss::BinaryCrossEntropy(BinaryCrossEntropy::default())),
    ];
    let inputs = normal((rows, outputs), 1);
    let values = normal((rows, outputs), 2).mapv(|x| if x > 0.0 { 1.0 } else { 0.0 });
    let classes: Vec<u32> = (0..outputs as u32).cycle().take(rows).collect();
    let mut group = c.benchmark_group("loss");
    for (name, loss) in losses {
        let graph = Graph::new();
        let y = graph.input(outputs) + graph.param_vector("bias", outputs);
        let program = graph.compile(loss.record(y), &[]);
        let target = if loss.wants_classes() { Feed::from(&classes[..]) } else { Feed::from(&values) };
        let feeds = [Feed::from(&inputs), target];
        let mut ws = program.workspace(rows);
        let (bias, mut gradients) = (vec![0.1; outputs], vec![0.0; outputs]);
        group.bench_function(name, |b| {
            b.iter(|| {
                program.forward(&mut ws, black_box(&bias), &feeds, Mode::Evaluate);
                program.backward(&mut ws, &bias, &feeds, &mut gradients);
                ws.loss()
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400));
    targets = step, loss
}
criterion_main!(benches);
