//! How much of a peak is bass: what a gain that follows each swing would distort.

use core::f64::consts::TAU;

use crate::parts::true_peak::{GROUP, MAX_FRAMES};

/// Corner of the two low-passes, in hertz.
const CORNER_HZ: f64 = 200.0;
/// Time in which the envelope of the bass falls to 1/e: about a swing of the lowest notes.
const FALL_S: f64 = 0.02;
/// Time for which what bass requires is held at least, in seconds, and at most twice that: a swing of
/// 30 Hz in one direction.
const HOLD_S: f64 = 1.0 / 60.0;
/// Share of a peak from which it begins to count as bass, and from which it counts wholly.
const BEGINS: f32 = 0.3;
const WHOLE: f32 = 0.6;
/// Bass below this is silence.
const FLOOR: f32 = 1e-20;

/// Low-passes and envelope of one channel, a step for each group of frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bass {
    toward: f32,
    stay: f32,
    fall: f32,
    first: f32,
    second: f32,
    envelope: f32,
}

impl Bass {
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        let groups_hz = f64::from(sample_rate_hz) / GROUP as f64;
        let stay = libm::exp(-TAU * CORNER_HZ / groups_hz);
        Self {
            toward: (1.0 - stay) as f32,
            stay: stay as f32,
            fall: libm::exp(-1.0 / (FALL_S * groups_hz)) as f32,
            first: 0.0,
            second: 0.0,
            envelope: 0.0,
        }
    }

    pub(super) fn clear(&mut self) {
        (self.first, self.second, self.envelope) = (0.0, 0.0, 0.0);
    }

    /// Takes whole groups of frames with the peak and what is required in each group; gives what of
    /// it is to be held.
    #[inline(always)]
    pub(super) fn run(&mut self, frames: &[f32], peaks: &[f32], held: &mut [f32]) {
        let Self {
            toward, stay, fall, ..
        } = *self;
        let mut envelopes = [0.0; MAX_FRAMES / GROUP];
        for (group, out) in frames.as_chunks().0.iter().zip(&mut envelopes) {
            let mean = sum(group) / GROUP as f32;
            self.first = audible(stay * self.first + toward * mean);
            self.second = audible(stay * self.second + toward * self.first);
            let (fallen, now) = (audible(self.envelope * fall), self.second.abs());
            self.envelope = if now > fallen { now } else { fallen };
            *out = self.envelope;
        }
        for ((held, &peak), &envelope) in held.iter_mut().zip(peaks).zip(&envelopes) {
            // A peak that requires something is not 0; whatever else comes out is not used.
            let share = (envelope - BEGINS * peak) / ((WHOLE - BEGINS) * peak);
            let share = if share < 1.0 { share } else { 1.0 };
            let share = if share > 0.0 { share } else { 0.0 };
            *held = if *held > 0.0 { *held * share } else { 0.0 };
        }
    }
}

#[inline(always)]
fn sum(group: &[f32; GROUP]) -> f32 {
    let [a, b, c, d, e, f, g, h] = *group;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

#[inline(always)]
fn audible(x: f32) -> f32 {
    if x.abs() > FLOOR { x } else { 0.0 }
}

/// Holds the largest value of some groups, counted in spans since the reset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    span_groups: usize,
    groups: usize,
    before: f32,
    now: f32,
}

impl Hold {
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        let groups_hz = f64::from(sample_rate_hz) / GROUP as f64;
        Self {
            span_groups: libm::ceil(HOLD_S * groups_hz) as usize,
            groups: 0,
            before: 0.0,
            now: 0.0,
        }
    }

    pub(super) fn clear(&mut self) {
        (self.groups, self.before, self.now) = (0, 0.0, 0.0);
    }

    /// Replaces the values of groups by the largest of the last spans.
    #[inline(always)]
    pub(super) fn run(&mut self, values: &mut [f32]) {
        for value in values {
            if self.groups == self.span_groups {
                (self.groups, self.before, self.now) = (0, self.now, 0.0);
            }
            self.groups += 1;
            self.now = if *value > self.now { *value } else { self.now };
            *value = if self.before > self.now {
                self.before
            } else {
                self.now
            };
        }
    }
}
