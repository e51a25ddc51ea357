//! Recordings in a summary and in the status line.

use ossicle::record::{GateState, Gated, Recorded, TakeReport};
use serde::Serialize;

use crate::summary::plural;
use crate::times::shown;

/// What a recording came to.
#[derive(Clone, Debug, Serialize)]
pub struct TakeObject {
    /// The first file.
    pub file: String,
    pub frames: u64,
    pub sample_rate_hz: u32,
    pub lost_frames: u64,
    /// Position in the stream of the first frame; null when the recording never began.
    pub stream_position: Option<u64>,
    /// From the order to begin, or the start of the devices, to the first frame in the take.
    pub begun_after_ms: Option<f64>,
    pub files: Vec<FileObject>,
    /// It went on in another folder.
    pub spilled: bool,
    pub gaps: Vec<GapObject>,
    pub markers: Vec<MarkerObject>,
    pub pauses: Vec<PauseObject>,
    pub gaps_file: Option<String>,
    pub clock_file: Option<String>,
}

/// A file of a recording.
#[derive(Clone, Debug, Serialize)]
pub struct FileObject {
    pub file: String,
    pub first_frame: u64,
    pub frames: u64,
}

/// Frames that were lost.
#[derive(Clone, Debug, Serialize)]
pub struct GapObject {
    pub position: u64,
    pub frames: u64,
    pub cause: String,
}

/// A place that was marked.
#[derive(Clone, Debug, Serialize)]
pub struct MarkerObject {
    pub position: u64,
    pub text: String,
}

/// A stretch of the stream that was left out.
#[derive(Clone, Debug, Serialize)]
pub struct PauseObject {
    /// Position in the recording.
    pub position: u64,
    /// Position in the stream of the first frame left out.
    pub stream_position: u64,
    pub frames: u64,
}

impl From<&Recorded> for TakeObject {
    fn from(recorded: &Recorded) -> Self {
        let files = recorded.files.iter().map(|file| FileObject {
            file: file.path.display().to_string(),
            first_frame: file.first_frame,
            frames: file.frames,
        });
        let gaps = recorded.gaps.iter().map(|gap| GapObject {
            position: gap.position,
            frames: gap.frames,
            cause: gap.cause.to_string(),
        });
        let markers = recorded.marks.iter().map(|mark| MarkerObject {
            position: mark.position,
            text: mark.text.clone(),
        });
        let pauses = recorded.gated.pauses.iter().map(|pause| PauseObject {
            position: pause.position,
            stream_position: pause.stream_position,
            frames: pause.frames,
        });
        let folder = recorded.path.parent();
        let text = |path: &std::path::PathBuf| path.display().to_string();
        Self {
            file: text(&recorded.path),
            frames: recorded.frames,
            sample_rate_hz: recorded.sample_rate_hz,
            lost_frames: recorded.lost_frames,
            stream_position: recorded.gated.first_frame,
            begun_after_ms: recorded
                .gated
                .begun_after
                .map(|after| after.as_secs_f64() * 1e3),
            spilled: recorded
                .files
                .iter()
                .any(|file| file.path.parent() != folder),
            files: files.collect(),
            gaps: gaps.collect(),
            markers: markers.collect(),
            pauses: pauses.collect(),
            gaps_file: recorded.gaps_file.as_ref().map(text),
            clock_file: recorded.clock_file.as_ref().map(text),
        }
    }
}

impl TakeObject {
    /// The recording in words, a line each.
    pub fn text(&self) -> Vec<String> {
        let shown = |frames| shown(frames, self.sample_rate_hz);
        let Some(begun) = self.stream_position else {
            return vec![format!("file     {} was not begun", self.file)];
        };
        let mut lines: Vec<String> = match self.files.as_slice() {
            [] | [_] => vec![format!("file     {}", self.file)],
            files => files
                .iter()
                .map(|file| {
                    let (from, frames) = (shown(file.first_frame), shown(file.frames));
                    format!("file     {}: {frames} from {from} on", file.file)
                })
                .collect(),
        };
        if begun > 0 {
            lines.push(format!("begun    {} after the devices", shown(begun)));
        }
        for pause in &self.pauses {
            let (at, frames) = (shown(pause.position), shown(pause.frames));
            lines.push(format!("pause    at {at}: {frames} left out"));
        }
        for gap in &self.gaps {
            let (at, frames) = (shown(gap.position), plural(gap.frames, "frame"));
            lines.push(format!("lost     at {at}: {frames}, {}", gap.cause));
        }
        for marker in &self.markers {
            lines.push(format!(
                "mark     at {}: {}",
                shown(marker.position),
                marker.text
            ));
        }
        lines
    }
}

/// What a recording does, for the status line; nothing while it simply records.
pub fn state(gated: &Gated) -> Option<&'static str> {
    match gated.state {
        GateState::Waiting => Some("WAITS"),
        GateState::Paused => Some("PAUSED"),
        GateState::Recording | GateState::Ended => None,
    }
}

/// How the disks keep up, for the status line.
pub fn disk(takes: &[TakeReport]) -> Vec<String> {
    let mut parts = Vec::new();
    let lost = takes.iter().flat_map(|take| &take.gaps);
    let lost: u64 = lost.map(|gap| gap.frames).sum();
    if lost > 0 {
        parts.push(format!("{lost} frames LOST"));
    }
    let failed = takes.iter().filter(|take| take.failure.is_some()).count();
    if failed > 0 {
        parts.push(format!(
            "{failed} of {} ENDED",
            plural(takes.len() as u64, "recording")
        ));
    }
    let memory = takes.iter().map(|take| take.memory_seconds);
    // Up to a second is how a disk is written to.
    let memory = memory.filter(|seconds| *seconds > 1.5).reduce(f64::max);
    parts.extend(memory.map(|seconds| format!("{seconds:.0} s in memory")));
    let room = takes.iter().filter_map(|take| take.room_seconds);
    parts.extend(
        room.reduce(f64::min)
            .map(|seconds| format!("room {}", long(seconds))),
    );
    parts
}

/// A time as people say it of room on a disk.
fn long(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.0} h", s / 3600.0),
        s => format!("{:.0} days", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::long;

    #[test]
    fn room_is_told_in_a_fitting_unit() {
        let told = [42.4, 119.6, 120.0, 5400.0, 7200.0, 172_800.0].map(long);
        assert_eq!(told, ["42 s", "120 s", "2 min", "90 min", "2 h", "2 days"]);
    }
}
