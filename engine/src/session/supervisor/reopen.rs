//! Opens devices again, or others in their places.

use std::sync::atomic::Ordering::Acquire;

use ossicle_io::device::{
    DeviceError, HostKind, Port, Stream, StreamInfo, StreamRequest, StreamState,
};

use super::{RETRY_NS, Supervisor};
use crate::session::event::DeviceEventKind;
use crate::session::link::{Link, Phase, name, open_again, period_ns, seconds};
use crate::session::stage::{Known, Seat, Started, lock};

/// Stalled devices that cannot be opened beside their old stream lose it after so long, in
/// nanoseconds.
const GIVE_UP_NS: u64 = 5_000_000_000;

/// A device that is to be opened again.
pub(super) struct Opening {
    pub(super) seat: Seat,
    pub(super) known: Known,
    pub(super) request: StreamRequest,
    /// The old one still runs: another has become the default.
    pub(super) moves: bool,
}

impl Supervisor {
    /// Tries to open a device that is away, or that stalls.
    pub(super) fn open(&self, index: usize, opening: Opening) {
        let Opening {
            seat,
            known,
            request,
            moves,
        } = opening;
        let Some(world) = &self.world else { return };
        let opened = open_again(world.as_ref(), &seat, request);
        let is_busy = matches!(opened, Err(DeviceError::DeviceBusy { .. }));
        let calls_again = {
            let links = lock(&self.links);
            let link = &links[index];
            let calls = match &link.stream {
                Some(stream) => {
                    let status = stream.status();
                    !status.stalled(self.now_ns(), period_ns(&link.info))
                        && status.state() == StreamState::Running
                }
                None => false,
            };
            calls && !moves || self.stopped.load(Acquire)
        };
        let started = match opened {
            Ok(pending) if !calls_again => {
                let known = self.known(index, known, pending.info());
                self.stage.start(&seat, known, pending).ok()
            }
            _ => None,
        };
        let mut links = lock(&self.links);
        let link = &mut links[index];
        link.is_opening = false;
        let Some(started) = started else {
            let now = self.now_ns();
            link.next_try_ns = now + link.retry_ns;
            if !self.world.as_ref().is_some_and(|world| world.is_virtual()) {
                link.retry_ns = (2 * link.retry_ns).min(RETRY_NS.1);
            }
            // The old stream may be what keeps the device.
            let gives_up = matches!(link.phase, Phase::Stalled { since_ns }
                if !calls_again && (is_busy || now.saturating_sub(since_ns) > GIVE_UP_NS));
            if gives_up && let Some(stream) = link.stream.take() {
                link.xruns += stream.status().xruns();
                if let Phase::Stalled { since_ns } = link.phase {
                    link.phase = Phase::Away { since_ns };
                }
                self.stage.leave(&link.seat.role);
                drop(links);
                self.retire(stream);
            }
            return;
        };
        let old = self.install(link, started, moves);
        drop(links);
        self.keep_pace();
        if let Some(old) = old {
            self.retire(old);
        }
    }

    /// What is known of the clock of the device that was opened: of another one only what was
    /// remembered, if anything was. It is paired with whoever calls now.
    fn known(&self, index: usize, mut known: Known, info: &StreamInfo) -> Known {
        let links = lock(&self.links);
        let before = &links[index].info;
        let is_same = (&before.input_device, &before.output_device)
            == (&info.input_device, &info.output_device);
        if !is_same {
            let remembered = self.stage.remembered.known(info);
            if remembered.capture.is_some() || remembered.play.is_some() {
                known = remembered;
            }
            known.caller = None;
        }
        let master = self.stage.master.load(Acquire);
        let error = match links.iter().find(|link| link.number == master) {
            // A clock stands in for it.
            _ if self.stage.pace.load(Acquire) != master => Some(0.0),
            // Two errors of another session belong together.
            Some(master) if !known.is_old => master.known.caller,
            _ => None,
        };
        error.map_or(known, |error| known.called_by(error))
    }

    /// A device is back, or another is there in its place.
    fn install(&self, link: &mut Link, started: Started, moves: bool) -> Option<Box<dyn Stream>> {
        let since_ns = match link.phase {
            Phase::Stalled { since_ns } | Phase::Away { since_ns } => since_ns,
            Phase::Up => self.now_ns(),
        };
        let after_s = seconds(self.now_ns(), since_ns);
        let info = started.stream.info().clone();
        let before = name(&link.info);
        let kind = if moves {
            link.id = [info.input_device.clone(), info.output_device.clone()];
            DeviceEventKind::Moved { to: name(&info) }
        } else if name(&info) == before {
            DeviceEventKind::Back {
                after_s,
                sample_rate_hz: info.sample_rate_hz,
            }
        } else {
            DeviceEventKind::Replaced {
                by: name(&info),
                after_s,
            }
        };
        self.tell(link, kind);
        let old = link.stream.replace(started.stream);
        if let Some(old) = &old {
            link.xruns += old.status().xruns();
        }
        link.info = info;
        link.number = started.number;
        link.started_ns = self.now_ns();
        link.phase = Phase::Up;
        (link.capture, link.play) = (started.capture, started.play);
        old
    }

    /// What is asked of a device that is opened again, or of another that is the default now.
    pub(super) fn request(&self, link: &Link) -> StreamRequest {
        let port = |port: &Option<Port>, id: &Option<String>, channels: usize| {
            port.as_ref().map(|port| Port {
                device: id.clone().or_else(|| port.device.clone()),
                channels: Some(channels).filter(|&channels| channels > 0),
            })
        };
        let (role, info) = (&link.seat.role, &link.info);
        let [input, output] = link.targets();
        // A sound server would resample: what does not call the core takes its device's own rate.
        let is_free = link.moves() && !role.is_master && role.host == HostKind::PulseAudio;
        StreamRequest {
            input: port(&role.input, &input, info.input_channels),
            output: port(&role.output, &output, info.output_channels),
            sample_rate_hz: Some(info.sample_rate_hz).filter(|_| !is_free),
            buffer_frames: self.wishes.buffer_frames,
            leave_unconnected: self.wishes.leave_unconnected,
            realtime: self.wishes.realtime,
        }
    }
}
