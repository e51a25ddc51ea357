//! Frames come when the device's clock says so, and the clock is known exactly.

use core::time::Duration;

use ossicle_io::device::DeviceError;
use ossicle_io::device::sim::{Blocks, Drift, Lateness, Level, Schedule, Sim, SimDevice, Stamps};
use proptest::prelude::*;

use super::{MS, SECOND, counting, listen};

fn wandering(ppm: f64, seed: u64) -> Vec<Drift> {
    vec![
        Drift::Step {
            at_ns: SECOND / 3,
            ppm: -ppm,
        },
        Drift::Ramp {
            from_ns: SECOND,
            until_ns: 4 * SECOND,
            ppm_per_s: ppm / 2.0,
        },
        Drift::Sine {
            ppm: ppm / 3.0,
            hz: 1.7,
        },
        Drift::Walk {
            ppm_per_sqrt_s: ppm / 10.0,
            seed,
        },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn positions_are_true_frames_and_calls_come_when_these_are_there(
        ppm in 0.0..2_000.0f64,
        seed in any::<u64>(),
        late in any::<bool>(),
        begin_ms in 0..1_500u64,
    ) {
        let sim = Sim::new(seed);
        let late = if late { 2 * MS } else { 0 };
        let plain = SimDevice {
            blocks: Blocks::Random { max: 700 },
            drifts: wandering(ppm, seed),
            lateness: vec![Lateness::Uniform { max_ns: late }],
            ..counting("mic")
        };
        // What is lost moves positions; what stands still leaves them.
        let faults = Schedule::random(seed, 60.0 / 3_600.0, core::slice::from_ref(&plain), Level::Heavy);
        let faults = faults.faults("mic").into_iter().filter(|fault| {
            let word = fault.kind.to_string();
            let moves = ["xrun", "miss", "merge", "period", "rate", "errors"];
            moves.iter().any(|kind| word.starts_with(kind))
        });
        let faults = faults.map(|fault| ossicle_io::device::sim::Fault {
            at_ns: fault.at_ns / 10,
            ..fault
        });
        sim.plug(SimDevice { faults: faults.collect(), ..plain }).unwrap();
        sim.run_for(Duration::from_millis(begin_ms));
        let begin = sim.device_frame("mic", sim.now_ns() as f64).unwrap();
        let (stream, log) = listen(&sim, "mic");
        sim.run_for(Duration::from_secs(6));
        let log = log.lock().unwrap();
        let origin = log[0].first as u64 - log[0].position;
        prop_assert!((0.0..1.0 + 1e-4).contains(&(origin as f64 - begin)), "{} {}", origin, begin);
        let mut lost = 0;
        for seen in log.iter() {
            prop_assert_eq!(seen.first, (origin + seen.position) as f64);
            lost += seen.lost;
            let last = seen.first + seen.frames as f64;
            let full_ns = sim.device_time_ns("mic", last).unwrap();
            let came_ns = seen.stamp_ns as f64 - full_ns;
            // To half a nanosecond, the stamps' own step.
            prop_assert!((-0.6..late as f64 + 0.6).contains(&came_ns), "{}", came_ns);
        }
        prop_assert_eq!(lost, stream.status().lost_frames());
        let (end, last) = (sim.device_frame("mic", sim.now_ns() as f64).unwrap(), log[log.len() - 1]);
        // 700 frames may be on their way, 8,192 be counted as lost ahead, 96 be late.
        prop_assert!((end - last.first - last.frames as f64).abs() < 10_000.0);
    }
}

#[test]
fn frames_and_times_agree_over_a_day_at_changing_rates() {
    let lines = "1000s mic rate 44100hz\n40000s mic return 10s 96000hz 2in 0out";
    let device = SimDevice {
        drifts: wandering(50.0, 3),
        rate_error_ppm: 17.0,
        ..counting("mic")
    };
    let sim = super::with_faults(device, lines);
    let mut before = -1.0;
    for n in 0..20_000 {
        let time_ns = f64::from(n) * 4.32e9;
        let frame = sim.device_frame("mic", time_ns).unwrap();
        let back_ns = sim.device_time_ns("mic", frame).unwrap();
        assert!((back_ns - time_ns).abs() < 0.1, "{time_ns}: {back_ns}");
        assert!(frame > before, "{time_ns}: {frame}");
        before = frame;
    }
    assert_eq!(sim.device_frame("other", 0.0), None);
}

#[test]
fn two_devices_part_by_their_difference() {
    let sim = Sim::new(1);
    for (name, rate_error_ppm) in [("fast", 150.0), ("slow", -50.0)] {
        sim.plug(SimDevice {
            rate_error_ppm,
            ..counting(name)
        })
        .unwrap();
    }
    let streams = ["fast", "slow"].map(|name| listen(&sim, name));
    sim.run_for(Duration::from_secs(1_000));
    let [fast, slow] = streams.map(|(stream, _)| stream.status().frames());
    // 200 ppm of 48,000,000 frames, to a block.
    assert!((fast - slow).abs_diff(9_600) <= 256, "{}", fast - slow);
}

#[test]
fn stamps_are_what_was_asked_for() {
    let stamps = |stamps| {
        let lateness = vec![Lateness::Uniform { max_ns: 3 * MS }];
        let device = SimDevice {
            stamps,
            lateness,
            ..counting("mic")
        };
        let sim = Sim::new(5);
        sim.plug(device).unwrap();
        sim.run_for(Duration::from_millis(100));
        let (_stream, log) = listen(&sim, "mic");
        sim.run_for(Duration::from_secs(1));
        log.lock()
            .unwrap()
            .iter()
            .map(|seen| seen.stamp_ns)
            .collect::<Vec<_>>()
    };
    let exact = stamps(Stamps::Exact);
    let quantised: Vec<u64> = exact.iter().map(|ns| ns / MS * MS).collect();
    assert_ne!(exact, quantised);
    assert_eq!(stamps(Stamps::Quantised { step_ns: MS }), quantised);
    for (call, stamp_ns) in stamps(Stamps::Synthetic).into_iter().enumerate() {
        assert_eq!(
            stamp_ns,
            100 * MS + (call as u64 * 256 * SECOND).div_ceil(48_000)
        );
    }
}

#[test]
fn what_makes_no_sense_is_not_plugged() {
    let sim = Sim::new(1);
    let refused = |device: SimDevice| {
        let error = sim.plug(device).unwrap_err();
        assert!(matches!(error, DeviceError::Backend { .. }), "{error}");
    };
    let drifts = |drift| SimDevice {
        drifts: vec![drift],
        ..counting("mic")
    };
    refused(drifts(Drift::Sine { ppm: 1.0, hz: 0.0 }));
    refused(drifts(Drift::Step {
        at_ns: 0,
        ppm: f64::NAN,
    }));
    refused(drifts(Drift::Ramp {
        from_ns: 0,
        until_ns: 10 * SECOND,
        ppm_per_s: 10_001.0,
    }));
    refused(drifts(Drift::Walk {
        ppm_per_sqrt_s: f64::INFINITY,
        seed: 1,
    }));
    let faults = super::Schedule::faults;
    let lost: super::Schedule = "1s mic xrun 18446744073709551615".parse().unwrap();
    refused(SimDevice {
        faults: faults(&lost, "mic"),
        ..counting("mic")
    });
    let lateness = |late| SimDevice {
        lateness: vec![late],
        ..counting("mic")
    };
    refused(lateness(Lateness::Grid { step_ns: 0 }));
    refused(lateness(Lateness::Floor {
        by_ns: 1,
        mean_ns: 0,
    }));
    let (max_ns, probability, from_ns, until_ns) = (0, 1.5, 0, 0);
    refused(lateness(Lateness::HeavyTail {
        max_ns,
        probability,
        from_ns,
        until_ns,
    }));
    refused(SimDevice {
        stamps: Stamps::Quantised { step_ns: 0 },
        ..counting("mic")
    });
}
