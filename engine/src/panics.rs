//! Panics on real-time threads: caught where a node or a callback is called, and not printed there.

use std::panic;
use std::sync::Once;

use ossicle_io::realtime;

/// From now on nothing is printed when a real-time thread panics: that would be a system call. What
/// happens on other threads is not changed.
pub(crate) fn silence_real_time_threads() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !realtime::inside() {
                before(info);
            }
        }));
    });
}
