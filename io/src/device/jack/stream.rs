//! A JACK client as a stream: activated, connected, told what happens.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::sync::Arc;

use jack::NotificationHandler;
use jack::{AudioIn, AudioOut, Client, ClientStatus, Control, Frames};

use super::connect::{Active, Connector, OtherEnd, connect_now, until_taken};
use super::door::Door;
use super::process::Process;
use crate::device::caller::Caller;
use crate::device::clock::now_ns;
use crate::device::deadline::within;
use crate::device::{Callback, DeviceError, HostKind, LostCause, PendingStream, Port, Stream};
use crate::device::{StreamInfo, StreamStatus};
use crate::realtime;
use crate::rights::Scheduling;

/// A client that is not active yet.
pub(super) struct Pending {
    pub(super) client: Client,
    pub(super) info: StreamInfo,
    /// What our ports are to be connected to.
    pub(super) source: Option<Port>,
    pub(super) sink: Option<Port>,
    /// They are named by their ids.
    pub(super) by_id: bool,
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
            source,
            sink,
            by_id,
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
        let own = |word: &str, channels: usize| -> Vec<String> {
            let own = |n| format!("{}:{word}_{n}", client.name());
            (1..=channels).map(own).collect()
        };
        let source = source.map(|port| OtherEnd::new(port, by_id, true, own("in", inputs.len())));
        let sink = sink.map(|port| OtherEnd::new(port, by_id, false, own("out", outputs.len())));
        let mut ends: Vec<OtherEnd> = source.into_iter().chain(sink).collect();
        let caller = Caller::new(callback, status.clone());
        let door = Arc::new(Door::default());
        let process = Process::new(caller, inputs, outputs, info.sample_rate_hz, door.clone());
        let notices = Notices {
            status: status.clone(),
            sample_rate_hz: info.sample_rate_hz,
            door: door.clone(),
        };
        let client = client.activate_async(notices, process).map_err(failed)?;
        let client = Arc::new(client);
        connect_now(client.as_client(), &mut ends).map_err(failed)?;
        until_taken(client.as_client(), &ends);
        status.started(now_ns());
        door.open();
        Ok(Box::new(Running {
            info,
            status,
            door,
            _connector: Connector::start(&client, ends),
            _client: client,
        }))
    }
}

/// What the server tells outside the cycle.
pub(super) struct Notices {
    status: Arc<StreamStatus>,
    sample_rate_hz: u32,
    door: Arc<Door>,
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
        // One before the stream began is nobody's.
        if self.door.is_open() {
            realtime::callback(|| self.status.xrun());
        }
        Control::Continue
    }
}

struct Running {
    info: StreamInfo,
    status: Arc<StreamStatus>,
    door: Arc<Door>,
    // Dropped in this order.
    _connector: Option<Connector>,
    /// Ends the client when dropped.
    _client: Arc<Active>,
}

impl Stream for Running {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn status(&self) -> &Arc<StreamStatus> {
        &self.status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.door.close();
    }
}
