//! An allocator that counts what a thread allocates and frees while it is armed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static ARMED: Cell<bool> = const { Cell::new(false) };
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count() {
    if ARMED.get() {
        CALLS.set(CALLS.get() + 1);
    }
}

// SAFETY: every call goes on to the system's allocator unchanged; counting touches only
// thread-local cells without destructors, which do not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are those of this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller's promises are those of this function.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are those of this function.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// How often `what` allocates, grows or frees memory.
pub fn calls(what: impl FnOnce()) -> u64 {
    CALLS.set(0);
    ARMED.set(true);
    what();
    ARMED.set(false);
    CALLS.get()
}
