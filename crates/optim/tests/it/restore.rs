//! A restored optimizer goes on as if it had never stopped.

use highwater_optim::{
    Adagrad, Adam, AdamW, Error, InitialStep, Method, Optimizer, Plateau, ReduceOnPlateau, RmsProp, Rprop,
    Rprop1993, Sgd, Threshold,
};
use proptest::prelude::*;

pub(crate) fn every_method() -> Vec<Method> {
    let rmsprop = RmsProp { weight_decay: 0.01, ..RmsProp::default() };
    let uniform = InitialStep::Uniform { low: 0.05, high: 0.2, seed: 7 };
    vec![
        Method::Sgd(Sgd::default()),
        Method::Sgd(Sgd { momentum: 0.9, dampening: 0.5, ..Sgd::default() }),
        Method::Sgd(Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.1, ..Sgd::default() }),
        Method::Adam(Adam::default()),
        Method::Adam(Adam { amsgrad: true, weight_decay: 0.1, ..Adam::default() }),
        Method::AdamW(AdamW::default()),
        Method::AdamW(AdamW { amsgrad: true, ..AdamW::default() }),
        Method::RmsProp(rmsprop),
        Method::RmsProp(RmsProp { centered: true, ..rmsprop }),
        Method::RmsProp(RmsProp { momentum: 0.5, ..rmsprop }),
        Method::RmsProp(RmsProp { centered: true, momentum: 0.5, ..rmsprop }),
        Method::Adagrad(Adagrad { lr_decay: 0.1, initial_accumulator_value: 0.1, ..Adagrad::default() }),
        Method::Rprop(Rprop::default()),
        Method::Rprop1993(Rprop1993::default()),
        Method::Rprop1993(Rprop1993 { initial_step: uniform, ..Rprop1993::default() }),
        Method::Rprop1993(Rprop1993 { backtracking: false, ..Rprop1993::default() }),
    ]
}

proptest! {
    #[test]
    fn a_run_restored_after_every_step_has_the_bits_of_an_uninterrupted_one(
        gradients in prop::collection::vec(prop::collection::vec(-2.0_f32..2.0, 5), 1..12),
        learning_rate in 1e-4..0.5,
    ) {
        for method in every_method() {
            let mut whole = Optimizer::new(method, 5).unwrap();
            let mut restored = whole.clone();
            let mut expected = [0.5_f32, -1.0, 0.0, 2.0, -0.25];
            let mut found = expected;
            for grads in &gradients {
                let mut fresh = Optimizer::new(method, 5).unwrap();
                fresh.restore(restored.steps(), &restored.slots().collect::<Vec<_>>()).unwrap();
                restored = fresh;
                restored.step(&mut found, grads, learning_rate);
                whole.step(&mut expected, grads, learning_rate);
                prop_assert_eq!(found.map(f32::to_bits), expected.map(f32::to_bits), "{:?}", method);
            }
            prop_assert_eq!(restored.steps(), whole.steps());
            prop_assert!(restored.slots().eq(whole.slots()));
        }
    }

    #[test]
    fn a_plateau_that_is_shown_its_metrics_again_goes_on_as_if_it_had_never_stopped(
        metrics in prop::collection::vec(prop_oneof![8 => -2.0..2.0, 1 => Just(f64::NAN)], 1..40),
        maximize: bool, absolute: bool, patience in 0..4_u64, cooldown in 0..3_u64,
    ) {
        let threshold = if absolute { Threshold::Absolute(0.1) } else { Threshold::Relative(0.1) };
        let rule = ReduceOnPlateau { maximize, threshold, patience, cooldown, factor: 0.5, ..Default::default() };
        let mut whole = Plateau::new(rule, 0.1).unwrap();
        for end in 1..=metrics.len() {
            whole.observe(metrics[end - 1]);
            let mut restored = Plateau::new(rule, 0.1).unwrap();
            metrics[..end].iter().for_each(|&metric| _ = restored.observe(metric));
            prop_assert_eq!(&restored, &whole);
        }
    }
}

#[test]
fn a_state_that_does_not_fit_is_refused_and_changes_nothing() {
    let check = |slots: &[(&str, &[f64])], expected: Error| {
        let mut optimizer = Optimizer::new(Method::Adam(Adam::default()), 2).unwrap();
        optimizer.step(&mut [0.0, 0.0], &[1.0, 2.0], 0.1);
        let before: Vec<Vec<f64>> = optimizer.slots().map(|(_, values)| values.to_vec()).collect();
        assert_eq!(optimizer.restore(9, slots), Err(expected));
        assert_eq!(optimizer.steps(), 1);
        assert!(optimizer.slots().map(|(_, values)| values).eq(before.iter().map(Vec::as_slice)));
    };
    let two: &[f64] = &[3.0, 4.0];
    check(&[("exp_avg", two)], Error::MissingSlot { method: "adam", slot: "exp_avg_sq" });
    check(
        &[("exp_avg", two), ("exp_avg_sq", two), ("momentum_buffer", two)],
        Error::UnknownSlot { method: "adam", slot: "momentum_buffer".into() },
    );
    check(
        &[("exp_avg", two), ("exp_avg_sq", two), ("exp_avg", two)],
        Error::RepeatedSlot { method: "adam", slot: "exp_avg" },
    );
    check(
        &[("exp_avg", two), ("exp_avg_sq", &[3.0])],
        Error::SlotLength { slot: "exp_avg_sq", expected: 2, found: 1 },
    );
}

#[test]
fn slots_may_come_in_any_order() {
    let mut optimizer = Optimizer::new(Method::Adam(Adam::default()), 1).unwrap();
    optimizer.restore(3, &[("exp_avg_sq", &[2.0]), ("exp_avg", &[1.0])]).unwrap();
    assert_eq!(optimizer.steps(), 3);
    assert!(optimizer.slots().eq([("exp_avg", &[1.0][..]), ("exp_avg_sq", &[2.0][..])]));
}
