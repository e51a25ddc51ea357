//! Whether a device calls for as many frames as were asked for and settled.

use ossicle_io::device::{StreamInfo, StreamStatus};

use super::link::name;

/// Calls and seconds that are looked at as one.
const CALLS: u64 = 50;
const SECONDS: u64 = 2;
/// The mean call may be so much longer or shorter than the period, as a factor.
const APART: f64 = 1.25;

/// What is to be told of a device that did not take the period asked for.
pub(super) fn note_of_another(asked_frames: u32, info: &StreamInfo) -> Option<String> {
    (info.buffer_frames != asked_frames).then(|| {
        format!(
            "a buffer of {asked_frames} frames was asked for: \"{}\" took {}",
            name(info),
            info.buffer_frames
        )
    })
}

/// Looks again and again how long the calls of a device are.
#[derive(Clone, Debug, Default)]
pub(super) struct CallLength {
    /// Calls and frames of the stream where the present look began.
    begin: (u64, u64),
    /// The mean of the last look, where it was another than is known.
    doubtful: Option<f64>,
    /// Lengths that were told.
    told: Vec<f64>,
}

impl CallLength {
    /// The device has another stream from now on; what was told of it is, if it settled on the same.
    pub(super) fn begin_anew(&mut self, is_same: bool) {
        (self.begin, self.doubtful) = ((0, 0), None);
        if !is_same {
            self.told.clear();
        }
    }

    /// What is to be told of a device that settled on one period and calls for another: each other
    /// one once, when two looks in a row have found it. The one in which it changes finds neither.
    pub(super) fn look(&mut self, info: &StreamInfo, status: &StreamStatus) -> Option<String> {
        self.count(info, status.callbacks(), status.frames())
    }

    fn count(&mut self, info: &StreamInfo, calls: u64, frames: u64) -> Option<String> {
        let passed = (
            calls.saturating_sub(self.begin.0),
            frames.saturating_sub(self.begin.1),
        );
        if passed.0 < CALLS || passed.1 < SECONDS * u64::from(info.sample_rate_hz) {
            return None;
        }
        self.begin = (calls, frames);
        let mean = passed.1 as f64 / passed.0 as f64;
        let is_known = are_alike(mean, f64::from(info.buffer_frames))
            || self.told.iter().any(|&told| are_alike(mean, told));
        let before = self.doubtful.take();
        if is_known {
            return None;
        }
        if !before.is_some_and(|before| are_alike(mean, before)) {
            self.doubtful = Some(mean);
            return None;
        }
        self.told.push(mean);
        Some(format!(
            "\"{}\" calls for {mean:.0} frames in the mean, and settled on {}",
            name(info),
            info.buffer_frames
        ))
    }
}

fn are_alike(mean: f64, other: f64) -> bool {
    (other / APART..=other * APART).contains(&mean)
}

#[cfg(test)]
mod tests {
    use ossicle_io::device::HostKind;

    use super::*;

    fn info(buffer_frames: u32) -> StreamInfo {
        StreamInfo {
            host: HostKind::PipeWire,
            input_device: None,
            output_device: Some("pipewire:speaker".to_owned()),
            input_channels: 0,
            output_channels: 2,
            sample_rate_hz: 48_000,
            buffer_frames,
            device_latency_frames: None,
        }
    }

    #[test]
    fn another_period_is_told_with_both_and_the_same_is_not() {
        let note = note_of_another(64, &info(256));
        let due = "a buffer of 64 frames was asked for: \"pipewire:speaker\" took 256";
        assert_eq!(note.as_deref(), Some(due));
        assert_eq!(note_of_another(256, &info(256)), None);
        let due = "\"pipewire:speaker\" calls for 682 frames in the mean, and settled on 1024";
        let mut calls = CallLength::default();
        let told = |calls: &mut CallLength, number: u64, frames: u64| {
            calls.count(&info(1024), 1_000 * number, 1_000 * frames)
        };
        assert_eq!(told(&mut calls, 1, 1_000), None);
        // It changes within the second look.
        assert_eq!(told(&mut calls, 2, 1_850), None);
        assert_eq!(told(&mut calls, 3, 1_850 + 682), None);
        assert_eq!(told(&mut calls, 4, 1_850 + 2 * 682).as_deref(), Some(due));
        for number in 5..9 {
            let frames = 1_850 + (number - 2) * 682;
            assert_eq!(told(&mut calls, number, frames), None);
        }
        // A stream that is new and calls as before is told once only, and one that settled anew again.
        for (is_same, tells) in [(true, false), (false, true)] {
            calls.begin_anew(is_same);
            assert_eq!(told(&mut calls, 1, 682), None);
            assert_eq!(told(&mut calls, 2, 1_364).is_some(), tells);
        }
    }
}
