//! Opens devices again, or others in their places.

use std::sync::atomic::Ordering::Acquire;

use ossicle_dsp::clock::Learned;
use ossicle_io::device::{
    DeviceError, HostKind, Port, Stream, StreamInfo, StreamRequest, StreamState,
};

use super::Supervisor;
use crate::error::EngineError;
use crate::session::call_length::note_of_another;
use crate::session::event::DeviceEventKind;
use crate::session::fallback::{Absent, is_absent};
use crate::session::link::{Link, Newcomer, Phase, name, open_again, period_ns, seconds};
use crate::session::stage::{Known, Seat, Started, lock};

/// Stalled devices that cannot be opened beside their old stream lose it after so long, in
/// nanoseconds.
const GIVE_UP_NS: u64 = 5_000_000_000;

/// A device whose fallback sounds is taken back once it was there for so long, in nanoseconds.
const STAYS_NS: u64 = 1_000_000_000;

/// A device that is to be opened again.
pub(super) struct Opening {
    pub(super) seat: Seat,
    pub(super) known: Known,
    pub(super) request: StreamRequest,
    /// The old one still runs: another has become the default.
    pub(super) moves: bool,
    /// The old one still runs, in the place of this one.
    pub(super) returns: bool,
}

impl Supervisor {
    /// Tries to open a device that is away, or that stalls.
    pub(super) fn open(&self, index: usize, opening: Opening) {
        let Opening {
            seat,
            known,
            request,
            moves,
            returns,
        } = opening;
        let Some(world) = &self.world else { return };
        let opened = if returns {
            let mut role = seat.role.clone();
            role.fallbacks = [None, None];
            open_again(world.as_ref(), &role, request)
        } else {
            open_again(world.as_ref(), &seat.role, request)
        };
        let is_busy = matches!(opened, Err(DeviceError::DeviceBusy { .. }));
        if returns && !self.stays(index, opened.is_ok()) {
            let mut links = lock(&self.links);
            links[index].is_opening = false;
            links[index].try_later(self.now_ns(), self.is_virtual());
            return;
        }
        // One that calls again meanwhile is kept, unless another is wanted.
        let is_kept = |link: &Link| {
            let calls = link.stream.as_ref().is_some_and(|stream| {
                let status = stream.status();
                !status.stalled(self.now_ns(), period_ns(&link.info))
                    && status.state() == StreamState::Running
            });
            calls && !moves && !returns || self.stopped.load(Acquire)
        };
        let calls_again = is_kept(&lock(&self.links)[index]);
        let (mut started, mut refusal, mut falls_back) = (None, None, false);
        match opened {
            Ok((pending, fell_back)) if !calls_again => {
                falls_back = fell_back;
                let known = self.known(index, known, pending.info(), fell_back);
                match self.stage.start(&seat, known, pending) {
                    Ok(new) => started = Some(new),
                    Err(error) => refusal = Some(error),
                }
            }
            Ok(_) => {}
            Err(error) => refusal = Some(EngineError::from(error)),
        }
        let mut links = lock(&self.links);
        let link = &mut links[index];
        link.is_opening = false;
        let now = self.now_ns();
        let calls_again = is_kept(link);
        let surplus = started.take_if(|_| calls_again);
        let Some(started) = started else {
            link.try_later(now, self.is_virtual());
            self.tell_refusal(link, refusal.as_ref());
            // The old stream may be what keeps the device.
            let gives_up = link.away().is_some_and(|(since_ns, _)| {
                !calls_again && (is_busy || now.saturating_sub(since_ns) > GIVE_UP_NS)
            });
            if gives_up && let Some(stream) = link.stream.take() {
                link.xruns += stream.status().xruns();
                if let Phase::Stalled { since_ns } = link.phase {
                    link.phase = Phase::Away { since_ns };
                }
                self.stage.leave(&link.seat.role);
                drop(links);
                self.retire(stream);
            } else if let Some(surplus) = surplus {
                drop(links);
                self.retire(surplus.stream);
            }
            return;
        };
        let old = self.install(link, started, moves, falls_back);
        if link.newcomer.is_some() {
            link.try_later(now, self.is_virtual());
        }
        drop(links);
        if let Some(old) = old {
            self.retire(old);
        }
    }

    /// Why a device that is there cannot be had, once while it is away.
    fn tell_refusal(&self, link: &mut Link, refusal: Option<&EngineError>) {
        let Some(error) = refusal.filter(|_| !link.is_refusal_told && link.stream.is_none()) else {
            return;
        };
        let is_absent = |error: &EngineError| match error {
            EngineError::Device(error) => is_absent(error),
            _ => false,
        };
        if !is_absent(error) {
            link.is_refusal_told = true;
            let note = format!(
                "\"{}\" cannot be opened again yet: {error}",
                name(&link.info)
            );
            lock(&self.notes).push(note);
        }
    }

    /// What is known of the clock of the device that was opened: of another one only what was
    /// remembered, if anything was. It is paired with whoever calls now.
    fn known(&self, index: usize, mut known: Known, info: &StreamInfo, falls_back: bool) -> Known {
        let links = lock(&self.links);
        let mut before = &links[index].info;
        if let Some(absent) = links[index].absent.as_ref().filter(|_| !falls_back) {
            (before, known) = (&absent.info, absent.known);
        }
        let is_same = (&before.input_device, &before.output_device)
            == (&info.input_device, &info.output_device);
        if !is_same {
            let remembered = self.stage.remembered.known(info);
            if remembered.capture.is_some() || remembered.play.is_some() {
                known = remembered;
            }
            known.caller = None;
        }
        if !known.is_old {
            known = known.at_rate(before.sample_rate_hz, info.sample_rate_hz);
        }
        // A master that comes back at another rate is bridged for the first time, by the clock it had.
        let is_bridged = links[index].seat.role.is_master
            && info.output_channels > 0
            && info.sample_rate_hz != self.stage.sample_rate_hz;
        if is_bridged
            && known.play.is_none()
            && let Some(to_error) = known.caller
        {
            known.is_old = false;
            let margins = links.iter().filter_map(|link| link.learned()[0]);
            known.play = Some(Learned {
                from_error: 0.0,
                to_error,
                margin_frames: margins.map(|known| known.margin_frames).fold(0.0, f64::max),
            });
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

    /// A device is opened again, or another in its place. That it is back is told once it calls.
    fn install(
        &self,
        link: &mut Link,
        mut started: Started,
        moves: bool,
        falls_back: bool,
    ) -> Option<Box<dyn Stream>> {
        self.stage.take_seat(&link.seat, &mut started);
        let info = started.stream.info().clone();
        let before = name(&link.info);
        let away = link.away();
        let first = link.newcomer.take();
        let mut returns_from_ns = None;
        if falls_back {
            let since_ns = first.as_ref().and_then(|first| first.returns_from_ns);
            let since_ns = since_ns.or(away.map(|(since_ns, _)| since_ns));
            let since_ns = since_ns.unwrap_or_else(|| self.now_ns());
            if link.absent.is_none() {
                link.absent = Some(Absent::of(link, since_ns));
            }
        } else if let Some(absent) = link.absent.take() {
            returns_from_ns = Some(absent.since_ns);
            link.known = absent.known;
            link.info = absent.info;
        } else {
            returns_from_ns = first.as_ref().and_then(|first| first.returns_from_ns);
        }
        if !falls_back && (moves || !link.is_known_by_id()) {
            link.id = [info.input_device.clone(), info.output_device.clone()];
        }
        if away.is_some() {
            let before = first.map_or(before, |newcomer| newcomer.before);
            link.newcomer = Some(Newcomer {
                before,
                moves,
                returns_from_ns,
            });
        } else if let Some(since_ns) = returns_from_ns {
            let kind = DeviceEventKind::Back {
                after_s: seconds(self.now_ns(), since_ns),
                sample_rate_hz: info.sample_rate_hz,
            };
            self.tell(name(&info), kind);
        } else {
            self.tell(before, DeviceEventKind::Moved { to: name(&info) });
        }
        let old = link.stream.replace(started.stream);
        if let Some(old) = &old {
            link.xruns += old.status().xruns();
        }
        let settled = (name(&link.info), link.info.buffer_frames);
        link.calls
            .begin_anew(settled == (name(&info), info.buffer_frames));
        if settled.1 != info.buffer_frames
            && let Some(asked) = self.wishes.buffer_frames
        {
            lock(&self.notes).extend(note_of_another(asked, &info));
        }
        let before_hz = link.info.sample_rate_hz;
        link.known = link.known.at_rate(before_hz, info.sample_rate_hz);
        link.info = info;
        link.number = started.number;
        link.started_ns = self.now_ns();
        (link.capture, link.play) = (started.capture, started.play);
        link.set_away(away.map(|(_, cause)| cause));
        old
    }

    /// A device calls again, or another does in its place.
    pub(super) fn welcome(&self, link: &mut Link) {
        let Some((since_ns, _)) = link.away() else {
            return;
        };
        let called_ns = link.stream.as_ref();
        let called_ns = called_ns.map_or(since_ns, |stream| stream.status().last_callback_ns());
        let after_s = seconds(called_ns, since_ns);
        let now = name(&link.info);
        let back = |after_s| DeviceEventKind::Back {
            after_s,
            sample_rate_hz: link.info.sample_rate_hz,
        };
        let (device, kind) = match link.newcomer.take() {
            None => (now, DeviceEventKind::Resumed { after_s }),
            Some(Newcomer {
                returns_from_ns: Some(since_ns),
                ..
            }) => (now, back(seconds(called_ns, since_ns))),
            Some(Newcomer { before, moves, .. }) if moves => {
                (before, DeviceEventKind::Moved { to: now })
            }
            Some(Newcomer { before, .. }) if before == now => (before, back(after_s)),
            Some(Newcomer { before, .. }) => {
                (before, DeviceEventKind::Replaced { by: now, after_s })
            }
        };
        self.tell(device, kind);
        link.set_away(None);
        link.is_refusal_told = false;
        link.phase = Phase::Up;
    }

    /// The session starts on a fallback, since what was asked for is not there.
    pub(super) fn tell_stand_in(&self, link: &mut Link) {
        let asked = [&link.seat.role.output, &link.seat.role.input];
        let asked = asked.into_iter().flatten();
        let named = asked.filter_map(|port| port.device.clone()).next();
        let (by, after_s) = (name(&link.info), 0.0);
        let kind = DeviceEventKind::Replaced { by, after_s };
        self.tell(named.unwrap_or_default(), kind);
        link.absent = Some(Absent::of(link, self.now_ns()));
    }

    /// Whether the device whose fallback sounds has been there for long enough.
    fn stays(&self, index: usize, is_there: bool) -> bool {
        let now_ns = self.now_ns();
        let absent = &mut lock(&self.links)[index].absent;
        let absent = absent.as_mut();
        absent.is_none_or(|absent| absent.stays(is_there, now_ns, STAYS_NS))
    }

    /// What is asked of a device that is opened again, or of another that is the default now.
    pub(super) fn request(&self, link: &Link) -> StreamRequest {
        let host = link.seat.role.host;
        let port = |port: &Option<Port>, id: &Option<String>, channels: usize| {
            port.as_ref().map(|port| Port {
                device: match (id, &port.device) {
                    (Some(id), Some(asked)) if host == HostKind::Jack => Some(ports_of(id, asked)),
                    (id, asked) => id.clone().or_else(|| asked.clone()),
                },
                channels: match id {
                    None if port.device.is_some() => port.channels,
                    _ => Some(channels).filter(|&channels| channels > 0),
                },
            })
        };
        let role = &link.seat.role;
        let info = link
            .absent
            .as_ref()
            .map_or(&link.info, |absent| &absent.info);
        let [input, output] = link.targets();
        // A sound server would resample: what does not call the core takes its device's own rate.
        let is_free = (link.moves() || !link.is_known_by_id())
            && !role.is_master
            && role.host == HostKind::PulseAudio;
        StreamRequest {
            input: port(&role.input, &input, info.input_channels),
            output: port(&role.output, &output, info.output_channels),
            sample_rate_hz: Some(info.sample_rate_hz).filter(|_| !is_free),
            buffer_frames: self.wishes.buffer_frames,
            leave_unconnected: self.wishes.leave_unconnected,
            realtime: self.wishes.realtime,
            by_id: link.is_known_by_id(),
        }
    }
}

/// The ports of a client of JACK that were asked for: all, or those with a part of a name.
fn ports_of(client: &str, asked: &str) -> String {
    let asked = asked.strip_prefix("jack:").unwrap_or(asked);
    match asked.split_once(':') {
        _ if asked == client => client.to_owned(),
        Some((owner, part)) if owner == client => format!("{client}:{part}"),
        _ => format!("{client}:{asked}"),
    }
}

#[cfg(test)]
mod tests {
    use super::ports_of;

    #[test]
    fn ports_of_a_client_that_were_asked_for_are_asked_for_again() {
        for (asked, again) in [
            ("system", "system"),
            ("jack:system", "system"),
            ("system:capture_2", "system:capture_2"),
            ("jack:system:capture_2", "system:capture_2"),
            ("capture_2", "system:capture_2"),
        ] {
            assert_eq!(ports_of("system", asked), again);
        }
    }
}
