//! Levels in octaves of amplitude: the logarithm and the power to the base of two, fast.
//!
//! One octave of amplitude is a factor of two, 20 log10(2) = 6.02 dB. Both functions are a
//! polynomial beside the exponent's bits, without branches, so that loops over them run in wide
//! registers; one number gives the same bits alone and in any register. The polynomials are the
//! minimax ones (Remez's exchange in 40 digits) for log2(1 + f)/f on sqrt(1/2) - 1 to sqrt(2) - 1
//! and (2^f - 1)/f on -1/2 to 1/2, rounded, so that 1 is exactly 0 octaves and back.

/// Decibels of an octave of amplitude: 20 log10(2).
pub const DECIBELS_PER_OCTAVE: f64 = 6.020_599_913_279_624;

/// The level in octaves for one in decibels.
///
/// # Real-time
/// Safe.
#[must_use]
pub fn from_decibels(level_db: f64) -> f64 {
    level_db / DECIBELS_PER_OCTAVE
}

/// The level of `amplitude` in octaves: its logarithm to the base of two.
///
/// `amplitude`: positive, finite and not subnormal; anything else gives a number without a meaning.
/// The error is at most 5e-7 octaves (3e-6 dB), and half a unit of the last place.
///
/// # Real-time
/// Safe.
#[inline(always)]
#[must_use]
pub fn log2(amplitude: f32) -> f32 {
    /// The bits of sqrt(1/2).
    const ROOT_HALF: i32 = 0x3f35_04f3;
    const P: [f32; 7] = [
        1.442_704_4,
        -0.721_351,
        0.480_181_4,
        -0.359_869_66,
        0.302_074_44,
        -0.265_592_04,
        0.144_520_42,
    ];
    let bits = amplitude.to_bits().cast_signed();
    let exponent = bits.wrapping_sub(ROOT_HALF) >> 23;
    let mantissa = f32::from_bits(bits.wrapping_sub(exponent << 23).cast_unsigned());
    let f = mantissa - 1.0;
    let f2 = f * f;
    // Two halves side by side: neither waits for the other.
    let even = P[0] + f2 * (P[2] + f2 * (P[4] + f2 * P[6]));
    let odd = P[1] + f2 * (P[3] + f2 * P[5]);
    exponent as f32 + f * (even + f * odd)
}

/// The amplitude of a level in octaves: two to the power of it.
///
/// Levels are taken as -126 to 126 at most. The relative error is at most 2e-7 (2e-6 dB).
///
/// # Real-time
/// Safe.
#[inline(always)]
#[must_use]
pub fn exp2(octaves: f32) -> f32 {
    /// Added to a small number, it leaves the nearest whole number in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    const P: [f32; 6] = [
        core::f32::consts::LN_2,
        0.240_226_53,
        0.055_503_105,
        0.009_617_693,
        0.001_340_664_4,
        0.000_155_946_75,
    ];
    let octaves = if octaves > -126.0 { octaves } else { -126.0 };
    let octaves = if octaves < 126.0 { octaves } else { 126.0 };
    let rounded = octaves + ROUND;
    let f = octaves - (rounded - ROUND);
    let f2 = f * f;
    let even = P[0] + f2 * (P[2] + f2 * P[4]);
    let odd = P[1] + f2 * (P[3] + f2 * P[5]);
    let power = 1.0 + f * (even + f * odd);
    f32::from_bits(power.to_bits().wrapping_add(rounded.to_bits() << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that fill each octave evenly, and its ends.
    fn amplitudes() -> impl Iterator<Item = f32> {
        (1..255_u32).flat_map(|exponent| {
            (0..512_u32).map(move |step| f32::from_bits((exponent << 23) | (step * 0x3fff)))
        })
    }

    #[test]
    fn the_logarithm_errs_by_3e_6_decibels_at_most() {
        for x in amplitudes() {
            let want = libm::log2(f64::from(x));
            let error = (f64::from(log2(x)) - want).abs();
            // The sum with the exponent is rounded to 24 bits.
            let rounding = libm::fabs(want) * f64::from(f32::EPSILON) / 2.0;
            assert!(error < 5e-7 + rounding, "log2 of {x:e} is off by {error:e}");
        }
    }

    #[test]
    fn the_power_errs_by_2e_6_decibels_at_most() {
        for step in -126_000..=126_000 {
            let x = step as f32 / 1000.0;
            let error = f64::from(exp2(x)) / libm::exp2(f64::from(x)) - 1.0;
            assert!(
                error.abs() < 2e-7,
                "2 to the power of {x} is off by {error:e}"
            );
        }
    }

    #[test]
    fn whole_octaves_are_exact() {
        for octaves in -126..=126 {
            let amplitude = f32::from_bits(((octaves + 127) as u32) << 23);
            assert_eq!(log2(amplitude), octaves as f32);
            assert_eq!(exp2(octaves as f32), amplitude);
        }
    }

    #[test]
    fn levels_beyond_the_range_stay_finite() {
        for (level, end) in [(-1e9, -126.0), (1e9, 126.0), (f32::INFINITY, 126.0)] {
            assert_eq!(exp2(level), exp2(end));
        }
    }
}
