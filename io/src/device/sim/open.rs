//! Settles what a stream on a simulated device will be.

use super::device::Format;
use super::world::World;
use crate::device::info::nearest;
use crate::device::{DeviceError, HostKind, Port, StreamInfo, StreamRequest};

/// What the names of clocks that are no devices begin with.
pub(super) const CLOCK: &str = "clock of the world ";

/// The device asked for, and what was settled.
pub(super) fn settle(
    world: &World,
    request: &StreamRequest,
) -> Result<(usize, StreamInfo), DeviceError> {
    let ports = [&request.input, &request.output];
    let mut found = None;
    for port in ports.into_iter().flatten() {
        let index = find(world, port)?;
        if found.is_some_and(|found| found != index) {
            let device = world.device(index).name.clone();
            let direction = "input and output of two devices in one stream";
            return Err(DeviceError::DirectionUnsupported { device, direction });
        }
        found = Some(index);
    }
    let Some(index) = found else {
        let (device, direction) = (HostKind::Sim.to_string(), "neither direction");
        return Err(DeviceError::DirectionUnsupported { device, direction });
    };
    let device = world.device(index);
    if let Some(error) = device.refusal(world.now_ns()) {
        return Err(error);
    }
    let Format {
        sample_rate_hz,
        input_channels,
        output_channels,
    } = device.format(world.now_ns());
    let input_channels = channels(&device.name, &request.input, input_channels, "input")?;
    let output_channels = channels(&device.name, &request.output, output_channels, "output")?;
    if let Some(asked_hz) = request
        .sample_rate_hz
        .filter(|&asked| asked != sample_rate_hz)
    {
        return Err(DeviceError::SampleRateUnsupported {
            device: device.name.clone(),
            asked_hz,
            allowed: vec![sample_rate_hz],
        });
    }
    let info = StreamInfo {
        host: HostKind::Sim,
        input_device: request.input.as_ref().map(|_| device.name.clone()),
        output_device: request.output.as_ref().map(|_| device.name.clone()),
        input_channels,
        output_channels,
        sample_rate_hz,
        buffer_frames: u32::try_from(world.longest_block(index)).unwrap_or(u32::MAX),
        device_latency_frames: Some(0),
    };
    Ok((index, info))
}

/// The device that was made the default, while it is there.
fn chosen(world: &World) -> Option<usize> {
    let index = world.find(world.default_device()?)?;
    (!world.device(index).is_away(world.now_ns())).then_some(index)
}

/// Its name where it captures, and where it plays.
pub(super) fn defaults(world: &World) -> [Option<String>; 2] {
    let Some(device) = chosen(world).map(|index| world.device(index)) else {
        return [None, None];
    };
    let format = device.format(world.now_ns());
    [format.input_channels, format.output_channels]
        .map(|channels| (channels > 0).then(|| device.name.clone()))
}

fn find(world: &World, port: &Port) -> Result<usize, DeviceError> {
    let present = |index: &usize| !world.device(*index).is_away(world.now_ns());
    let mut indices = (0..world.devices()).filter(present);
    let found = match &port.device {
        None if chosen(world).is_some() => chosen(world),
        None => indices.find(|&index| !world.device(index).name.starts_with(CLOCK)),
        Some(asked) => {
            let wanted = asked.strip_prefix("sim:").unwrap_or(asked);
            indices.find(|&index| world.device(index).name == wanted)
        }
    };
    found.ok_or_else(|| {
        let asked = port.device.clone().unwrap_or_default();
        let available: Vec<String> = (0..world.devices())
            .filter(present)
            .filter(|&index| !world.device(index).name.starts_with(CLOCK))
            .map(|index| format!("sim:{}", world.device(index).name))
            .collect();
        let nearest = nearest(&asked, &available);
        DeviceError::DeviceNotFound {
            asked,
            host: HostKind::Sim,
            nearest,
            available,
        }
    })
}

fn channels(
    device: &str,
    port: &Option<Port>,
    offered: usize,
    direction: &'static str,
) -> Result<usize, DeviceError> {
    let Some(port) = port else { return Ok(0) };
    let device = device.to_owned();
    if offered == 0 {
        return Err(DeviceError::DirectionUnsupported { device, direction });
    }
    match port.channels {
        Some(asked) if asked != offered => Err(DeviceError::ChannelsUnsupported {
            device,
            asked,
            allowed: vec![offered],
        }),
        _ => Ok(offered),
    }
}
