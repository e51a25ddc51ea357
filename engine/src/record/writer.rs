//! The writer: carries the take from memory to its files. A slow disk holds up nobody but it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use ossicle_dsp::dither::{Dither, Ditherer};
use ossicle_io::file::{FileError, WavSpec};
use ossicle_io::ring::Cause;
use ossicle_io::sample::SampleFormat;

use super::clock_log::ClockKeeper;
use super::company::Company;
use super::config::RecordConfig;
use super::draw::Drawn;
use super::flags::{Flags, Guard};
use super::name_watch::NameWatch;
use super::outlet::Outlet;
use super::room::RoomWatch;
use super::series::remove_older;
use super::sidecar::Sidecar;
use super::take::Take;

/// Time between two looks at the take.
const POLL: Duration = Duration::from_millis(20);
/// A disk that fails is tried again for so long before it is given up.
const RETRY_FOR: Duration = Duration::from_secs(2);
/// Time between two tries.
const RETRY: Duration = Duration::from_millis(100);

/// Why a take was cut short.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) path: PathBuf,
    pub(super) error: FileError,
    pub(super) unwritten_frames: u64,
}

/// What the writer leaves.
#[derive(Debug, Default)]
pub(super) struct Finished {
    pub(super) cut: Option<Cut>,
    /// A file of it that has no name any more, or another's, and what became of it.
    pub(super) unnamed: Option<(PathBuf, String)>,
    pub(super) gaps_file: Option<PathBuf>,
    pub(super) clock_file: Option<PathBuf>,
}

/// Carries one take.
pub(super) struct Writer {
    take: Arc<Take>,
    flags: Arc<Flags>,
    outlet: Outlet,
    names: NameWatch,
    /// Numbered files of an older take that are to go once this one is whole.
    older: Vec<PathBuf>,
    company: Company,
    drawn: Drawn,
    /// Position in the take behind what the files were given.
    given: u64,
    /// What was given by the last good checkpoint.
    checked: u64,
    /// That was the take's last: its file has all that is left.
    is_concluded: bool,
    room: RoomWatch,
    sidecar: Sidecar,
    clock: Option<ClockKeeper>,
    every: Duration,
    checkpoint_at: Instant,
    failing_since: Option<Instant>,
    /// Since when the folder to go on in takes nothing either.
    nowhere_since: Option<Instant>,
    /// When the next file of a split, which could not be created, is tried again.
    split_at: Option<Instant>,
}

impl Writer {
    pub(super) fn new(
        config: &RecordConfig,
        spec: WavSpec,
        (take, flags): (Arc<Take>, Arc<Flags>),
        (outlet, older): (Outlet, Vec<PathBuf>),
        company: Company,
        clock: Option<ClockKeeper>,
    ) -> Self {
        let rate = spec.sample_rate_hz;
        // An f32 has 24 bits, and a 32-bit code carries no more of it.
        let bits = match spec.format {
            _ if outlet.is_lossy() => None,
            SampleFormat::I16 => Some(16),
            SampleFormat::I24 | SampleFormat::I32 => Some(24),
            SampleFormat::F32 => None,
        };
        let ditherer = bits
            .filter(|_| config.dither != Dither::None)
            .map(|bits| Ditherer::new(config.dither, bits, spec.channels, rate));
        Self {
            drawn: Drawn::new(spec.channels, ditherer, config.split, rate),
            room: RoomWatch::new(config.disk.clone(), &company),
            sidecar: Sidecar::new(&take, config.tags.clone()),
            every: Duration::try_from_secs_f64(config.checkpoint_seconds).unwrap_or_default(),
            checkpoint_at: Instant::now(),
            failing_since: None,
            nowhere_since: None,
            split_at: None,
            names: NameWatch::default(),
            older,
            company,
            given: 0,
            checked: 0,
            is_concluded: false,
            take,
            flags,
            outlet,
            clock,
        }
    }

    /// Runs until the whole take is in files, or they take no more: then what they hold is closed as
    /// far as possible, and the rest of the take is let go.
    pub(super) fn run(mut self) -> Finished {
        let mut guard = Guard {
            take: self.take.clone(),
            flags: self.flags.clone(),
            done: false,
        };
        let error = self.write_all().err();
        let (take, flags) = (self.take.clone(), self.flags.clone());
        let mut cut = None;
        if let Some(error) = error {
            let path = self.outlet.path().to_owned();
            // Where it went on takes nothing: the take ends in the file that it left.
            let (path, error) = match self.outlet.take_left() {
                Some(left) => {
                    let failed = path.display();
                    take.note(format!(
                        "{failed}: {error}: the recording cannot go on there"
                    ));
                    left
                }
                None => (path, error),
            };
            let cause = cause_of(&error);
            take.set_failure(format!("{}: {error}", path.display()));
            flags.failed.store(true, Ordering::Release);
            // The room is of no more interest here, and other takes have it all.
            drop(self.room);
            // What lasts is made as much as can be; the rest is told.
            self.sidecar.keep(&take, self.outlet.end());
            let _ = self.outlet.checkpoint(&take);
            take.set_written(self.outlet.lasting_end(), self.outlet.lasting_end());
            take.abandon();
            let end = self.outlet.finish(&take).end;
            take.set_written(end, end);
            while !flags.collected.load(Ordering::Acquire) {
                if let Some(clock) = &mut self.clock {
                    clock.keep(&take);
                }
                thread::sleep(POLL);
            }
            let unwritten_frames = take.cut(cause);
            cut = Some(Cut {
                path,
                error,
                unwritten_frames,
            });
        } else if take.frames() == 0 && flags.discard.load(Ordering::Acquire) {
            self.outlet.discard();
        } else {
            let closed = self.outlet.finish(&take);
            take.set_written(closed.end, closed.end);
            match closed.error {
                Some(error) if closed.end < take.frames() => {
                    let unwritten_frames = take.cut(cause_of(&error));
                    cut = Some(Cut {
                        path: closed.path,
                        error,
                        unwritten_frames,
                    });
                }
                // Its frames are safe: what did not fit is its labels.
                Some(error) => take.note(format!("{}: {error}", closed.path.display())),
                None => {}
            }
        }
        let unnamed = self.names.close(&take);
        if cut.is_none() {
            // Another take of this session may have replaced them.
            self.older.retain(|path| !self.company.has(path));
            remove_older(&self.older, &take);
        }
        let gaps_file = self.sidecar.close(&take);
        let clock_file = self.clock.and_then(|clock| clock.close(&take));
        guard.done = true;
        Finished {
            cut,
            unnamed,
            gaps_file,
            clock_file,
        }
    }

    fn write_all(&mut self) -> Result<(), FileError> {
        let mut stuck_since = None;
        loop {
            let is_last = self.flags.collected.load(Ordering::Acquire);
            let is_idle = match self.step() {
                Ok(is_idle) => {
                    (self.failing_since, self.nowhere_since) = (None, None);
                    is_idle
                }
                Err(error) => {
                    self.recover(error)?;
                    false
                }
            };
            let bytes = self.outlet.bytes_per_frame();
            self.room.look(self.outlet.folder(), &self.take, bytes);
            if let Some(clock) = &mut self.clock {
                clock.keep(&self.take);
            }
            if !is_idle {
                stuck_since = None;
                continue;
            }
            if is_last {
                if self.given == self.take.frames() && self.is_lasting() && self.is_concluded {
                    return Ok(());
                }
                let since = *stuck_since.get_or_insert_with(Instant::now);
                if since.elapsed() > RETRY_FOR {
                    return Err(self.stuck());
                }
            }
            thread::sleep(POLL);
        }
    }

    /// What is never to be: it ends the take instead of waiting for ever.
    fn stuck(&self) -> FileError {
        let (given, frames) = (self.given, self.take.frames());
        FileError::Io(std::io::Error::other(format!(
            "frame {given} of {frames} is not in memory"
        )))
    }

    fn is_lasting(&self) -> bool {
        self.checked == self.given
    }

    /// Writes the next frames; returns whether there are none.
    fn step(&mut self) -> Result<bool, FileError> {
        let frames = self.drawn.draw(&self.take, self.given);
        if frames > 0 {
            self.outlet.date(&self.take)?;
        }
        let mut end = self.split_end();
        if frames > 0 && self.given >= end {
            if self.split() {
                return Ok(false);
            }
            end = self.split_end();
        }
        let now = frames.min(usize::try_from(end.saturating_sub(self.given)).unwrap_or(frames));
        if now > 0 {
            let result = self.outlet.write(self.drawn.frames(self.given, now));
            self.given = self.outlet.end();
            result?;
        }
        let is_first = self.outlet.lasting_end() == self.outlet.first();
        let is_due = is_first || self.checkpoint_at.elapsed() >= self.every;
        // Read in this order: what was collected last is seen then.
        let is_collected = now == 0 && self.flags.collected.load(Ordering::Acquire);
        let is_last = is_collected && self.given == self.take.frames();
        let concludes = is_last && !self.is_concluded;
        if concludes || !self.is_lasting() && is_due {
            // Silence is listed before a header tells of it.
            self.sidecar.keep(&self.take, self.given);
            match concludes {
                true if self.given > self.outlet.first() => self.outlet.conclude(&self.take)?,
                true => {}
                false => self.outlet.checkpoint(&self.take)?,
            }
            self.is_concluded = concludes;
            self.checked = self.given;
            self.checkpoint_at = Instant::now();
            self.keep_written();
        }
        Ok(now == 0)
    }

    /// Where the file that is written ends, as far as is known.
    fn split_end(&mut self) -> u64 {
        if self.split_at.is_some_and(|at| Instant::now() < at) {
            return u64::MAX;
        }
        let split = self.drawn.split_after(self.outlet.first());
        split.min(self.outlet.largest_end(&self.take))
    }

    /// Goes on in the next file; returns whether it does. Where that cannot be created, the file that is
    /// written goes on until a checkpoint later, which is told once.
    fn split(&mut self) -> bool {
        self.sidecar.keep(&self.take, self.given);
        if let Err(error) = self.outlet.next(&self.take) {
            if self.split_at.is_none() {
                let name = self.outlet.path().display();
                self.take.note(format!(
                    "{name}: the next file cannot be created: {error}: goes on in this one"
                ));
            }
            self.split_at = Some(Instant::now() + self.every.max(RETRY));
            return false;
        }
        self.split_at = None;
        self.went_on();
        true
    }

    /// The next file begins behind what the one before it holds.
    fn went_on(&mut self) {
        self.given = self.outlet.first();
        self.checked = self.given;
        self.keep_written();
    }

    /// Lets go of what lasts in files.
    fn keep_written(&mut self) {
        self.names.look(&self.outlet, &self.take);
        let written = self.outlet.readable_end();
        self.take
            .set_written(written, self.drawn.keep_from(written));
        self.sidecar.keep(&self.take, self.given);
    }

    /// A disk that is full is left; one that fails is tried again for a while first.
    fn recover(&mut self, error: FileError) -> Result<(), FileError> {
        let is_full = matches!(error, FileError::NoRoom { .. });
        let name = self.outlet.path().display().to_string();
        let mut error = error;
        if is_full && self.outlet.is_at_limit() {
            self.sidecar.keep(&self.take, self.outlet.end());
            error = match self.outlet.go_on_behind(&self.take, error) {
                Ok(()) => {
                    self.went_on();
                    return Ok(());
                }
                Err(error) => error,
            };
        }
        if !is_full {
            let since = *self.failing_since.get_or_insert_with(|| {
                self.take.note(format!("{name}: {error}"));
                Instant::now()
            });
            if since.elapsed() < RETRY_FOR {
                thread::sleep(RETRY);
                self.given = self.outlet.end();
                return Ok(());
            }
        }
        self.sidecar.keep(&self.take, self.outlet.end());
        let Err(stays) = self.outlet.go_elsewhere(&self.take, error) else {
            self.failing_since = None;
            self.room.moved();
            self.went_on();
            return Ok(());
        };
        let Some((folder, elsewhere)) = stays.elsewhere else {
            return Err(stays.error);
        };
        // Either may take frames again before memory is full.
        let since = *self.nowhere_since.get_or_insert_with(|| {
            let folder = folder.display();
            self.take.note(format!(
                "{name}: {}, and {folder} takes no file: {elsewhere}",
                stays.error
            ));
            Instant::now()
        });
        if since.elapsed() >= RETRY_FOR {
            return Err(stays.error);
        }
        thread::sleep(RETRY);
        self.given = self.outlet.end();
        Ok(())
    }
}

/// What a file's error means for the frames that it did not take.
fn cause_of(error: &FileError) -> Cause {
    match error {
        FileError::NoRoom { .. } => Cause::DiskFull,
        _ => Cause::DiskFailed,
    }
}
