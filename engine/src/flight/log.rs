//! The log of what was sent to a processor: edits and changes of parameters, in order.

use std::collections::{BTreeMap, HashSet, VecDeque};

use ossicle_dsp::settings::Settings;
use serde::{Deserialize, Serialize};

use crate::edit::{Outcome, Ticket};
use crate::graph::build::Item;
use crate::plan::NodeId;

/// Commands that are kept; where there are more, the oldest are taken into the beginning.
const MOST_ENTRIES: usize = 1 << 14;

/// What was called on the controller; several may be joined in one edit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Operation {
    Insert { node: u64, place: usize },
    Remove { node: u64 },
    RemoveRinging { node: u64 },
    Replace { node: u64, with: u64 },
    MoveTo { node: u64, place: usize },
    Bypass { node: u64, bypassed: bool },
    SetWet { node: u64, wet: f64 },
    SetChain,
}

/// A node as it was made.
#[derive(Clone, Debug)]
pub(crate) struct NodeLog {
    /// Nothing for a node of the caller's own.
    pub(crate) settings: Option<Settings>,
    /// Values that were set on it before it ran.
    pub(crate) early: Vec<(usize, f64)>,
    /// Stream position at which it began to run; all positions here are such.
    pub(crate) since: u64,
}

/// A command that was sent.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Edit(EditEntry),
    Set(SetEntry),
}

/// The chain changes to `items`.
#[derive(Clone, Debug)]
pub(crate) struct EditEntry {
    pub(crate) operations: Vec<Operation>,
    pub(crate) items: Vec<Item>,
    pub(crate) arrived: Vec<(NodeId, NodeLog)>,
    /// Frames from where the processor took it to its fade.
    pub(crate) hold_frames: u64,
    /// It was taken here or later.
    pub(crate) sent: u64,
    /// Frames from where it is taken until it is done.
    pub(crate) length_frames: u64,
    /// First frame of its fade, and the first behind all of it; nothing before it is answered.
    pub(crate) faded: Option<(u64, u64)>,
}

/// One parameter changes.
#[derive(Clone, Debug)]
pub(crate) struct SetEntry {
    pub(crate) ticket: Ticket,
    pub(crate) node: NodeId,
    pub(crate) parameter: usize,
    pub(crate) value: f64,
    /// Where it was answered, and whether it had an effect.
    pub(crate) answered: Option<(u64, bool)>,
}

/// Commands of the last minute, and the chain before them.
#[derive(Clone, Debug)]
pub(crate) struct FlightLog {
    /// Commands that were done before here, are in `items` and `nodes`.
    pub(crate) begin: u64,
    pub(crate) items: Vec<Item>,
    pub(crate) nodes: BTreeMap<NodeId, NodeLog>,
    pub(crate) entries: VecDeque<Entry>,
    /// Operations that wait to be sent.
    joined: Vec<Operation>,
}

impl EditEntry {
    /// Where the processor took it.
    pub(crate) fn taken(&self) -> Option<u64> {
        let (position, _) = self.faded?;
        Some(position.saturating_sub(self.hold_frames))
    }
}

impl Entry {
    /// Where it was answered.
    pub(crate) fn answered(&self) -> Option<u64> {
        match self {
            Self::Edit(edit) => edit.faded.map(|(_, end)| end),
            Self::Set(set) => set.answered.map(|(position, _)| position),
        }
    }
}

impl FlightLog {
    /// Begins with a chain that nothing was done to.
    pub(crate) fn new(items: Vec<Item>, nodes: BTreeMap<NodeId, NodeLog>) -> Self {
        Self {
            begin: 0,
            items,
            nodes,
            entries: VecDeque::new(),
            joined: Vec::new(),
        }
    }

    /// An operation that the next edit will hold.
    pub(crate) fn join(&mut self, operation: Operation) {
        self.joined.push(operation);
    }

    /// An edit was sent behind position `sent`: the chain becomes `items`. Each fade of it has so
    /// many frames before it.
    pub(crate) fn edit(
        &mut self,
        sent: u64,
        items: Vec<Item>,
        arrived: Vec<(NodeId, NodeLog)>,
        holds: &[u64],
        fade_frames: u64,
    ) {
        let operations = core::mem::take(&mut self.joined);
        self.entries.push_back(Entry::Edit(EditEntry {
            operations,
            items,
            arrived,
            hold_frames: holds.first().copied().unwrap_or(0),
            sent,
            length_frames: holds.iter().map(|hold| hold + fade_frames).sum(),
            faded: None,
        }));
        self.bound();
    }

    /// A change was sent.
    pub(crate) fn set(&mut self, entry: SetEntry) {
        self.entries.push_back(Entry::Set(entry));
        self.bound();
    }

    /// The edit on its way, or the change of this ticket, was answered.
    pub(crate) fn answer(&mut self, ticket: Ticket, outcome: Outcome) {
        if let Outcome::Edited { position, end, .. } = outcome {
            let waiting = self.entries.iter_mut().rev().find_map(|entry| match entry {
                Entry::Edit(edit) if edit.faded.is_none() => Some(edit),
                _ => None,
            });
            if let Some(edit) = waiting {
                edit.faded = Some((position, end));
            }
            return;
        }
        let (position, applied) = match outcome {
            Outcome::Applied { position } => (position, true),
            Outcome::Refused { position, .. } => (position, false),
            _ => return,
        };
        let waiting = self.entries.iter_mut().rev().find_map(|entry| match entry {
            Entry::Set(set) if set.ticket == ticket => Some(set),
            _ => None,
        });
        if let Some(set) = waiting {
            set.answered = Some((position, applied));
        }
    }

    /// Takes what was done before `position` into the beginning.
    pub(crate) fn forget_before(&mut self, position: u64) {
        self.begin = self.begin.max(position);
        let mut waiting = Vec::new();
        while let Some(entry) = self.entries.pop_front() {
            match (entry.answered(), &entry) {
                (Some(end), _) if end < self.begin => self.fold(entry),
                // It may wait for long, and has no part in what follows.
                (None, Entry::Set(_)) => waiting.push(entry),
                _ => {
                    self.entries.push_front(entry);
                    break;
                }
            }
        }
        for entry in waiting.into_iter().rev() {
            self.entries.push_front(entry);
        }
    }

    fn fold(&mut self, entry: Entry) {
        match entry {
            Entry::Set(set) => {
                let node = self.nodes.get_mut(&set.node);
                if let (Some((_, true)), Some(node)) = (set.answered, node)
                    && let Some(settings) = &mut node.settings
                {
                    // The value was checked when it was sent.
                    let _ = settings.set(set.parameter, set.value);
                }
            }
            Entry::Edit(edit) => {
                let since = edit.taken().unwrap_or(0);
                for (id, mut node) in edit.arrived {
                    node.since = since;
                    if let Some(settings) = &mut node.settings {
                        for (parameter, value) in node.early.drain(..) {
                            let _ = settings.set(parameter, value);
                        }
                    }
                    self.nodes.insert(id, node);
                }
                self.items = edit.items;
                let ids: HashSet<NodeId> = crate::controller::all_ids(&self.items)
                    .into_iter()
                    .collect();
                self.nodes.retain(|id, _| ids.contains(id));
            }
        }
    }

    /// Too many commands: the oldest that are done are forgotten early.
    fn bound(&mut self) {
        if self.entries.len() > MOST_ENTRIES {
            let half = self.entries.range(..MOST_ENTRIES / 2);
            let last = half.filter_map(Entry::answered).max();
            self.forget_before(last.map_or(self.begin, |last| last + 1));
        }
    }
}
