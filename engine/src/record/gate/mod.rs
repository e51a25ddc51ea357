//! The gate between the record ring and the take: which part of the stream is recorded.
//!
//! Pure: it sees frames and losses in the order of the stream, and is exact to the frame however the
//! stream is cut.

mod config;
mod desk;
mod history;
mod outlet;
#[cfg(test)]
mod tests;
mod time;

use std::sync::Arc;

use ossicle_io::ring::Cause;

pub use config::{Begin, GateConfig, Silence};
pub(crate) use desk::{Desk, Lead};
pub use desk::{GateState, Gated, Pause};

use config::{frames, magnitude};
use desk::{Order, OrderKind};
use history::History;
use outlet::Outlet;

use crate::error::EngineError;

/// How far into the past an order may be, in seconds.
const SLACK_SECONDS: f64 = 1.0;

/// The most memory that what was before the begin may have, in bytes: 12 hours of a channel at
/// 48 kHz.
const MOST_BYTES: u64 = 8 << 30;

/// What passes the gate.
pub(crate) enum Passed<'a> {
    /// Whole interleaved frames.
    Audio(&'a [f32]),
    /// So many frames that were lost.
    Lost {
        /// How many.
        frames: u64,
        /// What lost them.
        cause: Cause,
    },
}

/// Which of several recordings this is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// The one whose sound begins and ends them.
    First(Arc<Lead>),
    /// One that begins with it.
    Further(Arc<Lead>),
}

/// What a gate waits for.
enum Wait {
    Order,
    Sound { level: f32 },
    Lead(Arc<Lead>),
}

/// Lets a part of the stream through.
pub(crate) struct Gate {
    channels: usize,
    sample_rate_hz: u32,
    state: GateState,
    wait: Wait,
    preroll_frames: u64,
    /// Stream position of the next frame, and where the stream is by now.
    position: u64,
    newest: u64,
    history: History,
    outlet: Outlet,
    lead: Option<Arc<Lead>>,
    /// It was told to begin, and no frame has passed since.
    ordered: bool,
    desk: Arc<Desk>,
}

impl Gate {
    /// # Errors
    /// [`PrerollTooLong`](EngineError::PrerollTooLong).
    pub(crate) fn new(
        config: &GateConfig,
        place: Place,
        channels: usize,
        sample_rate_hz: u32,
        desk: Arc<Desk>,
    ) -> Result<Self, EngineError> {
        let preroll_frames = frames(config.preroll_seconds, sample_rate_hz);
        let kept = preroll_frames.saturating_add(frames(SLACK_SECONDS, sample_rate_hz));
        let frame_bytes = (channels * size_of::<f32>()) as u64;
        let bytes = kept.saturating_mul(frame_bytes);
        let history = (bytes <= MOST_BYTES).then(|| History::new(channels, kept));
        let history = history.flatten().ok_or(EngineError::PrerollTooLong {
            asked_seconds: config.preroll_seconds,
            bytes,
            allowed_bytes: MOST_BYTES,
        })?;
        let is_further = matches!(place, Place::Further(_));
        let (wait, lead) = match (config.begin, place) {
            (Begin::OnSound { level_dbfs }, Place::First(lead)) => {
                let level = magnitude(level_dbfs);
                (Wait::Sound { level }, Some(lead))
            }
            (Begin::OnSound { .. }, Place::Further(lead)) => (Wait::Lead(lead), None),
            _ => (Wait::Order, None),
        };
        let mut gate = Self {
            channels,
            sample_rate_hz,
            state: GateState::Waiting,
            wait,
            preroll_frames,
            position: 0,
            newest: 0,
            history,
            outlet: Outlet::new(config, !is_further, channels, sample_rate_hz),
            lead,
            ordered: false,
            desk,
        };
        if config.begin == Begin::AtOnce {
            gate.ordered = true;
            gate.begin(0);
        }
        Ok(gate)
    }

    /// The next of the stream, which is at `newest` by now; what passes goes to `out`, with its
    /// position in the stream.
    pub(crate) fn take(
        &mut self,
        piece: Passed<'_>,
        newest: u64,
        out: &mut impl FnMut(u64, Passed<'_>),
    ) {
        self.newest = newest;
        match piece {
            Passed::Audio(mut samples) => {
                while !samples.is_empty() {
                    let frames = (samples.len() / self.channels) as u64;
                    let frames = frames.min(self.until_order(out)) as usize;
                    let used = self.audio(&samples[..frames * self.channels], out);
                    samples = &samples[used * self.channels..];
                }
            }
            Passed::Lost { mut frames, cause } => {
                while frames > 0 {
                    let now = frames.min(self.until_order(out));
                    self.position += now;
                    match self.state {
                        GateState::Waiting | GateState::Paused => self.history.lost(now, cause),
                        GateState::Recording => {
                            let piece = Passed::Lost { frames: now, cause };
                            self.pass(self.position - now, piece, out);
                        }
                        GateState::Ended => {}
                    }
                    frames -= now;
                }
            }
        }
    }

    /// The stream has ended: tells how long a pause was that lasts until then.
    pub(crate) fn finish(&self) {
        if self.state == GateState::Paused {
            let position = self.position;
            self.desk.tell(|gated| end_pause(gated, position));
        }
    }

    /// Carries out what is due; returns the frames until the next order.
    fn until_order(&mut self, out: &mut impl FnMut(u64, Passed<'_>)) -> u64 {
        if let (GateState::Waiting, Wait::Lead(lead)) = (self.state, &self.wait)
            && let Some(at) = lead.begun_at(self.sample_rate_hz)
        {
            self.begin(at);
            self.let_out(at, out);
        }
        while let Some(Order { at, kind }) = self.desk.take_due(self.position) {
            match (kind, self.state) {
                (OrderKind::Go, GateState::Waiting) => {
                    let at = at.saturating_sub(self.preroll_frames);
                    self.ordered = true;
                    self.begin(at);
                    self.let_out(at, out);
                }
                (OrderKind::Go, GateState::Paused) => self.resume(at, out),
                (OrderKind::Pause, GateState::Recording) => self.pause(),
                _ => {}
            }
        }
        self.desk
            .next_at()
            .map_or(u64::MAX, |at| at.saturating_sub(self.position))
    }

    /// Takes frames, no order among them; returns how many.
    fn audio(&mut self, samples: &[f32], out: &mut impl FnMut(u64, Passed<'_>)) -> usize {
        let mut frames = samples.len() / self.channels;
        match self.state {
            GateState::Ended => self.position += frames as u64,
            GateState::Paused => self.keep(samples),
            GateState::Waiting => {
                let loud = match &self.wait {
                    Wait::Sound { level } => first_loud(samples, self.channels, *level),
                    _ => None,
                };
                frames = loud.unwrap_or(frames);
                self.keep(&samples[..frames * self.channels]);
                if loud.is_some() {
                    let at = self.position.saturating_sub(self.preroll_frames);
                    self.begin(at);
                    self.let_out(at, out);
                }
            }
            GateState::Recording => {
                self.position += frames as u64;
                let position = self.position - frames as u64;
                self.pass(position, Passed::Audio(samples), out);
            }
        }
        frames
    }

    fn keep(&mut self, samples: &[f32]) {
        self.history.audio(samples);
        self.position += (samples.len() / self.channels) as u64;
    }

    /// Begins at `at` of the stream, or as near as what is kept goes.
    fn begin(&mut self, at: u64) {
        let first = at.max(self.history.first()).min(self.position);
        self.state = GateState::Recording;
        self.desk.tell(|gated| {
            gated.state = GateState::Recording;
            gated.first_frame = Some(first);
        });
        if let Some(lead) = &self.lead {
            lead.begin(first);
        }
    }

    /// Goes on at `at` of the stream, or as near as what is kept goes.
    fn resume(&mut self, at: u64, out: &mut impl FnMut(u64, Passed<'_>)) {
        let at = at.max(self.history.first()).min(self.position);
        self.state = GateState::Recording;
        self.desk.tell(|gated| {
            gated.state = GateState::Recording;
            end_pause(gated, at);
        });
        self.let_out(at, out);
    }

    fn pause(&mut self) {
        let pause = Pause {
            position: self.outlet.frames(),
            stream_position: self.position,
            frames: 0,
        };
        self.state = GateState::Paused;
        self.history.restart(self.position);
        self.desk.tell(|gated| {
            gated.state = GateState::Paused;
            gated.pauses.push(pause);
        });
    }

    /// Passes on what is kept, from `at` on.
    fn let_out(&mut self, at: u64, out: &mut impl FnMut(u64, Passed<'_>)) {
        self.tell_time();
        let (history, outlet) = (&mut self.history, &mut self.outlet);
        let mut ended = false;
        history.drain(at, |position, piece| {
            ended = ended || outlet.pass(position, piece, out);
        });
        self.tell_passed(ended);
    }

    fn pass(&mut self, position: u64, piece: Passed<'_>, out: &mut impl FnMut(u64, Passed<'_>)) {
        self.tell_time();
        let ended = self.outlet.pass(position, piece, out);
        self.tell_passed(ended);
    }

    /// Before the first frame: what time it is of.
    fn tell_time(&self) {
        if self.outlet.frames() == 0 {
            self.desk.tell_time(self.newest, self.sample_rate_hz);
        }
    }

    fn tell_passed(&mut self, ended: bool) {
        if self.ordered && self.outlet.frames() > 0 {
            self.ordered = false;
            self.desk.tell_begun();
        }
        if ended {
            self.state = GateState::Ended;
            self.desk.tell(|gated| gated.state = GateState::Ended);
        }
    }
}

fn end_pause(gated: &mut Gated, position: u64) {
    if let Some(pause) = gated.pauses.last_mut() {
        pause.frames = position - pause.stream_position;
    }
}

/// The first frame with a sample that reaches `level`.
fn first_loud(samples: &[f32], channels: usize, level: f32) -> Option<usize> {
    let loud = samples.iter().position(|sample| sample.abs() >= level);
    loud.map(|sample| sample / channels)
}
