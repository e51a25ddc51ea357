//! Faults that code in a callback must not have, made on purpose to see that the traps report them.
//!
//! Each is made in a child of the test program, so that a trap may end it, that its counters are
//! its own, and that what is printed really goes out.

use std::cell::RefCell;
use std::env;
use std::fmt;
use std::hint::black_box;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

/// Names the fault to the child.
const VARIABLE: &str = "OSSICLE_FAULT";
/// How long the other thread keeps a lock that somebody waits for.
const HELD: Duration = Duration::from_millis(5);

/// Something that must not be in a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// None at all: nothing is to be reported then.
    None,
    /// A `Vec::push` beyond the capacity.
    GrowingPush,
    /// A `Mutex::lock` while another thread has the lock.
    ContendedLock,
    /// A `Mutex::lock` that finds the lock free.
    FreeLock,
    /// An `eprintln!`.
    Print,
    /// A system call past every library.
    SystemCall,
    /// A `Box` dropped.
    BoxDrop,
}

/// What reports a fault while the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// The guard in the allocator.
    Allocator,
    /// The traps for system calls.
    SystemCalls,
    /// RealtimeSanitizer.
    Sanitizer,
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allocator => "allocator guard",
            Self::SystemCalls => "system call trap",
            Self::Sanitizer => "RealtimeSanitizer",
        })
    }
}

impl Fault {
    /// All, and none.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::GrowingPush,
        Self::ContendedLock,
        Self::FreeLock,
        Self::Print,
        Self::SystemCall,
        Self::BoxDrop,
    ];

    /// What it is, in a few words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::GrowingPush => "Vec::push that grows",
            Self::ContendedLock => "Mutex::lock, contended",
            Self::FreeLock => "Mutex::lock, free",
            Self::Print => "eprintln!",
            Self::SystemCall => "raw system call",
            Self::BoxDrop => "Box drop",
        }
    }

    /// Which trap must report it: with RealtimeSanitizer that one, which ends the program; without,
    /// one of ours. A free lock leaves no trace while the program runs: only the lint and the audit
    /// of the objects see it.
    #[must_use]
    pub fn trap(self, sanitized: bool) -> Option<Trap> {
        let (ours, theirs) = match self {
            Self::None | Self::FreeLock => (None, None),
            Self::GrowingPush | Self::BoxDrop => (Some(Trap::Allocator), Some(Trap::Sanitizer)),
            Self::ContendedLock | Self::Print => (Some(Trap::SystemCalls), Some(Trap::Sanitizer)),
            Self::SystemCall => (Some(Trap::SystemCalls), None),
        };
        if sanitized { theirs } else { ours }
    }
}

/// A fault ready to be made.
enum Loaded {
    Push(Vec<u8>),
    Contended(Arc<Mutex<u32>>, Arc<AtomicBool>),
    Lock(Arc<Mutex<u32>>),
    Print,
    SystemCall,
    Box(Option<Box<[u64; 8]>>),
}

thread_local! {
    /// The fault of this thread, and whether it was made already. What is left of it then is freed
    /// by the next `load`, not in the callback.
    static LOADED: RefCell<(Option<Loaded>, bool)> = const { RefCell::new((None, false)) };
}

/// Makes `fault` happen at the next [`here`] on this thread. On an ordinary thread, outside of
/// callbacks.
pub fn load(fault: Fault) {
    let loaded = match fault {
        Fault::None => None,
        Fault::GrowingPush => Some(Loaded::Push(black_box(vec![1; 64]))),
        Fault::ContendedLock => {
            let (lock, wanted) = (Arc::new(Mutex::new(0)), Arc::new(AtomicBool::new(false)));
            hold(lock.clone(), wanted.clone());
            Some(Loaded::Contended(lock, wanted))
        }
        Fault::FreeLock => Some(Loaded::Lock(Arc::new(Mutex::new(0)))),
        Fault::Print => Some(Loaded::Print),
        Fault::SystemCall => Some(Loaded::SystemCall),
        Fault::BoxDrop => Some(Loaded::Box(Some(black_box(Box::new([1; 8]))))),
    };
    LOADED.set((loaded, false));
}

/// Has the lock held by another thread, from when this returns until a little after it is wanted.
fn hold(lock: Arc<Mutex<u32>>, wanted: Arc<AtomicBool>) {
    let (held, is_held) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = held.send(());
        while !wanted.load(Ordering::Acquire) {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(HELD);
        drop(guard);
    });
    let _ = is_held.recv();
}

/// Where a fault is made: the first time after [`load`], on that thread; otherwise nothing happens.
pub fn here() {
    LOADED.with(|loaded| {
        let Ok(mut loaded) = loaded.try_borrow_mut() else {
            return;
        };
        if let (Some(fault), false) = &mut *loaded {
            fault.make();
        }
        loaded.1 = true;
    });
}

impl Loaded {
    fn make(&mut self) {
        match self {
            Self::Push(full) => {
                assert_eq!(full.len(), full.capacity());
                full.push(2);
            }
            Self::Contended(lock, wanted) => {
                wanted.store(true, Ordering::Release);
                *lock.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            }
            Self::Lock(lock) => *lock.lock().unwrap_or_else(PoisonError::into_inner) += 1,
            Self::Print => eprintln!("a callback prints"),
            Self::SystemCall => raw_system_call(),
            Self::Box(held) => drop(black_box(held.take())),
        }
    }
}

/// `getppid`, as machine code.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn raw_system_call() {
    // SAFETY: a call without arguments that cannot fail; the kernel changes the two registers named
    // and the answer's.
    unsafe {
        core::arch::asm!(
            "syscall",
            inlateout("rax") 110_i64 => _,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
}

/// No machine code for this one: through the library.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn raw_system_call() {
    let _ = rustix::process::getppid();
}

/// The fault a child was started for; `None` in a process that is no such child.
#[must_use]
pub fn asked() -> Option<Fault> {
    let name = env::var(VARIABLE).ok()?;
    Fault::ALL.into_iter().find(|fault| fault.name() == name)
}

/// What a child tells at its end: how often each of our traps reported.
pub fn tell(allocations: u64, system_calls: u64) {
    println!("told: {allocations} {system_calls}");
}

/// Runs the ignored test named `test` of this very test program, alone in a child, which is to make
/// `fault`, and returns the traps that reported something.
///
/// # Errors
/// When the child cannot be started, or ends without having told anything while no sanitizer ended
/// it.
pub fn report(test: &str, fault: Fault) -> Result<Vec<Trap>> {
    let child = Command::new(env::current_exe()?)
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(VARIABLE, fault.name())
        .output()
        .context("starting the child")?;
    let errors = String::from_utf8_lossy(&child.stderr);
    if errors.contains("RealtimeSanitizer") {
        return Ok(vec![Trap::Sanitizer]);
    }
    let output = String::from_utf8_lossy(&child.stdout);
    let told = || {
        // Behind the test's own name, which ends without a new line.
        let (_, line) = output.lines().find_map(|line| line.split_once("told: "))?;
        let (allocations, system_calls) = line.split_once(' ')?;
        Some((
            allocations.parse::<u64>().ok()?,
            system_calls.trim().parse::<u64>().ok()?,
        ))
    };
    let (allocations, system_calls) = told().with_context(|| {
        format!(
            "the child with \"{}\" ended with {} and said:\n{output}{errors}",
            fault.name(),
            child.status
        )
    })?;
    let reported = [
        (Trap::Allocator, allocations),
        (Trap::SystemCalls, system_calls),
    ];
    let reported = reported.into_iter().filter(|(_, times)| *times > 0);
    Ok(reported.map(|(trap, _)| trap).collect())
}

/// Has every fault made by the ignored test `test` and sees that the trap that must report it does,
/// and that none reports anything where there is nothing to report. Prints a line for each.
///
/// # Errors
/// At the first that goes wrong.
pub fn every_fault_is_reported(place: &str, test: &str, sanitized: bool) -> Result<()> {
    for fault in Fault::ALL {
        let reported = report(test, fault)?;
        let holds = match fault.trap(sanitized) {
            Some(trap) => reported.contains(&trap),
            None => reported.is_empty(),
        };
        let words: Vec<String> = reported.iter().map(Trap::to_string).collect();
        crate::bar::tell(
            &format!("{} in {place}", fault.name()),
            &match (&words[..], fault) {
                ([], Fault::FreeLock) => "left to lint and audit".to_owned(),
                ([], Fault::SystemCall) => "left to the system call trap".to_owned(),
                ([], _) => "nothing reported".to_owned(),
                _ => words.join(", "),
            },
            holds,
        );
        anyhow::ensure!(holds, "{fault:?} in {place}: reported by {reported:?}");
    }
    Ok(())
}
