//! The device without sound: silence in, nothing out, paced by the monotonic clock.
//!
//! Its thread waits for absolute times and counts frames from the time elapsed, so that a late
//! wake-up is made up for and errors never add up. Late by more than 100 ms is an xrun, as it is on
//! a real device; what is late by more than a second is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::caller::Caller;
use super::clock::{frames_in, now_ns, ns_of};
use super::info::nearest;
use super::{Callback, Capability, DeviceError, DeviceInfo, HostKind, PendingStream, Port, Stream};
use super::{StreamInfo, StreamRequest, StreamStatus};
use crate::rights::Promoter;

const ID: &str = "null:null";
const CHANNELS: usize = 2;
const MAX_CHANNELS: usize = 64;
const RATE_HZ: u32 = 48_000;
const RATES_HZ: [u32; 11] = [
    8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000,
];
const BUFFER_FRAMES: u32 = 256;
const MAX_BUFFER_FRAMES: u32 = 65_536;
/// Lateness that is an xrun, in nanoseconds; at least four periods.
const XRUN_NS: u64 = 100_000_000;
/// Lateness beyond which frames are lost rather than made up for, in nanoseconds.
const MAX_LATE_NS: u64 = 1_000_000_000;

/// The device as listed.
pub(super) fn device() -> DeviceInfo {
    let capability = Capability {
        channels: 1..=MAX_CHANNELS,
        sample_rates_hz: RATES_HZ.to_vec(),
        buffer_frames: Some(1..=MAX_BUFFER_FRAMES),
    };
    DeviceInfo {
        id: ID.to_owned(),
        name: "no sound, paced by the clock".to_owned(),
        host: HostKind::Null,
        input: Some(capability.clone()),
        output: Some(capability),
        default_input: true,
        default_output: true,
    }
}

/// Settles a stream.
pub(super) fn open(request: &StreamRequest) -> Result<Box<dyn PendingStream>, DeviceError> {
    let channels = |port: &Option<Port>| match port {
        Some(port) => {
            named(port)?;
            let asked = port.channels.unwrap_or(CHANNELS);
            if !(1..=MAX_CHANNELS).contains(&asked) {
                let allowed = (1..=MAX_CHANNELS).collect();
                let device = ID.to_owned();
                return Err(DeviceError::ChannelsUnsupported {
                    device,
                    asked,
                    allowed,
                });
            }
            Ok(asked)
        }
        None => Ok(0),
    };
    let sample_rate_hz = request.sample_rate_hz.unwrap_or(RATE_HZ);
    if !(RATES_HZ[0]..=RATES_HZ[RATES_HZ.len() - 1]).contains(&sample_rate_hz) {
        return Err(DeviceError::SampleRateUnsupported {
            device: ID.to_owned(),
            asked_hz: sample_rate_hz,
            allowed: RATES_HZ.to_vec(),
        });
    }
    let buffer_frames = request.buffer_frames.unwrap_or(BUFFER_FRAMES);
    if !(1..=MAX_BUFFER_FRAMES).contains(&buffer_frames) {
        return Err(DeviceError::BufferUnsupported {
            device: ID.to_owned(),
            asked_frames: buffer_frames,
            min: 1,
            max: MAX_BUFFER_FRAMES,
        });
    }
    let info = StreamInfo {
        host: HostKind::Null,
        input_device: request.input.as_ref().map(|_| ID.to_owned()),
        output_device: request.output.as_ref().map(|_| ID.to_owned()),
        input_channels: channels(&request.input)?,
        output_channels: channels(&request.output)?,
        sample_rate_hz,
        buffer_frames,
        device_latency_frames: None,
    };
    Ok(Box::new(Pending {
        info,
        realtime: request.realtime,
    }))
}

/// A stream of one silent channel that the machine's clock calls, in the place of a device that is away:
/// at any rate in hertz and for any number of frames, both at least 1. Real-time scheduling is asked for.
pub fn open_clock(sample_rate_hz: u32, buffer_frames: u32) -> Box<dyn PendingStream> {
    let info = StreamInfo {
        host: HostKind::Null,
        input_device: None,
        output_device: Some(ID.to_owned()),
        input_channels: 0,
        output_channels: 1,
        sample_rate_hz: sample_rate_hz.max(1),
        buffer_frames: buffer_frames.max(1),
        device_latency_frames: None,
    };
    let realtime = true;
    Box::new(Pending { info, realtime })
}

fn named(port: &Port) -> Result<(), DeviceError> {
    match &port.device {
        Some(asked) if !ID.contains(&asked.to_lowercase()) => {
            let available = vec![ID.to_owned()];
            Err(DeviceError::DeviceNotFound {
                asked: asked.clone(),
                host: HostKind::Null,
                nearest: nearest(asked, &available),
                available,
            })
        }
        _ => Ok(()),
    }
}

struct Pending {
    info: StreamInfo,
    realtime: bool,
}

impl PendingStream for Pending {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn start(self: Box<Self>, callback: Callback) -> Result<Box<dyn Stream>, DeviceError> {
        let status = Arc::new(StreamStatus::new());
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let caller = Caller::new(callback, status.clone());
            let (info, stop, realtime) = (self.info.clone(), stop.clone(), self.realtime);
            let status = status.clone();
            status.started(now_ns());
            thread::Builder::new()
                .name("ossicle-null".to_owned())
                .spawn(move || {
                    status.thread().prepare_this_thread(&info, realtime);
                    run(&info, caller, &stop);
                })
                .map_err(|error| DeviceError::backend(HostKind::Null, "start", error))?
        };
        Ok(Box::new(Running {
            promoter: Promoter::start(&status, &self.info, self.realtime),
            info: self.info,
            status,
            stop,
            thread: Some(thread),
        }))
    }
}

fn run(info: &StreamInfo, mut caller: Caller, stop: &AtomicBool) {
    let rate = info.sample_rate_hz;
    let period = info.buffer_frames as usize;
    let input = vec![0.0f32; period * info.input_channels];
    let mut output = vec![0.0f32; period * info.output_channels];
    let origin_ns = now_ns();
    let late_frames = frames_in(MAX_LATE_NS, rate).max(2 * period as u64);
    let xrun_frames = frames_in(XRUN_NS, rate).max(4 * period as u64);
    let mut is_late = false;
    while !stop.load(Ordering::Acquire) {
        let due_ns = origin_ns + ns_of(caller.position() + period as u64, rate);
        let time_ns = now_ns();
        if let Some(early_ns) = due_ns.checked_sub(time_ns).filter(|&early| early > 0) {
            // Ended by `unpark` when the stream is dropped.
            thread::park_timeout(Duration::from_nanos(early_ns));
            continue;
        }
        caller.enter(time_ns, |caller| {
            let elapsed = frames_in(time_ns - origin_ns, rate);
            let behind = elapsed.saturating_sub(caller.position() + period as u64);
            let was_late = core::mem::replace(&mut is_late, behind > xrun_frames);
            if is_late && !was_late {
                caller.status().xrun();
            }
            if behind > late_frames {
                caller.lose(behind);
            }
            caller.call(&input, &mut output, period, time_ns);
        });
    }
}

struct Running {
    promoter: Option<Promoter>,
    info: StreamInfo,
    status: Arc<StreamStatus>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Stream for Running {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn status(&self) -> &Arc<StreamStatus> {
        &self.status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.promoter = None; // before the thread is joined
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
