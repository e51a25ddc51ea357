//! The commands of a flight in the order in which they are sent again.

use std::collections::VecDeque;
use std::path::Path;

use super::dump::HEAD;
use super::form::{self, CommandForm, NodeForm};
use super::log::NodeLog;
use super::{CallbackRecord, Flight, FlightError, Stopped};
use crate::chain::{Chain, Link, LinkNode};
use crate::graph::build::Item;
use crate::plan::NodeId;

/// A command, and where it is sent.
pub(super) struct Step {
    pub(super) at: u64,
    pub(super) todo: Todo,
}

pub(super) enum Todo {
    Edit {
        items: Vec<Item>,
        arrived: Vec<(NodeId, NodeLog)>,
    },
    Set {
        node: NodeId,
        parameter: usize,
        value: f64,
        /// The first frame with the value.
        at: u64,
    },
}

/// How far a flight can be run again.
pub(super) struct End {
    /// So many callbacks.
    pub(super) callbacks: usize,
    pub(super) stopped: Option<Stopped>,
}

/// What is to be sent, and how far that leads.
///
/// An edit is sent where it was taken. A change may be sent at any time before it takes effect, but
/// comes on the same side of every edit as it did.
pub(super) fn steps(flight: &Flight) -> Result<(VecDeque<Step>, End), FlightError> {
    let path = flight.folder.join(HEAD);
    let (mut steps, mut end, mut stopped) = (Vec::new(), u64::MAX, None);
    let mut next_edit = u64::MAX;
    for command in flight.head.commands.iter().rev() {
        match command {
            CommandForm::Edit {
                fade: Some([begin, _]),
                hold_frames,
                items,
                nodes: arrived,
                ..
            } => {
                let taken = taken(flight.callbacks(), *begin, *hold_frames);
                let arrived = nodes(arrived, &path)?;
                if let Some((id, _)) = arrived.iter().find(|(_, node)| node.settings.is_none()) {
                    (end, stopped) = (taken, Some(Stopped::OwnNode { node: id.0 }));
                }
                let items = form::items(items.clone());
                next_edit = taken;
                steps.push(Step {
                    at: taken,
                    todo: Todo::Edit { items, arrived },
                });
            }
            CommandForm::Set {
                node,
                parameter,
                value,
                at: Some(at),
                applied: true,
                ..
            } => {
                let value: f64 = value
                    .parse()
                    .map_err(|_| damaged(&path, format!("{value} is no value of a parameter")))?;
                steps.push(Step {
                    at: next_edit.min(*at),
                    todo: Todo::Set {
                        node: NodeId(*node),
                        parameter: *parameter,
                        value,
                        at: *at,
                    },
                });
            }
            // Not answered, or without effect.
            CommandForm::Edit { .. } | CommandForm::Set { .. } => {}
        }
    }
    steps.reverse();
    steps.sort_by_key(|step| step.at);
    let callbacks = flight.callbacks();
    let last = callbacks.last().map_or(0, CallbackRecord::end);
    if let Some(unanswered) = unanswered(flight).filter(|at| *at < end.min(last)) {
        (end, stopped) = (unanswered, Some(Stopped::Unanswered));
    }
    let callbacks = callbacks.partition_point(|callback| callback.end() <= end);
    Ok((steps.into(), End { callbacks, stopped }))
}

/// Where an edit was taken whose fade began at `fade`, `hold_frames` later, lost frames not counted.
pub(super) fn taken(callbacks: &[CallbackRecord], fade: u64, hold_frames: u64) -> u64 {
    let at = callbacks.partition_point(|callback| callback.end() < fade);
    let Some(callback) = callbacks.get(at) else {
        return fade.saturating_sub(hold_frames);
    };
    let into = fade.saturating_sub(callback.position);
    let processed = (callback.processed + into).saturating_sub(hold_frames);
    // The last that begins before it, or on its frame.
    let at = callbacks.partition_point(|callback| callback.processed <= processed);
    let callback = &callbacks[at.saturating_sub(1)];
    (callback.position + processed).saturating_sub(callback.processed)
}

/// Where a command whose answer was not read may have begun to take effect, if there is one.
fn unanswered(flight: &Flight) -> Option<u64> {
    let commands = &flight.head.commands;
    let mut edits = commands.iter().filter_map(|command| match command {
        CommandForm::Edit {
            fade: None,
            sent,
            length_frames,
            ..
        } => Some((*sent, *length_frames)),
        _ => None,
    });
    // One at a time.
    let on_its_way = edits.next();
    let mut answered: Vec<u64> = commands.iter().filter_map(answered_at).collect();
    answered.sort_unstable();
    let callbacks = flight.callbacks();
    let first = callbacks.first()?;
    let last = callbacks.last()?;
    let early = answered.partition_point(|at| *at < first.position);
    // More answers were given than were read.
    let surplus = callbacks.iter().position(|callback| {
        let known = answered.partition_point(|at| *at < callback.position) - early;
        callback.answered.saturating_sub(first.answered) > known as u64
    });
    match (surplus, on_its_way) {
        (Some(number), None) => Some(callbacks[number.saturating_sub(1)].position),
        (Some(number), Some((sent, length))) => {
            let given = callbacks[number.saturating_sub(1)].position;
            Some(sent.max(given.saturating_sub(length)))
        }
        (None, Some((sent, length))) => Some(sent.max(last.end().saturating_sub(length))),
        (None, None) => None,
    }
}

fn answered_at(command: &CommandForm) -> Option<u64> {
    match command {
        CommandForm::Edit { fade, .. } => fade.map(|[_, end]| end),
        CommandForm::Set { at, .. } => *at,
    }
}

/// The nodes that forms stand for.
pub(super) fn nodes(
    forms: &[NodeForm],
    path: &Path,
) -> Result<Vec<(NodeId, NodeLog)>, FlightError> {
    let node = |form: &NodeForm| {
        let early = form.early.iter().map(|(number, value)| {
            let wrong = || damaged(path, format!("{value} is no value of a parameter"));
            Ok((*number, value.parse().map_err(|_| wrong())?))
        });
        let settings = match &form.effect {
            None => None,
            Some(text) => match Chain::parse(text)?.into_links().pop() {
                Some(Link::Node(link)) => match link.node {
                    LinkNode::Effect(settings) => Some(settings),
                    LinkNode::Own(_) => None,
                },
                _ => return Err(damaged(path, format!("\"{text}\" is no effect"))),
            },
        };
        let log = NodeLog {
            settings,
            early: early.collect::<Result<_, FlightError>>()?,
            since: form.since,
        };
        Ok((NodeId(form.id), log))
    };
    forms.iter().map(node).collect()
}

fn damaged(path: &Path, what: String) -> FlightError {
    FlightError::Damaged {
        path: path.to_owned(),
        line: 1,
        what,
    }
}
