//! An allocator that watches callbacks.

use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicU64, Ordering};
use std::alloc::System;

static VIOLATIONS: AtomicU64 = AtomicU64::new(0);

/// Allocations, reallocations and releases inside callbacks so far, in the whole process. Stays 0
/// unless [`AllocatorGuard`] is the global allocator.
pub fn allocations() -> u64 {
    VIOLATIONS.load(Ordering::Relaxed)
}

/// The system's allocator with a watch: what happens inside a [`callback`](super::callback) is
/// counted (see [`allocations`]) and, when told ([`abort_on_violation`](super::abort_on_violation)),
/// ends the process. For tests and debug programs.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllocatorGuard;

impl AllocatorGuard {
    /// The guard, to be made the `#[global_allocator]`.
    pub const fn new() -> Self {
        Self
    }
}

// SAFETY: every call goes to `System` with the caller's arguments unchanged; what is added neither
// allocates nor unwinds.
unsafe impl GlobalAlloc for AllocatorGuard {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        watch();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        watch();
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        watch();
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, new_size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        watch();
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[inline]
fn watch() {
    if super::is_watched() {
        violation();
    }
}

#[cold]
fn violation() {
    VIOLATIONS.fetch_add(1, Ordering::Relaxed);
    if super::aborts() {
        say(b"ossicle: memory was allocated or freed inside a real-time callback\n");
        std::process::abort();
    }
}

/// Writes to standard error without a lock or an allocation.
#[cfg(unix)]
fn say(message: &[u8]) {
    // SAFETY: descriptor 2 is only borrowed for this write; if it is closed the write fails.
    let stderr = unsafe { std::os::fd::BorrowedFd::borrow_raw(2) };
    let _ = super::permit(|| rustix::io::write(stderr, message));
}

#[cfg(not(unix))]
fn say(_message: &[u8]) {}
