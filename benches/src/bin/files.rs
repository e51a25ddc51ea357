//! Reads a sound file through the buffered array and prints what it took, in processor time of
//! this thread, system calls included, opening the file excluded.
//!
//! - `files sequential FILE BUFFER_S BLOCK_FRAMES`: ns per frame.
//! - `files random FILE WINDOW_FRAMES COUNT`: us per window.

use std::hint::black_box;

use anyhow::{Context, Result, bail, ensure};
use ossicle::io::buffered_array::{BufferedArray, FileSource};
use ossicle_benches::stopwatch::cpu_seconds;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let figure = match words.as_slice() {
        ["sequential", file, buffer_s, block] => {
            sequential(file, buffer_s.parse()?, block.parse()?)?
        }
        ["random", file, window, count] => random(file, window.parse()?, count.parse()?)?,
        _ => bail!("usage: files sequential FILE SECONDS FRAMES | files random FILE FRAMES COUNT"),
    };
    println!("{figure}");
    Ok(())
}

fn open(file: &str, buffer_frames: usize) -> Result<BufferedArray<FileSource<f32>>> {
    BufferedArray::open(file, buffer_frames, 0).with_context(|| format!("opening {file}"))
}

fn sequential(file: &str, buffer_s: f64, block: u64) -> Result<f64> {
    let mut array = open(file, 0)?;
    array.set_bufferframes((array.rate() * buffer_s) as usize);
    let (all, channels) = (array.frames(), array.channels());
    let mut frames = 0;
    let mut failed = None;
    let seconds = cpu_seconds(|| {
        let Ok(mut blocks) = array.blocks(block, 0, ..) else {
            return;
        };
        loop {
            match blocks.next_block() {
                Ok(Some(samples)) => frames += (black_box(samples).len() / channels) as u64,
                Ok(None) => break,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    ensure!(frames == all, "{frames} frames of {all} were read");
    Ok(seconds / frames as f64 * 1e9)
}

fn random(file: &str, window: u64, count: u32) -> Result<f64> {
    let mut array = open(file, 0)?;
    let places = array
        .frames()
        .checked_sub(window)
        .context("the file is shorter than a window")?;
    let mut state = 1_u64;
    let mut samples = 0;
    let mut failed = None;
    let seconds = cpu_seconds(|| {
        for _ in 0..count {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let start = (state >> 33) % places.max(1);
            match array.range(start..start + window) {
                Ok(window) => samples += black_box(window).len() as u64,
                Err(error) => failed = Some(error),
            }
        }
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    let asked = u64::from(count) * window * array.channels() as u64;
    ensure!(samples == asked, "{samples} samples of {asked} were read");
    Ok(seconds / f64::from(count) * 1e6)
}
