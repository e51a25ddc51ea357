//! Who calls the core: the master while it can, else a clock.

use std::sync::atomic::Ordering::{Acquire, Release};

use ossicle_io::device::Stream;

use super::Supervisor;
use crate::error::EngineError;
use crate::session::link::Phase;
use crate::session::stage::lock;

/// Frames of a call of the clock that stands for a device, where nothing is played.
const CLOCK_FRAMES: u32 = 2048;
/// The clock that calls the core while its device is away.
pub(super) struct Clock {
    pub(super) stream: Box<dyn Stream>,
    number: u64,
}

impl Supervisor {
    /// Somebody has to call the core: the master while it can, else a clock.
    pub(super) fn keep_pace(&self) {
        let Some(world) = &self.world else { return };
        let (number, period) = {
            let links = lock(&self.links);
            let Some(master) = links.iter().find(|link| link.seat.role.is_master) else {
                return;
            };
            // What is only recorded waits for frames that may come late but complete, unless the stream
            // that had them is no more.
            let is_played = links.iter().any(|link| link.seat.role.out.is_some());
            let may_come =
                master.newcomer.is_none() && matches!(master.phase, Phase::Stalled { .. });
            if may_come && !is_played {
                return;
            }
            let calls = master.phase == Phase::Up
                && master.info.sample_rate_hz == self.stage.sample_rate_hz;
            // A device that comes back at another rate is played to by the clock, and at once.
            let period = if is_played {
                self.stage.period as u32
            } else {
                CLOCK_FRAMES.max(self.stage.period as u32)
            };
            (calls.then_some(master.number), period)
        };
        let mut clock = lock(&self.clock);
        match (number, clock.as_ref()) {
            (Some(number), Some(_)) => {
                self.stage.pace.store(number, Release);
                let retired = clock.take();
                drop(clock);
                if let Some(clock) = retired {
                    self.retire(clock.stream);
                }
            }
            (None, None) if !self.stopped.load(Acquire) => {
                let opened = world.open_clock(self.stage.sample_rate_hz, period);
                match opened
                    .map_err(EngineError::from)
                    .and_then(|pending| self.stage.start_clock(pending))
                {
                    Ok((stream, number)) => {
                        *clock = Some(Clock { stream, number });
                        self.stage.pace.store(number, Release);
                    }
                    Err(error) => {
                        lock(&self.failure).get_or_insert(error);
                    }
                }
            }
            (None, Some(clock)) => self.stage.pace.store(clock.number, Release),
            _ => {}
        }
    }
}
