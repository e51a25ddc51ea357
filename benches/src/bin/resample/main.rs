//! Prints what the resampling kernel costs beside rubato's sinc of the same length, and what each
//! leaves of a sine.
//!
//! 48 kHz to 48 kHz at 100 ppm, in blocks of 256 frames, everything from interleaved input to
//! interleaved output; alternating runs, the middle of nine, in processor time of this thread.
//! rubato has the same number of rows and straight lines between them, a squared Blackman-Harris
//! window and the cutoff it chooses for it.

mod control;
mod quality;
mod rubato;

use anyhow::{Result, ensure};
use ossicle::dsp::resample::{Head, History, Kernel, Taps};
use ossicle_benches::signal::swelling_noise;
use ossicle_benches::stopwatch::{cpu_seconds, median};

use crate::quality::gain_and_residual_db;
use crate::rubato::Rubato;

const RATE_HZ: u32 = 48_000;
const RUNS: usize = 9;
/// Output frames of a run: four seconds of sound.
const FRAMES: usize = 4 * 48_000;
/// Frames of a block.
const BLOCK: usize = 256;
/// Input frames for an output frame.
const STEP: f64 = 1.000_1;

/// Either side: makes the next block from frames that `input` gives.
trait Resample {
    /// Fills `out` with interleaved frames. `input` writes the next frames, interleaved.
    fn block(&mut self, input: &mut dyn FnMut(&mut [f32]), out: &mut [f32]) -> Result<()>;
}

struct Ours {
    kernel: Kernel,
    history: History,
    head: Head,
    piece: Vec<f32>,
}

impl Ours {
    fn new(taps: usize, channels: usize) -> Result<Self> {
        let kernel = Kernel::new(Taps::try_from(taps)?, RATE_HZ, RATE_HZ)?;
        let mut history = History::new(channels, 4 * BLOCK);
        history.write_silence(kernel.frames_before() as u64);
        Ok(Self {
            head: Head::at(kernel.frames_before() as u64),
            piece: vec![0.0; BLOCK * channels],
            kernel,
            history,
        })
    }
}

impl Resample for Ours {
    fn block(&mut self, input: &mut dyn FnMut(&mut [f32]), out: &mut [f32]) -> Result<()> {
        let needed =
            self.kernel
                .frames_needed(&self.head, STEP, STEP, out.len() / self.history.channels());
        while self.history.end() < self.head.index + needed {
            input(&mut self.piece);
            self.history.write(&self.piece);
        }
        let made = self
            .kernel
            .read(&self.history, &mut self.head, STEP, STEP, out);
        ensure!(made * self.history.channels() == out.len(), "{made} frames");
        Ok(())
    }
}

/// Taps and channels that are judged, and the most they may take of a core for a channel, in percent.
const JUDGED: (usize, usize) = (64, 8);
const MOST_PERCENT: f64 = 0.1;

fn main() -> Result<()> {
    println!("{RATE_HZ} Hz, blocks of {BLOCK}, median of {RUNS} alternating runs, processor time");
    println!(
        "{:>5}{:>9}{:>11}{:>12}{:>9}{:>8}",
        "taps", "channels", "ns/frame", "%/channel", "rubato", "ratio"
    );
    let mut judged_percent = f64::INFINITY;
    for taps in [32, 64, 128] {
        for channels in [1, 2, 8] {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for _ in 0..RUNS {
                ours.push(run(&mut Ours::new(taps, channels)?, channels)?);
                theirs.push(run(&mut Rubato::new(taps, channels)?, channels)?);
            }
            let (ours, theirs) = (median(ours), median(theirs));
            let core = ours * 1e-9 * f64::from(RATE_HZ) * 100.0 / channels as f64;
            let ratio = theirs / ours;
            if (taps, channels) == JUDGED {
                judged_percent = core;
            }
            println!("{taps:>5}{channels:>9}{ours:>11.2}{core:>12.4}{theirs:>9.2}{ratio:>7.2}x");
        }
    }
    let holds = control::tell();
    println!(
        "\n{:>5}{:>8}{:>20}{:>20}",
        "taps", "", "10 kHz leaves, dB", "gain at 20 kHz, dB"
    );
    for taps in [32, 64, 128] {
        quality_row(taps, "ours", || Ours::new(taps, 1))?;
        quality_row(taps, "rubato", || Rubato::new(taps, 1))?;
    }
    ensure!(holds, "the control loop takes too long");
    ensure!(
        judged_percent <= MOST_PERCENT,
        "a channel takes {judged_percent:.4} % of a core at {} taps and {} channels (at most \
         {MOST_PERCENT})",
        JUDGED.0,
        JUDGED.1
    );
    Ok(())
}

fn quality_row<R: Resample>(taps: usize, name: &str, new: impl Fn() -> Result<R>) -> Result<()> {
    let (_, residual_db) = gain_and_residual_db(&mut new()?, 10_000.0)?;
    let (gain_db, _) = gain_and_residual_db(&mut new()?, 20_000.0)?;
    println!("{taps:>5}{name:>8}{residual_db:>20.1}{gain_db:>20.3}");
    Ok(())
}

/// Time for an output frame of all channels, in ns.
fn run(resample: &mut impl Resample, channels: usize) -> Result<f64> {
    let noise = swelling_noise(RATE_HZ as usize * channels, 4_800);
    let mut at = 0;
    let mut input = |frames: &mut [f32]| {
        if at + frames.len() > noise.len() {
            at = 0;
        }
        frames.copy_from_slice(&noise[at..at + frames.len()]);
        at += frames.len();
    };
    let mut out = vec![0.0; BLOCK * channels];
    // The first blocks bring code and tables into the caches.
    for _ in 0..8 {
        resample.block(&mut input, &mut out)?;
    }
    let mut result = Ok(());
    let seconds = cpu_seconds(|| {
        result = (0..FRAMES / BLOCK).try_for_each(|_| resample.block(&mut input, &mut out));
    });
    result?;
    Ok(seconds * 1e9 / FRAMES as f64)
}
