//! What the control side sends to the core, and what comes back to be freed.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use super::lanes::{LaneFrom, OutLine};

/// Parcels that may be on their way for each device: its two ends as it starts, and as often as it
/// comes and goes while nobody calls.
const PARCELS: usize = 16;

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

/// Both ends, for so many devices.
pub(super) fn post(devices: usize) -> (Sender, Receiver) {
    let room = PARCELS * devices.max(4);
    let (parcels, parcels_out) = rtrb::RingBuffer::new(room);
    let (returned, returned_out) = rtrb::RingBuffer::new(room);
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

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests are ordinary threads")]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_both_ends_of_any_number_of_devices() {
        let (mut sender, mut receiver) = post(200);
        for device in 0..200 {
            assert!(sender.send(Parcel::Lane(device, LaneFrom::Away)));
            assert!(sender.send(Parcel::Out(device, None)));
        }
        let come = core::iter::from_fn(|| receiver.next()).count();
        assert_eq!(come, 400);
    }
}
