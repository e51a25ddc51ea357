//! What the user wants of a recording that runs: by key, where there is a terminal, and by signal.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGCONT, SIGTSTP, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::exit::{Exit, Failure};
use crate::keys::{self, Keys};

/// Something the user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A mark here: key `m`, SIGUSR1.
    Mark,
    /// Begin, pause or go on: key `p`, SIGUSR2.
    Pause,
    /// The end: key `q`. Signals for that are told by [`Interrupt`](crate::signals::Interrupt).
    End,
}

/// Tells wishes as they come.
#[derive(Debug)]
pub struct Wishes {
    wishes: Receiver<Wish>,
    /// Kept so that nobody finds the way closed.
    _own: Sender<Wish>,
    /// Kept for as long as keys are wanted.
    keys: Option<Keys>,
}

impl Wishes {
    /// Listens from now on.
    pub fn listen() -> Result<Self, Failure> {
        let (sender, wishes) = channel();
        let keys = Keys::listen(sender.clone(), of_key);
        let mut asked = vec![SIGUSR1, SIGUSR2];
        if keys.is_some() {
            asked.extend([SIGTSTP, SIGCONT]);
        }
        let signals = Signals::new(asked).map_err(|error| refused(&error))?;
        let to = sender.clone();
        thread::Builder::new()
            .name("wishes".to_string())
            .spawn(move || wait(signals, &to))
            .map_err(|error| refused(&error))?;
        Ok(Self {
            wishes,
            _own: sender,
            keys,
        })
    }

    /// Whether keys are heard: where there is a terminal.
    pub fn has_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// The next wish, if one comes within a time.
    pub fn next(&self, within: Duration) -> Option<Wish> {
        self.wishes.recv_timeout(within).ok()
    }
}

fn of_key(key: u8) -> Option<Wish> {
    match key.to_ascii_lowercase() {
        b'm' => Some(Wish::Mark),
        b'p' | b' ' => Some(Wish::Pause),
        b'q' => Some(Wish::End),
        _ => None,
    }
}

fn wait(mut signals: Signals, to: &Sender<Wish>) {
    for signal in signals.forever() {
        let wish = match signal {
            SIGUSR1 => Wish::Mark,
            SIGUSR2 => Wish::Pause,
            SIGTSTP => {
                keys::restore();
                let _ = emulate_default_handler(SIGTSTP);
                continue;
            }
            _ => {
                keys::set_up();
                continue;
            }
        };
        if to.send(wish).is_err() {
            return;
        }
    }
}

fn refused(error: &io::Error) -> Failure {
    Failure {
        exit: Exit::File,
        message: format!("cannot listen to signals: {error}"),
    }
}
