//! Guards that keep samples finite.

/// `x`, or 0 when it is not finite: for what goes into a state.
///
/// # Real-time
/// Safe.
#[inline]
#[must_use]
pub fn or_zero(x: f32) -> f32 {
    if x.abs() <= f32::MAX { x } else { 0.0 }
}

/// `x` within the finite range: an overflow becomes the largest number of its sign. NaN stays.
///
/// # Real-time
/// Safe.
#[inline]
#[must_use]
pub fn saturated(x: f32) -> f32 {
    x.clamp(-f32::MAX, f32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_finite_changes() {
        for x in [0.0, -0.0, 1e-45, -3.5, f32::MAX, f32::MIN] {
            assert_eq!(or_zero(x).to_bits(), x.to_bits());
            assert_eq!(saturated(x).to_bits(), x.to_bits());
        }
        assert_eq!(or_zero(f32::NAN), 0.0);
        assert_eq!(or_zero(f32::NEG_INFINITY), 0.0);
        assert_eq!(saturated(f32::NEG_INFINITY), f32::MIN);
        assert!(saturated(f32::NAN).is_nan());
    }
}
