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
/// Nanoseconds of a run of which, once they are over, only what can be on an edge is kept.
const PIECE_NS: u64 = 5_000_000_000;
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
        // Which may be some seconds from the frame.
        let beside_ns = (frame - centre.frame as f64) * 1e9 / f64::from(self.sample_rate_hz);
        let frame_ns = centre.time_ns.saturating_add_signed(beside_ns as i64);
        let is_near = |entry: &&ClockEntry| {
            entry.run == centre.run && entry.time_ns.abs_diff(frame_ns) <= REACH_NS
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
    let hull = lower_hull(points);
    // However many points there are to either side.
    let middle = (points.first()?.0 + points.last()?.0) / 2.0;
    let behind = hull.partition_point(|at| points[*at].0 < middle);
    let right = behind.clamp(1, hull.len().checked_sub(1).filter(|last| *last > 0)?);
    Some([points[hull[right - 1]], points[hull[right]]])
}

/// Which points make the edge from below of points whose first numbers do not fall.
fn lower_hull(points: &[(f64, f64)]) -> Vec<usize> {
    let mut hull: Vec<usize> = Vec::new();
    for (at, point) in points.iter().enumerate() {
        if hull.last().is_some_and(|last| points[*last].0 >= point.0) {
            continue; // the same call twice
        }
        while let [.., a, b] = hull[..]
            && let (a, b) = (points[a], points[b])
            && (b.1 - a.1) * (point.0 - a.0) >= (point.1 - a.1) * (b.0 - a.0)
        {
            hull.pop();
        }
        hull.push(at);
    }
    hull
}

/// Leaves of the entries from `from` on, which are of one run, those that can be on an edge: no other
/// is on one of any span that has all of them.
fn thin(entries: &mut Vec<ClockEntry>, from: usize) {
    let piece = &entries[from..];
    let Some(origin) = piece.first().copied() else {
        return;
    };
    let since = |ns: u64, origin: u64| ns.wrapping_sub(origin).cast_signed() as f64;
    let own = piece.iter().map(|entry| {
        let frames = entry.frame.saturating_sub(origin.frame) as f64;
        (frames, since(entry.time_ns, origin.time_ns))
    });
    let session = piece.iter().map(|entry| {
        let frames = entry.session_frame.saturating_sub(origin.session_frame) as f64;
        (frames, since(entry.session_ns, origin.session_ns))
    });
    let mut kept = lower_hull(&own.collect::<Vec<_>>());
    kept.extend(lower_hull(&session.collect::<Vec<_>>()));
    kept.sort_unstable();
    kept.dedup();
    let kept: Vec<_> = kept.into_iter().map(|at| piece[at]).collect();
    entries.truncate(from);
    entries.extend(kept);
}

/// Collects the entries of one take and keeps its log. Belongs to the writer.
#[derive(Debug)]
pub(super) struct ClockKeeper {
    entries: rtrb::Consumer<ClockEntry>,
    log: ClockLog,
    /// Entries that are thinned by now.
    thinned: usize,
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
            thinned: 0,
            write_at: FIRST_ENTRIES,
            path: None,
            is_told: false,
        }
    }

    /// Takes what was noted, and writes the log when it has grown by a quarter.
    pub(super) fn keep(&mut self, take: &Take) {
        while let Ok(entry) = self.entries.pop() {
            self.note(entry);
        }
        if self.log.entries.len() >= self.write_at {
            self.write_at = self.log.entries.len() * 5 / 4 + FIRST_ENTRIES;
            self.save(take);
        }
    }

    fn note(&mut self, entry: ClockEntry) {
        let entries = &mut self.log.entries;
        let is_over = |first: &ClockEntry| {
            first.run != entry.run || entry.time_ns.saturating_sub(first.time_ns) >= PIECE_NS
        };
        if entries.get(self.thinned).is_some_and(is_over) {
            thin(entries, self.thinned);
            self.thinned = entries.len();
        }
        entries.push(entry);
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

    /// Two clocks that wander by 2 ppm in half an hour, noted ten times a second in the last hours of a
    /// day, with frames lost in the middle.
    #[test]
    fn a_day_is_told_by_a_few_entries_as_it_is_by_all() {
        const CALLS: std::ops::Range<u64> = 792_000..864_000;
        let mut seed = 7u64;
        let mut late_ns = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % 400_000
        };
        // When a frame is there in truth: 40 ppm off, and 0.57 ms of wandering.
        let wander = |seconds: f64| 0.57e6 * (seconds * std::f64::consts::TAU / 1_800.0).sin();
        let own_ns = |frame: f64| {
            let seconds = frame / 48_000.0;
            5e9 + seconds * 1e9 * (1.0 + 40e-6) + wander(seconds)
        };
        let session_ns = |frame: f64| 4e9 + frame / 48_000.0 * 1e9;
        let (_, entries) = rtrb::RingBuffer::new(1);
        let mut keeper = ClockKeeper::new(entries, 48_000, 48_000);
        let mut all = keeper.log.clone();
        for call in CALLS {
            let run = u64::from(call > 828_000);
            let (frame, session_frame) = (call * 4800 + run * 1_000, 48_000 + call * 4800);
            let entry = ClockEntry {
                frame,
                time_ns: own_ns(frame as f64) as u64 + late_ns(),
                session_frame,
                session_ns: session_ns(session_frame as f64) as u64 + late_ns(),
                run,
            };
            keeper.note(entry);
            all.entries.push(entry);
        }
        let (kept, noted) = (keeper.log.entries.len(), all.entries.len());
        println!("{kept} of {noted} entries");
        assert!(kept < noted / 5, "{kept} of {noted} entries");
        let (mut worst, mut worst_of_all) = (0.0f64, 0.0f64);
        for second in (79_230..86_370).step_by(37) {
            let frame = f64::from(second) * 48_000.0;
            let true_frame = (own_ns(frame) - 4e9) * 48_000.0 / 1e9;
            let error = |log: &ClockLog| (log.session_frame(frame).unwrap() - true_frame).abs();
            worst = worst.max(error(&keeper.log));
            worst_of_all = worst_of_all.max(error(&all));
        }
        println!("{worst} frames by the kept, {worst_of_all} by all");
        assert!(worst < 1.0, "{worst} frames, {worst_of_all} by all");
    }
}
