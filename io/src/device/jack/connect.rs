//! Connects our ports to those of the other end, and goes on until each has its one: a client that
//! has just come up may have some of its ports only.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use jack::{AsyncClient, Client, Error, PortFlags};

use super::process::Process;
use super::stream::Notices;
use super::{AUDIO, by_client, find};
use crate::device::{DeviceError, Port};

/// Time between two looks for ports that are missing.
const LOOK: Duration = Duration::from_millis(50);
/// How long connections may wait for the server's next cycle with all clients in time, and the time
/// between two looks: jackd waits for half a second for a client that stands still.
const TAKEN_WITHIN: Duration = Duration::from_secs(1);
const TAKEN_LOOK: Duration = Duration::from_millis(1);

/// An active client.
pub(super) type Active = AsyncClient<Notices, Process>;

/// The ports at the other end of one direction: what was asked for, and what came of it.
#[derive(Debug)]
pub(super) struct OtherEnd {
    asked: Port,
    by_id: bool,
    is_input: bool,
    /// Full names of our ports that have none yet, in order.
    own: Vec<String>,
    /// Full names of our ports that have one, and of theirs, each beside the other.
    connected: Vec<String>,
    taken: Vec<String>,
}

impl OtherEnd {
    pub(super) fn new(asked: Port, by_id: bool, is_input: bool, own: Vec<String>) -> Self {
        Self {
            asked,
            by_id,
            is_input,
            own,
            connected: Vec::new(),
            taken: Vec::new(),
        }
    }

    /// Connects as many of our ports as there are ports for, in their order.
    fn connect(&mut self, client: &Client) -> Result<(), Error> {
        let Ok(mut there) = ports(client, &self.asked, self.is_input, self.by_id) else {
            return Ok(());
        };
        there.retain(|port| !self.taken.contains(port));
        for (own, other) in self.own.clone().into_iter().zip(there) {
            let (from, to) = match self.is_input {
                true => (&other, &own),
                false => (&own, &other),
            };
            match client.connect_ports_by_name(from, to) {
                Ok(()) | Err(Error::PortAlreadyConnected(..)) => {}
                Err(error) => return Err(error),
            }
            self.connected.push(self.own.remove(0));
            self.taken.push(other);
        }
        Ok(())
    }
}

/// The ports at the other end that are there now, in the server's order.
pub(super) fn ports(
    client: &Client,
    asked: &Port,
    is_input: bool,
    by_id: bool,
) -> Result<Vec<String>, DeviceError> {
    let flag = match is_input {
        true => PortFlags::IS_OUTPUT,
        false => PortFlags::IS_INPUT,
    };
    match &asked.device {
        Some(asked) => find(client.ports(None, Some(AUDIO), flag), asked, by_id),
        None => {
            let physical = client.ports(None, Some(AUDIO), flag | PortFlags::IS_PHYSICAL);
            Ok(by_client(physical).into_values().next().unwrap_or_default())
        }
    }
}

/// Connects what can be connected now.
///
/// # Errors
/// When the server refuses.
pub(super) fn connect_now(client: &Client, ends: &mut [OtherEnd]) -> Result<(), Error> {
    ends.iter_mut().try_for_each(|end| end.connect(client))
}

/// Waits until the server runs its cycles with what was connected.
///
/// jackd answers at once, and takes connections between two cycles, and only where all clients were in
/// time: what is read of a port before that is silence, of one port alone where the cycle came between
/// the two. After a second it is waited for no longer, and what comes is taken as it is.
pub(super) fn until_taken(client: &Client, ends: &[OtherEnd]) {
    let began = Instant::now();
    let is_taken = |(own, other): (&String, &String)| {
        let port = client.port_by_name(own);
        port.is_none_or(|port| port.is_connected_to(other).unwrap_or(true))
    };
    let made = ends
        .iter()
        .flat_map(|end| end.connected.iter().zip(&end.taken));
    while !made.clone().all(is_taken) && began.elapsed() < TAKEN_WITHIN {
        thread::sleep(TAKEN_LOOK);
    }
}

/// Goes on looking for ports that were missing, on a thread of its own, until all are connected or
/// it is dropped.
#[derive(Debug)]
pub(super) struct Connector {
    ended: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Connector {
    /// `None` where nothing is missing, or there can be no thread.
    pub(super) fn start(client: &Arc<Active>, mut ends: Vec<OtherEnd>) -> Option<Self> {
        ends.retain(|end| !end.own.is_empty());
        if ends.is_empty() {
            return None;
        }
        let ended = Arc::new(AtomicBool::new(false));
        let (told, client) = (ended.clone(), Arc::downgrade(client));
        let thread = thread::Builder::new()
            .name("ossicle-connect".to_owned())
            .spawn(move || look(&client, ends, &told));
        Some(Self {
            ended,
            thread: Some(thread.ok()?),
        })
    }
}

impl Drop for Connector {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It may wait for a server that does not answer, as ending the client would.
            let _ = thread.join();
        }
    }
}

fn look(client: &Weak<Active>, mut ends: Vec<OtherEnd>, ended: &AtomicBool) {
    while !ended.load(Ordering::Acquire) && ends.iter().any(|end| !end.own.is_empty()) {
        thread::park_timeout(LOOK);
        let Some(client) = client.upgrade() else {
            return;
        };
        // A port that has gone again is missing at the next look.
        let _ = connect_now(client.as_client(), &mut ends);
    }
}
