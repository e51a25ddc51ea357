//! How the clock of a device went beside the session's: `take.wav.clock.json`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::gap_list::replace;
use super::names::beside;
use super::sidecar::remove;
use super::take::Take;

/// What the log is called beside its file.
const ENDING: &str = "clock.json";
/// Nanoseconds to both sides of a frame whose entries tell where it was: long enough for a call that
/// was in time, short enough for a clock that wanders.
const REACH_NS: u64 = 10_000_000_000;
/// Entries after which the log is written again at the soonest.
const FIRST_ENTRIES: usize = 20;

/// Where the clock of a device and that of the session were at calls of the device.
///
/// A take of a device's own sound is by the device's clock, the other takes are by that of the device
/// that calls the session. [`session_frame`](Self::session_frame) says where a frame of the one
/// belongs in the others. In its file the log is a JSON object of these fields, each entry an array
/// of five numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClockLog {
    /// Version of this form: 1.
    pub version: u32,
    /// Name of the first file of the take.
    pub file: String,
    /// Nominal rate of the device and the take in hertz.
    pub sample_rate_hz: u32,
    /// Nominal rate of the session in hertz.
    pub session_hz: u32,
    /// What was noted, in order.
    pub entries: Vec<ClockEntry>,
}

/// An entry of a [`ClockLog`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u64, u64, u64, u64)", into = "(u64, u64, u64, u64, u64)")]
pub struct ClockEntry {
    /// Position in the take behind a call of the device.
    pub frame: u64,
    /// Monotonic time of that call in nanoseconds.
    pub time_ns: u64,
    /// Position in the session behind its last call.
    pub session_frame: u64,
    /// Monotonic time of that call in nanoseconds.
    pub session_ns: u64,
    /// Changes where frames were lost, on either side: entries of one number lie on one line.
    pub run: u64,
}

impl From<(u64, u64, u64, u64, u64)> for ClockEntry {
    fn from((frame, time_ns, session_frame, session_ns, run): (u64, u64, u64, u64, u64)) -> Self {
        Self {
            frame,
            time_ns,
            session_frame,
            session_ns,
            run,
        }
    }
}

impl From<ClockEntry> for (u64, u64, u64, u64, u64) {
    fn from(entry: ClockEntry) -> Self {
        let ClockEntry {
            frame,
            time_ns,
            session_frame,
            session_ns,
            run,
        } = entry;
        (frame, time_ns, session_frame, session_ns, run)
    }
}

impl ClockLog {
    /// Reads the log beside a file; `None` where there is none.
    ///
    /// # Errors
    /// The system's, or what is not such a log.
    pub fn load(file: &Path) -> io::Result<Option<Self>> {
        match fs::read(Self::path(file)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where the log of a file is: `take.wav.clock.json` beside `take.wav`.
    pub fn path(file: &Path) -> PathBuf {
        beside(file, ENDING)
    }

    /// The position in the session, with its part, at which a frame of the take was captured; `None`
    /// where too little was noted about it.
    ///
    /// Calls come late by chance, never early. So each clock is taken to go along the lower edge of
    /// the times of its calls within 10 s of the frame, as it is in the middle of them.
    pub fn session_frame(&self, frame: f64) -> Option<f64> {
        let nearest = |entry: &&ClockEntry| (entry.frame as f64 - frame).abs() as u64;
        let centre = *self.entries.iter().min_by_key(nearest)?;
        let is_near = |entry: &&ClockEntry| {
            entry.run == centre.run && entry.time_ns.abs_diff(centre.time_ns) <= REACH_NS
        };
        let near = || self.entries.iter().filter(is_near);
        let origin_ns = centre.time_ns;
        let since = |ns: u64| ns.wrapping_sub(origin_ns).cast_signed() as f64;
        let own = near().map(|entry| (entry.frame as f64, since(entry.time_ns)));
        let [(x0, y0), (x1, y1)] = lower_edge(&own.collect::<Vec<_>>())?;
        let ns = y0 + (y1 - y0) * (frame - x0) / (x1 - x0);
        let session = near().map(|entry| (entry.session_frame as f64, since(entry.session_ns)));
        let [(x0, y0), (x1, y1)] = lower_edge(&session.collect::<Vec<_>>())?;
        Some(x0 + (x1 - x0) * (ns - y0) / (y1 - y0))
    }
}

/// The edge from below of points whose first numbers do not fall, where their middle is: of all lines
/// that no point is below, that which is nearest to them in the mean.
fn lower_edge(points: &[(f64, f64)]) -> Option<[(f64, f64); 2]> {
    let mut hull: Vec<(f64, f64)> = Vec::new();
    for &point in points {
        if hull.last().is_some_and(|last| last.0 >= point.0) {
            continue; // the same call twice
        }
        while let [.., a, b] = hull[..]
            && (b.1 - a.1) * (point.0 - a.0) >= (point.1 - a.1) * (b.0 - a.0)
        {
            hull.pop();
        }
        hull.push(point);
    }
    let middle = points.iter().map(|point| point.0).sum::<f64>() / points.len() as f64;
    let behind = hull.partition_point(|point| point.0 < middle);
    let right = behind.clamp(1, hull.len().checked_sub(1).filter(|last| *last > 0)?);
    Some([hull[right - 1], hull[right]])
}

/// Collects the entries of one take and keeps its log. Belongs to the writer.
#[derive(Debug)]
pub(super) struct ClockKeeper {
    entries: rtrb::Consumer<ClockEntry>,
    log: ClockLog,
    /// Entries from which on the log is written again.
    write_at: usize,
    /// Where it is.
    path: Option<PathBuf>,
    is_told: bool,
}

impl ClockKeeper {
    pub(super) fn new(
        entries: rtrb::Consumer<ClockEntry>,
        sample_rate_hz: u32,
        session_hz: u32,
    ) -> Self {
        Self {
            entries,
            log: ClockLog {
                version: 1,
                file: String::new(),
                sample_rate_hz,
                session_hz,
                entries: Vec::new(),
            },
            write_at: FIRST_ENTRIES,
            path: None,
            is_told: false,
        }
    }

    /// Takes what was noted, and writes the log when it has grown by a quarter.
    pub(super) fn keep(&mut self, take: &Take) {
        while let Ok(entry) = self.entries.pop() {
            self.log.entries.push(entry);
        }
        if self.log.entries.len() >= self.write_at {
            self.write_at = self.log.entries.len() * 5 / 4 + FIRST_ENTRIES;
            self.save(take);
        }
    }

    /// Writes the log as it is in the end; returns where it is.
    pub(super) fn close(mut self, take: &Take) -> Option<PathBuf> {
        self.write_at = usize::MAX;
        self.keep(take);
        self.save(take)
    }

    fn save(&mut self, take: &Take) -> Option<PathBuf> {
        let first = take.files().into_iter().next()?;
        let path = ClockLog::path(&first.path);
        // A file that has another name takes its log along.
        let before = self.path.replace(path.clone());
        if let Some(before) = before.filter(|before| *before != path) {
            remove(&before);
        }
        if self.log.entries.is_empty() {
            return None;
        }
        let name = first.path.file_name().unwrap_or_default();
        self.log.file = name.to_string_lossy().into_owned();
        let written = serde_json::to_vec(&self.log).map_err(io::Error::from);
        match written.and_then(|bytes| replace(&path, &bytes)) {
            Ok(()) => Some(path),
            Err(error) => {
                if !std::mem::replace(&mut self.is_told, true) {
                    take.note(format!("{}: {error}", path.display()));
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device 80 ppm fast that began 0.3 s after the session, whose calls are late by chance.
    #[test]
    fn a_frame_is_found_in_the_session_to_a_part_of_one() {
        let mut seed = 1u64;
        let mut late_ns = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % 400_000
        };
        let (own_ns, session_ns) = (1e9 / 44_100.0 / (1.0 + 80e-6), 1e9 / 48_000.0);
        let entry = |call: u64, late: u64, session_late: u64| ClockEntry {
            frame: call * 4410,
            time_ns: 5_300_000_000 + (call as f64 * 4410.0 * own_ns) as u64 + late,
            session_frame: 14_400 + call * 4800,
            session_ns: 5_000_000_000
                + ((14_400 + call * 4800) as f64 * session_ns) as u64
                + session_late,
            run: 0,
        };
        let entries = (0..600).map(|call| entry(call, late_ns(), late_ns()));
        let log = ClockLog {
            version: 1,
            file: String::new(),
            sample_rate_hz: 44_100,
            session_hz: 48_000,
            entries: entries.collect(),
        };
        for frame in [441.0, 100_000.0, 1_300_000.0, 2_600_000.0] {
            let found = log.session_frame(frame).unwrap();
            let true_frame = (0.3e9 + frame * own_ns) / session_ns;
            // Of 200 calls by chance late up to 0.4 ms, some are late by less than 10 us: half a
            // frame.
            let error = found - true_frame;
            assert!(error.abs() < 1.0, "{frame}: {error} frames");
        }
        let none = ClockLog {
            entries: Vec::new(),
            ..log
        };
        assert_eq!(none.session_frame(5.0), None);
    }
}
