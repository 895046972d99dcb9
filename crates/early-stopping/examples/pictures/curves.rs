//! Runs that look like runs do: made by formulas and a generator of numbers, the same on every machine.

use highwater_early_stopping::{GradientEvidence, Observation};
use std::time::Duration;

/// Numbers between -1 and 1 (Knuth's linear congruential generator).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

/// A training loss that falls for ever, and a validation loss that falls, wiggles and rises: `wobble` is by how much.
pub(crate) fn overfitting(epochs: u64, wobble: f64, seed: u64) -> Vec<Observation> {
    let mut noise = Noise(seed);
    let run = |at: u64| {
        let t = at as f64;
        let train = 0.08 + 1.1 / (1.0 + t / 6.0);
        let value = train + 0.12 + 0.00006 * t * t + wobble * noise.next();
        let elapsed = Some(Duration::from_secs(2 * at));
        Observation { train: Some(train), elapsed, standard_error: Some(0.03), ..Observation::new(at, value) }
    };
    (1..=epochs).map(run).collect()
}

/// A loss that falls, then explodes, and in the end is no number.
pub(crate) fn exploding() -> Vec<Observation> {
    let mut noise = Noise(3);
    let run = |at: u64| {
        let t = at as f64;
        let value = match at {
            0..46 => 0.3 + 1.2 / (1.0 + t / 4.0) + 0.03 * noise.next(),
            46..58 => 0.4 + 0.02 * (t - 45.0) * (t - 45.0),
            _ => f64::NAN,
        };
        Observation { elapsed: Some(Duration::from_secs(2 * at)), ..Observation::new(at, value) }
    };
    (1..=64).map(run).collect()
}

/// A loss that stands still until its learning rate is reduced, which brings less each time.
pub(crate) fn staircase() -> Vec<Observation> {
    let mut noise = Noise(8);
    let (mut level, mut reductions) = (1.0, 0_u32);
    let run = |at: u64| {
        let floor = [0.6, 0.38, 0.33, 0.325, 0.325, 0.325][reductions as usize];
        level += 0.25 * (floor - level);
        if at.is_multiple_of(18) {
            reductions += 1;
        }
        let value = level + 0.012 / f64::from(1 + reductions) * noise.next();
        Observation { reductions: Some(u64::from(reductions)), ..Observation::new(at, value) }
    };
    (1..=90).map(run).collect()
}

/// A polynomial of degree 12 that is fitted to 16 noisy points by gradient descent, with the evidence of its gradients. The
/// observed value is the error on points that were held out, which the criterion does not see.
pub(crate) fn polynomial() -> Vec<Observation> {
    const TERMS: usize = 13;
    const STEPS_PER_EPOCH: u64 = 2;
    let mut noise = Noise(5);
    let mut points = |count: usize| -> Vec<([f64; TERMS], f64)> {
        let place = |i: usize| 2.0 * (i as f64 + 0.5) / count as f64 - 1.0;
        (0..count).map(place).map(|x| (chebyshev(x), x * x * x - 0.5 * x + 0.5 * noise.next())).collect()
    };
    fn chebyshev<const N: usize>(x: f64) -> [f64; N] {
        let mut terms = [1.0; N];
        terms[1] = x;
        for n in 2..N {
            terms[n] = 2.0 * x * terms[n - 1] - terms[n - 2];
        }
        terms
    }
    let (train, held_out) = (points(16), points(64));
    let mut weights = [0.0; TERMS];
    let predict =
        |w: &[f64; TERMS], terms: &[f64; TERMS]| w.iter().zip(terms).map(|(w, t)| w * t).sum::<f64>();
    let error = |w: &[f64; TERMS], points: &[([f64; TERMS], f64)]| {
        points.iter().map(|(terms, y)| (predict(w, terms) - y).powi(2)).sum::<f64>() / points.len() as f64
    };
    let epoch = |at: u64| {
        let mut evidence = GradientEvidence::default();
        let before = error(&weights, &train);
        for _ in 0..STEPS_PER_EPOCH {
            let (mut gradient, mut squares) = ([0.0; TERMS], [0.0; TERMS]);
            for (terms, y) in &train {
                let residual = 2.0 * (predict(&weights, terms) - y);
                for i in 0..TERMS {
                    gradient[i] += residual * terms[i] / train.len() as f64;
                    squares[i] += (residual * terms[i]).powi(2);
                }
            }
            evidence.add_batch(train.len() as u64, &gradient, &squares);
            weights.iter_mut().zip(gradient).for_each(|(w, g)| *w -= 0.01 * g);
        }
        Observation {
            train: Some(before),
            evidence: evidence.criterion(),
            ..Observation::new(at, error(&weights, &held_out))
        }
    };
    (1..=60).map(epoch).collect()
}

/// The accuracy that goes with a loss: it has its best later.
pub(crate) fn accuracies(losses: &[Observation]) -> Vec<Observation> {
    let mut noise = Noise(21);
    let accuracy = |o: &Observation| {
        let value = 0.95 - 0.45 / (1.0 + o.at as f64 / 10.0) + 0.012 * noise.next();
        Observation::new(o.at, value)
    };
    losses.iter().map(accuracy).collect()
}
