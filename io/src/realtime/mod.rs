//! Marks on real-time threads, and what watches them.
//!
//! Every device calls its callback inside [`callback`]. With the cargo feature `rtsan` the mark is
//! also one for RealtimeSanitizer; with the feature `traps`, `system_calls` notes every system call
//! made inside it, and `usage` tells the page faults and context switches of a thread. A program
//! that wants to know whether its callbacks allocate installs the guard:
//!
//! ```
//! use ossicle_io::realtime::{self, AllocatorGuard};
//!
//! #[global_allocator]
//! static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();
//!
//! # if cfg!(feature = "rtsan") { return; } // the sanitizer would end the program here
//! let before = realtime::violations();
//! realtime::callback(|| drop(vec![0.0f32; 64]));
//! assert_eq!(realtime::violations() - before, 2); // the allocation and the release
//! ```

mod allocator;
#[cfg(feature = "traps")]
pub mod system_calls;
#[cfg(feature = "traps")]
pub mod usage;

use core::cell::Cell;
use core::sync::atomic::{AtomicBool, Ordering};

pub use allocator::{AllocatorGuard, allocations};

thread_local! {
    /// How deep this thread is in callbacks. Constant and without a destructor, so that touching it
    /// never allocates.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// How deep this thread is in permitted sections.
    static PERMITTED: Cell<u32> = const { Cell::new(0) };
}

static ABORT: AtomicBool = AtomicBool::new(false);

/// Adds one to a thread's counter until it is dropped, also when a panic passes.
struct Deeper(&'static std::thread::LocalKey<Cell<u32>>);

impl Deeper {
    fn enter(key: &'static std::thread::LocalKey<Cell<u32>>) -> Self {
        key.set(key.get() + 1);
        Self(key)
    }
}

impl Drop for Deeper {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Runs `f` as a real-time callback: until it returns, [`inside`] is true on this thread.
///
/// May be nested. With the cargo feature `rtsan`, RealtimeSanitizer watches `f`; with the feature
/// `traps`, and once `system_calls::watch` was called, so do the traps for system calls.
///
/// # Real-time
/// Safe. (A thread's first callback under the traps for system calls prepares the thread before it
/// enters, which is not.)
#[inline]
pub fn callback<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(feature = "traps")]
    let _section = system_calls::Section::callback();
    marked(f)
}

#[inline]
#[cfg_attr(feature = "rtsan", rtsan_standalone::nonblocking)]
fn marked<R>(f: impl FnOnce() -> R) -> R {
    let _deeper = Deeper::enter(&DEPTH);
    f()
}

/// Whether this thread is inside a [`callback`] now.
///
/// # Real-time
/// Safe.
pub fn inside() -> bool {
    DEPTH.get() > 0
}

/// Runs `f` with the watch of this thread suspended: for what a debug program must do inside a
/// callback, never for production.
#[cfg_attr(feature = "rtsan", rtsan_standalone::no_sanitize_realtime)]
pub fn permit<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(feature = "traps")]
    let _section = system_calls::Section::permitted();
    let _deeper = Deeper::enter(&PERMITTED);
    f()
}

/// All that was caught inside callbacks so far, in the whole process: what the guard saw
/// ([`allocations`]), and with the feature `traps` what `system_calls` caught, once it watches.
pub fn violations() -> u64 {
    #[cfg(feature = "traps")]
    return allocations() + system_calls::caught();
    #[cfg(not(feature = "traps"))]
    return allocations();
}

/// Whether a violation ends the process with a message, rather than only being counted (as it does
/// unless told).
pub fn abort_on_violation(abort: bool) {
    ABORT.store(abort, Ordering::Relaxed);
}

fn aborts() -> bool {
    ABORT.load(Ordering::Relaxed)
}

/// Inside a callback and not in a permitted section.
#[inline]
fn is_watched() -> bool {
    DEPTH.get() > 0 && PERMITTED.get() == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();

    #[test]
    fn a_callback_is_seen_inside_only_and_nests() {
        assert!(!inside());
        callback(|| {
            callback(|| assert!(inside()));
            assert!(inside());
        });
        assert!(!inside());
    }

    #[test]
    fn a_panic_leaves_the_mark() {
        let _ = std::panic::catch_unwind(|| callback(|| std::panic::resume_unwind(Box::new(()))));
        assert!(!inside());
    }

    #[test]
    fn another_thread_is_not_inside() {
        let elsewhere = callback(|| permit(|| std::thread::spawn(inside)));
        assert!(!elsewhere.join().unwrap_or(true));
    }
}
