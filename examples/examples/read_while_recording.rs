//! Nothing to hear: while the input is recorded, what came so far is read by index.

use std::time::{Duration, Instant};

use ossicle::io::buffered_array::BufferedArray;
use ossicle::io::file::Overwrite;
use ossicle::record::RecordConfig;
use ossicle::session::{Session, SessionConfig};

fn main() -> anyhow::Result<()> {
    let path = std::env::temp_dir().join("ossicle-growing.wav");
    let mut config = SessionConfig::record(&path);
    config.host = ossicle_examples::host()?;
    config.record = vec![RecordConfig {
        overwrite: Overwrite::Replace,
        ..RecordConfig::new(&path)
    }];
    let mut session = Session::start(config)?;
    let take = session.takes().remove(0);
    // A window of a second, moved to wherever it is wanted.
    let mut array = BufferedArray::new(take.source(), session.sample_rate_hz() as usize, 0);
    let began = Instant::now();
    while began.elapsed() < ossicle_examples::length() && !session.report().ended {
        std::thread::sleep(Duration::from_millis(500));
        let middle = array.frames() / 2;
        let peak = array
            .range(middle..middle + 100)?
            .iter()
            .fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        println!(
            "{} frames so far; peak in the middle {peak:.3}",
            array.frames()
        );
    }
    session.stop()?;
    Ok(())
}
