//! What is asked of the devices: how they do, what was noted, what befell them.

use std::sync::Arc;

use ossicle_io::device::{StreamInfo, StreamStatus};
use ossicle_io::rights::Scheduling;

use super::Supervisor;
use crate::error::EngineError;
use crate::session::event::DeviceEvent;
use crate::session::link::Phase;
use crate::session::stage::{BridgeSide, lock};

/// A bridge of a session.
pub(in crate::session) struct Bridged {
    pub(in crate::session) device: String,
    pub(in crate::session) is_capture: bool,
    pub(in crate::session) side: BridgeSide,
}

impl Supervisor {
    /// The time now, and whether the master is away by then: a stream that was opened again and has not
    /// called yet has not ended that.
    pub(in crate::session) fn away_at_ns(&self) -> Option<(bool, u64)> {
        self.world.as_ref()?;
        let links = lock(&self.links);
        let mut masters = links.iter().filter(|link| link.seat.role.is_master);
        let is_away = masters.any(|link| {
            let stream = link.stream.as_ref();
            link.phase != Phase::Up
                || stream.is_some_and(|new| new.status().last_callback_ns() == 0)
        });
        Some((is_away, self.now_ns()))
    }

    pub(in crate::session) fn take_failure(&self) -> Option<EngineError> {
        lock(&self.failure).take()
    }

    /// What was noted since the last call.
    pub(in crate::session) fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.notes))
    }

    /// All that befell the devices so far.
    pub(in crate::session) fn events(&self) -> Arc<[DeviceEvent]> {
        lock(&self.events).show()
    }

    /// How often something befell a device so far, and whether one is away.
    pub(in crate::session) fn befell(&self) -> (usize, bool) {
        let is_away = lock(&self.links).iter().any(|link| link.phase != Phase::Up);
        let events = lock(&self.events);
        (events.kept().len() + events.left_out(), is_away)
    }

    pub(in crate::session) fn xruns(&self) -> u64 {
        let links = lock(&self.links);
        let each = links.iter().map(|link| {
            let running = link.stream.as_ref();
            link.xruns + running.map_or(0, |stream| stream.status().xruns())
        });
        each.sum()
    }

    /// What the running streams settled on, and how they do.
    pub(in crate::session) fn streams(&self) -> Vec<(StreamInfo, Arc<StreamStatus>)> {
        let links = lock(&self.links);
        let running = links.iter().filter_map(|link| link.stream.as_ref());
        running
            .map(|stream| (stream.info().clone(), stream.status().clone()))
            .collect()
    }

    pub(in crate::session) fn scheduling(&self) -> Scheduling {
        let links = lock(&self.links);
        let each = links.iter().filter_map(|link| link.stream.as_ref());
        each.map(|stream| stream.status().scheduling())
            .reduce(Scheduling::worse)
            .unwrap_or_default()
    }

    /// The bridges as they are.
    pub(in crate::session) fn bridges(&self) -> Vec<Bridged> {
        let links = lock(&self.links);
        let mut bridges = Vec::new();
        for link in links.iter() {
            for (side, is_capture) in [(&link.capture, true), (&link.play, false)] {
                let device = if is_capture {
                    &link.info.input_device
                } else {
                    &link.info.output_device
                };
                bridges.extend(side.as_ref().map(|side| Bridged {
                    device: device.clone().unwrap_or_default(),
                    is_capture,
                    side: side.clone(),
                }));
            }
        }
        bridges
    }
}
