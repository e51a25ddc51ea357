//! The rights of real-time work that a session asks for, and what it got.

use ossicle_io::rights::{Scheduling, lock_memory};

use super::Session;

/// What a session asks of the system so that its callbacks are in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RealtimeRights {
    /// Run the callbacks before all ordinary threads, where the device's backend does not see to
    /// that itself. On unless told. Where the user has no right to it, rtkit is asked, and with it
    /// comes a limit for the whole process: see [`Scheduling::ByRtkit`].
    pub scheduling: bool,
    /// Keep the memory of the whole process from being paged out, for the rest of its life: see
    /// [`lock_memory`](ossicle_io::rights::lock_memory). Off unless told, since it concerns the
    /// program that the session is a part of.
    pub lock_memory: bool,
}

impl RealtimeRights {
    /// Asks for all of them.
    pub const ALL: Self = Self {
        scheduling: true,
        lock_memory: true,
    };
    /// Asks for none: everything stays as it is.
    pub const NONE: Self = Self {
        scheduling: false,
        lock_memory: false,
    };
}

impl Default for RealtimeRights {
    fn default() -> Self {
        Self {
            scheduling: true,
            lock_memory: false,
        }
    }
}

/// What a session got of the rights it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Realtime {
    /// How its callbacks are scheduled; of two devices, the worse.
    pub scheduling: Scheduling,
    /// Whether the process's memory stays where it is.
    pub memory_locked: bool,
}

impl RealtimeRights {
    /// Locks the memory if that is asked for; returns whether it is locked.
    pub(super) fn lock(self) -> bool {
        self.lock_memory && lock_memory().is_ok()
    }
}

impl Session {
    /// What was got so far.
    pub(super) fn realtime(&self) -> Realtime {
        Realtime {
            scheduling: self.supervisor.scheduling(),
            memory_locked: self.memory_locked,
        }
    }
}
