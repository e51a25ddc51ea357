//! What is known of the clocks of a session's devices from before, and kept for the next.

use std::path::Path;
use std::sync::Mutex;

use ossicle_io::device::StreamInfo;

use super::link::{Link, name};
use super::stage::{Known, lock};
use crate::clocks::{ClockMemory, Pair};

/// What was learned in a shorter time, in nanoseconds, is not kept.
const LEARNS_NS: u64 = 10_000_000_000;

/// The memory of clocks, where there is one, and the device that all are paired with.
pub(super) struct Remembered {
    memory: Option<Mutex<ClockMemory>>,
    master: String,
    session_hz: u32,
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
            master: name(master),
            session_hz: master.sample_rate_hz,
        }
    }

    /// What is known of a device from before.
    pub(super) fn known(&self, info: &StreamInfo) -> Known {
        let [capture, play] = self.pairs(info);
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

    /// Keeps what the devices' bridges have learned by now; what cannot be kept is told.
    pub(super) fn keep(&self, links: &mut [Link], now_ns: u64) -> Option<String> {
        let memory = self.memory.as_ref()?;
        let mut all = Vec::new();
        for link in links {
            if now_ns.saturating_sub(link.started_ns) < LEARNS_NS {
                continue;
            }
            link.learn();
            if link.known.is_old {
                continue;
            }
            let learned = [link.known.capture, link.known.play];
            let pairs = self.pairs(&link.info).into_iter().zip(learned);
            all.extend(pairs.filter_map(|(pair, learned)| pair.zip(learned)));
        }
        if all.is_empty() {
            return None;
        }
        let kept = lock(memory).remember(&all);
        kept.err()
            .map(|error| format!("clocks are not remembered: {error}"))
    }

    /// The device as one that captures, and as one that plays.
    fn pairs(&self, info: &StreamInfo) -> [Option<Pair>; 2] {
        let (own_hz, session_hz) = (info.sample_rate_hz, self.session_hz);
        let capture = info.input_device.clone().map(|from| Pair {
            from,
            from_hz: own_hz,
            to: self.master.clone(),
            to_hz: session_hz,
        });
        let play = info.output_device.clone().map(|to| Pair {
            from: self.master.clone(),
            from_hz: session_hz,
            to,
            to_hz: own_hz,
        });
        [capture, play]
    }
}
