//! What a run came to, as JSON and in words.

use ossicle::session::{BridgeReport, DeviceEvent, DeviceEventKind, Direction, Realtime};
use serde::Serialize;

use crate::loudness::LoudnessObject;
use crate::output::ErrorBody;
use crate::progress::dbfs;
use crate::takes::TakeObject;
use crate::times::shown;

/// The summary of a run. What does not apply is null.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    pub frames: u64,
    pub sample_rate_hz: u32,
    pub channels: usize,
    pub xruns: Option<u64>,
    pub overrun_frames: Option<u64>,
    pub underrun_frames: Option<u64>,
    /// Frames of a live input passed over to bring its delay back.
    pub skipped_frames: Option<u64>,
    pub latency_frames: u64,
    pub device_latency_frames: Option<u64>,
    pub peak_dbfs: Option<f64>,
    /// How often a channel was at full scale.
    pub clips: Option<u64>,
    #[serde(flatten)]
    pub loudness: LoudnessObject,
    /// Gain that brought the output to the loudness asked for.
    pub gain_db: Option<f64>,
    pub dsp_load_percent: Option<f64>,
    pub host: Option<String>,
    pub device: Option<String>,
    pub input_device: Option<String>,
    pub buffer_frames: Option<u32>,
    /// Bridges between devices on different clocks.
    pub bridges: Option<Vec<BridgeObject>>,
    /// What befell the devices.
    pub events: Option<Vec<EventObject>>,
    /// What was got of the rights of real-time work.
    pub realtime: Option<RealtimeObject>,
    /// The file that was written.
    pub file: Option<String>,
    /// Frames in the file that was written; of a recording in several files, in all of them.
    pub file_frames: Option<u64>,
    /// What was recorded.
    pub takes: Option<Vec<TakeObject>>,
    pub warnings: Vec<String>,
    /// What went wrong, that with the exit code of the program first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
    /// All that went wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorBody>,
}

/// A bridge between two clocks.
#[derive(Clone, Debug, Serialize)]
pub struct BridgeObject {
    pub device: String,
    /// `in` or `out`.
    pub direction: &'static str,
    pub from_hz: u32,
    pub to_hz: u32,
    pub ppm: f64,
    /// By how much both clocks together may be off what is known of them.
    pub unsure_ppm: f64,
    pub spread_us: f64,
    pub margin_frames: f64,
    pub latency_frames: f64,
    pub error_frames: f64,
    pub jumps: u64,
    pub missing_frames: u64,
    pub locked: bool,
}

impl From<&BridgeReport> for BridgeObject {
    fn from(bridge: &BridgeReport) -> Self {
        Self {
            device: bridge.device.clone(),
            direction: match bridge.direction {
                Direction::In => "in",
                Direction::Out => "out",
            },
            from_hz: bridge.from_hz,
            to_hz: bridge.to_hz,
            ppm: bridge.ppm,
            unsure_ppm: bridge.unsure_ppm,
            spread_us: bridge.spread_us,
            margin_frames: bridge.margin_frames,
            latency_frames: bridge.latency_frames,
            error_frames: bridge.error_frames,
            jumps: bridge.jumps,
            missing_frames: bridge.missing_frames,
            locked: bridge.locked,
        }
    }
}

impl BridgeObject {
    /// The bridge in a line of words.
    fn text(&self) -> String {
        let way = if self.direction == "in" { "from" } else { "to" };
        format!(
            "bridge   {way} {}, {} to {} Hz, {:+.2} +- {:.2} ppm, calls {:.0} us late, margin {:.1} of {:.1} \
             frames",
            self.device,
            self.from_hz,
            self.to_hz,
            self.ppm,
            self.unsure_ppm,
            self.spread_us,
            self.margin_frames,
            self.latency_frames
        )
    }
}

/// Something that befell a device.
#[derive(Clone, Debug, Serialize)]
pub struct EventObject {
    pub position: u64,
    pub device: String,
    /// `lost`, `stalled`, `resumed`, `back`, `replaced` or `moved`.
    pub kind: &'static str,
    pub text: String,
}

impl From<&DeviceEvent> for EventObject {
    fn from(event: &DeviceEvent) -> Self {
        Self {
            position: event.position,
            device: event.device.clone(),
            kind: match event.kind {
                DeviceEventKind::Lost { .. } => "lost",
                DeviceEventKind::Stalled => "stalled",
                DeviceEventKind::Resumed { .. } => "resumed",
                DeviceEventKind::Replaced { .. } => "replaced",
                DeviceEventKind::Moved { .. } => "moved",
                _ => "back",
            },
            text: event.to_string(),
        }
    }
}

/// What was got of the rights of real-time work.
#[derive(Clone, Debug, Serialize)]
pub struct RealtimeObject {
    pub scheduling: String,
    pub memory_locked: bool,
}

impl From<Realtime> for RealtimeObject {
    fn from(realtime: Realtime) -> Self {
        Self {
            scheduling: realtime.scheduling.to_string(),
            memory_locked: realtime.memory_locked,
        }
    }
}

impl Summary {
    /// Sets the peak from a magnitude; silence has none.
    pub fn set_peak(&mut self, peak: f32) {
        self.peak_dbfs = dbfs(peak);
    }

    /// The summary in words, a line each, headed by what was done: `played`, and to how many frames.
    pub fn text(&self, done: &str, frames: u64) -> String {
        let seconds = shown(frames, self.sample_rate_hz);
        let mut lines = vec![format!(
            "{done} {seconds} ({frames} frames, {} Hz, {})",
            self.sample_rate_hz,
            plural(self.channels as u64, "channel")
        )];
        if let Some(device) = self.devices() {
            lines.push(format!("device   {device}"));
        }
        lines.push(match self.device_latency_frames {
            Some(device) => format!(
                "latency  {}, the device says {device} more",
                plural(self.latency_frames, "frame")
            ),
            None => format!("latency  {}", plural(self.latency_frames, "frame")),
        });
        lines.extend(self.bridges.iter().flatten().map(BridgeObject::text));
        if let (Some(xruns), Some(over), Some(under)) =
            (self.xruns, self.overrun_frames, self.underrun_frames)
        {
            lines.push(format!(
                "xruns    {xruns} (frames: {over} overrun, {under} underrun)"
            ));
        }
        let clips = match self.clips {
            None | Some(0) => String::new(),
            Some(clips) => format!(", {}", plural(clips, "clip")),
        };
        lines.push(match self.peak_dbfs {
            Some(peak) => format!("peak     {peak:.2} dBFS{clips}"),
            None => "peak     silence".to_string(),
        });
        if self.loudness.integrated_lufs.is_some() {
            lines.push(format!("loudness {}", self.loudness.text()));
        }
        if let Some(load) = self.dsp_load_percent {
            lines.push(format!("load     {load:.2} %"));
        }
        if let Some(realtime) = &self.realtime {
            let locked = if realtime.memory_locked {
                ", memory locked"
            } else {
                ""
            };
            lines.push(format!("rights   {}{locked}", realtime.scheduling));
        }
        match (&self.takes, &self.file) {
            (Some(takes), _) => lines.extend(takes.iter().flat_map(TakeObject::text)),
            (None, Some(file)) => lines.push(format!("file     {file}")),
            (None, None) => {}
        }
        lines.join("\n")
    }

    fn devices(&self) -> Option<String> {
        let host = self.host.as_deref()?;
        let buffer = self
            .buffer_frames
            .map_or_else(String::new, |frames| format!(", buffer {frames}"));
        let names = match (&self.input_device, &self.device) {
            (Some(input), Some(output)) if input != output => format!("{input} -> {output}"),
            (Some(name), _) | (None, Some(name)) => name.clone(),
            (None, None) => return None,
        };
        Some(format!("{names} ({host}{buffer})"))
    }
}

/// `1 frame`, `2 frames`.
pub fn plural(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}
