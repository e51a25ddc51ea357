//! How long sound takes from an output through a cable, or the air, to an input.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use ossicle_io::device::{HostKind, Port};
use ossicle_io::ring::touched;

use super::error::ProbeError;
use super::mls::{LENGTH, Sequence};
use super::peak::{Peak, peak};
use super::player::{CHANNELS, Player, Said};
use crate::error::EngineError;
use crate::session::{Ended, Session, SessionConfig, Source};

/// Of each attempt so many periods of the signal are judged, each of which tells the delay. One goes
/// before the first: all of it has come round then, whatever the delay below a period.
const PERIODS: usize = 2;
/// What came back stands out by so much of all else, or it is nothing: the largest of 65,535 random
/// numbers is about 4.3 times their root mean square.
const STANDS_OUT: f64 = 8.0;
/// Frames of a piece, where the delay moves from one to the other. What a piece of the signal has in
/// common with the rest of it is about the root of this less than what it has with itself.
const PIECE: usize = 8_192;
/// The periods agree within this, in frames, or the delay moves.
const AGREE_FRAMES: f64 = 0.5;
/// Levels of the signal, in dBFS.
const LEVELS_DB: (f64, f64) = (-80.0, 0.0);
/// Time between two looks at the session.
const LOOK: Duration = Duration::from_millis(20);

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct RoundtripConfig {
    /// How the devices are reached; `None` for the first host that answers.
    pub host: Option<HostKind>,
    /// Where the signal comes back.
    pub input: Port,
    /// Where it goes out, on all channels.
    pub output: Port,
    /// Sample rate in hertz; `None` for what the devices prefer.
    pub sample_rate_hz: Option<u32>,
    /// Frames per callback asked for; `None` for a default.
    pub buffer_frames: Option<u32>,
    /// Level of the signal in dBFS, -80 to 0; -12 unless told. It is noise of all frequencies.
    pub level_db: f64,
    /// How often it is tried before it is given up; 3 unless told.
    pub attempts: u32,
}

impl Default for RoundtripConfig {
    fn default() -> Self {
        Self {
            host: None,
            input: Port::default(),
            output: Port::default(),
            sample_rate_hz: None,
            buffer_frames: None,
            level_db: -12.0,
            attempts: 3,
        }
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Roundtrip {
    /// Frames from the callback that wrote a sample to the callback that read it, from the start of
    /// the one's block to the start of the other's: what a live input takes to come out again, the
    /// chain left out. Modulo 65,535 frames.
    pub latency_frames: f64,
    /// How far the delay moved meanwhile, in frames: from one period of the signal to the next, or,
    /// where it moves more than half a frame, from its least to its most.
    pub spread_frames: f64,
    /// Frames of it that the engine holds between the two callbacks.
    pub margin_frames: u64,
    /// What the devices say of their hardware, in frames.
    pub device_latency_frames: Option<u64>,
    /// Sample rate in hertz.
    pub sample_rate_hz: u32,
    /// Frames per callback.
    pub buffer_frames: u32,
    /// The host.
    pub host: String,
    /// The input device.
    pub input_device: Option<String>,
    /// The output device.
    pub output_device: Option<String>,
    /// Channel of the input, from 0, on which most came back.
    pub channel: usize,
    /// Gain of the way at the peak of its response; negative where it turns the sign.
    pub gain: f64,
    /// By how much the peak stands out of all else, a factor.
    pub stands_out: f64,
    /// How often it was tried.
    pub attempts: u32,
    /// The way's response to an impulse, a value for each frame of delay, 65,535 of them.
    pub response: Vec<f64>,
}

/// Sends a maximum length sequence from an output to an input and tells when it came.
///
/// It takes 4.1 s at 48 kHz, and 2.7 s more for each attempt that fails: a connection that is made
/// while it runs is found. `is_asked` is asked often whether to give up.
///
/// # Errors
/// [`ProbeError::NothingCameBack`], [`ProbeError::Disturbed`], [`ProbeError::OutOfRange`],
/// [`ProbeError::Stopped`], and what a session cannot do.
pub fn roundtrip(
    config: &RoundtripConfig,
    is_asked: &mut dyn FnMut() -> bool,
) -> Result<Roundtrip, ProbeError> {
    let (min, max) = LEVELS_DB;
    if !(min..=max).contains(&config.level_db) {
        return Err(ProbeError::OutOfRange {
            name: "the level",
            value: config.level_db,
            min,
            max,
            unit: "dBFS",
        });
    }
    let attempts = config.attempts.max(1);
    let mut run = Run::start(config)?;
    let mut fault = Fault::Silent;
    for attempt in 1..=attempts {
        run.listen_to_the_end_of(attempt as usize, is_asked)?;
        match run.judge() {
            Ok(found) => {
                let ended = run.session.stop().map_err(EngineError::from)?;
                return Ok(told(found, ended, attempt));
            }
            Err(found) => fault = found,
        }
    }
    let ended = run.session.stop().map_err(EngineError::from)?;
    Err(match fault {
        Fault::Silent => ProbeError::NothingCameBack {
            output: ended.output_device.unwrap_or_default(),
            input: ended.input_device.unwrap_or_default(),
            attempts,
        },
        Fault::Disturbed(last) => ProbeError::Disturbed { attempts, last },
    })
}

fn told(found: Found, ended: Ended, attempts: u32) -> Roundtrip {
    Roundtrip {
        latency_frames: found.latency_frames,
        spread_frames: found.spread_frames,
        margin_frames: ended.latency_frames,
        device_latency_frames: ended.device_latency_frames,
        sample_rate_hz: ended.sample_rate_hz,
        buffer_frames: ended.buffer_frames,
        host: ended.host,
        input_device: ended.input_device,
        output_device: ended.output_device,
        channel: found.channel,
        gain: found.peak.value,
        stands_out: found.peak.value.abs() / found.peak.rest,
        attempts,
        response: found.response,
    }
}

/// Why an attempt tells nothing.
enum Fault {
    Silent,
    Disturbed(String),
}

/// What an attempt tells.
struct Found {
    latency_frames: f64,
    spread_frames: f64,
    channel: usize,
    peak: Peak,
    response: Vec<f64>,
}

/// The signal goes out, and what comes in is kept.
struct Run {
    session: Session,
    sequence: Arc<Sequence>,
    amplitude: f32,
    arriving: rtrb::Consumer<f32>,
    said: Arc<Said>,
    /// The last periods that are judged, interleaved, and frames that came in all.
    heard: Vec<f32>,
    frames: usize,
    /// What is counted as lost, and how many frames had come when that last rose.
    losses: [u64; 3],
    troubled: usize,
}

impl Run {
    fn start(config: &RoundtripConfig) -> Result<Self, ProbeError> {
        let sequence = Arc::new(Sequence::new());
        let amplitude = 10.0_f64.powf(config.level_db / 20.0) as f32;
        let (told, arriving) = touched(CHANNELS * LENGTH, || 0.0);
        let said = Arc::new(Said::default());
        let mut player = Player::new(sequence.clone(), amplitude, told, said.clone());
        let session = Session::start(SessionConfig {
            host: config.host,
            input: Some(config.input.clone()),
            output: Some(config.output.clone()),
            sample_rate_hz: config.sample_rate_hz,
            buffer_frames: config.buffer_frames,
            source: Source::Own {
                callback: Box::new(move |block, info| player.play(block, info)),
                channels: 1,
            },
            ..SessionConfig::default()
        })?;
        Ok(Self {
            session,
            sequence,
            amplitude,
            arriving,
            said,
            heard: Vec::new(),
            frames: 0,
            losses: [0; 3],
            troubled: 0,
        })
    }

    fn channels(&self) -> usize {
        self.said
            .channels
            .load(Ordering::Acquire)
            .clamp(1, CHANNELS)
    }

    fn listen_to_the_end_of(
        &mut self,
        attempt: usize,
        is_asked: &mut dyn FnMut() -> bool,
    ) -> Result<(), ProbeError> {
        let wanted = (1 + PERIODS * attempt) * LENGTH;
        while self.frames < wanted {
            if is_asked() {
                return Err(ProbeError::Stopped);
            }
            thread::sleep(LOOK);
            let report = self.session.report();
            let lost = report.overrun_frames + report.underrun_frames + report.skipped_frames;
            let losses = [report.xruns, lost, self.said.offset.load(Ordering::Acquire)];
            let channels = self.channels();
            let arrived = self.arriving.slots() / channels;
            for _ in 0..arrived.min(wanted - self.frames) * channels {
                self.heard.extend(self.arriving.pop());
            }
            self.frames += arrived.min(wanted - self.frames);
            if losses != self.losses {
                (self.losses, self.troubled) = (losses, self.frames);
            }
            if report.ended {
                // It says why when it is stopped; what came is too little.
                break;
            }
        }
        let surplus = self
            .heard
            .len()
            .saturating_sub(PERIODS * LENGTH * self.channels());
        self.heard.drain(..surplus);
        Ok(())
    }

    /// The delay in the periods that came last.
    fn judge(&self) -> Result<Found, Fault> {
        let Some(begin) = self.frames.checked_sub(PERIODS * LENGTH) else {
            return Err(Fault::Disturbed("the devices stopped".to_owned()));
        };
        let channels = 0..self.channels();
        let still = channels
            .clone()
            .filter_map(|channel| self.still(channel, begin));
        let loudest = |a: &Found, b: &Found| {
            let (a, b) = (a.peak.value.abs(), b.peak.value.abs());
            a.total_cmp(&b)
        };
        let found = still.max_by(loudest).or_else(|| {
            let moving = channels.filter_map(|channel| self.moving(channel, begin));
            moving.max_by(loudest)
        });
        match found {
            None => Err(Fault::Silent),
            Some(_) if self.troubled > begin => {
                let [xruns, lost, _] = self.losses;
                Err(Fault::Disturbed(format!(
                    "{xruns} xruns and {lost} frames lost or made up so far"
                )))
            }
            Some(found) => Ok(found),
        }
    }

    /// The delay of a channel where each period tells the same.
    fn still(&self, channel: usize, begin: usize) -> Option<Found> {
        let responses = [0, 1].map(|period| {
            let first = period * LENGTH;
            self.response(channel, begin, first..first + LENGTH)
        });
        let [one, two] = [peak(&responses[0])?, peak(&responses[1])?];
        let apart = around(two.frames - one.frames);
        let agree = stands_out(&one) && stands_out(&two) && apart.abs() <= AGREE_FRAMES;
        let [response, _] = responses;
        agree.then(|| Found {
            latency_frames: (one.frames + 0.5 * apart).rem_euclid(LENGTH as f64),
            spread_frames: apart.abs(),
            channel,
            peak: one,
            response,
        })
    }

    /// The delay of a channel where it moves, as it does while two clocks are brought in step: piece
    /// by piece, the middle of them told.
    fn moving(&self, channel: usize, begin: usize) -> Option<Found> {
        let pieces = PERIODS * LENGTH / PIECE;
        let mut found: Vec<(Peak, Vec<f64>)> = (0..pieces)
            .filter_map(|piece| {
                let response = self.response(channel, begin, piece * PIECE..(piece + 1) * PIECE);
                let peak = peak(&response).filter(stands_out)?;
                Some((peak, response))
            })
            .collect();
        if found.len() < pieces * 3 / 4 {
            return None;
        }
        let first = found[0].0.frames;
        let place = |peak: &Peak| around(peak.frames - first);
        found.sort_by(|a, b| place(&a.0).total_cmp(&place(&b.0)));
        let spread_frames = place(&found[found.len() - 1].0) - place(&found[0].0);
        let (peak, response) = found.swap_remove(found.len() / 2);
        Some(Found {
            latency_frames: peak.frames,
            spread_frames,
            channel,
            peak,
            response,
        })
    }

    /// The response in some of the frames heard, which begin with frame `begin` of all.
    fn response(&self, channel: usize, begin: usize, frames: Range<usize>) -> Vec<f64> {
        let channels = self.channels();
        let mut plane = vec![0.0; LENGTH];
        let samples = self.heard[channel..].iter().step_by(channels);
        let samples = samples.skip(frames.start).take(frames.len());
        for (place, &sample) in plane.iter_mut().zip(samples) {
            *place = sample;
        }
        let position = self.losses[2] as usize + begin + frames.start;
        let mut response = self.sequence.response(&plane, position);
        // A piece has so much less of the signal.
        let scale = LENGTH as f64 / frames.len() as f64 / f64::from(self.amplitude);
        response.iter_mut().for_each(|value| *value *= scale);
        response
    }
}

fn stands_out(peak: &Peak) -> bool {
    peak.value.abs() > STANDS_OUT * peak.rest
}

/// A difference of two delays: the way round the end of the period is a way too.
fn around(frames: f64) -> f64 {
    frames - (frames / LENGTH as f64).round() * LENGTH as f64
}
