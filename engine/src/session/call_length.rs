//! Whether a device calls for as many frames as were asked for and settled.

use ossicle_io::device::{StreamInfo, StreamStatus};

use super::link::name;

/// Calls and seconds that are seen before anything is said.
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

/// Looks once how long the calls of a stream are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CallLength {
    is_judged: bool,
}

impl CallLength {
    /// What is to be told of a device that settled on one period and calls for another, once.
    pub(super) fn look(&mut self, info: &StreamInfo, status: &StreamStatus) -> Option<String> {
        let (calls, frames) = (status.callbacks(), status.frames());
        let enough = SECONDS * u64::from(info.sample_rate_hz);
        if self.is_judged || calls < CALLS || frames < enough {
            return None;
        }
        self.is_judged = true;
        told(frames as f64 / calls as f64, info)
    }
}

fn told(mean: f64, info: &StreamInfo) -> Option<String> {
    let settled = f64::from(info.buffer_frames);
    let is_apart = !(settled / APART..=settled * APART).contains(&mean);
    is_apart.then(|| {
        format!(
            "\"{}\" calls for {mean:.0} frames in the mean, and settled on {}",
            name(info),
            info.buffer_frames
        )
    })
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
        assert_eq!(told(682.0, &info(1024)).as_deref(), Some(due));
        assert_eq!(told(1_000.0, &info(1024)), None);
    }
}
