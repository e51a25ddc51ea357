//! Replays the recorded vectors of the envelope limiter, bit for bit.
//!
//! The vectors lie in `tests/golden/limiter`, or in the folder `limiter` of the folder that the
//! environment variable `OSSICLE_GOLDEN` names.

use std::fs;
use std::path::{Path, PathBuf};

use ossicle_dsp::block::{Block, Planes};
use ossicle_dsp::node::{Node, Spec};
use ossicle_dsp::nodes::envelope_limiter::{Coefficients, LimiterCore};
use ossicle_dsp::registry;
use ossicle_dsp::settings::Settings;
use serde_json::Value;

/// Lengths of blocks; 0 stands for all at once.
const BLOCKS: [usize; 9] = [1, 2, 3, 4, 16, 64, 257, 1024, 0];
const THRESHOLD: usize = 3;

struct Vector {
    id: String,
    input: Vec<f32>,
    output: Vec<f32>,
    attack: f32,
    release: f32,
    line_samples: usize,
    /// Consecutive runs: samples and threshold.
    calls: Vec<(usize, f32)>,
    end: (usize, u32, u32),
    special: bool,
}

fn folder() -> PathBuf {
    match std::env::var_os("OSSICLE_GOLDEN") {
        Some(folder) => PathBuf::from(folder).join("limiter"),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/limiter"),
    }
}

fn samples(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

fn bits(value: &Value) -> u32 {
    let text = value.as_str().expect("bits are text");
    u32::from_str_radix(text.trim_start_matches("0x"), 16).expect("bits are hexadecimal")
}

fn vectors() -> (u32, Vec<Vector>) {
    let folder = folder();
    let path = folder.join("index.json");
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let index: Value = serde_json::from_str(&text).expect("index.json is JSON");
    let list = index["vectors"].as_array().expect("a list of vectors");
    assert!(!list.is_empty(), "{} names no vectors", path.display());
    let number = |value: &Value| value.as_u64().expect("a number") as usize;
    let vectors = list
        .iter()
        .map(|vector| {
            let file = |key: &str| samples(&folder.join(vector[key].as_str().expect("a name")));
            let calls = vector["calls"].as_array().expect("a list of calls");
            let thresholds = vector["threshold_bits"]
                .as_array()
                .expect("a list of thresholds");
            assert_eq!(calls.len(), thresholds.len());
            Vector {
                id: vector["id"].to_string(),
                input: file("input"),
                output: file("output"),
                attack: f32::from_bits(bits(&vector["attack_bits"])),
                release: f32::from_bits(bits(&vector["release_bits"])),
                line_samples: number(&vector["delay"]),
                calls: calls
                    .iter()
                    .zip(thresholds)
                    .map(|(call, threshold)| (number(&call[0]), f32::from_bits(bits(threshold))))
                    .collect(),
                end: (
                    number(&vector["end"]["pos"]),
                    bits(&vector["end"]["env"]),
                    bits(&vector["end"]["gain"]),
                ),
                special: vector["special"].as_bool().expect("a truth value"),
            }
        })
        .collect();
    (index["rate"].as_u64().expect("a rate") as u32, vectors)
}

/// Runs `process` over the input in blocks of at most `block` samples, cut at calls; it gets the
/// threshold whenever a call begins.
fn in_blocks(
    vector: &Vector,
    block: usize,
    mut process: impl FnMut(Option<f32>, u64, &mut [f32]),
) -> Vec<f32> {
    let mut samples = vector.input.clone();
    let (mut rest, mut position) = (&mut samples[..], 0);
    for &(count, threshold) in &vector.calls {
        let (call, later) = rest.split_at_mut(count);
        let mut threshold = Some(threshold);
        for piece in call.chunks_mut(if block == 0 { count.max(1) } else { block }) {
            let frames = piece.len() as u64;
            process(threshold.take(), position, piece);
            position += frames;
        }
        rest = later;
    }
    assert!(
        rest.is_empty(),
        "{}: calls do not cover the input",
        vector.id
    );
    samples
}

fn compare(vector: &Vector, block: usize, output: &[f32]) {
    let bad = |sample: &f32| !sample.is_finite();
    let compared = match vector.special {
        true => vector
            .input
            .iter()
            .position(bad)
            .expect("a special vector is not finite"),
        false => vector.input.len(),
    };
    assert_eq!(output.len(), vector.output.len(), "{}", vector.id);
    for (frame, (got, want)) in output.iter().zip(&vector.output).enumerate().take(compared) {
        assert_eq!(
            got.to_bits(),
            want.to_bits(),
            "{} in blocks of {block}, sample {frame}: {got:e} instead of {want:e}",
            vector.id
        );
    }
    let wrong = output[compared..].iter().position(bad);
    assert_eq!(
        wrong, None,
        "{} is not finite after sample {compared}",
        vector.id
    );
}

#[test]
fn the_node_replays_every_vector() {
    let (sample_rate_hz, vectors) = vectors();
    let effect = registry::effect("envelope_limiter").expect("the effect is registered");
    for vector in &vectors {
        for block in BLOCKS {
            let mut settings = Settings::new(effect);
            settings.set(0, f64::from(vector.attack)).unwrap();
            settings.set(1, f64::from(vector.release)).unwrap();
            settings.set(2, vector.line_samples as f64).unwrap();
            settings
                .set(THRESHOLD, f64::from(vector.calls[0].1))
                .unwrap();
            let mut node: Box<dyn Node> = settings.create().unwrap();
            let max_block_frames = vector.input.len().max(1);
            let shape = node
                .prepare(&Spec {
                    sample_rate_hz,
                    max_block_frames,
                    channels: 1,
                })
                .unwrap();
            assert_eq!(shape.latency_frames, vector.line_samples as u64 - 1);
            let output = in_blocks(vector, block, |threshold, since_reset, piece| {
                if let Some(threshold) = threshold {
                    node.set(THRESHOLD, f64::from(threshold));
                }
                let frames = piece.len();
                let planes = Planes::new(piece, frames, frames);
                node.process(&mut Block {
                    planes,
                    side_chain: None,
                    since_reset,
                });
            });
            compare(vector, block, &output);
        }
    }
    println!("{} vectors", vectors.len());
}

#[test]
fn the_core_replays_every_vector_and_ends_in_its_state() {
    for vector in &vectors().1 {
        for block in BLOCKS {
            let mut core = LimiterCore::new(vector.line_samples);
            let mut coefficients = Coefficients {
                attack: vector.attack,
                release: vector.release,
                threshold: 0.0,
                floor: 0.0,
            };
            let output = in_blocks(vector, block, |threshold, _, piece| {
                coefficients.threshold = threshold.unwrap_or(coefficients.threshold);
                core.process(&coefficients, piece);
            });
            compare(vector, block, &output);
            if !vector.special {
                let end = (
                    core.position(),
                    core.envelope().to_bits(),
                    core.gain().to_bits(),
                );
                assert_eq!(end, vector.end, "{} in blocks of {block}", vector.id);
            }
        }
    }
}
