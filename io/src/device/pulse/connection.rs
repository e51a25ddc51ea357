//! A connection to the server that ends when it is dropped.
//!
//! The library ends none: its thread waits for the server to say something, and does not hear that
//! nobody holds the client any more. A server takes 64 connections from all programs together.

use core::ffi::CStr;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pulseaudio::{Client, ClientError, cookie_path_from_env, socket_path_from_env};

const CLIENT: &CStr = c"ossicle";
/// How long the server may take to let a program in.
const ANSWER: Duration = Duration::from_secs(5);

/// A client with a connection and a thread of its own.
pub(super) struct Connection {
    client: Client,
    /// The client's own, by another number.
    socket: UnixStream,
}

impl Connection {
    pub(super) fn open() -> Result<Self, ClientError> {
        let path = socket_path_from_env().ok_or(ClientError::ServerUnavailable)?;
        let cookie = cookie_path_from_env().and_then(|path| std::fs::read(path).ok());
        let socket = UnixStream::connect(path)?;
        // For the first words alone; then the socket waits for nothing.
        socket.set_read_timeout(Some(ANSWER))?;
        let kept = socket.try_clone()?;
        let client = Client::new_unix(CLIENT, socket, cookie)?;
        Ok(Self {
            client,
            socket: kept,
        })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Ends it: the client's thread ends, and drops what it holds.
    pub(super) fn end(&self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.end();
    }
}

/// An answer of the server, by a connection that is kept: another is made where the server was
/// restarted.
pub(super) fn asked<T>(
    ask: impl Fn(&Client) -> Result<T, ClientError>,
) -> Result<(Arc<Connection>, T), ClientError> {
    static KEPT: Mutex<Option<Arc<Connection>>> = Mutex::new(None);
    let kept = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    // Never asked under the lock: a stopped server answers nobody.
    let known = kept().clone();
    if let Some(connection) = known
        && let Ok(answer) = ask(connection.client())
    {
        return Ok((connection, answer));
    }
    let connection = Arc::new(Connection::open()?);
    let answer = ask(connection.client())?;
    *kept() = Some(connection.clone());
    Ok((connection, answer))
}
