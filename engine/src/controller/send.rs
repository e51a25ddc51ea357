//! Edits on their way: joined, compiled, sent, answered.

use std::collections::{BTreeMap, HashMap, HashSet};

use ossicle_dsp::parts::silence::silence;

use super::error::EditError;
use super::nodes::{self, Draft};
use super::{Controller, OnItsWay, RETURNS, WAITING, tree};
use crate::chain::LinkNode;
use crate::edit::{Answer, Command, Edit, Outcome, Return, Stage, Ticket};
use crate::flight::log::{NodeLog, Operation};
use crate::graph::Graph;
use crate::graph::build::{Frame, Item, build};
use crate::graph::fade::{Fading, Tangled, all_seats, fade};
use crate::graph::lower::lower;
use crate::plan::{MAX_NODES, NodeId, Plan, Seat};
use crate::processor::fade_frames;

/// Seats with what goes into them, or comes out.
type Seated = Vec<(usize, Option<Seat>)>;
/// Graphs, and fades with the number of the graph each ends in.
type Way = (Vec<Graph>, Vec<(Fading, usize)>);

impl Controller {
    /// Makes `items` the chain that is wanted, and sends it if nothing else is on its way. They were
    /// made of the present ones behind a [`turn`](Self::turn).
    pub(super) fn edit(
        &mut self,
        items: Vec<Item>,
        links: Vec<(NodeId, LinkNode)>,
        operation: Operation,
    ) -> Result<Ticket, EditError> {
        if self.joined.len() >= WAITING || self.commands.slots() == 0 {
            let waiting = WAITING;
            return Err(EditError::Busy { waiting });
        }
        self.want(items, links)?;
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.joined.push(ticket);
        self.log(|log| log.join(operation));
        self.send_edit();
        Ok(ticket)
    }

    /// Takes what came back, and sends what waited for it.
    pub(crate) fn turn(&mut self) {
        while self.outbox.len() < RETURNS
            && let Ok(message) = self.returns.pop()
        {
            self.take_answer(message);
        }
        self.end_ringing();
        self.send_edit();
        self.send_waiting();
    }

    /// Prepares new nodes and checks that all fits; the controller changes only if it does.
    pub(super) fn want(
        &mut self,
        items: Vec<Item>,
        links: Vec<(NodeId, LinkNode)>,
    ) -> Result<(), EditError> {
        let mut draft = self.draft();
        draft.links = links.into_iter().collect();
        let graph = build(&items, self.frame(), &mut draft).map_err(|error| {
            let unfit = draft.unfit.take();
            match unfit.and_then(|id| tree::place_of(&items, id)) {
                Some(place) => error.at_node(place + 1),
                None => error,
            }
        })?;
        if graph.seats().count() > MAX_NODES {
            return Err(EditError::TooManyNodes { allowed: MAX_NODES });
        }
        let fresh = draft.fresh;
        self.latency_frames = graph.latency_frames;
        self.nodes.extend(fresh);
        let ids: HashSet<NodeId> = tree::all_ids(&items).into_iter().collect();
        self.nodes.retain(|id, _| ids.contains(id));
        self.items = items;
        self.is_changed = true;
        Ok(())
    }

    fn draft(&self) -> Draft<'_> {
        Draft {
            spec: &self.spec,
            nodes: &self.nodes,
            links: BTreeMap::new(),
            fresh: BTreeMap::new(),
            delays: &self.delays,
            fresh_delays: HashMap::new(),
            free_seats: self.free_seats.clone(),
            parked: HashSet::new(),
            unfit: None,
        }
    }

    /// The nodes that the next edit brings, as they were made.
    fn arrived(&self) -> Vec<(NodeId, NodeLog)> {
        self.nodes
            .iter()
            .filter(|(_, held)| held.seat().is_none())
            .map(|(id, held)| (*id, held.log()))
            .collect()
    }

    /// Gives every new node a seat; returns what goes there.
    fn seat_nodes(&mut self) -> Seated {
        let mut arriving = Vec::new();
        for held in self.nodes.values_mut() {
            if held.seat().is_none()
                && let Some(seat) = self.free_seats.pop()
            {
                arriving.push((seat, held.take_seat(seat)));
            }
        }
        arriving
    }

    /// The graph that is wanted, with nodes that stand aside; new delays get seats.
    fn graph(
        &mut self,
        parked: &HashSet<NodeId>,
        keeps_delays: bool,
        arriving: &mut Seated,
    ) -> Result<Graph, EditError> {
        let none = HashMap::new();
        let mut draft = self.draft();
        if !keeps_delays {
            draft.delays = &none;
        }
        draft.parked.clone_from(parked);
        let graph = build(&self.items, self.frame(), &mut draft)?;
        if !draft.fresh.is_empty() {
            // A node that stands aside would make others anew.
            return Err(EditError::TooManyNodes { allowed: MAX_NODES });
        }
        let (fresh, free_seats) = (draft.fresh_delays, draft.free_seats);
        for ((key, frames, channels), seat) in fresh {
            arriving.push((seat, Some(nodes::delay(frames, channels, &self.spec)?)));
            self.delays.insert((key, frames, channels), seat);
        }
        self.free_seats = free_seats;
        Ok(graph)
    }

    /// The first graph of all, which fades from nothing.
    pub(super) fn first_graph(&mut self) -> Result<(Graph, Seated), EditError> {
        let mut arriving = self.seat_nodes();
        let graph = self.graph(&HashSet::new(), true, &mut arriving)?;
        Ok((graph, arriving))
    }

    /// Sends what is wanted, if it is not what runs, and nothing is on its way.
    pub(super) fn send_edit(&mut self) {
        if !self.is_changed || self.on_its_way.is_some() || self.commands.slots() == 0 {
            return;
        }
        self.is_changed = false;
        let joined = core::mem::take(&mut self.joined);
        let arrived = self.log.as_ref().map(|_| self.arrived());
        let mut arriving = self.seat_nodes();
        match self.stages(&mut arriving) {
            Ok((graphs, stages)) => {
                if let Some(arrived) = arrived {
                    let holds = stages.iter().map(|(fading, _)| fading.hold_frames);
                    let (items, holds) = (self.items.clone(), holds.collect::<Vec<_>>());
                    let fade_frames = fade_frames(self.spec.sample_rate_hz);
                    let sent = self.position();
                    self.log(|log| log.edit(sent, items, arrived, &holds, fade_frames));
                }
                self.send_stages(graphs, stages, arriving, joined);
            }
            // All that was wanted fits, so that this does not happen; were it so, it is tried again.
            Err(_) => self.take_back(arriving, joined),
        }
    }

    fn take_back(&mut self, arriving: Seated, joined: Vec<Ticket>) {
        for (seat, content) in arriving {
            self.delays.retain(|_, delay| *delay != seat);
            self.free_seats.push(seat);
            if let Some(content) = content
                && let Some(held) = self.nodes.get_mut(&content.id)
            {
                held.give_back(content);
            }
        }
        self.joined = joined;
        self.is_changed = true;
    }

    fn frame(&self) -> Frame {
        Frame {
            channels_in: self.spec.channels_in,
            channels_out: self.spec.channels_out,
            is_whole: self.is_whole,
            budget_frames: self.spec.latency_budget_frames,
        }
    }

    fn send_stages(
        &mut self,
        graphs: Vec<Graph>,
        stages: Vec<(Fading, usize)>,
        arriving: Seated,
        mut joined: Vec<Ticket>,
    ) {
        let channels = self.spec.channels_in;
        let stages: Vec<Stage> = stages
            .into_iter()
            .map(|(fading, then)| Stage {
                fading: lower(&fading.graph, channels),
                hold_frames: fading.hold_frames,
                then: lower(&graphs[then], channels),
            })
            .collect();
        let planes = |plan: &Plan| plan.planes;
        let needed = stages
            .iter()
            .flat_map(|stage| [planes(&stage.fading), planes(&stage.then)])
            .max();
        let pool_planes = self.pool_planes.max(needed.unwrap_or(0));
        let pool = (pool_planes > self.pool_planes)
            .then(|| silence(pool_planes * self.spec.max_block_frames));
        let Some(graph) = graphs.last() else { return };
        let stays = all_seats([graph]);
        let had: HashSet<usize> = all_seats(core::iter::once(&self.live).chain(&graphs));
        let arrived = arriving.iter().map(|(seat, _)| *seat);
        let leaving: HashSet<usize> = had
            .into_iter()
            .chain(arrived)
            .filter(|seat| !stays.contains(seat))
            .collect();
        let leaving: Vec<usize> = leaving.into_iter().collect();
        // An edit that nobody asked for takes nodes out that have rung out.
        let ticket = joined.pop().unwrap_or(Ticket(0));
        let edit = Edit {
            ticket,
            stages,
            arriving,
            leaving: leaving.iter().map(|&seat| (seat, None)).collect(),
            pool,
        };
        // There is room: it was looked for before.
        let _ = self.commands.push(Command::Edit(Box::new(edit)));
        self.pool_planes = pool_planes;
        self.delays.retain(|_, seat| stays.contains(seat));
        self.live = graph.clone();
        self.live_items.clone_from(&self.items);
        self.on_its_way = Some(OnItsWay {
            ticket,
            joined,
            leaving,
            ringing: self.ringing.keys().copied().collect(),
        });
    }

    /// The graphs an edit leads through, and the fades between, each with the graph it ends in.
    fn stages(&mut self, arriving: &mut Seated) -> Result<Way, EditError> {
        // A delay that is kept may tie a knot: then all of them are made anew, which is not heard.
        // At last every node stands aside for the first fade: then nothing is left to tie.
        let all: HashSet<NodeId> = tree::all_ids(&self.items).into_iter().collect();
        for (keeps_delays, parked) in [
            (true, HashSet::new()),
            (false, HashSet::new()),
            (false, all),
        ] {
            if let Some(way) = self.way(arriving, keeps_delays, parked)? {
                return Ok(way);
            }
        }
        Err(EditError::TooManyNodes { allowed: MAX_NODES })
    }

    /// One way there: directly, or with nodes aside where they would stand at two places at once.
    fn way(
        &mut self,
        arriving: &mut Seated,
        keeps_delays: bool,
        mut parked: HashSet<NodeId>,
    ) -> Result<Option<Way>, EditError> {
        let wanted = self.graph(&HashSet::new(), keeps_delays, arriving)?;
        let mut aside = match parked.is_empty() {
            true => None,
            false => Some(self.graph(&parked, keeps_delays, arriving)?),
        };
        loop {
            match fade(&self.live, aside.as_ref().unwrap_or(&wanted)) {
                Ok(first) => {
                    let Some(aside) = aside else {
                        return Ok(Some((vec![wanted], vec![(first, 0)])));
                    };
                    let Ok(back) = fade(&aside, &wanted) else {
                        return Ok(None);
                    };
                    return Ok(Some((vec![aside, wanted], vec![(first, 0), (back, 1)])));
                }
                // It cannot be at both places at once: it stands aside for the first fade.
                Err(Tangled(Some(id))) if parked.insert(id) => {
                    aside = Some(self.graph(&parked, keeps_delays, arriving)?);
                }
                Err(_) => return Ok(None),
            }
        }
    }

    fn take_answer(&mut self, message: Return) {
        let Return { answer, rubbish } = message;
        drop(rubbish);
        self.log(|log| log.answer(answer.ticket, answer.outcome));
        let is_it = |edit: &OnItsWay| edit.ticket == answer.ticket;
        let Some(edit) = self.on_its_way.take_if(|edit| is_it(edit)) else {
            self.outbox.push_back(answer);
            return;
        };
        self.free_seats.extend(edit.leaving);
        if let Outcome::Edited { position, end, .. } = answer.outcome {
            for ticket in edit.joined {
                let by = answer.ticket;
                let outcome = Outcome::Superseded { by, position };
                self.outbox.push_back(Answer { ticket, outcome });
            }
            for id in edit.ringing {
                if let Some(ringing) = self.ringing.get_mut(&id) {
                    ringing.since.get_or_insert(end);
                }
            }
        }
        if answer.ticket != Ticket(0) {
            self.outbox.push_back(answer);
        }
    }

    /// Sends changes whose nodes have seats by now.
    fn send_waiting(&mut self) {
        while let Some(change) = self.waiting.front_mut() {
            let held = self.nodes.get(&change.id);
            let seat = match held {
                Some(held) => match held.seat() {
                    Some(seat) => seat,
                    None => return,
                },
                // It left before it came: the processor says so.
                None => 0,
            };
            change.seat = seat;
            let change = *change;
            if self.push_change(change).is_err() {
                return;
            }
            self.waiting.pop_front();
        }
    }

    pub(super) fn position(&self) -> u64 {
        let position = &self.counters.position;
        position.load(std::sync::atomic::Ordering::Relaxed)
    }
}
