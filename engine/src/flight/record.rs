//! What is kept of one callback.

use serde::{Deserialize, Serialize};

/// What one callback did: a line of `callbacks.jsonl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CallbackRecord {
    /// Stream position of its first frame, frames lost before it included: what commands count in.
    pub position: u64,
    /// Frames that went into the chain before it: where it begins in the input.
    pub processed: u64,
    /// Frames that it processed; fewer than `asked` where the stream ended.
    pub frames: u32,
    /// Frames that the device asked for.
    pub asked: u32,
    /// Monotonic time at its entry in nanoseconds, as the device tells it.
    pub time_ns: u64,
    /// What it took, in nanoseconds.
    pub cost_ns: u64,
    /// Frames lost just before it.
    pub lost_frames: u64,
    /// The device told of an xrun since the callback before.
    pub xrun: bool,
    /// Frames that waited in the ring from the capture callback or the player, if there is one.
    pub source_frames: Option<u32>,
    /// Frames that waited in the ring of a recording, if it is fed by this callback.
    pub record_frames: Option<u32>,
    /// Commands that were answered before it.
    pub answered: u64,
    /// Hash of the frames that left the chain.
    #[serde(with = "hex")]
    pub hash: u64,
}

impl CallbackRecord {
    /// How long the sound it was asked for lasts, in nanoseconds.
    #[must_use]
    pub fn period_ns(&self, sample_rate_hz: u32) -> u64 {
        u64::from(self.asked) * 1_000_000_000 / u64::from(sample_rate_hz.max(1))
    }

    /// Whether something was late: it took longer than its sound lasts, frames were lost before it,
    /// or the device told of an xrun.
    #[must_use]
    pub fn is_late(&self, sample_rate_hz: u32) -> bool {
        self.xrun || self.lost_frames > 0 || self.cost_ns > self.period_ns(sample_rate_hz)
    }

    /// Stream position behind its last frame.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.position.saturating_add(u64::from(self.frames))
    }

    /// Frames that had gone into the chain behind it.
    #[must_use]
    pub fn processed_end(&self) -> u64 {
        self.processed.saturating_add(u64::from(self.frames))
    }
}

/// 64 bits as text: JSON readers often have no more than 53.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(hash: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{hash:016x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let text = String::deserialize(from)?;
        u64::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}
