//! Sessions on simulated devices: the same bits as offline, and what happens when devices fail.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ossicle::EngineError;
use ossicle::chain::Chain;
use ossicle::io::device::sim::{Blocks, Fault, FaultKind, Lateness, Sim, SimDevice};
use ossicle::io::device::{HostKind, Port};
use ossicle::io::file::{AudioFile, Overwrite, WavSpec, WavWriter};
use ossicle::io::realtime::{self, AllocatorGuard};
use ossicle::io::ring::Cause;
use ossicle::io::sample::SampleFormat;
use ossicle::record::{Gap, RecordConfig, Tap};
use ossicle::render::{Latency, RenderOptions, render};
use ossicle::session::{Moment, Session, SessionConfig};

#[global_allocator]
static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();

const CHAIN: &str = "parametric_eq:b1_type=peak,b1_freq=900Hz,b1_gain=9dB,b2_type=high_shelf,\
    b2_freq=5kHz,b2_gain=-4dB | delay:time=7.3ms,feedback=60%,mix=40% | gain:gain=5dB \
    | envelope_limiter:attack_coeff=0.93,release_coeff=0.9997,delay_samples=33,threshold=0.6 \
    | pan:pan=-20% | envelope_limiter:link=linked,threshold=-6dBFS";

fn start(sim: &Sim, config: SessionConfig) -> Result<Session, EngineError> {
    let config = SessionConfig {
        host: Some(HostKind::Sim),
        ..config
    };
    Session::start_with(config, &mut |_, request| sim.open(request))
}

fn record_to(path: &Path, tap: Tap) -> Vec<RecordConfig> {
    vec![RecordConfig {
        tap,
        ..RecordConfig::new(path)
    }]
}

fn read(path: &Path) -> Vec<f32> {
    let mut file = AudioFile::open(path).unwrap();
    let mut samples = vec![0.0; 1 << 20];
    let frames = file.read(&mut samples).unwrap();
    samples.truncate(frames * file.info().channels);
    samples
}

fn noise(samples: usize) -> Vec<f32> {
    let mut seed = 1u64;
    (0..samples)
        .map(|_| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963);
            (seed >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

#[test]
fn a_simulated_run_and_a_render_have_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.wav"), folder.path().join("out.wav"));
    let samples = Arc::new(noise(2 * 40_000));
    let spec = WavSpec {
        sample_rate_hz: 48_000,
        channels: 2,
        format: SampleFormat::F32,
    };
    let mut file = WavWriter::create(&input, spec, Overwrite::Never).unwrap();
    file.write(&samples).unwrap();
    file.finish().unwrap();
    let options = RenderOptions {
        latency: Latency::Keep,
        block_frames: 480,
        ..RenderOptions::default()
    };
    let chain = Chain::parse(CHAIN).unwrap();
    render(&input, &output, chain, &options, &mut |_| {
        ControlFlow::Continue(())
    })
    .unwrap();
    let rendered = read(&output);

    for blocks in [
        Blocks::Fixed(64),
        Blocks::Fixed(1),
        Blocks::List(vec![441, 480, 7]),
        Blocks::Random { max: 5000 },
    ] {
        let sim = Sim::new(7);
        let source = samples.clone();
        let card = SimDevice {
            blocks: blocks.clone(),
            lateness: vec![Lateness::Uniform { max_ns: 500_000 }],
            ..SimDevice::new("card", 2, 2)
        };
        sim.plug(card.with_source(move |frame, channel| {
            source
                .get(frame as usize * 2 + channel)
                .copied()
                .unwrap_or(0.0)
        }))
        .unwrap();
        let session = start(&sim, SessionConfig::live(Chain::parse(CHAIN).unwrap())).unwrap();
        sim.run_for(Duration::from_secs(1));
        let played = sim.played("card");
        assert!(played.len() >= rendered.len(), "{} samples", played.len());
        let wrong = (0..rendered.len()).find(|&n| played[n].to_bits() != rendered[n].to_bits());
        assert_eq!(wrong, None, "{blocks:?}");
        session.stop().unwrap();
    }
    assert_eq!(realtime::violations(), 0);
}

/// Live from the default device to the one named.
fn live_to(device: &str) -> SessionConfig {
    let output = Some(Port {
        device: Some(device.to_owned()),
        channels: None,
    });
    SessionConfig {
        output,
        ..SessionConfig::live(Chain::new())
    }
}

/// A device that captures the number of each frame.
fn counting(name: &str, input_channels: usize, output_channels: usize) -> SimDevice {
    SimDevice::new(name, input_channels, output_channels).with_source(|frame, _| frame as f32)
}

#[test]
fn a_microphone_that_stands_still_or_loses_frames_leaves_the_delay_as_it_was() {
    for kind in [
        FaultKind::Xrun {
            lost_frames: 48_000,
        },
        FaultKind::Stall {
            for_ns: 1_000_000_000,
        },
    ] {
        let sim = Sim::new(13);
        let faults = vec![Fault {
            at_ns: 1_000_000_000,
            kind: kind.clone(),
        }];
        sim.plug(SimDevice {
            faults,
            ..counting("mic", 1, 0)
        })
        .unwrap();
        sim.plug(SimDevice::new("speaker", 0, 1)).unwrap();
        let session = start(&sim, live_to("speaker")).unwrap();
        sim.run_for(Duration::from_secs(6));
        let played = sim.played("speaker");
        let delay = |at: usize| at as f32 - played[at];
        let (before, after) = (delay(40_000), delay(played.len() - 1));
        assert!(
            (after - before).abs() <= 512.0,
            "{kind:?}: {before} frames before, {after} after"
        );
        session.stop().unwrap();
    }
}

#[test]
fn a_device_that_went_is_told_by_stop_too() {
    let sim = Sim::new(15);
    let kind = FaultKind::Unplug { for_ns: u64::MAX };
    let faults = vec![Fault {
        at_ns: 500_000_000,
        kind,
    }];
    sim.plug(SimDevice {
        faults,
        ..counting("card", 1, 1)
    })
    .unwrap();
    let session = start(&sim, SessionConfig::live(Chain::new())).unwrap();
    sim.run_for(Duration::from_secs(1));
    let error = session.stop().unwrap_err();
    assert!(
        matches!(error.error, EngineError::DeviceLost { .. }),
        "{error}"
    );
}

#[test]
fn frames_the_device_loses_are_silence_in_the_take_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let take = folder.path().join("take.wav");
    let sim = Sim::new(5);
    let faults = [(200, 1000), (300, 1), (301, 30_000)]
        .map(|(ms, lost_frames)| Fault {
            at_ns: ms * 1_000_000,
            kind: FaultKind::Xrun { lost_frames },
        })
        .to_vec();
    sim.plug(SimDevice {
        faults,
        ..counting("mic", 1, 0)
    })
    .unwrap();
    let config = SessionConfig {
        limit: Some(Moment::Frames(96_000)),
        record: record_to(&take, Tap::Input),
        ..SessionConfig::record(&take)
    };
    let mut session = start(&sim, config).unwrap();
    while !session.report().ended {
        sim.run_for(Duration::from_millis(100));
        // The collector lives in our time.
        std::thread::sleep(Duration::from_millis(10));
    }
    let ended = session.stop().unwrap();
    let recorded = &ended.recorded[0];
    assert_eq!((ended.frames, recorded.frames), (96_000, 96_000));
    assert_eq!(
        (ended.overrun_frames, recorded.lost_frames),
        (31_001, 31_001)
    );
    assert!(
        recorded.gaps.iter().all(|gap| gap.cause == Cause::Xrun),
        "{:?}",
        recorded.gaps
    );
    let is_lost = |frame: u64| {
        let holds = |gap: &&Gap| (gap.position..gap.position + gap.frames).contains(&frame);
        recorded.gaps.iter().find(holds).is_some()
    };
    for (frame, sample) in read(&take).into_iter().enumerate() {
        let expected = if is_lost(frame as u64) {
            0.0
        } else {
            frame as f32
        };
        assert_eq!(sample, expected, "frame {frame}");
    }
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn a_device_that_is_unplugged_ends_the_session_and_leaves_a_whole_take() {
    let folder = tempfile::tempdir().unwrap();
    let take = folder.path().join("take.wav");
    let sim = Sim::new(9);
    let fault = Fault {
        at_ns: 500_000_000,
        kind: FaultKind::Unplug { for_ns: u64::MAX },
    };
    sim.plug(SimDevice {
        faults: vec![fault],
        ..counting("card", 1, 1)
    })
    .unwrap();
    let config = SessionConfig {
        record: record_to(&take, Tap::Post),
        ..SessionConfig::live(Chain::new())
    };
    let mut session = start(&sim, config).unwrap();
    sim.run_for(Duration::from_secs(1));
    assert!(session.report().ended);
    let error = session.stop().unwrap_err();
    assert!(
        matches!(error.error, EngineError::DeviceLost { .. }),
        "{error}"
    );
    let samples = read(&take);
    assert!(samples.len() > 23_000, "{} frames", samples.len());
    assert!(
        samples
            .iter()
            .enumerate()
            .all(|(frame, &sample)| sample == frame as f32)
    );
}

#[test]
fn a_stall_of_one_of_two_devices_passes_and_the_delay_comes_back() {
    let sim = Sim::new(11);
    let fault = Fault {
        at_ns: 1_000_000_000,
        kind: FaultKind::Stall {
            for_ns: 100_000_000,
        },
    };
    sim.plug(counting("mic", 1, 0)).unwrap();
    sim.plug(SimDevice {
        faults: vec![fault],
        ..SimDevice::new("speaker", 0, 1)
    })
    .unwrap();
    let session = start(&sim, live_to("speaker")).unwrap();
    sim.run_for(Duration::from_secs(6));
    let played = sim.played("speaker");
    let delay = |at: usize| at as f32 - played[at];
    let (before, after) = (delay(40_000), delay(played.len() - 1));
    assert!(
        (after - before).abs() <= 256.0,
        "delay of {before} frames before, {after} after"
    );
    session.stop().unwrap();
}
