//! Time that a real-time thread may compute without a pause (`RLIMIT_RTTIME`).
//!
//! At the soft limit the system sends SIGXCPU, which ends a program that does not handle it; at the
//! hard one SIGKILL.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lifts the soft limit as far as the hard one lets it be of use; returns what is left of a limit,
/// in microseconds.
pub(super) fn lift() -> Option<u64> {
    let now = getrlimit(Resource::Rttime);
    let lifted = lifted(now);
    match setrlimit(Resource::Rttime, lifted) {
        Ok(()) => lifted.current,
        Err(_) => now.current,
    }
}

/// Lowers both limits so that the hard one is at most `most_us`. A hard limit that was lowered
/// cannot be raised again.
///
/// # Errors
/// The soft limit that would be, in microseconds, where that is less than `needed_us`; nothing is
/// changed then.
pub(super) fn lower(most_us: u64, needed_us: u64) -> Result<(), u64> {
    let lowered = lowered(getrlimit(Resource::Rttime), most_us);
    let allowed_us = lowered.current.unwrap_or(most_us);
    if allowed_us < needed_us {
        return Err(allowed_us);
    }
    setrlimit(Resource::Rttime, lowered).map_err(|_| 0)
}

fn lifted(now: Rlimit) -> Rlimit {
    let current = match (now.current, now.maximum) {
        (Some(soft), Some(hard)) => Some(soft.max(soft_below(hard))),
        // No limit.
        _ => None,
    };
    Rlimit { current, ..now }
}

fn lowered(now: Rlimit, most_us: u64) -> Rlimit {
    let hard = now.maximum.map_or(most_us, |hard| hard.min(most_us));
    Rlimit {
        current: Some(soft_below(hard)),
        maximum: Some(hard),
    }
}

/// The soft limit that goes with a hard one: a tenth below, so that SIGXCPU comes, which says what
/// happened and can be handled, and not SIGKILL.
fn soft_below(hard_us: u64) -> u64 {
    hard_us - hard_us / 10
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(current: impl Into<Option<u64>>, maximum: impl Into<Option<u64>>) -> Rlimit {
        Rlimit {
            current: current.into(),
            maximum: maximum.into(),
        }
    }

    #[test]
    fn the_soft_limit_is_lifted_to_just_below_the_hard_one_and_never_lowered() {
        for (now, lifted_to) in [
            (limits(None, None), limits(None, None)),
            (limits(1_000, None), limits(None, None)),
            (limits(1_000, 200_000), limits(180_000, 200_000)),
            (limits(200_000, 200_000), limits(200_000, 200_000)),
        ] {
            assert_eq!(lifted(now), lifted_to, "{now:?}");
        }
    }

    #[test]
    fn a_hard_limit_is_lowered_never_raised() {
        for (now, lowered_to) in [
            (limits(None, None), limits(180_000, 200_000)),
            (limits(1_000, None), limits(180_000, 200_000)),
            (limits(100_000, 100_000), limits(90_000, 100_000)),
        ] {
            assert_eq!(lowered(now, 200_000), lowered_to, "{now:?}");
        }
    }

    #[test]
    fn limits_that_leave_too_little_time_are_not_set() {
        let before = getrlimit(Resource::Rttime);
        assert_eq!(lower(1_000, 901), Err(900));
        assert_eq!(getrlimit(Resource::Rttime), before);
    }
}
