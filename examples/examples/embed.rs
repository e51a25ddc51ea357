//! The shortest useful program: you hear the input through a limiter.

use ossicle::chain::Chain;
use ossicle::session::{Session, SessionConfig};

fn main() -> anyhow::Result<()> {
    let chain = Chain::parse("envelope_limiter:threshold=-3dBFS")?;
    let mut config = SessionConfig::live(chain);
    config.host = ossicle_examples::host()?;
    let session = Session::start(config)?;
    std::thread::sleep(ossicle_examples::length());
    let ended = session.stop()?;
    println!(
        "{} frames, latency {} frames",
        ended.frames, ended.latency_frames
    );
    Ok(())
}
