//! Reads a dump.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::dump::{CALLBACKS, HEAD};
use super::form::{CommandForm, Head, VERSION};
use super::steps::taken;
use super::{CallbackRecord, FlightError};

/// What no dump exceeds; more is damage.
const MOST_HZ: u64 = 10_000_000;
const MOST_CHANNELS: u64 = 4096;
const MOST_FRAMES: u64 = 1 << 24;

/// A dump of the flight recorder.
#[derive(Debug)]
pub struct Flight {
    pub(super) folder: PathBuf,
    pub(super) head: Head,
    callbacks: Vec<CallbackRecord>,
}

/// A command that was sent to the chain. Positions are those of the stream, in frames.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// The chain changed.
    Edit {
        /// Where the processor took it; nothing if it was not answered yet.
        taken: Option<u64>,
        /// The first frame of the fade and the first behind it.
        fade: Option<(u64, u64)>,
        /// The chain from there on, unless a node of it is the program's own.
        chain: Option<String>,
    },
    /// A parameter changed.
    Set {
        /// Number of the node.
        node: u64,
        /// Parameter and value, as in a chain.
        text: String,
        /// The first frame with the value; nothing if it was not answered
        /// yet, or refused.
        at: Option<u64>,
    },
}

/// What tells one version from another.
#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

impl Flight {
    /// Reads `folder`, all but its sound.
    ///
    /// # Errors
    /// A file that cannot be read, is damaged, or of a later version.
    pub fn load(folder: &Path) -> Result<Self, FlightError> {
        let path = folder.join(HEAD);
        let text = fs::read_to_string(&path).map_err(FlightError::io(&path))?;
        let damaged = |error: serde_json::Error| FlightError::Damaged {
            path: path.clone(),
            line: error.line(),
            what: error.to_string(),
        };
        // The version comes first: a later one may have another form.
        let Versioned { version } = serde_json::from_str(&text).map_err(damaged)?;
        if version > VERSION {
            return Err(FlightError::VersionUnknown {
                path,
                asked: version,
                allowed: VERSION,
            });
        }
        let head: Head = serde_json::from_str(&text).map_err(damaged)?;
        let counts = [
            (1, u64::from(head.sample_rate_hz), MOST_HZ, "sample rate"),
            (1, head.channels_in as u64, MOST_CHANNELS, "input channels"),
            (
                1,
                head.channels_out as u64,
                MOST_CHANNELS,
                "output channels",
            ),
            (1, head.max_block_frames as u64, MOST_FRAMES, "block frames"),
            (0, head.latency_budget_frames, MOST_FRAMES, "latency budget"),
        ];
        let wrong = |(least, there, most, _): &(u64, u64, u64, _)| there < least || there > most;
        if let Some((least, there, most, what)) = counts.into_iter().find(wrong) {
            return Err(FlightError::Damaged {
                path,
                line: 1,
                what: format!("{what} {there} (allowed: {least} to {most})"),
            });
        }
        let callbacks = callbacks(&folder.join(CALLBACKS))?;
        let folder = folder.to_owned();
        Ok(Self {
            folder,
            head,
            callbacks,
        })
    }

    /// The callbacks in order.
    #[must_use]
    pub fn callbacks(&self) -> &[CallbackRecord] {
        &self.callbacks
    }

    /// The commands in the order in which they were sent.
    pub fn commands(&self) -> impl Iterator<Item = Command> + '_ {
        self.head.commands.iter().map(|command| match command {
            CommandForm::Edit {
                fade,
                hold_frames,
                chain,
                ..
            } => Command::Edit {
                taken: fade.map(|[begin, _]| taken(&self.callbacks, begin, *hold_frames)),
                fade: fade.map(|[begin, end]| (begin, end)),
                chain: chain.clone(),
            },
            CommandForm::Set {
                node,
                parameter,
                value,
                text,
                at,
                applied,
            } => Command::Set {
                node: *node,
                text: text
                    .clone()
                    .unwrap_or_else(|| format!("{parameter}={value}")),
                at: at.filter(|_| *applied),
            },
        })
    }

    /// Sample rate in hertz.
    #[must_use]
    pub fn sample_rate_hz(&self) -> u32 {
        self.head.sample_rate_hz
    }

    /// Why it was written, in words.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.head.cause
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.head.host
    }

    /// Frames per callback, as the device said.
    #[must_use]
    pub fn buffer_frames(&self) -> u32 {
        self.head.buffer_frames
    }

    /// The chain as the window begins, unless a node of it is the program's own.
    #[must_use]
    pub fn chain(&self) -> Option<&str> {
        self.head.begin.chain.as_deref()
    }

    /// Callbacks that were not kept since the session began.
    #[must_use]
    pub fn dropped_callbacks(&self) -> u64 {
        self.head.dropped_callbacks
    }

    /// Whether the session began with the window, so that the chain's state is known.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let first = self.callbacks.first().map(|first| first.processed);
        first == Some(0) && self.head.begin.position == 0
    }
}

/// Reads the lines, which must follow one another.
fn callbacks(path: &Path) -> Result<Vec<CallbackRecord>, FlightError> {
    let text = fs::read_to_string(path).map_err(FlightError::io(path))?;
    let mut callbacks: Vec<CallbackRecord> = Vec::new();
    for (line, text) in text.lines().enumerate() {
        let damaged = |what: String| FlightError::Damaged {
            path: path.to_owned(),
            line: line + 1,
            what,
        };
        let record: CallbackRecord =
            serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
        if let Some(last) = callbacks.last() {
            let (frame, end) = (record.processed, last.processed_end());
            let (position, least) = (
                record.position,
                last.end().saturating_add(frame - frame.min(end)),
            );
            if frame < end || position < least {
                return Err(damaged(format!(
                    "frame {frame} at {position} comes behind {end} at {least}"
                )));
            }
        }
        callbacks.push(record);
    }
    if callbacks.is_empty() {
        return Err(FlightError::Empty);
    }
    Ok(callbacks)
}
