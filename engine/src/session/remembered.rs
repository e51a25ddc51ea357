//! What is known of the clocks of a session's devices from before, and kept for the next.

use std::path::Path;
use std::sync::Mutex;

use ossicle_dsp::clock::Learned;
use ossicle_io::device::StreamInfo;

use super::link::{Link, Phase, name};
use super::shared::Shared;
use super::stage::{Known, lock};
use crate::clocks::{ClockMemory, Pair};

/// What was learned in a shorter time, in nanoseconds, is not kept.
const LEARNS_NS: u64 = 10_000_000_000;
/// Time from one look at what was learned to the next, in nanoseconds.
const LOOK_NS: u64 = 1_000_000_000;

/// The memory of clocks, where there is one, and what this session adds to it.
pub(super) struct Remembered {
    memory: Option<Mutex<ClockMemory>>,
    session_hz: u32,
    found: Mutex<Found>,
}

struct Found {
    /// The device that all are paired with: the one that calls the session.
    master: String,
    pairs: Vec<(Pair, Learned)>,
    next_ns: u64,
}

impl Remembered {
    /// Reads the file. What is odd about it is noted, and it is replaced in the end.
    pub(super) fn load(file: Option<&Path>, master: &StreamInfo, notes: &mut Vec<String>) -> Self {
        let memory = file.map(|path| {
            let memory = ClockMemory::load(path).unwrap_or_else(|error| {
                notes.push(format!("clocks are not known from before: {error}"));
                ClockMemory::empty(path)
            });
            Mutex::new(memory)
        });
        Self {
            memory,
            session_hz: master.sample_rate_hz,
            found: Mutex::new(Found {
                master: name(master),
                pairs: Vec::new(),
                next_ns: 0,
            }),
        }
    }

    /// What is known of a device from before.
    pub(super) fn known(&self, info: &StreamInfo) -> Known {
        let [capture, play] = self.pairs(&lock(&self.found).master, info);
        let learned = |pair: Option<Pair>| {
            let memory = self.memory.as_ref()?;
            lock(memory).learned(&pair?)
        };
        Known {
            capture: learned(capture),
            play: learned(play),
            caller: None,
            is_old: true,
        }
    }

    /// Notes now and then what the devices' bridges have learned by now.
    pub(super) fn learn(&self, links: &[Link], shared: &Shared, now_ns: u64) {
        let mut found = lock(&self.found);
        if self.memory.is_some() && now_ns >= found.next_ns {
            found.next_ns = now_ns + LOOK_NS;
            self.note(&mut found, links, shared, now_ns);
        }
    }

    /// Of those that are there, while the master is, and has called for long enough that all they say
    /// of their other end is its.
    fn note(&self, found: &mut Found, links: &[Link], shared: &Shared, now_ns: u64) {
        let is_there = |link: &&Link| link.phase == Phase::Up;
        let calls_for_ns = |link: &Link| shared.called_for_ns(link.number, now_ns);
        let mut there = links.iter().filter(is_there);
        let Some((master, for_ns)) = there.find_map(|link| Some((link, calls_for_ns(link)?)))
        else {
            return;
        };
        found.master = name(&master.info);
        if for_ns < LEARNS_NS {
            return;
        }
        let is_known = |link: &&Link| now_ns.saturating_sub(link.started_ns) >= LEARNS_NS;
        for link in links.iter().filter(is_there).filter(is_known) {
            let pairs = self.pairs(&found.master, &link.info);
            for (pair, learned) in pairs.into_iter().zip(link.learned()) {
                let Some(learned) = pair.zip(learned) else {
                    continue;
                };
                found.pairs.retain(|(pair, _)| *pair != learned.0);
                found.pairs.push(learned);
            }
        }
    }

    /// Keeps what was learned; what cannot be kept is told.
    pub(super) fn keep(&self, links: &[Link], shared: &Shared, now_ns: u64) -> Option<String> {
        let memory = self.memory.as_ref()?;
        let mut found = lock(&self.found);
        self.note(&mut found, links, shared, now_ns);
        if found.pairs.is_empty() {
            return None;
        }
        let kept = lock(memory).remember(&found.pairs);
        kept.err()
            .map(|error| format!("clocks are not remembered: {error}"))
    }

    /// The device as one that captures, and as one that plays.
    fn pairs(&self, master: &str, info: &StreamInfo) -> [Option<Pair>; 2] {
        let (own_hz, session_hz) = (info.sample_rate_hz, self.session_hz);
        let capture = info.input_device.clone().map(|from| Pair {
            from,
            from_hz: own_hz,
            to: master.to_owned(),
            to_hz: session_hz,
        });
        let play = info.output_device.clone().map(|to| Pair {
            from: master.to_owned(),
            from_hz: session_hz,
            to,
            to_hz: own_hz,
        });
        [capture, play]
    }
}
