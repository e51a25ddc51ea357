//! Which channels of which devices go where.

use super::config::Routes;
use super::lanes::{Lane, LaneFrom, Lanes, Map};
use crate::error::EngineError;

/// The capture devices' channels, settled.
pub(super) struct LanePlan {
    /// For each device its channels, and where they go: its own and the core's.
    devices: Vec<(usize, Vec<(usize, usize)>)>,
    /// Channels into the core, if there are any.
    pub(super) channels: Option<usize>,
}

/// Settles what goes into the core from devices of so many channels.
pub(super) fn lanes(routes: &Routes, inputs: &[usize]) -> Result<LanePlan, EngineError> {
    let mut devices: Vec<_> = inputs
        .iter()
        .map(|&channels| (channels, Vec::new()))
        .collect();
    if inputs.is_empty() {
        return Ok(LanePlan {
            devices,
            channels: None,
        });
    }
    let mut next = 0;
    if routes.inputs.is_empty() {
        for (channels, places) in &mut devices {
            places.extend((0..*channels).map(|channel| (channel, next + channel)));
            next += *channels;
        }
    } else {
        for route in &routes.inputs {
            let there = devices.len();
            let (channels, places) = devices
                .get_mut(route.device)
                .ok_or_else(|| missing("input device", route.device, there))?;
            if route.channel >= *channels {
                return Err(missing("input channel", route.channel, *channels));
            }
            places.push((route.channel, next));
            next += 1;
        }
    }
    Ok(LanePlan {
        devices,
        channels: Some(next),
    })
}

impl LanePlan {
    pub(super) fn build(self, channels_in: usize, sample_rate_hz: u32) -> Lanes {
        let lane = |(channels, places): (usize, Vec<_>)| Lane {
            from: LaneFrom::Away,
            channels,
            places: places.into(),
            line: None,
        };
        let lanes = self.devices.into_iter().map(lane).collect();
        Lanes::new(lanes, channels_in, sample_rate_hz)
    }
}

/// For each playback device, what its channels play, where that was asked for: then nothing else
/// sounds there.
pub(super) fn outputs(
    routes: &Routes,
    outputs: &[usize],
    channels_out: usize,
) -> Result<Vec<Option<Map>>, EngineError> {
    if routes.outputs.is_empty() {
        return Ok(outputs.iter().map(|_| None).collect());
    }
    let mut maps: Vec<Map> = outputs
        .iter()
        .map(|&channels| vec![None; channels].into())
        .collect();
    for (to, from) in &routes.outputs {
        let there = maps.len();
        let map = maps
            .get_mut(to.device)
            .ok_or_else(|| missing("output device", to.device, there))?;
        let channels = map.len();
        let channel = map
            .get_mut(to.channel)
            .ok_or_else(|| missing("output channel", to.channel, channels))?;
        if *from >= channels_out {
            return Err(missing("channel of the chain", *from, channels_out));
        }
        if channel.replace(*from).is_some() {
            return Err(EngineError::RouteTwice {
                device: to.device + 1,
                channel: to.channel + 1,
            });
        }
    }
    Ok(maps.into_iter().map(Some).collect())
}

fn missing(what: &'static str, number: usize, there: usize) -> EngineError {
    EngineError::RouteMissing {
        what,
        number: number + 1,
        there,
    }
}
