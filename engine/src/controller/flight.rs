//! What the flight recorder sees of a controller, and how a flight is flown again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::EditError;
use super::{COMMANDS, Controller};
use crate::chain::LinkNode;
use crate::edit::{Change, Command, Ticket};
use crate::flight::log::{FlightLog, NodeLog, SetEntry};
use crate::graph::build::Item;
use crate::plan::NodeId;
use crate::processor::{Processor, ProcessorSpec};

/// The log of a controller, shared with whoever reads it.
pub(crate) type SharedLog = Arc<Mutex<FlightLog>>;

impl Controller {
    /// From now on everything that is sent is logged too.
    pub(crate) fn keep_log(&mut self) -> SharedLog {
        let nodes: BTreeMap<NodeId, NodeLog> = self
            .nodes
            .iter()
            .map(|(&id, held)| (id, held.log()))
            .collect();
        let log = Arc::new(Mutex::new(FlightLog::new(self.items.clone(), nodes)));
        self.log = Some(log.clone());
        log
    }

    /// Writes to the log, if there is one.
    pub(super) fn log(&self, write: impl FnOnce(&mut FlightLog)) {
        if let Some(log) = &self.log {
            write(&mut log.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Sends a change, and logs it.
    pub(super) fn push_change(&mut self, change: Change) -> Result<(), EditError> {
        self.commands
            .push(Command::Set(change))
            .map_err(|_| EditError::Busy { waiting: COMMANDS })?;
        self.log(|log| {
            log.set(SetEntry {
                ticket: change.ticket,
                node: change.id,
                parameter: change.parameter,
                value: change.value,
                answered: None,
            });
        });
        Ok(())
    }

    /// A processor and its controller in the midst of a flight, at `position` of it.
    ///
    /// # Errors
    /// A value or a node that does not fit `spec`.
    pub(crate) fn resumed(
        items: Vec<Item>,
        nodes: BTreeMap<NodeId, NodeLog>,
        position: u64,
        spec: ProcessorSpec,
    ) -> Result<(Self, Processor), EditError> {
        Self::begun(
            spec,
            |_, links| {
                links.extend(made(&nodes));
                items
            },
            |controller| {
                for (id, node) in &nodes {
                    controller.set_early(*id, node);
                    let held = controller.nodes.get_mut(id);
                    if let Some(seat) = held.and_then(|held| held.waiting.as_mut()) {
                        seat.since_reset = position.saturating_sub(node.since);
                    }
                }
            },
            false,
        )
    }

    /// Sends an edit of a flight again. Nothing else may be on its way.
    ///
    /// # Errors
    /// As when it was sent first.
    pub(crate) fn edit_again(
        &mut self,
        items: Vec<Item>,
        arrived: Vec<(NodeId, NodeLog)>,
    ) -> Result<(), EditError> {
        self.turn();
        let arrived: BTreeMap<NodeId, NodeLog> = arrived.into_iter().collect();
        self.want(items, made(&arrived).collect())?;
        for (id, node) in &arrived {
            self.set_early(*id, node);
        }
        self.joined.push(Ticket(self.next_ticket));
        self.next_ticket += 1;
        self.send_edit();
        Ok(())
    }

    /// Sends a change of a flight again.
    ///
    /// # Errors
    /// The ring is full.
    pub(crate) fn set_again(
        &mut self,
        node: NodeId,
        parameter: usize,
        value: f64,
        at: u64,
    ) -> Result<(), EditError> {
        let held = self.nodes.get(&node);
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.push_change(Change {
            ticket,
            at,
            id: node,
            seat: held
                .and_then(|held| held.seat().or(held.before))
                .unwrap_or(0),
            parameter,
            value,
        })
    }

    fn set_early(&mut self, id: NodeId, node: &NodeLog) {
        let held = self.nodes.get_mut(&id);
        if let Some(seat) = held.and_then(|held| held.waiting.as_mut()) {
            for &(parameter, value) in &node.early {
                seat.node.set(parameter, value);
            }
        }
    }
}

/// The nodes that can be made again.
fn made(nodes: &BTreeMap<NodeId, NodeLog>) -> impl Iterator<Item = (NodeId, LinkNode)> + '_ {
    nodes.iter().filter_map(|(id, node)| {
        let settings = node.settings.clone()?;
        Some((*id, LinkNode::Effect(settings)))
    })
}
