//! Asks the processor whether it met a subnormal number.

/// Whether an operand was subnormal during `work`: the sticky flag of the control and status
/// register says so, wherever in a node's state the number was.
#[cfg(target_arch = "x86_64")]
pub fn met(work: impl FnOnce()) -> bool {
    const SUBNORMAL_OPERAND: u32 = 1 << 1;
    set_status(status() & !SUBNORMAL_OPERAND);
    work();
    status() & SUBNORMAL_OPERAND != 0
}

/// Elsewhere only what comes out is looked at.
#[cfg(not(target_arch = "x86_64"))]
pub fn met(work: impl FnOnce()) -> bool {
    work();
    false
}

#[cfg(target_arch = "x86_64")]
fn status() -> u32 {
    let mut value = 0_u32;
    // SAFETY: stores this thread's control and status register in `value`.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut value, options(nostack)) };
    value
}

#[cfg(target_arch = "x86_64")]
fn set_status(value: u32) {
    // SAFETY: the value is what the register held, but for one of its sticky flags.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const value, options(nostack)) };
}
