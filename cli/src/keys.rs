//! Single keys from the terminal, without Enter and without echo.
//!
//! The terminal is as before when this is dropped, when the program is ended by a second signal, and
//! while it is stopped by Ctrl-Z.

use std::io::{IsTerminal, stdin};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// How the terminal was before.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);
/// How long a look at the keys waits.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

/// The keys are read as long as this lives.
#[derive(Debug)]
pub struct Keys(());

impl Keys {
    /// Sends what `wish` makes of each key; nothing where there is no terminal.
    pub fn listen<T: Send + 'static>(
        to: Sender<T>,
        wish: impl Fn(u8) -> Option<T> + Send + 'static,
    ) -> Option<Self> {
        if !stdin().is_terminal() {
            return None;
        }
        set_up();
        let keys = Self(());
        let reader = thread::Builder::new().name("keys".to_string());
        // Without the thread there are no keys, and signals do the same.
        reader.spawn(move || read(&to, wish)).ok()?;
        Some(keys)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        restore();
    }
}

/// Has keys come singly; for the start, and when the program goes on after Ctrl-Z.
pub fn set_up() {
    if !is_ours() {
        return;
    }
    let Ok(now) = tcgetattr(stdin()) else {
        return;
    };
    let mut single = now.clone();
    single
        .local_modes
        .remove(LocalModes::ICANON | LocalModes::ECHO);
    let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    before.get_or_insert(now);
    let _ = tcsetattr(stdin(), OptionalActions::Now, &single);
}

/// Has the terminal as it was before.
pub fn restore() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(before) = before.filter(|_| is_ours()) {
        let _ = tcsetattr(stdin(), OptionalActions::Now, &before);
    }
}

/// Whether the program is the one that the terminal is for: another that touches it is stopped.
fn is_ours() -> bool {
    tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp())
}

/// Reads keys until the terminal is gone or nobody wants them.
fn read<T>(to: &Sender<T>, wish: impl Fn(u8) -> Option<T>) {
    loop {
        let input = stdin();
        let mut waiting = [PollFd::new(&input, PollFlags::IN)];
        match poll(&mut waiting, Some(&LOOK)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) if !is_ours() => {
                thread::sleep(std::time::Duration::from_millis(200));
                continue;
            }
            Ok(_) => {}
            Err(_) => return,
        }
        let mut keys = [0; 16];
        match rustix::io::read(&input, &mut keys) {
            Ok(0) | Err(_) => return,
            Ok(count) => {
                for wish in keys.iter().take(count).filter_map(|&key| wish(key)) {
                    if to.send(wish).is_err() {
                        return;
                    }
                }
            }
        }
    }
}
