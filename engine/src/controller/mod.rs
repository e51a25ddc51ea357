//! The control side of a processor: edits and parameter changes in, answers out, rubbish freed.

mod change;
mod error;
mod flight;
mod nodes;
mod ringing;
mod send;
mod tree;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use ossicle_dsp::settings::Settings;
use ossicle_io::ring::touched;
use rtrb::{Consumer, Producer, RingBuffer};

use crate::chain::{Chain, LinkNode, NodeLink};
use crate::counters::Counters;
use crate::edit::{Answer, Change, Command, FaultReport, NodeFault, Return, Ticket};
use crate::flight::log::Operation;
use crate::graph::Graph;
use crate::graph::build::Item;
use crate::graph::lower::lower;
use crate::plan::{NodeId, SEATS};
use crate::processor::{Processor, ProcessorSpec, Rings};
pub use error::EditError;
pub(crate) use flight::SharedLog;
use nodes::{DelayKey, Held};
use ringing::Ringing;
use tree::Ids;
pub(crate) use tree::all_ids;

/// Commands that may be on their way to the processor.
const COMMANDS: usize = 1024;
/// Answers that may be on their way back.
const RETURNS: usize = 2048;
/// Faults of nodes that may be on their way back.
const FAULTS: usize = 64;
/// Edits that may be joined while one is on its way, and changes that may wait for their node.
const WAITING: usize = 1024;

/// Edits a running chain, from any ordinary thread, without a click and without waiting.
///
/// One edit is on its way at a time. Those that are made meanwhile are joined, and go out when the
/// answer to the one before is read: so call [`answer`](Self::answer) now and then. That also frees
/// what edits replaced, and with 2048 answers unread nothing more is taken.
///
/// Nodes have places in the order in which the chain is written, from 0, those in branches and
/// behind buses included.
pub struct Controller {
    spec: ProcessorSpec,
    is_whole: bool,
    ids: Ids,
    /// The chain as it will be.
    items: Vec<Item>,
    nodes: BTreeMap<NodeId, Held>,
    latency_frames: u64,
    /// The chain as it is once the edit on its way is done.
    live_items: Vec<Item>,
    live: Graph,
    delays: HashMap<DelayKey, usize>,
    free_seats: Vec<usize>,
    pool_planes: usize,
    on_its_way: Option<OnItsWay>,
    /// Edits that wait until it is done.
    joined: Vec<Ticket>,
    is_changed: bool,
    /// Changes of parameters whose nodes were not sent yet.
    waiting: VecDeque<Change>,
    /// Nodes that ring out: when they will be silent, and the position from which that counts.
    ringing: BTreeMap<NodeId, Ringing>,
    outbox: VecDeque<Answer>,
    next_ticket: u64,
    commands: Producer<Command>,
    returns: Consumer<Return>,
    faults: Consumer<FaultReport>,
    counters: Arc<Counters>,
    log: Option<SharedLog>,
}

/// An edit that was sent.
struct OnItsWay {
    ticket: Ticket,
    /// Earlier edits that were joined with it.
    joined: Vec<Ticket>,
    /// Seats that get free with its answer.
    leaving: Vec<usize>,
    /// Nodes that ring out from its end on, if they do not already.
    ringing: Vec<NodeId>,
}

impl Controller {
    /// Makes a processor that runs `chain`, and its control side. From the first on, the process
    /// prints nothing when a real-time thread panics.
    ///
    /// # Errors
    /// A value or a node that does not fit `spec`.
    pub fn new(chain: Chain, spec: ProcessorSpec) -> Result<(Self, Processor), EditError> {
        Self::of(chain, spec, false)
    }

    /// As [`new`](Self::new); if `is_whole`, at least `channels_out`, and all that leaves the chain.
    pub(crate) fn of(
        chain: Chain,
        spec: ProcessorSpec,
        is_whole: bool,
    ) -> Result<(Self, Processor), EditError> {
        let plant = |ids: &mut Ids, links: &mut Vec<_>| tree::plant(chain, ids, links);
        Self::begun(spec, plant, |_| (), is_whole)
    }

    /// With the items that `plant` gives, whose nodes it puts into a list; `ready` sees the
    /// controller before its nodes go to the processor.
    fn begun(
        mut spec: ProcessorSpec,
        plant: impl FnOnce(&mut Ids, &mut Vec<(NodeId, LinkNode)>) -> Vec<Item>,
        ready: impl FnOnce(&mut Self),
        is_whole: bool,
    ) -> Result<(Self, Processor), EditError> {
        crate::panics::silence_real_time_threads();
        let counts = [
            (spec.sample_rate_hz as usize, "the sample rate"),
            (spec.max_block_frames, "the block length"),
            (spec.channels_in, "the number of input channels"),
            (
                spec.channels_out.unwrap_or(1),
                "the number of output channels",
            ),
        ];
        if let Some((_, what)) = counts.into_iter().find(|(count, _)| *count == 0) {
            return Err(EditError::Zero { what });
        }
        let (commands, command_reader) = RingBuffer::new(COMMANDS);
        let (return_writer, returns) = touched(RETURNS, Return::empty);
        let (fault_writer, faults) = touched(FAULTS, FaultReport::empty);
        let mut controller = Self {
            spec,
            is_whole,
            ids: Ids(0),
            items: Vec::new(),
            nodes: BTreeMap::new(),
            latency_frames: 0,
            live_items: Vec::new(),
            live: Graph::default(),
            delays: HashMap::new(),
            free_seats: (0..SEATS).rev().collect(),
            pool_planes: 0,
            on_its_way: None,
            joined: Vec::new(),
            is_changed: false,
            waiting: VecDeque::new(),
            ringing: BTreeMap::new(),
            outbox: VecDeque::new(),
            next_ticket: 1,
            commands,
            returns,
            faults,
            counters: Arc::new(Counters::new(1)),
            log: None,
        };
        let mut links = Vec::new();
        let items = plant(&mut controller.ids, &mut links);
        controller.want(items, links)?;
        ready(&mut controller);
        let (graph, arriving) = controller.first_graph()?;
        let plan = lower(&graph, spec.channels_in);
        spec.channels_out = spec.channels_out.filter(|_| !is_whole);
        controller.pool_planes = plan.planes;
        controller.live = graph;
        controller.live_items.clone_from(&controller.items);
        controller.is_changed = false;
        let rings = Rings {
            commands: command_reader,
            returns: return_writer,
            faults: fault_writer,
        };
        let processor = Processor::new(&spec, plan, arriving, rings);
        controller.spec.channels_out = Some(processor.channels_out());
        controller.is_whole = false;
        controller.counters = processor.counters().clone();
        Ok((controller, processor))
    }

    /// The nodes of the chain as it will be when all edits are applied, in order, each with the
    /// values that were last set. Nodes of the caller's own have none.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, Option<&Settings>)> {
        tree::node_ids(&self.items).into_iter().map(|id| {
            let held = self.nodes.get(&id);
            (id, held.and_then(|held| held.settings.as_ref()))
        })
    }

    /// Channels that leave the chain as it is, whether they go out or not.
    pub(crate) fn leaving_channels(&self) -> usize {
        self.live.leaving
    }

    /// Latency in frames of the chain as it will be when all edits are applied.
    pub fn latency_frames(&self) -> u64 {
        self.latency_frames
    }

    /// What a node takes of the time its sound lasts, in per cent, when it was last measured: in one
    /// call of 64, and in those behind a call that took too long. `None` before that.
    pub fn load_percent(&self, node: NodeId) -> Option<f64> {
        let seat = self.nodes.get(&node)?.seat()?;
        let cost = &self.counters.seat_costs()[seat];
        let ps = cost.load(std::sync::atomic::Ordering::Relaxed);
        (ps > 0).then(|| ps as f64 * 1e-12 * f64::from(self.spec.sample_rate_hz) * 100.0)
    }

    /// Puts a node before the node at `place`, or at the end of the chain.
    ///
    /// # Errors
    /// The place is unknown, the node does not fit, or too many edits wait. Nothing has changed
    /// then.
    pub fn insert(
        &mut self,
        place: usize,
        node: impl Into<NodeLink>,
    ) -> Result<(NodeId, Ticket), EditError> {
        self.turn();
        let (mut items, mut links) = (self.items.clone(), Vec::new());
        let id = self.ids.node();
        let item = Item::Node(tree::plant_node(node.into(), id, &mut links));
        tree::insert(&mut items, place, item)?;
        let operation = Operation::Insert { node: id.0, place };
        Ok((id, self.edit(items, links, operation)?))
    }

    /// Takes a node out.
    ///
    /// # Errors
    /// The node is unknown, what follows it does not fit, or too many edits wait.
    pub fn remove(&mut self, node: NodeId) -> Result<Ticket, EditError> {
        let items = self.changed_at(node, &mut |list, at| drop(list.remove(at)))?;
        self.edit(items, Vec::new(), Operation::Remove { node: node.0 })
    }

    /// Puts a new node in the place of another.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub fn replace(
        &mut self,
        node: NodeId,
        with: impl Into<NodeLink>,
    ) -> Result<(NodeId, Ticket), EditError> {
        let mut links = Vec::new();
        let id = self.ids.node();
        let item = tree::plant_node(with.into(), id, &mut links);
        let items = self.changed_at(node, &mut |list, at| list[at] = Item::Node(item.clone()))?;
        let (node, with) = (node.0, id.0);
        Ok((
            id,
            self.edit(items, links, Operation::Replace { node, with })?,
        ))
    }

    /// Moves a node so that it is the one at `place`; its state goes with it. Where it cannot be at
    /// both places at once, there are two fades: one without it, and one that brings it back.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub fn move_to(&mut self, node: NodeId, place: usize) -> Result<Ticket, EditError> {
        let nodes = tree::node_ids(&self.items).len();
        if place >= nodes {
            let asked = place;
            return Err(EditError::PlaceUnknown { asked, nodes });
        }
        let mut taken = None;
        let mut items = self.changed_at(node, &mut |list, at| taken = Some(list.remove(at)))?;
        if let Some(item) = taken {
            tree::insert(&mut items, place, item)?;
        }
        let node = node.0;
        self.edit(items, Vec::new(), Operation::MoveTo { node, place })
    }

    /// Passes a node by, or lets it be heard again. It runs on meanwhile, and the latency stays.
    ///
    /// # Errors
    /// The node is unknown, or too many edits wait.
    pub fn bypass(&mut self, node: NodeId, bypassed: bool) -> Result<Ticket, EditError> {
        let items = self.changed_at(node, &mut |list, at| {
            if let Item::Node(node) = &mut list[at] {
                node.bypassed = bypassed;
            }
        })?;
        let node = node.0;
        self.edit(items, Vec::new(), Operation::Bypass { node, bypassed })
    }

    /// Sets how much of a node is heard, 0 to 1: `dry + wet (node - dry)`.
    ///
    /// # Errors
    /// The node is unknown, the share out of range, or too many edits wait.
    pub fn set_wet(&mut self, node: NodeId, wet: f64) -> Result<Ticket, EditError> {
        if !(0.0..=1.0).contains(&wet) {
            return Err(EditError::ShareOutOfRange { asked: wet });
        }
        let items = self.changed_at(node, &mut |list, at| {
            if let Item::Node(node) = &mut list[at] {
                node.wet = wet as f32;
            }
        })?;
        let node = node.0;
        self.edit(items, Vec::new(), Operation::SetWet { node, wet })
    }

    /// Puts another chain in the place of the whole.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub fn set_chain(&mut self, chain: Chain) -> Result<Ticket, EditError> {
        self.turn();
        let mut links = Vec::new();
        let items = tree::plant(chain, &mut self.ids, &mut links);
        self.edit(items, links, Operation::SetChain)
    }

    /// The next answer, if one has come; frees what the edit replaced, and sends the edits that
    /// waited for it.
    pub fn answer(&mut self) -> Option<Answer> {
        self.turn();
        self.outbox.pop_front()
    }

    /// The next fault of a node, if there was one.
    pub fn fault(&mut self) -> Option<NodeFault> {
        self.faults.pop().ok().map(|report| report.fault)
    }

    /// Faults of nodes that found no room on their way here and were forgotten, so far.
    pub fn untold_faults(&self) -> u64 {
        let untold = &self.counters.untold_faults;
        untold.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// The chain with a change of the list in which the node stands.
    fn changed_at(
        &mut self,
        node: NodeId,
        change: &mut dyn FnMut(&mut Vec<Item>, usize),
    ) -> Result<Vec<Item>, EditError> {
        self.turn();
        let mut items = self.items.clone();
        if !tree::at_node(&mut items, node, change) {
            return Err(EditError::NodeUnknown);
        }
        Ok(items)
    }
}

impl core::fmt::Debug for Controller {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_struct("Controller")
            .field("nodes", &tree::node_ids(&self.items))
            .finish_non_exhaustive()
    }
}
