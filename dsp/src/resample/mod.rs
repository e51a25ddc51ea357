//! Resampling between two clocks of nearly or quite different rates: any ratio, moved at will.
//!
//! [`History`] keeps the last frames that came, addressed by their absolute index. A [`Head`] is a
//! place between two of them. [`Kernel`] reads there: output frame k is the sum over `taps` input
//! frames i of x\[i\] h(i - p(k)), h a sinc under a Kaiser window, p(k) the head. Between two output
//! frames the head moves by a step, in input frames, that ramps in a straight line over the block.
//!
//! The same bits on every machine: eight lanes in fixed order, no fused multiply-add, whatever the
//! width of the registers.
//!
//! # Examples
//!
//! A card that runs 100 ppm fast, read at the rate of another:
//!
//! ```
//! use ossicle_dsp::resample::{Head, History, Kernel, Taps};
//!
//! let kernel = Kernel::new(Taps::Taps64, 48_000, 48_000)?;
//! let mut history = History::new(2, 4096);
//! history.write(&[0.25; 2 * 1000]); // 1000 frames of both channels
//!
//! let mut head = Head::at(kernel.frames_before() as u64);
//! let mut block = [0.0; 2 * 256];
//! let step = kernel.nominal_step() * (1.0 + 100e-6);
//! let made = kernel.read(&history, &mut head, step, step, &mut block);
//!
//! assert_eq!(made, 256);
//! assert!(block.iter().all(|sample| (sample - 0.25).abs() < 1e-7));
//! // 256 steps of 1.0001.
//! assert_eq!(head.index, kernel.frames_before() as u64 + 256);
//! assert!((head.fraction - 0.0256).abs() < 1e-12);
//! # Ok::<(), ossicle_dsp::resample::KernelError>(())
//! ```

mod head;
mod history;
mod kernel;
mod lanes;
pub(crate) mod table;

pub use head::Head;
pub use history::History;
pub use kernel::{Kernel, KernelError, Taps};
