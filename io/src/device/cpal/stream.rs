//! A stream of the library: its callbacks on our terms.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

#[cfg(test)]
#[allow(clippy::disallowed_macros, reason = "its tests are ordinary threads")]
mod faults;

use core::time::Duration;
use std::sync::Arc;
use std::thread;

use ::cpal::traits::{DeviceTrait, StreamTrait};
use ::cpal::{BufferSize, Data, Device, Error, ErrorKind, SampleFormat, StreamConfig};

use super::convert::{read, write};
use super::refused;
use super::settle::{Direction, periods};
use crate::device::caller::Caller;
use crate::device::clock::now_ns;
use crate::device::deadline::within;
use crate::device::loss::LossClock;
use crate::device::pulse;
use crate::device::{Callback, DeviceError, HostKind, LostCause, PendingStream, Stream};
use crate::device::{StreamInfo, StreamState, StreamStatus};
use crate::realtime;
use crate::rights::Promoter;

/// Longest piece of a block that is one call, in frames. A block may be longer: then it is several.
const SCRATCH_FRAMES: usize = 8192;
/// How long a device may be silent before its thread looks whether it is still there.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Errors kept for the thread that drops the stream; there they are freed.
const ERRORS: usize = 64;
/// Silence before the first call on an ALSA device that is no card: servers behind it lose the very
/// beginning. At least this many frames, and two periods.
const PRIMING_FRAMES: u32 = 1024;
/// What a backend's thread sleeps at each error of a burst, and of a stream that is lost already.
const BURST_SLEEP: Duration = Duration::from_millis(1);
const LOST_SLEEP: Duration = Duration::from_millis(20);

/// A device and what was settled.
pub(super) struct Pending {
    pub(super) device: Device,
    pub(super) config: StreamConfig,
    pub(super) format: SampleFormat,
    /// Periods to be tried, in this order.
    pub(super) periods: Vec<u32>,
    /// Shortest and longest period that is offered, as far as is known.
    pub(super) offered: Option<(u32, u32)>,
    pub(super) direction: Direction,
    pub(super) info: StreamInfo,
    /// The device was named, by an id or a part of its name.
    pub(super) is_named: bool,
    /// Real-time scheduling is wanted.
    pub(super) realtime: bool,
}

impl PendingStream for Pending {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn wish_buffer_frames(&mut self, frames: u32) {
        self.periods = periods(frames, self.offered);
        self.info.buffer_frames = self.periods[0];
    }

    fn start(self: Box<Self>, callback: Callback) -> Result<Box<dyn Stream>, DeviceError> {
        within(self.info.host, "start", move || self.start_here(callback))?
    }
}

impl Pending {
    fn start_here(mut self, callback: Callback) -> Result<Box<dyn Stream>, DeviceError> {
        let host = self.info.host;
        let name = [&self.info.input_device, &self.info.output_device];
        let name = name
            .into_iter()
            .flatten()
            .next()
            .cloned()
            .unwrap_or_default();
        if host == HostKind::PulseAudio {
            let wishes = pulse::Wishes {
                is_named: self.is_named,
                realtime: self.realtime,
            };
            return pulse::start(self.info, wishes, callback);
        }
        #[cfg(target_os = "linux")]
        if let (HostKind::Alsa, Direction::Input) = (host, self.direction) {
            return super::alsa::start(self, &name, callback);
        }
        let status = Arc::new(StreamStatus::new());
        let worker = Box::new(Worker::new(
            Caller::new(callback, status.clone()),
            &self.info,
        ));
        let mut last_error = None;
        for &period in &self.periods {
            self.config.buffer_size = BufferSize::Fixed(period);
            let (errors_in, errors) = rtrb::RingBuffer::new(ERRORS);
            let listener = Listener {
                status: status.clone(),
                errors: errors_in,
            };
            let (mut give, take) = rtrb::RingBuffer::new(1);
            match self.build(take, listener) {
                Ok(stream) => {
                    self.info.buffer_frames = stream.buffer_size().unwrap_or(period).max(1);
                    let _ = give.push(worker);
                    status.started(now_ns());
                    stream
                        .play()
                        .map_err(|error| refused(host, "start", &name, &error))?;
                    let info = self.info;
                    return Ok(Box::new(Running {
                        _promoter: Promoter::start(&status, &info, self.realtime),
                        info,
                        status,
                        _stream: stream,
                        _errors: errors,
                    }));
                }
                Err(error) if error.kind() == ErrorKind::UnsupportedConfig => {
                    last_error = Some(error);
                }
                Err(error) => return Err(refused(host, "start", &name, &error)),
            }
        }
        match last_error {
            Some(error) if self.periods.len() < 2 => Err(refused(host, "start", &name, &error)),
            _ => Err(DeviceError::BufferUnsupported {
                device: name,
                asked_frames: self.periods.first().copied().unwrap_or_default(),
                min: self.periods.iter().copied().min().unwrap_or_default(),
                max: self.periods.iter().copied().max().unwrap_or_default(),
            }),
        }
    }

    /// Makes the stream. Its callback waits for the worker: a period that is refused must not cost
    /// the user's callback.
    fn build(&self, worker: Hand, mut listener: Listener) -> Result<::cpal::Stream, Error> {
        let on_error = move |error: Error| listener.hear(error);
        let (mut hand, mut worker) = (worker, None);
        match self.direction {
            Direction::Input => self.device.build_input_stream_raw(
                self.config,
                self.format,
                move |data, info| {
                    let captured_ns = info.timestamp().capture.as_nanos() as u64;
                    if let Some(worker) = arrived(&mut worker, &mut hand) {
                        worker.captured(data, captured_ns);
                    }
                },
                on_error,
                Some(TIMEOUT),
            ),
            Direction::Output => self.device.build_output_stream_raw(
                self.config,
                self.format,
                move |data, _| {
                    if let Some(worker) = arrived(&mut worker, &mut hand) {
                        worker.wanted(data);
                    }
                },
                on_error,
                Some(TIMEOUT),
            ),
        }
    }
}

/// Where the callback finds its worker.
type Hand = rtrb::Consumer<Box<Worker>>;

fn arrived<'a>(
    worker: &'a mut Option<Box<Worker>>,
    hand: &mut Hand,
) -> Option<&'a mut Box<Worker>> {
    if worker.is_none() {
        *worker = hand.pop().ok();
    }
    worker.as_mut()
}

/// What runs in the data callback.
pub(super) struct Worker {
    caller: Caller,
    channels: usize,
    scratch: Vec<f32>,
    losses: LossClock,
    /// Frames of silence still to be played before the first call.
    priming_frames: usize,
}

impl Worker {
    pub(super) fn new(caller: Caller, info: &StreamInfo) -> Self {
        let channels = info.input_channels + info.output_channels;
        Self {
            caller,
            channels,
            scratch: vec![0.0; channels * SCRATCH_FRAMES],
            losses: LossClock::new(info.sample_rate_hz),
            priming_frames: priming_frames(info) as usize,
        }
    }

    /// A captured block of any length.
    pub(super) fn captured(&mut self, data: &Data, captured_ns: u64) {
        let time_ns = now_ns();
        let Self {
            caller,
            channels,
            scratch,
            losses,
            ..
        } = self;
        caller.enter(time_ns, |caller| {
            let frames = data.len() / *channels;
            let xruns = caller.status().xruns();
            caller.lose(losses.block(frames as u64, time_ns, captured_ns, xruns));
            let mut done = 0;
            while done < frames {
                let now = (frames - done).min(SCRATCH_FRAMES);
                let input = &mut scratch[..now * *channels];
                read(data, done * *channels, input);
                caller.call(input, &mut [], now, time_ns);
                done += now;
            }
        });
    }

    /// A block of any length that is to be filled.
    fn wanted(&mut self, data: &mut Data) {
        let time_ns = now_ns();
        let Self {
            caller,
            channels,
            scratch,
            priming_frames,
            ..
        } = self;
        caller.enter(time_ns, |caller| {
            let frames = data.len() / *channels;
            let mut done = frames.min(*priming_frames);
            *priming_frames -= done;
            while done < frames {
                let now = (frames - done).min(SCRATCH_FRAMES);
                let output = &mut scratch[..now * *channels];
                caller.call(&[], output, now, time_ns);
                write(output, data, done * *channels);
                done += now;
            }
        });
    }
}

fn priming_frames(info: &StreamInfo) -> u32 {
    let is_card = |id: &String| id.starts_with("alsa:hw:") || id.starts_with("alsa:plughw:");
    match &info.output_device {
        Some(id) if info.host == HostKind::Alsa && !is_card(id) => {
            PRIMING_FRAMES.max(2 * info.buffer_frames)
        }
        _ => 0,
    }
}

/// What hears of errors, on whatever thread the backend chooses.
struct Listener {
    status: Arc<StreamStatus>,
    errors: rtrb::Producer<Error>,
}

impl Listener {
    fn hear(&mut self, error: Error) {
        let pause = realtime::callback(|| {
            #[cfg(test)]
            xtask::faults::here();
            let mut burst = false;
            match error.kind() {
                ErrorKind::Xrun => self.status.xrun(),
                // The stream goes on.
                ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged => {}
                ErrorKind::DeviceNotAvailable => self.status.lose(LostCause::DeviceGone),
                ErrorKind::HostUnavailable => self.status.lose(LostCause::ServerGone),
                ErrorKind::StreamInvalidated => self.status.lose(LostCause::FormatChanged),
                _ => burst = self.status.error(now_ns()),
            }
            // Dropped where the stream is; never here.
            core::mem::forget(self.errors.push(error));
            let is_lost = self.status.state() != StreamState::Running;
            if is_lost {
                Some(LOST_SLEEP)
            } else {
                burst.then_some(BURST_SLEEP)
            }
        });
        if let Some(pause) = pause {
            slow_down(pause);
        }
    }
}

/// Without callbacks no deadline is missed, and a broken backend would burn a core.
#[allow(clippy::disallowed_methods, reason = "behind the callback, not in it")]
#[cold]
#[inline(never)]
fn slow_down(pause: Duration) {
    thread::sleep(pause);
}

struct Running {
    /// Dropped before the stream: see [`Promoter`].
    _promoter: Option<Promoter>,
    info: StreamInfo,
    status: Arc<StreamStatus>,
    /// Ends the stream when dropped, before the errors that were heard.
    _stream: ::cpal::Stream,
    _errors: rtrb::Consumer<Error>,
}

impl Stream for Running {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn status(&self) -> &Arc<StreamStatus> {
        &self.status
    }
}
