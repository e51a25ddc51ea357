//! Clocks of devices, and the loop that keeps the reader of one in step with the writer of another.

mod bend;
mod change;
mod drift_loop;
mod envelope;
mod estimator;
mod gate;
mod hull;
mod line;
mod margin;
mod slide;
mod steer;
mod usual;

pub use drift_loop::{DriftLoop, Learned, LoopSpec, Read};
pub use estimator::ClockEstimator;
