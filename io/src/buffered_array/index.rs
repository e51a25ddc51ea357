//! Indexing a buffered array.

use std::ops::{Bound, Range, RangeBounds};

use super::array::BufferedArray;
use super::error::ArrayError;
use super::key::{Key, KeyFault, Places};
use super::source::Source;

/// Samples with a shape, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array<S> {
    shape: Vec<usize>,
    data: Vec<S>,
}

impl<S> Array<S> {
    /// Length of each axis; a single sample has none.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The samples, row-major.
    pub fn data(&self) -> &[S] {
        &self.data
    }

    /// The samples, row-major.
    pub fn into_data(self) -> Vec<S> {
        self.data
    }
}

impl<A: Source> BufferedArray<A> {
    /// The frames of a range, row-major, straight from the buffer: the fast way. What is beyond
    /// the end does not count.
    ///
    /// # Errors
    /// [`Load`](ArrayError::Load), [`TooLarge`](ArrayError::TooLarge).
    pub fn range(
        &mut self,
        range: impl RangeBounds<u64>,
    ) -> Result<&[A::Sample], ArrayError<A::Error>> {
        let range = frame_range(range, self.frames());
        if range.is_empty() {
            return Ok(&[]);
        }
        self.update_buffer(range.clone())?;
        Ok(self.window().part(range))
    }

    /// Copies frames from `first` on into `out`, row-major, and leaves the buffer where it is: for
    /// scattered windows, of which each would move it. Returns the frames copied: as many as `out`
    /// holds, less at the end.
    ///
    /// # Errors
    /// [`Load`](ArrayError::Load).
    pub fn peek(
        &mut self,
        first: u64,
        out: &mut [A::Sample],
    ) -> Result<usize, ArrayError<A::Error>> {
        let frame_samples = self.frame_samples();
        let wanted = out.len().checked_div(frame_samples).unwrap_or(0);
        let range = frame_range(first..first.saturating_add(wanted as u64), self.frames());
        if range.is_empty() {
            return Ok(0);
        }
        let frames = (range.end - range.start) as usize;
        let out = &mut out[..frames * frame_samples];
        let held = self.held();
        if held.start <= range.start && range.end <= held.end {
            out.copy_from_slice(self.window().part(range));
        } else {
            let (offset, end) = (range.start, range.end);
            let loaded = self.source_mut().load(range, out);
            loaded.map_err(|source| ArrayError::Load {
                offset,
                end,
                source,
            })?;
        }
        Ok(frames)
    }

    /// One frame, all its samples, straight from the buffer.
    ///
    /// # Errors
    /// [`IndexOutOfRange`](ArrayError::IndexOutOfRange), [`Load`](ArrayError::Load),
    /// [`TooLarge`](ArrayError::TooLarge).
    pub fn frame(&mut self, index: u64) -> Result<&[A::Sample], ArrayError<A::Error>> {
        let length = self.frames();
        if index >= length {
            let index = i64::try_from(index).unwrap_or(i64::MAX);
            return Err(ArrayError::IndexOutOfRange {
                axis: 0,
                index,
                length,
            });
        }
        self.range(index..index + 1)
    }

    /// Frames by key, with all their channels, as an array of their own.
    ///
    /// # Errors
    /// As [`get_at`](Self::get_at).
    pub fn get(
        &mut self,
        frames: impl Into<Key>,
    ) -> Result<Array<A::Sample>, ArrayError<A::Error>> {
        self.get_at(&[frames.into()])
    }

    /// Samples by a key for each axis (frames, channels, further ones; all places of an axis
    /// without a key), as an array of their own. Lists are independent: each is an axis of the
    /// result.
    ///
    /// # Errors
    /// [`IndexOutOfRange`](ArrayError::IndexOutOfRange), [`StepZero`](ArrayError::StepZero),
    /// [`TooManyKeys`](ArrayError::TooManyKeys), each before anything is loaded;
    /// [`Load`](ArrayError::Load), [`TooLarge`](ArrayError::TooLarge).
    pub fn get_at(&mut self, keys: &[Key]) -> Result<Array<A::Sample>, ArrayError<A::Error>> {
        let lengths = self.shape();
        if keys.len() > lengths.len() {
            return Err(ArrayError::TooManyKeys {
                given: keys.len(),
                axes: lengths.len(),
            });
        }
        let mut axes = Vec::with_capacity(lengths.len());
        for (axis, &length) in lengths.iter().enumerate() {
            let places = Places::new(keys.get(axis).unwrap_or(&Key::ALL), length);
            axes.push(places.map_err(|fault| match fault {
                KeyFault::OutOfRange { index } => ArrayError::IndexOutOfRange {
                    axis,
                    index,
                    length,
                },
                KeyFault::StepZero => ArrayError::StepZero { axis },
            })?);
        }
        let shape: Vec<usize> = axes
            .iter()
            .filter(|places| !matches!(places, Places::One(_)))
            .map(|places| places.count() as usize)
            .collect();
        let count = axes
            .iter()
            .try_fold(1u64, |all, axis| all.checked_mul(axis.count()));
        let mut data = Vec::new();
        let too_large = ArrayError::TooLarge {
            frames: axes[0].count(),
        };
        if axes[0].count() == 0 {
            return Ok(Array { shape, data });
        }
        match count.and_then(|count| usize::try_from(count).ok()) {
            Some(count) if data.try_reserve_exact(count).is_ok() => {}
            _ => return Err(too_large),
        }
        let span = self.request(&keys.first(), &axes[0], lengths[0]);
        self.update_buffer(span.clone())?;
        let held = self.window().held().start;
        let samples = self.buffer();
        let inner: u64 = lengths[1..].iter().product();
        let whole = axes[1..].iter().zip(&lengths[1..]).all(|(places, &length)| {
            matches!(places, Places::Steps { step: 1, count, .. } if *count == length)
        });
        for number in 0..axes[0].count() {
            let first = (axes[0].place(number) - held) * inner;
            if whole {
                data.extend_from_slice(&samples[first as usize..(first + inner) as usize]);
            } else {
                gather(samples, first, inner, &axes[1..], &lengths[1..], &mut data);
            }
        }
        Ok(Array { shape, data })
    }

    /// The frames to be held for a key: of a range upwards all of it, also where the step leaves
    /// out its last frames.
    fn request(&self, key: &Option<&Key>, places: &Places, length: u64) -> Range<u64> {
        let span = places.span();
        match key {
            Some(Key::Range {
                stop, step: 1.., ..
            }) => {
                let stop = stop.map_or(length, |stop| match stop {
                    ..0 => length.saturating_sub(stop.unsigned_abs()),
                    _ => (stop as u64).min(length),
                });
                span.start..stop
            }
            _ => span,
        }
    }
}

/// Appends the samples of one frame that are asked for, in order.
fn gather<S: Copy>(
    samples: &[S],
    first: u64,
    size: u64,
    axes: &[Places],
    lengths: &[u64],
    data: &mut Vec<S>,
) {
    let (Some((places, axes)), Some((&length, lengths))) =
        (axes.split_first(), lengths.split_first())
    else {
        data.push(samples[first as usize]);
        return;
    };
    let size = size.checked_div(length).unwrap_or(0);
    for number in 0..places.count() {
        gather(
            samples,
            first + places.place(number) * size,
            size,
            axes,
            lengths,
            data,
        );
    }
}

/// A range of frames, cut off at the end of the array.
pub(super) fn frame_range(range: impl RangeBounds<u64>, frames: u64) -> Range<u64> {
    let start = match range.start_bound() {
        Bound::Included(&start) => start,
        Bound::Excluded(&before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let stop = match range.end_bound() {
        Bound::Included(&last) => last.saturating_add(1),
        Bound::Excluded(&stop) => stop,
        Bound::Unbounded => frames,
    };
    start..stop.min(frames)
}
