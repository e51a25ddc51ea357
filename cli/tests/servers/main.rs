//! The program against real sound servers without hardware, with real clients at the other end.
//!
//! Each test starts its own server (`xtask::servers`). They take turns: two servers at once on two
//! cores would make each other late.

use std::sync::{Mutex, MutexGuard, PoisonError};

mod alsa;
mod faults;
mod flight;
mod jack;
mod jack_exact;
mod program;
mod pulse;
mod rights;
mod rtkit;
mod sound;

static TURN: Mutex<()> = Mutex::new(());

/// Waits for this test's turn, which lasts as long as what is returned.
fn turn() -> MutexGuard<'static, ()> {
    // A test that failed has ended its turn.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
