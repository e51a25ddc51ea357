//! Watches a session until it ends: meter, warnings, signals, summary.

use std::thread;
use std::time::Duration;

use ossicle::record::Tap;
use ossicle::session::{Ended, Report, Session, SessionConfig};

use crate::exit::Failure;
use crate::meter_bridge;
use crate::output::Output;
use crate::progress::{Progress, dbfs};
use crate::signals::Interrupt;
use crate::summary::Summary;
use crate::times::Time;

/// Time between two looks at the session.
const LOOK: Duration = Duration::from_millis(50);

/// How long a run is to be.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    /// Where it is ended, if not before.
    pub limit: Option<Time>,
    /// Length of what is played, where that is known.
    pub source_seconds: Option<f64>,
}

impl Length {
    /// Frames that the run will take as far as is known.
    fn expected_frames(self, sample_rate_hz: u32) -> Option<u64> {
        let limit = self.limit.map(|limit| limit.frames(sample_rate_hz));
        let source = self
            .source_seconds
            .map(|time| Time::Seconds(time).frames(sample_rate_hz));
        match (limit, source) {
            (Some(limit), Some(source)) => Some(limit.min(source)),
            (known, None) | (None, known) => known,
        }
    }
}

/// What a terminal shows while a session runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// A line: how far it is and how loud.
    Line,
    /// All meters, on several lines.
    Meters,
}

/// Runs a session until it ends, its time is over or a signal comes, and says what it came to.
pub fn run(
    mut config: SessionConfig,
    length: Length,
    done: &str,
    output: Output,
) -> Result<(), Failure> {
    // What nobody is told need not be measured.
    config.meter = (output.json || !output.quiet).then_some(Tap::Post);
    run_with(config, length, done, Face::Line, output)
}

/// As [`run`], with another face, and metered where `config` says.
pub fn run_with(
    mut config: SessionConfig,
    length: Length,
    done: &str,
    face: Face,
    output: Output,
) -> Result<(), Failure> {
    let interrupt = Interrupt::listen(output)?;
    config.limit = length.limit.map(Into::into);
    let mut session = Session::start(config)?;
    let sample_rate_hz = session.sample_rate_hz();
    let progress = Progress::new(
        output,
        sample_rate_hz,
        length.expected_frames(sample_rate_hz),
    );
    let mut told = 0;
    loop {
        let report = session.report();
        for warning in report.warnings.iter().skip(told) {
            progress.warning(output, warning);
        }
        told = report.warnings.len();
        match (face, &report.readings) {
            (Face::Meters, Some(readings)) => progress.show_lines(
                report.frames,
                &note(&report),
                &meter_bridge::lines(readings),
            ),
            _ => progress.show(report.frames, &report.peaks, &note(&report)),
        }
        if report.ended || interrupt.is_asked() {
            break;
        }
        thread::sleep(LOOK);
    }
    let ended = session.stop();
    progress.finish();
    let summary = summary(ended?);
    for warning in summary.warnings.iter().skip(told) {
        output.warning(warning);
    }
    output.summary(&summary, &summary.text(done));
    Ok(())
}

/// What stands behind the meter: loudness of the last 3 s, largest true peak, load, xruns.
fn note(report: &Report) -> String {
    let mut parts = Vec::new();
    if let Some(readings) = &report.readings {
        parts.extend(
            readings
                .short_term_lufs
                .map(|lufs| format!("{lufs:.1} LUFS")),
        );
        parts.extend(dbfs(readings.true_peak()).map(|peak| format!("{peak:.1} dBTP")));
    }
    parts.push(format!("load {:.1} %", report.load_percent));
    if let Some(bridge) = report.bridges.first() {
        parts.push(format!(
            "{:+.1} ppm, late {:.0} us, margin {:.0}, latency {}",
            bridge.ppm, bridge.spread_us, bridge.margin_frames, report.latency_frames
        ));
    }
    if report.xruns > 0 {
        parts.push(format!("{} xruns", report.xruns));
    }
    parts.join(", ")
}

fn summary(ended: Ended) -> Summary {
    let mut warnings = ended.warnings;
    if ended.not_finite_samples > 0 {
        let samples = ended.not_finite_samples;
        warnings.push(format!(
            "{samples} samples were not finite and became silence"
        ));
    }
    let recorded = ended.recorded.first();
    let mut summary = Summary {
        frames: ended.frames,
        sample_rate_hz: ended.sample_rate_hz,
        channels: ended.channels,
        xruns: Some(ended.xruns),
        overrun_frames: Some(ended.overrun_frames),
        underrun_frames: Some(ended.underrun_frames),
        skipped_frames: Some(ended.skipped_frames),
        latency_frames: ended.latency_frames,
        device_latency_frames: ended.device_latency_frames,
        loudness: ended.readings.as_ref().map(Into::into).unwrap_or_default(),
        dsp_load_percent: ended.load_percent,
        host: Some(ended.host),
        device: ended.output_device,
        input_device: ended.input_device,
        buffer_frames: Some(ended.buffer_frames),
        bridges: Some(ended.bridges.iter().map(Into::into).collect()),
        events: Some(ended.events.iter().map(Into::into).collect()),
        realtime: Some(ended.realtime.into()),
        file: recorded.map(|recorded| recorded.path.display().to_string()),
        file_frames: recorded.map(|recorded| recorded.frames),
        warnings,
        ..Summary::default()
    };
    summary.set_peak(ended.peak);
    summary
}
