//! Opening devices: one stream where the host can call once with input and output, else two at one
//! rate.

use ossicle_io::device::{
    DeviceError, HostKind, PendingStream, Port, StreamInfo, StreamRequest, default_host,
};

use super::config::{SessionConfig, Source};
use crate::error::EngineError;

/// What opens a device: [`ossicle_io::device::open`], or a simulation.
pub type Open<'a> =
    dyn FnMut(HostKind, &StreamRequest) -> Result<Box<dyn PendingStream>, DeviceError> + 'a;

/// The devices of a session, settled.
pub(super) struct Opened {
    /// Runs the core.
    pub(super) master: Box<dyn PendingStream>,
    /// Feeds the bridge.
    pub(super) capture: Option<Box<dyn PendingStream>>,
}

impl Opened {
    /// Channels of the input, if there is one.
    pub(super) fn input_channels(&self) -> Option<usize> {
        let info = self
            .capture
            .as_ref()
            .map_or(self.master.info(), |capture| capture.info());
        (info.input_channels > 0).then_some(info.input_channels)
    }

    /// Channels of the output, if there is one.
    pub(super) fn output_channels(&self) -> Option<usize> {
        let channels = self.master.info().output_channels;
        (channels > 0).then_some(channels)
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
    let host = match config.host {
        Some(host) => host,
        None => default_host().ok_or(EngineError::NoHost)?,
    };
    let wants_input = !matches!(config.source, Source::File(_));
    let input = config.input.clone().filter(|_| wants_input);
    let request = |input: Option<Port>, output: Option<Port>, rate: Option<u32>| StreamRequest {
        input,
        output,
        sample_rate_hz: rate,
        buffer_frames: config.buffer_frames,
        leave_unconnected: config.leave_unconnected,
        realtime: config.realtime.scheduling,
    };
    match (input, config.output.clone()) {
        (None, None) => Err(EngineError::NoDevice),
        (Some(input), None) => {
            let master = open(host, &request(Some(input), None, config.sample_rate_hz))?;
            Ok(Opened {
                master,
                capture: None,
            })
        }
        (None, Some(output)) => {
            let request = request(None, Some(output), config.sample_rate_hz);
            let master = match file {
                Some(file) => open_for_file(host, request, file, open)?,
                None => open(host, &request)?,
            };
            Ok(Opened {
                master,
                capture: None,
            })
        }
        (Some(input), Some(output)) => {
            let rate = config.sample_rate_hz;
            if host.is_duplex() {
                match open(
                    host,
                    &request(Some(input.clone()), Some(output.clone()), rate),
                ) {
                    // Two devices of such a host may be no pair.
                    Err(DeviceError::DirectionUnsupported { .. }) => {}
                    other => {
                        return Ok(Opened {
                            master: other?,
                            capture: None,
                        });
                    }
                }
            }
            let master = open(host, &request(None, Some(output.clone()), rate))?;
            let output_hz = master.info().sample_rate_hz;
            match open(host, &request(Some(input.clone()), None, Some(output_hz))) {
                Ok(capture) => Ok(Opened {
                    master,
                    capture: Some(capture),
                }),
                Err(DeviceError::SampleRateUnsupported { .. }) if rate.is_none() => {
                    drop(master);
                    let capture = open(host, &request(Some(input), None, None))?;
                    let input_hz = capture.info().sample_rate_hz;
                    match open(host, &request(None, Some(output), Some(input_hz))) {
                        Ok(master) => Ok(Opened {
                            master,
                            capture: Some(capture),
                        }),
                        Err(DeviceError::SampleRateUnsupported { .. }) => {
                            Err(EngineError::RatesDiffer {
                                input_hz,
                                output_hz,
                            })
                        }
                        Err(error) => Err(error.into()),
                    }
                }
                Err(error) => Err(error.into()),
            }
        }
    }
}

/// Opens an output at the file's own rate and channels where the device itself has them, else as
/// the device prefers.
///
/// A sound server takes any rate and resamples: there its own rate is taken, and the engine
/// resamples.
fn open_for_file(
    host: HostKind,
    mut request: StreamRequest,
    file: FileShape,
    open: &mut Open<'_>,
) -> Result<Box<dyn PendingStream>, EngineError> {
    let fixed = request.clone();
    if request.sample_rate_hz.is_none()
        && matches!(host, HostKind::Alsa | HostKind::Null | HostKind::Sim)
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
        match open(host, &request) {
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
            other => return Ok(other?),
        }
    }
    Ok(open(host, &fixed)?)
}

/// The names that a summary gives.
pub(super) fn names(infos: &[StreamInfo]) -> (Option<String>, Option<String>) {
    let input = infos.iter().find_map(|info| info.input_device.clone());
    let output = infos.iter().find_map(|info| info.output_device.clone());
    (input, output)
}
