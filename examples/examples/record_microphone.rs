//! Nothing to hear: the input goes to a WAV file, and what was lost is told.

use ossicle::io::file::Overwrite;
use ossicle::record::{RecordConfig, Tap};
use ossicle::session::{Session, SessionConfig};

fn main() -> anyhow::Result<()> {
    let path = std::env::temp_dir().join("ossicle-microphone.wav");
    let mut config = SessionConfig::record(&path);
    config.host = ossicle_examples::host()?;
    config.record = vec![RecordConfig {
        tap: Tap::Input,
        overwrite: Overwrite::Replace,
        ..RecordConfig::new(&path)
    }];
    let session = Session::start(config)?;
    std::thread::sleep(ossicle_examples::length());
    let ended = session.stop()?;
    for recorded in ended.recorded {
        println!("{}: {} frames", recorded.path.display(), recorded.frames);
        for gap in recorded.gaps {
            println!(
                "{} frames lost at {} ({:?})",
                gap.frames, gap.position, gap.cause
            );
        }
    }
    Ok(())
}
