//! A signal of your own: you hear one second of a 440 Hz tone, then it ends by itself.

use std::f64::consts::TAU;

use ossicle::chain::Chain;
use ossicle::session::{BlockInfo, Flow, Session, SessionConfig, Source};

fn main() -> anyhow::Result<()> {
    let tone = |block: &mut [f32], info: &BlockInfo| {
        for (frame, samples) in block.chunks_exact_mut(info.channels).enumerate() {
            let seconds = (info.position + frame as u64) as f64 / f64::from(info.sample_rate_hz);
            samples.fill((0.2 * (TAU * 440.0 * seconds).sin()) as f32);
        }
        match info.position < u64::from(info.sample_rate_hz) {
            true => Flow::Continue,
            false => Flow::Complete,
        }
    };
    let mut config = SessionConfig::live(Chain::parse("envelope_limiter")?);
    config.host = ossicle_examples::host()?;
    config.input = None;
    config.source = Source::Own {
        callback: Box::new(tone),
        channels: 1,
    };
    let mut session = Session::start(config)?;
    while !session.report().ended {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    println!("{} frames", session.stop()?.frames);
    Ok(())
}
