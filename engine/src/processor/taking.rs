//! Edits and changes, taken between blocks.

use std::sync::atomic::Ordering::Relaxed;

use ossicle_dsp::node::Subnormals;

use super::steps::Watch;
use super::{Processor, UnderWay};
use crate::edit::{Answer, Change, Edit, Outcome, Refusal, Return};
use crate::plan::Seat;

impl Processor {
    /// Moves edits on, and takes the changes whose position has come.
    pub(super) fn apply_what_is_due(&mut self) {
        self.move_edit_on();
        let position = self.position;
        loop {
            let waiting_for_edit = self.queue.has_edit();
            let seats = &mut self.seats;
            let mut untold = 0;
            let mut watch = Watch {
                faults: &mut self.faults,
                untold: &mut untold,
                position,
                costs: &[],
                broke: false,
            };
            self.queue
                .take_due(position, |change| match seat_of(seats, change) {
                    Some(seat) => {
                        let mut kept = seat.keep_subnormals;
                        watch.guard(seat, |node| {
                            node.set(change.parameter, change.value);
                            kept = node.subnormals() == Subnormals::Kept;
                        });
                        seat.keep_subnormals = kept;
                        Some(Outcome::Applied { position })
                    }
                    // Its node may come with an edit that was sent before it.
                    None if waiting_for_edit => None,
                    None => Some(Outcome::Refused {
                        reason: Refusal::NodeGone,
                        position,
                    }),
                });
            let broke = watch.broke;
            self.note_break(broke, untold);
            // More may wait than could be held at once.
            if !self.queue.take_commands() {
                return;
            }
            self.move_edit_on();
        }
    }

    /// Begins an edit that waits, and goes on to the next stage of the one under way.
    fn move_edit_on(&mut self) {
        loop {
            let Some(under_way) = &mut self.under_way else {
                let Some(edit) = self.queue.next_edit() else {
                    return;
                };
                self.begin(edit);
                continue;
            };
            let stage = &mut under_way.edit.stages[under_way.stage];
            if under_way.done == stage.hold_frames && under_way.position.is_none() {
                under_way.position = Some(self.position);
            }
            if under_way.done < stage.hold_frames + self.ramp.frames() {
                return;
            }
            core::mem::swap(&mut self.plan, &mut stage.then);
            under_way.stage += 1;
            under_way.done = 0;
            if let Some(stage) = under_way.edit.stages.get_mut(under_way.stage) {
                core::mem::swap(&mut self.plan, &mut stage.fading);
            } else {
                self.end_edit();
            }
        }
    }

    fn begin(&mut self, mut edit: Box<Edit>) {
        for (seat, content) in &mut edit.arriving {
            core::mem::swap(&mut self.seats[*seat], content);
            self.counters.seat_costs()[*seat].store(0, Relaxed);
        }
        if let Some(pool) = &mut edit.pool {
            core::mem::swap(&mut self.pool, pool);
        }
        if let Some(stage) = edit.stages.first_mut() {
            core::mem::swap(&mut self.plan, &mut stage.fading);
        }
        self.under_way = Some(UnderWay {
            edit,
            stage: 0,
            done: 0,
            position: None,
        });
    }

    fn end_edit(&mut self) {
        let Some(UnderWay {
            mut edit, position, ..
        }) = self.under_way.take()
        else {
            return;
        };
        for (seat, content) in &mut edit.leaving {
            core::mem::swap(&mut self.seats[*seat], content);
        }
        let latency_frames = self.plan.latency_frames;
        self.counters
            .plan_latency_frames
            .store(latency_frames, Relaxed);
        let outcome = Outcome::Edited {
            position: position.unwrap_or(self.position),
            end: self.position,
            latency_frames,
        };
        let answer = Answer {
            ticket: edit.ticket,
            outcome,
        };
        self.queue.give_back(Return {
            answer,
            rubbish: Some(edit),
        });
    }
}

/// The seat of a change's node: where it was when the change was sent, or where an edit put it.
fn seat_of<'a>(seats: &'a mut [Option<Seat>], change: &Change) -> Option<&'a mut Seat> {
    let is_its = |seat: &Option<Seat>| seat.as_ref().is_some_and(|seat| seat.id == change.id);
    let place = if is_its(&seats[change.seat]) {
        change.seat
    } else {
        seats.iter().position(is_its)?
    };
    seats[place].as_mut()
}
