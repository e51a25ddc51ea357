//! A thread beside the recorders that writes a little, syncs and sleeps: when it is late, so is the
//! disk or the machine, and what is late in a take then is not the recorder's fault.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

const NAP: Duration = Duration::from_millis(5);
/// What is late by less is not kept.
const LATE: Duration = Duration::from_millis(50);

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub struct Control {
    late: Arc<Mutex<Vec<(Instant, Instant)>>>,
    ended: Arc<AtomicBool>,
}

impl Control {
    /// Starts it on a file in `folder`.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn start(folder: &Path) -> Result<Self> {
        let mut file = File::create(folder.join("control"))?;
        let control = Self {
            late: Arc::default(),
            ended: Arc::default(),
        };
        let (late, ended) = (Arc::clone(&control.late), Arc::clone(&control.ended));
        thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                let began = Instant::now();
                let written = file.write_all(b"late").and_then(|()| file.sync_data());
                thread::sleep(NAP);
                let now = Instant::now();
                if written.is_ok() && now - began > NAP + LATE {
                    let mut late = late.lock().unwrap_or_else(PoisonError::into_inner);
                    late.push((began, now));
                }
            }
        });
        Ok(control)
    }

    /// Whether it was late by 50 ms or more at any time in the second before `at`.
    pub fn was_late(&self, at: Instant) -> bool {
        let from = at.checked_sub(Duration::from_secs(1)).unwrap_or(at);
        self.was_late_between(from, at)
    }

    /// Whether it was late by 50 ms or more at any time from one moment to another.
    pub fn was_late_between(&self, from: Instant, at: Instant) -> bool {
        let late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        late.iter()
            .any(|(began, ended)| *began <= at && *ended >= from)
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}
