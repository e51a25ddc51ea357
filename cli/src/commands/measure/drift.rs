//! `ossicle measure drift`: how far the clocks of two devices are apart.

use clap::Args;
use ossicle::io::device::{HostKind, Port};
use ossicle::probe::{Drift as Found, DriftConfig, Side, drift};
use serde_json::{Value, json};

use super::number;
use crate::args::Host;
use crate::exit::Failure;
use crate::output::Output;
use crate::signals::Interrupt;
use crate::times::Time;

/// How much faster one device's clock runs than the other's
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle measure drift --in pulseaudio:microphone --out jack:system --for 60s\n\n\
    Only the times are looked at at which the devices call: nothing is heard, and no cable is needed.\n\
    Given as an id (see `ossicle devices`), each device may be of a host of its own.")]
pub struct Drift {
    /// Device that listens: an id of `ossicle devices`, or a part of a name
    #[arg(long = "in", value_name = "D")]
    input: Option<String>,
    /// Device that plays silence
    #[arg(long = "out", value_name = "D")]
    output: Option<String>,
    /// Way to reach the devices; the first that answers of pipewire, pulseaudio and alsa
    #[arg(long, value_enum, value_name = "H")]
    host: Option<Host>,
    /// Frames per device buffer
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    buffer: Option<u32>,
    /// Time to measure, 4 s to a day
    #[arg(
        long = "for",
        value_name = "T",
        allow_hyphen_values = true,
        default_value = "30s"
    )]
    length: Time,
}

impl Drift {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        let Time::Seconds(seconds) = self.length else {
            return Err(Failure::usage(
                "--for: two devices have no frames in common (allowed: seconds)",
            ));
        };
        let interrupt = Interrupt::listen(output)?;
        let config = DriftConfig {
            input: self.port(self.input.as_deref()),
            output: self.port(self.output.as_deref()),
            seconds,
            buffer_frames: self.buffer,
        };
        let found = drift(&config, &mut || interrupt.is_asked())?;
        let object = json!({
            "ppm": number(found.ppm),
            "spread_ppm": number(found.spread_ppm),
            "parts": found.parts,
            "seconds": number(found.seconds),
            "input": side(&found.input),
            "output": side(&found.output),
        });
        output.result(&object, &text(&found));
        Ok(())
    }

    /// A device, and its host where its id names one.
    fn port(&self, device: Option<&str>) -> (Option<HostKind>, Port) {
        let named = device
            .and_then(|id| id.split_once(':'))
            .and_then(|(host, _)| host.parse().ok());
        let port = Port {
            device: device.map(str::to_string),
            channels: None,
        };
        (self.host.map(Into::into).or(named), port)
    }
}

fn name(side: &Side) -> &str {
    let names = [&side.info.input_device, &side.info.output_device];
    names.into_iter().flatten().next().map_or("-", |name| name)
}

fn side(side: &Side) -> Value {
    json!({
        "device": name(side),
        "host": side.info.host.to_string(),
        "sample_rate_hz": side.info.sample_rate_hz,
        "buffer_frames": side.info.buffer_frames,
        "calls": side.calls,
        "ppm": number(side.ppm),
        "spread_ppm": number(side.spread_ppm),
        "late_half_us": number(side.late_half_us),
        "late_most_us": number(side.late_most_us),
        "lost_frames": side.lost_frames,
        "xruns": side.xruns,
    })
}

fn text(found: &Found) -> String {
    let line = |word: &str, side: &Side| {
        format!(
            "{word:<8}{} ({} Hz): {:+.2} ppm against this machine's clock (its parts spread by {:.2}); \
             half of {} calls come within {:.0} us, all but one of 10,000 within {:.0} us",
            name(side),
            side.info.sample_rate_hz,
            side.ppm,
            side.spread_ppm,
            side.calls,
            side.late_half_us,
            side.late_most_us
        )
    };
    [
        format!(
            "the input runs {:.2} ppm {} than the output over {:.0} s (its {} parts spread by \
             {:.2} ppm)",
            found.ppm.abs(),
            if found.ppm < 0.0 { "slower" } else { "faster" },
            found.seconds,
            found.parts,
            found.spread_ppm
        ),
        line("input", &found.input),
        line("output", &found.output),
    ]
    .join("\n")
}
