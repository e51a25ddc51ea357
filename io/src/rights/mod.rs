//! Rights of real-time work: scheduling before other threads, memory that stays where it is.
//!
//! A thread of ours asks for itself before its loop. For a backend's thread another thread asks,
//! from outside: in a callback there are no system calls. Where the user may not, that thread asks
//! rtkit.
//!
//! ```
//! use ossicle_io::rights::{self, Scheduling};
//!
//! let got = std::thread::spawn(|| rights::schedule_this_thread(rights::PRIORITY)).join();
//! match got {
//!     Ok(Scheduling::Fifo { priority }) => assert!(priority <= rights::PRIORITY),
//!     Ok(Scheduling::ByRtkit { priority }) => assert!(priority <= rights::PRIORITY),
//!     Ok(Scheduling::Denied(denial)) => println!("{denial}"),
//!     other => panic!("{other:?}"),
//! }
//! ```

#[cfg(target_os = "linux")]
mod linux;
mod memory;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(target_os = "linux")]
mod rtkit;
mod thread;
#[cfg(target_os = "linux")]
mod time;

use core::fmt;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use other as system;

pub use memory::{MemoryDenial, lock_memory};
pub(crate) use thread::{Promoter, ThreadNote};

/// Priority asked for, of 1 to 99: below what sound servers give themselves, above all else.
pub const PRIORITY: u8 = 60;
/// Time that a thread may need without a pause where nothing is known of it, in microseconds:
/// several of the longest usual periods. What is longer is no callback that keeps its time.
const USUAL_US: u64 = 50_000;

/// How the thread that runs a callback is scheduled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheduling {
    /// Nobody asked for more than an ordinary thread has.
    #[default]
    NotAsked,
    /// It was asked for; the device has not called, or rtkit has not answered yet.
    Pending,
    /// The sound server sees to it.
    ByServer,
    /// First in, first out, before all ordinary threads (`SCHED_FIFO`).
    Fifo {
        /// Priority that was got, 1 to 99: what was asked for, or the most the limit allows.
        priority: u8,
    },
    /// As `Fifo`, but threads of one priority take turns (`SCHED_RR`).
    RoundRobin {
        /// Priority that was got, 1 to 99.
        priority: u8,
    },
    /// rtkit gave it (`SCHED_RR` as a rule). The system ends the program, by SIGXCPU, when a
    /// callback computes longer than rtkit allows without a pause, 180 ms as a rule.
    ByRtkit {
        /// Priority that was got, 1 to 99; 20 is the most that rtkit gives as a rule.
        priority: u8,
    },
    /// The system refused it.
    Denied(Denial),
}

/// Why the system refused real-time scheduling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denial {
    /// The user may not; raise the limit (`rtprio` in `/etc/security/limits.d`) and log in again,
    /// or install rtkit.
    NotPermitted {
        /// Priority asked for.
        asked: u8,
        /// Most the limit allows, 0 for none.
        allowed: u8,
        /// Why rtkit did not give it either.
        rtkit: RtkitRefusal,
    },
    /// The system would end the program where a callback takes longer than this; raise
    /// `RLIMIT_RTTIME`, or use a shorter period.
    TimeTooShort {
        /// Time the limit allows, in microseconds.
        allowed_us: u32,
    },
    /// The thread has ended.
    ThreadGone,
    /// This system has no such scheduling that we know of.
    Unsupported,
    /// The system's answer.
    System {
        /// Its error number.
        errno: i32,
    },
}

/// Why rtkit did not give real-time scheduling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RtkitRefusal {
    /// It was not asked.
    NotAsked,
    /// There is no system bus, or no rtkit on it.
    Absent,
    /// There was no answer within a second.
    Silent,
    /// It, or polkit, says no: as a rule to users who did not log in at this machine.
    Refused,
    /// It demands that the system ends the program at a callback no longer than the period; use a
    /// shorter one.
    TimeTooShort,
}

impl fmt::Display for Scheduling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("not asked for"),
            Self::Pending => f.write_str("no answer yet"),
            Self::ByServer => f.write_str("by the server"),
            Self::Fifo { priority } => write!(f, "fifo {priority}"),
            Self::RoundRobin { priority } => write!(f, "round-robin {priority}"),
            Self::ByRtkit { priority } => write!(f, "priority {priority} by rtkit"),
            Self::Denied(denial) => write!(f, "denied: {denial}"),
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPermitted {
                asked,
                allowed,
                rtkit,
            } => write!(
                f,
                "priority {asked} is not permitted (RLIMIT_RTPRIO allows {allowed}; {rtkit})"
            ),
            Self::TimeTooShort { allowed_us } => write!(
                f,
                "RLIMIT_RTTIME would end the program after {allowed_us} us without a pause"
            ),
            Self::ThreadGone => f.write_str("the thread has ended"),
            Self::Unsupported => f.write_str("unknown on this system"),
            Self::System { errno } => {
                write!(f, "{}", std::io::Error::from_raw_os_error(*errno))
            }
        }
    }
}

impl fmt::Display for RtkitRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAsked => "rtkit was not asked",
            Self::Absent => "rtkit is not there",
            Self::Silent => "rtkit did not answer",
            Self::Refused => "rtkit refused",
            Self::TimeTooShort => "rtkit allows callbacks less time than a period",
        })
    }
}

impl Scheduling {
    /// The one of two streams that is further from what was asked for.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        if self.rank() <= other.rank() {
            self
        } else {
            other
        }
    }

    fn rank(self) -> u16 {
        match self {
            Self::Denied(_) => 0,
            Self::Pending => 1,
            Self::NotAsked => 2,
            Self::Fifo { priority }
            | Self::RoundRobin { priority }
            | Self::ByRtkit { priority } => 3 + u16::from(priority),
            Self::ByServer => u16::MAX,
        }
    }

    /// As one word, to be kept in an atomic.
    fn to_word(self) -> u64 {
        let (tag, low, high): (u64, u32, u8) = match self {
            Self::NotAsked => (0, 0, 0),
            Self::Pending => (1, 0, 0),
            Self::ByServer => (2, 0, 0),
            Self::Fifo { priority } => (3, u32::from(priority), 0),
            Self::RoundRobin { priority } => (4, u32::from(priority), 0),
            Self::ByRtkit { priority } => (10, u32::from(priority), 0),
            Self::Denied(Denial::NotPermitted {
                asked,
                allowed,
                rtkit,
            }) => (5, u32::from(asked) | rtkit.to_word() << 8, allowed),
            Self::Denied(Denial::TimeTooShort { allowed_us }) => (6, allowed_us, 0),
            Self::Denied(Denial::ThreadGone) => (7, 0, 0),
            Self::Denied(Denial::Unsupported) => (8, 0, 0),
            Self::Denied(Denial::System { errno }) => (9, errno.cast_unsigned(), 0),
        };
        tag << 40 | u64::from(high) << 32 | u64::from(low)
    }

    fn from_word(word: u64) -> Self {
        let (tag, low, high) = (word >> 40, word as u32, (word >> 32) as u8);
        let priority = low as u8;
        match tag {
            0 => Self::NotAsked,
            1 => Self::Pending,
            2 => Self::ByServer,
            3 => Self::Fifo { priority },
            4 => Self::RoundRobin { priority },
            5 => Self::Denied(Denial::NotPermitted {
                asked: priority,
                allowed: high,
                rtkit: RtkitRefusal::from_word(low >> 8),
            }),
            6 => Self::Denied(Denial::TimeTooShort { allowed_us: low }),
            7 => Self::Denied(Denial::ThreadGone),
            8 => Self::Denied(Denial::Unsupported),
            10 => Self::ByRtkit { priority },
            _ => Self::Denied(Denial::System {
                errno: low.cast_signed(),
            }),
        }
    }
}

impl RtkitRefusal {
    const ALL: [Self; 5] = [
        Self::NotAsked,
        Self::Absent,
        Self::Silent,
        Self::Refused,
        Self::TimeTooShort,
    ];

    fn to_word(self) -> u32 {
        self as u32
    }

    fn from_word(word: u32) -> Self {
        let known = Self::ALL.into_iter().find(|known| *known as u32 == word);
        known.unwrap_or(Self::NotAsked)
    }
}

/// Asks for real-time scheduling of the calling thread, at `priority` (1 to 99) or the most the
/// limits allow, else of rtkit, and says what was got. Threads and processes begun by it do not
/// inherit it.
///
/// The soft `RLIMIT_RTTIME` is raised to nearly the hard one, since the system ends a program that
/// exceeds it. Where rtkit is asked, both are lowered for the rest of the process's life, to 180 ms
/// and 200 ms as a rule: so rtkit demands.
///
/// # Real-time
/// Not safe: system calls; rtkit may take a second.
pub fn schedule_this_thread(priority: u8) -> Scheduling {
    system::schedule_by_any(system::this_thread(), priority, USUAL_US)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Scheduling; 13] = [
        Scheduling::NotAsked,
        Scheduling::Pending,
        Scheduling::ByServer,
        Scheduling::Fifo { priority: 60 },
        Scheduling::RoundRobin { priority: 99 },
        Scheduling::ByRtkit { priority: 20 },
        Scheduling::Denied(Denial::NotPermitted {
            asked: 60,
            allowed: 0,
            rtkit: RtkitRefusal::Absent,
        }),
        Scheduling::Denied(Denial::NotPermitted {
            asked: 1,
            allowed: 99,
            rtkit: RtkitRefusal::TimeTooShort,
        }),
        Scheduling::Denied(Denial::TimeTooShort {
            allowed_us: u32::MAX,
        }),
        Scheduling::Denied(Denial::ThreadGone),
        Scheduling::Denied(Denial::Unsupported),
        Scheduling::Denied(Denial::System { errno: 22 }),
        Scheduling::Denied(Denial::System { errno: -1 }),
    ];

    #[test]
    fn every_answer_fits_a_word() {
        for scheduling in ALL {
            assert_eq!(Scheduling::from_word(scheduling.to_word()), scheduling);
        }
        for rtkit in RtkitRefusal::ALL {
            assert_eq!(RtkitRefusal::from_word(rtkit.to_word()), rtkit);
        }
    }

    #[test]
    fn the_worse_of_two_is_told_whatever_their_order() {
        let fifo = |priority| Scheduling::Fifo { priority };
        let denied = Scheduling::Denied(Denial::Unsupported);
        for (one, other, worse) in [
            (fifo(60), fifo(20), fifo(20)),
            (fifo(60), denied, denied),
            (
                fifo(60),
                Scheduling::ByRtkit { priority: 20 },
                Scheduling::ByRtkit { priority: 20 },
            ),
            (Scheduling::Pending, denied, denied),
            (Scheduling::Pending, fifo(60), Scheduling::Pending),
            (Scheduling::ByServer, fifo(60), fifo(60)),
        ] {
            assert_eq!((one.worse(other), other.worse(one)), (worse, worse));
        }
    }
}
