//! Sounds whose every sample is known, and a processor that plays them.

use ossicle::chain::Chain;
use ossicle::controller::Controller;
use ossicle::io::realtime;
use ossicle::plan::NodeId;
use ossicle::processor::{Processor, ProcessorSpec};
use ossicle::sound::{FADE, Sound, SoundPlayer};

pub const RATE_HZ: u32 = 48_000;

/// Numbers from a seed.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % most
    }
}

/// A signal that has every sample of its own.
pub fn noise(seed: u64, frames: usize) -> Vec<f32> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    (0..frames)
        .map(|_| random.below(1 << 24) as f32 / (1 << 23) as f32 - 1.0)
        .collect()
}

/// A sound of noise, one plane for each seed.
pub fn sound(seeds: &[u64], frames: usize) -> Sound {
    let planes = seeds.iter().map(|&seed| noise(seed, frames)).collect();
    Sound::from_planes(planes, RATE_HZ).unwrap()
}

/// A sound that is 1 throughout, so that what is heard is the gain.
pub fn ones(frames: usize) -> Sound {
    Sound::from_planes(vec![vec![1.0; frames]], RATE_HZ).unwrap()
}

pub fn unfaded(sound: Sound) -> SoundPlayer {
    SoundPlayer::new(sound).with_value(FADE, 0.0).unwrap()
}

pub fn spec(channels: usize, max_block_frames: usize) -> ProcessorSpec {
    ProcessorSpec {
        sample_rate_hz: RATE_HZ,
        max_block_frames,
        channels_in: channels,
        channels_out: None,
        latency_budget_frames: 0,
    }
}

/// Players in series.
pub fn series(
    players: impl IntoIterator<Item = SoundPlayer>,
    channels: usize,
) -> (Controller, Processor) {
    let mut chain = Chain::new();
    for player in players {
        chain.push_node(Box::new(player));
    }
    Controller::new(chain, spec(channels, 64)).unwrap()
}

pub fn ids(controller: &Controller) -> Vec<NodeId> {
    controller.nodes().map(|(id, _)| id).collect()
}

/// Runs interleaved frames through in calls of `block` frames; returns what comes out, interleaved.
pub fn run(
    processor: &mut Processor,
    channels: (usize, usize),
    input: &[f32],
    block: usize,
) -> Vec<f32> {
    let (before, frames) = (realtime::violations(), input.len() / channels.0);
    let mut output = vec![0.0; frames * channels.1];
    let calls = input.chunks(block * channels.0);
    for (input, output) in calls.zip(output.chunks_mut(block * channels.1)) {
        realtime::callback(|| processor.process(input, output));
    }
    assert_eq!(
        realtime::violations(),
        before,
        "a player allocated or freed"
    );
    output
}

/// Runs so many frames of silence through one channel.
pub fn run_silence(processor: &mut Processor, frames: usize) -> Vec<f32> {
    run(processor, (1, 1), &vec![0.0; frames], 100)
}

/// Where two signals differ in a bit.
pub fn difference(a: &[f32], b: &[f32]) -> Option<usize> {
    assert_eq!(a.len(), b.len());
    (0..a.len()).find(|&n| a[n].to_bits() != b[n].to_bits())
}
