//! The monotonic clock all devices are timed by.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

/// Nanoseconds of the monotonic clock; its origin is the system's.
///
/// # Real-time
/// Safe: reads the clock without entering the kernel where the system allows it.
#[cfg(unix)]
pub fn now_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    (time.tv_sec as u64)
        .wrapping_mul(1_000_000_000)
        .wrapping_add(time.tv_nsec as u64)
}

/// Nanoseconds of the monotonic clock; its origin is the first call.
#[cfg(not(unix))]
pub fn now_ns() -> u64 {
    use std::sync::LazyLock;
    use std::time::Instant;
    static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    ORIGIN.elapsed().as_nanos() as u64
}

/// Whole frames that pass in `ns` nanoseconds.
pub(super) fn frames_in(ns: u64, sample_rate_hz: u32) -> u64 {
    (u128::from(ns) * u128::from(sample_rate_hz) / 1_000_000_000) as u64
}

/// Nanoseconds until `frames` frames have passed, rounded up.
pub(super) fn ns_of(frames: u64, sample_rate_hz: u32) -> u64 {
    (u128::from(frames) * 1_000_000_000).div_ceil(u128::from(sample_rate_hz)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_after_their_own_time_have_passed() {
        for frames in [1, 2, 255, 44_099, 48_000 * 3_600 * 24 * 365] {
            assert_eq!(frames_in(ns_of(frames, 44_100), 44_100), frames);
        }
    }
}
