//! Watches a session until it ends: meter, warnings, signals, summary.

use std::thread;
use std::time::Duration;

use ossicle::EngineError;
use ossicle::meter::Readings;
use ossicle::record::{Begin, GateConfig, GateState, Tap};
use ossicle::session::{BridgeReport, Ended, Report, Session, SessionConfig, StopError};

use crate::exit::{Exit, Failure};
use crate::output::{ErrorBody, Output};
use crate::progress::{Progress, dbfs};
use crate::signals::Interrupt;
use crate::summary::{Summary, plural};
use crate::takes::{self, TakeObject};
use crate::times::{Time, shown};
use crate::wishes::{Wish, Wishes};
use crate::{meter_bridge, unfinished};

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

/// How a session is run and told of.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// How long it is to be.
    pub length: Length,
    /// What was done, for the summary: `played`.
    pub done: &'a str,
    /// What a terminal shows.
    pub face: Face,
    /// It ends when its recordings have.
    pub ends_with_takes: bool,
}

/// Runs a session until it ends, its time is over or a signal comes, and says what it came to.
pub fn run(
    config: SessionConfig,
    length: Length,
    done: &str,
    output: Output,
) -> Result<(), Failure> {
    let run = Run {
        length,
        done,
        face: Face::Line,
        ends_with_takes: false,
    };
    run.run(config, output)
}

impl Run<'_> {
    /// Runs a session.
    pub fn run(self, mut config: SessionConfig, output: Output) -> Result<(), Failure> {
        // What nobody is told need not be measured.
        if config.meter.is_none() && (output.json || !output.quiet) {
            config.meter = Some(Tap::Post);
        }
        config.limit = self.length.limit.map(Into::into);
        let interrupt = Interrupt::listen(output)?;
        let is_recorded = !config.record.is_empty();
        let wishes = match is_recorded || self.face == Face::Meters {
            true => Some(Wishes::listen()?),
            false => None,
        };
        let unfinished = unfinished::warnings(&config.record);
        unfinished.iter().for_each(|line| output.warning(line));
        if is_recorded && config.gate.begin != Begin::AtOnce {
            let has_keys = wishes.as_ref().is_some_and(Wishes::has_keys);
            output.notice(&waits(&config.gate, has_keys));
        }
        let mut session = Session::start(config)?;
        let watched = self.watch(&mut session, &interrupt, wishes.as_ref(), output);
        let (ended, mut failures) = match session.stop() {
            Ok(ended) => (ended, Vec::new()),
            Err(stopped) => (stopped.ended.clone(), failures(*stopped)),
        };
        // The terminal is as it was before anything else is said.
        drop(wishes);
        watched.progress.finish();
        let mut summary = summary(ended);
        for warning in summary.warnings.iter().skip(watched.told) {
            output.warning(warning);
        }
        summary.warnings.splice(..0, unfinished);
        // Of a run that is for its recording, what was waited for and left out is no length.
        let recorded = summary.file_frames.filter(|_| self.ends_with_takes);
        let frames = recorded.unwrap_or(summary.frames);
        let text = summary.text(self.done, frames);
        if failures.is_empty() {
            output.summary(&summary, &text);
            return Ok(());
        }
        let told = failures.iter().map(ErrorBody::from);
        summary.errors = told.collect();
        summary.error = summary.errors.first().cloned();
        output.broken_summary(&summary, &text);
        let first = failures.remove(0);
        for failure in &failures {
            output.failure(failure);
        }
        Err(first)
    }

    /// Tells how the session goes, and does what the user wishes, until it ends.
    fn watch(
        self,
        session: &mut Session,
        interrupt: &Interrupt,
        wishes: Option<&Wishes>,
        output: Output,
    ) -> Watched {
        let sample_rate_hz = session.sample_rate_hz();
        let expected = self.length.expected_frames(sample_rate_hz);
        let progress = Progress::new(output, sample_rate_hz, expected);
        let (mut told, mut marks, mut ordered) = (0, 0, None);
        loop {
            let report = session.report();
            for warning in report.warnings.iter().skip(told) {
                progress.warning(output, warning);
            }
            told = report.warnings.len();
            self.show(&progress, &report);
            let takes = &report.takes;
            let recorded = self.ends_with_takes
                && takes
                    .iter()
                    .any(|take| take.gated.state == GateState::Ended);
            if report.ended || recorded {
                break;
            }
            // What was wished before the end was asked for is done first.
            let wish = match wishes {
                _ if interrupt.is_asked() => wishes.and_then(|wishes| wishes.next(Duration::ZERO)),
                Some(wishes) => wishes.next(LOOK),
                None => {
                    thread::sleep(LOOK);
                    None
                }
            };
            match wish {
                Some(Wish::End) => break,
                Some(Wish::Mark) => {
                    marks += 1;
                    session.mark(&format!("mark {marks}"));
                }
                Some(Wish::Pause) => {
                    // An order is carried out a moment later: the last one tells.
                    let mut states = takes.iter().map(|take| take.gated.state);
                    let records = ordered
                        .unwrap_or_else(|| states.any(|state| state == GateState::Recording));
                    ordered = Some(!records);
                    match records {
                        true => session.pause(),
                        false => session.go(),
                    }
                }
                None if interrupt.is_asked() => break,
                None => {}
            }
        }
        Watched { progress, told }
    }

    fn show(self, progress: &Progress, report: &Report) {
        if let (Face::Meters, Some(readings)) = (self.face, &report.readings) {
            let lines = meter_bridge::lines(readings);
            return progress.show_lines(report.frames, &note(report), &lines);
        }
        let frames = match report.takes.first() {
            Some(take) if self.ends_with_takes => take.frames,
            _ => report.frames,
        };
        let peaks = report.peaks.iter().copied();
        let peaks: Vec<(f32, f32)> = peaks.zip(report.held_peaks.iter().copied()).collect();
        progress.show(frames, &peaks, &note(report));
    }
}

/// A session that was watched until it ended.
struct Watched {
    progress: Progress,
    /// Warnings that were told.
    told: usize,
}

/// What a recording waits for, in words, and how it is told to begin.
fn waits(gate: &GateConfig, has_keys: bool) -> String {
    let key = if has_keys { "key p or " } else { "" };
    let asked = format!("{key}SIGUSR2 (kill -USR2 {})", std::process::id());
    let before = match gate.preroll_seconds {
        0.0 => String::new(),
        seconds => format!("; begins with the {seconds} s before it"),
    };
    match gate.begin {
        Begin::OnSound { level_dbfs } => {
            format!("waits for sound of {level_dbfs} dBFS, {asked}{before}")
        }
        _ => format!("waits for {asked}{before}"),
    }
}

/// What went wrong, a full disk first, with what is whole of the recordings where a disk took no more.
fn failures(stopped: StopError) -> Vec<Failure> {
    let whole: Vec<String> = stopped
        .ended
        .recorded
        .iter()
        .flat_map(|recorded| {
            let files = recorded.files.iter().filter(|file| file.frames > 0);
            files.map(|file| {
                let shown = shown(file.frames, recorded.sample_rate_hz);
                format!("{} ({} frames, {shown})", file.path.display(), file.frames)
            })
        })
        .collect();
    let mut whole = Some(match whole.is_empty() {
        true => "; nothing was recorded".to_string(),
        false => format!("; whole: {}", whole.join(", ")),
    });
    let errors = std::iter::once(stopped.error).chain(stopped.further);
    let mut failures: Vec<Failure> = errors
        .map(|error| {
            let is_cut = matches!(error, EngineError::TakeCut { .. });
            let mut failure = Failure::from(error);
            // All files in one line, with the first.
            if let Some(whole) = whole.take_if(|_| is_cut) {
                failure.message += &whole;
            }
            failure
        })
        .collect();
    failures.sort_by_key(|failure| failure.exit != Exit::NoRoom);
    failures
}

/// What stands behind the meter: what the recordings do, clips, loudness of the last 3 s, largest
/// true peak, load, xruns.
fn note(report: &Report) -> String {
    let mut parts = Vec::new();
    let first = report.takes.first();
    parts.extend(
        first
            .and_then(|take| takes::state(&take.gated))
            .map(String::from),
    );
    if let Some(readings) = &report.readings {
        let clips = Some(readings.clips()).filter(|clips| *clips > 0);
        parts.extend(clips.map(|clips| plural(clips, "clip")));
        parts.extend(
            readings
                .short_term_lufs
                .map(|lufs| format!("{lufs:.1} LUFS")),
        );
        parts.extend(dbfs(readings.true_peak()).map(|peak| format!("{peak:.1} dBTP")));
    }
    parts.extend(takes::disk(&report.takes));
    parts.push(format!("load {:.1} %", report.load_percent));
    parts.extend(report.bridges.iter().map(bridge));
    if !report.bridges.is_empty() {
        parts.push(format!("latency {}", report.latency_frames));
    }
    if report.xruns > 0 {
        parts.push(format!("{} xruns", report.xruns));
    }
    parts.join(", ")
}

/// A bridge: its device, how much faster its clock is and how sure that is, how late calls come, and
/// frames of margin and of latency.
fn bridge(bridge: &BridgeReport) -> String {
    format!(
        "{}: {:+.1} +- {:.1} ppm, late {:.0} us, margin {:.0}, latency {:.0}",
        bridge.device,
        bridge.ppm,
        bridge.unsure_ppm,
        bridge.spread_us,
        bridge.margin_frames,
        bridge.latency_frames
    )
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
    let takes: Vec<TakeObject> = ended.recorded.iter().map(Into::into).collect();
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
        takes: Some(takes).filter(|takes| !takes.is_empty()),
        clips: ended.readings.as_ref().map(Readings::clips),
        warnings,
        ..Summary::default()
    };
    summary.set_peak(ended.peak);
    summary
}

#[cfg(test)]
mod tests {
    use super::*;
    use ossicle::session::Direction;

    #[test]
    fn every_bridge_is_shown_with_how_sure_its_clock_is() {
        let told = bridge(&BridgeReport {
            device: "mic".to_owned(),
            direction: Direction::In,
            from_hz: 44_100,
            to_hz: 48_000,
            ppm: 12.34,
            learned_ppm: None,
            unsure_ppm: 0.26,
            spread_us: 51.0,
            margin_frames: 4.4,
            latency_frames: 295.6,
            error_frames: 0.0,
            jumps: 0,
            missing_frames: 0,
            locked: true,
        });
        let line = "mic: +12.3 +- 0.3 ppm, late 51 us, margin 4, latency 296";
        assert_eq!(told, line);
    }
}
