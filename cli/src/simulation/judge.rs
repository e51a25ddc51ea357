//! Judges a simulated session from outside: silences, delays, alignment, frames and what was told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use ossicle::io::device::sim::Sim;
use ossicle::session::{BridgeReport, DeviceEvent, DeviceEventKind, Direction, Session};

use super::Outcome;
use super::devices::{self, SPEAKER, name};
use super::ear::{self, Ear};
use super::trouble::{self, Troubles};

/// Delay and alignment may be off by so many frames.
const OFF_FRAMES: f64 = 1.0;
/// Things of one kind that are told one by one.
const TOLD: usize = 5;
/// Moves of a bridge that more lateness than was seen at first may make without a fault.
const ALLOWED_JUMPS: u64 = 40;

/// Looks at the session from outside.
pub(super) struct Judge {
    outcome: Outcome,
    troubles: Troubles,
    sim: Sim,
    ear: Arc<Mutex<Ear>>,
    captures: usize,
    /// How late each channel was told to be, in nanoseconds.
    delays_ns: Vec<Recent>,
}

/// The largest of the last values.
#[derive(Clone, Default)]
struct Recent(VecDeque<f64>);

impl Recent {
    /// Looks over which it is kept: 5 s.
    const LOOKS: usize = 500;

    fn add(&mut self, value: f64) {
        self.0.push_back(value);
        if self.0.len() > Self::LOOKS {
            self.0.pop_front();
        }
    }

    fn most(&self) -> f64 {
        self.0.iter().copied().fold(0.0, f64::max)
    }
}

impl Judge {
    pub(super) fn new(
        outcome: Outcome,
        troubles: Troubles,
        sim: Sim,
        ear: Arc<Mutex<Ear>>,
        captures: usize,
    ) -> Self {
        Self {
            outcome,
            troubles,
            sim,
            ear,
            captures,
            delays_ns: vec![Recent::default(); captures],
        }
    }

    /// Judges the silences that have ended since the last look.
    pub(super) fn hear(&mut self, session: &Session) {
        if self.troubles.none() {
            return;
        }
        let bridges = session.bridges();
        let frame_ns = 1e9 / f64::from(devices::RATE_HZ);
        let frames = |is_it: &dyn Fn(&BridgeReport) -> bool| {
            let found = bridges.iter().find(|bridge| is_it(bridge));
            found.map_or(0.0, |bridge| bridge.latency_frames)
        };
        let played = frames(&|bridge| bridge.direction == Direction::Out);
        for (number, delay) in self.delays_ns.iter_mut().enumerate() {
            let name = name(number);
            let is_it =
                |bridge: &BridgeReport| bridge.direction == Direction::In && bridge.device == name;
            delay.add((frames(&is_it) + played) * frame_ns);
        }
        self.judge_silences();
    }

    fn judge_silences(&mut self) {
        let silences = ear::lock(&self.ear).take_silences();
        for (channel, from_ns, to_ns) in silences {
            self.outcome.silences += 1;
            let name = name(channel);
            let (devices, delay_ns) = ([&name as &str, SPEAKER], self.delays_ns[channel].most());
            if from_ns >= trouble::BEGINS_NS
                && let Some(cause) = self.troubles.last_before(from_ns, &devices)
            {
                let longest = &mut self.outcome.longest_silence_ms;
                let ms = longest.entry(cause.to_owned()).or_default();
                *ms = ms.max((to_ns - from_ns) * 1e-6);
            }
            if !self.troubles.explain(from_ns, to_ns, delay_ns, &devices) {
                self.outcome.unexplained_silences += 1;
                self.broke(|| {
                    format!(
                        "silence of \"{name}\" from {:.4} s to {:.4} s, heard {:.1} ms late",
                        from_ns * 1e-9,
                        to_ns * 1e-9,
                        delay_ns * 1e-6
                    )
                });
            }
        }
    }

    /// Compares delays, alignment and ratios with the truth, where no fault is near.
    pub(super) fn check(&mut self, session: &Session) {
        let now = self.sim.now_ns();
        self.troubles.pass(now);
        let bridges = session.bridges();
        let delays = ear::lock(&self.ear).delays();
        let mut calm: Vec<f64> = Vec::new();
        for (number, delay) in delays.iter().enumerate() {
            let name = name(number);
            if !self.troubles.is_calm(now, &[&name, SPEAKER]) {
                continue;
            }
            self.outcome.lock_checks += 1;
            let bridge = bridges
                .iter()
                .find(|bridge| bridge.device == name && bridge.locked);
            let (Some(delay), Some(bridge)) = (delay, bridge) else {
                self.outcome.lock_lost += 1;
                self.broke(|| format!("\"{name}\" is not heard at {:.3} s", seconds(now)));
                continue;
            };
            calm.push(*delay);
            let off = ear::apart(*delay, bridge.latency_frames).abs();
            self.outcome.delay_off_frames = self.outcome.delay_off_frames.max(off);
            if off > OFF_FRAMES {
                self.outcome.lock_lost += 1;
                self.broke(|| {
                    format!(
                        "the delay of \"{name}\" is {delay:.2} frames at {:.3} s, {:.2} told",
                        seconds(now),
                        bridge.latency_frames
                    )
                });
            }
            let true_ppm = self.true_ppm(&name, now, bridge.from_hz);
            let off = |ppm: f64| (ppm - true_ppm).abs();
            self.outcome.ppm_off = self.outcome.ppm_off.max(off(bridge.ppm));
            if let Some(ppm) = bridge.learned_ppm {
                self.outcome.memory_ppm_off = self.outcome.memory_ppm_off.max(off(ppm));
            }
        }
        for pair in calm.windows(2) {
            let apart = ear::apart(pair[0], pair[1]).abs();
            self.outcome.alignment_frames = self.outcome.alignment_frames.max(apart);
            if apart > OFF_FRAMES {
                self.broke(|| format!("channels {apart:.2} frames apart at {:.3} s", seconds(now)));
            }
        }
    }

    /// How much faster a device's clock is than the speaker's, beyond their nominal rates.
    fn true_ppm(&self, name: &str, now: u64, from_hz: u32) -> f64 {
        let frames = |device: &str| {
            let at = |seconds: f64| self.sim.device_frame(device, now as f64 + seconds * 1e9);
            match (at(-0.5), at(0.5)) {
                (Some(begin), Some(end)) => end - begin,
                _ => f64::NAN,
            }
        };
        let ratio = frames(name) / frames(SPEAKER);
        (ratio * f64::from(devices::RATE_HZ) / f64::from(from_hz) - 1.0) * 1e6
    }

    /// Judges what shows only in the end; the bridges were moved so often.
    pub(super) fn end(mut self, mut session: Session, jumps: u64) -> Outcome {
        self.outcome.jumps = jumps;
        let report = session.report();
        let bridges = session.bridges();
        self.outcome.faults = self.troubles.begun(self.sim.now_ns());
        self.outcome.frames = report.frames;
        self.outcome.overrun_frames = report.overrun_frames;
        self.outcome.underrun_frames = report.underrun_frames;
        self.outcome.skipped_frames = report.skipped_frames;
        self.outcome.latency_frames = report.latency_frames;
        self.outcome.events = report.events.len();
        self.outcome.bridges = bridges.iter().map(Into::into).collect();
        self.judge_sound();
        self.judge_frames(report.frames);
        self.judge_events(&report.events);
        if let Err(error) = session.stop() {
            self.broke(|| format!("the session ended: {error}"));
        }
        if self.troubles.none() {
            let lost = self.outcome.overrun_frames
                + self.outcome.underrun_frames
                + self.outcome.skipped_frames;
            if lost > 0 {
                self.broke(|| format!("{lost} frames lost or missing without a fault"));
            }
            if self.outcome.jumps > self.outcome.bridges.len() as u64 * ALLOWED_JUMPS {
                self.broke(|| format!("{jumps} jumps without a fault"));
            }
        }
        self.outcome
    }

    fn judge_sound(&mut self) {
        ear::lock(&self.ear).finish();
        self.judge_silences();
        let steps = ear::lock(&self.ear).steps().to_vec();
        self.outcome.discontinuities = ear::lock(&self.ear).step_count();
        for (channel, at_ns, step) in steps {
            self.broke(|| {
                format!(
                    "a step of {step:.4} in channel {} at {:.4} s",
                    channel + 1,
                    at_ns * 1e-9
                )
            });
        }
    }

    /// The stream's position follows the speaker's clock, or the world's while it is away.
    fn judge_frames(&mut self, frames: u64) {
        let now = self.sim.now_ns() as f64;
        let away_ns = self.troubles.away_ns(SPEAKER);
        let there = self.sim.device_frame(SPEAKER, now).unwrap_or(0.0);
        if self.troubles.changes_rate(SPEAKER) {
            return;
        }
        let off = (frames as f64 - there).abs();
        // A block, and the clock's error while a clock stood for it.
        let most = 2048.0
            + away_ns * 1e-9 * f64::from(devices::RATE_HZ) * 2e-3
            + self.troubles.losses(SPEAKER) as f64 * 512.0;
        if off > most {
            self.broke(|| format!("{frames} frames in the stream, {there:.0} of the device"));
        }
    }

    /// Each loss of a device is told once.
    fn judge_events(&mut self, events: &[DeviceEvent]) {
        let names: Vec<String> = (0..self.captures)
            .map(name)
            .chain([SPEAKER.to_owned()])
            .collect();
        for name in names {
            let told = events.iter().filter(|event| {
                event.device == name && matches!(event.kind, DeviceEventKind::Lost { .. })
            });
            let (told, (least, most)) = (told.count(), self.troubles.losses_told(&name));
            if !(least..=most).contains(&told) {
                self.broke(|| format!("{told} losses of \"{name}\" told, {least} to {most} there"));
            }
        }
    }

    fn broke(&mut self, line: impl FnOnce() -> String) {
        let broken = &mut self.outcome.broken;
        if broken.len() < 4 * TOLD {
            broken.push(line());
        }
    }
}

fn seconds(ns: u64) -> f64 {
    ns as f64 * 1e-9
}
