//! The limiter's runs that the bench and the table share: the demo setting of the documented
//! vectors, mono, noise that swells over the threshold and back.

use anyhow::Context;
use ossicle::dsp::block::{Block, Planes};
use ossicle::dsp::node::{Node, Spec};
use ossicle::dsp::nodes::envelope_limiter::{Coefficients, LimiterCore};
use ossicle::dsp::registry::effect;
use ossicle::dsp::settings::Settings;

use crate::naive::NaiveLimiter;
use crate::signal::swelling_noise;

/// Places of the delay line.
const LINE_SAMPLES: usize = 40;
/// Samples of one run: a second at 48 kHz.
pub const SAMPLES: usize = 48_000;
/// The coefficients.
const COEFFICIENTS: Coefficients = Coefficients {
    attack: 0.9,
    release: 0.9999,
    threshold: 0.8,
    floor: 0.0,
};

/// The signal of one run.
#[must_use]
pub fn signal() -> Vec<f32> {
    swelling_noise(SAMPLES, 4_800)
}

/// The plain C form.
pub fn naive() -> impl FnMut(&mut [f32]) {
    let mut limiter = NaiveLimiter::new(COEFFICIENTS.attack, COEFFICIENTS.release, LINE_SAMPLES);
    move |block| limiter.process(COEFFICIENTS.threshold, block)
}

/// The plain C form, built for this very processor.
pub fn native() -> impl FnMut(&mut [f32]) {
    let mut limiter = NaiveLimiter::native(COEFFICIENTS.attack, COEFFICIENTS.release, LINE_SAMPLES);
    move |block| limiter.process(COEFFICIENTS.threshold, block)
}

/// The recursion by itself.
pub fn core() -> impl FnMut(&mut [f32]) {
    let mut core = LimiterCore::new(LINE_SAMPLES);
    move |block| core.process(&COEFFICIENTS, block)
}

/// The node of a chain, as the engine calls it.
///
/// # Errors
/// When the effect refuses the setting.
pub fn node(max_block_frames: usize) -> anyhow::Result<impl FnMut(&mut [f32])> {
    node_of(1, "exact", max_block_frames)
}

/// The node for several channels, in one of its modes. A block holds one plane after another.
///
/// # Errors
/// When the effect refuses the setting.
pub fn node_of(
    channels: usize,
    mode: &str,
    max_block_frames: usize,
) -> anyhow::Result<impl FnMut(&mut [f32]) + use<>> {
    let mut settings = Settings::new(effect("envelope_limiter").context("no such effect")?);
    for (parameter, value) in [
        ("attack_coeff", "0.9"),
        ("release_coeff", "0.9999"),
        ("delay_samples", "40"),
        ("threshold", "0.8"),
        ("mode", mode),
    ] {
        settings.set_text(parameter, value)?;
    }
    let mut node: Box<dyn Node> = settings.create()?;
    node.prepare(&Spec {
        sample_rate_hz: 48_000,
        max_block_frames,
        channels,
    })?;
    let mut since_reset = 0;
    Ok(move |block: &mut [f32]| {
        let frames = block.len() / channels;
        let planes = Planes::with_channels(block, channels, frames, frames);
        node.process(&mut Block {
            planes,
            side_chain: None,
            since_reset,
        });
        since_reset += frames as u64;
    })
}
