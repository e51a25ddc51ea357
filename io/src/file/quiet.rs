//! Panics of a decoder, caught and not printed.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// How deep this thread is in what may panic without a word.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs `work`; `None` when it panicked. Nothing is printed then; what happens on other threads, and
/// outside of `work`, is not changed.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if DEPTH.get() == 0 {
                before(info);
            }
        }));
    });
    DEPTH.set(DEPTH.get() + 1);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get() - 1);
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::{DEPTH, caught};

    #[test]
    fn a_panic_is_no_result_and_leaves_no_mark() {
        assert_eq!(caught(|| 3), Some(3));
        assert_eq!(caught(|| caught(|| panic!("inner"))), Some(None::<()>));
        assert_eq!(caught(|| panic!("outer")), None::<()>);
        assert_eq!(DEPTH.get(), 0);
    }
}
