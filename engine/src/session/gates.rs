//! Orders to a session's recordings.

use super::Session;
use crate::record::Recording;

impl Session {
    /// Begins the recordings that wait, with the preroll before this moment, and goes on with those
    /// that are paused. All do it at the same frame; what they did is in
    /// [`TakeReport::gated`](crate::record::TakeReport::gated) a moment later.
    pub fn go(&mut self) {
        Recording::go(&self.recordings);
    }

    /// Pauses the recordings: what comes until [`go`](Self::go) is in none of them, and what is lost
    /// meanwhile is no gap. Where [`GateConfig::limit`](crate::record::GateConfig::limit) says how
    /// long a recording becomes, the stream goes on until it is as long.
    pub fn pause(&mut self) {
        if self.takes_have_limit {
            self.shared.end_never();
        }
        Recording::pause(&self.recordings);
    }
}
