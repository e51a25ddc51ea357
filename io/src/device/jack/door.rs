//! Lets the server's cycle in to the callback, or keeps it out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Time between two looks whether the cycle has left.
const LOOK: Duration = Duration::from_millis(1);

/// Closed at first. The library of JACK 2 cancels the thread of a client that ends, wherever it is after
/// a cycle or two; inside the callback that would abort the process.
#[derive(Debug, Default)]
pub(super) struct Door {
    is_open: AtomicBool,
    is_inside: AtomicBool,
}

impl Door {
    /// Lets in from now on.
    pub(super) fn open(&self) {
        self.is_open.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::SeqCst)
    }

    /// Runs `body` if the door is open. Real-time safe, for one thread at a time.
    pub(super) fn pass<R>(&self, body: impl FnOnce() -> R) -> Option<R> {
        self.is_inside.store(true, Ordering::SeqCst);
        let _inside = Inside(&self.is_inside);
        self.is_open().then(body)
    }

    /// Keeps out from now on, and waits for who is inside.
    pub(super) fn close(&self) {
        self.is_open.store(false, Ordering::SeqCst);
        while self.is_inside.load(Ordering::SeqCst) {
            thread::sleep(LOOK);
        }
    }
}

/// Leaves when dropped, by a panic too.
struct Inside<'a>(&'a AtomicBool);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}
