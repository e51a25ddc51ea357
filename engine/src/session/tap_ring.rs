//! A recording's ring: what was lost waits there until its cause is known.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use ossicle_io::ring::{Cause, FrameWriter};

use crate::bridge::Lack;
use crate::record::Tap;

/// How long frames may be missing, in milliseconds, until their device stalls; and until it does
/// though nobody has said so.
const STALL_MS: u64 = 250;
const SURE_MS: u64 = 400;

/// A recording's ring and where its sound is taken.
///
/// A device that says nothing may be late, have lost frames, stall or be gone: which of them is
/// known later than the silence begins. One run of missing frames is one loss with one cause.
pub(super) struct TapRing {
    pub(super) tap: Tap,
    pub(super) capacity_frames: usize,
    ring: FrameWriter,
    sample_rate_hz: u64,
    /// Frames that are missing and in no loss yet, and why those just before them were lost.
    held: u64,
    before: Option<Cause>,
}

impl TapRing {
    pub(super) fn new(tap: Tap, ring: FrameWriter, sample_rate_hz: u32) -> Self {
        Self {
            tap,
            capacity_frames: ring.room_frames(),
            ring,
            sample_rate_hz: sample_rate_hz.into(),
            held: 0,
            before: None,
        }
    }

    /// Frames there is room for.
    pub(super) fn room_frames(&self) -> usize {
        self.ring.room_frames()
    }

    /// Frames that are there; returns how many found no room.
    pub(super) fn write(&mut self, frames: &[f32]) -> u64 {
        self.settle();
        self.before = None;
        self.ring.write(frames)
    }

    /// Frames that were lost for this cause.
    pub(super) fn lose(&mut self, frames: u64, cause: Cause) {
        if frames > 0 {
            // What was missing just before was the beginning of it.
            let held = core::mem::take(&mut self.held);
            self.ring.lose(held + frames, cause);
            self.before = Some(cause);
        }
    }

    /// Frames that lack; `away` is why their device is away, where that is known.
    pub(super) fn lack(&mut self, frames: u64, lack: Lack, away: Option<Cause>) {
        match lack {
            Lack::Lost(cause) | Lack::Away(cause) => self.lose(frames, cause),
            Lack::Missing => {
                let goes_on = self.before.filter(|cause| is_away(*cause));
                self.held += frames;
                let is_sure = self.held * 1000 >= SURE_MS * self.sample_rate_hz;
                let sure = is_sure.then_some(Cause::Stalled);
                if let Some(cause) = goes_on.or(away).or(sure) {
                    self.tell(cause);
                }
            }
        }
    }

    /// Nothing more is missing for now: what is, is a loss.
    pub(super) fn settle(&mut self) {
        if self.held > 0 {
            let is_long = self.held * 1000 >= STALL_MS * self.sample_rate_hz;
            let short = self.before.unwrap_or(Cause::Xrun);
            self.tell(if is_long { Cause::Stalled } else { short });
        }
    }

    fn tell(&mut self, cause: Cause) {
        let held = core::mem::take(&mut self.held);
        self.ring.lose(held, cause);
        self.before = Some(cause);
    }
}

impl Drop for TapRing {
    fn drop(&mut self) {
        self.settle();
    }
}

fn is_away(cause: Cause) -> bool {
    matches!(cause, Cause::DeviceGone | Cause::Stalled)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests are ordinary threads")]
mod tests {
    use super::*;
    use ossicle_io::ring::{Piece, frame_ring};

    /// What a recording of 1000 frames a second hears of steps: frames, why they lack, and why the
    /// device is away.
    fn told(steps: &[(usize, Option<Lack>, Option<Cause>)]) -> Vec<(u64, Cause)> {
        let (ring, mut reader) = frame_ring(1, 1000);
        let mut tap = TapRing::new(Tap::Pre, ring, 1000);
        for &(frames, lack, away) in steps {
            match lack {
                // A call at a time.
                Some(lack) => (0..frames).for_each(|_| tap.lack(1, lack, away)),
                None => assert_eq!(tap.write(&vec![1.0; frames]), 0),
            }
        }
        drop(tap);
        let mut sound = [0.0; 1000];
        let mut lost = Vec::new();
        while let Some(piece) = reader.next_piece(&mut sound) {
            if let Piece::Lost { frames, cause, .. } = piece {
                lost.push((frames, cause));
            }
        }
        lost
    }

    #[test]
    fn a_run_of_missing_frames_is_one_loss_with_the_cause_that_is_known_in_the_end() {
        use Cause::{DeviceGone, Stalled, Xrun};
        let (sound, missing) = (None, Some(Lack::Missing));
        let xrun = Some(Lack::Lost(Xrun));
        let gone = Some(DeviceGone);
        // Late, a device that says what it lost, one that stalls, one that is found to be gone.
        let short = [(9, sound, None), (249, missing, None), (9, sound, None)];
        assert_eq!(told(&short), [(249, Xrun)]);
        let said = [(9, sound, None), (300, missing, None), (20, xrun, None)];
        assert_eq!(told(&said), [(320, Xrun)]);
        let long = [(9, sound, None), (250, missing, None), (9, sound, None)];
        assert_eq!(told(&long), [(250, Stalled)]);
        let silent = [(900, missing, None), (100, missing, gone)];
        assert_eq!(told(&silent), [(1000, Stalled)]);
        let found = [
            (300, missing, None),
            (5, missing, gone),
            (700, missing, None),
        ];
        assert_eq!(told(&found), [(1005, DeviceGone)]);
        // It lost frames first, and went then.
        let both = [(20, xrun, None), (30, missing, None), (5, missing, gone)];
        assert_eq!(told(&both), [(20, Xrun), (35, DeviceGone)]);
        // What is missing in the end is lost too.
        assert_eq!(told(&[(9, sound, None), (30, missing, None)]), [(30, Xrun)]);
    }
}
