//! What a detector hears: its key behind a high pass and a low pass.
//!
//! Both are Butterworth filters of second order, state variable filters in double precision. A
//! filter that is off passes its input bit for bit; every change glides.

use alloc::vec;
use alloc::vec::Vec;
use core::f64::consts::FRAC_1_SQRT_2;

use super::Piece;
use crate::parts::analogue::Response;
use crate::parts::finite::or_zero;
use crate::parts::glide::GLIDE_MS;
use crate::parts::smoothed;
use crate::parts::svf::{SvfCoefficients, SvfSolved, SvfState};
use crate::parts::svf_glide::SvfGlide;

/// The largest corner frequency as a share of the sample rate.
pub const LARGEST_FREQUENCY_NORM: f64 = 0.49;
/// 120 dB, as a natural logarithm.
const SILENT_LN: f64 = 13.815_510_557_964_274;
/// Every so many frames since reset, states that are nearly silent become silent.
const FLUSH_FRAMES: u64 = 64;
/// An output below this is silence: far from what can be heard and from subnormal numbers.
const SILENCE: f64 = 1e-30;

/// One filter for each channel, all with the same coefficients, which glide.
#[derive(Clone, Debug)]
pub struct KeyFilter {
    response: Response,
    sample_rate_hz: u32,
    glide: SvfGlide,
    states: Vec<SvfState>,
}

impl KeyFilter {
    /// Filters of a kind; off, and for no channels until [`prepare`](Self::prepare) is called.
    #[must_use]
    pub fn new(response: Response) -> Self {
        Self {
            response,
            sample_rate_hz: 1,
            glide: SvfGlide::new(off(), 1),
            states: Vec::new(),
        }
    }

    /// Ready for so many channels, with its corner at `frequency_hz`, or off.
    ///
    /// # Real-time
    /// Not safe: allocates.
    pub fn prepare(&mut self, sample_rate_hz: u32, channels: usize, frequency_hz: Option<f64>) {
        self.sample_rate_hz = sample_rate_hz;
        self.states = vec![SvfState::default(); channels];
        let glide_frames = smoothed::frames(GLIDE_MS, sample_rate_hz);
        self.glide = SvfGlide::new(self.design(frequency_hz), glide_frames);
    }

    /// Moves the corner to `frequency_hz`, at most to 0.49 of the sample rate, or turns it off.
    ///
    /// # Real-time
    /// Safe.
    pub fn set(&mut self, frequency_hz: Option<f64>) {
        self.glide.set(self.design(frequency_hz));
    }

    fn design(&self, frequency_hz: Option<f64>) -> SvfCoefficients {
        let Some(frequency_hz) = frequency_hz else {
            return off();
        };
        let norm = frequency_hz / f64::from(self.sample_rate_hz);
        let norm = norm.min(LARGEST_FREQUENCY_NORM);
        SvfCoefficients::new(self.response, norm, 0.0, FRAC_1_SQRT_2)
    }

    /// Silences the states and ends the glide.
    ///
    /// # Real-time
    /// Safe.
    pub fn reset(&mut self) {
        self.glide.finish();
        self.states.fill(SvfState::default());
    }

    /// Whether from here on the output is the input.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.glide.rests_flat()
    }

    /// Frames after the end of the input within which the output has fallen by 120 dB.
    #[must_use]
    pub fn tail_frames(&self) -> u64 {
        if self.is_off() {
            return 0;
        }
        let [now, to] = [self.glide.now(), self.glide.target()];
        let decay = -now.decay_per_frame().max(to.decay_per_frame());
        // A double pole gathers up to 1/(1 - r)^2.
        let gathered = 2.0 * libm::log(2.0 / (1.0 - libm::exp(-decay)));
        libm::ceil((SILENT_LN + gathered) / decay) as u64 + 2
    }

    /// Filters a piece of each channel in place, `frames` of each. `since_reset`: frames before it.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn process(&mut self, pieces: &mut [Piece], frames: usize, since_reset: u64) {
        if self.glide.rests_flat() {
            return;
        }
        let begin = self.glide;
        let mut pairs = pieces.chunks_exact_mut(2);
        let mut states = self.states.chunks_exact_mut(2);
        // Two channels at once: neither waits for the other's recursion.
        for (pair, states) in (&mut pairs).zip(&mut states) {
            let [a, b] = pair else { continue };
            let Ok(states) = states.try_into() else {
                continue;
            };
            self.glide = begin;
            let planes = [&mut a[..frames], &mut b[..frames]];
            run::<2>(planes, states, &mut self.glide, since_reset);
        }
        let last = pairs.into_remainder().iter_mut();
        for (piece, state) in last.zip(states.into_remainder()) {
            self.glide = begin;
            let states = core::slice::from_mut(state);
            let Ok(states) = states.try_into() else {
                continue;
            };
            run::<1>([&mut piece[..frames]], states, &mut self.glide, since_reset);
        }
    }
}

/// What passes everything.
fn off() -> SvfCoefficients {
    SvfCoefficients::new(Response::Flat, 0.1, 0.0, FRAC_1_SQRT_2)
}

#[inline(always)]
fn run<const N: usize>(
    mut planes: [&mut [f32]; N],
    states: &mut [SvfState; N],
    glide: &mut SvfGlide,
    since_reset: u64,
) {
    let frames = planes[0].len();
    let mut done = 0;
    while done < frames {
        let to_flush = FLUSH_FRAMES - (since_reset + done as u64) % FLUSH_FRAMES;
        let end = frames.min(done + to_flush as usize);
        while done < end && glide.frames_left() > 0 {
            step(
                &mut planes,
                done,
                states,
                &SvfSolved::from(&glide.next_value()),
            );
            done += 1;
        }
        if glide.rests_flat() {
            return states.fill(SvfState::default());
        }
        let solved = SvfSolved::from(&glide.now());
        let mut part = planes.each_mut().map(|plane| &mut plane[done..end]);
        let mut local = *states;
        for frame in 0..end - done {
            step(&mut part, frame, &mut local, &solved);
        }
        *states = local;
        done = end;
        if (since_reset + end as u64).is_multiple_of(FLUSH_FRAMES) {
            states.iter_mut().for_each(SvfState::flush);
        }
    }
}

#[inline(always)]
fn step<const N: usize>(
    planes: &mut [&mut [f32]; N],
    frame: usize,
    states: &mut [SvfState; N],
    solved: &SvfSolved,
) {
    for (plane, state) in planes.iter_mut().zip(states) {
        let output = state.next(f64::from(or_zero(plane[frame])), solved);
        plane[frame] = if output.abs() < SILENCE {
            0.0
        } else {
            output as f32
        };
    }
}
