//! A real try: a thread with the rights that can be had, and how late it wakes.

use core::time::Duration;
use std::thread;

use super::{Diagnosis, Severity};
use crate::device::now_ns;
use crate::rights::{self, Denial, Scheduling};

/// What is slept, and how often.
const SLEEP: Duration = Duration::from_millis(1);
const SLEEPS: usize = 1000;
/// Lateness of one wake-up in a hundred that is a good part of a period of 64 frames at 48 kHz
/// (1333 us), in microseconds.
const LATE_US: f64 = 500.0;
/// Lateness of a single wake-up that is heard at a period of 256 frames (5333 us), in microseconds.
const VERY_LATE_US: f64 = 5_000.0;

/// How late a thread woke from sleeps of a millisecond.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WakeUps {
    /// How many sleeps.
    pub sleeps: usize,
    /// Half of the wake-ups were no later, in microseconds.
    pub median_us: f64,
    /// Ninety-nine in a hundred were no later, in microseconds.
    pub p99_us: f64,
    /// The latest, in microseconds.
    pub worst_us: f64,
}

/// Asks for real-time scheduling on a thread of its own and measures its wake-ups.
pub(super) fn try_it() -> (Scheduling, Option<WakeUps>) {
    let tried = thread::Builder::new()
        .name("ossicle-doctor".to_owned())
        .spawn(|| {
            let scheduling = rights::schedule_this_thread(rights::PRIORITY);
            let mut late_ns = vec![0; SLEEPS];
            for late_ns in &mut late_ns {
                let began_ns = now_ns();
                thread::sleep(SLEEP);
                let slept_ns = now_ns().saturating_sub(began_ns);
                *late_ns = slept_ns.saturating_sub(SLEEP.as_nanos() as u64);
            }
            (scheduling, Some(summary(late_ns)))
        });
    let denied = |errno| Scheduling::Denied(Denial::System { errno });
    match tried {
        Ok(thread) => thread.join().unwrap_or((denied(0), None)),
        Err(error) => (denied(error.raw_os_error().unwrap_or_default()), None),
    }
}

fn summary(mut late_ns: Vec<u64>) -> WakeUps {
    late_ns.sort_unstable();
    // The smallest value that a share of all does not exceed.
    let share = |percent: usize| {
        let place = (late_ns.len() * percent).div_ceil(100).max(1) - 1;
        late_ns.get(place).copied().unwrap_or_default() as f64 / 1000.0
    };
    WakeUps {
        sleeps: late_ns.len(),
        median_us: share(50),
        p99_us: share(99),
        worst_us: share(100),
    }
}

pub(super) fn judge(wake_ups: Option<WakeUps>, diagnosis: &mut Diagnosis) {
    diagnosis.wake_ups = wake_ups;
    let Some(wake_ups) = wake_ups else { return };
    let WakeUps {
        sleeps,
        median_us,
        p99_us,
        worst_us,
    } = wake_ups;
    diagnosis.fact(
        "wake_ups",
        format!(
            "median {median_us:.0} us late, 99 % within {p99_us:.0} us, worst {worst_us:.0} us \
             ({sleeps} sleeps of 1 ms)"
        ),
    );
    let what = if p99_us > LATE_US {
        format!("one wake-up in a hundred is {p99_us:.0} us late or more")
    } else if worst_us > VERY_LATE_US {
        format!("a wake-up was {worst_us:.0} us late")
    } else {
        return;
    };
    diagnosis.find(
        Severity::Hinders,
        what,
        "a period shorter than that is missed",
        &[
            "mend what is listed beside this first, then run this again with nothing else busy",
            "on a virtual machine: give it processors of its own",
            "use a longer period: --buffer 512",
        ],
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_the_smallest_value_that_so_many_do_not_exceed() {
        let wake_ups = summary((1..=200).rev().map(|us| us * 1000).collect());
        assert_eq!(wake_ups.sleeps, 200);
        assert_eq!((wake_ups.median_us, wake_ups.p99_us), (100.0, 198.0));
        assert_eq!(wake_ups.worst_us, 200.0);
        let one = summary(vec![7_000]);
        assert_eq!((one.median_us, one.p99_us, one.worst_us), (7.0, 7.0, 7.0));
    }

    #[test]
    fn late_wake_ups_are_found_and_punctual_ones_are_not() {
        let found = |p99_us, worst_us| {
            let mut diagnosis = Diagnosis::default();
            let wake_ups = WakeUps {
                sleeps: 1000,
                median_us: 10.0,
                p99_us,
                worst_us,
            };
            judge(Some(wake_ups), &mut diagnosis);
            !diagnosis.is_clear()
        };
        assert!(!found(500.0, 5_000.0));
        assert!(found(501.0, 600.0));
        assert!(found(20.0, 5_001.0));
    }
}
