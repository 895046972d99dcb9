//! Floating-point numbers of sixteen bits, which other programs store. Each is an `f32`, too.

/// A number of half precision (IEEE 754 binary16): a sign, five bits of exponent, ten of fraction.
pub(crate) fn f16(bits: u16) -> f32 {
    let bits = u32::from(bits);
    let (sign, exponent, fraction) = ((bits & 0x8000) << 16, bits >> 10 & 0x1f, bits & 0x3ff);
    let magnitude = match exponent {
        // Multiples of 2⁻²⁴.
        0 => (fraction as f32 / 16_777_216.0).to_bits(),
        0x1f => 0x7f80_0000 | fraction << 13,
        // Exponents are counted from -15 there, and from -127 here.
        _ => (exponent + 112) << 23 | fraction << 13,
    };
    f32::from_bits(sign | magnitude)
}

/// The number of which these are the upper bits.
pub(crate) fn bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_half_precision_is_what_its_parts_say() {
        for bits in 0..=u16::MAX {
            let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff) / 1024.0);
            let magnitude = match exponent {
                0 => 2_f64.powi(-14) * fraction,
                31 if fraction == 0.0 => f64::INFINITY,
                31 => f64::NAN,
                _ => 2_f64.powi(exponent - 15) * (1.0 + fraction),
            };
            let (value, expected) =
                (f64::from(f16(bits)), if bits >> 15 == 1 { -magnitude } else { magnitude });
            assert!(
                value == expected || value.is_nan() && expected.is_nan(),
                "{bits:04x}: {value}, {expected}"
            );
            assert_eq!(f16(bits).is_sign_negative(), bits >> 15 == 1, "{bits:04x}");
        }
    }

    #[test]
    fn numbers_of_other_sources_are_read() {
        // IEEE 754-2008, and Wikipedia's article on the formats.
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_5e-8),
            (0x3555, 0.333_251_95),
        ] {
            assert_eq!(f16(bits), value);
        }
        for (bits, value) in [(0x3f80, 1.0), (0xc000, -2.0), (0x4049, 3.140_625), (0x7f7f, 3.389_531_4e38)] {
            assert_eq!(bf16(bits), value);
        }
        assert!(bf16(0x7fc0).is_nan() && bf16(0xff80) == f32::NEG_INFINITY);
    }
}
