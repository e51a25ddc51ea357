//! Why an edit could not be sent.

use ossicle_dsp::node::PrepareError;
use ossicle_dsp::parameter::ValueError;
use ossicle_dsp::settings::SettingsError;

/// Why an edit could not be sent.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// No node of this name is in the chain (it was removed, or belongs to another engine).
    #[error("the node is not in the chain")]
    NodeUnknown,
    /// The place is behind the end of the chain.
    #[error("place {asked} is behind the end of a chain of {nodes} nodes")]
    PlaceUnknown {
        /// Place asked for, counted from 0.
        asked: usize,
        /// Nodes in the chain.
        nodes: usize,
    },
    /// The processor holds as many nodes as it can; wait for answers to earlier edits.
    #[error("the chain would need more than {allowed} nodes at once")]
    TooManyNodes {
        /// The most that can be held.
        allowed: usize,
    },
    /// The command ring is full: the processor does not run, or far too many changes were sent.
    /// Read the answers and try again.
    #[error("the processor has not taken the last {waiting} commands yet")]
    Busy {
        /// Commands on their way.
        waiting: usize,
    },
    /// The parameter changes latency, memory or channels: replace the node instead.
    #[error("{parameter} changes latency, memory or channels: replace the node instead")]
    Structural {
        /// Id of the parameter.
        parameter: &'static str,
    },
    /// A node of the caller's own would get another number of channels; give a new node.
    #[error("a node of your own was prepared for {prepared} channels and would get {asked}")]
    OwnNodeChannels {
        /// Channels it was prepared for.
        prepared: usize,
        /// Channels it would get.
        asked: usize,
    },
    /// Rate, block length and channels must be at least 1.
    #[error("{what} must be at least 1")]
    Zero {
        /// What was 0.
        what: &'static str,
    },
    /// The node has no parameter of this number.
    #[error("the node has no parameter number {asked} (it has {count}, counted from 0)")]
    ParameterUnknown {
        /// Number asked for.
        asked: usize,
        /// Parameters it has.
        count: usize,
    },
    /// The node takes no side-chain; leave it out.
    #[error("the node takes no side-chain, and \"{bus}\" would be one")]
    SideChainUnwanted {
        /// The bus.
        bus: String,
    },
    /// Nothing was sent to the bus before the place where it is heard.
    #[error("nothing is sent to the bus \"{bus}\" before it is heard")]
    BusSilent {
        /// The bus.
        bus: String,
    },
    /// Something is sent to the bus, and it is not heard behind that.
    #[error("the bus \"{bus}\" is sent to and not heard behind that")]
    BusUnheard {
        /// The bus.
        bus: String,
    },
    /// The bus comes back at two places; send to a second bus for the second.
    #[error("the bus \"{bus}\" comes back twice (allowed: once)")]
    BusTwice {
        /// The bus.
        bus: String,
    },
    /// The share of a node that is heard is 0 to 1.
    #[error("{asked} is no share of a node (0 to 1)")]
    ShareOutOfRange {
        /// Share asked for.
        asked: f64,
    },
    /// The value does not fit the parameter.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// A node of the caller's own has no names for its values: set them by number.
    #[error("a node of your own takes values by number, not by text")]
    OwnNodeText,
    /// A node does not fit where it stands; the source says why.
    #[error("node {node}: {source}")]
    AtNode {
        /// Place in the chain, counted from 1.
        node: usize,
        /// What is wrong.
        source: Box<EditError>,
    },
    /// The node cannot be prepared.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// A value is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl EditError {
    /// The same, of the node at a place in the chain, counted from 1.
    pub(super) fn at_node(self, node: usize) -> Self {
        let source = Box::new(self);
        Self::AtNode { node, source }
    }
}
