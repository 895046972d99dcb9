//! The natural logarithm: x = 2ᵏ (1 + s) with 1 + s from √½ to √2, so that ln x = k ln 2 + ln(1 + s); 1 + s needs no
//! division and loses no bit.

use super::polynomial;

const LN_2: f32 = std::f32::consts::LN_2;
const LN_2_SMALL: f32 = (std::f64::consts::LN_2 - LN_2 as f64) as f32;
const ROOT_OF_HALF: i32 = std::f32::consts::FRAC_1_SQRT_2.to_bits() as i32;

/// (ln(1 + s) − s + s²/2) / s³.
const SERIES: [f32; 8] = [
    0.333_333_3,
    -0.250_008_2,
    0.200_012_42,
    -0.166_234_09,
    0.142_015_8,
    -0.131_596_1,
    0.127_622_17,
    -0.076_364_39,
];

/// ln x; −∞ at both zeros, NaN below.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    let (normal, shift) = if x < f32::MIN_POSITIVE { (x * 8_388_608.0, 23) } else { (x, 0) };
    let bits = normal.to_bits() as i32;
    let k = bits.wrapping_sub(ROOT_OF_HALF) >> 23;
    let s = f32::from_bits(bits.wrapping_sub(k << 23) as u32) - 1.0;
    let k = (k - shift) as f32;
    let tail = (s * s).mul_add(s.mul_add(polynomial(s, SERIES), -0.5), k * LN_2_SMALL);
    // Where there is no such k and s, k alone decides.
    let k = if x < f32::INFINITY { k } else { x };
    let k = if x > 0.0 { k } else { f32::NAN };
    let k = if x == 0.0 { f32::NEG_INFINITY } else { k };
    k.mul_add(LN_2, s + tail)
}

#[cfg(test)]
mod tests {
    use super::super::sweep::{check, check_values};
    use super::*;

    #[test]
    fn ln_is_next_to_the_correctly_rounded_value() {
        check(ln, f64::ln, 1);
        check_values(
            ln,
            &[
                (1.0, 0.0),
                (1.000_000_1, 1.192_092_8e-7),
                (0.0, f32::NEG_INFINITY),
                (-0.0, f32::NEG_INFINITY),
                (1e-45, -103.278_93),
                (f32::MAX, 88.722_84),
                (f32::INFINITY, f32::INFINITY),
            ],
        );
        for below in [-1e-45, -1.0, f32::NEG_INFINITY] {
            assert!(ln(below).is_nan(), "ln({below:e})");
        }
    }
}
