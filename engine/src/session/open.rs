//! Opens the devices of a session: one stream where the host can call once with input and output,
//! else one for each device.

use ossicle_io::device::{
    DeviceError, HostKind, PendingStream, Port, StreamInfo, StreamRequest, default_host,
};

use super::config::{SessionConfig, Source};
use super::fallback::{self, host_in, open_or_fall_back};
use super::stage::Role;
use crate::error::EngineError;

/// What opens a device: [`ossicle_io::device::open`], or a simulation.
pub type Open<'a> =
    dyn FnMut(HostKind, &StreamRequest) -> Result<Box<dyn PendingStream>, DeviceError> + 'a;

/// The devices of a session, settled: the master first.
pub(super) struct Opened {
    pub(super) devices: Vec<(Role, Box<dyn PendingStream>)>,
}

impl Opened {
    /// Runs the core.
    pub(super) fn master(&self) -> &StreamInfo {
        self.devices[0].1.info()
    }

    /// The capture devices, in their order.
    pub(super) fn inputs(&self) -> Vec<&StreamInfo> {
        let lane = |lane: usize| {
            let is_it = |device: &&(Role, _)| device.0.lane == Some(lane);
            self.devices.iter().find(is_it)
        };
        let found = (0..).map_while(lane);
        found.map(|(_, pending)| pending.info()).collect()
    }

    /// Most channels of the outputs, if there are any.
    pub(super) fn output_channels(&self) -> Option<usize> {
        let channels = self
            .devices
            .iter()
            .map(|(_, pending)| pending.info().output_channels);
        channels.max().filter(|&channels| channels > 0)
    }
}

/// The file's own rate and channels, as wishes.
#[derive(Clone, Copy)]
pub(super) struct FileShape {
    pub(super) sample_rate_hz: u32,
    pub(super) channels: usize,
}

/// Opens what the configuration asks for.
pub(super) fn open_devices(
    config: &SessionConfig,
    file: Option<FileShape>,
    open: &mut Open<'_>,
) -> Result<Opened, EngineError> {
    let wants_input = !matches!(config.source, Source::File(_));
    let inputs = config.input.iter().chain(&config.more_inputs);
    let inputs: Vec<&Port> = inputs.filter(|_| wants_input).collect();
    let outputs: Vec<&Port> = config.output.iter().chain(&config.more_outputs).collect();
    let mut devices = Vec::new();
    let mut first_lane = 0;
    let [mut for_input, mut for_output] = fallback::of_config(config)?;
    match (outputs.first(), inputs.first()) {
        (None, None) => return Err(EngineError::NoDevice),
        (Some(output), input) => {
            let host = host_of(config, output)?;
            let mut role = role(host).plays(0, output);
            role.fallbacks[1] = for_output.take();
            let duplex = input.filter(|input| {
                host.is_duplex() && host_of(config, input).is_ok_and(|other| other == host)
            });
            let duplex = match duplex {
                Some(input) => {
                    let mut role = role.clone().captures(0, input);
                    role.fallbacks[0].clone_from(&for_input);
                    match open_role(&mut role, config, config.sample_rate_hz, open) {
                        // Two devices of such a host may be no pair.
                        Err(DeviceError::DirectionUnsupported { .. }) => None,
                        other => Some((role, other?)),
                    }
                }
                None => None,
            };
            if let Some((role, _)) = &duplex {
                role.fallbacks
                    .iter()
                    .flatten()
                    .try_for_each(|fallback| fallback.fits(host))?;
            }
            let (role, pending) = match (duplex, file) {
                (Some(duplex), _) => {
                    first_lane = 1;
                    duplex
                }
                (None, Some(file)) => {
                    let request = request(config, &role, config.sample_rate_hz);
                    let pending = open_for_file(&mut role, request, file, open)?;
                    (role, pending)
                }
                (None, None) => {
                    let pending = open_role(&mut role, config, config.sample_rate_hz, open)?;
                    (role, pending)
                }
            };
            devices.push((role, pending));
        }
        (None, Some(input)) => {
            let host = host_of(config, input)?;
            let mut role = role(host).captures(0, input);
            role.fallbacks[0] = for_input.take();
            let pending = open_role(&mut role, config, config.sample_rate_hz, open)?;
            devices.push((role, pending));
            first_lane = 1;
        }
    }
    devices[0].0.is_master = true;
    let session_hz = devices[0].1.info().sample_rate_hz;
    for (lane, input) in inputs.into_iter().enumerate().skip(first_lane) {
        let mut role = role(host_of(config, input)?).captures(lane, input);
        role.fallbacks[0] = for_input.take().filter(|_| lane == 0);
        devices.push(open_beside(config, role, session_hz, open)?);
    }
    for (plays, output) in outputs.into_iter().enumerate().skip(1) {
        let role = role(host_of(config, output)?).plays(plays, output);
        devices.push(open_beside(config, role, session_hz, open)?);
    }
    Ok(Opened { devices })
}

/// The host that a device's id names, else that of the session.
fn host_of(config: &SessionConfig, port: &Port) -> Result<HostKind, EngineError> {
    let id = port.device.as_deref().unwrap_or_default();
    match host_in(id).or(config.host) {
        Some(host) => Ok(host),
        None => default_host().ok_or(EngineError::NoHost),
    }
}

/// A device that does nothing yet.
fn role(host: HostKind) -> Role {
    Role {
        host,
        input: None,
        output: None,
        lane: None,
        out: None,
        plays: 0,
        fallbacks: [None, None],
        fell_back: false,
        is_master: false,
    }
}

impl Role {
    fn captures(mut self, lane: usize, port: &Port) -> Self {
        (self.input, self.lane) = (Some(port.clone()), Some(lane));
        self
    }

    fn plays(mut self, plays: usize, port: &Port) -> Self {
        (self.output, self.plays, self.out) = (Some(port.clone()), plays, Some(plays));
        self
    }
}

fn request(config: &SessionConfig, role: &Role, rate: Option<u32>) -> StreamRequest {
    StreamRequest {
        input: role.input.clone(),
        output: role.output.clone(),
        sample_rate_hz: rate,
        buffer_frames: config.buffer_frames,
        leave_unconnected: config.leave_unconnected,
        realtime: config.realtime.scheduling,
        by_id: false,
    }
}

/// Opens what a role asks for, or what stands in for it.
fn open_role(
    role: &mut Role,
    config: &SessionConfig,
    rate: Option<u32>,
    open: &mut Open<'_>,
) -> Result<Box<dyn PendingStream>, DeviceError> {
    let request = request(config, role, rate);
    let (pending, fell_back) = open_or_fall_back(role, &request, open)?;
    role.fell_back = fell_back;
    Ok(pending)
}

/// Opens a device that does not call the core: at the session's rate where the device itself has
/// it, else as it prefers. A sound server would resample: there its own rate is taken.
fn open_beside(
    config: &SessionConfig,
    mut role: Role,
    session_hz: u32,
    open: &mut Open<'_>,
) -> Result<(Role, Box<dyn PendingStream>), EngineError> {
    let is_server = matches!(role.host, HostKind::PulseAudio | HostKind::PipeWire);
    let wish = config.sample_rate_hz.or((!is_server).then_some(session_hz));
    let pending = match open_role(&mut role, config, wish, open) {
        Err(DeviceError::SampleRateUnsupported { .. }) if wish.is_some() => {
            open_role(&mut role, config, None, open)?
        }
        other => other?,
    };
    Ok((role, pending))
}

/// Opens an output at the file's own rate and channels where the device itself has them, else as
/// the device prefers.
///
/// A sound server takes any rate and resamples: there its own rate is taken, and the engine
/// resamples.
fn open_for_file(
    role: &mut Role,
    mut request: StreamRequest,
    file: FileShape,
    open: &mut Open<'_>,
) -> Result<Box<dyn PendingStream>, EngineError> {
    let fixed = request.clone();
    if request.sample_rate_hz.is_none()
        && matches!(role.host, HostKind::Alsa | HostKind::Null | HostKind::Sim)
    {
        request.sample_rate_hz = Some(file.sample_rate_hz);
    }
    if let Some(output) = &mut request.output
        && output.channels.is_none()
        && file.channels > 2
    {
        output.channels = Some(file.channels);
    }
    for attempt in 0..3 {
        match open_or_fall_back(role, &request, &mut *open) {
            Err(DeviceError::SampleRateUnsupported { .. })
                if attempt < 2 && request.sample_rate_hz != fixed.sample_rate_hz =>
            {
                request.sample_rate_hz = fixed.sample_rate_hz;
            }
            Err(DeviceError::ChannelsUnsupported { .. })
                if attempt < 2 && request.output != fixed.output =>
            {
                request.output.clone_from(&fixed.output);
            }
            other => {
                let (pending, fell_back) = other?;
                role.fell_back = fell_back;
                return Ok(pending);
            }
        }
    }
    Ok(open(role.host, &fixed)?)
}

/// The names that a summary gives.
pub(super) fn names(infos: &[StreamInfo]) -> (Option<String>, Option<String>) {
    let input = infos.iter().find_map(|info| info.input_device.clone());
    let output = infos.iter().find_map(|info| info.output_device.clone());
    (input, output)
}
