//! The devices at the core's two ends: where its input comes from, and who plays its output beside
//! the master.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use ossicle_io::device::Call;
use ossicle_io::ring::Cause;

use super::core::CHUNK_FRAMES;
use super::delay_line::DelayLine;
use super::shared::{Shared, count};
use crate::bridge::{BridgeReader, BridgeWriter, Lack};

/// A common delay that is more than is needed shrinks by so many frames for each frame.
const SHRINKS: f64 = 8e-6;

/// For each channel that is filled, the channel it comes from, if any.
pub(super) type Map = Box<[Option<usize>]>;

/// Channels to as many, one to one; a single one goes to all.
pub(super) fn straight(have: usize, want: usize) -> Map {
    (0..want)
        .map(|channel| match have {
            1 => Some(0),
            _ => Some(channel).filter(|&channel| channel < have),
        })
        .collect()
}

/// Copies frames, channel by channel; what comes from none is silent.
pub(super) fn spread(from: &[f32], from_channels: usize, to: &mut [f32], map: &[Option<usize>]) {
    if map.is_empty() {
        return;
    }
    let is_straight =
        from_channels == map.len() && map.iter().enumerate().all(|(at, from)| *from == Some(at));
    if is_straight {
        to.copy_from_slice(from);
        return;
    }
    for (channel, source) in map.iter().enumerate() {
        let to = to[channel..].iter_mut().step_by(map.len());
        match source {
            Some(source) => {
                let from = from[*source..].iter().step_by(from_channels);
                to.zip(from).for_each(|(to, from)| *to = *from);
            }
            None => to.for_each(|sample| *sample = 0.0),
        }
    }
}

/// Where a lane's frames come from.
pub(super) enum LaneFrom {
    /// Nowhere: its device was not there yet.
    Away,
    /// The device that calls the core, in the same call.
    Caller,
    /// Another device.
    Bridge(Box<BridgeReader>),
}

/// A capture device.
pub(super) struct Lane {
    pub(super) from: LaneFrom,
    /// Channels of the device as the session began.
    pub(super) channels: usize,
    /// Where its channels go in the core's input: the device's and the core's.
    pub(super) places: Box<[(usize, usize)]>,
    /// Makes it as late as the others where it has no drift loop to do so.
    pub(super) line: Option<DelayLine>,
}

/// All capture devices.
pub(super) struct Lanes {
    lanes: Box<[Lane]>,
    /// The core's input is the only lane's frames as they are.
    is_plain: bool,
    scratch: Box<[f32]>,
    /// Why frames that were filled last are silence, and those of one lane.
    lacks: Box<[Option<Lack>]>,
    lane_lacks: Box<[Option<Lack>]>,
    /// What the first device captured last, where the core's input is another.
    first: Box<[f32]>,
    first_is_there: bool,
    /// Frames by which all are late, where some need a line for that.
    common: f64,
}

impl Lanes {
    pub(super) fn new(mut lanes: Vec<Lane>, channels_in: usize, sample_rate_hz: u32) -> Self {
        if lanes.len() > 1 {
            for lane in &mut lanes {
                lane.line = Some(DelayLine::new(lane.channels, sample_rate_hz));
            }
        }
        let widest = lanes.iter().map(|lane| lane.channels).max().unwrap_or(1);
        let is_plain = matches!(&lanes[..], [lane] if lane.channels == channels_in
            && lane.places.len() == channels_in
            && lane.places.iter().enumerate().all(|(at, place)| *place == (at, at)));
        Self {
            is_plain,
            scratch: vec![0.0; CHUNK_FRAMES * widest].into(),
            lacks: vec![None; CHUNK_FRAMES].into(),
            lane_lacks: match lanes.len() {
                0 | 1 => Box::default(),
                _ => vec![None; CHUNK_FRAMES].into(),
            },
            first: match lanes.first() {
                Some(first) if !is_plain => vec![0.0; CHUNK_FRAMES * first.channels].into(),
                _ => Box::default(),
            },
            first_is_there: false,
            common: 0.0,
            lanes: lanes.into(),
        }
    }

    /// What the first device captured of the frames that were filled last, into `input`; `None`
    /// where it is away.
    pub(super) fn first<'a>(&'a self, input: &'a [f32], frames: usize) -> Option<&'a [f32]> {
        let channels = self.lanes.first()?.channels;
        let captured = if self.is_plain {
            input
        } else {
            self.first.get(..frames * channels)?
        };
        self.first_is_there.then_some(captured)
    }

    /// Puts another source in a lane's place; returns the one before.
    pub(super) fn replace(&mut self, lane: usize, mut from: LaneFrom) -> LaneFrom {
        match self.lanes.get_mut(lane) {
            Some(lane) => {
                if let (LaneFrom::Bridge(new), LaneFrom::Bridge(old)) = (&mut from, &lane.from) {
                    new.replaces(old);
                }
                if let Some(line) = &mut lane.line {
                    line.clear();
                }
                core::mem::replace(&mut lane.from, from)
            }
            None => from,
        }
    }

    /// The core is called by another clock from now on.
    pub(super) fn is_back(&mut self, error: Option<f64>) {
        for lane in &mut self.lanes {
            if let LaneFrom::Bridge(reader) = &mut lane.from {
                reader.is_back(error);
            }
        }
    }

    /// The core has lost frames: what goes through a line has lost them too.
    pub(super) fn lose(&mut self, frames: u64, cause: Cause) {
        for line in self.lanes.iter_mut().filter_map(|lane| lane.line.as_mut()) {
            line.lose(frames, Lack::Lost(cause));
        }
    }

    /// A call begins that ends before the core's frame `end`. All lanes are as late as the latest.
    pub(super) fn begin(&mut self, end: u64, call: &Call<'_>, shared: &Shared) {
        let many = self.lanes.len() > 1;
        let mut delay_frames = 0.0;
        if many {
            self.agree(call.frames);
            if self.lanes.iter().any(Lane::is_in_step) {
                delay_frames = self.common;
            }
        }
        for lane in &mut self.lanes {
            if let LaneFrom::Bridge(reader) = &mut lane.from {
                if many {
                    reader.wait_for_frames(self.common);
                }
                reader.begin(end, call.time_ns, call.frames);
                let stats = reader.stats();
                delay_frames = (stats.delay_frames() / stats.ratio()).max(delay_frames);
            }
        }
        shared.set_bridge_frames(delay_frames);
    }

    /// Finds by how many frames all lanes are late. Where some have a line it is a whole number, up at
    /// once and down slowly, so that the bridges can follow.
    fn agree(&mut self, frames: usize) {
        let mut needed: f64 = 0.0;
        for lane in &self.lanes {
            if let LaneFrom::Bridge(reader) = &lane.from {
                needed = reader.needed_frames().max(needed);
            }
        }
        let whole = libm::ceil(needed);
        self.common = if !self.lanes.iter().any(Lane::is_in_step) {
            needed
        } else if needed > self.common {
            whole
        } else if needed < self.common - 1.0 || libm::ceil(self.common) > self.common {
            (self.common - frames as f64 * SHRINKS).max(whole)
        } else {
            self.common
        };
    }

    /// Frames that wait on their way to the core, where there is a bridge.
    pub(super) fn waiting_frames(&self) -> Option<u32> {
        self.lanes.iter().find_map(|lane| match &lane.from {
            LaneFrom::Bridge(reader) => Some(reader.waiting_frames() as u32),
            _ => None,
        })
    }

    /// Why each of the frames that were filled last is silence, if it is: where another device
    /// captured it, it is none.
    pub(super) fn lacks(&self, frames: usize) -> &[Option<Lack>] {
        self.lacks.get(..frames).unwrap_or(&[])
    }

    /// Why nothing comes from a device that is bridged, as far as is known.
    pub(super) fn away_cause(&self) -> Option<Cause> {
        self.lanes.iter().find_map(|lane| match &lane.from {
            LaneFrom::Bridge(reader) => reader.stats().away(),
            _ => None,
        })
    }

    /// Fills `out`, `frames` frames of the core's input; `device` is the caller's own input for
    /// them. Returns whether every frame was captured by any device.
    pub(super) fn fill(
        &mut self,
        out: &mut [f32],
        frames: usize,
        device: &[f32],
        shared: &Shared,
    ) -> bool {
        let lacks = &mut self.lacks[..frames];
        if self.is_plain {
            self.first_is_there = self.lanes[0].read(out, frames, device, lacks, shared);
            return lacks.iter().all(Option::is_none);
        }
        let channels_in = out.len() / frames.max(1);
        out.fill(0.0);
        let common = (self.common + 0.5) as usize;
        for (number, lane) in self.lanes.iter_mut().enumerate() {
            let channels = lane.channels;
            let captured = &mut self.scratch[..frames * channels];
            if number == 0 {
                self.first_is_there = lane.read(captured, frames, device, lacks, shared);
                self.first[..frames * channels].copy_from_slice(captured);
                lane.delay(captured, lacks, common);
            } else {
                let lane_lacks = &mut self.lane_lacks[..frames];
                lane.read(captured, frames, device, lane_lacks, shared);
                lane.delay(captured, lane_lacks, common);
                for (lack, of_lane) in lacks.iter_mut().zip(lane_lacks) {
                    *lack = lack.and(*of_lane).and(*lack);
                }
            }
            for &(from, to) in &lane.places {
                let from = captured[from..].iter().step_by(channels);
                let to = out[to..].iter_mut().step_by(channels_in);
                to.zip(from).for_each(|(to, from)| *to += from);
            }
        }
        lacks.iter().all(Option::is_none)
    }
}

impl Lane {
    /// Whether its frames are the caller's own or come by the caller's clock, so that no drift loop
    /// makes them later.
    fn is_in_step(&self) -> bool {
        match &self.from {
            LaneFrom::Away => false,
            LaneFrom::Caller => true,
            LaneFrom::Bridge(reader) => reader.is_in_step(),
        }
    }

    /// Makes frames that were just read as late as the others'.
    fn delay(&mut self, sound: &mut [f32], lacks: &mut [Option<Lack>], common: usize) {
        let own = match &self.from {
            LaneFrom::Caller => 0,
            LaneFrom::Bridge(reader) if reader.is_in_step() => reader.needed_frames() as usize,
            _ => return,
        };
        if let Some(line) = &mut self.line {
            line.run(sound, lacks, common.saturating_sub(own));
        }
    }

    /// The next frames of the device, in the channels it had as the session began, and why some of
    /// them are silence. Returns whether the device is there.
    fn read(
        &mut self,
        out: &mut [f32],
        frames: usize,
        device: &[f32],
        lacks: &mut [Option<Lack>],
        shared: &Shared,
    ) -> bool {
        let is_there = match &mut self.from {
            LaneFrom::Away => {
                out.fill(0.0);
                false
            }
            LaneFrom::Caller if device.len() == out.len() => {
                out.copy_from_slice(device);
                true
            }
            LaneFrom::Caller => {
                fit(device, device.len() / frames.max(1), out, self.channels);
                !device.is_empty()
            }
            LaneFrom::Bridge(reader) if reader.channels() == self.channels => {
                count(&shared.underrun_frames, reader.read(out, lacks) as u64);
                return true;
            }
            LaneFrom::Bridge(reader) => {
                let have = reader.channels();
                let mut piece = [0.0; 1024];
                let most = (piece.len() / have).max(1);
                let outs = out.chunks_mut(most * self.channels);
                for (out, lacks) in outs.zip(lacks.chunks_mut(most)) {
                    let now = out.len() / self.channels;
                    // A frame of more channels than that fits nowhere.
                    let Some(piece) = piece.get_mut(..now * have) else {
                        count(&shared.underrun_frames, now as u64);
                        out.fill(0.0);
                        lacks.fill(Some(Lack::Missing));
                        continue;
                    };
                    count(&shared.underrun_frames, reader.read(piece, lacks) as u64);
                    fit(piece, have, out, self.channels);
                }
                return true;
            }
        };
        lacks.fill((!is_there).then(|| Lack::Away(shared.away_cause())));
        is_there
    }
}

/// Frames of other channels than are wanted: one to one, the others silent.
fn fit(from: &[f32], have: usize, out: &mut [f32], want: usize) {
    out.fill(0.0);
    if have == 0 {
        return;
    }
    for (out, from) in out.chunks_exact_mut(want).zip(from.chunks_exact(have)) {
        for (out, from) in out.iter_mut().zip(from) {
            *out = *from;
        }
    }
}

/// A playback device that another clock calls.
pub(super) struct OutLine {
    pub(super) writer: BridgeWriter,
    /// For each of its channels, that of the core's output.
    pub(super) map: Map,
    pub(super) scratch: Box<[f32]>,
}

impl OutLine {
    pub(super) fn new(writer: BridgeWriter, map: Map) -> Self {
        Self {
            scratch: vec![0.0; CHUNK_FRAMES * writer.channels()].into(),
            writer,
            map,
        }
    }

    /// Frames of the core's output.
    pub(super) fn write(&mut self, output: &[f32], channels: usize, shared: &Shared) {
        let frames = output.len() / channels;
        let samples = &mut self.scratch[..frames * self.map.len()];
        spread(output, channels, samples, &self.map);
        count(&shared.skipped_frames, self.writer.write(samples));
    }

    pub(super) fn lose(&mut self, frames: u64) {
        self.writer.lose(frames, Cause::Xrun);
    }
}
