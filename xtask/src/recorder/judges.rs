//! What programs that others wrote make of a take.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::program::ossicle;
use super::rig::Tolerance;
use super::take::{Account, Take};
use super::watch::{RATE, wrapped};

/// Most that may be missing at the end of a take that was not closed, in seconds.
pub const MOST_MISSING_S: f64 = 0.5;

/// Frames that each reader says are there; `None` where it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readers {
    pub sndfile: Option<u64>,
    pub ffprobe: Option<u64>,
    pub ossicle: Option<u64>,
}

impl fmt::Display for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let says = |read: Option<u64>| read.map_or("nothing".to_owned(), |read| read.to_string());
        let [sndfile, ffprobe, ossicle] = [self.sndfile, self.ffprobe, self.ossicle].map(says);
        write!(
            f,
            "sndfile-info reads {sndfile}, ffprobe {ffprobe}, ossicle {ossicle}"
        )
    }
}

impl Readers {
    /// Asks all.
    pub fn ask(file: &Path) -> Self {
        let said = |command: &mut Command| -> Option<String> {
            let answer = command.arg(file).stdin(Stdio::null()).output().ok()?;
            let text = String::from_utf8_lossy(&answer.stdout).into_owned();
            answer.status.success().then_some(text)
        };
        let sndfile = said(&mut Command::new("sndfile-info")).and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("Frames"))?;
            line.rsplit(' ').next()?.parse().ok()
        });
        let ffprobe = said(Command::new("ffprobe").args([
            "-v",
            "error",
            "-show_entries",
            "stream=duration_ts",
            "-of",
            "csv=p=0",
        ]))
        .and_then(|text| text.trim().parse().ok());
        let ossicle = said(Command::new(ossicle()).args(["info", "--json"])).and_then(|text| {
            let summary: Value = serde_json::from_str(text.trim()).ok()?;
            summary["frames"].as_u64()
        });
        Self {
            sndfile,
            ffprobe,
            ossicle,
        }
    }

    /// Whether all read so many frames; our own reader is asked for our own takes only.
    pub fn all_read(self, frames: u64, ours: bool) -> bool {
        let all = [self.sndfile, self.ffprobe, self.ossicle];
        let asked = if ours { &all[..] } else { &all[..2] };
        asked.iter().all(|read| *read == Some(frames))
    }
}

/// A take that was left open, as it was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The file has its name.
    pub named: bool,
    /// Every reader opens it with as many frames as its header claims and as are there.
    pub opens: bool,
    /// Frames that the header claims, those that are there, and what the readers say.
    pub said: Option<(u64, u64, Readers)>,
    /// Nothing strange in it, and every frame at its place.
    pub in_place: bool,
    /// Seconds at the end that a reader does not get; `None` where it gets nothing.
    pub missing_s: Option<f64>,
}

impl Found {
    /// Looks at a take of which the source was at `number` when it was left. What a reader gets is
    /// what the most willing one of others gets.
    pub fn look(file: &Path, ours: bool, number: Option<f64>, server: Tolerance) -> Self {
        let nothing = Self {
            named: file.exists(),
            opens: false,
            said: None,
            in_place: false,
            missing_s: None,
        };
        let Ok(take) = Take::read(file) else {
            return nothing;
        };
        let readers = Readers::ask(file);
        let most = readers.sndfile.max(readers.ffprobe).unwrap_or(0);
        let account = take.account(most.min(take.present()));
        Self {
            opens: take.is_true() && readers.all_read(take.claimed, ours),
            said: Some((take.claimed, take.present(), readers)),
            in_place: is_in_place(&account, server),
            missing_s: missing_s(&account, number),
            ..nothing
        }
    }

    /// Opens as it is, with all but a little at the end, in its place. A take without a name is none
    /// yet: nothing of it may be older than half a second.
    pub fn is_whole(&self) -> bool {
        let missing = self
            .missing_s
            .is_some_and(|seconds| seconds <= MOST_MISSING_S);
        self.opens && self.in_place && missing
    }

    /// In a few words.
    pub fn words(&self) -> String {
        let missing = self
            .missing_s
            .map_or("all".into(), |seconds| format!("{seconds:.2} s"));
        match self {
            Self { named: false, .. } => "no file".into(),
            Self { opens: false, .. } => match self.said {
                None => format!("no take, {missing} missing"),
                Some((claimed, present, readers)) => format!(
                    "header claims {claimed} of {present} frames, {readers}, {missing} missing"
                ),
            },
            Self {
                in_place: false, ..
            } => "frames lost in between".into(),
            _ => format!("{missing} missing"),
        }
    }
}

/// Every gap is filled with as many frames as passed, but for what the server did.
pub fn is_in_place(account: &Account, server: Tolerance) -> bool {
    let is_clean = account.strange == 0 && account.torn <= server.torn;
    is_clean && account.lost(server.slack) == 0
}

/// Seconds from the last frame in the file to what the source was at; negative where the source began
/// anew behind that frame.
pub fn missing_s(account: &Account, number: Option<f64>) -> Option<f64> {
    let last = account.last()?;
    Some(wrapped(number? - f64::from(last)) / RATE)
}
