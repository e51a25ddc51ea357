//! Finds a device and a configuration that it really offers.

use ::cpal::traits::{DeviceTrait, HostTrait};
use ::cpal::{BufferSize, Device, Host, StreamConfig};
use ::cpal::{SupportedBufferSize, SupportedStreamConfigRange};

use super::convert::FORMATS;
use super::stream::Pending;
use super::{id, refused};
use crate::device::info::nearest;
use crate::device::{Capability, DeviceError, HostKind, Port, StreamInfo, StreamRequest};

/// Period where none is asked for, in frames.
const BUFFER_FRAMES: u32 = 256;
/// Rate where none is asked for and the device has no wish, in hertz.
const RATE_HZ: u32 = 48_000;
/// Rates shown of a continuous range, in hertz.
const USUAL_RATES_HZ: [u32; 14] = [
    8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000,
    176_400, 192_000,
];

/// One direction of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Input,
    Output,
}

impl Direction {
    pub(super) fn default_device(self, host: &Host) -> Option<Device> {
        match self {
            Self::Input => host.default_input_device(),
            Self::Output => host.default_output_device(),
        }
    }

    /// What the device offers in formats that can be converted.
    pub(super) fn ranges(
        self,
        device: &Device,
    ) -> Result<Vec<SupportedStreamConfigRange>, ::cpal::Error> {
        let mut ranges: Vec<_> = match self {
            Self::Input => device.supported_input_configs()?.collect(),
            Self::Output => device.supported_output_configs()?.collect(),
        };
        ranges.retain(|range| FORMATS.contains(&range.sample_format()));
        Ok(ranges)
    }

    fn is_offered(self, device: &Device) -> bool {
        match self {
            Self::Input => device.supports_input(),
            Self::Output => device.supports_output(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }

    /// Channels and rate the device prefers.
    fn preference(self, device: &Device) -> Option<(u16, u32)> {
        let config = match self {
            Self::Input => device.default_input_config(),
            Self::Output => device.default_output_config(),
        };
        config
            .ok()
            .map(|config| (config.channels(), config.sample_rate()))
    }
}

/// What a device offers in one direction; nothing if it cannot be opened.
pub(super) fn capability(device: &Device, direction: Direction) -> Option<Capability> {
    let ranges = direction.ranges(device).ok()?;
    let channels = ranges.iter().map(|range| usize::from(range.channels()));
    Some(Capability {
        channels: channels.clone().min()?..=channels.max()?,
        sample_rates_hz: rates(&ranges),
        buffer_frames: buffer_range(&ranges).map(|(min, max)| min..=max),
    })
}

/// Settles device, channels, rate, format and the periods to be tried.
pub(super) fn settle(
    host: HostKind,
    there: &Host,
    direction: Direction,
    port: &Port,
    request: &StreamRequest,
) -> Result<Pending, DeviceError> {
    let device = find(
        host,
        there,
        direction,
        port.device.as_deref(),
        request.by_id,
    )?;
    let name = id(host, &device);
    let ranges = direction
        .ranges(&device)
        .map_err(|error| refused(host, "open", &name, &error))?;
    let preference = direction.preference(&device);
    let (channels, ranges) = settle_channels(&name, ranges, port.channels, preference)?;
    let rate = settle_rate(&name, &ranges, request.sample_rate_hz, preference)?;
    let fits = |range: &&SupportedStreamConfigRange| {
        (range.min_sample_rate()..=range.max_sample_rate()).contains(&rate)
    };
    let rank = |range: &&SupportedStreamConfigRange| {
        FORMATS
            .iter()
            .position(|&format| format == range.sample_format())
    };
    let Some(range) = ranges.iter().filter(fits).min_by_key(rank) else {
        return Err(DeviceError::DirectionUnsupported {
            device: name,
            direction: direction.name(),
        });
    };
    let range = *range;
    let offered = buffer_range(core::slice::from_ref(&range));
    let periods = periods(request.buffer_frames.unwrap_or(BUFFER_FRAMES), offered);
    let is_input = direction == Direction::Input;
    let info = StreamInfo {
        host,
        input_device: is_input.then(|| name.clone()),
        output_device: (!is_input).then_some(name),
        input_channels: if is_input { usize::from(channels) } else { 0 },
        output_channels: if is_input { 0 } else { usize::from(channels) },
        sample_rate_hz: rate,
        buffer_frames: periods[0],
        device_latency_frames: None,
    };
    let config = StreamConfig {
        channels,
        sample_rate: rate,
        buffer_size: BufferSize::Default,
    };
    Ok(Pending {
        device,
        config,
        format: range.sample_format(),
        periods,
        offered,
        direction,
        info,
        is_named: port.device.is_some(),
        realtime: request.realtime,
    })
}

/// The default device, the one of this id or name, or the first with `asked` in one of them; by its id
/// alone where that is wanted.
fn find(
    host: HostKind,
    there: &Host,
    direction: Direction,
    asked: Option<&str>,
    by_id: bool,
) -> Result<Device, DeviceError> {
    let not_found = |available: Vec<String>| {
        let asked = asked.unwrap_or_default().to_owned();
        let nearest = nearest(&asked, &available);
        DeviceError::DeviceNotFound {
            asked,
            host,
            nearest,
            available,
        }
    };
    let Some(asked) = asked else {
        return direction
            .default_device(there)
            .ok_or_else(|| not_found(Vec::new()));
    };
    let listed = there
        .devices()
        .map_err(|error| refused(host, "list devices", asked, &error))?;
    let mut named: Vec<(String, String, Device)> = listed
        .map(|device| {
            let name = device
                .description()
                .map(|description| description.name().to_owned());
            (id(host, &device), name.unwrap_or_default(), device)
        })
        .collect();
    if by_id {
        named.retain(|(id, ..)| id == asked);
    }
    let lower = asked.to_lowercase();
    let rank = |(id, name, device): &&(String, String, Device)| {
        let short = id.split_once(':').map_or(id.as_str(), |(_, name)| name);
        let exact = id == asked || short == asked || name == asked;
        let partly = id.to_lowercase().contains(&lower) || name.to_lowercase().contains(&lower);
        // A device of the other direction is taken only where there is no better, to say so.
        match (exact, partly, direction.is_offered(device)) {
            (true, _, true) => 0,
            (_, true, true) => 1,
            (true, ..) => 2,
            (_, true, _) => 3,
            _ => 4,
        }
    };
    let found = named
        .iter()
        .min_by_key(rank)
        .filter(|entry| rank(entry) < 4);
    if let Some(best) = found.filter(|best| rank(best) <= 1) {
        let alike = named.iter().filter(|entry| rank(entry) == rank(&best));
        // ALSA lists one device by many ids, all of one name.
        let mut told: Vec<&(String, String, Device)> = Vec::new();
        for entry in alike {
            let is_same = |(id, name, _): &&&(String, String, Device)| {
                *id == entry.0 || host == HostKind::Alsa && *name == entry.1
            };
            if !told.iter().any(|other| is_same(&other)) {
                told.push(entry);
            }
        }
        let ids: Vec<&String> = told.into_iter().map(|(id, ..)| id).collect();
        let is_id = |(id, ..): &&(String, String, Device)| {
            id == asked || id.split_once(':').is_some_and(|(_, name)| name == asked)
        };
        if ids.len() > 1 {
            let mut exact = named.iter().filter(is_id);
            return match (exact.next(), exact.next()) {
                (Some((.., device)), None) if rank(&best) == 0 => Ok(device.clone()),
                _ => Err(DeviceError::Ambiguous {
                    asked: asked.to_owned(),
                    host,
                    candidates: ids.into_iter().cloned().collect(),
                }),
            };
        }
    }
    match found {
        Some((id, _, device)) if !direction.is_offered(device) => {
            let direction = direction.name();
            Err(DeviceError::DirectionUnsupported {
                device: id.clone(),
                direction,
            })
        }
        Some((.., device)) => Ok(device.clone()),
        None => {
            let offered = named
                .into_iter()
                .filter(|(.., device)| direction.is_offered(device));
            Err(not_found(offered.map(|(id, ..)| id).collect()))
        }
    }
}

fn settle_channels(
    device: &str,
    mut ranges: Vec<SupportedStreamConfigRange>,
    asked: Option<usize>,
    preference: Option<(u16, u32)>,
) -> Result<(u16, Vec<SupportedStreamConfigRange>), DeviceError> {
    let mut allowed: Vec<usize> = ranges
        .iter()
        .map(|range| usize::from(range.channels()))
        .collect();
    allowed.sort_unstable();
    allowed.dedup();
    let preferred = preference.map_or(2, |(channels, _)| usize::from(channels));
    let wanted = asked.unwrap_or(preferred);
    let nearest = allowed
        .iter()
        .copied()
        .min_by_key(|channels| channels.abs_diff(wanted));
    match nearest {
        Some(channels) if asked.is_none() || channels == wanted => {
            ranges.retain(|range| usize::from(range.channels()) == channels);
            Ok((u16::try_from(channels).unwrap_or(u16::MAX), ranges))
        }
        _ => {
            let device = device.to_owned();
            Err(DeviceError::ChannelsUnsupported {
                device,
                asked: wanted,
                allowed,
            })
        }
    }
}

fn settle_rate(
    device: &str,
    ranges: &[SupportedStreamConfigRange],
    asked_hz: Option<u32>,
    preference: Option<(u16, u32)>,
) -> Result<u32, DeviceError> {
    let offered = |rate_hz: u32| {
        let holds = |range: &SupportedStreamConfigRange| {
            (range.min_sample_rate()..=range.max_sample_rate()).contains(&rate_hz)
        };
        rate_hz > 0 && ranges.iter().any(holds)
    };
    let wanted = asked_hz.unwrap_or_else(|| preference.map_or(RATE_HZ, |(_, rate_hz)| rate_hz));
    if offered(wanted) {
        return Ok(wanted);
    }
    let allowed = rates(ranges);
    match (asked_hz, allowed.first()) {
        (None, Some(_)) if offered(RATE_HZ) => Ok(RATE_HZ),
        (None, Some(&first)) => Ok(first),
        _ => {
            let device = device.to_owned();
            Err(DeviceError::SampleRateUnsupported {
                device,
                asked_hz: wanted,
                allowed,
            })
        }
    }
}

/// Rates offered, ascending; of continuous ranges the usual ones.
fn rates(ranges: &[SupportedStreamConfigRange]) -> Vec<u32> {
    let mut rates: Vec<u32> = Vec::new();
    for range in ranges {
        let (min, max) = (range.min_sample_rate(), range.max_sample_rate());
        if min == max {
            rates.push(min);
        } else {
            rates.extend(
                USUAL_RATES_HZ
                    .iter()
                    .filter(|&&rate| (min..=max).contains(&rate)),
            );
        }
    }
    rates.sort_unstable();
    rates.dedup();
    rates
}

fn buffer_range(ranges: &[SupportedStreamConfigRange]) -> Option<(u32, u32)> {
    let known = ranges
        .iter()
        .filter_map(|range| match *range.buffer_size() {
            SupportedBufferSize::Range { min, max } => Some((min.max(1), max)),
            SupportedBufferSize::Unknown => None,
        });
    known.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// Periods to be tried: the nearest to what is asked for that is said to be possible, then longer
/// ones.
pub(super) fn periods(asked: u32, offered: Option<(u32, u32)>) -> Vec<u32> {
    let (min, max) = offered.unwrap_or((1, u32::MAX));
    let first = asked.max(min).min(max.max(min));
    let mut periods = vec![first];
    let mut next = first.next_power_of_two();
    while next <= max.min(8_192) {
        if next > first {
            periods.push(next);
        }
        next *= 2;
    }
    periods
}
