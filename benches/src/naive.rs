//! The envelope limiter in plain C.

/// One channel of the limiter, run by the C code of `naive_limiter.c`.
#[derive(Debug)]
pub struct NaiveLimiter {
    line: Vec<f32>,
    state: State,
    process: Process,
}

/// As `struct naive_limiter` in C.
#[repr(C)]
#[derive(Debug)]
struct State {
    line: *mut f32,
    length: usize,
    index: usize,
    attack: f32,
    release: f32,
    envelope: f32,
    gain: f32,
}

unsafe extern "C" {
    fn naive_limiter_process(state: *mut State, threshold: f32, samples: *mut f32, count: usize);
    /// The same source, built with `-march=native`.
    fn native_limiter_process(state: *mut State, threshold: f32, samples: *mut f32, count: usize);
}

/// As the C code is called.
type Process = unsafe extern "C" fn(*mut State, f32, *mut f32, usize);

impl NaiveLimiter {
    /// A limiter with a line of `delay_samples`, at least 1.
    ///
    /// # Panics
    /// When `delay_samples` is 0.
    #[must_use]
    pub fn new(attack: f32, release: f32, delay_samples: usize) -> Self {
        Self::with(naive_limiter_process, attack, release, delay_samples)
    }

    /// As [`new`](Self::new), built for this very processor: it may fuse, so its last bits differ.
    ///
    /// # Panics
    /// When `delay_samples` is 0.
    #[must_use]
    pub fn native(attack: f32, release: f32, delay_samples: usize) -> Self {
        Self::with(native_limiter_process, attack, release, delay_samples)
    }

    fn with(process: Process, attack: f32, release: f32, delay_samples: usize) -> Self {
        assert!(delay_samples > 0, "the line has at least one sample");
        let state = State {
            line: std::ptr::null_mut(),
            length: delay_samples,
            index: 0,
            attack,
            release,
            envelope: 0.0,
            gain: 1.0,
        };
        Self {
            line: vec![0.0; delay_samples],
            state,
            process,
        }
    }

    /// Limits `samples` in place to about `threshold`.
    #[inline]
    pub fn process(&mut self, threshold: f32, samples: &mut [f32]) {
        self.state.line = self.line.as_mut_ptr();
        // SAFETY: `line` points to `length` samples of `self.line`, `index` stays below
        // `length`, and C keeps neither pointer after the call.
        unsafe {
            (self.process)(
                &raw mut self.state,
                threshold,
                samples.as_mut_ptr(),
                samples.len(),
            );
        }
    }
}
