//! A period tried on a silent stream beside one that runs.

use std::thread;
use std::time::{Duration, Instant};

use ossicle_io::device::{
    DeviceError, HostKind, Port, Reaper, Stream, StreamInfo, StreamRequest, StreamState, open,
};

use super::entry::{Direction, Entry, WORKS_S};

/// What a stream gets to begin, before it is judged.
const BEGIN: Duration = Duration::from_millis(300);
/// Frames that come in the time that is judged, in parts of those that should.
const FRAMES: (f64, f64) = (0.97, 1.05);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// How long a stream gets to be dropped before it is abandoned.
const RETIRE_WITHIN: Duration = Duration::from_millis(1500);

/// What a trial came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Works,
    Fails,
    /// The device takes one stream only.
    Exclusive,
    /// Nothing is known: it was ended, or the device cannot be had.
    Unknown,
}

/// Tries a period on a device, two seconds. What runs beside it, the troubles of which `beside` counts,
/// must come through without one too. `ends` is asked often whether to give up.
pub(super) fn try_period(
    entry: &Entry,
    info: &StreamInfo,
    frames: u32,
    realtime: bool,
    beside: &dyn Fn() -> u64,
    ends: &dyn Fn() -> bool,
) -> Verdict {
    let stream = match start(entry, info, frames, realtime) {
        Ok(stream) => stream,
        Err(DeviceError::DeviceBusy { .. }) => return Verdict::Exclusive,
        Err(DeviceError::BufferUnsupported { .. }) => return Verdict::Fails,
        Err(_) => return Verdict::Unknown,
    };
    let verdict = judge(stream.as_ref(), frames, beside, ends);
    Reaper::new().retire(stream, RETIRE_WITHIN);
    verdict
}

fn start(
    entry: &Entry,
    info: &StreamInfo,
    frames: u32,
    realtime: bool,
) -> Result<Box<dyn Stream>, DeviceError> {
    let port = |channels| {
        Some(Port {
            device: Some(entry.device.clone()),
            channels: Some(channels),
        })
    };
    let mut request = StreamRequest {
        sample_rate_hz: Some(info.sample_rate_hz),
        buffer_frames: Some(frames),
        realtime,
        by_id: true,
        ..StreamRequest::default()
    };
    match entry.direction {
        Direction::Input => request.input = port(info.input_channels),
        Direction::Output => request.output = port(info.output_channels),
    }
    // Nothing is heard, and nothing is kept of what comes in.
    open(info.host, &request)?.start(Box::new(|_| ()))
}

fn judge(
    stream: &dyn Stream,
    frames: u32,
    beside: &dyn Fn() -> u64,
    ends: &dyn Fn() -> bool,
) -> Verdict {
    let (info, status) = (stream.info(), stream.status());
    if info.buffer_frames != frames {
        // The device took another period: this one is not to be had.
        return Verdict::Fails;
    }
    if !wait(BEGIN, ends) {
        return Verdict::Unknown;
    }
    let troubles = || beside() + status.xruns() + status.lost_frames();
    let (trouble, first, began) = (troubles(), status.frames(), Instant::now());
    if !wait(Duration::from_secs_f64(WORKS_S), ends) {
        return Verdict::Unknown;
    }
    let due = began.elapsed().as_secs_f64() * f64::from(info.sample_rate_hz);
    let came = (status.frames() - first) as f64;
    let is_whole = (FRAMES.0 * due..=FRAMES.1 * due).contains(&came);
    if status.state() == StreamState::Running && is_whole && troubles() == trouble {
        Verdict::Works
    } else {
        Verdict::Fails
    }
}

/// Waits; `false` where it was ended.
pub(super) fn wait(time: Duration, ends: &dyn Fn() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < time {
        if ends() {
            return false;
        }
        thread::sleep(LOOK.min(time));
    }
    !ends()
}

/// Whether the period of such a host is ours to choose.
pub(super) fn is_ours(host: HostKind) -> bool {
    matches!(
        host,
        HostKind::Alsa | HostKind::PulseAudio | HostKind::PipeWire
    )
}
