//! `ossicle devices`: the devices that can be named.

use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use ossicle::io::device::{
    Capability, DeviceChange, DeviceInfo, DeviceWatch, HostKind, devices, devices_of,
};
use serde::Serialize;

use crate::args::Host;
use crate::exit::Failure;
use crate::output::Output;
use crate::signals::Interrupt;
use crate::times::Time;

/// Time between two looks at the devices.
const LOOK: Duration = Duration::from_millis(500);
/// Time between two looks whether to end.
const NAP: Duration = Duration::from_millis(20);

/// List the sound devices
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  ossicle devices\n\n\
    A device is named by its id, or by a part of its name: --device USB\n\n\
    With --watch a line is printed for each device there is, and for each that comes, goes or\n\
    changes; with --json an object in a line each. No running stream is disturbed.")]
pub struct Devices {
    /// Only those of this host
    #[arg(long, value_enum, value_name = "H")]
    host: Option<Host>,
    /// Go on and tell what comes and goes, until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// With --watch: end after this time
    #[arg(
        long = "for",
        value_name = "T",
        allow_hyphen_values = true,
        requires = "watch"
    )]
    length: Option<Time>,
}

/// What is told of a device that is watched.
#[derive(Serialize)]
struct EventObject {
    event: &'static str,
    device: DeviceObject,
}

#[derive(Serialize)]
struct DeviceObject {
    id: String,
    name: String,
    host: String,
    input: Option<CapabilityObject>,
    output: Option<CapabilityObject>,
    default_input: bool,
    default_output: bool,
}

#[derive(Serialize)]
struct CapabilityObject {
    min_channels: usize,
    max_channels: usize,
    sample_rates_hz: Vec<u32>,
    min_buffer_frames: Option<u32>,
    max_buffer_frames: Option<u32>,
}

impl Devices {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        if self.watch {
            return self.watch(output);
        }
        let found = match self.host {
            Some(host) => devices_of(host.into())?,
            None => devices(),
        };
        let lines: Vec<String> = found.iter().map(line).collect();
        let objects: Vec<DeviceObject> = found.into_iter().map(object).collect();
        let text = if lines.is_empty() {
            "no sound device".to_string()
        } else {
            lines.join("\n")
        };
        output.result(&objects, &text);
        Ok(())
    }

    /// Tells what comes and goes until the time is over or a signal comes.
    fn watch(&self, output: Output) -> Result<(), Failure> {
        let length = match self.length {
            Some(Time::Frames(_)) => {
                return Err(Failure::usage(
                    "--for: devices have no frames in common (allowed: seconds)",
                ));
            }
            Some(Time::Seconds(seconds)) => Some(Duration::from_secs_f64(seconds)),
            None => None,
        };
        let interrupt = Interrupt::listen(output)?;
        let began = Instant::now();
        let is_over =
            || interrupt.is_asked() || length.is_some_and(|length| began.elapsed() >= length);
        let mut watch = match self.host {
            Some(host) => DeviceWatch::new(&[host.into()]),
            None => DeviceWatch::new(&HostKind::NAMED),
        };
        let mut is_first = true;
        loop {
            for change in watch.look() {
                tell(change, is_first, output);
            }
            is_first = false;
            let looked = Instant::now();
            while looked.elapsed() < LOOK {
                if is_over() {
                    return Ok(());
                }
                thread::sleep(NAP);
            }
        }
    }
}

/// Prints what became of a device, at once.
fn tell(change: DeviceChange, is_first: bool, output: Output) {
    let (event, device) = match change {
        DeviceChange::Came(device) if is_first => ("present", device),
        DeviceChange::Came(device) => ("came", device),
        DeviceChange::Went(device) => ("went", device),
        DeviceChange::Changed(device) => ("changed", device),
        _ => return,
    };
    let text = format!("{event:8} {}", line(&device).replacen('\n', "", 1));
    let device = object(device);
    output.result(&EventObject { event, device }, &text);
}

fn object(device: DeviceInfo) -> DeviceObject {
    DeviceObject {
        id: device.id,
        name: device.name,
        host: device.host.to_string(),
        input: device.input.as_ref().map(capability),
        output: device.output.as_ref().map(capability),
        default_input: device.default_input,
        default_output: device.default_output,
    }
}

fn capability(capability: &Capability) -> CapabilityObject {
    let buffer = capability.buffer_frames.as_ref();
    CapabilityObject {
        min_channels: *capability.channels.start(),
        max_channels: *capability.channels.end(),
        sample_rates_hz: capability.sample_rates_hz.clone(),
        min_buffer_frames: buffer.map(|frames| *frames.start()),
        max_buffer_frames: buffer.map(|frames| *frames.end()),
    }
}

fn line(device: &DeviceInfo) -> String {
    let direction = |word: &str, capability: &Option<Capability>, default: bool| {
        capability.as_ref().map(|capability| {
            let default = if default { ", default" } else { "" };
            format!(
                "{word} (up to {} channels{default})",
                capability.channels.end()
            )
        })
    };
    let directions: Vec<String> = [
        direction("in", &device.input, device.default_input),
        direction("out", &device.output, device.default_output),
    ]
    .into_iter()
    .flatten()
    .collect();
    format!(
        "{}\n    {}: {}",
        device.id,
        device.name,
        directions.join(", ")
    )
}
