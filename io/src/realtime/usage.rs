//! What a thread cost the kernel: page faults and context switches.
//!
//! For rigs that drive callbacks themselves: look before and after, outside of the callbacks, since
//! looking is a system call. No other trap sees a page fault, and nothing here says which line made
//! it.
//!
//! ```
//! # if !cfg!(target_os = "linux") { return Ok(()); }
//! use ossicle_io::realtime::{callback, usage::ThreadUsage};
//!
//! let mut block = vec![1.0_f32; 64];
//! let before = ThreadUsage::now()?;
//! for _ in 0..1_000 {
//!     callback(|| block.iter_mut().for_each(|sample| *sample *= 0.5));
//! }
//! assert_eq!(ThreadUsage::now()?.since(&before).major_faults, 0);
//! # Ok::<(), std::io::Error>(())
//! ```

use std::io;

/// Counters of one thread since it began, or between two moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadUsage {
    /// Page faults that memory answered: the first touch of a page, mostly.
    pub minor_faults: u64,
    /// Page faults that waited for a disk.
    pub major_faults: u64,
    /// Times the thread gave the processor away because it had to wait.
    pub waits: u64,
    /// Times the processor was taken from it. That is the machine's doing, not the thread's.
    pub preemptions: u64,
}

impl ThreadUsage {
    /// The counters of the calling thread now.
    ///
    /// # Errors
    /// Where the system does not count by thread (it does on Linux).
    ///
    /// # Real-time
    /// Not safe: a system call.
    #[cfg(target_os = "linux")]
    pub fn now() -> io::Result<Self> {
        let mut usage = core::mem::MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: the structure is the caller's own and as large as the call expects.
        if unsafe { libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: zeroed memory is a valid `rusage`, and the call has filled it.
        let usage = unsafe { usage.assume_init() };
        let counted = |count: libc::c_long| u64::try_from(count).unwrap_or(0);
        Ok(Self {
            minor_faults: counted(usage.ru_minflt),
            major_faults: counted(usage.ru_majflt),
            waits: counted(usage.ru_nvcsw),
            preemptions: counted(usage.ru_nivcsw),
        })
    }

    /// The counters of the calling thread now.
    ///
    /// # Errors
    /// Always: this system does not count by thread.
    #[cfg(not(target_os = "linux"))]
    pub fn now() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// What was added since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            minor_faults: self.minor_faults - earlier.minor_faults,
            major_faults: self.major_faults - earlier.major_faults,
            waits: self.waits - earlier.waits,
            preemptions: self.preemptions - earlier.preemptions,
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::ThreadUsage;

    #[test]
    fn a_first_touch_is_a_minor_fault_and_a_sleep_a_wait() {
        const PAGES: usize = 2048;
        let before = ThreadUsage::now().unwrap();
        // Fresh from the kernel, since it is long; small pages or large ones, there is a fault.
        let mut fresh = vec![0_u8; PAGES * 4096];
        fresh
            .iter_mut()
            .step_by(4096)
            .for_each(|byte| *byte = std::hint::black_box(1));
        let touched = ThreadUsage::now().unwrap();
        assert!(touched.since(&before).minor_faults > 0, "{touched:?}");
        std::thread::sleep(std::time::Duration::from_millis(2));
        let slept = ThreadUsage::now().unwrap().since(&touched);
        assert!(slept.waits > 0, "{slept:?}");
    }
}
