//! A JACK client as a stream: activated, connected, told what happens.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jack::NotificationHandler;
use jack::{AsyncClient, AudioIn, AudioOut, Client, ClientStatus, Control, Frames};

use super::process::Process;
use crate::device::caller::Caller;
use crate::device::clock::now_ns;
use crate::device::deadline::within;
use crate::device::{Callback, DeviceError, HostKind, LostCause, PendingStream, Stream};
use crate::device::{StreamInfo, StreamStatus};
use crate::realtime;
use crate::rights::Scheduling;

/// A client that is not active yet.
pub(super) struct Pending {
    pub(super) client: Client,
    pub(super) info: StreamInfo,
    /// Full names of the ports to be connected to ours, in order.
    pub(super) sources: Vec<String>,
    pub(super) sinks: Vec<String>,
}

impl PendingStream for Pending {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn start(self: Box<Self>, callback: Callback) -> Result<Box<dyn Stream>, DeviceError> {
        within(HostKind::Jack, "start", move || self.start_here(callback))?
    }
}

impl Pending {
    fn start_here(self, callback: Callback) -> Result<Box<dyn Stream>, DeviceError> {
        let Self {
            client,
            info,
            sources,
            sinks,
        } = self;
        let failed = |error: jack::Error| DeviceError::backend(HostKind::Jack, "start", error);
        let status = Arc::new(StreamStatus::new());
        status.thread().set(Scheduling::ByServer);
        let inputs = (1..=info.input_channels)
            .map(|n| client.register_port(&format!("in_{n}"), AudioIn::default()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;
        let outputs = (1..=info.output_channels)
            .map(|n| client.register_port(&format!("out_{n}"), AudioOut::default()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;
        let names = |ports: &[String], own: &str| -> Vec<(String, String)> {
            let own = |n| format!("{}:{own}_{}", client.name(), n + 1);
            ports
                .iter()
                .enumerate()
                .map(|(n, port)| (port.clone(), own(n)))
                .collect()
        };
        let sources = names(&sources[..sources.len().min(inputs.len())], "in");
        let sinks = names(&sinks[..sinks.len().min(outputs.len())], "out");
        let caller = Caller::new(callback, status.clone());
        let connected = Arc::new(AtomicBool::new(false));
        let process = Process::new(
            caller,
            inputs,
            outputs,
            info.sample_rate_hz,
            connected.clone(),
        );
        let notices = Notices {
            status: status.clone(),
            sample_rate_hz: info.sample_rate_hz,
        };
        status.started(now_ns());
        let client = client.activate_async(notices, process).map_err(failed)?;
        for (source, own) in &sources {
            client
                .as_client()
                .connect_ports_by_name(source, own)
                .map_err(failed)?;
        }
        for (sink, own) in &sinks {
            client
                .as_client()
                .connect_ports_by_name(own, sink)
                .map_err(failed)?;
        }
        connected.store(true, Ordering::Release);
        Ok(Box::new(Running {
            info,
            status,
            _client: client,
        }))
    }
}

/// What the server tells outside the cycle.
struct Notices {
    status: Arc<StreamStatus>,
    sample_rate_hz: u32,
}

impl NotificationHandler for Notices {
    unsafe fn shutdown(&mut self, _: ClientStatus, _: &str) {
        realtime::callback(|| self.status.lose(LostCause::ServerGone));
    }

    fn sample_rate(&mut self, _: &Client, sample_rate_hz: Frames) -> Control {
        if sample_rate_hz != self.sample_rate_hz {
            realtime::callback(|| self.status.lose(LostCause::FormatChanged));
        }
        Control::Continue
    }

    fn xrun(&mut self, _: &Client) -> Control {
        realtime::callback(|| self.status.xrun());
        Control::Continue
    }
}

struct Running {
    info: StreamInfo,
    status: Arc<StreamStatus>,
    /// Ends the client when dropped.
    _client: AsyncClient<Notices, Process>,
}

impl Stream for Running {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn status(&self) -> &Arc<StreamStatus> {
        &self.status
    }
}
