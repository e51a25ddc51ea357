//! The nodes of a controller, and the seats they and the alignment delays get.

use std::collections::{BTreeMap, HashMap, HashSet};

use ossicle_dsp::node::Spec;
use ossicle_dsp::parameter::{self, Kind, Parameter};
use ossicle_dsp::settings::Settings;

use super::error::EditError;
use crate::chain::LinkNode;
use crate::flight::log::NodeLog;
use crate::graph::Key;
use crate::graph::align::Align;
use crate::graph::build::{NodeFacts, Supply};
use crate::plan::{MAX_NODES, NodeId, Seat};
use crate::processor::ProcessorSpec;

/// A node as the control side holds it.
pub(super) struct Held {
    pub(super) settings: Option<Settings>,
    pub(super) parameters: &'static [Parameter],
    channels_in: usize,
    facts: NodeFacts,
    /// Whether `facts.seat` is one of the processor's, given with an edit that was sent.
    pub(super) is_seated: bool,
    /// The node itself, until it is sent.
    pub(super) waiting: Option<Seat>,
    /// The seat of the node that this one replaces under the same name.
    pub(super) before: Option<usize>,
    /// The values it was made with, and those set before it was sent.
    made: NodeLog,
}

impl Held {
    /// Prepares a node.
    pub(super) fn new(
        id: NodeId,
        link: LinkNode,
        channels: usize,
        spec: &ProcessorSpec,
    ) -> Result<Self, EditError> {
        let (settings, node): (Option<Settings>, _) = match link {
            LinkNode::Effect(settings) => {
                let node = settings.create()?;
                (Some(settings), node)
            }
            LinkNode::Own(node) => (None, node),
        };
        let parameters = node.parameters();
        let content = prepare(id, node, channels, spec)?;
        // How many it wants may depend on how many it has.
        let side_channels = content.node.side_chain_channels();
        let made = NodeLog {
            settings: settings.clone(),
            early: Vec::new(),
            since: 0,
        };
        Ok(Self {
            settings,
            parameters,
            channels_in: channels,
            facts: NodeFacts {
                seat: usize::MAX,
                channels_out: content.channels_out,
                latency: content.node.latency_frames(),
                side_channels,
            },
            is_seated: false,
            waiting: Some(content),
            before: None,
            made,
        })
    }

    /// Its seat in the processor.
    pub(super) fn seat(&self) -> Option<usize> {
        self.is_seated.then_some(self.facts.seat)
    }

    /// Gives it a seat, and takes it out to be sent there.
    pub(super) fn take_seat(&mut self, seat: usize) -> Option<Seat> {
        self.facts.seat = seat;
        self.is_seated = true;
        self.before = None;
        self.waiting.take()
    }

    /// Sets a value on the node before it is sent.
    pub(super) fn set_early(&mut self, number: usize, value: f64) {
        if let Some(seat) = &mut self.waiting {
            seat.node.set(number, value);
            self.made.early.push((number, value));
        }
    }

    /// The node as it was made.
    pub(super) fn log(&self) -> NodeLog {
        self.made.clone()
    }

    /// Takes it back: it could not be sent.
    pub(super) fn give_back(&mut self, content: Seat) {
        self.facts.seat = usize::MAX;
        self.is_seated = false;
        self.waiting = Some(content);
    }

    pub(super) fn facts(&self) -> &NodeFacts {
        &self.facts
    }

    /// The values after a change that may be made while the node runs.
    pub(super) fn changed(&self, number: usize, value: f64) -> Result<Option<Settings>, EditError> {
        let row = self
            .parameters
            .get(number)
            .ok_or(EditError::ParameterUnknown {
                asked: number,
                count: self.parameters.len(),
            })?;
        if row.kind == Kind::Structural {
            return Err(EditError::Structural { parameter: row.id });
        }
        let Some(settings) = &self.settings else {
            parameter::fits(row, value)?;
            return Ok(None);
        };
        let mut changed = settings.clone();
        changed.set(number, value)?;
        changed.check()?;
        Ok(Some(changed))
    }
}

fn prepare(
    id: NodeId,
    node: Box<dyn ossicle_dsp::node::Node>,
    channels: usize,
    spec: &ProcessorSpec,
) -> Result<Seat, EditError> {
    let spec = Spec {
        sample_rate_hz: spec.sample_rate_hz,
        max_block_frames: spec.max_block_frames,
        channels,
    };
    let content = Seat::prepare(id, node, &spec)?;
    if content.channels_out == 0 {
        let what = "the number of channels a node gives";
        return Err(EditError::Zero { what });
    }
    Ok(content)
}

/// What an alignment delay is for.
pub(super) type DelayKey = (Key, u64, usize);

/// Gives a graph its nodes and delays; the controller takes over what is new if all goes well.
pub(super) struct Draft<'a> {
    pub(super) spec: &'a ProcessorSpec,
    pub(super) nodes: &'a BTreeMap<NodeId, Held>,
    /// New nodes before they are prepared.
    pub(super) links: BTreeMap<NodeId, LinkNode>,
    /// New nodes, and nodes made anew.
    pub(super) fresh: BTreeMap<NodeId, Held>,
    pub(super) delays: &'a HashMap<DelayKey, usize>,
    pub(super) fresh_delays: HashMap<DelayKey, usize>,
    /// Seats for new delays.
    pub(super) free_seats: Vec<usize>,
    pub(super) parked: HashSet<NodeId>,
    /// The node that does not fit where it stands.
    pub(super) unfit: Option<NodeId>,
}

impl Draft<'_> {
    /// Prepares a node, and notes it when it does not fit.
    fn make(&mut self, id: NodeId, link: LinkNode, channels: usize) -> Result<Held, EditError> {
        let made = Held::new(id, link, channels, self.spec);
        if made.is_err() {
            self.unfit = Some(id);
        }
        made
    }
}

impl Supply for Draft<'_> {
    fn node(&mut self, id: NodeId, channels: usize) -> Result<NodeFacts, EditError> {
        if let Some(link) = self.links.remove(&id) {
            let held = self.make(id, link, channels)?;
            self.fresh.insert(id, held);
        }
        if self.fresh.len() + self.nodes.len() > 2 * MAX_NODES {
            return Err(EditError::TooManyNodes { allowed: MAX_NODES });
        }
        let held = self.fresh.get(&id).or_else(|| self.nodes.get(&id));
        let held = held.ok_or(EditError::NodeUnknown)?;
        if held.channels_in == channels {
            return Ok(held.facts);
        }
        // It gets another number of channels: made anew from its values.
        let Some(settings) = &held.settings else {
            return Err(EditError::OwnNodeChannels {
                prepared: held.channels_in,
                asked: channels,
            });
        };
        let (settings, before) = (settings.clone(), held.seat().or(held.before));
        let mut anew = self.make(id, LinkNode::Effect(settings), channels)?;
        anew.before = before;
        let facts = anew.facts;
        self.fresh.insert(id, anew);
        Ok(facts)
    }

    fn delay(&mut self, source: Key, frames: u64, channels: usize) -> Result<usize, EditError> {
        let key = (source, frames, channels);
        let known = self
            .delays
            .get(&key)
            .or_else(|| self.fresh_delays.get(&key));
        if let Some(&seat) = known {
            return Ok(seat);
        }
        let seat = self.free_seats.pop();
        let seat = seat.ok_or(EditError::TooManyNodes { allowed: MAX_NODES })?;
        self.fresh_delays.insert(key, seat);
        Ok(seat)
    }

    fn channels_in(&self, id: NodeId) -> Option<usize> {
        let held = self.fresh.get(&id).or_else(|| self.nodes.get(&id));
        held.map(|held| held.channels_in)
    }

    fn is_parked(&self, id: NodeId) -> bool {
        self.parked.contains(&id)
    }
}

/// A delay, ready to run.
pub(super) fn delay(frames: u64, channels: usize, spec: &ProcessorSpec) -> Result<Seat, EditError> {
    prepare(NodeId(0), Box::new(Align::new(frames)), channels, spec)
}
