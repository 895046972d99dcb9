//! Runs a function over inputs of every size and holds it against `f64`.

/// Every 4,099th of all bit patterns (so every exponent, both signs, and thousands of NaNs), and the ends of ranges.
fn inputs() -> Vec<f32> {
    let ends = [0.0, f32::MIN_POSITIVE, f32::MAX, f32::INFINITY, f32::NAN, 1.0, f32::from_bits(1), 0.6, 0.9];
    let neighbours = ends.iter().flat_map(|x| (-1..=1).map(|step| x.to_bits().wrapping_add_signed(step)));
    (0..=u32::MAX)
        .step_by(4_099)
        .chain(neighbours.flat_map(|bits| [bits, bits ^ 1 << 31]))
        .map(f32::from_bits)
        .collect()
}

/// Pairs of input and output, computed with the instructions that kernels use.
pub(super) fn sweep(f: impl Fn(f32) -> f32) -> Vec<(f32, f32)> {
    let mut pairs: Vec<(f32, f32)> = inputs().into_iter().map(|x| (x, x)).collect();
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (x, y) in &mut pairs {
                *y = f(*x);
            }
        },
    );
    pairs
}

/// How many steps from one `f32` value to the next lie between the two; none from NaN to NaN.
pub(super) fn distance(a: f32, b: f32) -> u32 {
    if a.is_nan() || b.is_nan() {
        return if a.is_nan() && b.is_nan() { 0 } else { u32::MAX };
    }
    let place = |x: f32| if x < 0.0 { -i64::from((-x).to_bits()) } else { i64::from(x.abs().to_bits()) };
    place(a).abs_diff(place(b)) as u32
}

/// No value is further than `bound` from the correctly rounded one.
pub(super) fn check(f: impl Fn(f32) -> f32, reference: impl Fn(f64) -> f64, bound: u32) {
    for (x, y) in sweep(f) {
        let expected = reference(f64::from(x)) as f32;
        assert!(distance(y, expected) <= bound, "at {x:e}: {y:e} instead of {expected:e}");
    }
}

/// f(−x) = −f(x), with values from −1 to 1.
pub(super) fn check_odd(f: impl Fn(f32) -> f32) {
    let mirrored = sweep(
        #[inline(always)]
        |x| -f(-x),
    );
    for ((x, y), (_, mirror)) in sweep(&f).into_iter().zip(mirrored) {
        let bounded = y.is_nan() || y.abs() <= 1.0;
        assert!(distance(y, mirror) == 0 && bounded, "at {x:e}: {y:e}, mirrored {mirror:e}");
    }
}

/// Values that hold to the bit, the sign of zero included.
pub(super) fn check_values(f: impl Fn(f32) -> f32, values: &[(f32, f32)]) {
    for &(x, expected) in values {
        assert_eq!(f(x).to_bits(), expected.to_bits(), "at {x:e}: {:e} instead of {expected:e}", f(x));
    }
}
