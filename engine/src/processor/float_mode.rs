//! The processor's handling of subnormal numbers: flush-to-zero on the way in, as it was on the
//! way out.
//!
//! The bits are set by instructions of their own because the compiler's intrinsics for the control
//! register are deprecated. They are restored before control returns to code that knows nothing of
//! them.

/// Runs with subnormals flushed to zero until it is dropped.
pub(crate) struct FlushToZero {
    before: u64,
}

impl FlushToZero {
    /// Sets flush-to-zero (and denormals-are-zero where the processor tells them apart).
    pub(crate) fn new() -> Self {
        let before = control::read();
        control::write(before | control::FLUSH);
        Self { before }
    }

    /// Runs `work` with subnormals kept.
    pub(crate) fn kept<R>(&self, work: impl FnOnce() -> R) -> R {
        control::write(self.before & !control::FLUSH);
        let result = work();
        control::write(self.before | control::FLUSH);
        result
    }
}

impl Drop for FlushToZero {
    fn drop(&mut self) {
        control::write(self.before);
    }
}

#[cfg(target_arch = "x86_64")]
mod control {
    use core::arch::asm;

    /// MXCSR: FTZ (bit 15) and DAZ (bit 6).
    pub(super) const FLUSH: u64 = 0x8040;

    pub(super) fn read() -> u64 {
        let mut value = 0u32;
        // SAFETY: stores the control register to a local of the right size.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut value, options(nostack, preserves_flags)) };
        u64::from(value)
    }

    pub(super) fn write(value: u64) {
        let value = value as u32;
        // SAFETY: loads a value that was read from the register, changed in two defined bits. No
        // float operation in between relies on subnormals other than as documented here.
        unsafe {
            asm!("ldmxcsr [{}]", in(reg) &raw const value, options(nostack, preserves_flags))
        };
    }
}

#[cfg(target_arch = "aarch64")]
mod control {
    use core::arch::asm;

    /// FPCR: FZ (bit 24).
    pub(super) const FLUSH: u64 = 1 << 24;

    pub(super) fn read() -> u64 {
        let value: u64;
        // SAFETY: reads the control register.
        unsafe { asm!("mrs {}, fpcr", out(reg) value, options(nomem, nostack, preserves_flags)) };
        value
    }

    pub(super) fn write(value: u64) {
        // SAFETY: writes a value that was read from the register, changed in one defined bit.
        unsafe { asm!("msr fpcr, {}", in(reg) value, options(nostack, preserves_flags)) };
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod control {
    pub(super) const FLUSH: u64 = 0;

    pub(super) fn read() -> u64 {
        0
    }

    pub(super) fn write(_value: u64) {}
}

#[cfg(all(test, any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tests {
    use super::FlushToZero;
    use std::hint::black_box;

    #[test]
    fn subnormals_are_flushed_inside_kept_on_request_and_restored_after() {
        // As bits: flushing also makes a subnormal compare equal to 0.
        let halve = || black_box(black_box(f32::MIN_POSITIVE) * black_box(0.5)).to_bits();
        let half = 0x0040_0000;
        assert_eq!(halve(), half);
        {
            let mode = FlushToZero::new();
            assert_eq!(halve(), 0);
            assert_eq!(mode.kept(halve), half);
            assert_eq!(halve(), 0);
        }
        assert_eq!(halve(), half);
    }
}
