//! What the benches share: the plain C limiter, test signals, and a stopwatch that counts this
//! thread's own time.

pub mod engine;
pub mod limiter;
pub mod naive;
pub mod signal;
pub mod stopwatch;
