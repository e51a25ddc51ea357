//! Faults in the error callback are reported by the traps.

use std::sync::Arc;

use ::cpal::{Error, ErrorKind};
use xtask::faults;

use super::{ERRORS, Listener};
use crate::device::StreamStatus;
use crate::realtime::{allocations, system_calls};

const CHILD: &str = "device::cpal::stream::faults::makes_the_fault_it_is_asked_for";

#[test]
#[ignore = "makes a fault: run by the test below"]
fn makes_the_fault_it_is_asked_for() {
    let Some(fault) = faults::asked() else { return };
    // RealtimeSanitizer is the watch where there is one.
    if cfg!(not(feature = "rtsan")) {
        system_calls::watch().unwrap();
    }
    let (errors, _kept) = rtrb::RingBuffer::new(ERRORS);
    let mut listener = Listener {
        status: Arc::new(StreamStatus::new()),
        errors,
    };
    let before = (allocations(), system_calls::caught());
    for fault in [faults::Fault::None, fault] {
        faults::load(fault);
        listener.hear(Error::with_message(ErrorKind::Xrun, String::from("told")));
    }
    assert_eq!(listener.status.xruns(), 2);
    faults::tell(allocations() - before.0, system_calls::caught() - before.1);
}

#[test]
fn every_fault_in_the_error_callback_is_reported() {
    let sanitized = cfg!(feature = "rtsan");
    if !sanitized && let Err(error) = system_calls::watch() {
        println!("skipped: {error}");
        return;
    }
    faults::every_fault_is_reported("the error callback", CHILD, sanitized).unwrap();
}
