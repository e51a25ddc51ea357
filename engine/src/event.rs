//! A change of a parameter at a position in the stream.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

/// Sets one parameter on one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParameterEvent {
    /// Position in frames: the first frame that is processed with the new value, or on which its
    /// ramp starts.
    pub at: u64,
    /// Place of the node in the chain, counted from 0.
    pub node: usize,
    /// Number of the parameter: its place in the node's table.
    pub parameter: usize,
    /// Value in the parameter's unit, within its range.
    pub value: f64,
}
