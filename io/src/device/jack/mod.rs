//! JACK: one client with input and output ports, called once per cycle with both, so that a sound
//! that comes in can leave in the same cycle.

mod connect;
mod door;
mod frame_clock;
mod process;
mod stream;

use std::collections::BTreeMap;
use std::sync::Once;

use jack::{Client, ClientOptions, ClientStatus, LatencyType, LoggerType, PortFlags};

use super::StreamRequest;
use super::deadline::within;
use super::info::nearest;
use super::{Capability, DeviceError, DeviceInfo, HostKind, PendingStream, Port, StreamInfo};
use stream::Pending;

/// Name of the client; the server makes it unique.
const CLIENT: &str = "ossicle";
const AUDIO: &str = "32 bit float mono audio";
const MAX_CHANNELS: usize = 64;
/// Channels where no other client's ports say it.
const CHANNELS: usize = 2;

/// Whether a server answers.
pub(super) fn is_available() -> bool {
    connect("ossicle-probe").is_ok()
}

/// Every client with audio ports.
pub(super) fn devices() -> Result<Vec<DeviceInfo>, DeviceError> {
    within(HostKind::Jack, "list devices", || {
        let client = connect_here("ossicle-probe")?;
        let mut devices: BTreeMap<String, DeviceInfo> = BTreeMap::new();
        for (flag, is_input) in [(PortFlags::IS_OUTPUT, true), (PortFlags::IS_INPUT, false)] {
            let physical = client.ports(None, Some(AUDIO), flag | PortFlags::IS_PHYSICAL);
            for (name, ports) in by_client(client.ports(None, Some(AUDIO), flag)) {
                let is_default = physical.iter().any(|port| ports.contains(port));
                let capability = Capability {
                    channels: 1..=ports.len(),
                    sample_rates_hz: vec![client.sample_rate()],
                    buffer_frames: Some(client.buffer_size()..=client.buffer_size()),
                };
                let device = devices.entry(name.clone()).or_insert_with(|| DeviceInfo {
                    id: format!("jack:{name}"),
                    name,
                    host: HostKind::Jack,
                    input: None,
                    output: None,
                    default_input: false,
                    default_output: false,
                });
                if is_input {
                    (device.input, device.default_input) = (Some(capability), is_default);
                } else {
                    (device.output, device.default_output) = (Some(capability), is_default);
                }
            }
        }
        Ok(devices.into_values().collect())
    })?
}

/// Settles a stream: the server's rate and period, and the ports at the other end.
pub(super) fn open(request: &StreamRequest) -> Result<Box<dyn PendingStream>, DeviceError> {
    let request = request.clone();
    within(HostKind::Jack, "open", move || {
        let client = connect_here(CLIENT)?;
        let sample_rate_hz = client.sample_rate();
        if let Some(asked_hz) = request
            .sample_rate_hz
            .filter(|&asked| asked != sample_rate_hz)
        {
            let (device, allowed) = ("jack".to_owned(), vec![sample_rate_hz]);
            return Err(DeviceError::SampleRateUnsupported {
                device,
                asked_hz,
                allowed,
            });
        }
        let settle = |port: &Option<Port>, mode: LatencyType| match port {
            Some(port) => settle(&client, port, mode, request.by_id),
            None => Ok(Settled::default()),
        };
        let input = settle(&request.input, LatencyType::Capture)?;
        let output = settle(&request.output, LatencyType::Playback)?;
        let latencies = [input.latency_frames, output.latency_frames];
        let info = StreamInfo {
            host: HostKind::Jack,
            input_device: input.device,
            output_device: output.device,
            input_channels: input.channels,
            output_channels: output.channels,
            sample_rate_hz,
            buffer_frames: client.buffer_size(),
            device_latency_frames: latencies.iter().flatten().copied().reduce(|a, b| a + b),
        };
        let is_asked = |_: &Port| !request.leave_unconnected;
        Ok(Box::new(Pending {
            client,
            info,
            source: request.input.clone().filter(is_asked),
            sink: request.output.clone().filter(is_asked),
            by_id: request.by_id,
        }) as Box<dyn PendingStream>)
    })?
}

fn connect(name: &'static str) -> Result<Client, DeviceError> {
    within(HostKind::Jack, "connect", move || connect_here(name))?
}

/// A client, on this thread; never starts a server.
fn connect_here(name: &str) -> Result<Client, DeviceError> {
    static QUIET: Once = Once::new();
    let unavailable = |hint: &str| DeviceError::HostUnavailable {
        host: HostKind::Jack,
        hint: hint.to_owned(),
    };
    if jack::jack_sys::library().is_err() {
        return Err(unavailable("the library libjack.so.0 is not installed"));
    }
    // The library says on standard error what is returned here.
    QUIET.call_once(|| jack::set_logger(LoggerType::None));
    match Client::new(name, ClientOptions::NO_START_SERVER) {
        Ok((client, _)) => Ok(client),
        Err(jack::Error::ClientError(status)) if status.contains(ClientStatus::VERSION_ERROR) => {
            Err(unavailable(
                "the server speaks another version of the protocol",
            ))
        }
        Err(_) => Err(unavailable(
            "no server answers; start jackd, or name one by \
                                   JACK_DEFAULT_SERVER",
        )),
    }
}

/// One direction, settled.
#[derive(Default)]
struct Settled {
    device: Option<String>,
    channels: usize,
    latency_frames: Option<u64>,
}

fn settle(
    client: &Client,
    port: &Port,
    mode: LatencyType,
    by_id: bool,
) -> Result<Settled, DeviceError> {
    let ports = connect::ports(client, port, mode == LatencyType::Capture, by_id)?;
    let device = ports
        .first()
        .map_or("jack", |port| client_of(port))
        .to_owned();
    let offered = if ports.is_empty() {
        CHANNELS
    } else {
        ports.len().min(MAX_CHANNELS)
    };
    let channels = port.channels.unwrap_or(offered);
    if !(1..=MAX_CHANNELS).contains(&channels) {
        let allowed = (1..=MAX_CHANNELS).collect();
        return Err(DeviceError::ChannelsUnsupported {
            device,
            asked: channels,
            allowed,
        });
    }
    let latency = |name: &String| Some(client.port_by_name(name)?.get_latency_range(mode).1);
    let latency_frames = ports.iter().filter_map(latency).max().map(u64::from);
    Ok(Settled {
        device: Some(device),
        channels,
        latency_frames,
    })
}

/// The ports of the client called `asked`, or those with `asked` in their full names; by its id alone
/// those of one client, or those of them with what is behind a colon in their full names.
fn find(ports: Vec<String>, asked: &str, by_id: bool) -> Result<Vec<String>, DeviceError> {
    let wanted = asked.strip_prefix("jack:").unwrap_or(asked);
    let exact = |port: &&String| client_of(port) == wanted;
    let lower = wanted.to_lowercase();
    let partly = |port: &&String| match lower.split_once(':') {
        Some((_, part)) if by_id => {
            let is_owner =
                wanted.split_once(':').map(|(client, _)| client) == Some(client_of(port));
            is_owner && port.to_lowercase().contains(part)
        }
        _ => !by_id && port.to_lowercase().contains(&lower),
    };
    let mut found: Vec<String> = ports.iter().filter(exact).cloned().collect();
    if found.is_empty() {
        found = ports.iter().filter(partly).cloned().collect();
    }
    if found.is_empty() {
        let clients = by_client(ports)
            .into_keys()
            .map(|client| format!("jack:{client}"));
        let available: Vec<String> = clients.collect();
        return Err(DeviceError::DeviceNotFound {
            asked: asked.to_owned(),
            host: HostKind::Jack,
            nearest: nearest(asked, &available),
            available,
        });
    }
    Ok(found)
}

fn client_of(port: &str) -> &str {
    port.split_once(':').map_or(port, |(client, _)| client)
}

/// Ports by the client that owns them, in the server's order, our probe left out.
fn by_client(ports: Vec<String>) -> BTreeMap<String, Vec<String>> {
    let mut clients: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for port in ports {
        clients
            .entry(client_of(&port).to_owned())
            .or_default()
            .push(port);
    }
    clients
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_its_id_only_the_client_is_found_and_of_it_the_ports_asked_for() {
        let ports = ["system2:capture_1", "system:capture_1", "system:capture_2"];
        let found = |asked: &str, by_id| find(ports.map(str::to_owned).to_vec(), asked, by_id).ok();
        let some = |ports: &[&str]| Some(ports.iter().map(|&port| port.to_owned()).collect());
        assert_eq!(found("system", true), some(&ports[1..]));
        assert_eq!(found("system:capture_2", true), some(&ports[2..]));
        assert_eq!(found("jack:system:capture_2", true), some(&ports[2..]));
        assert_eq!(found("capture_1", false), some(&ports[..2]));
        for part in ["capture_1", "syste", "syste:capture_1", "system:playback_1"] {
            assert_eq!(found(part, true), None, "{part}");
        }
    }
}
