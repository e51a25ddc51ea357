//! Watches the room on the disk that a take is on.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::company::Company;
use super::disk::{Disk, Rates};
use super::take::Take;

/// Time between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Seconds of room that are warned of: a minute, and what two looks and a change of rate may take of
/// it.
const WARN_SECONDS: f64 = 90.0;
/// Seconds of room from which on a new shortage is a new episode.
const CALM_SECONDS: f64 = 180.0;
/// Time over which it is measured how fast room goes, whoever takes it.
const MEASURE: Duration = Duration::from_secs(30);

/// Watches for one take.
#[derive(Debug)]
pub(super) struct RoomWatch {
    disk: Arc<dyn Disk>,
    rates: Arc<Rates>,
    /// The take's number among those of the session.
    number: usize,
    looked: Option<Instant>,
    /// Free bytes some time ago.
    before: Option<(Instant, u64)>,
    /// Bytes per second by which room went of late.
    measured: f64,
    is_told: bool,
}

impl RoomWatch {
    pub(super) fn new(disk: Arc<dyn Disk>, company: &Company) -> Self {
        Self {
            disk,
            rates: company.rates.clone(),
            number: company.number,
            looked: None,
            before: None,
            measured: 0.0,
            is_told: false,
        }
    }

    /// The take goes on in another folder.
    pub(super) fn moved(&mut self) {
        (self.looked, self.before) = (None, None);
        (self.measured, self.is_told) = (0.0, false);
    }

    /// Looks at the folder that the take is in, if it is time to.
    pub(super) fn look(&mut self, folder: &Path, take: &Take, bytes_per_frame: f64) {
        let now = Instant::now();
        if self.looked.is_some_and(|looked| now - looked < LOOK) {
            return;
        }
        self.looked = Some(now);
        let Ok(free) = self.disk.free_bytes(folder) else {
            return take.set_room_seconds(None);
        };
        self.measure(now, free);
        let rate = bytes_per_frame * f64::from(take.sample_rate_hz());
        let all = self.rates.set(self.number, folder, rate);
        let waiting = take.frames().saturating_sub(take.written_frames());
        let left = free as f64 - waiting as f64 * bytes_per_frame;
        let seconds = (left / all.max(self.measured).max(1.0)).max(0.0);
        take.set_room_seconds(Some(seconds));
        if seconds < WARN_SECONDS && !self.is_told {
            self.is_told = true;
            let (folder, megabytes) = (folder.display(), free as f64 * 1e-6);
            take.note(format!(
                "{folder}: {megabytes:.0} MB left, full in {seconds:.0} s at this rate"
            ));
        } else if seconds > CALM_SECONDS {
            self.is_told = false;
        }
    }

    /// Measures how fast room goes: others may write too.
    fn measure(&mut self, now: Instant, free: u64) {
        match self.before {
            Some((then, before)) if now - then >= MEASURE => {
                let gone = before.saturating_sub(free) as f64;
                self.measured = gone / (now - then).as_secs_f64();
                self.before = Some((now, free));
            }
            Some(_) => {}
            None => self.before = Some((now, free)),
        }
    }
}

impl Drop for RoomWatch {
    fn drop(&mut self) {
        self.rates.remove(self.number);
    }
}
