//! What an observation costs each rule, shown a thousand of them.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use highwater_early_stopping::{EarlyStopping, Goal, Observation, Rule};
use std::hint::black_box;
use std::time::Duration;

const RULES: &[&str] = &[
    "never",
    "patience(10, min_delta=0.001)",
    "patience(10 epochs, factor=0.5, min_delta=0.01x, cumulative=false)",
    "patience(10 steps, min_delta=2se, inclusive=true, baseline=0.5)",
    "gl(5)",
    "pq(0.75, strip=5)",
    "up(3, strip=5)",
    "progress_below(0.1, strip=5)",
    "epochs(2000)",
    "steps(200000)",
    "observations(2000)",
    "time(1h)",
    "target(0.001)",
    "diverged(10)",
    "diverged(10x)",
    "inc_to_dec(0.001, wait=20)",
    "plateau(3)",
    "evidence",
    "ema(0.9, patience(10))",
    "median(5, patience(10))",
    "median(51, patience(10))",
    "after(20 epochs, gl(5))",
    "skip(20, gl(5))",
    "latched(gl(5))",
    "held(3, gl(5))",
    "not gl(5)",
    "patience(10) or gl(5) or time(30m)",
    "gl(5) and up(3)",
    "2 of (patience(10), gl(5), up(3, strip=5))",
];

/// A loss that falls for ever more slowly, with a ripple on it.
fn history() -> Vec<Observation> {
    let loss = |epoch: u64| 1.0 / (epoch as f64).sqrt() + 0.01 * (epoch as f64).sin();
    let observation = |epoch| Observation {
        train: Some(0.9 * loss(epoch)),
        elapsed: Some(Duration::from_secs(epoch)),
        step: Some(100 * epoch),
        standard_error: Some(0.01),
        reductions: Some(epoch / 200),
        evidence: Some(loss(epoch) - 0.05),
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
