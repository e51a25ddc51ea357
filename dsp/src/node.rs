//! The node contract: what every part of a chain promises.

use crate::block::Block;
use crate::parameter::Parameter;

/// What a node is prepared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Sample rate in hertz, at least 1.
    pub sample_rate_hz: u32,
    /// The longest block `process` will see, in frames, at least 1.
    pub max_block_frames: usize,
    /// Channels of the input, at least 1.
    pub channels: usize,
}

/// What a node answers when it has been prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Channels of the output, at least 1.
    pub channels: usize,
    /// Latency in frames; the same that [`Node::latency_frames`] says from now on.
    pub latency_frames: u64,
}

/// How long a node sounds after its input has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// So many output frames after the last input frame the output stays below -120 dB of the
    /// largest sample that went in. The latency is part of it.
    Frames(u64),
    /// The node may sound for ever (an oscillator, a delay with full feedback).
    Endless,
}

impl Tail {
    /// The tail of one node behind another.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::Frames(a), Self::Frames(b)) => Self::Frames(a.saturating_add(b)),
            _ => Self::Endless,
        }
    }
}

/// What a node needs of the processor's handling of subnormal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subnormals {
    /// Flushed to zero, as everywhere in the engine.
    Flushed,
    /// Kept: the node reproduces a documented recursion to the last bit.
    Kept,
}

/// Why a node could not be prepared.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The node does not take so many channels; use one of the allowed counts.
    #[error("{node} takes {allowed} channels, not {asked}")]
    ChannelsUnsupported {
        /// The node's id.
        node: &'static str,
        /// Channels asked for.
        asked: usize,
        /// Channel counts that would do, in words.
        allowed: &'static str,
    },
    /// The node does not run at this rate; resample to an allowed one.
    #[error("{node} does not run at {asked_hz} Hz (allowed: {min_hz} to {max_hz} Hz)")]
    SampleRateUnsupported {
        /// The node's id.
        node: &'static str,
        /// Rate asked for.
        asked_hz: u32,
        /// Lowest rate allowed.
        min_hz: u32,
        /// Highest rate allowed.
        max_hz: u32,
    },
    /// A parameter's value does not fit this sample rate; choose one within the range.
    #[error("{node}: {parameter}={asked} is out of range at {sample_rate_hz} Hz ({min} to {max})")]
    ParameterOutOfRange {
        /// The node's id.
        node: &'static str,
        /// The parameter's id.
        parameter: &'static str,
        /// Value asked for, in the parameter's unit.
        asked: f64,
        /// Smallest value allowed at this rate.
        min: f64,
        /// Largest value allowed at this rate.
        max: f64,
        /// The rate.
        sample_rate_hz: u32,
    },
}

/// A part of a chain: takes planes, changes them in place, gives them on.
///
/// The promises, checked for every node in the registry by `tests/battery.rs`:
///
/// - [`prepare`](Self::prepare) alone may allocate and fail; all else is real-time safe.
/// - The output does not depend on how the stream is cut into blocks, bit for bit.
/// - [`reset`](Self::reset) equals a freshly prepared node with the same parameters.
/// - [`latency_frames`](Self::latency_frames) and [`tail`](Self::tail) are true to the frame.
/// - Finite in, finite out; a non-finite input does not stay in the state.
/// - The number of frames never changes.
pub trait Node: Send {
    /// The node's parameters; a parameter's place in the table is its number.
    fn parameters(&self) -> &'static [Parameter];

    /// Makes the node ready for `spec`, with cleared state and the parameters it has.
    ///
    /// May be called again with another `spec`.
    ///
    /// # Errors
    /// What in `spec`, or in a parameter at this rate, cannot be done.
    ///
    /// # Real-time
    /// Not safe: allocates.
    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError>;

    /// Forgets all sound and finishes every ramp; keeps parameters.
    ///
    /// # Real-time
    /// Safe.
    fn reset(&mut self);

    /// Changes the planes of `block` in place; called only after `prepare` succeeded.
    ///
    /// # Real-time
    /// Safe.
    fn process(&mut self, block: &mut Block<'_>);

    /// Sets parameter `number` to `value`, in the unit of the table, from the next frame on.
    ///
    /// The caller has checked `value` against the table; other numbers are ignored. A ramped
    /// parameter starts its ramp on that frame. Structural parameters are ignored: they change by
    /// preparing a new node.
    ///
    /// # Real-time
    /// Safe.
    fn set(&mut self, number: usize, value: f64);

    /// Frames by which an event leaves later than it came. Fixed from `prepare` on.
    fn latency_frames(&self) -> u64;

    /// How long the node sounds after its input ends, with the parameters it has now.
    fn tail(&self) -> Tail;

    /// Channels of side-chain the node wants; 0 for none. Asked after `prepare`.
    ///
    /// A chain need not connect one: then [`Block::side_chain`] is `None`.
    fn side_chain_channels(&self) -> usize {
        0
    }

    /// Whether subnormal numbers are to be kept for this node.
    fn subnormals(&self) -> Subnormals {
        Subnormals::Flushed
    }
}
