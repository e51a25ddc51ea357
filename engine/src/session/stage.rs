//! Starts the streams of a session's devices, in the beginning and whenever one comes back.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ossicle_dsp::clock::Learned;
use ossicle_dsp::resample::{Kernel, Taps};
use ossicle_io::device::{Call, Callback, HostKind, PendingStream, Port, Stream, StreamInfo};

use super::core::{Caller, Core};
use super::device::Device;
use super::fallback::Fallback;
use super::lanes::{LaneFrom, Map, OutLine, straight};
use super::post::{Parcel, Sender};
use super::raw::RawTakes;
use super::remembered::Remembered;
use super::shared::Shared;
use super::slot::{Lent, Slot};
use crate::bridge::{BridgeReader, BridgeSpec, BridgeStats, BridgeWriter, bridge};
use crate::error::EngineError;

/// What a device of the session is for.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) host: HostKind,
    pub(super) input: Option<Port>,
    pub(super) output: Option<Port>,
    /// Its place among the capture devices.
    pub(super) lane: Option<usize>,
    /// Its place among the playback devices beside the first.
    pub(super) out: Option<usize>,
    /// Its number among all playback devices, from 0: what routes count in.
    pub(super) plays: usize,
    /// What stands in for its devices, in and out, while they are not there.
    pub(super) fallbacks: [Option<Fallback>; 2],
    /// One did as the session started.
    pub(super) fell_back: bool,
    /// It calls the core while it can.
    pub(super) is_master: bool,
}

/// A device's place in the session, which outlives its streams.
#[derive(Clone)]
pub(super) struct Seat {
    pub(super) role: Role,
    /// The number of the stream whose calls count.
    pub(super) gate: Arc<AtomicU64>,
    /// Recordings of its own sound.
    pub(super) takes: Option<Arc<Slot<RawTakes>>>,
}

/// A stream that runs, and what is read of its bridges. Its calls count once it has
/// [taken its seat](Stage::take_seat).
pub(super) struct Started {
    pub(super) stream: Box<dyn Stream>,
    pub(super) number: u64,
    pub(super) capture: Option<BridgeSide>,
    pub(super) play: Option<BridgeSide>,
    /// What the core is sent with that.
    parcels: Vec<Parcel>,
    is_bridged: bool,
}

/// A bridge, as the control side sees it.
#[derive(Clone, Debug)]
pub(super) struct BridgeSide {
    pub(super) stats: Arc<BridgeStats>,
    pub(super) from_hz: u32,
    pub(super) to_hz: u32,
}

/// What was learned of a device's clock: as one that captures, as one that plays, and as the one
/// that calls the core.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    pub(super) capture: Option<Learned>,
    pub(super) play: Option<Learned>,
    pub(super) caller: Option<f64>,
    /// It is of another session, not of a moment ago.
    pub(super) is_old: bool,
}

/// What all streams of a session have in common.
pub(super) struct Stage {
    pub(super) shared: Arc<Shared>,
    pub(super) slot: Arc<Slot<Core>>,
    /// The number of the stream that calls the core.
    pub(super) pace: Arc<AtomicU64>,
    /// The number of the master's last stream: the pace is its from its first call on.
    pub(super) master: Arc<AtomicU64>,
    pub(super) remembered: Remembered,
    /// The host of the device that was the master last.
    pub(super) master_host: Mutex<HostKind>,
    pub(super) sample_rate_hz: u32,
    pub(super) channels_out: usize,
    /// Frames of a call of the core, as far as is known.
    pub(super) period: usize,
    pub(super) taps: Taps,
    /// For each playback device, what its channels play, where that was asked for.
    pub(super) routes: Vec<Option<Map>>,
    pub(super) post: Mutex<Sender>,
    pub(super) kernels: Mutex<BTreeMap<(u32, u32), Arc<Kernel>>>,
    pub(super) numbers: AtomicU64,
}

/// One side of a bridge: its device's host, rate in hertz, and frames of a call as far as is known.
#[derive(Clone, Copy)]
struct Side {
    host: HostKind,
    sample_rate_hz: u32,
    period: usize,
}

impl Stage {
    /// Starts a settled stream: it will call the core where it is the master and has the session's rate,
    /// else it is bridged. Whatever runs in its seat goes on meanwhile.
    pub(super) fn start(
        &self,
        seat: &Seat,
        known: Known,
        pending: Box<dyn PendingStream>,
    ) -> Result<Started, EngineError> {
        let info = pending.info().clone();
        let number = self.numbers.fetch_add(1, AcqRel) + 1;
        let master_host = *lock(&self.master_host);
        if seat.role.is_master && info.sample_rate_hz == self.sample_rate_hz {
            return self.start_master(seat, known, number, &info, pending);
        }
        // All clients of a JACK server are called by one clock; so the master has to be one.
        let one_clock = info.host == HostKind::Jack
            && !seat.role.is_master
            && info.sample_rate_hz == self.sample_rate_hz
            && master_host == HostKind::Jack
            && self.pace.load(Acquire) == self.master.load(Acquire);
        let spec = |channels, from: Side, to: Side, learned| BridgeSpec {
            channels,
            from_hz: from.sample_rate_hz,
            to_hz: to.sample_rate_hz,
            from_period: from.period,
            to_period: to.period,
            one_clock,
            late_ns: from.host.usual_lateness_ns(),
            is_back: Option::is_some(&learned) && !known.is_old,
            learned,
        };
        let own = Side {
            host: info.host,
            sample_rate_hz: info.sample_rate_hz,
            period: info.buffer_frames as usize,
        };
        let session = Side {
            host: master_host,
            sample_rate_hz: self.sample_rate_hz,
            period: self.period,
        };
        let lane = seat.role.lane.filter(|_| info.input_channels > 0);
        let mut parcels = Vec::new();
        let (mut capture, mut capture_side) = (None, None);
        if let Some(lane) = lane {
            let channels = info.input_channels;
            let spec = spec(channels, own, session, known.capture);
            let (writer, reader, side) = self.bridge(&spec)?;
            parcels.push(Parcel::Lane(lane, LaneFrom::Bridge(Box::new(reader))));
            (capture, capture_side) = (Some(writer), Some(side));
        }
        let (mut play, mut play_side) = (None, None);
        if info.output_channels > 0 {
            let channels = info.output_channels;
            let spec = spec(channels, session, own, known.play);
            let (writer, reader, side) = self.bridge(&spec)?;
            let line = OutLine::new(writer, self.map(seat.role.plays, channels));
            let place = seat.role.out.unwrap_or(0);
            parcels.push(Parcel::Out(place, Some(Box::new(line))));
            (play, play_side) = (Some(reader), Some(side));
        }
        let fits = |takes: &Arc<Slot<RawTakes>>| {
            let fits = Lent::from(takes)
                .and_then(|mut lent| lent.value().map(|t| t.fits(own.sample_rate_hz)));
            fits.unwrap_or(true)
        };
        let device = Device {
            stream: number,
            gate: seat.gate.clone(),
            capture,
            takes: seat.takes.clone().filter(fits),
            missed: 0,
            called_ns: 0,
            play,
            shared: self.shared.clone(),
        };
        Ok(Started {
            stream: pending.start(device_callback(device))?,
            number,
            capture: capture_side,
            play: play_side,
            parcels,
            is_bridged: true,
        })
    }

    fn start_master(
        &self,
        seat: &Seat,
        known: Known,
        number: u64,
        info: &StreamInfo,
        pending: Box<dyn PendingStream>,
    ) -> Result<Started, EngineError> {
        let caller = Caller {
            stream: number,
            is_clock: false,
            error: known.caller,
            plays: self.map(seat.role.plays, info.output_channels),
        };
        let stream = pending.start(core_callback(self, caller))?;
        // It may have been bridged for a while.
        let lane = seat.role.lane;
        let lane = lane.map(|lane| Parcel::Lane(lane, LaneFrom::Caller));
        let out = Parcel::Out(seat.role.out.unwrap_or(0), None);
        Ok(Started {
            stream,
            number,
            capture: None,
            play: None,
            parcels: lane.into_iter().chain([out]).collect(),
            is_bridged: false,
        })
    }

    /// Starts a clock that calls the core; it does so once the pace is its.
    pub(super) fn start_clock(
        &self,
        pending: Box<dyn PendingStream>,
    ) -> Result<(Box<dyn Stream>, u64), EngineError> {
        let number = self.numbers.fetch_add(1, AcqRel) + 1;
        let caller = Caller {
            stream: number,
            is_clock: true,
            // It is the clock that all times are told by.
            error: Some(0.0),
            plays: Map::default(),
        };
        Ok((pending.start(core_callback(self, caller))?, number))
    }

    /// The calls of a stream that has started count from now on, and those of the one before no more.
    pub(super) fn take_seat(&self, seat: &Seat, started: &mut Started) {
        let parcels = started.parcels.drain(..);
        parcels.for_each(|parcel| self.send(parcel));
        seat.gate.store(started.number, Release);
        if seat.role.is_master {
            *lock(&self.master_host) = started.stream.info().host;
            let caller = if started.is_bridged {
                0
            } else {
                started.number
            };
            self.master.store(caller, Release);
        }
    }

    /// The device of this place plays nothing any more. What it captured fades out by itself.
    pub(super) fn leave(&self, role: &Role) {
        if role.is_master || role.out.is_some() {
            self.send(Parcel::Out(role.out.unwrap_or(0), None));
        }
    }

    fn bridge(
        &self,
        spec: &BridgeSpec,
    ) -> Result<(BridgeWriter, BridgeReader, BridgeSide), EngineError> {
        let rates = (spec.from_hz, spec.to_hz);
        let mut kernels = lock(&self.kernels);
        let kernel = match kernels.get(&rates) {
            Some(kernel) => kernel.clone(),
            None => {
                let kernel = Arc::new(Kernel::new(self.taps, rates.0, rates.1)?);
                kernels.entry(rates).or_insert(kernel).clone()
            }
        };
        drop(kernels);
        let (writer, reader) = bridge(spec, kernel);
        let side = BridgeSide {
            stats: reader.stats().clone(),
            from_hz: spec.from_hz,
            to_hz: spec.to_hz,
        };
        Ok((writer, reader, side))
    }

    fn map(&self, plays: usize, channels: usize) -> Map {
        match self.routes.get(plays) {
            Some(Some(map)) => (0..channels)
                .map(|channel| map.get(channel).copied().flatten())
                .collect(),
            _ => straight(self.channels_out, channels),
        }
    }

    fn send(&self, parcel: Parcel) {
        // Where the core takes nothing, nobody hears what the parcel is for.
        let _ = lock(&self.post).send(parcel);
    }
}

/// What calls the core while the pace is its. The master takes it with its first call: a stream that
/// is never called leaves it to the clock.
fn core_callback(stage: &Stage, caller: Caller) -> Callback {
    let (slot, pace, master) = (stage.slot.clone(), stage.pace.clone(), stage.master.clone());
    Box::new(move |call: &mut Call<'_>| {
        if master.load(Acquire) == caller.stream {
            pace.store(caller.stream, Release);
        } else if pace.load(Acquire) != caller.stream {
            return;
        }
        if let Some(core) = Lent::from(&slot).as_mut().and_then(Lent::value) {
            core.run(call, &caller);
        }
    })
}

/// What a device calls that is bridged.
fn device_callback(mut device: Device) -> Callback {
    Box::new(move |call: &mut Call<'_>| device.run(call))
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
