//! A client that tells how far the server's frame clock is.

use std::io::BufRead;

use anyhow::Result;

use super::{Process, program, start};
use crate::servers::Jack;

/// A client in a process of its own that tells the frame time of the last cycle.
#[derive(Debug)]
pub struct Watch {
    process: Process,
    _stdin: std::process::ChildStdin,
}

impl Watch {
    /// Starts the client `name`, waits until it runs, and returns it with the lines it prints
    /// every few milliseconds: the frame time of the last cycle and the number of xruns so far.
    ///
    /// # Errors
    /// When the client cannot be built or started.
    pub fn start(server: &Jack, name: &str) -> Result<(Self, impl BufRead + Send + use<>)> {
        let folder = tempfile::tempdir()?;
        let mut command = server.tool(&program()?.to_string_lossy());
        command.args(["watch", name, "0", "-"]);
        let (process, stdin, lines) = start(command, folder.path())?;
        let watch = Self {
            process,
            _stdin: stdin,
        };
        Ok((watch, lines))
    }

    /// Number of the client's process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }
}
