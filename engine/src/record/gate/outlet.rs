//! The way into the take: counts what passes, and ends where a limit or silence says so.

use super::config::{GateConfig, frames, magnitude};
use super::{Passed, first_loud};

pub(super) struct Outlet {
    channels: usize,
    /// Frames that have passed.
    frames: u64,
    limit_frames: u64,
    silence: Option<Quiet>,
}

/// Counts silence.
struct Quiet {
    frames: u64,
    level: f32,
    /// The level was reached.
    was_loud: bool,
    /// Frames below it since.
    so_far: u64,
}

impl Outlet {
    /// A way that `ends` after silence, or does not.
    pub(super) fn new(
        config: &GateConfig,
        ends: bool,
        channels: usize,
        sample_rate_hz: u32,
    ) -> Self {
        Self {
            channels,
            frames: 0,
            limit_frames: config
                .limit
                .map_or(u64::MAX, |limit| limit.frames(sample_rate_hz)),
            silence: config.until_silence.filter(|_| ends).map(|silence| Quiet {
                frames: frames(silence.seconds, sample_rate_hz).max(1),
                level: magnitude(silence.level_dbfs),
                was_loud: false,
                so_far: 0,
            }),
        }
    }

    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// Passes on what is before the end; returns whether that is reached.
    pub(super) fn pass(
        &mut self,
        position: u64,
        passed: Passed<'_>,
        out: &mut impl FnMut(u64, Passed<'_>),
    ) -> bool {
        let left = self.limit_frames - self.frames;
        match passed {
            Passed::Audio(samples) => {
                let all = samples.len() / self.channels;
                let room = (all as u64).min(left) as usize;
                let samples = &samples[..room * self.channels];
                let silent_at = self
                    .silence
                    .as_mut()
                    .and_then(|quiet| quiet.ends_after(samples, self.channels));
                let now = silent_at.unwrap_or(room);
                if now > 0 {
                    out(position, Passed::Audio(&samples[..now * self.channels]));
                }
                self.frames += now as u64;
                silent_at.is_some() || self.frames == self.limit_frames
            }
            Passed::Lost { frames, cause } => {
                let frames = frames.min(left);
                if frames > 0 {
                    out(position, Passed::Lost { frames, cause });
                }
                self.frames += frames;
                self.frames == self.limit_frames
            }
        }
    }
}

impl Quiet {
    /// Frames of `samples` after which there was silence long enough, if there was.
    fn ends_after(&mut self, samples: &[f32], channels: usize) -> Option<usize> {
        let (mut at, all) = (0, samples.len() / channels);
        while at < all {
            let rest = &samples[at * channels..];
            let loud = first_loud(rest, channels, self.level);
            let quiet = loud.unwrap_or(all - at);
            if self.was_loud {
                let wanted = self.frames - self.so_far;
                if quiet as u64 >= wanted {
                    return Some(at + wanted as usize);
                }
                self.so_far += quiet as u64;
            }
            at += quiet;
            if loud.is_some() {
                (self.was_loud, self.so_far) = (true, 0);
                at += 1;
            }
        }
        None
    }
}
