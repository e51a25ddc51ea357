//! What the battery runs nodes with: settings, signals, blocks and events from a seed.

use ossicle_dsp::block::{Block, Planes, SidePlanes};
use ossicle_dsp::node::{Node, PrepareError, Spec};
use ossicle_dsp::parameter::{Kind, Parameter, Scale, Unit};
use ossicle_dsp::registry::EFFECTS;
use ossicle_dsp::settings::{Effect, Settings};

pub const RATE_HZ: u32 = 48_000;
pub const MAX_BLOCK_FRAMES: usize = 4096;
/// Seed 0 stands for the defaults.
const SEEDS: u64 = 10;
const CHANNELS: [usize; 4] = [1, 2, 3, 5];

/// Numbers from a seed (SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1, without 1.
    pub fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    /// A value of the parameter, one in eight times the smallest or the largest.
    fn value(&mut self, row: &Parameter) -> f64 {
        let share = match self.below(16) {
            0 => 0.0,
            1 => 1.0,
            _ => self.share(),
        };
        // Most long times and lines are longer than a test: most of these are short.
        let long = row.unit == Unit::Millisecond || row.max - row.min > 100_000.0;
        let share = if long && self.below(2) == 0 {
            share.powi(8)
        } else {
            share
        };
        match row.scale {
            Scale::Choices(names) => self.below(names.len()) as f64,
            Scale::Logarithmic => {
                (row.min * (row.max / row.min).powf(share)).clamp(row.min, row.max)
            }
            Scale::Linear => row.min + share * (row.max - row.min),
        }
    }

    /// White noise for each channel.
    pub fn noise(&mut self, channels: usize, frames: usize, peak: f32) -> Vec<Vec<f32>> {
        let mut plane = || {
            (0..frames)
                .map(|_| (self.share() * 2.0 - 1.0) as f32 * peak)
                .collect()
        };
        (0..channels).map(|_| plane()).collect()
    }
}

/// One effect with settings and a channel count.
pub struct Case {
    pub effect: &'static Effect,
    pub settings: Settings,
    pub channels: usize,
    pub seed: u64,
}

/// Sets a parameter at a position.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub at: u64,
    pub number: usize,
    pub value: f64,
}

impl Case {
    pub fn name(&self) -> String {
        let given: Vec<String> = self
            .settings
            .given()
            .map(|(number, value)| format!("{}={value}", self.effect.parameters[number].id))
            .collect();
        format!(
            "{} seed {} x{}: {}",
            self.effect.id,
            self.seed,
            self.channels,
            given.join(",")
        )
    }

    pub fn node(&self) -> Result<Box<dyn Node>, PrepareError> {
        let mut node = self.settings.create().expect("the settings were checked");
        node.prepare(&self.spec())?;
        Ok(node)
    }

    pub fn spec(&self) -> Spec {
        let (sample_rate_hz, channels) = (RATE_HZ, self.channels);
        Spec {
            sample_rate_hz,
            max_block_frames: MAX_BLOCK_FRAMES,
            channels,
        }
    }

    pub fn random(&self) -> Random {
        Random(self.seed * 1000 + self.channels as u64)
    }

    /// Changes of whatever may change while running, one every thousand frames or so.
    pub fn events(&self, random: &mut Random, frames: usize) -> Vec<Event> {
        let rows = self.effect.parameters;
        let mut events = Vec::new();
        let mut at = 0;
        loop {
            at += random.below(2000) as u64;
            if at >= frames as u64 {
                return events;
            }
            let number = match random.below(2) {
                0 => random.below(rows.len()),
                _ => random.below(rows.len().min(8)),
            };
            if rows[number].kind != Kind::Structural {
                events.push(Event {
                    at,
                    number,
                    value: random.value(&rows[number]),
                });
            }
        }
    }
}

/// Default and random settings of `effect`.
fn settings(effect: &'static Effect, seed: u64) -> Settings {
    let mut settings = Settings::new(effect);
    // Other effects, other numbers.
    let mut random = Random(
        effect
            .id
            .bytes()
            .fold(seed, |seed, byte| seed.wrapping_mul(31) + u64::from(byte)),
    );
    // Of two forms of one value the one that comes first is taken.
    let backwards = random.below(2) == 0;
    let last = effect.parameters.len() - 1;
    for place in 0..=last {
        let number = if backwards { last - place } else { place };
        if seed == 0 || random.below(4) == 0 {
            continue;
        }
        let before = settings.clone();
        let value = random.value(&effect.parameters[number]);
        settings
            .set(number, value)
            .expect("the value is within range");
        if settings.check().is_err() {
            // A fraction where whole numbers count, or a second form of one value.
            settings = before.clone();
            settings
                .set(number, value.trunc())
                .expect("the value is within range");
            if settings.check().is_err() {
                settings = before;
            }
        }
    }
    settings
}

/// Every effect with several settings and every channel count it takes.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for effect in EFFECTS {
        let before = cases.len();
        for seed in 0..SEEDS {
            for channels in CHANNELS {
                let case = Case {
                    effect,
                    settings: settings(effect, seed),
                    channels,
                    seed,
                };
                match case.node() {
                    Ok(_) => cases.push(case),
                    Err(PrepareError::ChannelsUnsupported { .. }) => {}
                    Err(error) => panic!("{}: {error}", case.name()),
                }
            }
        }
        assert!(
            cases.len() > before,
            "{} takes none of {CHANNELS:?} channels",
            effect.id
        );
    }
    cases
}

/// How a stream is cut.
pub enum Cut {
    Every(usize),
    Random(Random),
}

/// Runs `input` through a prepared node, from `since_reset` 0 on.
pub fn run(
    node: &mut dyn Node,
    channels_out: usize,
    input: &[Vec<f32>],
    cut: &mut Cut,
    events: &[Event],
) -> Vec<Vec<f32>> {
    run_keyed(node, channels_out, [input, &[]], cut, events)
}

/// The same with a side-chain, unless it has no planes.
pub fn run_keyed(
    node: &mut dyn Node,
    channels_out: usize,
    [input, key]: [&[Vec<f32>]; 2],
    cut: &mut Cut,
    events: &[Event],
) -> Vec<Vec<f32>> {
    let frames = input[0].len();
    let channels = input.len().max(channels_out);
    let mut output = vec![Vec::with_capacity(frames); channels_out];
    let mut samples = vec![0.0; channels * MAX_BLOCK_FRAMES];
    let (mut at, mut events) = (0, events.iter().peekable());
    while at < frames {
        while let Some(event) = events.next_if(|event| event.at == at as u64) {
            node.set(event.number, event.value);
        }
        let length = match cut {
            Cut::Every(length) => *length,
            // From 1 to 4096, short ones as often as long ones.
            Cut::Random(random) => {
                let most = 1 << random.below(13);
                1 + random.below(most)
            }
        };
        let next = events.peek().map_or(frames, |event| event.at as usize);
        let length = length.min(next - at).min(frames - at);
        for (plane, input) in samples.chunks_mut(MAX_BLOCK_FRAMES).zip(input) {
            plane[..length].copy_from_slice(&input[at..at + length]);
        }
        let side: Vec<f32> = key
            .iter()
            .flat_map(|plane| &plane[at..at + length])
            .copied()
            .collect();
        let planes = Planes::new(&mut samples, MAX_BLOCK_FRAMES, length);
        node.process(&mut Block {
            planes,
            side_chain: (!side.is_empty()).then(|| SidePlanes::new(&side, length, length)),
            since_reset: at as u64,
        });
        for (plane, output) in samples.chunks(MAX_BLOCK_FRAMES).zip(&mut output) {
            output.extend_from_slice(&plane[..length]);
        }
        at += length;
    }
    output
}

/// The channels that come out of a case's node.
pub fn channels_out(case: &Case) -> usize {
    let mut node = case.settings.create().expect("the settings were checked");
    node.prepare(&case.spec())
        .expect("the case was prepared before")
        .channels
}

/// Where two outputs differ in a bit.
pub fn difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> Option<String> {
    a.iter().zip(b).enumerate().find_map(|(channel, (a, b))| {
        let frame = a
            .iter()
            .zip(b)
            .position(|(a, b)| a.to_bits() != b.to_bits())?;
        Some(format!(
            "channel {channel} frame {frame}: {:e} and {:e}",
            a[frame], b[frame]
        ))
    })
}
