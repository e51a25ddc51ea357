//! Covers what is missing in a stream of frames, without a step in the sound.
//!
//! Where the sound ends it goes on mirrored in time, and fades out; where it begins again it fades
//! in. Both fades are raised cosines.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use core::f64::consts::PI;

/// Length of a fade in milliseconds.
const FADE_MS: usize = 4;

pub(super) struct Cover {
    channels: usize,
    /// Rises from 0 to 1.
    rise: Box<[f32]>,
    /// The last frames that went out, interleaved, oldest first.
    recent: Box<[f32]>,
    /// What sounds on, interleaved, and how many frames of it did.
    tail: Box<[f32]>,
    tail_done: usize,
    /// Frames of the fade in that are done.
    rise_done: usize,
    is_silent: bool,
}

impl Cover {
    pub(super) fn new(channels: usize, sample_rate_hz: u32) -> Self {
        let frames = (sample_rate_hz as usize * FADE_MS / 1000).max(1);
        let rise = |frame: usize| {
            let at = (frame as f64 + 0.5) / frames as f64;
            (0.5 - 0.5 * libm::cos(PI * at)) as f32
        };
        Self {
            channels,
            rise: (0..frames).map(rise).collect(),
            recent: vec![0.0; frames * channels].into_boxed_slice(),
            tail: vec![0.0; frames * channels].into_boxed_slice(),
            tail_done: frames,
            rise_done: frames,
            is_silent: true,
        }
    }

    /// Frames of a fade.
    pub(super) fn fade_frames(&self) -> usize {
        self.rise.len()
    }

    /// Whether nothing sounds but what fades out.
    pub(super) fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// Nothing is there for these frames.
    pub(super) fn missing(&mut self, out: &mut [f32]) {
        if !self.is_silent {
            self.break_off();
            self.is_silent = true;
        }
        out.fill(0.0);
        self.add_tail(out);
        self.remember(out);
    }

    /// These frames are there.
    pub(super) fn sounding(&mut self, out: &mut [f32]) {
        if self.is_silent {
            self.is_silent = false;
            self.rise_done = 0;
        }
        if self.rise_done < self.rise.len() {
            let rises = &self.rise[self.rise_done..];
            for (frame, rise) in out.chunks_exact_mut(self.channels).zip(rises) {
                frame.iter_mut().for_each(|sample| *sample *= rise);
            }
            self.rise_done += rises.len().min(out.len() / self.channels);
        }
        self.add_tail(out);
        self.remember(out);
    }

    /// What comes next does not go on from what was: it fades in, while that sounds on.
    pub(super) fn break_off(&mut self) {
        let channels = self.channels;
        let mirrored = self.recent.chunks_exact(channels).rev();
        let frames = self.tail.chunks_exact_mut(channels).zip(mirrored);
        for ((to, from), rise) in frames.zip(&self.rise) {
            for (to, from) in to.iter_mut().zip(from) {
                *to = from * (1.0 - rise);
            }
        }
        (self.tail_done, self.rise_done) = (0, 0);
    }

    /// Goes on from what another gave last, in the channels that both have.
    pub(super) fn follow(&mut self, other: &Self) {
        let theirs = other.recent.chunks_exact(other.channels).rev();
        let ours = self.recent.chunks_exact_mut(self.channels).rev();
        for (to, from) in ours.zip(theirs) {
            for (to, from) in to.iter_mut().zip(from) {
                *to = *from;
            }
        }
        self.break_off();
        self.is_silent = true;
    }

    /// Fades from `old` into `out`, of which `done` frames of a fade were before.
    pub(super) fn cross(&self, old: &[f32], out: &mut [f32], done: usize) {
        let channels = self.channels;
        let frames = out
            .chunks_exact_mut(channels)
            .zip(old.chunks_exact(channels));
        for ((new, old), rise) in frames.zip(&self.rise[done..]) {
            for (new, old) in new.iter_mut().zip(old) {
                *new = old + rise * (*new - old);
            }
        }
    }

    fn add_tail(&mut self, out: &mut [f32]) {
        let tail = &self.tail[self.tail_done * self.channels..];
        for (sample, tail) in out.iter_mut().zip(tail) {
            *sample += tail;
        }
        self.tail_done += tail.len().min(out.len()) / self.channels;
    }

    fn remember(&mut self, out: &[f32]) {
        let kept = self.recent.len();
        if out.len() >= kept {
            self.recent.copy_from_slice(&out[out.len() - kept..]);
        } else {
            self.recent.copy_within(out.len().., 0);
            self.recent[kept - out.len()..].copy_from_slice(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest step between two samples.
    fn step(sound: &[f32]) -> f32 {
        let steps = sound.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        steps.fold(0.0, f32::max)
    }

    #[test]
    fn a_gap_of_any_length_makes_no_step_larger_than_the_sound_and_the_fade() {
        let sine = |frame: usize| (0.13 * frame as f64).sin() as f32;
        for gap in [1, 5, 100, 192, 193, 1_000] {
            for block in [1, 7, 64, 500] {
                let mut cover = Cover::new(1, 48_000);
                let mut heard = Vec::new();
                let mut at = 0;
                while at < 3_000 {
                    let end = (at + block).min(3_000);
                    // A block is missing where any of its frames is.
                    let mut out: Vec<f32> = (at..end).map(sine).collect();
                    if at < 1_000 + gap && end > 1_000 {
                        cover.missing(&mut out);
                    } else {
                        cover.sounding(&mut out);
                    }
                    heard.extend(out);
                    at = end;
                }
                // The sine steps by 0.13 at most, the fade by pi / 2 / 192.
                let most = step(&heard);
                assert!(most < 0.13 + 0.01, "gap {gap}, block {block}: {most}");
                let right = (2_500..3_000).all(|frame| heard[frame] == sine(frame));
                assert!(right, "gap {gap}, block {block}");
            }
        }
    }
}
