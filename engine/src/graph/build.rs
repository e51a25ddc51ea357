//! From the chain to a graph.

use std::collections::HashMap;

use super::times::align_times;
use super::{Graph, Key, Op, PlaceId, Term, Value};
use crate::controller::EditError;
use crate::plan::NodeId;

/// A link of the chain with its identity.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Node(NodeItem),
    Parallel {
        place: PlaceId,
        branches: Vec<BranchItem>,
    },
    Send {
        place: PlaceId,
        bus: String,
        gain: f32,
    },
    Bus {
        place: PlaceId,
        /// Names what comes back, where `place` names the sum.
        back: PlaceId,
        name: String,
        items: Vec<Item>,
    },
    /// A node that was removed and rings out: it gets silence, and what it gives is added.
    Ringing {
        place: PlaceId,
        back: PlaceId,
        id: NodeId,
        /// How much of it was heard.
        gain: f32,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct NodeItem {
    pub(crate) id: NodeId,
    pub(crate) wet: f32,
    pub(crate) bypassed: bool,
    pub(crate) side_chain: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct BranchItem {
    pub(crate) place: PlaceId,
    pub(crate) gain: f32,
    pub(crate) items: Vec<Item>,
}

/// What a graph needs to know of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeFacts {
    pub(crate) seat: usize,
    pub(crate) channels_out: usize,
    pub(crate) latency: u64,
    pub(crate) side_channels: usize,
}

/// Where nodes and alignment delays come from.
pub(crate) trait Supply {
    /// The node, ready for so many channels.
    fn node(&mut self, id: NodeId, channels: usize) -> Result<NodeFacts, EditError>;
    /// The seat of a delay of `frames` for a value of this key.
    fn delay(&mut self, source: Key, frames: u64, channels: usize) -> Result<usize, EditError>;
    /// Channels into the node as it is.
    fn channels_in(&self, id: NodeId) -> Option<usize>;
    /// Whether the node stands aside, and its place only delays as it does.
    fn is_parked(&self, id: NodeId) -> bool;
}

/// What a graph is built for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) channels_in: usize,
    /// `None` for what the chain gives.
    pub(crate) channels_out: Option<usize>,
    /// More go out where the chain gives more.
    pub(crate) is_whole: bool,
    /// Latency that the graph has at least.
    pub(crate) budget_frames: u64,
}

/// Builds the graph of a chain.
pub(crate) fn build(
    items: &[Item],
    frame: Frame,
    supply: &mut impl Supply,
) -> Result<Graph, EditError> {
    let mut builder = Builder {
        graph: Graph::default(),
        buses: HashMap::new(),
        supply,
    };
    let input = builder.graph.add(Op::Input, frame.channels_in);
    let output = builder.items(items, input)?;
    if let Some((bus, _)) = builder
        .buses
        .iter()
        .find(|(_, bus)| bus.used < bus.terms.len())
    {
        let bus = bus.clone();
        return Err(EditError::BusUnheard { bus });
    }
    let mut graph = builder.graph;
    let leave = graph.channels(output);
    let channels_out = match frame.channels_out {
        Some(least) if frame.is_whole => least.max(leave),
        given => given.unwrap_or(leave),
    };
    graph.output = graph.fit(output, channels_out);
    graph.leaving = leave;
    align_times(&graph, frame.budget_frames, supply)
}

#[derive(Default)]
struct Bus {
    terms: Vec<Term>,
    /// How many of them are heard where the bus was last used.
    used: usize,
    sum: Option<Value>,
    came_back: bool,
}

struct Builder<'a, S> {
    graph: Graph,
    buses: HashMap<String, Bus>,
    supply: &'a mut S,
}

impl<S: Supply> Builder<'_, S> {
    fn items(&mut self, items: &[Item], input: Value) -> Result<Value, EditError> {
        items
            .iter()
            .try_fold(input, |value, item| self.item(item, value))
    }

    fn item(&mut self, item: &Item, input: Value) -> Result<Value, EditError> {
        match item {
            Item::Node(node) => self.node(node, input),
            Item::Parallel { place, branches } => {
                let mut terms = Vec::with_capacity(branches.len());
                for branch in branches {
                    let value = self.items(&branch.items, input)?;
                    terms.push(Term {
                        place: branch.place,
                        value,
                        gain: branch.gain,
                    });
                }
                Ok(self.sum(*place, terms))
            }
            Item::Send { place, bus, gain } => {
                let bus = self.buses.entry(bus.clone()).or_default();
                bus.terms.push(Term {
                    place: *place,
                    value: input,
                    gain: *gain,
                });
                bus.sum = None;
                Ok(input)
            }
            Item::Bus {
                place,
                back,
                name,
                items,
            } => {
                let sum = self.bus(name)?;
                let bus = self.buses.get_mut(name);
                if bus.is_some_and(|bus| core::mem::replace(&mut bus.came_back, true)) {
                    let bus = name.clone();
                    return Err(EditError::BusTwice { bus });
                }
                let value = self.items(items, sum)?;
                Ok(self.add_to(*place, *back, input, value, 1.0))
            }
            // It was moved, and stands aside for a fade.
            Item::Ringing { id, .. } if self.supply.is_parked(*id) => Ok(input),
            Item::Ringing {
                place,
                back,
                id,
                gain,
            } => {
                // The number of channels it had, whatever comes before it now.
                let channels = self.supply.channels_in(*id);
                let channels = channels.unwrap_or(self.graph.channels(input));
                let silence = self.graph.add(Op::Hush { input }, channels);
                let facts = self.supply.node(*id, channels)?;
                let value = self.graph.add(
                    Op::Node {
                        seat: facts.seat,
                        id: *id,
                        input: silence,
                        side: None,
                        channels_in: channels,
                        latency: facts.latency,
                    },
                    facts.channels_out,
                );
                Ok(self.add_to(*place, *back, input, value, *gain))
            }
        }
    }

    fn node(&mut self, item: &NodeItem, input: Value) -> Result<Value, EditError> {
        let channels_in = self.graph.channels(input);
        let facts = self.supply.node(item.id, channels_in)?;
        let share = if item.bypassed { 0.0 } else { item.wet };
        if self.supply.is_parked(item.id) {
            if let Some(bus) = &item.side_chain {
                // It will be heard again.
                self.bus(bus)?;
            }
            // A node that only delays; its seat is found when paths are aligned.
            let delayed = self.graph.add(
                Op::Delay {
                    seat: 0,
                    input,
                    frames: facts.latency,
                },
                channels_in,
            );
            // As many channels as it gives with its dry share.
            let channels = match share >= 1.0 {
                true => facts.channels_out,
                false => facts.channels_out.max(channels_in),
            };
            return Ok(self.graph.fit(delayed, channels));
        }
        let side = match &item.side_chain {
            None => None,
            Some(bus) if facts.side_channels == 0 => {
                let bus = bus.clone();
                return Err(EditError::SideChainUnwanted { bus });
            }
            Some(bus) => {
                let sum = self.bus(bus)?;
                Some(self.graph.fit(sum, facts.side_channels))
            }
        };
        let value = self.graph.add(
            Op::Node {
                seat: facts.seat,
                id: item.id,
                input,
                side,
                channels_in,
                latency: facts.latency,
            },
            facts.channels_out,
        );
        if share >= 1.0 {
            return Ok(value);
        }
        let channels = channels_in.max(facts.channels_out);
        let (dry, wet) = (
            self.graph.fit(input, channels),
            self.graph.fit(value, channels),
        );
        let id = item.id;
        Ok(self.graph.add(
            Op::Mix {
                id,
                dry,
                wet,
                share,
            },
            channels,
        ))
    }

    /// The sum of all sends to a bus so far.
    fn bus(&mut self, name: &str) -> Result<Value, EditError> {
        let unknown = || EditError::BusSilent {
            bus: name.to_owned(),
        };
        let bus = self.buses.get_mut(name).ok_or_else(unknown)?;
        bus.used = bus.terms.len();
        if let Some(sum) = bus.sum {
            return Ok(sum);
        }
        let terms = bus.terms.clone();
        let sum = self.sum(terms[0].place, terms);
        if let Some(bus) = self.buses.get_mut(name) {
            bus.sum = Some(sum);
        }
        Ok(sum)
    }

    fn add_to(
        &mut self,
        place: PlaceId,
        back: PlaceId,
        main: Value,
        more: Value,
        gain: f32,
    ) -> Value {
        let term = |place, value, gain| Term { place, value, gain };
        self.sum(place, vec![term(place, main, 1.0), term(back, more, gain)])
    }

    fn sum(&mut self, place: PlaceId, mut terms: Vec<Term>) -> Value {
        let channels = terms
            .iter()
            .map(|term| self.graph.channels(term.value))
            .max();
        let channels = channels.unwrap_or(1);
        for term in &mut terms {
            term.value = self.graph.fit(term.value, channels);
        }
        self.graph.add(Op::Sum { place, terms }, channels)
    }
}
