//! Test signals from a seed: the same on every machine.

/// White noise within -1 to 1, whose level rises and falls every `swell` samples.
#[must_use]
pub fn swelling_noise(samples: usize, swell: usize) -> Vec<f32> {
    let mut state = 0x9e37_79b9_u32;
    (0..samples)
        .map(|at| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let white = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
            let level = if (at / swell.max(1)).is_multiple_of(2) {
                0.2
            } else {
                1.0
            };
            white * level
        })
        .collect()
}
