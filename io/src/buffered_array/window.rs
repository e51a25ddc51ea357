//! The part of the array that is in memory: never claims a frame that it does not hold.

use std::ops::Range;

use crate::sample::Sample;

/// Why a window could not be moved.
#[derive(Debug)]
pub(super) enum Failure<E> {
    Memory { frames: u64 },
    Load { range: Range<u64>, source: E },
}

/// A run of frames in memory.
#[derive(Debug)]
pub(super) struct Window<S> {
    /// Holds the frames from `first` on; may be longer.
    storage: Vec<S>,
    first: usize,
    /// The frames held.
    held: Range<u64>,
    /// Samples of a frame.
    frame_samples: usize,
}

/// Frames of the old window that stay, and those to be loaded.
struct Recycling {
    keep: Range<u64>,
    load: Range<u64>,
}

fn recycle(old: &Range<u64>, new: &Range<u64>) -> Recycling {
    if old.contains(&new.start) {
        let end = old.end.min(new.end);
        Recycling {
            keep: new.start..end,
            load: end..new.end,
        }
    } else if old.start < new.end && new.end <= old.end {
        Recycling {
            keep: old.start..new.end,
            load: new.start..old.start,
        }
    } else {
        Recycling {
            keep: new.start..new.start,
            load: new.clone(),
        }
    }
}

impl<S: Sample> Window<S> {
    pub(super) fn new(frame_samples: usize) -> Self {
        Self {
            storage: Vec::new(),
            first: 0,
            held: 0..0,
            frame_samples,
        }
    }

    /// The frames held.
    pub(super) fn held(&self) -> Range<u64> {
        self.held.clone()
    }

    /// Number of frames held.
    pub(super) fn frames(&self) -> usize {
        (self.held.end - self.held.start) as usize
    }

    pub(super) fn samples(&self) -> &[S] {
        &self.storage[self.place(self.first, self.frames())]
    }

    /// The samples of frames that are held.
    pub(super) fn part(&self, range: Range<u64>) -> &[S] {
        let first = self.first + (range.start - self.held.start) as usize;
        &self.storage[self.place(first, (range.end - range.start) as usize)]
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.frame_samples);
    }

    /// Loads all that is held anew.
    pub(super) fn reload<E>(
        &mut self,
        new: Range<u64>,
        load: impl FnOnce(Range<u64>, &mut [S]) -> Result<(), E>,
    ) -> Result<(), Failure<E>> {
        self.held = new.start..new.start;
        self.move_to(new, load).map(|_| ())
    }

    /// Holds `new`: keeps what it can, loads the rest by one call. Says whether it loaded. If it
    /// fails, what could be kept is held.
    pub(super) fn move_to<E>(
        &mut self,
        new: Range<u64>,
        load: impl FnOnce(Range<u64>, &mut [S]) -> Result<(), E>,
    ) -> Result<bool, Failure<E>> {
        let recycling = recycle(&self.held, &new);
        let first = self.make_room(&new, &recycling.keep)?;
        if recycling.load.is_empty() {
            self.held = new;
            return Ok(false);
        }
        let place = self.place(
            first + (recycling.load.start - new.start) as usize,
            (recycling.load.end - recycling.load.start) as usize,
        );
        load(recycling.load.clone(), &mut self.storage[place]).map_err(|source| Failure::Load {
            range: recycling.load,
            source,
        })?;
        self.first = first;
        self.held = new;
        Ok(true)
    }

    /// Brings the frames to keep to where they belong in `new`, and holds only them. Returns where
    /// `new` begins in the storage.
    fn make_room<E>(&mut self, new: &Range<u64>, keep: &Range<u64>) -> Result<usize, Failure<E>> {
        let frames = new.end - new.start;
        let kept = (keep.end - keep.start) as usize;
        let from = if kept > 0 {
            self.first + (keep.start - self.held.start) as usize
        } else {
            0
        };
        let ahead = (keep.start - new.start) as usize;
        let needed = usize::try_from(frames)
            .ok()
            .and_then(|frames| frames.checked_mul(self.frame_samples))
            .ok_or(Failure::Memory { frames })?;
        if (self.storage.len()..=self.storage.capacity()).contains(&needed) {
            self.storage.resize(needed, S::default());
        }
        let first = if self.storage.len() < needed || self.storage.len() / 2 > needed {
            let mut storage = Vec::new();
            // With room to grow at an end of the array; what is never touched takes no memory.
            storage
                .try_reserve_exact(needed + needed / 2)
                .map_err(|_| Failure::Memory { frames })?;
            in_large_pages(&mut storage);
            let room = self.place(ahead, kept);
            storage.resize(room.start, S::default());
            storage.extend_from_slice(&self.storage[self.place(from, kept)]);
            storage.resize(needed, S::default());
            self.storage = storage;
            0
        } else if from >= ahead
            && self.place(from - ahead, frames as usize).end <= self.storage.len()
        {
            from - ahead
        } else {
            let (kept_at, wanted_at) = (self.place(from, kept), self.place(ahead, 0).start);
            self.storage.copy_within(kept_at, wanted_at);
            0
        };
        self.first = first + ahead;
        self.held = keep.clone();
        Ok(first)
    }

    /// Samples of frames in the storage.
    fn place(&self, first: usize, frames: usize) -> Range<usize> {
        first * self.frame_samples..(first + frames) * self.frame_samples
    }
}

/// Asks for large pages: the first touch of a page costs as much as decoding a thousand frames.
#[cfg(target_os = "linux")]
fn in_large_pages<S>(storage: &mut Vec<S>) {
    use rustix::mm::{Advice, madvise};
    const PAGE_BYTES: usize = 4096;
    const LARGE_BYTES: usize = 2 << 20;
    let begin = storage.as_mut_ptr().cast::<u8>();
    let skipped = begin.align_offset(PAGE_BYTES);
    let bytes = storage.capacity() * size_of::<S>();
    if bytes >= LARGE_BYTES {
        // SAFETY: the advice changes no contents, and the range lies in memory that is ours. It may
        // be refused: then all is as it was.
        let _ = unsafe {
            let from = begin.add(skipped).cast();
            let length = (bytes - skipped) / PAGE_BYTES * PAGE_BYTES;
            madvise(from, length, Advice::LinuxHugepage)
        };
    }
}

#[cfg(not(target_os = "linux"))]
fn in_large_pages<S>(_storage: &mut Vec<S>) {}
