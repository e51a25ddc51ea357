//! Syscall User Dispatch: a byte of each thread says whether its system calls come as a signal.
//!
//! Source: the Linux kernel's `Documentation/admin-guide/syscall-user-dispatch.rst`. While a
//! thread's byte says so, every system call raises `SIGSYS` instead, but for calls from one stretch
//! of code, named to the kernel beforehand. There lie the two system calls that the handler itself
//! needs, so that the byte stays as it is and the next call is seen too.

use core::cell::Cell;
use core::ffi::{c_int, c_long, c_void};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, Ordering, compiler_fence};
use std::io;
use std::sync::OnceLock;

use super::{UNWATCHED, WatchError, note};

// From <linux/prctl.h> and <asm-generic/siginfo.h>.
const PR_SET_SYSCALL_USER_DISPATCH: c_int = 59;
const PR_SYS_DISPATCH_ON: c_int = 1;
const SYS_USER_DISPATCH: c_int = 2;
/// The kernel's own flag for a restorer of ours, from <asm/signal.h>.
const SA_RESTORER: u64 = 0x0400_0000;
/// Bytes of a set of signals as the kernel has it.
const KERNEL_SIGSET_BYTES: usize = 8;
/// Length of the instruction `syscall`.
const INSTRUCTION_BYTES: i64 = 2;

/// Calls that read a clock: `clock_gettime`, `gettimeofday`.
pub(super) const CLOCK_CALLS: &[usize] = &[
    libc::SYS_clock_gettime as usize,
    libc::SYS_gettimeofday as usize,
];

/// What a thread's byte may say.
const PASS: u8 = 0;
const TRAP: u8 = 1;

/// A byte alone in its cache line.
#[repr(align(64))]
struct Switch(AtomicU8);

thread_local! {
    /// This thread's byte, once it has one. It is never freed, since the kernel reads it until the
    /// thread's very end.
    static SWITCH: Cell<Option<&'static Switch>> = const { Cell::new(None) };
}

/// The byte of threads that the kernel refused to watch.
static NO_SWITCH: Switch = Switch(AtomicU8::new(PASS));
static WATCHING: AtomicBool = AtomicBool::new(false);
/// Who had the signal before us.
static BEFORE: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

core::arch::global_asm!(
    ".pushsection .text.ossicle_passed,\"ax\",@progbits",
    ".globl ossicle_passed_begin",
    ".hidden ossicle_passed_begin",
    ".globl ossicle_passed_call",
    ".hidden ossicle_passed_call",
    ".globl ossicle_passed_instruction",
    ".hidden ossicle_passed_instruction",
    ".globl ossicle_passed_return",
    ".hidden ossicle_passed_return",
    ".globl ossicle_passed_end",
    ".hidden ossicle_passed_end",
    "ossicle_passed_begin:",
    // From the C calling convention (number, six arguments) to that of the kernel.
    "ossicle_passed_call:",
    "mov rax, rdi",
    "mov rdi, rsi",
    "mov rsi, rdx",
    "mov rdx, rcx",
    "mov r10, r8",
    "mov r8, r9",
    "mov r9, [rsp + 8]",
    "ossicle_passed_instruction:",
    "syscall",
    "ret",
    // Where the handler returns to: the same bytes as in other C libraries, by which unwinders
    // know a signal's frame.
    "ossicle_passed_return:",
    ".byte 0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00", // mov rax, 15: rt_sigreturn
    "syscall",
    "ud2",
    "ossicle_passed_end:",
    ".popsection",
);

unsafe extern "C" {
    static ossicle_passed_begin: u8;
    static ossicle_passed_instruction: u8;
    static ossicle_passed_end: u8;

    fn ossicle_passed_return();

    #[rustfmt::skip]
    fn ossicle_passed_call(number: i64, a: i64, b: i64, c: i64, d: i64, e: i64, f: i64) -> i64;
}

/// The kernel's own form of what is to happen at a signal.
#[repr(C)]
struct KernelAction {
    handler: usize,
    flags: u64,
    restorer: usize,
    mask: u64,
}

/// Takes the signal over; from then on threads are watched from their next callback on.
pub(super) fn install() -> Result<(), WatchError> {
    static RESULT: OnceLock<Result<(), i32>> = OnceLock::new();
    let result = RESULT.get_or_init(|| {
        take_signal()?;
        // Whether the kernel can do it at all.
        switch_on_this_thread()?;
        WATCHING.store(true, Ordering::Release);
        Ok(())
    });
    result.map_err(|error| WatchError::Refused(io::Error::from_raw_os_error(error)))
}

fn take_signal() -> Result<(), i32> {
    let action = KernelAction {
        handler: trapped as *const () as usize,
        // Not deferred: a signal may come while the handler does the call.
        flags: (libc::SA_SIGINFO | libc::SA_NODEFER | libc::SA_RESTART) as u64 | SA_RESTORER,
        restorer: ossicle_passed_return as *const () as usize,
        mask: 0,
    };
    let mut before = KernelAction {
        handler: 0,
        flags: 0,
        restorer: 0,
        mask: 0,
    };
    // SAFETY: both structures have the kernel's layout and live through the call; the handler keeps
    // to what a handler may do.
    let failed = unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            libc::SIGSYS,
            &raw const action,
            &raw mut before,
            KERNEL_SIGSET_BYTES,
        )
    };
    if failed != 0 {
        return Err(last_error());
    }
    BEFORE.store(before.handler as *mut c_void, Ordering::Release);
    Ok(())
}

/// Gives this thread its byte and names it to the kernel.
#[cold]
fn switch_on_this_thread() -> Result<&'static Switch, i32> {
    if let Some(switch) = SWITCH.get() {
        return Ok(switch);
    }
    let switch: &'static Switch = Box::leak(Box::new(Switch(AtomicU8::new(PASS))));
    let begin = &raw const ossicle_passed_begin;
    let bytes = (&raw const ossicle_passed_end).addr() - begin.addr();
    // SAFETY: the set is initialised before it is used. The byte is never freed and the named code
    // never moves, so that the kernel may read and compare them as long as the thread lives. A
    // thread may come with every signal blocked, and a blocked SIGSYS would end the process.
    let failed = unsafe {
        let mut set = core::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGSYS);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut());
        libc::prctl(
            PR_SET_SYSCALL_USER_DISPATCH,
            PR_SYS_DISPATCH_ON,
            begin,
            bytes,
            switch.0.as_ptr(),
        )
    };
    if failed != 0 {
        return Err(last_error());
    }
    SWITCH.set(Some(switch));
    Ok(switch)
}

fn last_error() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// The byte of this thread, which gets one if it has none.
fn switch() -> &'static Switch {
    SWITCH.get().unwrap_or_else(|| {
        switch_on_this_thread().unwrap_or_else(|_| {
            UNWATCHED.fetch_add(1, Ordering::Relaxed);
            SWITCH.set(Some(&NO_SWITCH));
            &NO_SWITCH
        })
    })
}

/// A stretch of code that is watched, or in which the watch is suspended, until it is dropped.
pub(in crate::realtime) struct Section(Option<(&'static Switch, u8)>);

impl Section {
    /// A callback begins.
    #[inline]
    pub(in crate::realtime) fn callback() -> Self {
        if WATCHING.load(Ordering::Relaxed) {
            let says = if super::super::PERMITTED.get() > 0 {
                PASS
            } else {
                TRAP
            };
            Self::set(switch(), says)
        } else {
            Self(None)
        }
    }

    /// A permitted section begins.
    pub(in crate::realtime) fn permitted() -> Self {
        SWITCH
            .get()
            .map_or(Self(None), |switch| Self::set(switch, PASS))
    }

    #[inline]
    fn set(switch: &'static Switch, says: u8) -> Self {
        let before = switch.0.load(Ordering::Relaxed);
        if !ptr::eq(switch, &raw const NO_SWITCH) {
            switch.0.store(says, Ordering::Relaxed);
        }
        // The kernel reads the byte on this very thread: only the compiler could be in the way.
        compiler_fence(Ordering::SeqCst);
        Self(Some((switch, before)))
    }
}

impl Drop for Section {
    #[inline]
    fn drop(&mut self) {
        if let Some((switch, before)) = self.0 {
            compiler_fence(Ordering::SeqCst);
            switch.0.store(before, Ordering::Relaxed);
        }
    }
}

/// The handler: notes the call and does it. Nothing in it allocates, locks or touches `errno`.
extern "C" fn trapped(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel hands both over, valid and ours until the handler returns.
    let (information, frame) = unsafe { (&*info, &mut *context.cast::<libc::ucontext_t>()) };
    if information.si_code != SYS_USER_DISPATCH {
        return hand_on(signal, info, context);
    }
    let registers = &mut frame.uc_mcontext.gregs;
    let number = registers[libc::REG_RAX as usize];
    let allowed = note(usize::try_from(number).unwrap_or(usize::MAX));
    if !allowed && super::super::aborts() {
        end_the_process();
    }
    match number {
        // Another handler returns: its frame is where the stack pointer is, so the call is done
        // from there, at a place that is let through.
        libc::SYS_rt_sigreturn => {
            registers[libc::REG_RIP as usize] =
                (&raw const ossicle_passed_instruction).addr() as i64;
        }
        // The child goes on with these registers behind the very instruction: it is done again,
        // unwatched.
        libc::SYS_clone | libc::SYS_clone3 | libc::SYS_fork | libc::SYS_vfork => {
            if let Some(switch) = SWITCH.get() {
                switch.0.store(PASS, Ordering::Relaxed);
            }
            registers[libc::REG_RIP as usize] -= INSTRUCTION_BYTES;
        }
        _ => {
            let argument = |register: c_int| registers[register as usize];
            // SAFETY: the call that the program made, with its own arguments.
            let answer = unsafe {
                ossicle_passed_call(
                    number,
                    argument(libc::REG_RDI),
                    argument(libc::REG_RSI),
                    argument(libc::REG_RDX),
                    argument(libc::REG_R10),
                    argument(libc::REG_R8),
                    argument(libc::REG_R9),
                )
            };
            registers[libc::REG_RAX as usize] = answer;
            if number == libc::SYS_rt_sigprocmask {
                keep_mask(frame);
            }
        }
    }
}

/// The mask that was just set goes into the frame, from which the return would set the old one;
/// without our own signal, whose blocking would end the process at the next call.
fn keep_mask(frame: &mut libc::ucontext_t) {
    let mask = &raw mut frame.uc_sigmask;
    // SAFETY: asks for the mask only, into the frame's own, which is larger than the kernel's.
    unsafe {
        let _ = ossicle_passed_call(
            libc::SYS_rt_sigprocmask,
            i64::from(libc::SIG_BLOCK),
            0,
            mask.expose_provenance() as i64,
            KERNEL_SIGSET_BYTES as i64,
            0,
            0,
        );
        libc::sigdelset(mask, libc::SIGSYS);
    }
}

/// A `SIGSYS` that is none of ours goes to who had it before, or ends the process as it would have.
fn hand_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let before = BEFORE.load(Ordering::Acquire);
    if before.addr() == libc::SIG_IGN {
        return;
    }
    if before.addr() == libc::SIG_DFL {
        // SAFETY: both may be called in a handler; the signal comes again when this one returns.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
        return;
    }
    // SAFETY: neither of the two special values, so it is a function, which takes these three or
    // only the first of them.
    unsafe {
        let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
            core::mem::transmute(before);
        handler(signal, info, context);
    }
}

#[cold]
fn end_the_process() -> ! {
    const MESSAGE: &[u8] = b"ossicle: a system call was made inside a real-time callback\n";
    if let Some(switch) = SWITCH.get() {
        switch.0.store(PASS, Ordering::Relaxed);
    }
    let length: c_long = MESSAGE.len() as c_long;
    // SAFETY: writes a constant message; if descriptor 2 is closed the write fails.
    let _ = unsafe {
        ossicle_passed_call(
            libc::SYS_write,
            2,
            MESSAGE.as_ptr().addr() as i64,
            length,
            0,
            0,
            0,
        )
    };
    std::process::abort()
}
