//! The traps for system calls: each call in a callback is noted, and done as if nothing had been.
#![cfg(all(target_os = "linux", target_arch = "x86_64", not(feature = "rtsan")))]

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ossicle_io::realtime::{callback, permit, system_calls};

/// The counters are the whole process's: one test at a time.
static TURN: Mutex<()> = Mutex::new(());

/// `None`, and a line that says so, where the kernel cannot watch.
fn watched() -> Option<MutexGuard<'static, ()>> {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    match system_calls::watch() {
        Ok(watching) if watching.clock_allowed => {
            println!("this machine's clock is a system call: allowed");
        }
        Ok(_) => {}
        Err(error) => {
            println!("skipped: {error}");
            return None;
        }
    }
    Some(turn)
}

/// What `work` gives, and how often each system call was made in callbacks meanwhile.
fn calls_of<R>(work: impl FnOnce() -> R) -> (R, Vec<(usize, u64)>) {
    let before = system_calls::calls();
    let result = work();
    let told = |call: &system_calls::SystemCall| {
        let same = before.iter().find(|other| other.number == call.number);
        let times = call.times - same.map_or(0, |other| other.times);
        (times > 0).then_some((call.number, times))
    };
    let calls = system_calls::calls().iter().filter_map(told).collect();
    (result, calls)
}

fn number(call: libc::c_long) -> usize {
    usize::try_from(call).unwrap()
}

#[test]
fn every_call_is_noted_and_done() {
    let Some(_turn) = watched() else { return };
    let parent = std::os::unix::process::parent_id();
    let work = || {
        callback(|| {
            // SAFETY: a call without arguments that cannot fail.
            let parents = [(); 100].map(|()| unsafe { libc::getppid() });
            // SAFETY: no descriptor has this number.
            let closed = unsafe { libc::close(-1) };
            (
                parents,
                closed,
                std::io::Error::last_os_error().raw_os_error(),
            )
        })
    };
    let ((parents, closed, error), calls) = calls_of(work);
    assert!(parents.iter().all(|&id| id.cast_unsigned() == parent));
    assert_eq!((closed, error), (-1, Some(libc::EBADF)));
    let expected = [
        (number(libc::SYS_close), 1),
        (number(libc::SYS_getppid), 100),
    ];
    assert_eq!(calls, expected);
}

#[test]
fn six_arguments_arrive_and_data_passes() {
    let Some(_turn) = watched() else { return };
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    let mut heard = [0; 5];
    let ((), calls) = calls_of(|| {
        callback(|| {
            writer.write_all(b"sound").unwrap();
            reader.read_exact(&mut heard).unwrap();
            // SAFETY: a mapping of its own, which is touched and given back.
            unsafe {
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                let protection = libc::PROT_READ | libc::PROT_WRITE;
                let place = libc::mmap(std::ptr::null_mut(), 4096, protection, flags, -1, 0);
                assert_ne!(place, libc::MAP_FAILED);
                place.cast::<u8>().write(7);
                assert_eq!(libc::munmap(place, 4096), 0);
            }
        });
    });
    assert_eq!(&heard, b"sound");
    let expected = [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_mmap,
        libc::SYS_munmap,
    ];
    assert_eq!(calls, expected.map(|call| (number(call), 1)));
}

#[test]
fn only_callbacks_are_watched_and_permitted_sections_are_not() {
    let Some(_turn) = watched() else { return };
    let ((), calls) = calls_of(|| {
        std::thread::yield_now();
        callback(|| {
            permit(|| {
                std::thread::yield_now();
                callback(std::thread::yield_now);
            });
        });
        let _ = std::panic::catch_unwind(|| {
            callback(|| permit(|| std::panic::resume_unwind(Box::new(()))));
        });
        std::thread::yield_now();
    });
    assert_eq!(calls, []);
    let ((), calls) = calls_of(|| {
        callback(|| {
            callback(std::thread::yield_now);
            permit(std::thread::yield_now);
            std::thread::yield_now();
        });
    });
    assert_eq!(calls, [(number(libc::SYS_sched_yield), 2)]);
}

#[test]
fn the_clock_is_read_without_a_call_or_is_allowed() {
    let Some(_turn) = watched() else { return };
    let before = system_calls::caught();
    callback(|| (0..1000).map(|_| Instant::now()).max());
    assert_eq!(system_calls::caught(), before);
}

#[test]
fn threads_and_processes_can_be_made_and_are_noted() {
    let Some(_turn) = watched() else { return };
    let (answer, calls) = calls_of(|| callback(|| std::thread::spawn(|| 42)).join());
    assert_eq!(answer.ok(), Some(42));
    let makers = [libc::SYS_clone, libc::SYS_clone3].map(number);
    assert!(
        calls.iter().any(|(call, _)| makers.contains(call)),
        "{calls:?}"
    );

    let mut command = Command::new("true");
    let (status, calls) = calls_of(|| callback(|| command.status()));
    assert!(status.unwrap().success());
    assert!(!calls.is_empty());

    let fork = || {
        // SAFETY: the child calls nothing but what a child of a program with threads may.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: as above.
            unsafe { libc::_exit(i32::from(libc::getppid() == 0)) }
        }
        child
    };
    let (child, calls) = calls_of(|| callback(fork));
    assert!(!calls.is_empty());
    let mut status = -1;
    // SAFETY: waits for the child of this process.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
    // The next callback is watched again.
    let ((), calls) = calls_of(|| callback(std::thread::yield_now));
    assert_eq!(calls, [(number(libc::SYS_sched_yield), 1)]);
}

#[test]
fn a_mask_set_in_a_callback_holds_behind_it() {
    let Some(_turn) = watched() else { return };
    let is_blocked = |signal| {
        // SAFETY: only asks for the mask.
        unsafe {
            let mut set = std::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut set);
            libc::sigismember(&raw const set, signal) == 1
        }
    };
    let change = |how| {
        // SAFETY: the set is filled before it is used.
        unsafe {
            let mut set = std::mem::zeroed();
            libc::sigfillset(&raw mut set);
            libc::pthread_sigmask(how, &raw const set, std::ptr::null_mut());
        }
    };
    let ((), calls) = calls_of(|| {
        callback(|| {
            change(libc::SIG_BLOCK);
            // With everything blocked, a call must not end the process.
            std::thread::yield_now();
        });
    });
    let expected = [
        (number(libc::SYS_rt_sigprocmask), 1),
        (number(libc::SYS_sched_yield), 1),
    ];
    assert_eq!(calls, expected);
    assert!(is_blocked(libc::SIGUSR1) && !is_blocked(libc::SIGSYS));
    callback(|| change(libc::SIG_UNBLOCK));
    assert!(!is_blocked(libc::SIGUSR1));

    // A thread may come with everything blocked.
    let blocked = std::thread::spawn(move || {
        change(libc::SIG_BLOCK);
        calls_of(|| callback(std::thread::yield_now)).1
    });
    assert_eq!(
        blocked.join().unwrap(),
        [(number(libc::SYS_sched_yield), 1)]
    );
}

#[test]
fn other_signals_come_and_return_inside_callbacks() {
    extern "C" fn heard(_: libc::c_int) {
        // SAFETY: a call without arguments that cannot fail.
        unsafe { libc::getppid() };
    }
    let Some(_turn) = watched() else { return };
    // SAFETY: the handler makes one call that handlers may make.
    unsafe { libc::signal(libc::SIGUSR1, heard as *const () as libc::sighandler_t) };
    let ((), calls) = calls_of(|| {
        callback(|| {
            // SAFETY: sends this very thread a signal that has a handler.
            unsafe { libc::raise(libc::SIGUSR1) };
            std::thread::yield_now();
        });
    });
    let times = |call| {
        calls
            .iter()
            .find(|(other, _)| *other == number(call))
            .map(|c| c.1)
    };
    assert_eq!(times(libc::SYS_getppid), Some(1), "{calls:?}");
    assert_eq!(times(libc::SYS_rt_sigreturn), Some(1), "{calls:?}");
    assert_eq!(times(libc::SYS_sched_yield), Some(1), "{calls:?}");
}

#[test]
fn a_wait_in_one_thread_leaves_the_others_watched() {
    let Some(_turn) = watched() else { return };
    let (times, calls) = calls_of(|| {
        let threads: [_; 8] = core::array::from_fn(|_| {
            std::thread::spawn(|| {
                for _ in 0..50 {
                    callback(|| std::thread::sleep(Duration::from_micros(50)));
                }
            })
        });
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        8 * 50
    });
    assert_eq!(calls, [(number(libc::SYS_clock_nanosleep), times)]);
    assert_eq!(system_calls::unwatched_threads(), 0);
}

#[test]
fn what_is_allowed_is_listed_but_not_caught() {
    let Some(_turn) = watched() else { return };
    // A call that no other test makes.
    system_calls::allow(number(libc::SYS_getpgrp));
    let before = system_calls::caught();
    // SAFETY: a call without arguments that cannot fail.
    callback(|| unsafe { libc::syscall(libc::SYS_getpgrp) });
    assert_eq!(system_calls::caught(), before);
    let calls = system_calls::calls();
    let call = calls
        .iter()
        .find(|call| call.number == number(libc::SYS_getpgrp));
    assert!(
        call.is_some_and(|call| call.allowed && call.times == 1),
        "{calls:?}"
    );
}

#[test]
#[ignore = "ends the process: run by the test below"]
fn dies_of_a_signal_of_its_own() {
    let Some(_turn) = watched() else { return };
    // SAFETY: this process is here to be ended.
    unsafe { libc::raise(libc::SIGSYS) };
}

#[test]
fn a_sigsys_of_somebody_else_does_what_it_did() {
    if system_calls::watch().is_err() {
        return;
    }
    let this = std::env::current_exe().unwrap();
    let words = ["--exact", "dies_of_a_signal_of_its_own", "--ignored"];
    let ended = Command::new(this).args(words).output().unwrap();
    assert_eq!(ended.status.signal(), Some(libc::SIGSYS), "{ended:?}");
}
