//! JACK with the dummy driver: 10 s of play, rec and live at 256 frames.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Error, ensure};
use xtask::peers::jack::{Recording, Signal, Sink, Source, wait_for_port};
use xtask::quiet::repeat_where_jack_tells_xruns;
use xtask::servers::{Jack, JackOptions};

use crate::program::Ossicle;
use crate::pulse::LIMIT;
use crate::sound::{Account, RATE, account, noise, read_wav, write_wav};

/// Frames of the runs that are asked for by `--for 10s`.
const RUN: usize = 10 * RATE;
/// Longest that a client may take to appear.
pub const APPEAR: Duration = Duration::from_secs(10);

/// A recording of two ports as interleaved stereo.
pub fn interleaved(heard: &Recording) -> Vec<f32> {
    let (left, right) = (heard.port(0), heard.port(1));
    left.iter()
        .zip(&right)
        .flat_map(|(left, right)| [*left, *right])
        .collect()
}

#[test]
fn play_of_ten_seconds_is_heard_bit_for_bit() {
    crate::served(|| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("noise.wav");
        let played = noise(RUN);
        write_wav(&file, &played);
        repeat_where_jack_tells_xruns(|| {
            let server = Jack::start(JackOptions::default()).unwrap();
            let sink = Sink::start(&server, "hearer", 2).unwrap();
            let line = "play {} --host jack --buffer 256 --device hearer";
            let outcome = Ossicle::start(server.env(), line, &[&file])
                .finish(LIMIT)
                .ok();
            let heard = sink.finish().unwrap();
            let check = || {
                let told = account(&interleaved(&heard), &played).map_err(Error::msg)?;
                let all = Account {
                    heard: RUN,
                    ..Account::default()
                };
                ensure!(told == all, "{told:?} {}", outcome.json);
                ensure!(outcome.count("frames") == RUN, "{}", outcome.json);
                Ok(())
            };
            (outcome.count("xruns"), check())
        });
    });
}

#[test]
fn rec_of_ten_seconds_holds_what_a_client_played() {
    crate::served(|| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("take.wav");
        let played = noise(RUN + 6 * RATE);
        repeat_where_jack_tells_xruns(|| {
            let server = Jack::start(JackOptions::default()).unwrap();
            let signal = Signal::Samples(played.clone());
            let mut source = Source::start(&server, "player", 2, &signal).unwrap();
            source.go().unwrap();
            let line =
                "rec {} --force --host jack --buffer 256 --channels 2 --device player --for 10s";
            let outcome = Ossicle::start(server.env(), line, &[&file])
                .finish(LIMIT)
                .ok();
            let take = read_wav(&file);
            let check = || {
                ensure!(
                    take.len() / 2 == RUN,
                    "{} frames; {}",
                    take.len() / 2,
                    outcome.json
                );
                let told = account(&take, &played).map_err(Error::msg)?;
                let lost = outcome.count("overrun_frames");
                ensure!(
                    told.heard + told.replaced == RUN,
                    "{told:?} {}",
                    outcome.json
                );
                ensure!(told.replaced == lost, "{told:?} {}", outcome.json);
                Ok(())
            };
            (outcome.count("xruns"), check())
        });
    });
}

#[test]
fn live_record_of_ten_seconds_holds_and_passes_on_what_a_client_played() {
    crate::served(|| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("take.wav");
        let played = noise(8 * RATE);
        repeat_where_jack_tells_xruns(|| {
            let server = Jack::start(JackOptions::default()).unwrap();
            let signal = Signal::Samples(played.clone());
            let mut source = Source::start(&server, "player", 2, &signal).unwrap();
            let sink = Sink::start(&server, "hearer", 2).unwrap();
            let line = "live --host jack --buffer 256 --channels 2 --in player --out hearer \
                    --record {} --force --tap input --for 10s";
            let program = Ossicle::start(server.env(), line, &[&file]);
            wait_for_port(&server, "ossicle:out_2", APPEAR).unwrap();
            sleep(Duration::from_millis(500));
            source.go().unwrap();
            let outcome = program.finish(LIMIT).ok();
            let (take, heard) = (read_wav(&file), interleaved(&sink.finish().unwrap()));
            let check = || {
                let all = played.len() / 2;
                let told = account(&take, &played).map_err(Error::msg)?;
                let passed = account(&heard, &played).map_err(Error::msg)?;
                ensure!(
                    told.heard + told.replaced == all,
                    "take: {told:?} {}",
                    outcome.json
                );
                ensure!(
                    told.replaced <= outcome.count("overrun_frames"),
                    "{told:?} {}",
                    outcome.json
                );
                ensure!(
                    passed.heard + passed.replaced == all,
                    "heard: {passed:?} {}",
                    outcome.json
                );
                ensure!(
                    passed.replaced <= told.replaced,
                    "{passed:?} {told:?} {}",
                    outcome.json
                );
                ensure!(outcome.count("latency_frames") == 0, "{}", outcome.json);
                Ok(())
            };
            (outcome.count("xruns"), check())
        });
    });
}
