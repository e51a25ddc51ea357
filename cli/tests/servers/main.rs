//! The program against real sound servers without hardware, with real clients at the other end.
//!
//! Each test starts its own server (`xtask::servers`). They take turns: two servers at once on two
//! cores would make each other late.

use std::sync::{Mutex, PoisonError};

use xtask::quiet::repeat_where_the_machine_stood_still;

mod alsa;
mod bridged;
mod devices;
mod faults;
mod flight;
mod gate;
mod jack;
mod jack_exact;
mod measure;
mod periods;
mod program;
mod pulse;
mod rights;
mod rtkit;
mod sound;
mod unplugged;

static TURN: Mutex<()> = Mutex::new(());

/// Runs a test when its turn has come: servers at once on two cores would make each other late.
fn served(test: impl FnMut()) {
    in_turn(|| repeat_where_the_machine_stood_still(test));
}

/// The same, of a test that itself tells what is the machine's.
fn in_turn(test: impl FnOnce()) {
    // A test that failed has ended its turn.
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    test();
}
