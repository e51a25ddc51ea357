//! Judges a simulated session from outside: silences, delays, alignment, frames and what was told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use ossicle::io::device::sim::Sim;
use ossicle::session::{BridgeReport, Direction, Session};

use super::Outcome;
use super::devices::{self, SPEAKER, name};
use super::ear::{self, Ear};
use super::floors::Floors;
use super::pace::Pace;
use super::reports::Reports;
use super::state::State;
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
    floors: Floors,
    reports: Reports,
    pace: Pace,
    state: Option<State>,
    sim: Sim,
    ear: Arc<Mutex<Ear>>,
    captures: usize,
    /// How late each channel was told to be, in nanoseconds.
    delays_ns: Vec<Recent>,
}

/// What a session is compared with.
pub(super) struct Expected {
    pub(super) troubles: Troubles,
    pub(super) floors: Floors,
    pub(super) reports: Reports,
    pub(super) pace: Pace,
    /// What the chain's state should be, where it has any.
    pub(super) state: Option<State>,
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
        Expected {
            troubles,
            floors,
            reports,
            pace,
            state,
        }: Expected,
        sim: Sim,
        ear: Arc<Mutex<Ear>>,
        captures: usize,
    ) -> Self {
        Self {
            outcome,
            troubles,
            floors,
            reports,
            pace,
            state,
            sim,
            ear,
            captures,
            delays_ns: vec![Recent::default(); captures],
        }
    }

    /// Hears what the session tells of its devices, and looks after the chain's state.
    pub(super) fn ask(&mut self, session: &mut Session) {
        if self.troubles.none() {
            return;
        }
        self.reports
            .hear(&session.report().events, self.sim.now_ns());
        if let Some(frame) = self.state.as_mut().and_then(State::differs) {
            self.state = None;
            self.broke(|| format!("the state of the chain is another from its frame {frame} on"));
        }
    }

    /// Judges the silences that have ended since the last look, and how the delay comes back.
    pub(super) fn hear(&mut self, session: &Session) {
        if self.troubles.none() {
            return;
        }
        let bridges = session.bridges();
        let frame_ns = 1e9 / f64::from(devices::RATE_HZ);
        for (number, delay) in self.delays_ns.iter_mut().enumerate() {
            let played = bridges.iter().find(|bridge| is_played(bridge));
            let played = played.map_or(0.0, |bridge| bridge.latency_frames);
            delay.add(told(&bridges, &name(number)).unwrap_or(played) * frame_ns);
        }
        self.judge_silences();
        self.judge_recovery(&bridges);
    }

    /// How long behind a stall or lost frames the delay is not yet what is told.
    fn judge_recovery(&mut self, bridges: &[BridgeReport]) {
        let now = self.sim.now_ns();
        let names: Vec<String> = (0..self.captures).map(name).collect();
        let since: Vec<_> = names
            .iter()
            .map(|name| self.troubles.recovering_from(now, &[name, SPEAKER]))
            .collect();
        if since.iter().all(Option::is_none) {
            return;
        }
        let delays = ear::lock(&self.ear).delays();
        for ((name, since_ns), delay) in names.iter().zip(since).zip(delays) {
            let Some(since_ns) = since_ns else { continue };
            let told = told(bridges, name).map(|frames| frames * self.session_frame(bridges));
            let is_back = delay
                .zip(told)
                .is_some_and(|(delay, told)| self.off(delay, told, name, now).0 <= OFF_FRAMES);
            if is_back {
                continue;
            }
            let ms = (now as f64 - since_ns) * 1e-6;
            self.outcome.latency_back_ms = self.outcome.latency_back_ms.max(ms);
            if ms > trouble::BACK_NS * 1e-6 {
                self.broke(|| {
                    let at = seconds(now);
                    format!(
                        "the delay of \"{name}\" is off {ms:.0} ms behind a fault, at {at:.3} s"
                    )
                });
            }
        }
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
            if from_ns >= trouble::BEGINS_NS
                && let Some((cause, there_ns)) =
                    self.troubles.back(from_ns, to_ns, delay_ns, &devices)
            {
                let ms = self.outcome.back_ms.entry(cause.to_owned()).or_default();
                *ms = ms.max((to_ns - there_ns) * 1e-6);
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
        let by_clock = bridges.iter().any(is_played);
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
            let told = told(&bridges, &name).unwrap_or(0.0) * self.session_frame(&bridges);
            let (off, unseen) = self.off(*delay, told, &name, now);
            calm.push(*delay - unseen);
            self.outcome.delay_off_frames = self.outcome.delay_off_frames.max(off);
            if off > OFF_FRAMES {
                self.outcome.lock_lost += 1;
                self.broke(|| {
                    format!(
                        "the delay of \"{name}\" is {off:.2} frames off the {told:.2} told at {:.3} s",
                        seconds(now)
                    )
                });
            }
            let true_ppm = self.true_ppm(&name, now, bridge, by_clock);
            let off = |ppm: f64| (ppm - true_ppm).abs();
            self.outcome.ppm_off = self.outcome.ppm_off.max(off(bridge.ppm));
            if let Some(ppm) = bridge.learned_ppm {
                self.outcome.memory_ppm_off = self.outcome.memory_ppm_off.max(off(ppm));
            }
        }
        let apart = ear::widest(&calm);
        self.outcome.alignment_frames = self.outcome.alignment_frames.max(apart);
        if apart > OFF_FRAMES {
            self.broke(|| format!("channels {apart:.2} frames apart at {:.3} s", seconds(now)));
        }
    }

    /// By how many frames a delay is off what is told, and what of the delay nobody can know of.
    fn off(&self, delay: f64, told: f64, name: &str, now: u64) -> (f64, f64) {
        let frames = f64::from(devices::RATE_HZ) * 1e-9;
        let played = self.floors.unseen_ns(SPEAKER, now);
        let mut nearest = (f64::INFINITY, 0.0);
        for captured_ns in self.floors.unseen_ns(name, now) {
            for played_ns in &played {
                let unseen = frames * captured_ns;
                let should = told + unseen - frames * played_ns;
                let off = ear::apart(delay, should).abs();
                if off < nearest.0 {
                    nearest = (off, unseen);
                }
            }
        }
        nearest
    }

    /// Length of a frame of the session, which is told in, in frames of true time: the speaker's clock
    /// may be off by a thousandth.
    fn session_frame(&self, bridges: &[BridgeReport]) -> f64 {
        let hz = self.frames_a_second(SPEAKER, self.sim.now_ns());
        // The clock that calls where the speaker is bridged is never off.
        if bridges.iter().any(is_played) || hz.is_nan() {
            1.0
        } else {
            f64::from(devices::RATE_HZ) / hz
        }
    }

    /// Frames of a device in the second around a time.
    fn frames_a_second(&self, device: &str, now: u64) -> f64 {
        let at = |seconds: f64| self.sim.device_frame(device, now as f64 + seconds * 1e9);
        match (at(-0.5), at(0.5)) {
            (Some(begin), Some(end)) => end - begin,
            _ => f64::NAN,
        }
    }

    /// How much faster a device's clock is than the speaker's, beyond their nominal rates; or than
    /// that of the world, where it calls in the speaker's place.
    fn true_ppm(&self, name: &str, now: u64, bridge: &BridgeReport, by_clock: bool) -> f64 {
        let frames = |device: &str| self.frames_a_second(device, now);
        let caller = if by_clock {
            f64::from(bridge.to_hz)
        } else {
            frames(SPEAKER)
        };
        (frames(name) / caller * f64::from(bridge.to_hz) / f64::from(bridge.from_hz) - 1.0) * 1e6
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
        self.reports.hear(&report.events, self.sim.now_ns());
        let reports = std::mem::take(&mut self.reports);
        for line in reports.wrong(report.xruns) {
            self.broke(|| line);
        }
        if let Some(state) = &self.state {
            self.outcome.state_blocks = state.blocks();
        }
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
        self.outcome.longest_fade_ms = ear::lock(&self.ear).longest_fade_ms();
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
        let away_ns = self.troubles.away_ns(SPEAKER);
        let there = self.pace.frames(&self.sim);
        let off = (frames as f64 - there).abs();
        // A block, and the clock's error while a clock stood for it.
        let most = 2048.0
            + away_ns * 1e-9 * f64::from(devices::RATE_HZ) * 2e-3
            + self.troubles.losses(SPEAKER) as f64 * 512.0;
        if off > most {
            self.broke(|| {
                format!("{frames} frames in the stream, {there:.0} by the clocks that called")
            });
        }
    }

    fn broke(&mut self, line: impl FnOnce() -> String) {
        let broken = &mut self.outcome.broken;
        if broken.len() < 4 * TOLD {
            broken.push(line());
        }
    }
}

fn is_played(bridge: &BridgeReport) -> bool {
    bridge.direction == Direction::Out
}

/// Frames of the session by which a device is told to be heard late: up to the core, and from there to
/// the speaker.
fn told(bridges: &[BridgeReport], name: &str) -> Option<f64> {
    let captured = bridges
        .iter()
        .find(|bridge| !is_played(bridge) && bridge.device == name)?;
    let played = bridges.iter().find(|bridge| is_played(bridge));
    Some(captured.latency_frames + played.map_or(0.0, |bridge| bridge.latency_frames))
}

fn seconds(ns: u64) -> f64 {
    ns as f64 * 1e-9
}
