//! Stereo low-passes in a row in Firewheel and in fundsp, for a program that times its own beside.
//!
//! `ossicle-peers FRAMES BLOCK RATE_HZ QUALITY CORNER_HZ...` reads so many interleaved stereo
//! frames of f32 from its input, then lines until the input ends:
//!
//! - `sound NAME` is answered with the frames that come out, as they came in;
//! - `time NAME` with a line: nanoseconds of processor time for a frame.
//!
//! NAME is `firewheel` or `fundsp`. Each goes on from where its last run ended.

mod firewheel;
mod fundsp;
#[path = "../../src/stopwatch.rs"]
#[allow(dead_code)]
mod stopwatch;

use std::hint::black_box;
use std::io::{BufRead, Read, Write};

use anyhow::{Context, Result, bail};

/// The filters all sides run.
struct Filters {
    sample_rate_hz: u32,
    quality: f32,
    corners_hz: Vec<f32>,
}

/// A graph of the filters, driven as its backend would.
trait Peer {
    /// Runs interleaved stereo frames of at most one block.
    fn run(&mut self, input: &[f32], output: &mut [f32]);
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [frames, block, rate, quality, corners @ ..] = words.as_slice() else {
        bail!("usage: ossicle-peers FRAMES BLOCK RATE_HZ QUALITY CORNER_HZ...");
    };
    let (frames, block): (usize, usize) = (frames.parse()?, block.parse()?);
    let filters = Filters {
        sample_rate_hz: rate.parse()?,
        quality: quality.parse()?,
        corners_hz: corners
            .iter()
            .map(|hz| hz.parse())
            .collect::<Result<_, _>>()?,
    };
    let mut peers: [(&str, Box<dyn Peer>); 2] = [
        (
            "firewheel",
            Box::new(firewheel::Graph::new(&filters, block)?),
        ),
        ("fundsp", Box::new(fundsp::Graph::new(&filters, block)?)),
    ];

    let mut asked = std::io::stdin().lock();
    let mut answers = std::io::stdout().lock();
    let mut bytes = vec![0; frames * 2 * size_of::<f32>()];
    asked.read_exact(&mut bytes).context("reading the frames")?;
    let (samples, _) = bytes.as_chunks();
    let input: Vec<f32> = samples
        .iter()
        .map(|&sample| f32::from_le_bytes(sample))
        .collect();
    let mut output = vec![0.0; input.len()];
    for line in asked.lines() {
        let line = line?;
        let (what, name) = line.split_once(' ').context("a line of two words")?;
        let peer = peers.iter_mut().find(|(known, _)| *known == name);
        let (_, peer) = peer.with_context(|| format!("{name} is not known"))?;
        let ns = time(peer.as_mut(), &input, &mut output, block);
        match what {
            "time" => writeln!(answers, "{}", ns / frames as f64)?,
            "sound" => {
                let bytes: Vec<u8> = output.iter().flat_map(|s| s.to_le_bytes()).collect();
                answers.write_all(&bytes)?;
            }
            _ => bail!("{what} is not known"),
        }
        answers.flush()?;
    }
    Ok(())
}

/// Nanoseconds of processor time for all blocks.
fn time(peer: &mut dyn Peer, input: &[f32], output: &mut [f32], block: usize) -> f64 {
    let blocks = input.chunks(block * 2).zip(output.chunks_mut(block * 2));
    let begin = stopwatch::cpu_nanoseconds();
    for (input, output) in blocks {
        peer.run(black_box(input), output);
    }
    (stopwatch::cpu_nanoseconds() - begin) as f64
}
