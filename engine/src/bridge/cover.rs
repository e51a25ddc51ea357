//! Covers what is missing in a stream of frames, without a step in the sound.
//!
//! Where the sound ends it goes on mirrored in time, and fades out; where it begins again it fades
//! in. Both fades are raised cosines. Fades do not meet: where frames come late, what breaks off stays
//! silent until all was there for a while.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use core::f64::consts::PI;

/// Length of a fade in milliseconds.
const FADE_MS: usize = 4;
/// Sound that broke off begins again once all was there for so long, and nothing jumps so soon behind
/// a fade, in milliseconds: calls that are late by something new come one behind the other.
const CALM_MS: usize = 10;

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
    has_sounded: bool,
    /// Frames that are a while, that have to be there until sound that broke off begins again, and
    /// since the last fade began.
    calm: usize,
    wait: usize,
    since: usize,
}

impl Cover {
    pub(super) fn new(channels: usize, sample_rate_hz: u32) -> Self {
        let frames = (sample_rate_hz as usize * FADE_MS / 1000).max(1);
        let calm = sample_rate_hz as usize * CALM_MS / 1000 + 1;
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
            has_sounded: false,
            calm,
            wait: 0,
            since: calm,
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

    /// Whether it sounds and the last fade is too near for another.
    pub(super) fn is_fresh(&self) -> bool {
        !self.is_silent && self.since < self.calm
    }

    /// What comes next is from another place: a fade begins, or sound that broke off waits anew.
    pub(super) fn jumps(&mut self) {
        self.since = 0;
        self.wait_anew();
    }

    fn wait_anew(&mut self) {
        if self.wait > 0 {
            self.wait = self.calm;
        }
    }

    /// Nothing is there for these frames: they are late, and more may be so soon behind them, or
    /// they are lost, and what is behind them is whole.
    pub(super) fn missing(&mut self, out: &mut [f32], are_late: bool) {
        if !self.is_silent {
            self.fade_out(self.frames_left());
            self.is_silent = true;
        }
        self.wait = if are_late && self.has_sounded {
            self.calm
        } else {
            0
        };
        out.fill(0.0);
        self.add_tail(out);
        self.remember(out);
    }

    /// These frames are there; returns how many of them, the first ones, are silent all the same, as
    /// too little was there before them.
    pub(super) fn sounding(&mut self, out: &mut [f32]) -> usize {
        let frames = out.len() / self.channels;
        let silent = self.wait.min(frames);
        self.wait -= silent;
        let (before, sound) = out.split_at_mut(silent * self.channels);
        before.fill(0.0);
        if self.is_silent && silent < frames {
            (self.is_silent, self.has_sounded) = (false, true);
            (self.rise_done, self.since) = (0, 0);
        }
        self.since = self.since.saturating_add(frames - silent);
        if self.rise_done < self.rise.len() {
            let rises = &self.rise[self.rise_done..];
            for (frame, rise) in sound.chunks_exact_mut(self.channels).zip(rises) {
                frame.iter_mut().for_each(|sample| *sample *= rise);
            }
            self.rise_done += rises.len().min(frames - silent);
        }
        self.add_tail(out);
        self.remember(out);
        silent
    }

    /// What comes next does not go on from what was: it fades in, while that sounds on.
    pub(super) fn break_off(&mut self) {
        self.fade_out(self.rise.len());
        self.rise_done = 0;
    }

    /// Frames of a fade out that begins now: a fade in that it ends is a part of it, so that both
    /// together take a fifth more than a fade, if that leaves a third of one.
    fn frames_left(&self) -> usize {
        let fade = self.rise.len();
        let both = fade + fade / 5;
        if self.since > both {
            return fade;
        }
        both.saturating_sub(self.since).max(fade / 3).min(fade)
    }

    /// What was sounds on for so many frames, mirrored, and fades out.
    fn fade_out(&mut self, frames: usize) {
        let (channels, fade) = (self.channels, self.rise.len());
        let done = fade.saturating_sub(frames);
        let mirrored = self.recent.chunks_exact(channels).rev();
        let tail = self.tail.chunks_exact_mut(channels).skip(done);
        let rises = (0..fade).map(|frame| self.rise.get(frame * fade / frames.max(1)));
        for ((to, from), rise) in tail.zip(mirrored).zip(rises) {
            for (to, from) in to.iter_mut().zip(from) {
                *to = from * (1.0 - rise.unwrap_or(&1.0));
            }
        }
        self.tail_done = done;
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
                while at < 3_500 {
                    let end = (at + block).min(3_500);
                    // A block is missing where any of its frames is.
                    let mut out: Vec<f32> = (at..end).map(sine).collect();
                    if at < 1_000 + gap && end > 1_000 {
                        cover.missing(&mut out, false);
                    } else {
                        cover.sounding(&mut out);
                    }
                    heard.extend(out);
                    at = end;
                }
                // The sine steps by 0.13 at most, the fade by pi / 2 / 192.
                let most = step(&heard);
                assert!(most < 0.13 + 0.01, "gap {gap}, block {block}: {most}");
                let right = (3_200..3_500).all(|frame| heard[frame] == sine(frame));
                assert!(right, "gap {gap}, block {block}");
            }
        }
    }

    /// The longest stretch in frames in which a tone was none, up to 24 frames of one in it.
    fn longest_fade(heard: &[f32], turn: f64) -> usize {
        let off = |three: &[f32]| {
            let [a, b, c] = [0, 1, 2].map(|number| f64::from(three[number]));
            (c - turn * b + a).abs() > 1e-6
        };
        let mut stretch: Option<(usize, usize)> = None;
        let mut longest = 0;
        for (frame, _) in heard.windows(3).enumerate().filter(|(_, three)| off(three)) {
            let since = match stretch {
                Some((since, last)) if frame - last <= 24 => since,
                _ => frame,
            };
            stretch = Some((since, frame));
            longest = longest.max(frame + 1 - since);
        }
        longest
    }

    #[test]
    fn fades_never_meet_however_often_it_breaks() {
        const STEP: f64 = 0.00654;
        let sine = |frame: usize| (STEP * frame as f64).sin() as f32;
        for block in [32, 64, 128, 512] {
            // Each so manyth block lacks its last frames: while it waits, as it fades in, and later.
            for every in [1, 2, 17, 19, 20, 24] {
                for lack in [1, 16, 31] {
                    let mut cover = Cover::new(1, 48_000);
                    let mut heard = Vec::new();
                    let end = (2_000 / block + 4 * every) * block;
                    while heard.len() < end + 3_000 {
                        let at = heard.len();
                        let mut out: Vec<f32> = (at..at + block).map(sine).collect();
                        let is_lacking = at > 2_000 && at < end && at / block % every == 0;
                        if is_lacking {
                            let (sound, nothing) = out.split_at_mut(block - lack);
                            cover.sounding(sound);
                            cover.missing(nothing, true);
                        } else {
                            cover.sounding(&mut out);
                        }
                        heard.extend(out);
                    }
                    let longest = longest_fade(&heard[1_000..], 2.0 * STEP.cos());
                    let case = format!("each {every}th of {block} lacks {lack}");
                    assert!((180..=240).contains(&longest), "{case}: {longest}");
                    let most = step(&heard[1_000..]);
                    assert!(most < 0.00655 + 3.0 * 0.00827, "{case}: {most}");
                    assert_eq!(heard[end + 1_500], sine(end + 1_500), "{case}");
                }
            }
        }
    }
}
