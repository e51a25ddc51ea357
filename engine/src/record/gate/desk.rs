//! Where a recording gets its orders and tells what became of them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// What a recording does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GateState {
    /// It waits for its begin.
    #[default]
    Waiting,
    /// Frames go into the take.
    Recording,
    /// It was paused.
    Paused,
    /// It has come to its end; nothing more goes into the take.
    Ended,
}

/// A stretch of the stream that is not in the take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Position in the take at which it stands, in frames.
    pub position: u64,
    /// Position in the stream of the first frame that was left out.
    pub stream_position: u64,
    /// Frames left out; of a pause that has not ended, those so far.
    pub frames: u64,
}

/// Which part of the stream is in a take.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gated {
    /// What the recording does.
    pub state: GateState,
    /// Position in the stream of the take's first frame; `None` before it begins.
    pub first_frame: Option<u64>,
    /// The time of that frame by the clock on the wall, to a period of the device.
    pub begun_at: Option<SystemTime>,
    /// What was left out since, in order.
    pub pauses: Vec<Pause>,
    /// Time from the order to begin, or from the start of the devices, until the first frame was in
    /// the take; `None` for a begin that nobody ordered.
    pub begun_after: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OrderKind {
    Go,
    Pause,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    /// Stream position it is for.
    pub(super) at: u64,
    pub(super) kind: OrderKind,
}

/// Orders to one recording, and what became of them.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    papers: Mutex<Papers>,
}

#[derive(Debug, Default)]
struct Papers {
    orders: VecDeque<Order>,
    gated: Gated,
    asked: Option<Instant>,
}

impl Desk {
    /// Begins, or goes on after a pause, at a position of the stream.
    pub(crate) fn go(&self, at: u64) {
        let kind = OrderKind::Go;
        let mut papers = self.papers();
        if papers.gated.first_frame.is_none() {
            papers.asked = Some(Instant::now());
        }
        papers.orders.push_back(Order { at, kind });
    }

    /// Pauses at a position of the stream.
    pub(crate) fn pause(&self, at: u64) {
        let kind = OrderKind::Pause;
        self.papers().orders.push_back(Order { at, kind });
    }

    /// The devices run from now on: a recording that waits for nothing could begin now.
    pub(crate) fn set_running(&self) {
        let mut papers = self.papers();
        papers.asked = Some(Instant::now());
        if papers.gated.begun_after.is_some() {
            papers.gated.begun_after = Some(Duration::ZERO);
        }
    }

    /// What has become of the recording so far.
    pub(crate) fn gated(&self) -> Gated {
        self.papers().gated.clone()
    }

    /// The next order, if it is for `position` or before.
    pub(super) fn take_due(&self, position: u64) -> Option<Order> {
        let mut papers = self.papers();
        let is_due = papers
            .orders
            .front()
            .is_some_and(|order| order.at <= position);
        is_due.then(|| papers.orders.pop_front()).flatten()
    }

    /// Stream position of the next order.
    pub(super) fn next_at(&self) -> Option<u64> {
        self.papers().orders.front().map(|order| order.at)
    }

    /// Changes what is told.
    pub(super) fn tell(&self, change: impl FnOnce(&mut Gated)) {
        change(&mut self.papers().gated);
    }

    /// The stream is at `newest` now: that gives the time of the take's first frame.
    pub(super) fn tell_time(&self, newest: u64, sample_rate_hz: u32) {
        let mut papers = self.papers();
        let Some(first) = papers.gated.first_frame else {
            return;
        };
        let ago = newest.saturating_sub(first) as f64 / f64::from(sample_rate_hz);
        let ago = Duration::try_from_secs_f64(ago).unwrap_or_default();
        papers.gated.begun_at = SystemTime::now().checked_sub(ago);
    }

    /// The first frame is in the take, as it was ordered.
    pub(super) fn tell_begun(&self) {
        let mut papers = self.papers();
        // Before the devices were all running: at once.
        papers.gated.begun_after = Some(papers.asked.map_or(Duration::ZERO, |at| at.elapsed()));
    }

    /// A thread that panicked leaves what was told as it was.
    fn papers(&self) -> MutexGuard<'_, Papers> {
        self.papers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the first of several recordings began: the others begin there too.
#[derive(Debug)]
pub(crate) struct Lead {
    /// Stream position; `u64::MAX` before.
    at: AtomicU64,
    sample_rate_hz: u32,
}

impl Lead {
    /// Nothing has begun; positions are at this rate.
    pub(crate) fn new(sample_rate_hz: u32) -> Self {
        let at = AtomicU64::new(u64::MAX);
        Self { at, sample_rate_hz }
    }

    pub(super) fn begin(&self, at: u64) {
        self.at.store(at, Ordering::Release);
    }

    /// Where it began, at another rate.
    pub(super) fn begun_at(&self, sample_rate_hz: u32) -> Option<u64> {
        let at = self.at.load(Ordering::Acquire);
        let scaled = u128::from(at) * u128::from(sample_rate_hz) / u128::from(self.sample_rate_hz);
        (at != u64::MAX).then_some(scaled as u64)
    }
}
