//! What a step does, whatever the method.

use highwater_optim::{
    Adam, AdamW, Error, GroupRule, Groups, InitialStep, Method, Optimizer, RmsProp, Rprop, Rprop1993, Sgd,
    clip_norm,
};

fn rule(pattern: &str, learning_rate_scale: f64, weight_decay: Option<f64>) -> GroupRule {
    GroupRule { patterns: vec![pattern.to_owned()], learning_rate_scale, weight_decay }
}

#[test]
fn groups_have_their_own_learning_rate_and_weight_decay() {
    let table = [("0.weight", 0..2), ("0.bias", 2..3), ("head.weight", 3..4)];
    let rules = [rule("*.bias", 1.0, Some(0.0)), rule("head.*", 0.1, None)];
    let groups = Groups::by_name(table, &rules).unwrap();
    let method = Method::AdamW(AdamW { weight_decay: 0.5, ..AdamW::default() });
    let mut grouped = Optimizer::new(method, groups).unwrap();

    let grads = [0.3, -0.2, 0.1, 0.7];
    let mut found = [1.0, 2.0, 3.0, 4.0];
    let mut expected = found;
    let without_decay = Method::AdamW(AdamW { weight_decay: 0.0, ..AdamW::default() });
    let mut parts = [
        (0..2, 0.01, Optimizer::<f64>::new(method, 2).unwrap()),
        (2..3, 0.01, Optimizer::new(without_decay, 1).unwrap()),
        (3..4, 0.001, Optimizer::new(method, 1).unwrap()),
    ];
    for _ in 0..5 {
        grouped.step(&mut found, &grads, 0.01);
        for (range, learning_rate, optimizer) in &mut parts {
            optimizer.step(&mut expected[range.clone()], &grads[range.clone()], *learning_rate);
        }
    }
    assert_eq!(found.map(f64::to_bits), expected.map(f64::to_bits));
}

#[test]
fn a_group_that_is_held_still_stays_whatever_its_gradients() {
    for method in [Method::Sgd(Sgd { momentum: 0.9, ..Sgd::default() }), Method::AdamW(AdamW::default())] {
        let groups = Groups::by_name([("a", 0..2), ("b", 2..3)], &[rule("a", 0.0, None)]).unwrap();
        let mut optimizer = Optimizer::new(method, groups).unwrap();
        let mut params = [1.0_f32, -2.0, 3.0];
        optimizer.step(&mut params, &[f32::NAN, f32::INFINITY, 0.5], 0.1);
        assert_eq!(params[..2], [1.0, -2.0], "{method:?}");
        assert!(params[2] < 3.0 && optimizer.slots().all(|(_, slot)| slot[..2] == [0.0; 2]), "{method:?}");
    }
}

#[test]
fn the_first_step_of_rprop_takes_each_group_s_learning_rate() {
    let groups = Groups::by_name([("a", 0..1), ("b", 1..2)], &[rule("b", 10.0, None)]).unwrap();
    let mut optimizer = Optimizer::new(Method::Rprop(Rprop::default()), groups).unwrap();
    let mut params = [0.0, 0.0];
    optimizer.step(&mut params, &[2.0, -3.0], 0.125);
    assert_eq!(params, [-0.125, 1.25]);
}

#[test]
fn a_learning_rate_of_a_group_that_rprop_would_not_follow_is_refused() {
    let scaled = |scale| Groups::by_name([("a", 0..1)], &[rule("a", scale, None)]).unwrap();
    let initial_step = InitialStep::Uniform { low: 0.1, high: 0.2, seed: 0 };
    let drawn = Method::Rprop1993(Rprop1993 { initial_step, ..Rprop1993::default() });
    for (method, scale) in
        [(Method::Rprop(Rprop::default()), 0.0), (Method::Rprop1993(Rprop1993::default()), 0.0), (drawn, 0.5)]
    {
        let error = Optimizer::<f64>::new(method, scaled(scale)).unwrap_err();
        assert!(matches!(error, Error::FirstStepOnly { .. }), "{error}");
        assert!(Optimizer::<f64>::new(method, scaled(1.0)).is_ok());
    }
}

#[test]
fn weight_decay_from_a_method_without_is_refused_unless_it_is_zero() {
    let groups = |decay| Groups::by_name([("a", 0..1)], &[rule("a", 1.0, Some(decay))]).unwrap();
    let method = Method::Rprop(Rprop::default());
    assert!(Optimizer::<f64>::new(method, groups(0.0)).is_ok());
    let error = Optimizer::<f64>::new(method, groups(0.1)).unwrap_err();
    assert_eq!(error, Error::NoWeightDecay { method: "rprop", weight_decay: 0.1 });
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let count = 300_001;
    let values = |salt: u32| -> Vec<f32> {
        (0..count as u32).map(|index| ((index.wrapping_mul(salt) >> 8) as f32 / 8_388_608.0) - 1.0).collect()
    };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut bits = Vec::new();
            for method in [
                Method::Sgd(Sgd { momentum: 0.9, ..Sgd::default() }),
                Method::Adam(Adam { amsgrad: true, ..Adam::default() }),
                Method::RmsProp(RmsProp { centered: true, momentum: 0.1, ..RmsProp::default() }),
                Method::Rprop(Rprop::default()),
            ] {
                let (mut params, mut grads) = (values(2_654_435_769), values(2_246_822_519));
                let mut optimizer = Optimizer::new(method, count).unwrap();
                for _ in 0..3 {
                    bits.push(clip_norm(&mut grads, 200.0).to_bits());
                    optimizer.step(&mut params, &grads, 0.01);
                }
                bits.extend(params.iter().map(|value| u64::from(value.to_bits())));
            }
            bits
        })
    };
    let one = on(1);
    assert!(one == on(2));
    assert!(one == on(3));
    assert!(one == on(4));
}

#[test]
fn a_running_mean_that_keeps_nothing_is_the_gradient_itself() {
    let adam = Method::Adam(Adam { beta1: 0.0, beta2: 0.0, eps: 0.0, ..Adam::default() });
    let rmsprop = RmsProp { alpha: 0.0, centered: true, eps: 0.25, ..RmsProp::default() };
    for (method, steps) in [(adam, [-0.5_f32, -0.5]), (Method::RmsProp(rmsprop), [-1e8, -1e-3])] {
        let mut optimizer = Optimizer::new(method, 1).unwrap();
        for (gradient, expected) in [5e7_f32, 5e-4].into_iter().zip(steps) {
            let mut params = [0.0];
            optimizer.step(&mut params, &[gradient], 0.5);
            assert_eq!(params, [expected], "{method:?}");
        }
    }
}

#[test]
fn a_gradient_that_is_not_finite_spoils_its_own_parameter_only() {
    for method in
        [Method::Sgd(Sgd::default()), Method::Adam(Adam::default()), Method::RmsProp(RmsProp::default())]
    {
        let mut optimizer = Optimizer::new(method, 3).unwrap();
        let mut params = [1.0_f32; 3];
        optimizer.step(&mut params, &[f32::NAN, 0.5, 0.5], 0.1);
        optimizer.step(&mut params, &[0.5; 3], 0.1);
        assert!(params[0].is_nan() && params[1].is_finite() && params[1] == params[2], "{method:?}");
    }
    for method in [Method::Rprop(Rprop::default()), Method::Rprop1993(Rprop1993::default())] {
        let mut optimizer = Optimizer::new(method, 2).unwrap();
        let mut params = [1.0_f32; 2];
        optimizer.step(&mut params, &[f32::NAN, f32::INFINITY], 0.25);
        assert_eq!(params, [1.0, 0.75], "{method:?}");
    }
}

#[test]
#[should_panic(expected = "made for 2 parameters but got 3 and 2 gradients")]
fn slices_of_another_length_are_refused() {
    Optimizer::new(Method::Sgd(Sgd::default()), 2).unwrap().step(&mut [0.0_f32; 3], &[0.0; 2], 0.1);
}
