//! A stream that runs: how its end is noticed from either side.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pulseaudio::ClientError;
use pulseaudio::protocol::PulseError;

use super::connection::Connection;
use crate::device::{LostCause, Stream, StreamInfo, StreamStatus, now_ns};
use crate::rights::Promoter;

/// Time between two questions whether the stream is still there: the library does not hear when the
/// server ends it.
const ASK: Duration = Duration::from_millis(100);

/// What a worker holds as long as it lives: the client's thread drops it when the connection ends.
pub(super) struct Life {
    status: Arc<StreamStatus>,
    ended: Arc<AtomicBool>,
    _alive: Sender<Infallible>,
}

impl Drop for Life {
    fn drop(&mut self) {
        if !self.ended.load(Ordering::Acquire) {
            self.status.lose(LostCause::ServerGone);
        }
    }
}

/// Who waits for the end of a worker.
pub(super) struct Death {
    status: Arc<StreamStatus>,
    ended: Arc<AtomicBool>,
    alive: Receiver<Infallible>,
}

/// A worker's life and death.
pub(super) fn life(status: &Arc<StreamStatus>) -> (Life, Death) {
    let ended = Arc::new(AtomicBool::new(false));
    let (_alive, alive) = channel();
    let life = Life {
        status: status.clone(),
        ended: ended.clone(),
        _alive,
    };
    let death = Death {
        status: status.clone(),
        ended,
        alive,
    };
    (life, death)
}

pub(super) struct Running {
    /// Dropped before the connection: see [`Promoter`].
    promoter: Option<Promoter>,
    info: StreamInfo,
    death: Death,
    watcher: Option<JoinHandle<()>>,
    connection: Connection,
}

impl Running {
    /// A stream that is made and begins with `uncork`. `ask` asks the server for something of it.
    pub(super) fn new(
        connection: Connection,
        info: StreamInfo,
        death: Death,
        realtime: bool,
        uncork: impl FnOnce() -> Result<(), ClientError>,
        ask: impl Fn() -> Result<(), ClientError> + Send + 'static,
    ) -> Result<Self, ClientError> {
        let (status, ended) = (death.status.clone(), death.ended.clone());
        let mut running = Self {
            promoter: None,
            info,
            death,
            watcher: None,
            connection,
        };
        running.death.status.started(now_ns());
        uncork()?;
        let watcher = thread::Builder::new()
            .name("ossicle-pulse".to_owned())
            .spawn(move || watch(&status, &ended, ask))?;
        running.watcher = Some(watcher);
        running.promoter = Promoter::start(&running.death.status, &running.info, realtime);
        Ok(running)
    }
}

/// Tells when the server has ended the stream: its device is gone.
fn watch(status: &StreamStatus, ended: &AtomicBool, ask: impl Fn() -> Result<(), ClientError>) {
    while !ended.load(Ordering::Acquire) {
        thread::park_timeout(ASK);
        match ask() {
            Err(ClientError::ServerError(PulseError::NoEntity)) => {
                status.lose(LostCause::DeviceGone);
                return;
            }
            // The end of the connection is the worker's to tell.
            Err(ClientError::Disconnected | ClientError::Io(_)) => return,
            _ => {}
        }
    }
}

impl Stream for Running {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn status(&self) -> &Arc<StreamStatus> {
        &self.death.status
    }
}

impl Drop for Running {
    /// Returns once the worker is dropped, and its callback with it.
    fn drop(&mut self) {
        self.death.ended.store(true, Ordering::Release);
        self.promoter = None;
        self.connection.end();
        if let Some(watcher) = self.watcher.take() {
            watcher.thread().unpark();
            let _ = watcher.join();
        }
        // Nothing ever comes: it ends with the worker.
        let _ = self.death.alive.recv();
    }
}
