//! What befalls several devices, as a value that prints itself and is read back.

use super::{Fault, FaultKind, Level, SimDevice};

/// A fault and the device it befalls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// Name of the device.
    pub device: String,
    /// What befalls it.
    pub fault: Fault,
}

/// What befalls the devices of a world.
///
/// As text it has one line a fault: time, device, kind, and what belongs to the kind, as
/// [`FaultKind`] says; the same text is read back as the same value. Times are whole numbers with
/// `s`, `ms`, `us` or `ns`, lengths of time also `ever`. A name that is not one plain word stands in
/// double quotes, with `\"`, `\\`, `\n`, `\r` and `\t` in it. Lines that begin with `#`, and empty
/// ones, are skipped when read.
///
/// ```
/// use ossicle_io::device::sim::Schedule;
///
/// let text = "1500ms mic stall 20ms\n2s \"my card\" return 1s 44100hz 0in 2out\n";
/// let schedule: Schedule = text.parse()?;
/// assert_eq!(schedule.to_string(), text);
/// assert_eq!(schedule.faults("mic")[0].at_ns, 1_500_000_000);
/// let error = "1s mic stall soon".parse::<Schedule>().unwrap_err();
/// assert_eq!(error.to_string(), "line 1: \"soon\" is not a time (as 20ms, 5s, 125us, 1ns, ever)");
/// # Ok::<(), ossicle_io::device::sim::ScheduleError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// In any order; faults of one device at one time befall it in the order given here.
    pub entries: Vec<Scheduled>,
}

impl Schedule {
    /// Draws one for `hours` of some devices: the same again for the same seed, on every machine.
    /// Times are whole microseconds; the order is that of time.
    pub fn random(seed: u64, hours: f64, devices: &[SimDevice], level: Level) -> Self {
        super::draw::schedule(seed, hours, devices, level)
    }

    /// What befalls one device, as [`SimDevice::faults`] takes it.
    pub fn faults(&self, device: &str) -> Vec<Fault> {
        self.entries
            .iter()
            .filter(|entry| entry.device == device)
            .map(|entry| entry.fault.clone())
            .collect()
    }

    /// Adds a fault.
    pub fn push(&mut self, device: &str, at_ns: u64, kind: FaultKind) {
        self.entries.push(Scheduled {
            device: device.to_owned(),
            fault: Fault { at_ns, kind },
        });
    }
}
