//! Gate and expander: what is below a threshold comes out lower.
//!
//! Open from the frame on which the level l reaches the threshold t, closed from the frame on which
//! it has been below t - h for the hold; reduction 0 while open, min(r, (ratio - 1)(t - l)) while
//! closed, with hysteresis h and range r; then ballistics as a compressor's, and
//! y(n) = x(n - L) g(n) with look-ahead L. All levels in octaves of amplitude
//! ([`crate::parts::dynamics`]).

mod door;
mod table;

use alloc::vec;
use alloc::vec::Vec;

use self::door::{Door, Law};
use self::table::{
    ATTACK, HOLD, HYSTERESIS, KEY_HIGH_PASS, KEY_LOW_PASS, LINK, LOOK_AHEAD, PARAMETERS, RANGE,
    RATIO, RELEASE, THRESHOLD,
};
use crate::block::Block;
use crate::node::{Node, PrepareError, Shape, Spec, Tail};
use crate::parameter::Parameter;
use crate::parts::dynamics::ballistics::{Ballistics, Follower};
use crate::parts::dynamics::detector::{Detector, DetectorSpec, hold_frames, longest_hold_frames};
use crate::parts::dynamics::level::Measure;
use crate::parts::dynamics::{PIECE, Piece, apply, rows};
use crate::parts::look_ahead::LookAhead;
use crate::parts::octaves::exp2;
use crate::parts::vectors::{Eight, Vectors, Work};
use crate::settings::Settings;

pub use table::EFFECT;

/// Shuts out what is soft. It begins closed.
///
/// Latency and tail: the look-ahead. Channels: any number, with one gain or a gain each. Side-chain: as
/// many channels as it has itself.
#[derive(Clone, Debug)]
pub struct Gate {
    values: [f64; PARAMETERS.len()],
    sample_rate_hz: u32,
    channels: usize,
    latency_frames: usize,
    vectors: Vectors,
    detector: Detector,
    law: Law,
    doors: Vec<Door>,
    ballistics: Ballistics,
    followers: Vec<Follower>,
    lines: Vec<LookAhead>,
    /// Levels, then reductions, then gains.
    paths: Vec<Piece>,
}

impl Gate {
    fn new(settings: &Settings) -> Self {
        Self {
            values: core::array::from_fn(|number| settings.value(number)),
            sample_rate_hz: 1,
            channels: 0,
            latency_frames: 0,
            vectors: Vectors::PLAIN,
            detector: Detector::new(),
            law: Law::new(),
            doors: Vec::new(),
            ballistics: Ballistics::new(1.0, 1.0),
            followers: Vec::new(),
            lines: Vec::new(),
            paths: Vec::new(),
        }
    }

    fn frames(&self, number: usize) -> f64 {
        self.values[number] * 1e-3 * f64::from(self.sample_rate_hz)
    }

    fn high_pass_hz(&self) -> Option<f64> {
        rows::high_pass_hz(self.values[KEY_HIGH_PASS])
    }

    fn low_pass_hz(&self) -> Option<f64> {
        rows::low_pass_hz(self.values[KEY_LOW_PASS])
    }

    fn take(&mut self, number: usize) {
        let value = self.values[number];
        match number {
            THRESHOLD => self.law.set_threshold(value),
            HYSTERESIS => self.law.set_hysteresis(value),
            RATIO => self.law.set_ratio(value),
            RANGE => self.law.set_range(value),
            ATTACK | HOLD | RELEASE => self.take_times(),
            KEY_HIGH_PASS => self.detector.set_high_pass(self.high_pass_hz()),
            KEY_LOW_PASS => self.detector.set_low_pass(self.low_pass_hz()),
            _ => {}
        }
    }

    /// A peak counts within the hold; beyond it, the time for which it counts is taken out of the
    /// release.
    fn take_times(&mut self) {
        let (release, rate) = (self.frames(RELEASE), self.sample_rate_hz);
        let hold = libm::round(self.frames(HOLD)) as usize;
        let counts = (hold + hold_frames(release, rate)).min(longest_hold_frames(rate));
        let beyond = counts.saturating_sub(hold) as f64;
        self.law.hold_frames = hold.saturating_sub(counts);
        self.ballistics = Ballistics::new(release - beyond, self.frames(ATTACK));
        self.detector.set_window(1 + self.latency_frames + counts);
    }

    /// As it begins.
    fn shut(&mut self) {
        self.doors.fill(Door::SHUT);
        self.followers.fill(Follower::at(self.law.range()));
    }
}

impl Node for Gate {
    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        rows::check_corners(
            EFFECT.id,
            spec.sample_rate_hz,
            [
                (&PARAMETERS[KEY_HIGH_PASS], self.high_pass_hz()),
                (&PARAMETERS[KEY_LOW_PASS], self.low_pass_hz()),
            ],
        )?;
        self.sample_rate_hz = spec.sample_rate_hz;
        self.channels = spec.channels;
        self.vectors = Vectors::detect();
        self.latency_frames = libm::round(self.frames(LOOK_AHEAD)) as usize;
        self.detector.prepare(&DetectorSpec {
            sample_rate_hz: spec.sample_rate_hz,
            channels: spec.channels,
            measure: Measure::Amplitude,
            link: self.values[LINK],
            max_window: 1 + self.latency_frames + longest_hold_frames(spec.sample_rate_hz),
            high_pass_hz: self.high_pass_hz(),
            low_pass_hz: self.low_pass_hz(),
        });
        let paths = self.detector.paths();
        for number in [THRESHOLD, HYSTERESIS, RATIO, RANGE, ATTACK] {
            self.take(number);
        }
        self.law.prepare(spec.sample_rate_hz);
        self.doors = vec![Door::SHUT; paths];
        self.followers = vec![Follower::REST; paths];
        self.paths = vec![[0.0; PIECE]; paths];
        self.lines = vec![LookAhead::new(self.latency_frames); spec.channels];
        self.shut();
        Ok(Shape {
            channels: spec.channels,
            latency_frames: self.latency_frames as u64,
        })
    }

    fn reset(&mut self) {
        self.detector.reset();
        self.law.finish();
        self.lines.iter_mut().for_each(LookAhead::clear);
        self.shut();
    }

    fn process(&mut self, block: &mut Block<'_>) {
        let vectors = self.vectors;
        vectors.run(Pass { node: self, block });
    }

    fn set(&mut self, number: usize, value: f64) {
        if PARAMETERS
            .get(number)
            .is_some_and(|row| !row.is_structural())
        {
            self.values[number] = value;
            self.take(number);
        }
    }

    fn latency_frames(&self) -> u64 {
        self.latency_frames as u64
    }

    fn tail(&self) -> Tail {
        Tail::Frames(self.latency_frames as u64)
    }

    fn side_chain_channels(&self) -> usize {
        self.channels
    }
}

/// A block, piece by piece.
struct Pass<'a, 'b> {
    node: &'a mut Gate,
    block: &'a mut Block<'b>,
}

impl Work for Pass<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        let Self { node, block } = self;
        let (all, mut begin) = (block.frames(), 0);
        while begin < all {
            let end = all.min(begin + PIECE);
            let (frames, paths) = (end - begin, &mut node.paths);
            node.detector.listen(block, begin..end, paths);
            node.law.reduce(&mut node.doors, paths, frames);
            node.ballistics
                .follow_all::<false>(&mut node.followers, paths, frames);
            for path in paths.iter_mut() {
                path[..frames]
                    .iter_mut()
                    .for_each(|gain| *gain = exp2(-*gain));
            }
            let last = paths.len() - 1;
            for (channel, line) in node.lines.iter_mut().enumerate() {
                let samples = &mut block.planes.plane_mut(channel)[begin..end];
                line.process(samples);
                apply(&paths[channel.min(last)], samples);
            }
            begin = end;
        }
    }
}
