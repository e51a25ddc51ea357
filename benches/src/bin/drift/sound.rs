//! What the bridge does to a tone: the real kernel, moved by the real loop.

use std::f64::consts::TAU;

use ossicle::dsp::clock::{DriftLoop, LoopSpec, Read};
use ossicle::dsp::resample::{Head, History, Kernel, Taps};

use super::notch::take_away;
use super::plant::{Lateness, Rate};
use super::trial::{Call, RATE_HZ, Setting, walk};

/// The tones, one in each channel, in hertz.
const TONES_HZ: [f64; 2] = [997.0, 10_000.0];
/// -1 dBFS.
const AMPLITUDE: f64 = 0.891_250_938;
/// Frames that are judged: 1.4 s, and the frames of a block.
const FRAMES: usize = 1 << 16;
const BLOCK: usize = 256;
/// A rate of the devices as the kernel takes it.
const RATE: u32 = RATE_HZ as u32;

/// Calls late by so many microseconds, after so many seconds, and the most that may be left of each
/// tone, in dB. Without lateness the ratio is frozen.
const BARS: [(f64, f64, [f64; 2]); 6] = [
    (0.0, 0.0, [-140.0, f64::INFINITY]),
    (50.0, 120.0, [f64::INFINITY, -120.0]),
    (500.0, 120.0, [-135.0, -112.0]),
    (2000.0, 120.0, [f64::INFINITY, f64::INFINITY]),
    (50.0, 10.0, [f64::INFINITY, f64::INFINITY]),
    (500.0, 10.0, [f64::INFINITY, f64::INFINITY]),
];
/// Offsets between the clocks, in millionths.
const OFFSETS_PPM: [f64; 2] = [-500.0, 500.0];
/// Where the passband is tried, in hertz, and how flat it must be, in dB.
const PASSBAND_HZ: [f64; 6] = [20.0, 997.0, 5_000.0, 10_000.0, 15_000.0, 20_000.0];
const FLAT_DB: f64 = 0.01;

/// Tells what is left of the tones and how flat the passband is; returns how many bars do not hold.
pub fn tell(seeds: u64, quantile: f64) -> u32 {
    println!("THD+N at -1 dBFS, 64 taps, +-500 ppm, the notch 20 Hz wide; {seeds} seeds");
    let mut missed = 0;
    for (late_us, after_s, most_db) in BARS {
        let seeds = if late_us == 0.0 { 1 } else { seeds };
        let found: Vec<[f64; 2]> = (0..seeds)
            .flat_map(|seed| OFFSETS_PPM.map(|ppm| (seed, ppm)))
            .map(|(seed, ppm)| match late_us {
                0.0 => frozen_db(ppm),
                _ => live_db(&Lateness::Uniform(late_us * 1e3), ppm, after_s + 1.5, seed),
            })
            .map(|found| found.unwrap_or([f64::INFINITY; 2]))
            .collect();
        let name = match late_us {
            0.0 => "ratio frozen".to_owned(),
            _ => format!("late by {late_us} us, from {after_s} s on"),
        };
        for (channel, hz) in TONES_HZ.into_iter().enumerate() {
            let mut of_tone: Vec<f64> = found.iter().map(|found| found[channel]).collect();
            of_tone.sort_by(f64::total_cmp);
            let index = (of_tone.len() as f64 * quantile).ceil() as usize;
            let (middle, told) = (of_tone[of_tone.len() / 2], of_tone[index.max(1) - 1]);
            let (bound, verdict) = verdict(told, most_db[channel]);
            missed += u32::from(!verdict.is_empty());
            println!("  {name:28} {hz:6} Hz {told:12.1} dB ({bound}; median {middle:.1}){verdict}");
        }
    }
    let flat_db = PASSBAND_HZ
        .into_iter()
        .flat_map(|hz| OFFSETS_PPM.map(|ppm| gain_db(hz, ppm).map_or(f64::INFINITY, f64::abs)))
        .fold(0.0, f64::max);
    let (bound, verdict) = verdict(flat_db, FLAT_DB);
    println!("  passband, 20 Hz to 20 kHz {flat_db:27.4} dB ({bound}){verdict}");
    missed + u32::from(!verdict.is_empty())
}

fn verdict(found: f64, most: f64) -> (String, &'static str) {
    if most.is_finite() {
        (
            format!("at most {most}"),
            if found <= most { "" } else { "  MISSED" },
        )
    } else {
        ("told".to_owned(), "")
    }
}

/// What is left of each tone, in dB, at the end of `seconds` with the loop live; `None` where the
/// bridge had too little to read or jumped.
fn live_db(late: &Lateness, ppm: f64, seconds: f64, seed: u64) -> Option<[f64; 2]> {
    let kernel = Kernel::new(Taps::Taps64, RATE, RATE).ok()?;
    let setting = Setting {
        seconds,
        from: Rate {
            constant: ppm,
            ..Rate::default()
        },
        to: Rate::default(),
        late: late.clone(),
        from_block: BLOCK as u64,
        block: BLOCK as u64,
        seed,
        steady_s: seconds,
        traced: false,
    };
    let mut drift = DriftLoop::new(LoopSpec {
        from_hz: RATE_HZ,
        to_hz: RATE_HZ,
        ahead_frames: kernel.frames_after() as f64,
        late_frames: 0.0,
        learned: None,
    });
    let heard_s = FRAMES as f64 / RATE_HZ;
    let mut history = History::new(TONES_HZ.len(), 8 * BLOCK);
    let mut out = Output::new(1.0 + ppm * 1e-6);
    walk(&setting, |call| match call {
        Call::Written { end, time_ns } => {
            // Sound a little before it is judged: the kernel and the margin reach back.
            if time_ns as f64 * 1e-9 > seconds - heard_s - 0.2 {
                write_tones(&mut history, end);
            }
            drift.written(end, time_ns);
        }
        Call::Wanted { end, time_ns, .. } => {
            let read = drift.read(end, time_ns, BLOCK);
            if time_ns as f64 * 1e-9 > seconds - heard_s - 0.05 {
                out.read(&kernel, &history, read);
            }
        }
    });
    out.residuals_db()
}

/// The same where the ratio stands still.
fn frozen_db(ppm: f64) -> Option<[f64; 2]> {
    let kernel = Kernel::new(Taps::Taps64, RATE, RATE).ok()?;
    let step = 1.0 + ppm * 1e-6;
    let mut history = History::new(TONES_HZ.len(), 8 * BLOCK);
    let mut out = Output::new(step);
    let mut head = Head::at(kernel.frames_before() as u64);
    for _ in 0..FRAMES / BLOCK {
        while history.end() < head.index + (2 * BLOCK) as u64 {
            let end = history.end() + BLOCK as u64;
            write_tones(&mut history, end);
        }
        let read = Read {
            frame: head.index,
            fraction: head.fraction,
            jump: false,
            step_from: step,
            step_to: step,
        };
        out.read(&kernel, &history, Some(read));
        head = out.head;
    }
    out.residuals_db()
}

/// Gain of a tone at a frozen ratio, in dB.
fn gain_db(hz: f64, ppm: f64) -> Option<f64> {
    let kernel = Kernel::new(Taps::Taps64, RATE, RATE).ok()?;
    let step = 1.0 + ppm * 1e-6;
    let frames = FRAMES + 2 * kernel.taps() + 64;
    let input: Vec<f32> = (0..frames as u64).map(|frame| tone(hz, frame)).collect();
    let mut history = History::new(1, frames);
    history.write(&input);
    let mut head = Head::at(kernel.frames_before() as u64);
    let mut out = vec![0.0; FRAMES];
    let made = kernel.read(&history, &mut head, step, step, &mut out);
    let left = take_away(&out, hz / RATE_HZ * step);
    (made == FRAMES).then(|| 10.0 * (left.tone / (0.5 * AMPLITUDE * AMPLITUDE)).log10())
}

fn tone(hz: f64, frame: u64) -> f32 {
    (AMPLITUDE * (TAU * (hz / RATE_HZ * frame as f64).fract()).sin()) as f32
}

/// Writes frames up to `end`.
fn write_tones(history: &mut History, end: u64) {
    if history.end() == 0 {
        history.restart_at(end - BLOCK as u64);
    }
    let frames: Vec<f32> = (history.end()..end)
        .flat_map(|frame| TONES_HZ.map(|hz| tone(hz, frame)))
        .collect();
    history.write(&frames);
}

/// What the bridge gave.
struct Output {
    /// The writer's frames per frame of the reader's, in truth.
    step: f64,
    head: Head,
    frames: Vec<f32>,
    is_whole: bool,
}

impl Output {
    fn new(step: f64) -> Self {
        Self {
            step,
            head: Head::default(),
            frames: Vec::new(),
            is_whole: true,
        }
    }

    fn read(&mut self, kernel: &Kernel, history: &History, read: Option<Read>) {
        let Some(read) = read else {
            self.is_whole = false;
            return;
        };
        self.head = Head {
            index: read.frame,
            fraction: read.fraction,
        };
        let mut block = [0.0; BLOCK * TONES_HZ.len()];
        let made = kernel.read(
            history,
            &mut self.head,
            read.step_from,
            read.step_to,
            &mut block,
        );
        self.is_whole &= made == BLOCK && !read.jump;
        self.frames.extend(block);
    }

    fn residuals_db(&self) -> Option<[f64; 2]> {
        let channels = TONES_HZ.len();
        let begin = self.frames.len().checked_sub(FRAMES * channels)?;
        let mut left_db = [0.0; TONES_HZ.len()];
        for (channel, hz) in TONES_HZ.into_iter().enumerate() {
            let samples = self.frames[begin + channel..].iter().step_by(channels);
            let plane: Vec<f32> = samples.copied().collect();
            let left = take_away(&plane, hz / RATE_HZ * self.step);
            left_db[channel] = 10.0 * (left.rest / (left.tone + left.rest)).log10();
        }
        self.is_whole.then_some(left_db)
    }
}
