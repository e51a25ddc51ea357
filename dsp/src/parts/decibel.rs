//! Decibels to factors.

/// The factor that a level in decibels stands for: 10^(level/20).
///
/// Computed without the platform's mathematics, so that it is the same number on every machine.
///
/// # Real-time
/// Safe.
#[must_use]
pub fn amplitude(level_db: f64) -> f64 {
    libm::pow(10.0, level_db / 20.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_decibels_are_a_factor_of_ten() {
        // The largest error libm promises for pow is below 1 ulp.
        for (level, factor) in [(0.0, 1.0), (20.0, 10.0), (-40.0, 0.01)] {
            assert!(
                (amplitude(level) / factor - 1.0).abs() < 4e-16,
                "{}",
                amplitude(level)
            );
        }
    }
}
