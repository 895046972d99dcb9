//! Problems made from a formula, for examples, tests and benchmarks.

use ndarray::{Array2, Axis};
use ndarray_rand::RandomExt;
use ndarray_rand::rand_distr::{StandardNormal, StandardUniform};

use crate::dataset::{Dataset, Targets};
use crate::stream::{Purpose, stream};

/// Friedman's first regression problem: five inputs matter, one way or another, and the others do not.
///
/// y = 10 sin(π x₁ x₂) + 20 (x₃ − ½)² + 10 x₄ + 5 x₅ + `noise` · ε, with the inputs (customarily 10) uniform in
/// \[0, 1) and ε normal with mean 0 and variance 1. Without noise, y has mean 14.4 and standard deviation 4.9. No
/// model has a mean squared error below `noise`², save by luck.
///
/// J. H. Friedman, "Multivariate Adaptive Regression Splines", The Annals of Statistics 19(1), 1991, section 4.3.
///
/// ```
/// use highwater_data::{Fractions, split, synthetic};
///
/// let data = synthetic::friedman1(300, 10, 1.0, 7);
/// let parts = split(data.rows(), None, Fractions { validation: 0.2, test: 0.0 }, 7)?;
/// let (train, validation) = (data.select(&parts.train), data.select(&parts.validation));
/// assert_eq!((train.rows(), validation.rows(), train.inputs()), (240, 60, 10));
/// # Ok::<(), highwater_data::Error>(())
/// ```
///
/// # Panics
/// With fewer than five inputs.
pub fn friedman1(rows: usize, inputs: usize, noise: f64, seed: u64) -> Dataset {
    assert!(inputs >= 5, "the formula has five inputs, not {inputs}");
    let mut words = stream(seed, Purpose::Friedman, 0);
    let x: Array2<f64> = Array2::random_using((rows, inputs), StandardUniform, &mut words);
    let errors: Array2<f64> = Array2::random_using((rows, 1), StandardNormal, &mut words);
    let mut y = errors * noise;
    for (x, mut y) in x.axis_iter(Axis(0)).zip(y.axis_iter_mut(Axis(0))) {
        y[0] += formula(&[x[0], x[1], x[2], x[3], x[4]]);
    }
    Dataset::new(x.mapv(|x| x as f32), Targets::Values(y.mapv(|y| y as f32)))
}

fn formula(x: &[f64; 5]) -> f64 {
    10.0 * (std::f64::consts::PI * x[0] * x[1]).sin() + 20.0 * (x[2] - 0.5).powi(2) + 10.0 * x[3] + 5.0 * x[4]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::Scale;

    fn targets(data: &Dataset) -> impl Iterator<Item = f64> + Clone {
        let Targets::Values(y) = data.targets() else { unreachable!("a regression") };
        y.iter().map(|y| f64::from(*y))
    }

    #[test]
    fn the_formula_has_the_values_worked_out_by_hand() {
        for (x, expected) in [
            ([0.0; 5], 5.0),
            ([0.5, 1.0, 0.5, 0.0, 0.0], 10.0),
            ([0.0, 0.3, 0.5, 1.0, 1.0], 15.0),
            ([1.0, 1.0 / 6.0, 1.0, 0.1, 0.2], 12.0),
        ] {
            assert!((formula(&x) - expected).abs() < 1e-12, "{x:?}");
        }
    }

    #[test]
    fn targets_are_the_formula_plus_noise_of_the_given_size() {
        let clean = friedman1(20_000, 10, 0.0, 1);
        let noisy = friedman1(20_000, 10, 2.0, 1);
        assert_eq!(clean.features(), noisy.features());
        let first: [f64; 5] = std::array::from_fn(|i| f64::from(clean.features()[[0, i]]));
        assert!((targets(&clean).next().unwrap() - formula(&first)).abs() < 1e-4);

        let of_clean = Scale::fit(targets(&clean));
        assert!((of_clean.mean - 14.4).abs() < 0.2 && (of_clean.sd - 4.9).abs() < 0.1, "{of_clean:?}");
        let errors = Scale::fit(targets(&noisy).zip(targets(&clean)).map(|(noisy, clean)| noisy - clean));
        assert!(errors.mean.abs() < 0.07 && (errors.sd - 2.0).abs() < 0.05, "{errors:?}");
        let uniform = Scale::fit(clean.features().iter().map(|x| f64::from(*x)));
        assert!((uniform.mean - 0.5).abs() < 0.005 && (uniform.sd - 12_f64.sqrt().recip()).abs() < 0.005);
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(friedman1(5, 5, 1.0, 3), friedman1(5, 5, 1.0, 3));
        assert_ne!(friedman1(5, 5, 1.0, 3), friedman1(5, 5, 1.0, 4));
    }
}
