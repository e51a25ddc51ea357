//! Edits of a running chain and the answers to them.
//!
//! Every command has a ticket and is answered exactly once. One edit is on its way at a time; those
//! that are made meanwhile are joined and follow it. The way back is counted before a command is
//! taken: the processor never holds more commands than it has room to answer, so nothing is ever
//! freed on the real-time thread for want of room.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::any::Any;

use crate::plan::{NodeId, Plan, Seat};

/// Names a command to the processor. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub(crate) u64);

/// The answer to one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The command that is answered.
    pub ticket: Ticket,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A change of a parameter took effect on the frame at `position`.
    Applied {
        /// Position in frames since the processor began.
        position: u64,
    },
    /// An edit was faded in, where the sound differs and nowhere else.
    Edited {
        /// Position of the first frame of the fade, in frames since the processor began.
        position: u64,
        /// Position of the first frame on which only the new chain is heard.
        end: u64,
        /// Latency of the chain from there on, in frames.
        latency_frames: u64,
    },
    /// An edit was joined with a later one: what it changed took effect together with that.
    Superseded {
        /// The later edit.
        by: Ticket,
        /// Position of the first frame of the fade, in frames.
        position: u64,
    },
    /// It had no effect.
    Refused {
        /// Why.
        reason: Refusal,
        /// Position in frames at which this was found.
        position: u64,
    },
}

/// Why a command that was sent had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The node had left the chain before the position of the change.
    NodeGone,
}

/// What travels to the processor.
pub(crate) enum Command {
    Edit(Box<Edit>),
    Set(Change),
}

/// New plans and what they need; on the way back, what they replaced.
pub(crate) struct Edit {
    pub(crate) ticket: Ticket,
    pub(crate) stages: Vec<Stage>,
    /// Seats that are filled before the first stage.
    pub(crate) arriving: Vec<(usize, Option<Seat>)>,
    /// Seats that are emptied behind the last.
    pub(crate) leaving: Vec<(usize, Option<Seat>)>,
    /// A larger pool, when a plan needs one.
    pub(crate) pool: Option<Vec<f32>>,
}

/// One fade, and what runs behind it.
pub(crate) struct Stage {
    /// Runs both what was and what will be.
    pub(crate) fading: Plan,
    /// Frames before the fade, in which what is new gets ready unheard.
    pub(crate) hold_frames: u64,
    pub(crate) then: Plan,
}

/// A change of one parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) ticket: Ticket,
    pub(crate) at: u64,
    pub(crate) id: NodeId,
    pub(crate) seat: usize,
    pub(crate) parameter: usize,
    pub(crate) value: f64,
}

impl Change {
    /// What stands in a queue that was never used.
    pub(crate) const EMPTY: Self = Self {
        ticket: Ticket(0),
        at: 1,
        id: NodeId(0),
        seat: 0,
        parameter: 0,
        value: 0.0,
    };
}

/// What travels back.
pub(crate) struct Return {
    pub(crate) answer: Answer,
    /// What is to be freed on the control side.
    pub(crate) rubbish: Option<Box<Edit>>,
}

impl Return {
    /// What stands in a ring that was never used.
    pub(crate) fn empty() -> Self {
        let answer = Answer {
            ticket: Ticket(0),
            outcome: Outcome::Applied { position: 0 },
        };
        Self {
            answer,
            rubbish: None,
        }
    }
}

/// What a node did that it must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeFault {
    /// The node.
    pub node: NodeId,
    /// What it did.
    pub kind: FaultKind,
    /// Position in frames at which it was noticed.
    pub position: u64,
}

/// What a node did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// It panicked: from here on it is passed by.
    Panicked,
    /// It gave what is not finite: it was silenced for a block and reset.
    NotFinite,
}

/// A fault on its way to the control side, with what is to be freed there.
pub(crate) struct FaultReport {
    pub(crate) fault: NodeFault,
    #[expect(dead_code, reason = "only to be freed where it arrives")]
    pub(crate) payload: Option<Box<dyn Any + Send>>,
}

impl FaultReport {
    /// What stands in a ring that was never used.
    pub(crate) fn empty() -> Self {
        let fault = NodeFault {
            node: NodeId(0),
            kind: FaultKind::NotFinite,
            position: 0,
        };
        Self {
            fault,
            payload: None,
        }
    }
}
