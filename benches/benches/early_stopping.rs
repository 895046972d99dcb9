//! What an observation costs each rule, shown a thousand of them.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use highwater_early_stopping::{EarlyStopping, Goal, Observation, Rule};
use std::hint::black_box;
use std::time::Duration;

const RULES: &[&str] = &[
    "never",
    "patience(10, min_delta=0.001)",
    "gl(5)",
    "pq(0.75, strip=5)",
    "up(3, strip=5)",
    "plateau(3)",
    "inc_to_dec(0.001, wait=20)",
    "ema(0.9, patience(10))",
    "median(5, patience(10))",
    "patience(10) or gl(5) or time(30m)",
    "2 of (patience(10), gl(5), up(3, strip=5))",
];

/// A loss that falls for ever more slowly, with a ripple on it.
fn history() -> Vec<Observation> {
    let loss = |epoch: u64| 1.0 / (epoch as f64).sqrt() + 0.01 * (epoch as f64).sin();
    let observation = |epoch| Observation {
        train: Some(0.9 * loss(epoch)),
        elapsed: Some(Duration::from_secs(epoch)),
        ..Observation::new(epoch, loss(epoch))
    };
    (1..=1000).map(observation).collect()
}

fn observe(c: &mut Criterion) {
    let history = history();
    let mut group = c.benchmark_group("observe");
    group.throughput(Throughput::Elements(history.len() as u64));
    for text in RULES {
        let rule: Rule = text.parse().expect("a rule");
        let mut stopper = EarlyStopping::new(Goal::Minimize, rule);
        group.bench_function(*text, |b| {
            b.iter(|| {
                stopper.reset();
                history.iter().filter(|o| black_box(stopper.observe(o)).improved).count()
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300));
    targets = observe
}
criterion_main!(benches);
