//! The chain as the control side holds it: links with identities, and changes of their order.

use ossicle_dsp::parts::decibel::amplitude;

use super::error::EditError;
use crate::chain::{Chain, Link, LinkNode, MIN_LEVEL_DB, NodeLink};
use crate::graph::PlaceId;
use crate::graph::build::{BranchItem, Item, NodeItem};
use crate::plan::NodeId;

/// Gives out numbers that are never used twice.
#[derive(Debug)]
pub(super) struct Ids(pub(super) u64);

impl Ids {
    pub(super) fn node(&mut self) -> NodeId {
        NodeId(self.next())
    }

    pub(super) fn place(&mut self) -> PlaceId {
        PlaceId(self.next())
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

/// The links of a chain with identities; its nodes go to `nodes`.
pub(super) fn plant(chain: Chain, ids: &mut Ids, nodes: &mut Vec<(NodeId, LinkNode)>) -> Vec<Item> {
    let links = chain.into_links();
    links
        .into_iter()
        .map(|link| plant_link(link, ids, nodes))
        .collect()
}

fn plant_link(link: Link, ids: &mut Ids, nodes: &mut Vec<(NodeId, LinkNode)>) -> Item {
    match link {
        Link::Node(link) => Item::Node(plant_node(link, ids.node(), nodes)),
        Link::Parallel(branches) => Item::Parallel {
            place: ids.place(),
            branches: branches
                .into_iter()
                .map(|branch| BranchItem {
                    place: ids.place(),
                    gain: gain(branch.level_db),
                    items: plant(branch.chain, ids, nodes),
                })
                .collect(),
        },
        Link::Send(send) => Item::Send {
            place: ids.place(),
            gain: gain(send.level_db),
            bus: send.bus,
        },
        Link::Bus(bus) => Item::Bus {
            place: ids.place(),
            back: ids.place(),
            name: bus.name,
            items: plant(bus.chain, ids, nodes),
        },
    }
}

/// One node as an item.
pub(super) fn plant_node(
    link: NodeLink,
    id: NodeId,
    nodes: &mut Vec<(NodeId, LinkNode)>,
) -> NodeItem {
    let NodeLink {
        node,
        wet,
        bypassed,
        side_chain,
    } = link;
    nodes.push((id, node));
    NodeItem {
        id,
        wet: wet as f32,
        bypassed,
        side_chain,
    }
}

fn gain(level_db: f64) -> f32 {
    if level_db <= MIN_LEVEL_DB {
        return 0.0;
    }
    amplitude(level_db) as f32
}

/// The nodes in the order in which they are written, without those that ring out.
pub(super) fn node_ids(items: &[Item]) -> Vec<NodeId> {
    let mut ids = Vec::new();
    visit(items, &mut |item| {
        if let Item::Node(node) = item {
            ids.push(node.id);
        }
    });
    ids
}

/// The place of a node in the order in which the chain is written, from 0.
pub(super) fn place_of(items: &[Item], id: NodeId) -> Option<usize> {
    node_ids(items).iter().position(|known| *known == id)
}

/// All nodes, those that ring out too.
pub(crate) fn all_ids(items: &[Item]) -> Vec<NodeId> {
    let mut ids = Vec::new();
    visit(items, &mut |item| match item {
        Item::Node(NodeItem { id, .. }) | Item::Ringing { id, .. } => ids.push(*id),
        _ => {}
    });
    ids
}

fn visit<'a>(items: &'a [Item], seen: &mut impl FnMut(&'a Item)) {
    for item in items {
        seen(item);
        match item {
            Item::Parallel { branches, .. } => {
                for branch in branches {
                    visit(&branch.items, seen);
                }
            }
            Item::Bus { items, .. } => visit(items, seen),
            Item::Node(_) | Item::Send { .. } | Item::Ringing { .. } => {}
        }
    }
}

/// Changes the list that holds the node, at its place there. Says whether the node was found.
pub(super) fn at_node(
    items: &mut Vec<Item>,
    id: NodeId,
    change: &mut dyn FnMut(&mut Vec<Item>, usize),
) -> bool {
    let is_it = |item: &Item| matches!(item, Item::Node(node) if node.id == id);
    if let Some(place) = items.iter().position(is_it) {
        change(items, place);
        return true;
    }
    items.iter_mut().any(|item| match item {
        Item::Parallel { branches, .. } => branches
            .iter_mut()
            .any(|branch| at_node(&mut branch.items, id, change)),
        Item::Bus { items, .. } => at_node(items, id, change),
        Item::Node(_) | Item::Send { .. } | Item::Ringing { .. } => false,
    })
}

/// Puts an item before the node at `place`, or at the end.
pub(super) fn insert(items: &mut Vec<Item>, place: usize, item: Item) -> Result<(), EditError> {
    let ids = node_ids(items);
    let nodes = ids.len();
    if place == nodes {
        items.push(item);
        return Ok(());
    }
    let asked = place;
    let before = ids
        .get(place)
        .ok_or(EditError::PlaceUnknown { asked, nodes })?;
    let mut item = Some(item);
    at_node(items, *before, &mut |list, at| {
        if let Some(item) = item.take() {
            list.insert(at, item);
        }
    });
    Ok(())
}

/// Takes nodes out that have rung out.
pub(super) fn forget_ringing(items: &mut Vec<Item>, is_over: &dyn Fn(NodeId) -> bool) {
    items.retain(|item| !matches!(item, Item::Ringing { id, .. } if is_over(*id)));
    for item in items {
        match item {
            Item::Parallel { branches, .. } => {
                for branch in branches {
                    forget_ringing(&mut branch.items, is_over);
                }
            }
            Item::Bus { items, .. } => forget_ringing(items, is_over),
            Item::Node(_) | Item::Send { .. } | Item::Ringing { .. } => {}
        }
    }
}
