//! `ossicle measure` between real servers' devices.

use std::fs;
use std::time::Duration;

use anyhow::ensure;
use xtask::peers::jack::{connect, wait_for_port};
use xtask::quiet::repeat_where_jack_tells_xruns;
use xtask::servers::{Jack, JackOptions, PulseAudio};

use crate::jack::APPEAR;
use crate::program::Ossicle;

/// Longest that a measurement may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A port that is wired to a port of the same client gives in each cycle what went out in the one
/// before: a period, to the frame.
#[test]
fn a_loop_of_wire_on_jack_takes_one_period() {
    crate::served(|| {
        for period_frames in [64, 256] {
            repeat_where_jack_tells_xruns(|| {
                let server = Jack::start(JackOptions {
                    period_frames,
                    ..JackOptions::default()
                })
                .unwrap();
                let line = "measure roundtrip --host jack --in system --out system";
                let program = Ossicle::start(server.env(), line, &[]);
                wait_for_port(&server, "ossicle:out_2", APPEAR).unwrap();
                connect(&server, "ossicle:out_2", "ossicle:in_2").unwrap();
                let outcome = program.finish(LIMIT);
                let json = &outcome.json;
                let check = || {
                    ensure!(outcome.exit == Some(0), "{json}");
                    ensure!(json["latency_frames"] == f64::from(period_frames), "{json}");
                    ensure!(json["channel"] == 2, "{json}");
                    // A maximum length sequence of L frames gives L / (L + 1) of a gain of one.
                    let gain_db = json["gain_db"].as_f64().unwrap_or(-1e9);
                    ensure!(gain_db.abs() < 0.001, "{json}");
                    ensure!(json["margin_frames"] == 0, "{json}");
                    Ok(())
                };
                // Cycles that the server leaves out are what spoils a measurement here.
                (usize::from(outcome.exit == Some(3)), check())
            });
        }
    });
}

/// The monitor gives what was played; between the two streams of this host two clocks are brought in
/// step, so that the delay need be neither whole nor quite still.
#[test]
fn a_monitor_on_pulseaudio_gives_its_delay_and_a_picture() {
    crate::served(|| {
        let server = PulseAudio::start().unwrap();
        let picture = server.folder().join("response.png");
        let line = "measure roundtrip --host pulseaudio --in speaker.monitor --out speaker \
                    --buffer 256 --attempts 8 --png {}";
        let outcome = Ossicle::start(server.env(), line, &[&picture])
            .finish(LIMIT)
            .ok();
        let number = |key: &str| outcome.json[key].as_f64().unwrap();
        // A period at the least, and no second.
        let frames = number("latency_frames");
        assert!((256.0..48_000.0).contains(&frames), "{}", outcome.json);
        // All of it came back; what moves meanwhile smears the peak.
        let gain_db = number("gain_db");
        assert!((-20.0..0.1).contains(&gain_db), "{}", outcome.json);
        assert!(fs::read(&picture).unwrap().starts_with(b"\x89PNG\r\n"));
    });
}

/// The dummy driver counts its cycles by this machine's clock, from an anchor: it never drifts.
#[test]
fn jack_drifts_neither_against_itself_nor_against_the_machine() {
    crate::served(|| {
        let server = Jack::start(JackOptions::default()).unwrap();
        let line = "measure drift --in jack:system --out jack:system";
        let outcome = Ossicle::start(server.env(), line, &[]).finish(LIMIT).ok();
        let json = &outcome.json;
        println!("{json}");
        for ppm in [&json["ppm"], &json["input"]["ppm"], &json["output"]["ppm"]] {
            // In half a minute the lower edge of when calls come is known to 3 millionths where its
            // floor strays by 60 us: more than three times that is a fault.
            assert!(ppm.as_f64().unwrap().abs() < 10.0, "{json}");
        }
        assert!(json["input"]["calls"].as_u64().unwrap() > 4_000, "{json}");
        assert_eq!(json["parts"], 7, "{json}");
    });
}
