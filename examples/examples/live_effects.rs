//! You hear the input with an echo whose level goes up and down, changed while it runs.

use std::time::{Duration, Instant};

use ossicle::chain::Chain;
use ossicle::session::{Session, SessionConfig};

fn main() -> anyhow::Result<()> {
    let chain = Chain::parse(
        "parametric_eq:b1_type=high_pass,b1_freq=80Hz \
         | delay:time=300ms,feedback=40%,mix=0% \
         | envelope_limiter:threshold=-1dBFS",
    )?;
    let mut config = SessionConfig::live(chain);
    config.host = ossicle_examples::host()?;
    let mut session = Session::start(config)?;
    let delay = session.controller().nodes().nth(1).map(|(node, _)| node);
    let began = Instant::now();
    while began.elapsed() < ossicle_examples::length() {
        let report = session.report();
        if report.ended {
            break;
        }
        let mix = 25.0 - 25.0 * (began.elapsed().as_secs_f64() * 0.5).cos();
        if let Some(delay) = delay {
            session
                .controller()
                .set(delay, "mix", &format!("{mix:.1}%"), 0)?;
        }
        while session.controller().answer().is_some() {}
        std::thread::sleep(Duration::from_millis(50));
    }
    let ended = session.stop()?;
    println!(
        "{} frames, {} xruns, peak {:.2}",
        ended.frames, ended.xruns, ended.peak
    );
    Ok(())
}
