//! The largest decayed increase so far, for CatBoost's detector, on a convex hull.

use alloc::vec::Vec;

const DECAY: f64 = 0.99;
/// Increases that began so long ago that this is their weight count no more.
const FORGOTTEN: f64 = 1e-12;

/// The greatest weighted increase so far: `E_i = max over i₁ ≤ i₂ ≤ i of DECAY^(i − i₁) · (s[i₂] − s[i₁])`.
///
/// Either the increase does not end now, and `E_i = DECAY · E_{i−1}`, or it does, and it is the greatest of
/// the lines `weight · (s − start)`, one per earlier score, at s = s[i]. The lines that are greatest anywhere
/// form an upper envelope; a new line is the steepest of all, so it enters at the end, and a look-up is a
/// binary search.
#[derive(Debug)]
pub(super) struct ExpectedIncrease {
    lines: Vec<Line>,
    /// The weight of the score now, in the unit of the lines' weights.
    weight: f64,
    expected: f64,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    weight: f64,
    start: f64,
    /// The score from which on this line is above those before it.
    from: f64,
}

impl Default for ExpectedIncrease {
    fn default() -> Self {
        Self { lines: Vec::new(), weight: 1.0, expected: 0.0 }
    }
}

impl ExpectedIncrease {
    /// Takes the next score in; one that is not finite only lets time pass.
    pub(super) fn observe(&mut self, score: f64) -> f64 {
        self.expected *= DECAY;
        self.weight /= DECAY;
        if score.is_finite() {
            self.push(score);
            let above = self.lines.partition_point(|line| line.from <= score);
            let line = self.lines[above.saturating_sub(1)];
            self.expected = self.expected.max(line.weight / self.weight * (score - line.start));
        }
        if self.weight > 1.0 / FORGOTTEN {
            self.rescale();
        }
        self.expected
    }

    fn push(&mut self, start: f64) {
        let mut line = Line { weight: self.weight, start, from: f64::NEG_INFINITY };
        while let Some(last) = self.lines.last() {
            line.from = (line.weight * start - last.weight * last.start) / (line.weight - last.weight);
            if line.from > last.from {
                break;
            }
            line.from = f64::NEG_INFINITY;
            self.lines.pop();
        }
        self.lines.push(line);
    }

    /// Makes the present weight 1 again, before it overflows.
    fn rescale(&mut self) {
        for line in &mut self.lines {
            line.weight /= self.weight;
        }
        self.weight = 1.0;
        self.lines.retain(|line| line.weight >= FORGOTTEN);
        if let Some(first) = self.lines.first_mut() {
            first.from = f64::NEG_INFINITY;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by_definition(scores: &[f64]) -> f64 {
        let mut most = 0.0_f64;
        for (i1, from) in scores.iter().enumerate() {
            let weight = DECAY.powi((scores.len() - 1 - i1) as i32);
            for to in &scores[i1..] {
                most = most.max(weight * (to - from));
            }
        }
        most
    }

    proptest! {
        #[test]
        fn the_envelope_gives_what_the_definition_says(
            scores in prop::collection::vec(-9.0..9.0, 1..60),
            // From the second, the weights are rescaled on the way.
            weight in prop::sample::select(Vec::from([1.0, 0.8 / FORGOTTEN])),
        ) {
            let mut increase = ExpectedIncrease { weight, ..ExpectedIncrease::default() };
            for (i, &score) in scores.iter().enumerate() {
                let (found, expected) = (increase.observe(score), by_definition(&scores[..=i]));
                prop_assert!((found - expected).abs() <= 1e-12 * expected.max(1.0), "{found} {expected}");
            }
        }
    }

    #[test]
    fn long_runs_neither_overflow_nor_grow() {
        let mut increase = ExpectedIncrease::default();
        for i in 0..20_000 {
            increase.observe(f64::from(i));
        }
        assert!(increase.lines.len() < 6_000, "{}", increase.lines.len());
        let steepest = (1..999).map(|ago| DECAY.powi(ago) * f64::from(ago)).fold(0.0, f64::max);
        assert!((increase.expected - steepest).abs() < 1e-9, "{} {steepest}", increase.expected);
    }
}
