//! The methods, and what they have in common.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::error::require_non_negative;
use crate::pass::{self, Rule};
use crate::real::Real;
use crate::{
    Adagrad, Adam, AdamW, Error, InitialStep, ReduceOnPlateau, RmsProp, Rprop, Rprop1993, Schedule, Sgd,
};

/// How gradients move parameters: a method with its hyper-parameters. The learning rate is not one of them, as it may
/// change from step to step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Gradient descent, with momentum if asked for.
    Sgd(Sgd),
    /// Adam, with AMSGrad if asked for.
    Adam(Adam),
    /// Adam with decoupled weight decay.
    AdamW(AdamW),
    /// The gradient over the root of its mean square.
    RmsProp(RmsProp),
    /// The gradient over the root of the sum of its squares.
    Adagrad(Adagrad),
    /// Step sizes from the gradient's signs, as PyTorch has it.
    Rprop(Rprop),
    /// Step sizes from the gradient's signs, as published.
    Rprop1993(Rprop1993),
}

/// Settings of a method are that method.
macro_rules! from_settings {
    ($($method:ident)*) => {$(
        impl From<$method> for Method {
            fn from(settings: $method) -> Method {
                Method::$method(settings)
            }
        }
    )*};
}
from_settings!(Sgd Adam AdamW RmsProp Adagrad Rprop Rprop1993);

/// The scalars of one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    /// The number of this step; the first is 1.
    pub(crate) step: u64,
    pub(crate) learning_rate: f64,
    pub(crate) weight_decay: f64,
}

/// The flat slices of one step, and the part of them that it is about.
pub(crate) struct Update<'a, T> {
    pub(crate) params: &'a mut [T],
    pub(crate) grads: &'a [T],
    pub(crate) slots: &'a mut [Vec<T>],
    pub(crate) range: Range<usize>,
}

impl<T: Real> Update<'_, T> {
    /// Applies a rule that reads the gradients and writes the parameters and every slot, in that order.
    pub(crate) fn apply<const WRITTEN: usize>(self, rule: impl Rule<T, WRITTEN, 1>) {
        let slots = self.slots.iter_mut().map(Vec::as_mut_slice);
        let mut arrays = std::iter::once(self.params).chain(slots);
        let written = [(); WRITTEN].map(|()| {
            &mut arrays.next().expect("a method has the slots its rule writes")[self.range.clone()]
        });
        pass::apply(rule, written, [&self.grads[self.range]]);
    }
}

macro_rules! each {
    ($method:expr, $inner:ident => $result:expr) => {
        match $method {
            Method::Sgd($inner) => $result,
            Method::Adam($inner) => $result,
            Method::AdamW($inner) => $result,
            Method::RmsProp($inner) => $result,
            Method::Adagrad($inner) => $result,
            Method::Rprop($inner) => $result,
            Method::Rprop1993($inner) => $result,
        }
    };
}

impl Method {
    /// Every method, at its defaults.
    pub fn all() -> [Method; 7] {
        [
            Method::Sgd(Sgd::default()),
            Method::Adam(Adam::default()),
            Method::AdamW(AdamW::default()),
            Method::RmsProp(RmsProp::default()),
            Method::Adagrad(Adagrad::default()),
            Method::Rprop(Rprop::default()),
            Method::Rprop1993(Rprop1993::default()),
        ]
    }

    /// The method's name, as a configuration file has it: `sgd`, `adam`, `adamw`, `rmsprop`, `adagrad`, `rprop`,
    /// `rprop1993`.
    pub fn name(&self) -> &'static str {
        match self {
            Method::Sgd(_) => "sgd",
            Method::Adam(_) => "adam",
            Method::AdamW(_) => "adamw",
            Method::RmsProp(_) => "rmsprop",
            Method::Adagrad(_) => "adagrad",
            Method::Rprop(_) => "rprop",
            Method::Rprop1993(_) => "rprop1993",
        }
    }

    /// The names of the arrays that the method keeps between steps, each as long as the parameters. The names are
    /// PyTorch's.
    pub fn slots(&self) -> &'static [&'static str] {
        each!(self, method => method.slots())
    }

    /// The method's weight decay; `None` if it has none.
    pub fn weight_decay(&self) -> Option<f64> {
        match self {
            Method::Sgd(method) => Some(method.weight_decay),
            Method::Adam(method) => Some(method.weight_decay),
            Method::AdamW(method) => Some(method.weight_decay),
            Method::RmsProp(method) => Some(method.weight_decay),
            Method::Adagrad(method) => Some(method.weight_decay),
            Method::Rprop(_) | Method::Rprop1993(_) => None,
        }
    }

    /// Checks that each hyper-parameter is in the range in which the method is defined.
    ///
    /// # Errors
    /// [`Error::HyperParameter`] names the first that is not; [`Error::Nesterov`].
    pub fn validate(&self) -> Result<(), Error> {
        each!(self, method => method.validate())?;
        require_non_negative(self.name(), "weight_decay", self.weight_decay().unwrap_or(0.0))
    }

    /// Checks that the method follows a learning rate that changes, if this one does.
    ///
    /// # Errors
    /// [`Error::FirstStepOnly`] if Rprop is to follow a schedule, or a rate that falls on a plateau.
    pub fn validate_with(&self, schedule: &Schedule, plateau: Option<&ReduceOnPlateau>) -> Result<(), Error> {
        let what = match self {
            Method::Rprop(_) | Method::Rprop1993(_) if !schedule.is_constant() => {
                "`schedule` has no effect, leave it constant"
            }
            Method::Rprop(_) | Method::Rprop1993(_) if plateau.is_some() => {
                "`plateau` has no effect, leave it out"
            }
            _ => return Ok(()),
        };
        Err(Error::FirstStepOnly { method: self.name(), what })
    }

    /// Checks that a group's learning rate may be this times that of the others.
    pub(crate) fn validate_scale(&self, scale: f64) -> Result<(), Error> {
        let what = match self {
            Method::Rprop1993(Rprop1993 { initial_step: InitialStep::Uniform { .. }, .. })
                if scale != 1.0 =>
            {
                "with `initial_step` uniform the `learning_rate_scale` of a group has no effect"
            }
            Method::Rprop(_) | Method::Rprop1993(_) if scale == 0.0 => {
                "a `learning_rate_scale` of 0 does not hold a group still"
            }
            _ => return Ok(()),
        };
        Err(Error::FirstStepOnly { method: self.name(), what })
    }

    /// What a slot holds before the first step. (Rprop's step sizes are due when the first learning rate is known.)
    pub(crate) fn initial_value(&self) -> f64 {
        match self {
            Method::Adagrad(method) => method.initial_accumulator_value,
            _ => 0.0,
        }
    }

    pub(crate) fn run<T: Real>(&self, at: At, update: Update<'_, T>) {
        each!(self, method => method.run(at, update))
    }
}

#[cfg(test)]
mod tests {
    use serde::de::value::{MapDeserializer, StrDeserializer};

    use super::*;
    use crate::{Curve, Optimizer};

    #[test]
    fn hyper_parameters_out_of_range_are_refused_by_name() {
        let check = |method: Method, expected: &str| {
            assert_eq!(Optimizer::<f32>::new(method, 1).unwrap_err().to_string(), expected);
        };
        check(
            Method::Sgd(Sgd { momentum: -0.1, ..Sgd::default() }),
            "sgd: `momentum` is -0.1 but must be at least 0 and finite",
        );
        check(
            Method::Sgd(Sgd { nesterov: true, ..Sgd::default() }),
            "sgd: `nesterov` needs a `momentum` above 0 and a `dampening` of 0",
        );
        check(
            Method::Adam(Adam { beta2: 1.0, ..Adam::default() }),
            "adam: `beta2` is 1 but must be in [0, 1)",
        );
        check(
            Method::AdamW(AdamW { weight_decay: f64::NAN, ..AdamW::default() }),
            "adamw: `weight_decay` is NaN but must be at least 0 and finite",
        );
        check(
            Method::AdamW(AdamW { beta1: 1.0, ..AdamW::default() }),
            "adamw: `beta1` is 1 but must be in [0, 1)",
        );
        for eta_minus in [0.0, 1.0] {
            check(
                Method::Rprop(Rprop { eta_minus, ..Rprop::default() }),
                &format!("rprop: `eta_minus` is {eta_minus} but must be in (0, 1)"),
            );
        }
        check(
            Method::Rprop1993(Rprop1993 {
                initial_step: InitialStep::Uniform { low: 0.0, high: 0.1, seed: 0 },
                ..Rprop1993::default()
            }),
            "rprop1993: `initial_step.low` is 0 but must be above 0 and finite",
        );
        check(
            Method::Rprop(Rprop { eta_plus: 1.0, ..Rprop::default() }),
            "rprop: `eta_plus` is 1 but must be above 1 and finite",
        );
        let initial_step = InitialStep::Uniform { low: 0.2, high: 0.1, seed: 0 };
        check(
            Method::Rprop1993(Rprop1993 { initial_step, ..Rprop1993::default() }),
            "rprop1993: `initial_step.high` is 0.1 but must be at least `low` and finite",
        );
        check(
            Method::Rprop(Rprop { step_min: 0.0, step_max: 0.0, ..Rprop::default() }),
            "rprop: `step_max` is 0 but must be above 0 and at least `step_min`",
        );
        check(
            Method::RmsProp(RmsProp { momentum: f64::INFINITY, ..RmsProp::default() }),
            "rmsprop: `momentum` is inf but must be at least 0 and finite",
        );
    }

    #[test]
    fn rprop_is_not_told_to_follow_a_learning_rate_that_changes() {
        let falling = Schedule::from(Curve::Exponential { gamma: 0.9 });
        let (constant, plateau) = (Schedule::default().then(9, Curve::Constant), ReduceOnPlateau::default());
        for method in [Method::Rprop(Rprop::default()), Method::Rprop1993(Rprop1993::default())] {
            let refused = method.validate_with(&falling, None).unwrap_err().to_string();
            assert!(refused.ends_with("at most: `schedule` has no effect, leave it constant"), "{refused}");
            assert!(method.validate_with(&constant, Some(&plateau)).is_err());
            assert_eq!(method.validate_with(&constant, None), Ok(()));
        }
        assert_eq!(Method::Sgd(Sgd::default()).validate_with(&falling, Some(&plateau)), Ok(()));
    }

    #[test]
    fn a_missing_hyper_parameter_takes_its_default_and_an_unknown_one_is_refused() {
        type Refused = serde::de::value::Error;
        let read = |name: &'static str| {
            let fields = std::iter::once((name, 0.5));
            Adam::deserialize(MapDeserializer::<_, Refused>::new(fields)).map_err(|error| error.to_string())
        };
        assert_eq!(read("beta1"), Ok(Adam { beta1: 0.5, ..Adam::default() }));
        assert!(read("beta").unwrap_err().starts_with("unknown field `beta`, expected one of `beta1`"));
    }

    #[test]
    fn settings_are_a_method() {
        let settings: [Method; 7] = [
            Sgd::default().into(),
            Adam::default().into(),
            AdamW::default().into(),
            RmsProp::default().into(),
            Adagrad::default().into(),
            Rprop::default().into(),
            Rprop1993::default().into(),
        ];
        assert_eq!(settings, Method::all());
    }

    #[test]
    fn the_names_are_those_of_configuration_files() {
        type Refused = serde::de::value::Error;
        let refusal = Method::deserialize(StrDeserializer::<Refused>::new("none")).unwrap_err().to_string();
        let names = Method::all().map(|method| format!("`{}`", method.name()));
        assert_eq!(refusal, format!("unknown variant `none`, expected one of {}", names.join(", ")));
    }
}
