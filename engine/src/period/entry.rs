//! What is known of one device in one direction, and what follows from it.

use ossicle_io::device::StreamInfo;
use serde::{Deserialize, Serialize};

/// Period in frames where nothing is known.
pub const SAFE_FRAMES: u32 = 256;
/// Shortest and longest period that is chosen, in frames.
const LEAST_FRAMES: u32 = 32;
const MOST_FRAMES: u32 = 8192;
/// A period is said to work after so many seconds without an xrun.
pub(super) const WORKS_S: f64 = 2.0;
/// Seconds of a session for which one trouble is forgiven. A single one always is.
const FORGIVEN_S: f64 = 60.0;
/// After so many seconds without any, what failed once may be tried again.
const FORGOTTEN_S: f64 = 600.0;

/// One direction of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Sound comes in.
    Input,
    /// Sound goes out.
    Output,
}

/// What is known of a device at a rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// Id of the device.
    pub(super) device: String,
    pub(super) direction: Direction,
    pub(super) sample_rate_hz: u32,
    /// Shortest period that is known to work, or is taken for it.
    pub(super) works_frames: u32,
    /// Longest period that is known not to; 0 where there is none.
    #[serde(default)]
    pub(super) fails_frames: u32,
    /// The device takes one stream only: a session of its own tries.
    #[serde(default)]
    pub(super) is_exclusive: bool,
}

impl Entry {
    /// Nothing is known of the device.
    pub(super) fn new(device: &str, direction: Direction, sample_rate_hz: u32) -> Self {
        Self {
            device: device.to_owned(),
            direction,
            sample_rate_hz,
            works_frames: SAFE_FRAMES,
            fails_frames: 0,
            is_exclusive: false,
        }
    }

    /// The device of a stream of one direction.
    pub(super) fn of(info: &StreamInfo) -> Option<Self> {
        let (device, direction) = match (&info.input_device, &info.output_device) {
            (Some(device), None) => (device, Direction::Input),
            (None, Some(device)) => (device, Direction::Output),
            _ => return None,
        };
        Some(Self::new(device, direction, info.sample_rate_hz))
    }

    pub(super) fn is_of(&self, other: &Self) -> bool {
        (&self.device, self.direction, self.sample_rate_hz)
            == (&other.device, other.direction, other.sample_rate_hz)
    }

    /// What somebody wrote into the file makes sense.
    pub(super) fn is_sound(&self) -> bool {
        (LEAST_FRAMES..=MOST_FRAMES).contains(&self.works_frames)
            && self.fails_frames < self.works_frames
            && self.sample_rate_hz > 0
    }

    /// The period of a session: of one that is `quick`, the shortest that works.
    pub(super) fn begins_with(&self, is_quick: bool, may_try: bool) -> u32 {
        match self.candidate() {
            Some(next) if is_quick && may_try && self.is_exclusive => next,
            _ if is_quick => self.works_frames,
            _ => self.works_frames.max(SAFE_FRAMES),
        }
    }

    /// The next shorter period that is worth a trial.
    pub(super) fn candidate(&self) -> Option<u32> {
        let next = self.works_frames / 2;
        (next >= LEAST_FRAMES && next > self.fails_frames).then_some(next)
    }

    /// A trial of the candidate came to its end.
    pub(super) fn tried(&mut self, frames: u32, works: bool) {
        if works {
            self.works_frames = self.works_frames.min(frames);
        } else {
            self.fails_frames = self.fails_frames.max(frames).min(self.works_frames - 1);
        }
    }

    /// A session ran with this period for so long, with so many troubles: xruns, and periods that
    /// were lost or made up. Whether anything is known better now.
    pub(super) fn ran(&mut self, frames: u32, seconds: f64, troubles: u64) -> bool {
        let before = self.clone();
        if troubles > 1 && troubles as f64 > seconds / FORGIVEN_S {
            let double = frames.saturating_mul(2).clamp(LEAST_FRAMES, MOST_FRAMES);
            if frames >= self.works_frames {
                self.works_frames = double;
            }
            self.fails_frames = self.fails_frames.max(frames).min(self.works_frames - 1);
        } else if troubles == 0 && seconds >= WORKS_S && frames >= LEAST_FRAMES {
            self.tried(frames, true);
            self.fails_frames = self.fails_frames.min(self.works_frames - 1);
            if seconds >= FORGOTTEN_S && frames == self.works_frames {
                self.fails_frames = 0;
            }
        }
        *self != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry::new("alsa:hw:CARD=USB", Direction::Output, 48_000)
    }

    /// A device that works down to 64 frames.
    #[test]
    fn trials_halve_until_one_fails_and_then_end() {
        let mut known = entry();
        let mut tried = Vec::new();
        while let Some(frames) = known.candidate() {
            tried.push(frames);
            known.tried(frames, frames >= 64);
        }
        assert_eq!(tried, [128, 64, 32]);
        assert_eq!((known.works_frames, known.fails_frames), (64, 32));
        assert!(known.is_sound());
        assert_eq!(known.begins_with(true, true), 64);
        assert_eq!(known.begins_with(false, true), SAFE_FRAMES);
    }

    #[test]
    fn trials_end_at_the_shortest_period() {
        let mut known = entry();
        while let Some(frames) = known.candidate() {
            known.tried(frames, true);
        }
        assert_eq!(known.works_frames, LEAST_FRAMES);
    }

    #[test]
    fn a_session_with_many_xruns_gives_its_period_up_and_a_single_one_does_not() {
        let mut known = entry();
        known.tried(128, true);
        known.tried(64, true);
        assert!(!known.ran(64, 10.0, 1));
        assert!(!known.ran(64, 600.0, 9));
        assert_eq!(known.works_frames, 64);
        assert!(known.ran(64, 600.0, 11));
        assert_eq!((known.works_frames, known.fails_frames), (128, 64));
        // Even the safe one.
        known.ran(256, 5.0, 20);
        assert_eq!((known.works_frames, known.fails_frames), (512, 256));
        assert_eq!(known.begins_with(false, false), 512);
        assert!(known.is_sound());
    }

    #[test]
    fn ten_good_minutes_let_what_failed_be_tried_again() {
        let mut known = entry();
        known.tried(128, false);
        assert_eq!(known.candidate(), None);
        assert!(!known.ran(256, 599.0, 0));
        assert!(!known.ran(512, 700.0, 0));
        assert!(known.ran(256, 601.0, 0));
        assert_eq!(known.candidate(), Some(128));
    }

    #[test]
    fn an_exclusive_device_is_tried_by_sessions_that_may() {
        let mut known = entry();
        known.is_exclusive = true;
        assert_eq!(known.begins_with(true, false), 256);
        assert_eq!(known.begins_with(true, true), 128);
        assert!(known.ran(128, 30.0, 0));
        assert_eq!(known.begins_with(true, true), 64);
        known.ran(64, 30.0, 40);
        assert_eq!((known.works_frames, known.fails_frames), (128, 64));
        assert_eq!(known.begins_with(true, true), 128);
    }

    #[test]
    fn a_short_session_says_nothing() {
        let mut known = entry();
        known.is_exclusive = true;
        assert!(!known.ran(128, 1.9, 0));
        assert_eq!(known.works_frames, 256);
    }
}
