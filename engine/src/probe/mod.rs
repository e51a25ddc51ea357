//! What real devices do: how long sound takes from an output to an input, and how far the clocks of
//! two devices are apart.

mod drift;
mod edge;
mod error;
mod mls;
mod peak;
mod player;
mod roundtrip;

pub use drift::{Drift, DriftConfig, Side, drift};
pub use error::ProbeError;
pub use roundtrip::{Roundtrip, RoundtripConfig, roundtrip};
