//! The form of `flight.json`.

use std::collections::BTreeMap;

use ossicle_dsp::settings::Settings;
use serde::{Deserialize, Serialize};

use super::log::{EditEntry, Entry, FlightLog, NodeLog, Operation, SetEntry};
use crate::chain::{
    Branch, BusLink, Chain, Link, LinkNode, MAX_LEVEL_DB, MIN_LEVEL_DB, NodeLink, SendLink,
};
use crate::graph::PlaceId;
use crate::graph::build::{BranchItem, Item, NodeItem};
use crate::plan::NodeId;

/// Version of the form that is written, and the newest that is read.
pub(super) const VERSION: u64 = 1;

/// `flight.json`. All positions are those of the stream, in frames, lost ones included.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) version: u64,
    /// The program that wrote it.
    pub(super) program: String,
    /// Why it was written.
    pub(super) cause: String,
    pub(super) host: String,
    pub(super) input_device: Option<String>,
    pub(super) output_device: Option<String>,
    pub(super) buffer_frames: u32,
    pub(super) sample_rate_hz: u32,
    pub(super) channels_in: usize,
    pub(super) channels_out: usize,
    pub(super) max_block_frames: usize,
    pub(super) latency_budget_frames: u64,
    /// Callbacks since the session began that were not kept, because nobody read the rings.
    pub(super) dropped_callbacks: u64,
    /// Where they were in the window: first frame and number of frames, in frames processed. The
    /// input has silence there.
    pub(super) gaps: Vec<[u64; 2]>,
    pub(super) begin: BeginForm,
    pub(super) commands: Vec<CommandForm>,
}

/// The chain as the window begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct BeginForm {
    /// 0 where the session began here.
    pub(super) position: u64,
    /// For people; nothing where a node is the caller's own.
    pub(super) chain: Option<String>,
    pub(super) items: Vec<ItemForm>,
    pub(super) nodes: Vec<NodeForm>,
}

/// A node as it was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct NodeForm {
    pub(super) id: u64,
    /// The effect as in a chain; nothing for a node of the caller's own.
    pub(super) effect: Option<String>,
    /// Number and value of what was set before it ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) early: Vec<(usize, String)>,
    /// Where it began to run; of no meaning in a command.
    #[serde(default)]
    pub(super) since: u64,
}

/// A command in the order in which it was sent. What has no position was not answered yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum CommandForm {
    Edit {
        operations: Vec<Operation>,
        /// First frame of the fade, and the first behind it.
        fade: Option<[u64; 2]>,
        /// Frames from where it was taken to its fade, lost ones not counted.
        hold_frames: u64,
        /// It was taken here or later.
        sent: u64,
        /// Frames from where it is taken until it is done.
        length_frames: u64,
        /// For people: the chain from here on.
        chain: Option<String>,
        items: Vec<ItemForm>,
        /// The nodes that came.
        nodes: Vec<NodeForm>,
    },
    Set {
        node: u64,
        parameter: usize,
        /// In the unit of the parameter's table.
        value: String,
        /// For people: `gain=-6dB`.
        text: Option<String>,
        /// The first frame with the value, or where it was refused.
        at: Option<u64>,
        /// It had an effect.
        applied: bool,
    },
}

/// A link of the chain with the numbers by which it is known.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ItemForm {
    Node {
        id: u64,
        wet: f64,
        bypassed: bool,
        side_chain: Option<String>,
    },
    Parallel {
        place: u64,
        branches: Vec<BranchForm>,
    },
    Send {
        place: u64,
        bus: String,
        gain: f64,
    },
    Bus {
        place: u64,
        back: u64,
        name: String,
        items: Vec<ItemForm>,
    },
    Ringing {
        place: u64,
        back: u64,
        id: u64,
        gain: f32,
    },
}

/// A branch; its gain is linear.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct BranchForm {
    place: u64,
    gain: f64,
    items: Vec<ItemForm>,
}

impl ItemForm {
    /// Singles are written as doubles: those are read to the bit.
    fn of(item: &Item) -> Self {
        match item {
            Item::Node(node) => Self::Node {
                id: node.id.0,
                wet: f64::from(node.wet),
                bypassed: node.bypassed,
                side_chain: node.side_chain.clone(),
            },
            Item::Parallel { place, branches } => Self::Parallel {
                place: place.0,
                branches: branches
                    .iter()
                    .map(|branch| BranchForm {
                        place: branch.place.0,
                        gain: f64::from(branch.gain),
                        items: forms(&branch.items),
                    })
                    .collect(),
            },
            Item::Send { place, bus, gain } => Self::Send {
                place: place.0,
                bus: bus.clone(),
                gain: f64::from(*gain),
            },
            Item::Bus {
                place,
                back,
                name,
                items,
            } => Self::Bus {
                place: place.0,
                back: back.0,
                name: name.clone(),
                items: forms(items),
            },
            Item::Ringing {
                place,
                back,
                id,
                gain,
            } => Self::Ringing {
                place: place.0,
                back: back.0,
                id: id.0,
                gain: *gain,
            },
        }
    }

    fn item(self) -> Item {
        match self {
            Self::Node {
                id,
                wet,
                bypassed,
                side_chain,
            } => Item::Node(NodeItem {
                id: NodeId(id),
                wet: wet as f32,
                bypassed,
                side_chain,
            }),
            Self::Parallel { place, branches } => Item::Parallel {
                place: PlaceId(place),
                branches: branches
                    .into_iter()
                    .map(|branch| BranchItem {
                        place: PlaceId(branch.place),
                        gain: branch.gain as f32,
                        items: items(branch.items),
                    })
                    .collect(),
            },
            Self::Send { place, bus, gain } => Item::Send {
                place: PlaceId(place),
                bus,
                gain: gain as f32,
            },
            Self::Bus {
                place,
                back,
                name,
                items: inside,
            } => Item::Bus {
                place: PlaceId(place),
                back: PlaceId(back),
                name,
                items: items(inside),
            },
            Self::Ringing {
                place,
                back,
                id,
                gain,
            } => Item::Ringing {
                place: PlaceId(place),
                back: PlaceId(back),
                id: NodeId(id),
                gain,
            },
        }
    }
}

fn forms(items: &[Item]) -> Vec<ItemForm> {
    items.iter().map(ItemForm::of).collect()
}

/// The links that forms stand for.
pub(super) fn items(forms: Vec<ItemForm>) -> Vec<Item> {
    forms.into_iter().map(ItemForm::item).collect()
}

impl NodeForm {
    fn of(id: NodeId, node: &NodeLog) -> Self {
        let early = node.early.iter();
        Self {
            id: id.0,
            effect: node.settings.as_ref().and_then(effect_text),
            early: early.map(|(n, value)| (*n, value.to_string())).collect(),
            since: node.since,
        }
    }
}

fn effect_text(settings: &Settings) -> Option<String> {
    let mut chain = Chain::new();
    chain.push_effect(settings.clone()).ok()?;
    chain.to_text().ok()
}

/// The values each node has as the commands go on.
type Values = BTreeMap<NodeId, Settings>;

/// The beginning and the commands of a log.
pub(super) fn of_log(log: &FlightLog) -> (BeginForm, Option<Chain>, Vec<CommandForm>) {
    let mut values: Values = settings(log.nodes.iter().map(|(id, node)| (*id, node)));
    let chain = chain(&log.items, &values);
    let begin = BeginForm {
        position: log.begin,
        chain: chain.as_ref().and_then(|chain| chain.to_text().ok()),
        items: forms(&log.items),
        nodes: log
            .nodes
            .iter()
            .map(|(id, node)| NodeForm::of(*id, node))
            .collect(),
    };
    let commands = log.entries.iter().map(|entry| match entry {
        Entry::Edit(edit) => edit_form(edit, &mut values),
        Entry::Set(set) => set_form(set, &mut values),
    });
    let commands = commands.collect();
    (begin, chain, commands)
}

fn settings<'a>(nodes: impl Iterator<Item = (NodeId, &'a NodeLog)>) -> Values {
    nodes
        .filter_map(|(id, node)| {
            let mut settings = node.settings.clone()?;
            for &(number, value) in &node.early {
                // It was checked when it was set.
                let _ = settings.set(number, value);
            }
            Some((id, settings))
        })
        .collect()
}

fn edit_form(edit: &EditEntry, values: &mut Values) -> CommandForm {
    values.extend(settings(edit.arrived.iter().map(|(id, node)| (*id, node))));
    let arrived = edit.arrived.iter();
    CommandForm::Edit {
        operations: edit.operations.clone(),
        hold_frames: edit.hold_frames,
        fade: edit.faded.map(|(begin, end)| [begin, end]),
        sent: edit.sent,
        length_frames: edit.length_frames,
        chain: chain(&edit.items, values).and_then(|chain| chain.to_text().ok()),
        items: forms(&edit.items),
        nodes: arrived.map(|(id, node)| NodeForm::of(*id, node)).collect(),
    }
}

fn set_form(set: &SetEntry, values: &mut Values) -> CommandForm {
    let text = values.get_mut(&set.node).and_then(|settings| {
        settings.set(set.parameter, set.value).ok()?;
        let row = settings.effect().parameters.get(set.parameter)?;
        let value = ossicle_dsp::parameter::print(row, set.value);
        Some(format!("{}={value}", row.id))
    });
    CommandForm::Set {
        node: set.node.0,
        parameter: set.parameter,
        value: set.value.to_string(),
        text,
        at: set.answered.map(|(position, _)| position),
        applied: set.answered.is_some_and(|(_, applied)| applied),
    }
}

/// The chain as people write it, its levels and shares rounded; nothing where a node is the caller's
/// own. Nodes that ring out are left out.
fn chain(items: &[Item], values: &Values) -> Option<Chain> {
    let mut chain = Chain::new();
    for item in items {
        let link = match item {
            Item::Node(node) => Link::Node(NodeLink {
                node: LinkNode::Effect(values.get(&node.id)?.clone()),
                wet: rounded(f64::from(node.wet)),
                bypassed: node.bypassed,
                side_chain: node.side_chain.clone(),
            }),
            Item::Parallel { branches, .. } => {
                let branches = branches.iter().map(|branch| {
                    Some(Branch {
                        chain: self::chain(&branch.items, values)?,
                        level_db: level_db(branch.gain),
                    })
                });
                Link::Parallel(branches.collect::<Option<_>>()?)
            }
            Item::Send { bus, gain, .. } => Link::Send(SendLink {
                bus: bus.clone(),
                level_db: level_db(*gain),
            }),
            Item::Bus { name, items, .. } => Link::Bus(BusLink {
                name: name.clone(),
                chain: self::chain(items, values)?,
            }),
            Item::Ringing { .. } => continue,
        };
        chain.push(link).ok()?;
    }
    Some(chain)
}

fn level_db(gain: f32) -> f64 {
    let level = 20.0 * f64::from(gain).log10();
    // Not minus nothing: that would be written.
    rounded(level.clamp(MIN_LEVEL_DB, MAX_LEVEL_DB)) + 0.0
}

/// To a hundred thousandth: more than singles hold, and nothing people would write.
fn rounded(value: f64) -> f64 {
    (value * 1e5).round() / 1e5
}
