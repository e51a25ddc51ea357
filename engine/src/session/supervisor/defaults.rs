//! Follows the default devices, where nobody named one.

use std::sync::Arc;
use std::sync::atomic::Ordering::Acquire;
use std::time::{Duration, Instant};

use ossicle_io::device::HostKind;

use super::{LOOK, Supervisor};
use crate::error::EngineError;
use crate::record::spawn;
use crate::session::stage::lock;

/// Time between two questions which devices are the default ones.
const ASK: Duration = Duration::from_millis(500);

impl Supervisor {
    /// Asks again and again which devices are the default ones, on a thread of its own: a server
    /// that has stopped answers late.
    pub(super) fn watch_defaults(self: &Arc<Self>) -> Result<(), EngineError> {
        if self.hosts_of_defaults().is_empty() {
            return Ok(());
        }
        let supervisor = self.clone();
        let run = move || {
            while !supervisor.stopped.load(Acquire) {
                supervisor.ask_defaults();
                let asked = Instant::now();
                while asked.elapsed() < ASK && !supervisor.stopped.load(Acquire) {
                    std::thread::sleep(LOOK);
                }
            }
        };
        // It ends by itself, and nothing waits for it.
        spawn("ossicle-defaults", run).map(drop)
    }

    /// Asks once.
    pub(super) fn ask_defaults(&self) {
        let Some(world) = &self.world else { return };
        for host in self.hosts_of_defaults() {
            let defaults = world.default_devices(host);
            for link in lock(&self.links).iter_mut() {
                if link.seat.role.host == host {
                    link.defaults.clone_from(&defaults);
                }
            }
        }
    }

    /// Hosts whose default device was asked for, and may change.
    fn hosts_of_defaults(&self) -> Vec<HostKind> {
        let links = lock(&self.links);
        let mut hosts = Vec::new();
        for role in links.iter().map(|link| &link.seat.role) {
            let ports = role.input.iter().chain(&role.output);
            let mut unnamed = ports.filter(|port| port.device.is_none());
            let follows = matches!(role.host, HostKind::PulseAudio | HostKind::Sim);
            if follows && unnamed.next().is_some() && !hosts.contains(&role.host) {
                hosts.push(role.host);
            }
        }
        hosts
    }
}
