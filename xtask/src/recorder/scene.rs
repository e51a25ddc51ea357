//! All recorders at work on one disk, and how each take is judged after something befell it.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::judges::{MOST_MISSING_S, missing_s};
use super::program::{Ended, Place, Recorder, Running};
use super::rig::{Kind, Rig, Tolerance};
use super::score::Score;
use super::take::{Account, Gap, Take};
use super::watch::wrapped;

/// What the control may be wrong by, in frames: it hears the counter in pieces of 20 ms, before and
/// after a fault, and each server takes up a client at an edge of its own block of 10 ms at most.
pub const TOLERANCE: f64 = 0.050 * super::watch::RATE;
/// How long the control listens before a fault, and recorders have to come up.
const LEAD: Duration = Duration::from_millis(2_200);

/// Servers with the counter on them, and who can be recorded from.
pub struct Stage {
    pub rigs: BTreeMap<Kind, Rig>,
    pub recorders: Vec<Recorder>,
}

/// What happened around a fault, on the clock of each server.
#[derive(Clone, Copy, Debug)]
pub struct Around {
    /// Frames by which the counter was moved against the clock: negative where the source waited.
    pub shift: Option<f64>,
    /// The number that the counter was at when the take was ended.
    pub number: Option<f64>,
    /// What is the server's doing.
    pub server: Tolerance,
    /// Frames of silence that the server played itself.
    pub silent: u64,
    /// The server itself was hit: it produced nothing for a while.
    pub server_hit: bool,
}

/// A take, and who made it how.
pub struct Done {
    pub recorder: Recorder,
    pub file: std::path::PathBuf,
    pub ended: Ended,
    pub around: Around,
}

impl Stage {
    /// Starts the servers of the recorders that are wanted; a recorder whose server cannot be started
    /// is left out and said so.
    ///
    /// # Errors
    /// When PulseAudio cannot be started.
    pub fn start(wanted: impl Fn(Recorder) -> bool, score: &mut Score) -> Result<Self> {
        let mut rigs = BTreeMap::new();
        let mut recorders = Vec::new();
        for who in Recorder::ALL.into_iter().filter(|who| !wanted(*who)) {
            score.not_run(who, "left out".to_owned());
        }
        for kind in Kind::ALL {
            let here = |who: &Recorder| who.server() == kind && wanted(*who);
            let mut recorders_here = Recorder::ALL.into_iter().filter(here).peekable();
            if recorders_here.peek().is_none() {
                continue;
            }
            match Rig::start(kind) {
                Ok(rig) => {
                    rigs.insert(kind, rig);
                    recorders.extend(recorders_here);
                }
                Err(error) if kind == Kind::Pulse => return Err(error).context("PulseAudio"),
                Err(error) => {
                    println!("{kind:?} does not run: {error:#}");
                    recorders_here.for_each(|who| score.not_run(who, format!("{error:#}")));
                }
            }
        }
        recorders.sort_unstable();
        Ok(Self { rigs, recorders })
    }

    /// The server of a recorder.
    ///
    /// # Errors
    /// When it does not run.
    pub fn rig(&self, recorder: Recorder) -> Result<&Rig> {
        self.rigs
            .get(&recorder.server())
            .context("its server does not run")
    }

    /// Takes of each recorder by number: `count` of ours at PulseAudio, `others` of the others, these
    /// first.
    pub fn jobs(&self, count: usize, others: usize) -> Vec<(Recorder, usize)> {
        let most = |recorder: &Recorder| match recorder {
            Recorder::OssiclePulse => count,
            _ => others,
        };
        let takes = |recorder: &Recorder| {
            let recorder = *recorder;
            (0..most(&recorder)).map(move |number| (recorder, number))
        };
        self.recorders.iter().rev().flat_map(takes).collect()
    }

    /// Starts all recorders, ours `copies` times, lets `fault` happen, and ends all after `tail`.
    ///
    /// # Errors
    /// When a recorder cannot be started, or the fault cannot be made.
    pub fn play(
        &mut self,
        disk: &Path,
        copies: usize,
        server_hit: bool,
        tail: Duration,
        fault: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<Vec<Done>> {
        let logs = tempfile::tempdir()?;
        self.rigs.values_mut().try_for_each(Rig::refresh)?;
        let running = self.all(disk, logs.path(), copies)?;
        sleep(LEAD);
        let before = Instant::now();
        fault(self)?;
        sleep(tail);
        let end = Instant::now();
        running.iter().for_each(Running::interrupt);
        let second = Duration::from_secs(1);
        let around: BTreeMap<Kind, Around> = self
            .rigs
            .iter()
            .map(|(kind, rig)| {
                let phase = |at: Instant| rig.watch.phase(rig.zero, at - second, at);
                let shift = phase(before).zip(phase(end));
                let around = Around {
                    shift: shift.map(|(before, end)| wrapped(end - before)),
                    number: rig.watch.number(rig.zero, end),
                    server: rig.tolerance(),
                    silent: rig.watch.silent(),
                    server_hit,
                };
                (*kind, around)
            })
            .collect();
        let done = running.into_iter().map(|running| Done {
            recorder: running.recorder,
            around: around[&running.recorder.server()],
            file: running.file.clone(),
            ended: running.finish(),
        });
        Ok(done.collect())
    }

    /// Starts all recorders on `disk`.
    ///
    /// # Errors
    /// When one cannot be started.
    pub fn all(&self, disk: &Path, logs: &Path, copies: usize) -> Result<Vec<Running>> {
        let mut running = Vec::new();
        for recorder in &self.recorders {
            let times = if recorder.is_ours() { copies } else { 1 };
            for number in 0..times {
                let place = Place {
                    folder: disk,
                    logs,
                    number,
                    more: &[],
                };
                running.push(recorder.start(self.rig(*recorder)?, place)?);
            }
        }
        Ok(running)
    }
}

/// What became of the frames of a take through a fault.
#[derive(Debug)]
pub struct Verdict {
    /// Every frame of the source is in the file at its place, or silence of its exact length is.
    pub accounted: bool,
    /// In a few words.
    pub words: String,
    /// The take as it is, where it can be read.
    pub take: Option<(Account, Take)>,
}

impl Done {
    /// Judges the take by the counter in it.
    pub fn verdict(&self) -> Verdict {
        let bad = |words: String| Verdict {
            accounted: false,
            words,
            take: None,
        };
        let take = match Take::read(&self.file) {
            Ok(take) => take,
            Err(error) => return bad(format!("cannot be read: {}", error.root_cause())),
        };
        let account = take.account(take.claimed);
        let fault = self.fault(&take, &account);
        Verdict {
            accounted: fault.is_none(),
            words: fault.unwrap_or_else(|| "accounted for".into()),
            take: Some((account, take)),
        }
    }

    fn fault(&self, take: &Take, account: &Account) -> Option<String> {
        if self.ended.exit.is_none() {
            return Some("did not come to an end".into());
        }
        if !take.is_true() {
            let (claimed, present) = (take.claimed, take.present());
            return Some(format!(
                "header claims {claimed} frames, {present} are there"
            ));
        }
        let told = self.ended.summary["file_frames"].as_u64();
        if let Some(told) = told.filter(|told| *told != take.claimed) {
            let claimed = take.claimed;
            return Some(format!("summary says {told} frames, header {claimed}"));
        }
        if account.strange > 0 {
            return Some(format!("{} frames of something else", account.strange));
        }
        if account.torn > self.around.server.torn {
            let (torn, half) = (account.torn, account.half);
            return Some(format!("{torn} frames torn, {half} of them half silent"));
        }
        let lost = account.lost(self.around.server.slack);
        if lost > 0 && !self.around.server_hit {
            let gaps = account.gaps.iter().filter(|gap| gap.silence != gap.passed);
            let first: Vec<String> = gaps.take(4).map(Gap::to_string).collect();
            return Some(format!("{lost} frames gone: {}", first.join(", ")));
        }
        let Around { shift, number, .. } = self.around;
        let Some(shift) = shift else {
            return Some("the control heard nothing".into());
        };
        match missing_s(account, number) {
            None => return Some("nothing of the source".into()),
            // What the source began to count anew is not behind what it counted before.
            Some(missing) if missing.abs() > MOST_MISSING_S => {
                return Some(match self.around.server_hit {
                    true => format!("ends with the fault, {missing:.2} s early"),
                    false => format!("ends {missing:.2} s early"),
                });
            }
            Some(_) => {}
        }
        // Frames of silence for which the source had none: it waited, or the server was away.
        let (silence, passed) = account.silence_and_passed();
        let inserted = wrapped(silence as f64 - passed as f64);
        let wrong = wrapped(inserted + shift);
        // A server that goes on after a pause of its own has produced less, and its clock says so:
        // only one that was hit has to be made up for.
        let is_right = if self.around.server_hit {
            wrong.abs() <= TOLERANCE
        } else {
            wrong <= TOLERANCE && inserted >= -TOLERANCE
        };
        (!is_right).then(|| format!("gaps {:+.3} s wrong", wrong / super::watch::RATE))
    }
}
