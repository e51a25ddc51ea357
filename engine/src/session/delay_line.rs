//! Whole frames of delay for what comes without a bridge's, so that it is as late as the others.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use ossicle_dsp::parts::silence::silence;

use crate::bridge::Lack;

/// Length of the fade from one delay to another, in milliseconds.
const FADE_MS: usize = 4;

/// Gives frames as they came, a whole number of frames later. A delay that changes is faded to.
///
/// # Real-time
/// All but [`new`](Self::new) is safe.
pub(super) struct DelayLine {
    channels: usize,
    sound: Box<[f32]>,
    lacks: Box<[Option<Lack>]>,
    /// Where the next frame goes, and how many before it are there.
    at: usize,
    filled: usize,
    delay: usize,
    /// What is faded from, and how many frames of the fade are left.
    before: usize,
    fade_left: usize,
    fade: usize,
}

impl DelayLine {
    /// A delay is up to a second.
    pub(super) fn new(channels: usize, sample_rate_hz: u32) -> Self {
        let frames = sample_rate_hz as usize + 1;
        Self {
            channels,
            sound: silence(frames * channels).into(),
            lacks: vec![None; frames].into(),
            at: 0,
            filled: 0,
            delay: 0,
            before: 0,
            fade_left: 0,
            fade: (sample_rate_hz as usize * FADE_MS / 1000).max(1),
        }
    }

    /// Forgets what came.
    pub(super) fn clear(&mut self) {
        (self.filled, self.fade_left) = (0, 0);
    }

    /// Frames that never came have their places too.
    pub(super) fn lose(&mut self, frames: u64, lack: Lack) {
        // Those that no delay reaches need none.
        let reach = self.delay.max(self.before) as u64;
        if frames > reach {
            self.filled = 0;
        }
        for _ in 0..frames.min(reach) {
            let at = self.at * self.channels;
            if let Some(place) = self.sound.get_mut(at..at + self.channels) {
                place.fill(0.0);
            }
            self.step(Some(lack));
        }
    }

    /// Puts frames in and gives those of `delay` frames before in their places, as for why they are
    /// silence. A fade that has begun is ended first.
    pub(super) fn run(&mut self, sound: &mut [f32], lacks: &mut [Option<Lack>], delay: usize) {
        let delay = delay.min(self.lacks.len().saturating_sub(1));
        let frames = sound.chunks_exact_mut(self.channels.max(1));
        for (frame, lack) in frames.zip(lacks) {
            if self.fade_left == 0 && delay != self.delay {
                (self.before, self.delay) = (self.delay, delay);
                self.fade_left = self.fade;
            }
            let at = self.at * self.channels;
            if let Some(place) = self.sound.get_mut(at..at + self.channels) {
                place.copy_from_slice(frame);
            }
            let (is_there, was_there) = (self.delay <= self.filled, self.before <= self.filled);
            let (now, before) = (self.behind(self.delay), self.behind(self.before));
            let rise = 1.0 - self.fade_left as f32 / self.fade as f32;
            self.fade_left = self.fade_left.saturating_sub(1);
            let (now_at, before_at) = (now * self.channels, before * self.channels);
            let there = self.sound.get(now_at..).unwrap_or(&[]);
            let was = self.sound.get(before_at..).unwrap_or(&[]);
            for ((to, &there), &was) in frame.iter_mut().zip(there).zip(was) {
                let there = if is_there { there } else { 0.0 };
                let was = if was_there { was } else { 0.0 };
                *to = match rise < 1.0 {
                    true => was + rise * (there - was),
                    false => there,
                };
            }
            self.step(lack.take());
            *lack = self.lacks.get(now).copied().flatten().filter(|_| is_there);
        }
    }

    /// The place of the frame so many before the one that comes now.
    fn behind(&self, frames: usize) -> usize {
        match self.at.checked_sub(frames) {
            Some(place) => place,
            None => (self.at + self.lacks.len()).saturating_sub(frames),
        }
    }

    fn step(&mut self, lack: Option<Lack>) {
        if let Some(place) = self.lacks.get_mut(self.at) {
            *place = lack;
        }
        self.filled = (self.filled + 1).min(self.lacks.len().saturating_sub(1));
        self.at += 1;
        if self.at >= self.lacks.len() {
            self.at = 0;
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests are ordinary threads")]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_as_they_were_and_a_new_delay_fades_in() {
        let mut line = DelayLine::new(2, 1_000);
        let sine = |frame: usize| (0.02 * frame as f64).sin() as f32;
        let mut heard: Vec<f32> = Vec::new();
        let mut missing = Vec::new();
        for first in (0..3_000).step_by(60) {
            let delay = if first < 1_200 { 300 } else { 310 };
            let mut sound: Vec<f32> = (2 * first..2 * first + 120)
                .map(|at| sine(at / 2) * if at % 2 == 0 { 1.0 } else { -1.0 })
                .collect();
            let mut lacks: Vec<_> = (first..first + 60)
                .map(|frame| (frame == 2_000).then_some(Lack::Missing))
                .collect();
            line.run(&mut sound, &mut lacks, delay);
            heard.extend(sound);
            missing.extend(lacks);
        }
        let is_whole = |range: std::ops::Range<usize>, delay: usize| {
            range.into_iter().all(|frame| {
                let due = sine(frame - delay);
                heard[2 * frame] == due && heard[2 * frame + 1] == -due
            })
        };
        assert!(is_whole(310..1_200, 300) && is_whole(1_204..3_000, 310));
        let steps = heard.chunks_exact(2).skip(310).collect::<Vec<_>>();
        let most = steps.windows(2).map(|two| (two[1][0] - two[0][0]).abs());
        let most = most.fold(0.0, f32::max);
        // Ten frames of 0.02 in four frames of fade, beside the sine's own step.
        assert!(most < 0.02 + 10.0 * 0.02 / 4.0, "{most}");
        let told = missing.iter().position(Option::is_some);
        assert_eq!((told, missing.iter().flatten().count()), (Some(2_310), 1));
        line.lose(100, Lack::Missing);
        let mut lacks = vec![None; 420];
        line.run(&mut vec![0.5; 840], &mut lacks, 310);
        assert_eq!(lacks.iter().flatten().count(), 100);
        assert!(lacks[210].is_some() && lacks[310].is_none());
    }

    #[test]
    fn what_was_forgotten_or_is_behind_a_long_loss_is_not_heard_again() {
        let mut line = DelayLine::new(1, 1_000);
        let run = |line: &mut DelayLine, frames: usize, value: f32, delay| {
            let (mut sound, mut lacks) = (vec![value; frames], vec![None; frames]);
            line.run(&mut sound, &mut lacks, delay);
            (sound, lacks)
        };
        run(&mut line, 900, 0.5, 300);
        line.clear();
        let (sound, _) = run(&mut line, 600, 0.25, 300);
        assert_eq!(sound, [[0.0; 300], [0.25; 300]].concat());
        // Longer than the delay: all that waits is lost as well, and nothing older comes for it.
        line.lose(5_000, Lack::Missing);
        let (sound, lacks) = run(&mut line, 600, 0.125, 300);
        assert_eq!(sound, [[0.0; 300], [0.125; 300]].concat());
        let told: Vec<bool> = lacks.iter().map(Option::is_some).collect();
        assert_eq!(told, [[true; 300], [false; 300]].concat());
        // A delay that grows past what came since finds silence, not what was before.
        let (sound, _) = run(&mut line, 100, 0.125, 990);
        assert!(sound[10..].iter().all(|sample| *sample == 0.0), "{sound:?}");
    }
}
