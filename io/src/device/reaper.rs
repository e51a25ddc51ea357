//! Drops streams whose drop may hang.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};

use super::Stream;

/// Streams that may hang at once before further ones are not even dropped.
const MAX_HANGING: usize = 64;

/// What became of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retired {
    /// It was dropped in time: its callback is gone.
    Done,
    /// Its drop hangs, and goes on on a thread of its own, which does not keep the process from
    /// ending. Its callback may be called still.
    Abandoned,
}

/// Drops streams on threads of their own, each with a deadline.
///
/// Clones share their counters.
#[derive(Clone, Debug, Default)]
pub struct Reaper {
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    abandoned: AtomicUsize,
    hanging: AtomicUsize,
}

impl Reaper {
    /// A reaper that has abandoned nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Drops `stream`, and waits for it until `deadline` has passed. A panic of the backend ends
    /// here.
    pub fn retire(&self, stream: Box<dyn Stream>, deadline: Duration) -> Retired {
        if self.hanging() >= MAX_HANGING {
            self.counts.abandoned.fetch_add(1, Ordering::Relaxed);
            core::mem::forget(stream);
            return Retired::Abandoned;
        }
        self.counts.hanging.fetch_add(1, Ordering::Relaxed);
        let (done, wait) = bounded::<()>(1);
        let counts = self.counts.clone();
        // The thread owns the stream only once it is handed over, so that it is not dropped here if
        // there can be no thread.
        let (give, take) = bounded::<Box<dyn Stream>>(1);
        let spawned = thread::Builder::new()
            .name("ossicle-reaper".to_owned())
            .spawn(move || {
                if let Ok(stream) = take.recv() {
                    let _ = catch_unwind(AssertUnwindSafe(|| drop(stream)));
                }
                counts.hanging.fetch_sub(1, Ordering::Relaxed);
                let _ = done.send(());
            });
        if spawned.is_err() {
            core::mem::forget(stream);
            self.counts.abandoned.fetch_add(1, Ordering::Relaxed);
            return Retired::Abandoned;
        }
        let _ = give.send(stream);
        match wait.recv_timeout(deadline) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Retired::Done,
            Err(RecvTimeoutError::Timeout) => {
                self.counts.abandoned.fetch_add(1, Ordering::Relaxed);
                Retired::Abandoned
            }
        }
    }

    /// Streams abandoned so far.
    pub fn abandoned(&self) -> usize {
        self.counts.abandoned.load(Ordering::Relaxed)
    }

    /// Streams whose drop has not ended yet.
    pub fn hanging(&self) -> usize {
        self.counts.hanging.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::device::{HostKind, StreamInfo, StreamStatus};

    struct Slow {
        info: StreamInfo,
        status: Arc<StreamStatus>,
        drop_ms: u64,
        panics: bool,
    }

    impl Slow {
        fn boxed(drop_ms: u64, panics: bool) -> Box<dyn Stream> {
            let info = StreamInfo {
                host: HostKind::Null,
                input_device: None,
                output_device: None,
                input_channels: 0,
                output_channels: 1,
                sample_rate_hz: 48_000,
                buffer_frames: 256,
                device_latency_frames: None,
            };
            Box::new(Self {
                info,
                status: Arc::default(),
                drop_ms,
                panics,
            })
        }
    }

    impl Stream for Slow {
        fn info(&self) -> &StreamInfo {
            &self.info
        }

        fn status(&self) -> &Arc<StreamStatus> {
            &self.status
        }
    }

    impl Drop for Slow {
        fn drop(&mut self) {
            thread::sleep(Duration::from_millis(self.drop_ms));
            if self.panics {
                std::panic::resume_unwind(Box::new(()));
            }
        }
    }

    #[test]
    fn a_drop_that_hangs_is_abandoned_at_the_deadline_and_others_are_not_kept() {
        let reaper = Reaper::new();
        let began = Instant::now();
        let hung = reaper.retire(Slow::boxed(2_000, false), Duration::from_millis(50));
        assert_eq!(hung, Retired::Abandoned);
        assert!(
            began.elapsed() < Duration::from_millis(1_500),
            "{:?}",
            began.elapsed()
        );
        assert_eq!((reaper.abandoned(), reaper.hanging()), (1, 1));
        let next = reaper.retire(Slow::boxed(0, false), Duration::from_secs(20));
        assert_eq!(next, Retired::Done);
        assert!(
            began.elapsed() < Duration::from_millis(1_900),
            "{:?}",
            began.elapsed()
        );
    }

    #[test]
    fn a_panic_in_drop_is_done() {
        let reaper = Reaper::new();
        let retired = reaper.retire(Slow::boxed(0, true), Duration::from_secs(20));
        assert_eq!(retired, Retired::Done);
        assert_eq!((reaper.abandoned(), reaper.hanging()), (0, 0));
    }
}
