//! `ossicle recover`: finishes recordings that were never closed.

use std::path::{Path, PathBuf};

use clap::Args;
use ossicle::io::file::recover::{Damage, DamageKind};
use ossicle::io::file::{AudioFile, CivilTime, FileError};
use ossicle::record::recover::{Found, Unclosed, find};
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::output::{ErrorBody, Output};
use crate::summary::plural;
use crate::times::shown;

/// Finish recordings that a crash or a power cut left open
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle recover ~/takes --dry-run\n\n\
    A recording that was not closed can be played as it is; finishing it wins what was written after\n\
    its last checkpoint, writes what is known of its gaps into it, and gives it its name. Recordings\n\
    that are being written are left alone.")]
pub struct Recover {
    /// Folder to look in, not below it, or a file
    #[arg(value_name = "DIR", default_value = ".")]
    folders: Vec<PathBuf>,
    /// Say what is there, and leave it so
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Told {
    takes: Vec<TakeObject>,
    /// Files that are being written, and were left alone.
    being_written: Vec<String>,
    warnings: Vec<String>,
    /// What went wrong, that with the exit code of the program first.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody>,
    /// All that went wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ErrorBody>,
}

#[derive(Serialize)]
struct TakeObject {
    /// Where it is now; null when there was not a frame in it, and it was removed.
    file: Option<String>,
    sample_rate_hz: u32,
    /// When it was written last, in local time.
    written: Option<String>,
    /// Frames that every reader found.
    frames_said: u64,
    /// Frames that are in the file.
    frames: u64,
    /// Gaps that its list knows of.
    gaps: usize,
    /// What of the frames cannot be read.
    damaged: Vec<DamageObject>,
    /// What of them is silence that may be missing sound.
    doubtful: Vec<DamageObject>,
    finished: bool,
}

#[derive(Serialize)]
struct DamageObject {
    position: u64,
    frames: u64,
}

impl Recover {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        let (mut takes, mut warnings, mut failures) = (Vec::new(), Vec::new(), Vec::new());
        let mut being_written = Vec::new();
        for folder in &self.folders {
            let found = match found_at(folder) {
                Ok(found) => found,
                Err(failure) => {
                    failures.push(failure);
                    continue;
                }
            };
            being_written.extend(found.written.iter().map(|path| display(path)));
            let failed = found.failed.iter();
            failures.extend(failed.map(|(path, error)| unfinished(path, error)));
            for take in found.takes {
                let path = take.path();
                match self.take(take, &mut warnings) {
                    Ok(take) => takes.push(take),
                    // The others are not to wait for it.
                    Err(error) => failures.push(unfinished(&path, &error)),
                }
            }
        }
        warnings.iter().for_each(|line| output.warning(line));
        let mut lines: Vec<String> = takes.iter().map(TakeObject::text).collect();
        if !being_written.is_empty() {
            let (count, names) = (being_written.len(), being_written.join(", "));
            let verb = if count == 1 { "is" } else { "are" };
            lines.push(format!("{count} {verb} being written: {names}"));
        } else if lines.is_empty() && failures.is_empty() {
            lines.push(format!("{}: all is closed", of_all(&self.folders)));
        }
        let text = lines.join("\n");
        failures.sort_by_key(|failure| failure.exit != Exit::NoRoom);
        let errors: Vec<ErrorBody> = failures.iter().map(ErrorBody::from).collect();
        let told = Told {
            takes,
            being_written,
            warnings,
            error: errors.first().cloned(),
            errors,
        };
        let Some(failure) = all_of(&failures) else {
            output.result(&told, &text);
            return Ok(());
        };
        output.broken_result(&told, &text);
        Err(failure)
    }

    fn take(&self, take: Unclosed, warnings: &mut Vec<String>) -> Result<TakeObject, FileError> {
        let mut object = TakeObject {
            file: Some(take.path().display().to_string()),
            sample_rate_hz: take.sample_rate_hz(),
            written: take.modified().map(CivilTime::local).map(written),
            frames_said: take.frames_said(),
            frames: take.frames_there(),
            gaps: take.gaps(),
            damaged: of_kind(take.damage(), DamageKind::Unreadable),
            doubtful: of_kind(take.damage(), DamageKind::Doubtful),
            finished: false,
        };
        if self.dry_run {
            return Ok(object);
        }
        let wanted = take.path();
        let restored = take.finish()?;
        if let Some(error) = restored.list_error {
            warnings.push(format!("{}.gaps.json: {error}", wanted.display()));
        }
        object.file = restored.file.path.as_deref().map(display);
        object.frames = restored.file.frames;
        object.finished = true;
        if let Some(path) = restored.file.path.filter(|path| *path != wanted) {
            let (path, wanted) = (path.display(), wanted.display());
            warnings.push(format!("{wanted} is another file: it is {path}"));
        }
        Ok(object)
    }
}

impl TakeObject {
    fn text(&self) -> String {
        let Some(file) = &self.file else {
            return "one without a frame was removed".to_string();
        };
        let rate = self.sample_rate_hz;
        let won = self.frames.saturating_sub(self.frames_said);
        let mut parts = vec![format!(
            "{file}: {} ({} frames, {won} more than its header says)",
            shown(self.frames, rate),
            self.frames
        )];
        parts.extend(self.written.as_ref().map(|at| format!("of {at}")));
        match self.gaps {
            0 => {}
            1 => parts.push("1 gap".to_string()),
            gaps => parts.push(format!("{gaps} gaps")),
        }
        let says = [
            (&self.damaged, "damaged", "cannot be read"),
            (
                &self.doubtful,
                "doubtful",
                "are silence that may be missing sound",
            ),
        ];
        for (places, what, verb) in says {
            if let Some(first) = places.first() {
                let at = shown(first.position, rate);
                let more = match places.len() - 1 {
                    0 => String::new(),
                    more => format!(" and at {} more", plural(more as u64, "place")),
                };
                let frames: u64 = places.iter().map(|damage| damage.frames).sum();
                parts.push(format!("{what} at {at}{more}: {frames} frames {verb}"));
            }
        }
        parts.push(match self.finished {
            true => "finished".to_string(),
            false => "not closed".to_string(),
        });
        parts.join(", ")
    }
}

fn of_kind(damage: &[Damage], kind: DamageKind) -> Vec<DamageObject> {
    let of_it = damage.iter().filter(|damage| damage.kind == kind);
    let object = |damage: &Damage| DamageObject {
        position: damage.position,
        frames: damage.frames,
    };
    of_it.map(object).collect()
}

/// What is in a folder, or whether a file is not closed.
fn found_at(path: &Path) -> Result<Found, Failure> {
    let found = find(path).map_err(|error| Failure::file(path, &error))?;
    let is_none = found.takes.is_empty() && found.written.is_empty() && found.failed.is_empty();
    if is_none && path.is_file() && AudioFile::open(path).is_err() {
        return Err(Failure {
            exit: Exit::File,
            message: format!("{}: is no folder, and no recording", path.display()),
        });
    }
    Ok(found)
}

fn unfinished(path: &Path, error: &FileError) -> Failure {
    Failure {
        message: format!("{} cannot be finished: {error}", path.display()),
        ..Failure::file(path, error)
    }
}

/// All that failed, in one line; the exit code is that of the first.
fn all_of(failures: &[Failure]) -> Option<Failure> {
    let exit = failures.first()?.exit;
    let messages: Vec<&str> = failures.iter().map(|one| one.message.as_str()).collect();
    Some(Failure {
        exit,
        message: messages.join("; "),
    })
}

fn display(path: &Path) -> String {
    path.display().to_string()
}

fn of_all(folders: &[PathBuf]) -> String {
    let names: Vec<String> = folders.iter().map(|folder| display(folder)).collect();
    names.join(", ")
}

/// `2026-03-09 07:05:59`.
fn written(at: CivilTime) -> String {
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        at.year, at.month, at.day, at.hour, at.minute, at.second
    )
}
