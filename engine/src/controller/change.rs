//! Changes of parameters.

use super::error::EditError;
use super::{Controller, WAITING, tree};
use crate::edit::{Change, Ticket};
use crate::event::ParameterEvent;
use crate::plan::NodeId;

impl Controller {
    /// Sets a parameter, from text as in a chain: `set(node, "gain", "-6dB", 0)`.
    ///
    /// It takes effect on the frame at position `at`, or at once when that has passed. A node that
    /// an edit makes anew for another number of channels begins with the values that were last set,
    /// also where their position has not come.
    ///
    /// # Errors
    /// The node is unknown, the value is wrong, the parameter is structural, or the ring is full.
    pub fn set(
        &mut self,
        node: NodeId,
        parameter: &str,
        value: &str,
        at: u64,
    ) -> Result<Ticket, EditError> {
        let held = self.nodes.get(&node).ok_or(EditError::NodeUnknown)?;
        let Some(settings) = &held.settings else {
            return Err(EditError::OwnNodeText);
        };
        let number = settings.effect().number(parameter)?;
        let mut read = settings.clone();
        read.set_text(parameter, value)?;
        self.set_value(node, number, read.value(number), at)
    }

    /// Sets parameter `number` of a node to `value` in its unit, on the frame at position `at`.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn set_value(
        &mut self,
        node: NodeId,
        number: usize,
        value: f64,
        at: u64,
    ) -> Result<Ticket, EditError> {
        self.turn();
        let ticket = Ticket(self.next_ticket);
        let is_waiting = self.waiting.iter().any(|change| change.id == node);
        let held = self.nodes.get(&node).ok_or(EditError::NodeUnknown)?;
        let settings = held.changed(number, value)?;
        let change = Change {
            ticket,
            at,
            id: node,
            seat: held.seat().or(held.before).unwrap_or(0),
            parameter: number,
            value,
        };
        if (held.seat().is_some() || held.before.is_some()) && !is_waiting {
            self.push_change(change)?;
            // What replaces the node under its name begins with the value.
            if let Some(held) = self.nodes.get_mut(&node) {
                held.set_early(number, value);
            }
        } else if self.waiting.len() < WAITING {
            self.waiting.push_back(change);
        } else {
            return Err(EditError::Busy { waiting: WAITING });
        }
        self.next_ticket += 1;
        if let Some(held) = self.nodes.get_mut(&node) {
            held.settings = settings.or(held.settings.take());
        }
        Ok(ticket)
    }

    /// Checks an event as [`send_event`](Self::send_event) does, and sends nothing.
    ///
    /// # Errors
    /// The place is unknown, the value is wrong, or the parameter is structural.
    pub fn check_event(&self, event: &ParameterEvent) -> Result<(), EditError> {
        let id = self.node_at(event.node)?;
        let held = self.nodes.get(&id).ok_or(EditError::NodeUnknown)?;
        held.changed(event.parameter, event.value).map(|_| ())
    }

    /// Sends an event whose place counts in the chain as it is now.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn send_event(&mut self, event: &ParameterEvent) -> Result<Ticket, EditError> {
        let id = self.node_at(event.node)?;
        self.set_value(id, event.parameter, event.value, event.at)
    }

    fn node_at(&self, asked: usize) -> Result<NodeId, EditError> {
        let ids = tree::node_ids(&self.items);
        let nodes = ids.len();
        ids.get(asked)
            .copied()
            .ok_or(EditError::PlaceUnknown { asked, nodes })
    }
}
