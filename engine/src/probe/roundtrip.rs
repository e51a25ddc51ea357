//! How long sound takes from an output through a cable, or the air, to an input.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ossicle_io::device::{HostKind, Port};
use ossicle_io::ring::touched;

use super::error::ProbeError;
use super::mls::{LENGTH, Sequence};
use super::peak::{Peak, peak};
use crate::session::{BlockInfo, Ended, Flow, Report, Session, SessionConfig, Source};

/// Periods of the signal before it is listened to: all of it has come round then, whatever the delay
/// below a period.
const LEAD: usize = 1;
/// Periods that are listened to, each of which tells the delay.
const PERIODS: usize = 2;
/// Channels of the input that are listened to.
const CHANNELS: usize = 8;
/// What came back stands out by so much of all else, or it is nothing: the largest of 65,535 random
/// numbers is about 4.3 times their root mean square.
const STANDS_OUT: f64 = 8.0;
/// Both periods agree within this, in frames, or something moved.
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
    /// How often it is tried; 3 unless told.
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
    /// Difference of the two periods, in frames.
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
/// It takes 4.1 s at 48 kHz, at most `attempts` times. `is_asked` is asked often whether to give up.
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
    let sequence = Arc::new(Sequence::new());
    let attempts = config.attempts.max(1);
    let mut last = ProbeError::Stopped;
    for attempt in 1..=attempts {
        match Attempt::run(config, &sequence, is_asked)?.judge(&sequence, config.level_db) {
            Ok(found) => {
                return Ok(Roundtrip {
                    attempts: attempt,
                    ..found
                });
            }
            Err(Fault::Silent { output, input }) => {
                last = ProbeError::NothingCameBack {
                    output,
                    input,
                    attempts,
                };
            }
            Err(Fault::Disturbed(what)) => {
                last = ProbeError::Disturbed {
                    attempts,
                    last: what,
                };
            }
        }
    }
    Err(last)
}

/// Why an attempt tells nothing.
enum Fault {
    Silent { output: String, input: String },
    Disturbed(String),
}

/// What came in while the signal went out.
struct Attempt {
    ended: Ended,
    /// Interleaved, the frames from stream position `first` on.
    heard: Vec<f32>,
    channels: usize,
    first: usize,
    /// What went wrong once the lead was over.
    trouble: Option<String>,
}

impl Attempt {
    fn run(
        config: &RoundtripConfig,
        sequence: &Arc<Sequence>,
        is_asked: &mut dyn FnMut() -> bool,
    ) -> Result<Self, ProbeError> {
        let (heard_in, mut heard_out) = touched(CHANNELS * (LEAD + PERIODS) * LENGTH, || 0.0);
        let said = Arc::new(Said::default());
        let mut player = Player {
            sequence: sequence.clone(),
            amplitude: 10.0_f64.powf(config.level_db / 20.0) as f32,
            heard: heard_in,
            left: (LEAD + PERIODS) * LENGTH,
            said: said.clone(),
        };
        let mut session = Session::start(SessionConfig {
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
        let (mut before, mut report) = (None, session.report());
        while !report.ended {
            if is_asked() {
                return Err(ProbeError::Stopped);
            }
            thread::sleep(LOOK);
            report = session.report();
            if before.is_none() && report.frames >= (LEAD * LENGTH) as u64 {
                before = Some(losses(&report));
            }
        }
        let after = losses(&report);
        let ended = session.stop()?;
        let channels = said.channels.load(Ordering::Acquire);
        let mut heard = vec![0.0; heard_out.slots()];
        heard.fill_with(|| heard_out.pop().unwrap_or_default());
        let trouble = match before {
            _ if said.is_torn.load(Ordering::Acquire) => Some("frames were lost".to_owned()),
            Some(before) if before == after => None,
            None => Some("it ended too early".to_owned()),
            Some(before) => Some(format!(
                "{} xruns, {} frames lost or made up",
                after[0] - before[0],
                after[1] - before[1]
            )),
        };
        Ok(Self {
            ended,
            heard,
            channels: channels.clamp(1, CHANNELS),
            first: said.first.load(Ordering::Acquire) as usize,
            trouble,
        })
    }

    /// The delay, if both periods agree.
    fn judge(self, sequence: &Sequence, level_db: f64) -> Result<Roundtrip, Fault> {
        if self.heard.len() < (LEAD + PERIODS) * LENGTH * self.channels {
            let trouble = self.trouble.unwrap_or_default();
            return Err(Fault::Disturbed(format!("it ended too early: {trouble}")));
        }
        let amplitude = 10.0_f64.powf(level_db / 20.0);
        let response = |channel: usize, period: usize| {
            let begin = (LEAD + period) * LENGTH;
            let heard: Vec<f32> = self.heard[begin * self.channels + channel..]
                .iter()
                .step_by(self.channels)
                .take(LENGTH)
                .copied()
                .collect();
            let mut response = sequence.response(&heard, self.first + begin);
            response.iter_mut().for_each(|value| *value /= amplitude);
            response
        };
        let found = |channel: usize| {
            let of_channel: Vec<_> = (0..PERIODS)
                .map(|period| response(channel, period))
                .collect();
            let peaks: Vec<Peak> = of_channel.iter().filter_map(|of| peak(of)).collect();
            (peaks.len() == PERIODS).then_some((channel, peaks, of_channel))
        };
        let loudest = (0..self.channels)
            .filter_map(found)
            .max_by(|a, b| a.1[0].value.abs().total_cmp(&b.1[0].value.abs()));
        let stands_out = |peak: &Peak| peak.value.abs() > STANDS_OUT * peak.rest;
        let Some((channel, peaks, mut responses)) =
            loudest.filter(|(_, peaks, _)| peaks.iter().any(stands_out))
        else {
            return Err(Fault::Silent {
                output: self.ended.output_device.unwrap_or_default(),
                input: self.ended.input_device.unwrap_or_default(),
            });
        };
        let (one, two) = (peaks[0], peaks[1]);
        let apart = (two.frames - one.frames).abs();
        // The way round the end of the period is a way too.
        let spread_frames = apart.min(LENGTH as f64 - apart);
        if let Some(trouble) = self.trouble {
            return Err(Fault::Disturbed(trouble));
        }
        if spread_frames > AGREE_FRAMES {
            let moved = format!("the delay moved by {spread_frames:.1} frames");
            return Err(Fault::Disturbed(moved));
        }
        let latency_frames = match apart > AGREE_FRAMES {
            true => one.frames,
            false => 0.5 * (one.frames + two.frames),
        };
        Ok(Roundtrip {
            latency_frames,
            spread_frames,
            margin_frames: self.ended.latency_frames,
            device_latency_frames: self.ended.device_latency_frames,
            sample_rate_hz: self.ended.sample_rate_hz,
            buffer_frames: self.ended.buffer_frames,
            host: self.ended.host,
            input_device: self.ended.input_device,
            output_device: self.ended.output_device,
            channel,
            gain: one.value,
            stands_out: one.value.abs() / one.rest,
            attempts: 1,
            response: responses.swap_remove(0),
        })
    }
}

/// Xruns; frames lost and made up.
fn losses(report: &Report) -> [u64; 2] {
    let frames = report.overrun_frames + report.underrun_frames + report.skipped_frames;
    [report.xruns, frames]
}

/// What the real-time thread tells of the frames it put into the ring.
#[derive(Default)]
struct Said {
    channels: AtomicUsize,
    /// Stream position of the first of them.
    first: AtomicU64,
    /// They are not all that there were.
    is_torn: AtomicBool,
}

/// Plays the signal and keeps what comes in, on the real-time thread.
struct Player {
    sequence: Arc<Sequence>,
    amplitude: f32,
    heard: rtrb::Producer<f32>,
    /// Frames still to come.
    left: usize,
    said: Arc<Said>,
}

impl Player {
    fn play(&mut self, block: &mut [f32], info: &BlockInfo) -> Flow {
        let begun = (LEAD + PERIODS) * LENGTH - self.left;
        if begun == 0 {
            self.said.channels.store(info.channels, Ordering::Release);
            self.said.first.store(info.position, Ordering::Release);
        } else if self.said.first.load(Ordering::Relaxed) + begun as u64 != info.position {
            self.said.is_torn.store(true, Ordering::Release);
        }
        let position = info.position as usize;
        for (at, frame) in block.chunks_exact_mut(info.channels).enumerate() {
            if self.left > 0 {
                self.left -= 1;
                for &sample in frame.iter().take(CHANNELS) {
                    // The ring holds all of them.
                    let _ = self.heard.push(sample);
                }
            }
            frame.fill(self.amplitude * self.sequence.sample(position + at));
        }
        if self.left == 0 {
            Flow::Complete
        } else {
            Flow::Continue
        }
    }
}
