//! `ossicle measure roundtrip`: how long sound takes from an output to an input.

use clap::Args;
use ossicle::io::device::Port;
use ossicle::probe::{Roundtrip as Found, RoundtripConfig, roundtrip};
use serde_json::json;

use super::{PictureOption, number};
use crate::args::Host;
use crate::exit::Failure;
use crate::output::Output;
use crate::picture::plot::{Axis, Curve, Panel, Plot};
use crate::signals::Interrupt;

/// Milliseconds before and behind the peak that the picture shows.
const SHOWN_MS: (f64, f64) = (1.0, 4.0);

/// Round trip from an output through a cable to an input, to a hundredth of a frame
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle measure roundtrip --in USB --out USB --level -20dB --png response.png\n\n\
    Noise is played on all channels of the output for 4 s: turn loudspeakers down, or connect the\n\
    output to the input by a cable. Delays of 65,535 frames and more show up that much shorter.")]
pub struct Roundtrip {
    /// Device that listens: an id of `ossicle devices`, or a part of a name
    #[arg(long = "in", value_name = "D")]
    input: Option<String>,
    /// Device that plays
    #[arg(long = "out", value_name = "D")]
    output: Option<String>,
    /// Way to reach the devices; the first that answers of pipewire, pulseaudio and alsa
    #[arg(long, value_enum, value_name = "H")]
    host: Option<Host>,
    /// Frames per device buffer
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    buffer: Option<u32>,
    /// Sample rate in hertz
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Level of the noise in dBFS, -80 to 0
    #[arg(long, value_name = "DB", default_value_t = -12.0, allow_negative_numbers = true)]
    level: f64,
    /// How often it is tried before it is given up: 2.7 s each
    #[arg(long, value_name = "N", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    attempts: u32,
    #[command(flatten)]
    picture: PictureOption,
}

impl Roundtrip {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        let interrupt = Interrupt::listen(output)?;
        let port = |device: &Option<String>| Port {
            device: device.clone(),
            channels: None,
        };
        let config = RoundtripConfig {
            host: self.host.map(Into::into),
            input: port(&self.input),
            output: port(&self.output),
            sample_rate_hz: self.rate,
            buffer_frames: self.buffer,
            level_db: self.level,
            attempts: self.attempts,
        };
        let found = roundtrip(&config, &mut || interrupt.is_asked())?;
        self.picture.draw(|| plot(&found))?;
        let object = json!({
            "latency_frames": hundredths(found.latency_frames),
            "latency_ms": number(ms(&found, hundredths(found.latency_frames))),
            "spread_frames": number(found.spread_frames),
            "margin_frames": found.margin_frames,
            "device_latency_frames": found.device_latency_frames,
            "gain_db": number(20.0 * found.gain.abs().log10()),
            "inverted": found.gain < 0.0,
            "stands_out_db": number(20.0 * found.stands_out.log10()),
            "channel": found.channel + 1,
            "attempts": found.attempts,
            "sample_rate_hz": found.sample_rate_hz,
            "buffer_frames": found.buffer_frames,
            "host": found.host,
            "input_device": found.input_device,
            "device": found.output_device,
        });
        output.result(&object, &text(&found));
        Ok(())
    }
}

/// To a hundredth of a frame: what lies below is not known.
fn hundredths(frames: f64) -> f64 {
    (frames * 100.0).round() / 100.0
}

fn ms(found: &Found, frames: f64) -> f64 {
    frames * 1e3 / f64::from(found.sample_rate_hz)
}

fn text(found: &Found) -> String {
    let (input, output) = (&found.input_device, &found.output_device);
    let turned = if found.gain < 0.0 {
        ", with the sign turned"
    } else {
        ""
    };
    let mut lines = vec![
        format!(
            "round trip {:.2} frames, {:.3} ms (+-{:.2} frames)",
            found.latency_frames,
            ms(found, found.latency_frames),
            0.5 * found.spread_frames
        ),
        format!(
            "of these   {} frames held between the callbacks by the program",
            found.margin_frames
        ),
    ];
    if let Some(frames) = found.device_latency_frames {
        lines.push(format!("devices    say {frames} frames"));
    }
    lines.push(format!(
        "level      {:+.1} dB on channel {}{turned}; {:.0} dB over all else",
        20.0 * found.gain.abs().log10(),
        found.channel + 1,
        20.0 * found.stands_out.log10()
    ));
    lines.push(format!(
        "devices    {} -> {} ({}, {} Hz, buffer {})",
        output.as_deref().unwrap_or("-"),
        input.as_deref().unwrap_or("-"),
        found.host,
        found.sample_rate_hz,
        found.buffer_frames
    ));
    lines.join("\n")
}

/// The response around its peak, over milliseconds.
fn plot(found: &Found) -> Plot {
    let length = found.response.len() as i64;
    let frames = |time_ms: f64| time_ms * 1e-3 * f64::from(found.sample_rate_hz);
    let middle = found.latency_frames.round();
    let first = (middle - frames(SHOWN_MS.0)) as i64;
    let last = (middle + frames(SHOWN_MS.1)) as i64;
    let points: Vec<(f64, f64)> = (first..=last)
        .map(|frame| {
            let value = found.response[frame.rem_euclid(length) as usize];
            (ms(found, frame as f64), value)
        })
        .collect();
    let span = (ms(found, first as f64), ms(found, last as f64));
    Plot {
        title: format!(
            "round trip: {:.2} frames, {:.3} ms",
            found.latency_frames,
            ms(found, found.latency_frames)
        ),
        axis_caption: "delay in ms".to_string(),
        axis: Axis::Linear,
        span,
        panels: vec![Panel {
            caption: "response to an impulse, a factor".to_string(),
            curves: vec![Curve {
                name: format!("channel {}", found.channel + 1),
                points,
            }],
            range: (-1e-6, 1e-6),
            limits: (-1e3, 1e3),
        }],
    }
}
