//! Memory that is not paged out.

/// Why memory was not locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryDenial {
    /// The user may lock a part only; raise the limit (`memlock unlimited`) and log in again.
    #[error("only {allowed_bytes} bytes may be locked (RLIMIT_MEMLOCK), and all are needed")]
    Limited {
        /// Bytes that may be locked.
        allowed_bytes: u64,
    },
    /// The system's answer.
    #[error("the system refused to lock memory (error number {errno})")]
    System {
        /// Its error number.
        errno: i32,
    },
    /// This system has no such thing that we know of.
    #[error("locking memory is unknown on this system")]
    Unsupported,
}

/// Keeps every page of the process in memory from its first use on, for the rest of the process's
/// life. Pages that are not used take none: a reservation, an unused stack or a window of a long
/// file cost what they cost before.
///
/// # Errors
/// [`MemoryDenial::Limited`] where the limit is not "unlimited": under a limit, allocations would
/// fail later on. [`MemoryDenial::System`] as the system says.
///
/// # Real-time
/// Not safe: system calls.
#[cfg(target_os = "linux")]
pub fn lock_memory() -> Result<(), MemoryDenial> {
    use rustix::mm::{MlockAllFlags, mlockall};

    permitted()?;
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    mlockall(flags).map_err(|error| MemoryDenial::System {
        errno: error.raw_os_error(),
    })
}

/// Under a limit, and without the right to exceed it, it is not.
#[cfg(target_os = "linux")]
fn permitted() -> Result<(), MemoryDenial> {
    use rustix::process::{Resource, getrlimit};
    use rustix::thread::{CapabilitySet, capabilities};

    let exempt =
        capabilities(None).is_ok_and(|has| has.effective.contains(CapabilitySet::IPC_LOCK));
    match getrlimit(Resource::Memlock).current {
        Some(allowed_bytes) if !exempt => Err(MemoryDenial::Limited { allowed_bytes }),
        _ => Ok(()),
    }
}

/// Nothing is known of it here.
///
/// # Errors
/// [`MemoryDenial::Unsupported`], always.
#[cfg(not(target_os = "linux"))]
pub fn lock_memory() -> Result<(), MemoryDenial> {
    Err(MemoryDenial::Unsupported)
}
