//! A device of a session: its stream while there is one, and what outlives it.

use ossicle_dsp::clock::Learned;
use ossicle_io::device::{
    DeviceError, HostKind, PendingStream, Port, Stream, StreamInfo, StreamRequest,
};

use ossicle_io::ring::Cause;

use super::call_length::CallLength;
use super::fallback::{Absent, open_or_fall_back};
use super::stage::{BridgeSide, Known, Role, Seat};
use super::world::World;

/// Longest time until a server calls for the first time, in nanoseconds: PulseAudio renders up to 2 s
/// ahead.
const FIRST_CALL_NS: u64 = 3_000_000_000;
/// Time between two attempts to open a device, in nanoseconds: it doubles from the first to the most;
/// in virtual time it is the first.
pub(super) const RETRY_NS: (u64, u64) = (20_000_000, 500_000_000);

/// Bridges speak of who calls the core once that one has called for so long, in nanoseconds: until then
/// some may speak of another.
pub(super) const SETTLED_NS: u64 = 200_000_000;

/// A device of the session.
pub(super) struct Link {
    pub(super) seat: Seat,
    pub(super) stream: Option<Box<dyn Stream>>,
    pub(super) number: u64,
    pub(super) info: StreamInfo,
    /// Id of the device it was opened with; none where it was not there yet.
    pub(super) id: [Option<String>; 2],
    /// What a fallback stands in for, while one does.
    pub(super) absent: Option<Absent>,
    pub(super) phase: Phase,
    /// Its stream was opened while it was away or stalled, and has not called yet.
    pub(super) newcomer: Option<Newcomer>,
    pub(super) started_ns: u64,
    pub(super) retry_ns: u64,
    pub(super) next_try_ns: u64,
    pub(super) is_opening: bool,
    /// Ids of the host's default devices, where one was asked for and they are known: in and out.
    pub(super) defaults: [Option<String>; 2],
    pub(super) capture: Option<BridgeSide>,
    pub(super) play: Option<BridgeSide>,
    pub(super) known: Known,
    /// Xruns of streams that are no more.
    pub(super) xruns: u64,
    /// Whether it calls for as many frames as it settled on.
    pub(super) calls: CallLength,
    /// Why it cannot be opened again was told.
    pub(super) is_refusal_told: bool,
}

/// What is told of a device once it calls.
pub(super) struct Newcomer {
    /// Name of the device in whose place it is.
    pub(super) before: String,
    /// It is there since it has become the default.
    pub(super) moves: bool,
    /// Since when it was away, in nanoseconds, where a fallback was in its place.
    pub(super) returns_from_ns: Option<u64>,
}

/// Whether a device calls. One that was away does not before its new stream has called: many open
/// well that are silent then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    Up,
    Stalled { since_ns: u64 },
    Away { since_ns: u64 },
}

impl Link {
    /// Since when it has not called, in nanoseconds, and why; `None` while it does.
    pub(super) fn away(&self) -> Option<(u64, Cause)> {
        match self.phase {
            Phase::Up => None,
            Phase::Stalled { since_ns } => Some((since_ns, Cause::Stalled)),
            Phase::Away { since_ns } => Some((since_ns, Cause::DeviceGone)),
        }
    }

    /// Whether its stream has called.
    pub(super) fn has_called(&self) -> bool {
        let called = |stream: &dyn Stream| stream.status().callbacks() > 0;
        self.stream.as_deref().is_some_and(called)
    }

    /// It is to be tried again, later each time; in virtual time as soon as the first time.
    pub(super) fn try_later(&mut self, now_ns: u64, is_virtual: bool) {
        self.next_try_ns = now_ns + self.retry_ns;
        if !is_virtual {
            self.retry_ns = (2 * self.retry_ns).min(RETRY_NS.1);
        }
    }

    /// Whether what was asked for by name is known by its whole id: it was there once.
    pub(super) fn is_known_by_id(&self) -> bool {
        let asked = [&self.seat.role.input, &self.seat.role.output];
        asked.into_iter().zip(&self.id).all(|(port, id)| {
            let named = port.as_ref().and_then(|port| port.device.as_ref());
            named.is_none() || id.is_some()
        })
    }

    /// Ids of the devices that are wanted: those that it was opened with, or the default ones.
    pub(super) fn targets(&self) -> [Option<String>; 2] {
        let asked = [&self.seat.role.input, &self.seat.role.output];
        core::array::from_fn(|at| {
            let is_default = asked[at].as_ref().is_some_and(|port| port.device.is_none());
            let default = self.defaults[at].clone().filter(|_| is_default);
            default.or_else(|| self.id[at].clone())
        })
    }

    /// Whether another device is the default than the one that runs, and the default is wanted.
    pub(super) fn moves(&self) -> bool {
        let now = [&self.info.input_device, &self.info.output_device];
        let asked = [&self.seat.role.input, &self.seat.role.output];
        (0..2).any(|at| {
            let is_default = asked[at].as_ref().is_some_and(|port| port.device.is_none());
            let default = self.defaults[at].as_ref().filter(|_| is_default);
            default.is_some_and(|default| now[at].as_ref() != Some(default))
        })
    }

    /// Whether it captures from a server and has yet to call for the first time: a sink that nobody
    /// plays to renders far ahead, and hears only then of who listens to it.
    pub(super) fn awaits_first_call(&self, now_ns: u64) -> bool {
        let is_served = matches!(self.info.host, HostKind::PulseAudio | HostKind::Alsa);
        is_served
            && self.info.input_channels > 0
            && !self.has_called()
            && now_ns.saturating_sub(self.started_ns) < FIRST_CALL_NS
    }

    /// Tells who reads what it captures that it stalls, is gone, or is there.
    pub(super) fn set_away(&self, cause: Option<Cause>) {
        if let Some(side) = &self.capture {
            side.stats.set_away(cause);
        }
    }

    /// Keeps what the bridges found out of this device's clock.
    pub(super) fn learn(&mut self) {
        let learned = |side: &Option<BridgeSide>| side.as_ref()?.stats.learned();
        let (capture, play) = (learned(&self.capture), learned(&self.play));
        self.known.is_old &= capture.is_none() && play.is_none();
        self.known.capture = capture.or(self.known.capture);
        self.known.play = play.or(self.known.play);
    }

    /// What its bridges have found out of two clocks: where it captures, and where it plays.
    pub(super) fn learned(&self) -> [Option<Learned>; 2] {
        [&self.capture, &self.play].map(|side| {
            let stats = &side.as_ref()?.stats;
            stats.learned().filter(|_| stats.knows_two_clocks())
        })
    }
}

impl Known {
    /// The same of a device that was at one rate, and is at another: what is kept of its frames.
    pub(super) fn at_rate(mut self, before_hz: u32, now_hz: u32) -> Self {
        if let Some(capture) = &mut self.capture {
            capture.margin_frames *= f64::from(now_hz) / f64::from(before_hz.max(1));
        }
        self
    }

    /// The same where the clock that calls the core is off by so much.
    pub(super) fn called_by(mut self, error: f64) -> Self {
        if let Some(capture) = &mut self.capture {
            capture.to_error = error;
        }
        if let Some(play) = &mut self.play {
            play.from_error = error;
        }
        self
    }
}

/// Opens a device again: as it was, else at another rate, else with other channels; else the default
/// device where that was asked for; else its fallback, which is told with it.
pub(super) fn open_again(
    world: &dyn World,
    role: &Role,
    mut request: StreamRequest,
) -> Result<(Box<dyn PendingStream>, bool), DeviceError> {
    let mut ports = [false; 2];
    for _ in 0..6 {
        match open_or_fall_back(role, &request, |host, request| world.open(host, request)) {
            Err(DeviceError::SampleRateUnsupported { .. }) if request.sample_rate_hz.is_some() => {
                request.sample_rate_hz = None;
            }
            Err(DeviceError::ChannelsUnsupported { .. }) if !ports[0] => {
                ports[0] = true;
                for port in [&mut request.input, &mut request.output] {
                    port.iter_mut().for_each(|port| port.channels = None);
                }
            }
            Err(error @ DeviceError::DeviceNotFound { .. }) if !ports[1] => {
                ports[1] = true;
                let asked = [&role.input, &role.output];
                let wants_default =
                    |port: &&Option<Port>| port.as_ref().is_some_and(|port| port.device.is_none());
                if !asked.iter().any(wants_default) {
                    return Err(error);
                }
                for (port, asked) in [&mut request.input, &mut request.output]
                    .into_iter()
                    .zip(asked)
                {
                    if let (Some(port), Some(asked)) = (port, asked) {
                        port.device.clone_from(&asked.device);
                    }
                }
            }
            other => return other,
        }
    }
    world
        .open(role.host, &request)
        .map(|pending| (pending, false))
}

/// Error of the clock that calls the core, in parts, as the bridges know it that read for long enough.
pub(super) fn caller_error(links: &[Link], now_ns: u64) -> Option<f64> {
    let is_sure = |link: &&Link| {
        link.phase == Phase::Up && now_ns.saturating_sub(link.started_ns) >= SETTLED_NS
    };
    links.iter().filter(is_sure).find_map(|link| {
        let [captured, played] = link.learned();
        captured
            .map(|learned| learned.to_error)
            .or(played.map(|learned| learned.from_error))
    })
}

pub(super) fn period_ns(info: &StreamInfo) -> u64 {
    u64::from(info.buffer_frames) * 1_000_000_000 / u64::from(info.sample_rate_hz.max(1))
}

pub(super) fn seconds(now_ns: u64, since_ns: u64) -> f64 {
    now_ns.saturating_sub(since_ns) as f64 * 1e-9
}

/// The name of a device for people.
pub(super) fn name(info: &StreamInfo) -> String {
    info.output_device
        .as_ref()
        .or(info.input_device.as_ref())
        .cloned()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_is_as_long_at_another_rate() {
        let learned = Learned {
            from_error: 1e-5,
            to_error: -1e-5,
            margin_frames: 480.0,
        };
        let known = Known {
            capture: Some(learned),
            play: Some(learned),
            ..Known::default()
        };
        let known = known.at_rate(48_000, 96_000);
        // What is played waits in the session's frames, whose rate is what it was.
        let margins = [known.capture, known.play].map(|learned| learned.unwrap().margin_frames);
        assert_eq!(margins, [960.0, 480.0]);
    }
}
