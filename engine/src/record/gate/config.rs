//! When a recording begins and ends.

use crate::session::Moment;

/// When the recordings of a session begin and end. By itself: at once, and with the session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GateConfig {
    /// When they begin.
    pub begin: Begin,
    /// Seconds from before the begin that are recorded too, as far as there are any; 0 by default.
    /// They wait in memory until then.
    pub preroll_seconds: f64,
    /// When they end by themselves, if they do: so long below a level, counted once the level was
    /// reached. The silence is recorded. Lost frames are neither sound nor silence.
    pub until_silence: Option<Silence>,
    /// The longest a recording may become; it ends there.
    pub limit: Option<Moment>,
}

/// What a recording waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Begin {
    /// Nothing.
    #[default]
    AtOnce,
    /// [`Session::go`](crate::session::Session::go).
    WhenAsked,
    /// A sample, of any channel of the first recording, that reaches this level in dBFS; or
    /// [`Session::go`](crate::session::Session::go). All recordings begin where the first does.
    OnSound {
        /// The level in dBFS.
        level_dbfs: f64,
    },
}

/// Silence: no sample that reaches a level, for a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Silence {
    /// The time in seconds.
    pub seconds: f64,
    /// The level in dBFS.
    pub level_dbfs: f64,
}

/// The magnitude of a level in dBFS; 0 dBFS is 1.0.
pub(super) fn magnitude(level_dbfs: f64) -> f32 {
    10f64.powf(level_dbfs / 20.0) as f32
}

/// Seconds in frames, rounded.
pub(super) fn frames(seconds: f64, sample_rate_hz: u32) -> u64 {
    Moment::Seconds(seconds).frames(sample_rate_hz)
}
