//! One who edits a thousand times a second, in every way there is.

use std::collections::HashSet;

use ossicle::chain::{Chain, LinkNode, NodeLink};
use ossicle::controller::{Controller, EditError};
use ossicle::edit::{Outcome, Ticket};
use ossicle::plan::NodeId;

use crate::CHAIN;
use crate::nodes::{Counted, Manner};

/// Nodes from which on more are removed than inserted.
const NODES: usize = 16;

pub struct Editor {
    random: u64,
    open: HashSet<Ticket>,
    pub edits: u64,
    pub changes: u64,
    pub answered: u64,
    pub refused: u64,
    pub busy: u64,
    pub faults: u64,
    pub forgiven_allocations: u64,
    pub forgiven_calls: u64,
    /// Stream time in frames at which the next edit is due.
    due: u64,
    /// Turns for which no answer is read.
    deaf: usize,
}

impl Editor {
    pub fn new(seed: u64) -> Self {
        Self {
            random: seed,
            open: HashSet::new(),
            edits: 0,
            changes: 0,
            answered: 0,
            refused: 0,
            busy: 0,
            faults: 0,
            forgiven_allocations: 0,
            forgiven_calls: 0,
            due: 0,
            deaf: 0,
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.random >> 33) as usize) % bound
    }

    /// A panic passed: what it allocated and called cannot be had without.
    pub fn forgive(&mut self, allocations: u64, calls: u64) {
        self.forgiven_allocations += allocations;
        self.forgiven_calls += calls;
    }

    /// All edits that are due at `position`, and reading answers unless it is deaf.
    pub fn turn(&mut self, controller: &mut Controller, position: u64) {
        if self.deaf == 0 {
            self.read(controller);
            if self.below(300) == 0 {
                self.deaf = self.below(400);
            }
        } else {
            self.deaf -= 1;
        }
        while self.due <= position {
            self.due += 48;
            self.edit(controller);
        }
        // At times far more at once than the rings hold.
        if self.below(1000) == 0 {
            for _ in 0..1200 {
                self.change(controller, position);
            }
        }
        self.change(controller, position);
    }

    fn read(&mut self, controller: &mut Controller) {
        while let Some(answer) = controller.answer() {
            assert!(
                self.open.remove(&answer.ticket),
                "{answer:?} answered twice"
            );
            self.answered += 1;
            self.refused += u64::from(matches!(answer.outcome, Outcome::Refused { .. }));
        }
        if self.below(50) == 0 {
            while controller.fault().is_some() {
                self.faults += 1;
            }
        }
    }

    fn note(&mut self, sent: Result<Ticket, EditError>, is_edit: bool) {
        match sent {
            Ok(ticket) => {
                assert!(self.open.insert(ticket), "{ticket:?} given twice");
                *(if is_edit {
                    &mut self.edits
                } else {
                    &mut self.changes
                }) += 1;
            }
            Err(EditError::Busy { .. } | EditError::TooManyNodes { .. }) => self.busy += 1,
            Err(EditError::OwnNodeChannels { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn change(&mut self, controller: &mut Controller, position: u64) {
        let nodes: Vec<(NodeId, usize)> = controller
            .nodes()
            .filter_map(|(id, settings)| Some((id, settings?.effect().parameters.len())))
            .collect();
        if nodes.is_empty() {
            return;
        }
        let (id, count) = nodes[self.below(nodes.len())];
        let number = self.below(count);
        let settings = controller.nodes().find(|(other, _)| *other == id);
        let row = &settings.unwrap().1.unwrap().effect().parameters[number];
        let share = self.below(1001) as f64 / 1000.0;
        let mut value = row.min + share * (row.max - row.min);
        if matches!(row.scale, ossicle::dsp::parameter::Scale::Choices(_)) {
            value = value.round();
        }
        let at = position + self.below(3000) as u64;
        match controller.set_value(id, number, value, at) {
            // Structural, or at odds with another value.
            Err(EditError::Structural { .. } | EditError::Settings(_) | EditError::Value(_)) => {}
            sent => self.note(sent, false),
        }
    }

    fn edit(&mut self, controller: &mut Controller) {
        let nodes: Vec<NodeId> = controller.nodes().map(|(id, _)| id).collect();
        if nodes.is_empty() || self.below(2000) == 0 {
            let chain = Chain::parse(CHAIN).unwrap();
            let sent = controller.set_chain(chain);
            return self.note(sent, true);
        }
        let id = nodes[self.below(nodes.len())];
        let place = self.below(nodes.len() + 1);
        let sent = match self.below(9) {
            0 | 1 if nodes.len() <= NODES => {
                let node = self.node();
                controller.insert(place, node).map(|(_, ticket)| ticket)
            }
            0 | 1 => controller.remove(id),
            2 => {
                let node = self.node();
                controller.replace(id, node).map(|(_, ticket)| ticket)
            }
            3 if nodes.len() > NODES && self.below(10) == 0 => controller.remove_ringing(id),
            3 | 4 => controller.move_to(id, place.min(nodes.len() - 1)),
            5 | 6 => {
                let bypassed = self.below(2) == 0;
                controller.bypass(id, bypassed)
            }
            _ => {
                let wet = self.below(5) as f64 / 4.0;
                controller.set_wet(id, wet)
            }
        };
        self.note(sent, true);
    }

    fn node(&mut self) -> NodeLink {
        const EFFECTS: [&str; 6] = [
            "gain:gain=-3dB",
            "pan:pan=20%",
            "delay:time=8ms,feedback=30%",
            "parametric_eq:b1_type=peak,b1_gain=-6dB",
            "envelope_limiter:threshold=-3dBFS",
            "envelope_limiter:attack_coeff=0.9,release_coeff=0.99,delay_samples=20,threshold=0.7",
        ];
        let node = match self.below(200) {
            // A panic allocates, which RealtimeSanitizer does not forgive.
            0 if cfg!(not(feature = "rtsan")) => Manner::Panics(self.below(200) as u32),
            1 => Manner::NotFinite(self.below(200) as u32),
            0 | 2..100 => Manner::Late(self.below(100)),
            draw => {
                let chain = Chain::parse(EFFECTS[draw % EFFECTS.len()]).unwrap();
                let link = chain.into_links().pop();
                return match link {
                    Some(ossicle::chain::Link::Node(link)) => link,
                    _ => unreachable!("one node"),
                };
            }
        };
        LinkNode::Own(Box::new(Counted::new(node))).into()
    }

    /// Reads until everything is answered.
    pub fn finish(&mut self, controller: &mut Controller, mut run: impl FnMut()) {
        for _ in 0..200 {
            self.read(controller);
            if self.open.is_empty() {
                return;
            }
            run();
        }
        panic!("{} were never answered", self.open.len());
    }
}
