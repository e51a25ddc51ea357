//! Two devices on two clocks that call late, and a loop between them.

use ossicle_dsp::clock::{DriftLoop, Learned, LoopSpec, Read};

pub const RATE_HZ: f64 = 48_000.0;
pub const BLOCK: u64 = 256;

/// Two devices: the writer's clock is fast by `ppm`, the reader's is exact.
pub struct Plant {
    pub drift: DriftLoop,
    pub random: u64,
    pub late_ns: f64,
    /// Until a moment in seconds, calls of both come so late instead, in nanoseconds.
    pub loaded: (f64, f64),
    /// Added to the writer's times from a moment on: seconds, nanoseconds.
    pub floor: (f64, f64),
    /// The writer does not call between these seconds, and then for all at once.
    pub stall_s: (f64, f64),
    /// The writer's error, before and after a moment in seconds.
    pub ppm: (f64, f64, f64),
    /// How fast it grows from the beginning on, in millionths per second; instead of that.
    pub drifts: f64,
}

/// A block that was read: when, how far the delay is off its target, and the error of the step.
pub struct Seen {
    pub seconds: f64,
    pub off_frames: f64,
    pub ppm: f64,
    pub jump: bool,
}

impl Plant {
    pub fn new(ppm: f64, late_ns: f64, learned: Option<Learned>) -> Self {
        Self {
            drift: DriftLoop::new(LoopSpec {
                from_hz: RATE_HZ,
                to_hz: RATE_HZ,
                ahead_frames: 32.0,
                late_frames: 0.0,
                learned,
            }),
            random: 7,
            late_ns,
            loaded: (0.0, 0.0),
            floor: (f64::INFINITY, 0.0),
            stall_s: (f64::INFINITY, 0.0),
            ppm: (ppm, f64::INFINITY, ppm),
            drifts: 0.0,
        }
    }

    pub fn unit(&mut self) -> f64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The writer's frames at a time in seconds.
    pub fn written_at(&self, seconds: f64) -> f64 {
        let (before, at, after) = self.ppm;
        let rate = |ppm: f64| RATE_HZ * (1.0 + ppm * 1e-6);
        let drifted = RATE_HZ * 0.5e-6 * self.drifts * seconds * seconds;
        rate(before) * seconds.min(at) + rate(after) * (seconds - at).max(0.0) + drifted
    }

    pub fn time_of(&self, frame: f64) -> f64 {
        let (before, at, after) = self.ppm;
        let rate = |ppm: f64| RATE_HZ * (1.0 + ppm * 1e-6);
        if self.drifts != 0.0 {
            // Each step leaves a millionth of what was wrong, or less.
            return (0..3).fold(frame / RATE_HZ, |seconds, _| {
                seconds + (frame - self.written_at(seconds)) / rate(before)
            });
        }
        let turned = rate(before) * at;
        if frame <= turned {
            frame / rate(before)
        } else {
            at + (frame - turned) / rate(after)
        }
    }

    pub fn run(&mut self, seconds: f64) -> Vec<Seen> {
        let mut seen = Vec::new();
        let (mut from, mut to) = (BLOCK, BLOCK);
        let mut from_ns = self.comes(from, true);
        let mut to_ns = self.comes(to, false);
        while to_ns < seconds * 1e9 {
            if from_ns <= to_ns {
                self.drift.written(from, from_ns as u64);
                from += BLOCK;
                from_ns = self.comes(from, true).max(from_ns);
                continue;
            }
            if let Some(read) = self.drift.read(to, to_ns as u64, BLOCK as usize) {
                seen.push(self.judge(&read, to));
            }
            to += BLOCK;
            to_ns = self.comes(to, false).max(to_ns);
        }
        seen
    }

    pub fn comes(&mut self, frame: u64, writer: bool) -> f64 {
        let due_s = match writer {
            true => self.time_of(frame as f64),
            false => frame as f64 / RATE_HZ,
        };
        let (until_s, loaded_ns) = self.loaded;
        let most_ns = if due_s < until_s {
            loaded_ns
        } else {
            self.late_ns
        };
        let late_ns = most_ns * self.unit();
        if !writer {
            return due_s * 1e9 + late_ns;
        }
        let floor_ns = if due_s > self.floor.0 {
            self.floor.1
        } else {
            0.0
        };
        let (begin, end) = self.stall_s;
        let due_s = if due_s > begin && due_s < end {
            end
        } else {
            due_s
        };
        due_s * 1e9 + late_ns + floor_ns
    }

    pub fn judge(&self, read: &Read, end: u64) -> Seen {
        let frames = BLOCK as f64;
        let way = frames * read.step_from + 0.5 * (frames - 1.0) * (read.step_to - read.step_from);
        let seconds = end as f64 / RATE_HZ;
        let delay = self.written_at(seconds) - (read.frame as f64 + read.fraction + way);
        let ppm = if seconds > self.ppm.1 {
            self.ppm.2
        } else {
            self.ppm.0 + self.drifts * seconds
        };
        Seen {
            seconds,
            off_frames: delay - self.drift.delay_frames(),
            ppm: (way / frames / (1.0 + ppm * 1e-6) - 1.0) * 1e6,
            jump: read.jump,
        }
    }
}

/// When ratio and delay were right for good.
pub fn locked_s(seen: &[Seen]) -> f64 {
    let wrong = |seen: &&Seen| seen.ppm.abs() > 5.0 || seen.off_frames.abs() > 1.0;
    seen.iter()
        .rfind(wrong)
        .map_or(seen[0].seconds, |seen| seen.seconds)
}
