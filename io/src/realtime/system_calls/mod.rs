//! Traps for system calls inside callbacks.
//!
//! Once [`watch`] was called, every system call inside a [`callback`](super::callback) is noted, by
//! whatever code and in whatever way it was made, and then done as if nothing had been: the kernel
//! itself tells of it (Syscall User Dispatch, Linux 5.11 on x86-64). A callback costs two writes of
//! a byte for it; a system call inside one, a signal. For tests and soaks, behind the cargo feature
//! `traps`; without it nothing of this is built.
//!
//! Not seen: clock reads that the kernel answers without being entered (its shared page), locks
//! that were free, memory that the allocator had at hand. After a call that makes a process or a
//! thread, which counts, the rest of that callback is not watched. A signal handler of the program
//! that runs on the thread counts as part of the callback, and must not block `SIGSYS`.
//!
//! ```
//! use ossicle_io::realtime::{callback, system_calls};
//!
//! if system_calls::watch().is_ok() {
//!     callback(std::thread::yield_now);
//!     assert_eq!(system_calls::caught(), 1);
//!     assert_eq!(system_calls::calls()[0].name, Some("sched_yield"));
//! }
//! ```

#[cfg_attr(all(target_os = "linux", target_arch = "x86_64"), path = "dispatch.rs")]
#[cfg_attr(
    not(all(target_os = "linux", target_arch = "x86_64", not(miri))),
    path = "elsewhere.rs"
)]
mod dispatch;
mod names;

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

pub(super) use dispatch::Section;

/// Numbers that are counted each on its own; greater ones count together as the last.
const NUMBERS: usize = 512;

static TIMES: [AtomicU64; NUMBERS] = [const { AtomicU64::new(0) }; NUMBERS];
static ALLOWED: [AtomicBool; NUMBERS] = [const { AtomicBool::new(false) }; NUMBERS];
static UNWATCHED: AtomicU64 = AtomicU64::new(0);

/// Why system calls cannot be watched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// Only Linux on x86-64 can tell; run the check there.
    #[error("system calls can be watched on Linux on x86-64 only")]
    SystemUnsupported,
    /// The kernel refused: it is older than 5.11, or a filter forbids it. Run the check elsewhere.
    #[error("the kernel does not watch system calls: {0}")]
    Refused(#[source] std::io::Error),
}

/// How system calls are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watching {
    /// Reading the clock is a system call on this machine (some virtual ones). The engine reads it
    /// in callbacks, so that call is allowed; it is still listed by [`calls`].
    pub clock_allowed: bool,
}

/// A system call that was made inside callbacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemCall {
    /// Its number.
    pub number: usize,
    /// Its name, where it is a usual one.
    pub name: Option<&'static str>,
    /// How often, in the whole process.
    pub times: u64,
    /// Whether it was allowed, and so is not in [`caught`].
    pub allowed: bool,
}

impl core::fmt::Display for SystemCall {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.name {
            Some(name) => f.write_str(name)?,
            None => write!(f, "system call {}", self.number)?,
        }
        write!(f, " {} times", self.times)?;
        f.write_str(if self.allowed { " (allowed)" } else { "" })
    }
}

/// Watches every callback that begins from now on, in the whole process and for good.
///
/// # Errors
/// [`WatchError::SystemUnsupported`], [`WatchError::Refused`]; then nothing is watched.
pub fn watch() -> Result<Watching, WatchError> {
    dispatch::install()?;
    let clock = dispatch::CLOCK_CALLS;
    let seen = || -> u64 { clock.iter().map(|&number| times(number)).sum() };
    let before = seen();
    super::callback(Instant::now);
    let read = seen() - before;
    if read > 0 {
        clock.iter().for_each(|&number| allow(number));
    }
    Ok(Watching {
        clock_allowed: read > 0,
    })
}

/// Allows system call `number` inside callbacks: it is still counted and listed by [`calls`], but
/// not in [`caught`].
pub fn allow(number: usize) {
    ALLOWED[number.min(NUMBERS - 1)].store(true, Ordering::Relaxed);
}

/// System calls inside callbacks so far, in the whole process; those that are allowed are not among
/// them.
pub fn caught() -> u64 {
    let calls = calls();
    let caught = calls.iter().filter(|call| !call.allowed);
    caught.map(|call| call.times).sum()
}

/// Which system calls there were inside callbacks so far, in the whole process.
pub fn calls() -> Vec<SystemCall> {
    let call = |number| SystemCall {
        number,
        name: names::name(number),
        times: times(number),
        allowed: ALLOWED[number].load(Ordering::Relaxed),
    };
    let calls = (0..NUMBERS).map(call);
    calls.filter(|call| call.times > 0).collect()
}

/// Threads with callbacks that the kernel refused to watch.
pub fn unwatched_threads() -> u64 {
    UNWATCHED.load(Ordering::Relaxed)
}

fn times(number: usize) -> u64 {
    TIMES[number].load(Ordering::Relaxed)
}

/// Counts one call; returns whether it is allowed. Safe in a signal handler.
fn note(number: usize) -> bool {
    let number = number.min(NUMBERS - 1);
    TIMES[number].fetch_add(1, Ordering::Relaxed);
    ALLOWED[number].load(Ordering::Relaxed)
}
