//! `ossicle devices`: the devices that can be named.

use clap::Args;
use ossicle::io::device::{Capability, DeviceInfo, devices};
use serde::Serialize;

use crate::exit::Failure;
use crate::output::Output;

/// List the sound devices
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  ossicle devices\n\n\
    A device is named by its id, or by a part of its name: --device USB")]
pub struct Devices {}

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
    #[allow(clippy::unused_self)]
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        let found = devices();
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
