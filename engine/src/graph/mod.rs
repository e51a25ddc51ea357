//! The graph: a chain as values that are made from values, on its way to a plan.
//!
//! [`build`] makes it from the chain, with the paths that meet aligned; [`fade`] joins the graph that runs
//! and the one that is wanted into one that fades from one to the other; [`lower`] turns a graph
//! into the steps of a plan.

pub(crate) mod align;
pub(crate) mod build;
pub(crate) mod fade;
pub(crate) mod lower;
mod times;

use crate::plan::NodeId;

/// Names a place in the structure of a chain for as long as it is there: branches, buses, sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PlaceId(pub(crate) u64);

/// A value: the number of the operation that makes it.
pub(crate) type Value = usize;

/// What a value is, wherever it stands: the same in the graph before and after an edit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    Input,
    Node(NodeId),
    /// The sum of so many values at a place.
    Sum(PlaceId, usize),
    /// Dry and wet of a node.
    Mix(NodeId),
    /// What was fitted to so many channels.
    Fit(Box<Key>, usize),
    Delay(Box<Key>, u64),
    Silence,
}

/// One of the values that are added.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    pub(crate) place: PlaceId,
    pub(crate) value: Value,
    pub(crate) gain: f32,
}

/// How a value is made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Op {
    Input,
    Silence,
    /// Silence in the place of a value, and at its time; only before times are aligned.
    Hush {
        input: Value,
    },
    Node {
        seat: usize,
        id: NodeId,
        input: Value,
        side: Option<Value>,
        channels_in: usize,
        latency: u64,
    },
    /// Aligns paths; sits in a seat like a node.
    Delay {
        seat: usize,
        input: Value,
        frames: u64,
    },
    /// Fits channels: one goes to all, more go one to one, the others are silent.
    Fit {
        input: Value,
    },
    Sum {
        place: PlaceId,
        terms: Vec<Term>,
    },
    Mix {
        id: NodeId,
        dry: Value,
        wet: Value,
        share: f32,
    },
    Fade {
        old: Value,
        new: Value,
    },
    FadeIn {
        value: Value,
    },
    FadeOut {
        value: Value,
    },
}

impl Op {
    /// The values it is made from.
    pub(crate) fn operands(&self) -> Vec<Value> {
        match self {
            Self::Input | Self::Silence => Vec::new(),
            Self::Node { input, side, .. } => core::iter::once(*input).chain(*side).collect(),
            Self::Delay { input, .. } | Self::Fit { input } | Self::Hush { input } => vec![*input],
            Self::Sum { terms, .. } => terms.iter().map(|term| term.value).collect(),
            Self::Mix { dry, wet, .. } => vec![*dry, *wet],
            Self::Fade { old, new } => vec![*old, *new],
            Self::FadeIn { value } | Self::FadeOut { value } => vec![*value],
        }
    }
}

/// A value with its number of channels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Made {
    pub(crate) op: Op,
    pub(crate) channels: usize,
}

/// Values in an order in which they can be made.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Graph {
    pub(crate) made: Vec<Made>,
    pub(crate) output: Value,
    pub(crate) latency_frames: u64,
    /// Channels that leave the chain, whether they go out or not.
    pub(crate) leaving: usize,
}

impl Graph {
    pub(crate) fn add(&mut self, op: Op, channels: usize) -> Value {
        self.made.push(Made { op, channels });
        self.made.len() - 1
    }

    /// Channels of a value.
    pub(crate) fn channels(&self, value: Value) -> usize {
        self.made[value].channels
    }

    /// The value, or it as so many channels.
    pub(crate) fn fit(&mut self, input: Value, channels: usize) -> Value {
        if self.channels(input) == channels {
            return input;
        }
        self.add(Op::Fit { input }, channels)
    }

    /// What a value is, wherever it stands.
    pub(crate) fn key(&self, value: Value) -> Key {
        match &self.made[value].op {
            Op::Input => Key::Input,
            Op::Node { id, .. } => Key::Node(*id),
            Op::Delay { input, frames, .. } => Key::Delay(Box::new(self.key(*input)), *frames),
            Op::Fit { input } => Key::Fit(Box::new(self.key(*input)), self.channels(value)),
            Op::Sum { place, terms } => Key::Sum(*place, terms.len()),
            Op::Mix { id, .. } => Key::Mix(*id),
            // Fades are in no graph that an edit begins or ends with.
            Op::Silence
            | Op::Hush { .. }
            | Op::Fade { .. }
            | Op::FadeIn { .. }
            | Op::FadeOut { .. } => Key::Silence,
        }
    }

    /// Seats of its nodes and delays.
    pub(crate) fn seats(&self) -> impl Iterator<Item = usize> {
        self.made.iter().filter_map(|made| match made.op {
            Op::Node { seat, .. } | Op::Delay { seat, .. } => Some(seat),
            _ => None,
        })
    }
}
