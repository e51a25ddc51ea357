//! Time this thread has computed, which a busy machine does not add to.

use rustix::time::{ClockId, clock_gettime};

/// Seconds of processor time that `work` takes on this thread.
pub fn cpu_seconds(work: impl FnOnce()) -> f64 {
    let begin = now();
    work();
    now() - begin
}

/// The middle of the values; of an even number, the upper middle.
///
/// # Panics
/// When there are none.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn now() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Processor time of this thread so far, in nanoseconds.
#[must_use]
pub fn cpu_nanoseconds() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    (time.tv_sec * 1_000_000_000 + time.tv_nsec).cast_unsigned()
}
