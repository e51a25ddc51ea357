//! What the core's input comes from.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ossicle_io::ring::{Cause, FrameReader, Piece};

use super::shared::{Shared, count};

/// The source of the core's input.
pub(super) enum Feed {
    /// The device's own input, in the same call.
    Device,
    /// Another device's input.
    Bridge(Bridge),
    /// A file, read ahead by the player.
    Player(PlayerFeed),
    /// Nothing: silence.
    Silence,
}

/// Frames on their way from a capture callback to the master callback.
///
/// Two callbacks on two clocks: one declared period stays in the ring, so that neither waits for
/// the other. What comes too late is silence, counted; what piles up behind a stall is dropped,
/// counted.
pub(super) struct Bridge {
    ring: FrameReader,
    channels: usize,
    capacity_frames: usize,
    margin_frames: usize,
    primed: bool,
    was_primed: bool,
    /// Least fill after a read since `watched_frames` began.
    least_fill: usize,
    watched_frames: usize,
    watch_frames: usize,
    /// Silence still owed for frames the device lost.
    silence_frames: u64,
    /// Silence made lately for want of frames: what is found lost later has had it already.
    made_silence_frames: u64,
}

impl Bridge {
    /// Reads from `ring`, which holds `capacity_frames`, and leaves `margin_frames` in it.
    pub(super) fn new(
        ring: FrameReader,
        capacity_frames: usize,
        margin_frames: usize,
        sample_rate_hz: u32,
    ) -> Self {
        Self {
            channels: ring.channels(),
            ring,
            capacity_frames,
            margin_frames,
            primed: false,
            was_primed: false,
            least_fill: usize::MAX,
            watched_frames: 0,
            watch_frames: sample_rate_hz as usize,
            silence_frames: 0,
            made_silence_frames: 0,
        }
    }

    fn read(&mut self, out: &mut [f32], call_frames: usize, shared: &Shared) {
        let frames = out.len() / self.channels;
        if !self.primed && !self.prime(call_frames.max(frames), shared) {
            self.make_silence(out, shared);
            return;
        }
        let mut done = 0;
        while done < frames {
            if self.silence_frames > 0 {
                let now = self.silence_frames.min((frames - done) as u64) as usize;
                out[done * self.channels..(done + now) * self.channels].fill(0.0);
                self.silence_frames -= now as u64;
                done += now;
                continue;
            }
            match self.ring.next_piece(&mut out[done * self.channels..]) {
                Some(Piece::Audio { frames }) => done += frames,
                // The ring was full: the listener is behind already.
                Some(Piece::Lost {
                    cause: Cause::RingFull,
                    ..
                }) => {}
                Some(Piece::Lost { frames, .. }) => {
                    self.silence_frames += frames.saturating_sub(self.made_silence_frames);
                    self.made_silence_frames = 0;
                }
                None => break,
            }
        }
        if done < frames {
            self.make_silence(&mut out[done * self.channels..], shared);
            self.primed = false;
        }
        self.watch(frames, shared);
    }

    /// Begins once margin and one call are there, with no more than that: what has piled up
    /// meanwhile would be latency for ever.
    fn prime(&mut self, call_frames: usize, shared: &Shared) -> bool {
        let need = (self.margin_frames + call_frames).min(self.capacity_frames);
        let there = self.ring.available();
        if there < need {
            return false;
        }
        let dropped = self.ring.skip(there - need) as u64;
        if self.was_primed {
            count(&shared.skipped_frames, dropped);
        }
        let margin = need.saturating_sub(call_frames) as u64;
        shared.margin_frames.store(margin, Ordering::Relaxed);
        (self.primed, self.was_primed) = (true, true);
        true
    }

    fn make_silence(&mut self, out: &mut [f32], shared: &Shared) {
        out.fill(0.0);
        if self.was_primed {
            let frames = (out.len() / self.channels) as u64;
            self.made_silence_frames += frames;
            count(&shared.underrun_frames, frames);
        }
    }

    /// Says the margin that was really there, once a second; drops what stayed in the ring for all
    /// of it beyond margin and one period more.
    fn watch(&mut self, frames: usize, shared: &Shared) {
        self.least_fill = self.least_fill.min(self.ring.available());
        self.watched_frames += frames;
        if self.watched_frames < self.watch_frames {
            return;
        }
        if self.primed {
            let surplus = self.least_fill.saturating_sub(self.margin_frames);
            if surplus > self.margin_frames {
                let dropped = self.ring.skip(surplus);
                count(&shared.skipped_frames, dropped as u64);
                self.least_fill -= dropped;
            }
            shared
                .margin_frames
                .store(self.least_fill as u64, Ordering::Relaxed);
            self.made_silence_frames = 0;
        }
        self.watched_frames = 0;
        self.least_fill = usize::MAX;
    }
}

/// What a feed gave for one piece of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// Frames that came from the source; the rest is silence.
    pub(super) frames: usize,
    /// The source ended for good behind them.
    pub(super) ended: bool,
}

/// Frames that the player has read ahead.
pub(super) struct PlayerFeed {
    pub(super) ring: rtrb::Consumer<f32>,
    pub(super) channels: usize,
    /// Frames the player will have given in all; `u64::MAX` until it knows.
    pub(super) total_frames: Arc<AtomicU64>,
    pub(super) given_frames: u64,
}

impl PlayerFeed {
    fn read(&mut self, out: &mut [f32], shared: &Shared) -> Given {
        // Read before the ring: what the ring holds then is the last there will be.
        let total = self.total_frames.load(Ordering::Acquire);
        let wanted = out.len();
        let there = self.ring.slots().min(wanted);
        let there = there - there % self.channels;
        let mut filled = 0;
        if let Ok(chunk) = self.ring.read_chunk(there) {
            let (first, second) = chunk.as_slices();
            out[..first.len()].copy_from_slice(first);
            out[first.len()..there].copy_from_slice(second);
            chunk.commit_all();
            filled = there;
        }
        out[filled..].fill(0.0);
        let frames = filled / self.channels;
        self.given_frames += frames as u64;
        let ended = self.given_frames >= total;
        if !ended {
            count(
                &shared.underrun_frames,
                ((wanted - filled) / self.channels) as u64,
            );
        }
        Given { frames, ended }
    }
}

impl Feed {
    /// Frames that wait to be read, where there is a ring.
    pub(super) fn waiting_frames(&self) -> Option<u32> {
        let frames = match self {
            Self::Bridge(bridge) => bridge.ring.available(),
            Self::Player(player) => player.ring.slots() / player.channels,
            Self::Device | Self::Silence => return None,
        };
        Some(frames as u32)
    }

    /// Fills `out`, `frames` frames of it, with what comes next; `device` is the device's own input
    /// for them.
    pub(super) fn fill(
        &mut self,
        out: &mut [f32],
        frames: usize,
        device: &[f32],
        call_frames: usize,
        shared: &Shared,
    ) -> Given {
        match self {
            Self::Device => out.copy_from_slice(device),
            Self::Bridge(bridge) => bridge.read(out, call_frames, shared),
            Self::Player(player) => return player.read(out, shared),
            Self::Silence => out.fill(0.0),
        }
        Given {
            frames,
            ended: false,
        }
    }
}
