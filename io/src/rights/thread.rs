//! Threads of a backend: noted in the first callback, scheduled from outside.

use core::hint::black_box;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::{PRIORITY, Scheduling, USUAL_US, system};
use crate::device::{StreamInfo, StreamState, StreamStatus};

/// Stack that a callback may use, in bytes.
const STACK_BYTES: usize = 64 * 1024;
/// Time between two looks for the first callback: it begins short and grows.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LAST_LOOK: Duration = Duration::from_millis(64);

/// Which thread calls, and how it is scheduled.
#[derive(Debug, Default)]
pub(crate) struct ThreadNote {
    /// The thread, 0 before the first callback.
    thread: AtomicUsize,
    scheduling: AtomicU64,
}

impl ThreadNote {
    /// Notes the calling thread as the one that runs the callback.
    ///
    /// # Real-time
    /// Safe.
    pub(crate) fn note(&self) {
        self.thread
            .store(system::this_thread() as usize, Ordering::Release);
    }

    /// How the thread is scheduled as far as is known.
    ///
    /// # Real-time
    /// Safe.
    pub(crate) fn scheduling(&self) -> Scheduling {
        Scheduling::from_word(self.scheduling.load(Ordering::Acquire))
    }

    /// Says how the thread is scheduled.
    pub(crate) fn set(&self, scheduling: Scheduling) {
        self.scheduling
            .store(scheduling.to_word(), Ordering::Release);
    }

    /// For a thread of ours, before its loop: touches its stack and, if that is wanted, asks for
    /// its scheduling what needs no waiting. A [`Promoter`] asks for the rest, and tells it.
    pub(crate) fn prepare_this_thread(&self, info: &StreamInfo, wanted: bool) {
        touch_stack();
        if wanted {
            system::schedule(system::this_thread(), PRIORITY, needed_us(info));
        }
        self.note();
    }
}

/// Time that a callback which keeps its time may take, in microseconds: nearly a period.
fn needed_us(info: &StreamInfo) -> u64 {
    let period_us =
        u64::from(info.buffer_frames) * 1_000_000 / u64::from(info.sample_rate_hz.max(1));
    period_us.max(USUAL_US)
}

/// Uses the stack that a callback may use, so that no page of it is missing later.
#[inline(never)]
fn touch_stack() {
    let mut stack = [0u8; STACK_BYTES];
    for byte in stack.iter_mut().step_by(1024) {
        *byte = 1;
    }
    black_box(&mut stack);
}

/// Waits for a stream's first callback on a thread of its own, and asks for the scheduling of the
/// thread that made it.
///
/// Must be dropped before the stream: a stream keeps its thread from being joined, and so its
/// handle valid. Dropping it waits for an answer of rtkit, a second at most.
#[derive(Debug)]
pub(crate) struct Promoter {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Promoter {
    /// Begins to wait, if real-time scheduling is wanted. Where there can be no thread, that is told
    /// as the denial.
    pub(crate) fn start(
        status: &Arc<StreamStatus>,
        info: &StreamInfo,
        wanted: bool,
    ) -> Option<Self> {
        if !wanted {
            return None;
        }
        status.thread().set(Scheduling::Pending);
        let stop = Arc::new(AtomicBool::new(false));
        let spawned = {
            let (status, stop) = (status.clone(), stop.clone());
            let needed_us = needed_us(info);
            thread::Builder::new()
                .name("ossicle-rights".to_owned())
                .spawn(move || wait(&status, needed_us, &stop))
        };
        match spawned {
            Ok(thread) => Some(Self {
                stop,
                thread: Some(thread),
            }),
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or_default();
                let denial = super::Denial::System { errno };
                status.thread().set(Scheduling::Denied(denial));
                None
            }
        }
    }
}

fn wait(status: &StreamStatus, needed_us: u64, stop: &AtomicBool) {
    let mut look = FIRST_LOOK;
    while !stop.load(Ordering::Acquire) && status.state() == StreamState::Running {
        let note = status.thread();
        match note.thread.load(Ordering::Acquire) {
            0 => {
                thread::park_timeout(look);
                look = (look * 2).min(LAST_LOOK);
            }
            noted => {
                let thread = noted as system::Thread;
                note.set(system::schedule_by_any(thread, PRIORITY, needed_us));
                return;
            }
        }
    }
}

impl Drop for Promoter {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{HostKind, LostCause};
    use std::sync::mpsc;
    use std::time::Instant;

    fn info() -> StreamInfo {
        StreamInfo {
            host: HostKind::Null,
            input_device: None,
            output_device: None,
            input_channels: 0,
            output_channels: 2,
            sample_rate_hz: 48_000,
            buffer_frames: 256,
            device_latency_frames: None,
        }
    }

    #[test]
    fn a_thread_may_need_its_period_and_never_less_than_usual() {
        // 256 frames at 48 kHz are 5.3 ms, 12000 are 250 ms.
        assert_eq!(needed_us(&info()), USUAL_US);
        let buffer_frames = 12_000;
        let long = StreamInfo {
            buffer_frames,
            ..info()
        };
        assert_eq!(needed_us(&long), 250_000);
    }

    #[test]
    fn the_thread_of_the_first_call_is_asked_for_and_no_other() {
        let status = Arc::new(StreamStatus::new());
        assert_eq!(status.scheduling(), Scheduling::NotAsked);
        assert!(Promoter::start(&status, &info(), false).is_none());
        let promoter = Promoter::start(&status, &info(), true);
        assert_eq!(status.scheduling(), Scheduling::Pending);
        thread::sleep(Duration::from_millis(20));
        assert_eq!(status.scheduling(), Scheduling::Pending, "nobody called");
        let (end, ended) = mpsc::channel::<()>();
        let caller = {
            let status = status.clone();
            thread::spawn(move || {
                status.thread().note();
                let _ = ended.recv();
                super::super::schedule_this_thread(1)
            })
        };
        let began = Instant::now();
        while status.scheduling() == Scheduling::Pending && began.elapsed().as_secs() < 10 {
            thread::sleep(Duration::from_millis(1));
        }
        let told = status.scheduling();
        end.send(()).unwrap();
        // A thread that has what was asked for keeps it: 1 would be got otherwise.
        let has = caller.join().unwrap();
        match told {
            Scheduling::Fifo { .. } => assert_eq!(has, told),
            Scheduling::ByRtkit { priority } => {
                assert_eq!(has, Scheduling::RoundRobin { priority });
            }
            Scheduling::Denied(_) => assert!(!matches!(has, Scheduling::Fifo { priority: 2.. })),
            other => panic!("{other:?}"),
        }
        drop(promoter);
    }

    #[test]
    fn waiting_ends_when_the_stream_is_dropped_or_lost() {
        let status = Arc::new(StreamStatus::new());
        drop(Promoter::start(&status, &info(), true));
        assert_eq!(status.scheduling(), Scheduling::Pending);
        let promoter = Promoter::start(&status, &info(), true).unwrap();
        status.lose(LostCause::ServerGone);
        let began = Instant::now();
        while !promoter.thread.as_ref().unwrap().is_finished() {
            assert!(began.elapsed().as_secs() < 10, "it waits still");
            thread::sleep(Duration::from_millis(1));
        }
    }
}
