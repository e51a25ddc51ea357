//! Scheduling on Linux: `SCHED_FIFO` by this user's own right, else by rtkit.

use core::ffi::c_int;

use rustix::process::{Resource, getrlimit};

use super::rtkit::{self, Wish};
use super::{Denial, RtkitRefusal, Scheduling, time};

/// A thread of this process.
pub(super) type Thread = libc::pthread_t;

/// The calling thread.
///
/// # Real-time
/// Safe: reads a register.
pub(super) fn this_thread() -> Thread {
    // SAFETY: has no preconditions.
    unsafe { libc::pthread_self() }
}

/// Asks for `SCHED_FIFO` for a thread, which has not been joined nor, if it is detached, ended, and
/// computes up to `needed_us` microseconds without a pause. A thread that has it already, or
/// something like it, is left alone.
pub(super) fn schedule(thread: Thread, priority: u8, needed_us: u64) -> Scheduling {
    match policy(thread) {
        Ok(Scheduling::NotAsked) => {}
        Ok(already) => return already,
        Err(denial) => return Scheduling::Denied(denial),
    }
    if let Some(allowed_us) = time::lift().filter(|&us| us < needed_us) {
        return Scheduling::Denied(Denial::TimeTooShort {
            allowed_us: u32::try_from(allowed_us).unwrap_or(u32::MAX),
        });
    }
    match set_fifo(thread, priority) {
        Ok(()) => Scheduling::Fifo { priority },
        Err(libc::EPERM) => {
            let allowed = allowed_priority();
            if (1..priority).contains(&allowed) && set_fifo(thread, allowed).is_ok() {
                return Scheduling::Fifo { priority: allowed };
            }
            Scheduling::Denied(Denial::NotPermitted {
                asked: priority,
                allowed,
                rtkit: RtkitRefusal::NotAsked,
            })
        }
        Err(errno) => Scheduling::Denied(denial(errno)),
    }
}

/// As [`schedule`], and asks rtkit where the user may not. It may take a second.
pub(super) fn schedule_by_any(thread: Thread, priority: u8, needed_us: u64) -> Scheduling {
    let got = schedule(thread, priority, needed_us);
    let Scheduling::Denied(Denial::NotPermitted { asked, allowed, .. }) = got else {
        return got;
    };
    let number = match number(thread) {
        Ok(number) => number,
        Err(denial) => return Scheduling::Denied(denial),
    };
    let answer = rtkit::ask(Wish {
        thread: number.unsigned_abs(),
        priority,
        needed_us,
    });
    // The kernel knows what came of it, also of an answer that came too late.
    match (policy(thread), answer) {
        (Ok(Scheduling::RoundRobin { priority } | Scheduling::Fifo { priority }), _) => {
            Scheduling::ByRtkit { priority }
        }
        (Err(denial), _) => Scheduling::Denied(denial),
        (Ok(_), answer) => Scheduling::Denied(Denial::NotPermitted {
            asked,
            allowed,
            rtkit: answer.err().unwrap_or(RtkitRefusal::Refused),
        }),
    }
}

/// Highest priority that the limit allows.
pub(super) fn allowed_priority() -> u8 {
    let limit = getrlimit(Resource::Rtprio).current.unwrap_or(99);
    u8::try_from(limit.min(99)).unwrap_or(99)
}

fn denial(errno: c_int) -> Denial {
    match errno {
        libc::ESRCH => Denial::ThreadGone,
        errno => Denial::System { errno },
    }
}

/// The kernel's number of a thread.
fn number(thread: Thread) -> Result<libc::pid_t, Denial> {
    let mut clock = 0;
    // SAFETY: the caller vouches for the thread; the place is ours and live.
    match unsafe { libc::pthread_getcpuclockid(thread, &raw mut clock) } {
        // The clock of a thread's processor time is its number, inverted, above three bits of kind:
        // Linux, include/linux/posix-timers.h, `make_thread_cpuclock`.
        0 => Ok(!(clock >> 3)),
        errno => Err(denial(errno)),
    }
}

/// How a thread is scheduled now; `NotAsked` for an ordinary one. The kernel is asked: the C
/// library remembers only what it was told itself.
fn policy(thread: Thread) -> Result<Scheduling, Denial> {
    let number = number(thread)?;
    let mut param = libc::sched_param { sched_priority: 0 };
    // SAFETY: has no preconditions.
    let policy = unsafe { libc::sched_getscheduler(number) };
    // SAFETY: the place is ours and live.
    let done = unsafe { libc::sched_getparam(number, &raw mut param) };
    if policy < 0 || done < 0 {
        let errno = std::io::Error::last_os_error().raw_os_error();
        return Err(denial(errno.unwrap_or_default()));
    }
    let priority = u8::try_from(param.sched_priority).unwrap_or_default();
    Ok(match policy & !libc::SCHED_RESET_ON_FORK {
        libc::SCHED_FIFO => Scheduling::Fifo { priority },
        libc::SCHED_RR => Scheduling::RoundRobin { priority },
        _ => Scheduling::NotAsked,
    })
}

fn set_fifo(thread: Thread, priority: u8) -> Result<(), c_int> {
    let param = libc::sched_param {
        sched_priority: c_int::from(priority),
    };
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: the caller vouches for the thread; the parameter is only read.
    match unsafe { libc::pthread_setschedparam(thread, policy, &raw const param) } {
        0 => Ok(()),
        errno => Err(errno),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// What the kernel says of the calling thread: the C library remembers what it was told.
    fn policy_of_kernel() -> c_int {
        // SAFETY: 0 is the calling thread.
        unsafe { libc::sched_getscheduler(0) }
    }

    #[test]
    fn the_number_of_a_thread_is_what_the_kernel_calls_it() {
        // SAFETY: has no preconditions.
        let itself = || (this_thread(), unsafe { libc::gettid() });
        let (tell, told) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let other = std::thread::spawn(move || {
            let _ = tell.send(itself());
            let _ = ended.recv();
        });
        for (thread, called) in [itself(), told.recv().unwrap()] {
            assert_eq!(number(thread), Ok(called));
        }
        drop(end);
        other.join().unwrap();
    }

    #[test]
    fn a_thread_is_scheduled_from_outside_and_its_children_are_not() {
        let (tell, told) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let _ = tell.send(this_thread());
            let _ = ended.recv();
            let child = std::thread::spawn(policy_of_kernel).join();
            (policy_of_kernel(), child.unwrap())
        });
        let got = schedule(told.recv().unwrap(), 7, 1);
        end.send(()).unwrap();
        let (parent, child) = thread.join().unwrap();
        match got {
            Scheduling::Fifo { priority } => {
                assert!((1..=7).contains(&priority));
                assert_eq!(parent, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK);
            }
            Scheduling::Denied(Denial::NotPermitted { asked: 7, .. }) => {
                assert_eq!(parent, libc::SCHED_OTHER);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(child, libc::SCHED_OTHER);
    }

    #[test]
    fn a_thread_that_has_ended_but_is_not_joined_is_gone() {
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let _ = tell.send(this_thread());
        });
        let noted = told.recv().unwrap();
        while !thread.is_finished() {
            std::thread::yield_now();
        }
        // The last steps of its end are the system's.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        let mut got = schedule_by_any(noted, 1, 1);
        while got != Scheduling::Denied(Denial::ThreadGone) && deadline > std::time::Instant::now()
        {
            std::thread::yield_now();
            got = schedule_by_any(noted, 1, 1);
        }
        assert_eq!(got, Scheduling::Denied(Denial::ThreadGone));
        thread.join().unwrap();
    }
}
