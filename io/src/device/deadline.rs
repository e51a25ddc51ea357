//! Work that a stopped server could hold up for ever.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::{DeviceError, HostKind};

/// How long a server may take to answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// Runs `work` on a thread of its own and waits for it, not for ever. What comes too late is
/// dropped there.
pub(super) fn within<T: Send + 'static>(
    host: HostKind,
    doing: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DeviceError> {
    within_time(DEADLINE, host, doing, work)
}

fn within_time<T: Send + 'static>(
    deadline: Duration,
    host: HostKind,
    doing: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DeviceError> {
    let (done, wait) = mpsc::channel();
    thread::Builder::new()
        .name("ossicle-open".to_owned())
        .spawn(move || {
            let _ = done.send(work());
        })
        .map_err(|error| DeviceError::backend(host, doing, error))?;
    wait.recv_timeout(deadline).map_err(|error| {
        DeviceError::backend(
            host,
            doing,
            match error {
                RecvTimeoutError::Timeout => "no answer in time",
                RecvTimeoutError::Disconnected => "the backend panicked",
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn what_never_answers_and_what_panics_are_errors() {
        let began = Instant::now();
        let short = Duration::from_millis(20);
        let hung = within_time(short, HostKind::Jack, "open", || {
            thread::sleep(Duration::from_secs(3));
        });
        assert!(began.elapsed() < Duration::from_secs(2));
        let message = hung.map_err(|error| error.to_string());
        assert_eq!(
            message,
            Err("jack failed to open: no answer in time".to_owned())
        );
        let panicked: Result<(), _> = within_time(DEADLINE, HostKind::Jack, "open", || {
            std::panic::resume_unwind(Box::new(()))
        });
        assert!(panicked.is_err());
        assert_eq!(within(HostKind::Jack, "open", || 7), Ok(7));
    }
}
