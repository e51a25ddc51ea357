//! A glitch on JACK is kept by the flight recorder, and replayed to the same bits.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use xtask::peers::jack::{Signal, Source, wait_for_port};
use xtask::servers::{Jack, JackOptions};

use crate::jack::APPEAR;
use crate::program::Ossicle;
use crate::pulse::LIMIT;
use crate::sound::{RATE, noise, read_wav};

/// How long the server stands still.
const STILL: Duration = Duration::from_millis(600);
/// The server tells of an xrun beside its cycles: at most so many callbacks later.
const SOON: usize = 20;
/// Longest that a dump may take: one in five seconds, one second behind what was late.
const DUMP: Duration = Duration::from_secs(20);
const CHAIN: &str = "parametric_eq:b1_type=peak,b1_freq=900Hz,b1_gain=6dB~|~\
    delay:time=20ms,feedback=40%,mix=30%~|~envelope_limiter:threshold=-6dBFS";

/// A device that does not call is noticed after a quarter of a second; then a clock calls for it.
const NOTICED: Duration = Duration::from_millis(240);

/// A whole dump below `folder` with the callback that came when a clock, or the server, went on, or
/// one soon behind it, whichever the xrun was told with.
fn dump_of_the_glitch(folder: &Path) -> Option<(PathBuf, Value, Vec<Value>)> {
    fs::read_dir(folder).ok()?.find_map(|entry| {
        let dump = entry.ok()?.path();
        // Written last.
        fs::metadata(dump.join("flight.json")).ok()?;
        let lines = fs::read_to_string(dump.join("callbacks.jsonl")).ok()?;
        let callbacks = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let callbacks: Vec<Value> = callbacks.collect();
        let ns = |callback: &Value| u128::from(callback["time_ns"].as_u64().unwrap());
        let pause = |pair: &[Value]| ns(&pair[1]) - ns(&pair[0]) > NOTICED.as_nanos();
        let first = callbacks.windows(2).position(pause)? + 1;
        let is_late = |callback: &&Value| {
            callback["xrun"] == true || callback["lost_frames"].as_u64() > Some(0)
        };
        let glitch = callbacks[first..].iter().take(SOON).find(is_late);
        let glitch = glitch.cloned();
        let glitch = glitch.unwrap_or_else(|| panic!("no glitch: {callbacks:?}"));
        Some((dump, glitch, callbacks))
    })
}

/// The frames that the list beside a take says are lost.
fn gaps(take: &Path) -> Vec<Range<u64>> {
    let list = take.with_extension("wav.gaps.json");
    let list: Value = serde_json::from_str(&fs::read_to_string(list).unwrap()).unwrap();
    let gaps = list["gaps"].as_array().unwrap().iter();
    gaps.map(|gap| {
        let [position, frames] = ["position", "frames"].map(|key| gap[key].as_u64().unwrap());
        position..position + frames
    })
    .collect()
}

#[test]
fn a_server_that_stood_still_is_seen_in_a_flight_that_is_replayed_to_the_same_bits() {
    crate::served(|| {
        let folder = tempfile::tempdir().unwrap();
        let (flights, take) = (
            folder.path().join("flights"),
            folder.path().join("take.wav"),
        );
        let server = Jack::start(JackOptions::default()).unwrap();
        let signal = Signal::Samples(noise(30 * RATE));
        let mut source = Source::start(&server, "player", 2, &signal).unwrap();
        let line = format!(
            "live --host jack --buffer 256 --channels 2 --in player --fx {CHAIN} --flight {{}} \
         --record {{}}"
        );
        let mut program = Ossicle::start(server.env(), &line, &[&flights, &take]);
        wait_for_port(&server, "ossicle:out_2", APPEAR).unwrap();
        source.go().unwrap();
        sleep(Duration::from_secs(1));
        server.stop().unwrap();
        sleep(STILL);
        server.cont().unwrap();
        let began = Instant::now();
        let (dump, glitch, callbacks) = loop {
            if let Some(found) = dump_of_the_glitch(&flights) {
                break found;
            }
            if began.elapsed() > DUMP {
                program.terminate();
                panic!("no dump of the glitch: {:?}", program.finish(LIMIT));
            }
            sleep(Duration::from_millis(100));
        };
        program.terminate();
        let outcome = program.finish(LIMIT).ok();
        let told = outcome
            .stderr
            .contains(dump.file_name().unwrap().to_str().unwrap());
        assert!(told, "{}", outcome.stderr);

        let picture = folder.path().join("flight.png");
        let replay = Ossicle::start(Vec::new(), "replay {} --png {}", &[&dump, &picture]);
        let replayed = replay.finish(LIMIT).ok().json;
        println!(
            "{} of {} callbacks with the same bits; late: {}",
            replayed["matched"], replayed["callbacks"], replayed["late"]
        );
        assert!(replayed["callbacks"].as_u64() > Some(300), "{replayed}");
        for key in ["compared", "matched"] {
            assert_eq!(replayed[key], replayed["callbacks"], "{replayed}");
        }
        let late = replayed["late"].as_array().unwrap();
        let shown = late
            .iter()
            .find(|late| late["position"] == glitch["position"]);
        let shown = shown.unwrap_or_else(|| panic!("{glitch} is not in {replayed}"));
        assert_eq!(shown["lost_frames"], glitch["lost_frames"]);
        let cost_ms = glitch["cost_ns"].as_u64().unwrap() as f64 / 1e6;
        assert_eq!(shown["cost_ms"].as_f64(), Some(cost_ms));
        // What a clock calls for, while the server stands still, is longer than a cycle.
        let period_ms = glitch["asked"].as_f64().unwrap() / 48.0;
        assert!((shown["period_ms"].as_f64().unwrap() - period_ms).abs() < 1e-5);
        assert!(fs::metadata(&picture).unwrap().len() > 1000);

        // What is replayed is what was recorded live, but where the take has a gap: what a clock
        // called for is heard by nobody.
        let gaps = gaps(&take);
        let (replayed, take) = (read_wav(&dump.join("replay.wav")), read_wav(&take));
        let mut sounding = 0;
        for callback in &callbacks {
            let [frames, processed, position] = ["frames", "processed", "position"]
                .map(|key| 2 * usize::try_from(callback[key].as_u64().unwrap()).unwrap());
            let bits = |samples: &[f32], from: usize| -> Vec<u32> {
                let samples = &samples[from..from + frames];
                samples.iter().map(|sample| sample.to_bits()).collect()
            };
            let (live, replayed) = (bits(&take, position), bits(&replayed, processed));
            for (at, (live, replayed)) in (position..).zip(live.iter().zip(&replayed)) {
                let is_lost = gaps.iter().any(|gap| gap.contains(&(at as u64 / 2)));
                let wanted = if is_lost { 0 } else { *replayed };
                assert!(
                    *live == wanted,
                    "frame {}, lost: {is_lost}, {callback}",
                    at / 2
                );
            }
            sounding += live.iter().filter(|bits| **bits != 0).count();
        }
        assert!(sounding > RATE, "{sounding} samples that sound");
    });
}
