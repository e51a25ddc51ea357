//! Connections to the server: a server takes 64, so that none may be left behind.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use ossicle_io::device::{self, DeviceError, DeviceWatch, HostKind, Port, StreamRequest};
use xtask::servers::PulseAudio;

use crate::{Rig, input, output, rig, served, start, wait_until};

/// More attempts than a server takes connections.
const ATTEMPTS: usize = 100;

/// What connections are made of: threads and open files here, clients there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    threads: usize,
    files: usize,
    clients: usize,
}

impl Held {
    fn now(server: &PulseAudio) -> Self {
        let entries = |folder: &str| fs::read_dir(folder).unwrap().count();
        Self {
            threads: entries("/proc/self/task"),
            files: entries("/proc/self/fd"),
            clients: server.list("clients").unwrap().len(),
        }
    }

    /// Whether nothing has grown.
    fn is_within(self, before: Self) -> bool {
        self.threads <= before.threads
            && self.files <= before.files
            && self.clients <= before.clients
    }
}

/// Does `what` once, and then again and again: nothing has grown by the end.
fn leaves_nothing(server: &PulseAudio, times: usize, mut what: impl FnMut()) {
    what();
    let before = settled(server);
    (0..times).for_each(|_| what());
    assert_within(server, before);
}

/// What is held once threads that end have ended.
fn settled(server: &PulseAudio) -> Held {
    sleep(Duration::from_millis(300));
    Held::now(server)
}

/// Nothing has grown, but for threads that are about to end.
fn assert_within(server: &PulseAudio, before: Held) {
    let mut now = Held::now(server);
    for _ in 0..50 {
        if now.is_within(before) {
            break;
        }
        sleep(Duration::from_millis(20));
        now = Held::now(server);
    }
    assert!(now.is_within(before), "{before:?} before, {now:?} after");
}

#[test]
fn a_device_that_is_not_there_may_be_asked_for_a_hundred_times() {
    served(|| {
        let rig = rig();
        let port = Port {
            device: Some("unplugged".to_owned()),
            channels: None,
        };
        for (input, output) in [(Some(port.clone()), None), (None, Some(port))] {
            let request = StreamRequest {
                input,
                output,
                ..StreamRequest::default()
            };
            leaves_nothing(&rig.server, ATTEMPTS, || {
                let refused = device::open(HostKind::PulseAudio, &request).err();
                let is_missing = matches!(refused, Some(DeviceError::DeviceNotFound { .. }));
                assert!(is_missing, "{refused:?}");
            });
        }
    });
}

#[test]
fn streams_that_end_and_questions_leave_no_connection() {
    served(|| {
        let rig = rig();
        for request in [input(2), output(2)] {
            leaves_nothing(&rig.server, 10, || {
                drop(start(HostKind::PulseAudio, &request, Box::new(|_| {})));
            });
        }
        leaves_nothing(&rig.server, ATTEMPTS, || {
            assert!(HostKind::PulseAudio.is_available());
            assert_eq!(device::devices_of(HostKind::PulseAudio).unwrap().len(), 5);
            assert!(!DeviceWatch::new(&[HostKind::PulseAudio]).look().is_empty());
        });
    });
}

#[test]
fn a_server_that_was_restarted_answers_again() {
    served(|| {
        let mut rig = rig();
        let restart = |rig: &mut Rig| {
            let running = start(HostKind::PulseAudio, &output(2), Box::new(|_| {}));
            wait_until("calls", 5, || running.status().callbacks() > 3);
            rig.server.kill();
            assert!(!HostKind::PulseAudio.is_available());
            assert!(device::open(HostKind::PulseAudio, &input(2)).is_err());
            rig.server.restart().unwrap();
            drop(running);
            assert!(HostKind::PulseAudio.is_available());
            let again = start(HostKind::PulseAudio, &input(2), Box::new(|_| {}));
            wait_until("calls of the new", 5, || again.status().callbacks() > 3);
        };
        restart(&mut rig);
        let before = settled(&rig.server);
        (0..3).for_each(|_| restart(&mut rig));
        assert_within(&rig.server, before);
    });
}
