//! Captures from ALSA, without cpal's loop: that one holds two periods and no more, and turns without
//! end where a server behind ALSA stands still with a part of a period fetched.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use ::alsa::pcm::{Access, Format, Frames, HwParams, PCM, State};
use ::alsa::poll::{Descriptors, Flags, poll, pollfd};
use ::alsa::{Direction, Error, ValueOr};
use ::cpal::{Data, SampleFormat};

use super::stream::{Pending, Worker};
use crate::device::caller::Caller;
use crate::device::clock::{now_ns, ns_of};
use crate::device::{Callback, DeviceError, HostKind, LostCause, Stream};
use crate::device::{StreamInfo, StreamState, StreamStatus};
use crate::rights::Promoter;

/// Time the device should hold, so that a busy machine loses nothing; a wish.
const HELD: Duration = Duration::from_millis(500);
/// Longest wait before the thread looks whether it is to end and whether the device is still there.
const TIMEOUT_MS: i32 = 100;
/// Longest sleep where the device says that it is ready and is not.
const LONGEST_NAP: Duration = Duration::from_millis(20);
/// What is slept at each error, so that a broken device does not take a core.
const ERROR_NAP: Duration = Duration::from_millis(5);

/// Starts a capture as it was settled, from the device of this name.
pub(super) fn start(
    pending: Pending,
    name: &str,
    callback: Callback,
) -> Result<Box<dyn Stream>, DeviceError> {
    let Pending {
        mut info,
        format,
        realtime,
        ..
    } = pending;
    let refused = |error| refused(name, &error);
    let pcm = PCM::new(
        name.strip_prefix("alsa:").unwrap_or(name),
        Direction::Capture,
        true,
    )
    .map_err(refused)?;
    let period = settle(&pcm, &info, format).map_err(refused)?;
    info.buffer_frames = u32::try_from(period).unwrap_or(u32::MAX).max(1);
    let status = Arc::new(StreamStatus::new());
    let descriptors = pcm.get().map_err(refused)?;
    if descriptors.is_empty() {
        // Cannot be waited for.
        let device = name.to_owned();
        return Err(DeviceError::DeviceGone { device });
    }
    let frame_bytes = format.sample_size() * info.input_channels;
    let ended = Arc::new(AtomicBool::new(false));
    let mut capture = Capture {
        buffer: vec![0; info.buffer_frames as usize * frame_bytes / WORD_BYTES + 1],
        worker: Worker::new(Caller::new(callback, status.clone()), &info),
        status: status.clone(),
        ended: ended.clone(),
        period_ns: ns_of(u64::from(info.buffer_frames), info.sample_rate_hz),
        sample_rate_hz: info.sample_rate_hz,
        frames: info.buffer_frames as usize,
        frame_bytes,
        format,
        descriptors,
        pcm,
        naps: 0,
    };
    capture.pcm.start().map_err(refused)?;
    status.started(now_ns());
    let of_thread = info.clone();
    let thread = thread::Builder::new()
        .name("ossicle-alsa".to_owned())
        .spawn(move || {
            let note = capture.status.thread();
            note.prepare_this_thread(&of_thread, realtime);
            capture.run();
        })
        .map_err(|error| DeviceError::backend(HostKind::Alsa, "start", error))?;
    Ok(Box::new(Running {
        promoter: Promoter::start(&status, &info, realtime),
        info,
        status,
        ended,
        thread: Some(thread),
    }))
}

fn refused(device: &str, error: &Error) -> DeviceError {
    let device = device.to_owned();
    match rustix::io::Errno::from_raw_os_error(error.errno()) {
        rustix::io::Errno::BUSY | rustix::io::Errno::AGAIN => DeviceError::DeviceBusy { device },
        rustix::io::Errno::PERM | rustix::io::Errno::ACCESS => {
            DeviceError::PermissionDenied { device }
        }
        rustix::io::Errno::NODEV | rustix::io::Errno::NOENT => DeviceError::DeviceGone { device },
        _ => DeviceError::backend(HostKind::Alsa, "start", error),
    }
}

/// Asks for what was settled; returns the period.
fn settle(pcm: &PCM, info: &StreamInfo, format: SampleFormat) -> Result<Frames, Error> {
    let wanted = HwParams::any(pcm)?;
    wanted.set_access(Access::RWInterleaved)?;
    wanted.set_format(native(format).ok_or(Error::unsupported("set_format"))?)?;
    wanted.set_rate(info.sample_rate_hz, ValueOr::Nearest)?;
    wanted.set_channels(u32::try_from(info.input_channels).unwrap_or(u32::MAX))?;
    wanted.set_period_size_near(Frames::from(info.buffer_frames), ValueOr::Nearest)?;
    let held = HELD.as_secs_f64() * f64::from(info.sample_rate_hz);
    wanted.set_buffer_size_near((held as Frames).max(2 * Frames::from(info.buffer_frames)))?;
    pcm.hw_params(&wanted)?;
    let (_, period) = pcm.get_params()?;
    let period = Frames::try_from(period).unwrap_or(Frames::MAX);
    let how = pcm.sw_params_current()?;
    how.set_avail_min(period)?;
    how.set_start_threshold(1)?;
    pcm.sw_params(&how)?;
    drop((how, wanted));
    pcm.prepare()?;
    Ok(period)
}

/// The format in this machine's byte order.
fn native(format: SampleFormat) -> Option<Format> {
    Some(match format {
        SampleFormat::F32 => Format::float(),
        SampleFormat::F64 => Format::float64(),
        SampleFormat::I32 => Format::s32(),
        SampleFormat::U32 => Format::u32(),
        SampleFormat::I24 => Format::s24(),
        SampleFormat::U24 => Format::u24(),
        SampleFormat::I16 => Format::s16(),
        SampleFormat::U16 => Format::u16(),
        SampleFormat::I8 => Format::S8,
        SampleFormat::U8 => Format::U8,
        _ => return None,
    })
}

/// The buffer is of words, so that samples of every format are aligned in it.
type Word = u64;
const WORD_BYTES: usize = size_of::<Word>();

/// The thread that reads.
struct Capture {
    pcm: PCM,
    descriptors: Vec<pollfd>,
    buffer: Vec<Word>,
    worker: Worker,
    status: Arc<StreamStatus>,
    ended: Arc<AtomicBool>,
    format: SampleFormat,
    /// Frames read at once.
    frames: usize,
    frame_bytes: usize,
    period_ns: u64,
    sample_rate_hz: u32,
    /// How often in a row the device was ready with nothing.
    naps: u32,
}

impl Capture {
    fn run(&mut self) {
        while !self.ended.load(Ordering::Acquire) {
            let turned = self.turn();
            if let Err(error) = turned
                && !self.survives(&error)
            {
                return;
            }
        }
    }

    /// Waits for a period and hands it on. What is there is taken even if it is less: a device that
    /// calls a part of a period ready would do so for ever.
    fn turn(&mut self) -> Result<(), Error> {
        if poll(&mut self.descriptors, TIMEOUT_MS)? == 0 {
            return match self.pcm.state() {
                State::Disconnected => Err(Error::new("snd_pcm_state", NO_DEVICE)),
                State::XRun => Err(Error::new("snd_pcm_state", BROKEN_PIPE)),
                _ => Ok(()),
            };
        }
        let gone = |fd: &pollfd| {
            Flags::from_bits_truncate(fd.revents).intersects(Flags::HUP | Flags::NVAL)
        };
        if self.descriptors.iter().any(gone) {
            return Err(Error::new("poll", NO_DEVICE));
        }
        let bytes = self.frames * self.frame_bytes;
        let buffer = self.buffer.as_mut_ptr().cast::<u8>();
        // SAFETY: the buffer's words hold at least as many bytes, and any bytes are valid words.
        let buffer = unsafe { core::slice::from_raw_parts_mut(buffer, bytes) };
        let read = self.pcm.io_bytes().readi(buffer);
        let frames = match read {
            Ok(frames) => frames,
            Err(error) if error.errno() == AGAIN => 0,
            Err(error) => return Err(error),
        };
        if frames == 0 {
            self.naps = (self.naps + 1).min(16);
            let nap = Duration::from_nanos(self.period_ns / 4 * u64::from(self.naps));
            thread::sleep(nap.min(LONGEST_NAP));
            return Ok(());
        }
        self.naps = 0;
        let samples = frames * self.frame_bytes / self.format.sample_size();
        // SAFETY: the samples lie at the beginning of the buffer, aligned as words are, and the
        // device wrote them in this format.
        let data = unsafe { Data::from_parts(buffer.as_mut_ptr().cast(), samples, self.format) };
        let captured_ns = now_ns().saturating_sub(ns_of(frames as u64, self.sample_rate_hz));
        self.worker.captured(&data, captured_ns);
        Ok(())
    }

    /// Brings the device back after an error; false when it is gone.
    fn survives(&mut self, error: &Error) -> bool {
        let restart = |pcm: &PCM| pcm.prepare().and_then(|()| pcm.start());
        match error.errno() {
            INTERRUPTED => return true,
            BROKEN_PIPE => {
                self.status.xrun();
                if restart(&self.pcm).is_ok() {
                    return true;
                }
            }
            SUSPENDED if self.pcm.resume().is_ok() => return true,
            SUSPENDED if restart(&self.pcm).is_ok() => return true,
            NO_DEVICE => {
                self.status.lose(LostCause::DeviceGone);
                return false;
            }
            _ => {}
        }
        self.status.error(now_ns());
        if self.status.state() != StreamState::Running {
            return false;
        }
        thread::sleep(ERROR_NAP);
        true
    }
}

const NO_DEVICE: i32 = rustix::io::Errno::NODEV.raw_os_error();
const BROKEN_PIPE: i32 = rustix::io::Errno::PIPE.raw_os_error();
const AGAIN: i32 = rustix::io::Errno::AGAIN.raw_os_error();
const INTERRUPTED: i32 = rustix::io::Errno::INTR.raw_os_error();
const SUSPENDED: i32 = rustix::io::Errno::STRPIPE.raw_os_error();

struct Running {
    promoter: Option<Promoter>,
    info: StreamInfo,
    status: Arc<StreamStatus>,
    ended: Arc<AtomicBool>,
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
        self.ended.store(true, Ordering::Release);
        self.promoter = None; // before the thread is joined
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
