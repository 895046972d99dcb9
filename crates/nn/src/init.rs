//! Initial weights: a function of (seed, parameter), with no generator state between parameters.

use ndarray::Array1;
use ndarray_rand::RandomExt;
use ndarray_rand::rand::SeedableRng;
use ndarray_rand::rand_distr::{Normal, Uniform};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// How the weights of a dense layer begin. Biases begin at 0, except where it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// `torch.nn.Linear`'s default, and the one here: weights and biases uniform within ±1/√inputs.
    #[default]
    Pytorch,
    /// Uniform within ±√(6/inputs) (He et al. 2015, for relu).
    HeUniform,
    /// Normal with deviation √(2/inputs) (He et al. 2015, for relu).
    HeNormal,
    /// Uniform within ±√(6/(inputs + outputs)) (Glorot & Bengio 2010, equation 16).
    GlorotUniform,
    /// Normal with deviation √(2/(inputs + outputs)) (Glorot & Bengio 2010).
    GlorotNormal,
    /// Uniform within ±√(3/inputs) (LeCun et al. 1998, section 4.6).
    LecunUniform,
    /// Normal with deviation √(1/inputs) (LeCun et al. 1998, section 4.6).
    LecunNormal,
    /// Weights and biases uniform within low..high.
    Uniform {
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
    /// Weights and biases all the same.
    Constant {
        /// The value.
        value: f64,
    },
}

/// What is being initialised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Weight,
    Bias,
}

/// Distinguishes this use of the seed from every other one ("init" in ASCII).
const PURPOSE: u64 = 0x696e_6974;

impl Init {
    /// The first values of a parameter: the `index`-th of its model, in a layer of so many inputs and outputs.
    pub(crate) fn values(
        self,
        part: Part,
        (inputs, outputs): (usize, usize),
        length: usize,
        seed: u64,
        index: u64,
    ) -> Array1<f64> {
        let (i, o) = (inputs.max(1) as f64, outputs as f64);
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ PURPOSE.rotate_left(32));
        rng.set_stream(index);
        let mut uniform = |low: f64, high: f64| {
            let distribution = Uniform::new_inclusive(low, high).expect("bounds are finite and in order");
            Array1::random_using(length, distribution, &mut rng)
        };
        if part == Part::Bias && !matches!(self, Init::Pytorch | Init::Uniform { .. } | Init::Constant { .. })
        {
            return Array1::zeros(length);
        }
        let deviation = match self {
            Init::Pytorch => return uniform(-1.0 / i.sqrt(), 1.0 / i.sqrt()),
            Init::HeUniform => return uniform(-(6.0 / i).sqrt(), (6.0 / i).sqrt()),
            Init::GlorotUniform => return uniform(-(6.0 / (i + o)).sqrt(), (6.0 / (i + o)).sqrt()),
            Init::LecunUniform => return uniform(-(3.0 / i).sqrt(), (3.0 / i).sqrt()),
            Init::Uniform { low, high } => return uniform(low, high),
            Init::Constant { value } => return Array1::from_elem(length, value),
            Init::HeNormal => (2.0 / i).sqrt(),
            Init::GlorotNormal => (2.0 / (i + o)).sqrt(),
            Init::LecunNormal => (1.0 / i).sqrt(),
        };
        let distribution = Normal::new(0.0, deviation).expect("the deviation is finite");
        Array1::random_using(length, distribution, &mut rng)
    }

    pub(crate) fn validate(self) -> Result<(), crate::Error> {
        let sound = match self {
            Init::Uniform { low, high } => low <= high && (high - low).is_finite(),
            Init::Constant { value } => value.is_finite(),
            _ => true,
        };
        if sound { Ok(()) } else { Err(crate::Error::Init { init: self }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_that_no_weight_can_be_drawn_from_are_refused() {
        let uniform = |low, high| Init::Uniform { low, high }.validate().is_ok();
        assert!(uniform(-0.5, 0.5) && uniform(1.0, 1.0));
        for (low, high) in [(0.5, -0.5), (f64::NAN, 1.0), (0.0, f64::INFINITY), (f64::MIN, f64::MAX)] {
            assert!(!uniform(low, high), "{low} {high}");
        }
        assert!(Init::Constant { value: 0.0 }.validate().is_ok());
        assert!(Init::Constant { value: f64::NAN }.validate().is_err());
    }

    /// Many first values of a layer of 50 inputs and 30 outputs.
    fn drawn(init: Init, part: Part) -> Vec<f64> {
        init.values(part, (50, 30), 20_000, 1, 0).to_vec()
    }

    #[test]
    fn weights_have_the_bounds_or_the_deviation_that_are_published() {
        let (i, o) = (50.0, 30.0);
        for (init, half) in [
            (Init::Pytorch, 1.0 / f64::sqrt(i)),
            (Init::HeUniform, f64::sqrt(6.0 / i)),
            (Init::GlorotUniform, f64::sqrt(6.0 / (i + o))),
            (Init::LecunUniform, f64::sqrt(3.0 / i)),
            (Init::Uniform { low: -0.5, high: 0.5 }, 0.5),
        ] {
            let values = drawn(init, Part::Weight);
            let (low, high) = values.iter().fold((0.0, 0.0), |(l, h), v| (f64::min(l, *v), f64::max(h, *v)));
            for bound in [-low, high] {
                assert!((0.99 * half..=half).contains(&bound), "{init:?}: {low} {high}");
            }
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            assert!(mean.abs() < 0.02 * half, "{init:?}: {mean}");
        }
        for (init, deviation) in [
            (Init::HeNormal, f64::sqrt(2.0 / i)),
            (Init::GlorotNormal, f64::sqrt(2.0 / (i + o))),
            (Init::LecunNormal, f64::sqrt(1.0 / i)),
        ] {
            let values = drawn(init, Part::Weight);
            let found = (values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64).sqrt();
            assert!((found / deviation - 1.0).abs() < 0.02, "{init:?}: {found}");
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            assert!(mean.abs() < 0.03 * deviation, "{init:?}: {mean}");
        }
    }

    #[test]
    fn biases_begin_at_zero_except_where_it_is_said_otherwise() {
        let constant = Init::Constant { value: 0.25 };
        assert!(drawn(Init::HeNormal, Part::Bias).iter().all(|value| *value == 0.0));
        assert!(drawn(constant, Part::Bias).iter().all(|value| *value == 0.25));
        for init in [Init::Pytorch, Init::Uniform { low: 1.0, high: 2.0 }] {
            assert_eq!(drawn(init, Part::Bias), drawn(init, Part::Weight));
        }
    }

    #[test]
    fn every_bit_of_the_seed_and_every_parameter_gives_other_values() {
        let first =
            |seed: u64, index: u64| Init::Pytorch.values(Part::Weight, (1, 1), 1, seed, index)[0].to_bits();
        let seeds = (0..64).map(|bit| first(1 << bit, 0));
        let all: std::collections::BTreeSet<u64> =
            seeds.chain((0..10).map(|index| first(0, index))).collect();
        assert_eq!(all.len(), 74);
    }
}
