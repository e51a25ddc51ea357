//! Sound servers without a sound card, and a D-Bus system bus, private to the one who starts them.
//!
//! Any number run side by side: names, sockets and run-time folders are their own. Give
//! [`Jack::env`], [`PulseAudio::env`] or [`SystemBus::env`] to the environment of each program that
//! is to use the server; a program without it reaches none of them.

mod jack;
mod pipewire;
mod pulse;
mod system_bus;

use std::sync::atomic::{AtomicU32, Ordering};

pub use jack::{Jack, JackOptions, Realtime};
pub use pipewire::Pipewire;
pub use pulse::PulseAudio;
pub use system_bus::{POLKIT, RTKIT, RtkitService, SystemBus};

/// A name no other server of this machine has.
fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "ossicle-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}
