//! What of a session's troubles tells of its periods.

use std::sync::Arc;

use ossicle_io::device::{StreamInfo, StreamStatus};

use super::entry::{Entry, WORKS_S};

/// Time from one look to the next, in nanoseconds. A look that comes so much later finds that the
/// program, or the machine, stood still.
pub(super) const LOOK_NS: u64 = 500_000_000;
const STOOD_STILL_NS: u64 = 250_000_000;
/// What befalls a device is noticed within so many looks, and over after so many: a server calls for
/// the first time within three seconds.
const LOOKS_BEFORE: usize = 2;
const LOOKS_AFTER: usize = 8;

/// How a session does at one moment.
pub(crate) struct Standing {
    /// The streams that run.
    pub(crate) streams: Vec<(StreamInfo, Arc<StreamStatus>)>,
    /// Frames lost, made up or passed over so far.
    pub(crate) lost_frames: u64,
    /// How often something befell a device so far, and whether one is away.
    pub(crate) events: usize,
    pub(crate) is_away: bool,
}

impl Standing {
    /// Whatever went wrong so far.
    pub(super) fn troubles(&self) -> u64 {
        let of_streams = self.streams.iter();
        let of_streams = of_streams.map(|(_, status)| status.xruns() + status.lost_frames());
        of_streams.sum::<u64>() + self.lost_frames
    }
}

/// How a period did: for so long, with so many troubles, which are xruns, and periods that were lost or
/// made up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Went {
    pub(super) seconds: f64,
    pub(super) troubles: u64,
}

/// A stream of the session as it began.
struct Watched {
    entry: Entry,
    buffer_frames: u32,
    /// The stream that runs in its place, and what it told.
    status: Arc<StreamStatus>,
    xruns: u64,
    /// What counts.
    ns: u64,
    lost_frames: u64,
    counted_xruns: u64,
}

/// What there was from one look to the next; of a stream that did not run as it began, nothing.
struct Span {
    ns: u64,
    lost_frames: u64,
    xruns: Vec<Option<u64>>,
}

/// Adds up what goes wrong while all devices are there: what is lost while one is away, or while all
/// stands still, is not for want of a longer period.
pub(super) struct Tally {
    streams: Vec<Watched>,
    began_ns: u64,
    looked_ns: u64,
    lost_frames: u64,
    events: usize,
    /// Spans that something may yet prove to have befallen.
    waiting: Vec<Span>,
    /// Looks that are left until what befell a device is over.
    left_out: usize,
    disturbances: usize,
}

impl Tally {
    /// A session begins whose periods of these devices are ours.
    pub(super) fn new(
        ours: &[(Entry, StreamInfo, Arc<StreamStatus>)],
        standing: &Standing,
        now_ns: u64,
    ) -> Self {
        let streams = ours.iter().map(|(entry, info, status)| Watched {
            entry: entry.clone(),
            buffer_frames: info.buffer_frames,
            status: status.clone(),
            xruns: 0,
            ns: 0,
            lost_frames: 0,
            counted_xruns: 0,
        });
        Self {
            streams: streams.collect(),
            began_ns: now_ns,
            looked_ns: now_ns,
            lost_frames: standing.lost_frames,
            events: standing.events,
            waiting: Vec::new(),
            left_out: 0,
            disturbances: 0,
        }
    }

    /// Looks at the session, [`LOOK_NS`] after the look before.
    pub(super) fn look(&mut self, standing: &Standing, now_ns: u64) {
        let span = self.span(standing, now_ns);
        let stood_still = span.ns > LOOK_NS + STOOD_STILL_NS;
        let befell = standing.events != self.events;
        self.events = standing.events;
        if stood_still || befell || standing.is_away {
            self.disturbances += 1;
            self.waiting.clear();
            self.left_out = LOOKS_AFTER;
        } else if self.left_out > 0 {
            self.left_out -= 1;
        } else {
            self.waiting.push(span);
        }
        if self.waiting.len() > LOOKS_BEFORE {
            let span = self.waiting.remove(0);
            self.count(&span);
        }
    }

    /// The last look. Whether something just befell a device that is not told yet, nobody knows: frames
    /// that were lost last count for nothing.
    pub(super) fn end(&mut self, standing: &Standing, now_ns: u64) {
        self.look(standing, now_ns);
        for mut span in std::mem::take(&mut self.waiting) {
            if span.lost_frames > 0 {
                (span.ns, span.lost_frames) = (0, 0);
            }
            self.count(&span);
        }
    }

    /// How often something befell a device or the program.
    pub(super) fn disturbances(&self) -> usize {
        self.disturbances
    }

    /// How the period of each device went, of those that [`new`](Self::new) was given.
    pub(super) fn went(&self) -> impl Iterator<Item = Went> {
        self.streams.iter().map(|stream| Went {
            seconds: stream.ns as f64 * 1e-9,
            troubles: stream.counted_xruns
                + stream.lost_frames / u64::from(stream.buffer_frames.max(1)),
        })
    }

    fn span(&mut self, standing: &Standing, now_ns: u64) -> Span {
        let ns = now_ns.saturating_sub(self.looked_ns);
        self.looked_ns = now_ns;
        let lost_frames = standing.lost_frames.saturating_sub(self.lost_frames);
        self.lost_frames = standing.lost_frames;
        // Those of the beginning are nobody's fault.
        let begins = now_ns.saturating_sub(self.began_ns) as f64 <= WORKS_S * 1e9;
        Span {
            ns,
            lost_frames: if begins { 0 } else { lost_frames },
            xruns: self
                .streams
                .iter_mut()
                .map(|stream| stream.xruns_since(standing))
                .collect(),
        }
    }

    fn count(&mut self, span: &Span) {
        for (stream, xruns) in self.streams.iter_mut().zip(&span.xruns) {
            if let Some(xruns) = xruns {
                stream.ns += span.ns;
                stream.lost_frames += span.lost_frames;
                stream.counted_xruns += xruns;
            }
        }
    }
}

impl Watched {
    /// Its xruns since the last look; `None` where it does not run with the period it began with.
    fn xruns_since(&mut self, standing: &Standing) -> Option<u64> {
        let is_it = |(info, _): &&(StreamInfo, Arc<StreamStatus>)| {
            let entry = Entry::of(info);
            entry.is_some_and(|entry| entry.is_of(&self.entry))
                && info.buffer_frames == self.buffer_frames
        };
        let (_, status) = standing.streams.iter().find(is_it)?;
        if !Arc::ptr_eq(status, &self.status) {
            (self.status, self.xruns) = (status.clone(), 0);
        }
        let before = std::mem::replace(&mut self.xruns, status.xruns());
        Some(self.xruns - before)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ossicle_io::device::sim::{Fault, FaultKind, Lateness, Sim, SimDevice};
    use ossicle_io::device::{HostKind, Port};

    use super::*;
    use crate::chain::Chain;
    use crate::session::{Session, SessionConfig};

    const S: u64 = 1_000_000_000;

    /// A session on a microphone and a speaker with clocks of their own, as the tally sees it; and the
    /// frames that it lost in all.
    fn went(
        microphone: &[(u64, FaultKind)],
        speaker: &[(u64, FaultKind)],
        seconds: f64,
    ) -> ([Went; 2], u64) {
        let sim = Sim::new(41);
        for (name, inputs, faults) in [("mic", 1, microphone), ("speaker", 0, speaker)] {
            let faults = faults.iter().map(|(at_ns, kind)| Fault {
                at_ns: *at_ns,
                kind: kind.clone(),
            });
            sim.plug(SimDevice {
                rate_error_ppm: 100.0 * inputs as f64,
                lateness: vec![Lateness::Uniform { max_ns: 50_000 }],
                faults: faults.collect(),
                ..SimDevice::new(name, inputs, 1 - inputs)
            })
            .unwrap();
        }
        let port = |name: &str| {
            Some(Port {
                device: Some(name.to_owned()),
                channels: None,
            })
        };
        let config = SessionConfig {
            host: Some(HostKind::Sim),
            input: port("mic"),
            output: port("speaker"),
            ..SessionConfig::live(Chain::new())
        };
        let mut session = Session::start_in(config, Arc::new(sim.clone())).unwrap();
        let standing = session.standing();
        let entry = |(info, status): &(StreamInfo, Arc<StreamStatus>)| {
            (Entry::of(info).unwrap(), info.clone(), status.clone())
        };
        let mut ours: Vec<_> = standing().streams.iter().map(entry).collect();
        ours.sort_by_key(|(entry, ..)| entry.device.clone());
        let mut tally = Tally::new(&ours, &standing(), sim.now_ns());
        let mut looked_ns = sim.now_ns();
        for _ in 0..(seconds * 100.0) as usize {
            sim.run_for(Duration::from_millis(10));
            session.look();
            if sim.now_ns() >= looked_ns + LOOK_NS {
                looked_ns = sim.now_ns();
                tally.look(&standing(), looked_ns);
            }
        }
        tally.end(&standing(), sim.now_ns());
        let lost_frames = standing().lost_frames;
        let went: Vec<_> = tally.went().collect();
        session.stop().unwrap();
        (went.try_into().unwrap(), lost_frames)
    }

    #[test]
    fn a_device_that_is_away_says_nothing_of_any_period() {
        let unplug = |for_ns| FaultKind::Unplug { for_ns };
        for (microphone, speaker, seconds) in [
            // There again after a second, or never; silent, without a word.
            (vec![(5 * S, unplug(S))], vec![], 20.0),
            (vec![], vec![(5 * S, unplug(S))], 20.0),
            (vec![(5 * S, unplug(S))], vec![(5 * S, unplug(S))], 20.0),
            (vec![(5 * S, unplug(u64::MAX))], vec![], 20.0),
            (vec![(5 * S, FaultKind::Silence)], vec![], 20.0),
            (vec![(5 * S, FaultKind::Stall { for_ns: S })], vec![], 20.0),
            // The session ends before it is noticed.
            (vec![(5 * S, FaultKind::Silence)], vec![], 5.2),
        ] {
            let faults = (microphone.clone(), speaker.clone());
            let ([mic, speaker], lost) = went(&microphone, &speaker, seconds);
            assert!(lost > 2 * 256, "{faults:?}: {lost} frames lost");
            for went in [mic, speaker] {
                assert_eq!(went.troubles, 0, "{faults:?}");
                assert!(went.seconds > 2.9, "{faults:?}: {went:?}");
            }
        }
    }

    #[test]
    fn what_is_lost_while_all_are_there_counts() {
        let xrun = |at: u64| {
            let lost_frames = 256;
            (at * S, FaultKind::Xrun { lost_frames })
        };
        let xruns: Vec<_> = (4..12).map(xrun).collect();
        let ([all, speaker], _) = went(&xruns, &[], 20.0);
        // Each is an xrun of the microphone, and a period that the speaker did not get.
        assert!(
            all.troubles >= 8 && speaker.troubles >= 7,
            "{all:?} {speaker:?}"
        );
        assert!((all.seconds - 20.0).abs() < 0.1, "{all:?}");
        // Of eight, from the fourth second on, those before the sixth are far enough from half a second
        // without the microphone.
        let mut faults = xruns;
        faults.push((7 * S + 1, FaultKind::Unplug { for_ns: S / 2 }));
        faults.sort_by_key(|(at_ns, _)| *at_ns);
        let ([some, _], _) = went(&faults, &[], 20.0);
        assert!(
            some.troubles >= 2 && some.troubles < all.troubles / 2,
            "{some:?}"
        );
        assert!((13.0..15.0).contains(&some.seconds), "{some:?}");
    }

    #[test]
    fn what_is_lost_while_the_program_stands_still_does_not_count() {
        let standing = |lost_frames| Standing {
            streams: Vec::new(),
            lost_frames,
            events: 0,
            is_away: false,
        };
        let info = StreamInfo {
            host: HostKind::Sim,
            input_device: Some("mic".to_owned()),
            output_device: None,
            sample_rate_hz: 48_000,
            buffer_frames: 256,
            input_channels: 1,
            output_channels: 0,
            device_latency_frames: None,
        };
        let status = Arc::new(StreamStatus::new());
        let entry = Entry::of(&info).unwrap();
        let ours = [(entry, info.clone(), status.clone())];
        let mut tally = Tally::new(&ours, &standing(0), 0);
        let runs = |lost_frames| Standing {
            streams: vec![(info.clone(), status.clone())],
            ..standing(lost_frames)
        };
        let mut now_ns = 0;
        for look in 0..40 {
            now_ns += if look == 20 { 2 * S } else { LOOK_NS };
            tally.look(&runs(if look < 20 { 0 } else { 72_000 }), now_ns);
        }
        tally.end(&runs(72_000), now_ns);
        let went = tally.went().next().unwrap();
        assert_eq!(went.troubles, 0);
        // All but the look itself, two before it and eight behind it.
        assert!((went.seconds - 14.5).abs() < 0.01, "{went:?}");
        assert_eq!(tally.disturbances(), 1);
    }
}
