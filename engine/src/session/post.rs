//! What the control side sends to the core, and what comes back to be freed.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use super::lanes::{LaneFrom, OutLine};

/// Parcels that may be on their way.
const PARCELS: usize = 64;

/// The end of a bridge, for its place in the core.
pub(super) enum Parcel {
    Lane(usize, LaneFrom),
    Out(usize, Option<Box<OutLine>>),
}

/// The control side's end.
pub(super) struct Sender {
    parcels: rtrb::Producer<Parcel>,
    returned: rtrb::Consumer<Parcel>,
}

/// The core's end.
pub(super) struct Receiver {
    parcels: rtrb::Consumer<Parcel>,
    returned: rtrb::Producer<Parcel>,
}

/// Both ends.
pub(super) fn post() -> (Sender, Receiver) {
    let (parcels, parcels_out) = rtrb::RingBuffer::new(PARCELS);
    let (returned, returned_out) = rtrb::RingBuffer::new(PARCELS);
    let sender = Sender {
        parcels,
        returned: returned_out,
    };
    let receiver = Receiver {
        parcels: parcels_out,
        returned,
    };
    (sender, receiver)
}

impl Sender {
    /// Sends a parcel, and frees what has come back; false where the core takes nothing.
    pub(super) fn send(&mut self, parcel: Parcel) -> bool {
        while self.returned.pop().is_ok() {}
        self.parcels.push(parcel).is_ok()
    }
}

impl Receiver {
    /// The next parcel, if there is one and room for what it replaces.
    pub(super) fn next(&mut self) -> Option<Parcel> {
        if self.returned.slots() == 0 {
            return None;
        }
        self.parcels.pop().ok()
    }

    /// Gives back what a parcel replaced. There is room: it was looked for before.
    pub(super) fn give_back(&mut self, parcel: Parcel) {
        if let Err(rtrb::PushError::Full(parcel)) = self.returned.push(parcel) {
            core::mem::forget(parcel);
        }
    }
}
