//! The processor's end of the rings: commands in, answers out, never more taken than can be
//! answered.

use rtrb::{Consumer, Producer};

use super::Processor;
use crate::edit::{Answer, Change, Command, Edit, Outcome, Return};

/// Parameter changes held until their position comes.
const MAX_CHANGES: usize = 1024;

impl Processor {
    /// Commands that were answered so far.
    pub(crate) fn answered(&self) -> u64 {
        self.queue.answered
    }
}

pub(super) struct Queue {
    commands: Consumer<Command>,
    returns: Producer<Return>,
    /// In the order of their positions; those of one position in the order they were sent.
    changes: Vec<Change>,
    /// The edit that comes next, or the one under way.
    edit: Option<Box<Edit>>,
    /// Answers owed for edits that were handed out.
    owed: usize,
    /// Answers given.
    answered: u64,
}

impl Queue {
    pub(super) fn new(commands: Consumer<Command>, returns: Producer<Return>) -> Self {
        // Every place is written once, so that its memory is there.
        let mut changes = vec![Change::EMPTY; MAX_CHANGES];
        changes.clear();
        Self {
            commands,
            returns,
            changes,
            edit: None,
            owed: 0,
            answered: 0,
        }
    }

    /// Takes what is waiting, as far as there is room to hold and to answer it; says whether it took
    /// anything.
    pub(super) fn take_commands(&mut self) -> bool {
        let mut taken = false;
        while let Ok(command) = self.commands.peek() {
            let room = match command {
                Command::Edit(_) => self.edit.is_none(),
                Command::Set(_) => self.changes.len() < MAX_CHANGES,
            };
            let owed = usize::from(self.edit.is_some()) + self.owed + self.changes.len();
            if !room || self.returns.slots() <= owed {
                return taken;
            }
            taken = true;
            match self.commands.pop() {
                Ok(Command::Edit(edit)) => self.edit = Some(edit),
                Ok(Command::Set(change)) => {
                    let place = self.changes.partition_point(|held| held.at <= change.at);
                    self.changes.insert(place, change);
                }
                Err(_) => return taken,
            }
        }
        taken
    }

    /// The edit that waits; its answer is owed from here on.
    pub(super) fn next_edit(&mut self) -> Option<Box<Edit>> {
        let edit = self.edit.take()?;
        self.owed += 1;
        Some(edit)
    }

    pub(super) fn has_edit(&self) -> bool {
        self.edit.is_some()
    }

    /// Position of the first change behind `position`.
    pub(super) fn next_due_after(&self, position: u64) -> Option<u64> {
        let place = self.changes.partition_point(|change| change.at <= position);
        self.changes.get(place).map(|change| change.at)
    }

    /// Offers every change up to `position` to `apply`; those it answers are answered and gone,
    /// the others stay.
    pub(super) fn take_due(
        &mut self,
        position: u64,
        mut apply: impl FnMut(&Change) -> Option<Outcome>,
    ) {
        let (returns, answered) = (&mut self.returns, &mut self.answered);
        self.changes.retain(|change| {
            if change.at > position {
                return true;
            }
            let Some(outcome) = apply(change) else {
                return true;
            };
            let answer = Answer {
                ticket: change.ticket,
                outcome,
            };
            *answered += 1;
            give_back(
                returns,
                Return {
                    answer,
                    rubbish: None,
                },
            );
            false
        });
    }

    /// Answers an edit that was handed out.
    pub(super) fn give_back(&mut self, message: Return) {
        self.owed = self.owed.saturating_sub(1);
        self.answered += 1;
        give_back(&mut self.returns, message);
    }
}

/// Sends an answer. There is room: it was counted when the command was taken.
fn give_back(returns: &mut Producer<Return>, message: Return) {
    if let Err(rtrb::PushError::Full(message)) = returns.push(message) {
        debug_assert!(false, "an answer had no room");
        // Better lost than freed here.
        core::mem::forget(message);
    }
}
