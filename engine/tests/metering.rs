//! The meters of a session: they read what a scan of the recording reads.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use ossicle::chain::Chain;
use ossicle::io::device::sim::{Sim, SimDevice};
use ossicle::io::device::{HostKind, Port};
use ossicle::io::file::{Overwrite, WavSpec, WavWriter};
use ossicle::io::realtime::{self, AllocatorGuard};
use ossicle::io::sample::SampleFormat;
use ossicle::meter::{Scan, scan};
use ossicle::record::{RecordConfig, Tap};
use ossicle::session::{Session, SessionConfig};

#[global_allocator]
static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();

fn measured(path: &Path) -> Scan {
    scan(path, &mut |_| ControlFlow::Continue(())).unwrap()
}

/// Noise that swells and fades, on the left more than on the right.
fn write_noise(path: &Path, frames: usize) {
    let spec = WavSpec {
        sample_rate_hz: 48_000,
        channels: 2,
        format: SampleFormat::F32,
    };
    let mut state = 3u32;
    let samples: Vec<f32> = (0..frames * 2)
        .map(|at| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
            noise * (0.3 + 0.2 * (at as f32 / 20_000.0).sin()) / (1 + at % 2) as f32
        })
        .collect();
    let mut file = WavWriter::create(path, spec, Overwrite::Never).unwrap();
    file.write(&samples).unwrap();
    file.finish().unwrap();
}

#[test]
fn a_session_reads_what_a_scan_of_its_recording_reads() {
    let folder = tempfile::tempdir().unwrap();
    let (input, take) = (folder.path().join("in.wav"), folder.path().join("take.wav"));
    write_noise(&input, 60_000);
    let chain = Chain::parse("gain:gain=-3dB | parametric_eq:b1_type=high_pass,b1_freq=200Hz");
    let config = SessionConfig {
        host: Some(HostKind::Null),
        record: vec![RecordConfig {
            tap: Tap::Post,
            ..RecordConfig::new(&take)
        }],
        meter: Some(Tap::Post),
        ..SessionConfig::play(&input, chain.unwrap())
    };
    let mut session = Session::start(config).unwrap();
    let began = Instant::now();
    loop {
        let report = session.report();
        let readings = report.readings.expect("meters were asked for");
        assert_eq!(readings.channels.len(), 2);
        if report.ended {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "no end");
        std::thread::sleep(Duration::from_millis(5));
    }
    let ended = session.stop().unwrap();
    assert_eq!(realtime::violations(), 0, "a callback allocated or freed");
    let (readings, scan) = (ended.readings.unwrap(), measured(&take));
    assert_eq!(ended.warnings, Vec::<String>::new());
    let bits = |value: Option<f64>| value.expect("a reading").to_bits();
    let loudness = scan.loudness;
    assert_eq!(
        bits(readings.integrated_lufs),
        bits(loudness.integrated_lufs)
    );
    assert_eq!(
        bits(readings.max_momentary_lufs),
        bits(loudness.max_momentary_lufs)
    );
    assert_eq!(readings.true_peak().to_bits(), loudness.true_peak.to_bits());
    assert_eq!(readings.bands.len(), 30);
    assert!(readings.bands.iter().all(|band| *band > 0.0));
    assert!(readings.correlation.is_some_and(|value| value.abs() < 0.1));
}

/// A session that meters a simulated microphone with 1 kHz at -20 dBFS in both channels.
fn microphone(meter: Option<Tap>) -> (Sim, Session) {
    let sim = Sim::new(5);
    let tone = |frame: u64, _| {
        let turn = std::f64::consts::TAU * (frame % 48) as f64 / 48.0;
        (0.1 * turn.sin()) as f32
    };
    sim.plug(SimDevice::new("microphone", 2, 0).with_source(tone))
        .unwrap();
    let config = SessionConfig {
        host: Some(HostKind::Sim),
        input: Some(Port::default()),
        meter,
        ..SessionConfig::default()
    };
    let session = Session::start_with(config, &mut |_, request| sim.open(request)).unwrap();
    (sim, session)
}

#[test]
fn an_input_is_measured_without_an_output_or_a_file() {
    let (sim, mut session) = microphone(Some(Tap::Pre));
    for _ in 0..5 {
        sim.run_for(Duration::from_secs(1));
        session.report();
    }
    let ended = session.stop().unwrap();
    assert_eq!(ended.warnings, Vec::<String>::new());
    // The weighting lifts 1 kHz by 0.698 dB, and 0.691 is taken off.
    let loudness = ended.readings.unwrap().integrated_lufs.unwrap();
    assert!((loudness + 19.993).abs() < 0.005, "{loudness} LUFS");
}

#[test]
fn what_nobody_looked_at_in_time_is_said_to_be_missing() {
    let (sim, mut session) = microphone(Some(Tap::Pre));
    sim.run_for(Duration::from_secs(10));
    session.report();
    let warnings = session.stop().unwrap().warnings;
    // The ring holds four seconds.
    let words: Vec<&str> = warnings.iter().flat_map(|told| told.split(' ')).collect();
    assert!(warnings[0].contains("were not measured"), "{warnings:?}");
    let missing: u64 = words[0].parse().unwrap();
    assert!((280_000..=300_000).contains(&missing), "{missing} frames");
}

#[test]
fn nothing_is_measured_unless_asked_for() {
    let (sim, mut session) = microphone(None);
    sim.run_for(Duration::from_millis(100));
    assert_eq!(session.report().readings, None);
    assert_eq!(session.stop().unwrap().readings, None);
}
