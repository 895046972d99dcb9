//! A method with its state.

use crate::method::{At, Update};
use crate::real::Real;
use crate::{Error, Groups, Method};

/// A method at work on one flat slice of parameters: its state between steps, and the step.
///
/// The state is the number of steps taken and a few named arrays ([`Method::slots`]), each as long as the parameters;
/// saved and restored, training continues to the same bits. Method, groups and learning rates are the caller's to keep.
///
/// ```
/// use highwater_optim::{Adam, Method, Optimizer};
///
/// let method = Method::Adam(Adam::default());
/// let (mut optimizer, mut params) = (Optimizer::new(method, 2)?, [1.0_f32, 2.0]);
/// optimizer.step(&mut params, &[0.5, -0.5], 1e-3);
///
/// // To be written: the parameters, the count, and each array under its name.
/// let (saved, steps, slots) = (params, optimizer.steps(), optimizer.slots().collect::<Vec<_>>());
///
/// let (mut resumed, mut same) = (Optimizer::new(method, 2)?, saved);
/// resumed.restore(steps, &slots)?;
/// resumed.step(&mut same, &[0.5, 0.25], 1e-3);
/// optimizer.step(&mut params, &[0.5, 0.25], 1e-3);
/// assert_eq!(same, params);
/// # Ok::<(), highwater_optim::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Optimizer<T> {
    method: Method,
    groups: Groups,
    steps: u64,
    slots: Vec<Vec<T>>,
}

impl<T: Real> Optimizer<T> {
    /// An optimizer before its first step. `method` is a [`Method`] or the settings of one, such as `Adam::default()`;
    /// `groups` is the number of parameters, or what [`Groups::by_name`] made.
    ///
    /// # Errors
    /// [`Error::HyperParameter`], [`Error::Nesterov`] (see [`Method::validate`]); [`Error::NoWeightDecay`] if a group
    /// asks for weight decay from a method without; [`Error::FirstStepOnly`] if it asks Rprop for a
    /// [learning rate](crate::GroupRule::learning_rate_scale) that this cannot follow.
    pub fn new(method: impl Into<Method>, groups: impl Into<Groups>) -> Result<Self, Error> {
        Self::of(method.into(), groups.into())
    }

    fn of(method: Method, groups: Groups) -> Result<Self, Error> {
        method.validate()?;
        groups.segments.iter().try_for_each(|group| method.validate_scale(group.learning_rate_scale))?;
        if method.weight_decay().is_none() {
            let asked =
                groups.segments.iter().filter_map(|segment| segment.weight_decay).find(|&decay| decay > 0.0);
            if let Some(weight_decay) = asked {
                return Err(Error::NoWeightDecay { method: method.name(), weight_decay });
            }
        }
        let initial = T::from_f64(method.initial_value());
        // Written, and not asked of the system as zeros: the first step would read a page of those before it writes it,
        // which costs two page faults and, with several threads, an interrupt of the others.
        let slot = |_| std::iter::repeat_n(initial, groups.parameters()).collect();
        let slots = method.slots().iter().map(slot).collect();
        Ok(Self { method, groups, steps: 0, slots })
    }

    /// Moves `params` by one step against `grads`: one pass that reads and writes each array once and allocates
    /// nothing (rayon's queue aside, when a large slice is shared out from outside its pool). The bits do not depend on
    /// the number of threads.
    ///
    /// Gradients are used as they are. One that is not finite makes its parameter NaN or infinite for good; only Rprop
    /// looks no further than the sign, and NaN has none. What [`clip_norm`](crate::clip_norm) returns tells in time.
    ///
    /// # Panics
    /// If either slice's length is not the number of parameters.
    #[track_caller]
    pub fn step(&mut self, params: &mut [T], grads: &[T], learning_rate: f64) {
        let parameters = self.groups.parameters();
        assert!(
            params.len() == parameters && grads.len() == parameters,
            "the optimizer was made for {parameters} parameters but got {} and {} gradients",
            params.len(),
            grads.len(),
        );
        self.steps += 1;
        let weight_decay = self.method.weight_decay().unwrap_or(0.0);
        for segment in self.groups.segments.iter().filter(|segment| segment.learning_rate_scale != 0.0) {
            let at = At {
                step: self.steps,
                learning_rate: learning_rate * segment.learning_rate_scale,
                weight_decay: segment.weight_decay.unwrap_or(weight_decay),
            };
            let range = segment.range.clone();
            self.method.run(at, Update { params, grads, slots: &mut self.slots, range });
        }
    }

    /// The method and its hyper-parameters.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The number of parameters.
    pub fn parameters(&self) -> usize {
        self.groups.parameters()
    }

    /// The number of steps taken, those before a [`restore`](Self::restore) included.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The state's arrays, by name, in the order of [`Method::slots`].
    pub fn slots(&self) -> impl ExactSizeIterator<Item = (&'static str, &[T])> {
        self.method.slots().iter().copied().zip(self.slots.iter().map(Vec::as_slice))
    }

    /// The state's arrays, to be written to.
    pub fn slots_mut(&mut self) -> impl ExactSizeIterator<Item = (&'static str, &mut [T])> {
        self.method.slots().iter().copied().zip(self.slots.iter_mut().map(Vec::as_mut_slice))
    }

    /// Puts back what [`steps`](Self::steps) and [`slots`](Self::slots) returned earlier. On an error nothing has changed.
    ///
    /// # Errors
    /// [`Error::MissingSlot`], [`Error::UnknownSlot`], [`Error::RepeatedSlot`], [`Error::SlotLength`].
    pub fn restore(&mut self, steps: u64, slots: &[(&str, &[T])]) -> Result<(), Error> {
        let method = self.method.name();
        let known = self.method.slots();
        if let Some((slot, _)) = slots.iter().find(|(name, _)| !known.contains(name)) {
            return Err(Error::UnknownSlot { method, slot: (*slot).to_owned() });
        }
        let expected = self.parameters();
        let found = known.iter().map(|&slot| {
            let mut named = slots.iter().filter(|(name, _)| *name == slot);
            let (_, values) = named.next().ok_or(Error::MissingSlot { method, slot })?;
            if named.next().is_some() {
                return Err(Error::RepeatedSlot { method, slot });
            }
            if values.len() != expected {
                return Err(Error::SlotLength { slot, expected, found: values.len() });
            }
            Ok(*values)
        });
        let found = found.collect::<Result<Vec<_>, _>>()?;
        for (slot, values) in self.slots.iter_mut().zip(found) {
            slot.copy_from_slice(values);
        }
        self.steps = steps;
        Ok(())
    }
}
