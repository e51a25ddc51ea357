//! The slot in which the core waits between callbacks, so that it outlives its device.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Holds a value that callbacks take by one atomic swap and put back.
pub(crate) struct Slot<T> {
    value: AtomicPtr<T>,
}

impl<T: Send> Slot<T> {
    pub(crate) fn new(value: Box<T>) -> Self {
        Self {
            value: AtomicPtr::new(Box::into_raw(value)),
        }
    }

    /// Takes the value, if it is there.
    pub(crate) fn take(&self) -> Option<Box<T>> {
        let value = self.value.swap(ptr::null_mut(), Ordering::AcqRel);
        if value.is_null() {
            return None;
        }
        // SAFETY: the pointer came from `Box::into_raw` in `new` or `put`, and the swap made this
        // caller its only owner.
        Some(unsafe { Box::from_raw(value) })
    }

    /// Puts the value back.
    ///
    /// The slot is empty while a value is out and there is only one value, so nothing is ever
    /// replaced; were it so, the replaced value would be leaked rather than freed here.
    pub(crate) fn put(&self, value: Box<T>) {
        let before = self.value.swap(Box::into_raw(value), Ordering::AcqRel);
        debug_assert!(before.is_null(), "two values for one slot");
    }
}

/// A value out of its slot, which goes back when this is dropped: also when a panic passes, so that
/// nothing is freed on a real-time thread.
pub(crate) struct Lent<'a, T: Send> {
    slot: &'a Slot<T>,
    value: Option<Box<T>>,
}

impl<'a, T: Send> Lent<'a, T> {
    /// Takes the value out of `slot`, if it is there.
    pub(crate) fn from(slot: &'a Slot<T>) -> Option<Self> {
        let value = Some(slot.take()?);
        Some(Self { slot, value })
    }

    /// The value.
    pub(crate) fn value(&mut self) -> Option<&mut T> {
        self.value.as_deref_mut()
    }
}

impl<T: Send> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            self.slot.put(value);
        }
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        let value = *self.value.get_mut();
        if !value.is_null() {
            // SAFETY: as in `take`; nobody else has the slot any more.
            drop(unsafe { Box::from_raw(value) });
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests are ordinary threads")]
mod tests {
    use super::{Lent, Slot};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Counted(Arc<AtomicUsize>, usize);

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn one_value_passes_between_threads_and_is_freed_once() {
        let drops = Arc::new(AtomicUsize::new(0));
        let slot = Arc::new(Slot::new(Box::new(Counted(drops.clone(), 0))));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let slot = slot.clone();
                std::thread::spawn(move || {
                    let mut had = 0;
                    while had < 1000 {
                        if let Some(mut value) = slot.take() {
                            value.1 += 1;
                            had += 1;
                            slot.put(value);
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        let lent = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut lent = Lent::from(&slot).unwrap();
            lent.value().unwrap().1 += 1;
            std::panic::resume_unwind(Box::new("broken"));
        }));
        assert!(lent.is_err());
        assert_eq!(slot.take().map(|value| value.1), Some(4001));
        assert!(slot.take().is_none());
        drop(slot);
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    }
}
