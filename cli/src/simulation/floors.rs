//! The lateness that all calls of a simulated device have in common and that no engine can know of.
//!
//! A stream's calls tell when its frames begin but for what every one of them is late by. Where that
//! changes while a stream runs, the frames go on and the change shows, and the delay has to stay. Where
//! it was so from a stream's beginning nothing tells it from a clock that is late, and the sound is
//! later or earlier than can be told by just that: later behind a device that captures, earlier at
//! one that plays. Which it is follows from the faults alone.

use ossicle::io::device::sim::{FaultKind, Schedule, SimDevice};

use super::trouble::{BEGINS_NS, NOTICED_NS};

/// A device's floors and the times at which its streams began.
struct Device {
    name: String,
    /// From when on the floor is which, in nanoseconds, by time.
    floors: Vec<(f64, f64)>,
    begins: Vec<Begin>,
}

/// A time in which a stream began, or may have, and its clock was found out.
struct Begin {
    from_ns: f64,
    until_ns: f64,
    is_sure: bool,
}

/// All devices.
pub struct Floors(Vec<Device>);

impl Floors {
    pub fn new(schedule: &Schedule, devices: &[SimDevice]) -> Self {
        let all = devices.iter().map(|device| of_device(schedule, device));
        Self(all.collect())
    }

    /// What a device's calls may be late by without anybody's knowledge, in nanoseconds: one value,
    /// but where it is not sure which stream of it runs, or its floor changed as it began.
    pub fn unseen_ns(&self, device: &str, now_ns: u64) -> Vec<f64> {
        let now = now_ns as f64;
        let Some(device) = self.0.iter().find(|known| known.name == device) else {
            return vec![0.0];
        };
        let begun = device.begins.iter().filter(|begin| begin.from_ns <= now);
        let sure = begun.clone().filter(|begin| begin.is_sure);
        let since = sure.map(|begin| begin.from_ns).fold(0.0, f64::max);
        let mut all: Vec<f64> = begun
            .filter(|begin| begin.from_ns >= since || !begin.is_sure && begin.until_ns > since)
            .flat_map(|begin| device.floors_between(begin.from_ns, begin.until_ns.min(now)))
            .collect();
        all.sort_by(f64::total_cmp);
        all.dedup();
        all
    }
}

impl Device {
    fn floors_between(&self, from_ns: f64, until_ns: f64) -> impl Iterator<Item = f64> {
        let first = self.floors.partition_point(|floor| floor.0 <= from_ns);
        let end = self.floors.partition_point(|floor| floor.0 <= until_ns);
        let floors = &self.floors[first.saturating_sub(1)..end];
        floors.iter().map(|floor| floor.1)
    }
}

fn of_device(schedule: &Schedule, device: &SimDevice) -> Device {
    let mut faults = schedule.faults(&device.name);
    faults.sort_by_key(|fault| fault.at_ns);
    let mut floors = vec![(0.0, 0.0)];
    let mut begins = vec![Begin {
        from_ns: 0.0,
        until_ns: BEGINS_NS,
        is_sure: true,
    }];
    for fault in faults {
        let at = fault.at_ns as f64;
        let (for_ns, is_sure) = match fault.kind {
            FaultKind::Floor { late_ns } => {
                floors.push((at, late_ns as f64));
                continue;
            }
            FaultKind::Unplug { for_ns } | FaultKind::Return { for_ns, .. } => {
                (for_ns as f64, true)
            }
            FaultKind::Silence => (2.0 * NOTICED_NS, true),
            FaultKind::Refuse { for_ns, .. } => (for_ns as f64, false),
            FaultKind::Stall { for_ns } if for_ns as f64 > NOTICED_NS => (for_ns as f64, false),
            FaultKind::Errors { count } if count > 5 => (2.0 * NOTICED_NS, false),
            FaultKind::Rate { .. } => (BEGINS_NS, false),
            _ => continue,
        };
        begins.push(Begin {
            from_ns: at,
            until_ns: at + for_ns + BEGINS_NS,
            is_sure,
        });
    }
    Device {
        name: device.name.clone(),
        floors,
        begins,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unseen(text: &str, seconds: u64) -> Vec<f64> {
        let schedule: Schedule = text.parse().unwrap();
        let floors = Floors::new(&schedule, &[SimDevice::new("mic", 1, 0)]);
        floors.unseen_ns("mic", seconds * 1_000_000_000)
    }

    #[test]
    fn a_floor_is_unseen_only_where_a_stream_began_with_it() {
        let text = "20s mic floor 2ms\n40s mic unplug 1s\n60s mic floor 3ms\n80s mic stall 300ms\n";
        assert_eq!(unseen(text, 10), [0.0]);
        assert_eq!(unseen(text, 30), [0.0]);
        assert_eq!(unseen(text, 50), [2e6]);
        assert_eq!(unseen(text, 70), [2e6]);
        // It may have been opened again.
        assert_eq!(unseen(text, 90), [2e6, 3e6]);
        // While a stream begins both count.
        assert_eq!(unseen("1s mic floor 1ms\n", 10), [0.0, 1e6]);
        assert_eq!(unseen("4s mic floor 1ms\n", 10), [0.0]);
    }
}
