//! Every effect there is.

use crate::nodes;
use crate::settings::Effect;

/// All effects, in the order in which they are listed to people.
pub static EFFECTS: &[&Effect] = &[
    &nodes::envelope_limiter::EFFECT,
    &nodes::gain::EFFECT,
    &nodes::loudness::EFFECT,
    &nodes::pan::EFFECT,
    &nodes::width::EFFECT,
    &nodes::mid_side::EFFECT,
    &nodes::delay::EFFECT,
    &nodes::parametric_eq::EFFECT,
    &nodes::true_peak_limiter::EFFECT,
    &nodes::graphic_eq::EFFECT,
    &nodes::compressor::EFFECT,
    &nodes::gate::EFFECT,
    &nodes::de_esser::EFFECT,
    &nodes::multiband_compressor::EFFECT,
];

/// The effect with this id.
///
/// # Examples
/// ```
/// assert_eq!(ossicle_dsp::registry::effect("gain").map(|effect| effect.id), Some("gain"));
/// assert!(ossicle_dsp::registry::effect("ga").is_none());
/// ```
#[must_use]
pub fn effect(id: &str) -> Option<&'static Effect> {
    EFFECTS.iter().copied().find(|effect| effect.id == id)
}
