//! The buffered array: its window, and how it moves.

use std::ops::Range;

use super::error::ArrayError;
use super::placement::Rules;
use super::source::Source;
use super::window::{Failure, Window};

/// An array of frames, of which a window (the buffer) is in memory.
///
/// The first axis are frames, the second channels; a source may have more. Whatever is asked for is
/// loaded with frames round it, so that asking for its neighbours next costs nothing. `bufferframes`
/// is how many frames the buffer should hold, `backframes` how many of them before a request.
///
/// The source may grow. Memory never holds more than one request or one and a half times
/// `bufferframes`, whichever is longer.
///
/// # Examples
/// ```
/// use ossicle_io::buffered_array::{BufferedArray, Computed, Key};
///
/// let ramp = Computed::new(48_000.0, 2, 1_000_000, |offset, out: &mut [f64]| {
///     for (index, sample) in out.iter_mut().enumerate() {
///         *sample = (offset * 2 + index as u64) as f64;
///     }
/// });
/// let mut array = BufferedArray::new(ramp, 4800, 0);
/// assert_eq!(array.range(70_000..70_002)?, [140_000.0, 140_001.0, 140_002.0, 140_003.0]);
/// assert_eq!(array.get(-1)?.data(), [1_999_998.0, 1_999_999.0]);
/// let right = array.get_at(&[Key::from(..30).step_by(10), Key::from(1)])?;
/// assert_eq!((right.shape(), right.data()), (&[3][..], &[1.0, 21.0, 41.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct BufferedArray<A: Source> {
    pub(super) source: A,
    window: Window<A::Sample>,
    channels: usize,
    bufferframes: usize,
    backframes: usize,
    /// As set by the user; the two above are less while the source is shorter.
    wished: (usize, usize),
    /// Frames of the source when they were lowered.
    lowered_at: Option<u64>,
    follow: usize,
    changed: Vec<bool>,
}

type Moved<A> = Result<(), ArrayError<<A as Source>::Error>>;

impl<A: Source> BufferedArray<A> {
    /// Stands on `source` with an empty buffer. A `bufferframes` above the source's frames is
    /// lowered to them, and `backframes` to 0, until the source has grown.
    pub fn new(source: A, bufferframes: usize, backframes: usize) -> Self {
        let channels = source.channels();
        let frame_samples = channels * source.tail().iter().product::<usize>();
        let mut array = Self {
            source,
            window: Window::new(frame_samples),
            channels,
            bufferframes,
            backframes,
            wished: (bufferframes, backframes),
            lowered_at: None,
            follow: 0,
            changed: vec![false; channels],
        };
        array.lower();
        array
    }

    /// The source.
    pub fn source(&self) -> &A {
        &self.source
    }

    /// The source, for what it can beside loading. Frames that it held before must stay as they
    /// are, or [`reload_buffer`](Self::reload_buffer) must follow.
    pub fn source_mut(&mut self) -> &mut A {
        &mut self.source
    }

    /// Gives the source back.
    pub fn into_source(self) -> A {
        self.source
    }

    /// Frames per second.
    pub fn rate(&self) -> f64 {
        self.source.rate()
    }

    /// Channels of a frame.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Frames of the whole array at this moment.
    pub fn frames(&self) -> u64 {
        self.source.frames()
    }

    /// Length of each axis: frames, channels, then what the source adds.
    pub fn shape(&self) -> Vec<u64> {
        let tail = self.source.tail().iter().map(|&size| size as u64);
        [self.frames(), self.channels as u64]
            .into_iter()
            .chain(tail)
            .collect()
    }

    /// Number of axes.
    pub fn ndim(&self) -> usize {
        2 + self.source.tail().len()
    }

    /// Frames times channels, without further axes.
    pub fn size(&self) -> u64 {
        self.frames() * self.channels as u64
    }

    /// Number of all samples, further axes included.
    pub fn samples(&self) -> u64 {
        self.frames() * self.frame_samples() as u64
    }

    /// Samples of one frame.
    pub fn frame_samples(&self) -> usize {
        self.channels * self.source.tail().iter().product::<usize>()
    }

    /// Index of the first frame in the buffer.
    pub fn offset(&self) -> u64 {
        self.window.held().start
    }

    /// The frames in the buffer, row-major.
    pub fn buffer(&self) -> &[A::Sample] {
        self.window.samples()
    }

    /// The range of frames in the buffer.
    pub fn held(&self) -> Range<u64> {
        self.window.held()
    }

    /// Frames the buffer should hold.
    pub fn bufferframes(&self) -> usize {
        self.bufferframes
    }

    /// Sets the frames the buffer should hold. Beyond the source's frames it is lowered when the
    /// buffer is moved next, as in [`new`](Self::new).
    pub fn set_bufferframes(&mut self, frames: usize) {
        self.bufferframes = frames;
        self.wished.0 = frames;
    }

    /// Frames to keep before a request.
    pub fn backframes(&self) -> usize {
        self.backframes
    }

    /// Sets the frames to keep before a request.
    pub fn set_backframes(&mut self, frames: usize) {
        self.backframes = frames;
        self.wished.1 = frames;
    }

    /// By how many frames the buffer must be able to move to follow a request inside of it; 0: it
    /// moves for requests outside of it only.
    pub fn follow(&self) -> usize {
        self.follow
    }

    /// Sets [`follow`](Self::follow): small values make more but shorter loads.
    pub fn set_follow(&mut self, frames: usize) {
        self.follow = frames;
    }

    /// For each channel, whether frames were loaded since it was cleared: a plot must be redrawn.
    pub fn buffer_changed(&self) -> &[bool] {
        &self.changed
    }

    /// Clears the mark of one channel; one that is not there has none.
    pub fn clear_changed(&mut self, channel: usize) {
        if let Some(changed) = self.changed.get_mut(channel) {
            *changed = false;
        }
    }

    /// Where the buffer would go for these frames; nothing moves. Frames beyond the end do not
    /// count, and for none the buffer stays.
    pub fn buffer_position(&self, range: Range<u64>) -> Range<u64> {
        let frames = self.frames();
        let (bufferframes, backframes) = match self.bufferframes as u64 > frames {
            true => (frames, 0),
            false => (self.bufferframes as u64, self.backframes as u64),
        };
        let rules = Rules {
            frames,
            bufferframes,
            backframes,
            follow: self.follow as u64,
        };
        rules.place(&self.window.held(), range)
    }

    /// Makes sure that these frames are held, as far as they exist.
    ///
    /// # Errors
    /// [`Load`](ArrayError::Load), [`TooLarge`](ArrayError::TooLarge).
    pub fn update_buffer(&mut self, range: Range<u64>) -> Moved<A> {
        self.look_at_growth();
        self.hold(self.buffer_position(range))
    }

    /// Makes sure that the frames from `start_s` to `stop_s` (seconds, the frame at `stop_s`
    /// included) are held, as far as they exist. Both are cut down to whole frames.
    ///
    /// # Errors
    /// As [`update_buffer`](Self::update_buffer).
    pub fn update_time(&mut self, start_s: f64, stop_s: f64) -> Moved<A> {
        let start = (start_s * self.rate()) as i64;
        let stop = ((stop_s * self.rate()) as i64).saturating_add(1);
        self.update_buffer(start.max(0) as u64..stop.max(0) as u64)
    }

    /// Makes the buffer hold `frames` frames from `offset` on, less at the end of the array; for
    /// none it stays as it is.
    ///
    /// # Errors
    /// [`IndexOutOfRange`](ArrayError::IndexOutOfRange) for an offset behind the end; else as
    /// [`update_buffer`](Self::update_buffer).
    pub fn move_buffer(&mut self, offset: u64, frames: usize) -> Moved<A> {
        let length = self.frames();
        if offset > length {
            let index = i64::try_from(offset).unwrap_or(i64::MAX);
            return Err(ArrayError::IndexOutOfRange {
                axis: 0,
                index,
                length,
            });
        }
        let end = offset.saturating_add(frames as u64).min(self.frames());
        if offset < end {
            self.hold(offset..end)
        } else {
            Ok(())
        }
    }

    /// Loads all that is in the buffer anew; nothing happens if it is empty.
    ///
    /// # Errors
    /// [`Load`](ArrayError::Load); the buffer is empty then.
    pub fn reload_buffer(&mut self) -> Moved<A> {
        self.reload(self.window.held())
    }

    /// Loads `frames` frames anew from where the buffer begins, less at the end of the array;
    /// `None` for [`bufferframes`](Self::bufferframes).
    ///
    /// # Errors
    /// As [`reload_buffer`](Self::reload_buffer).
    pub fn resize_buffer(&mut self, frames: Option<usize>) -> Moved<A> {
        self.look_at_growth();
        self.lower();
        let offset = self.offset();
        let wanted = frames.unwrap_or(self.bufferframes) as u64;
        self.reload(offset..offset.saturating_add(wanted).min(self.frames()).max(offset))
    }

    /// Empties the buffer, clears its marks and ends following.
    pub fn init_buffer(&mut self) {
        self.window.clear();
        self.follow = 0;
        self.changed.fill(false);
        self.lower();
    }

    pub(super) fn window(&self) -> &Window<A::Sample> {
        &self.window
    }

    fn hold(&mut self, range: Range<u64>) -> Moved<A> {
        let held = self.window.held();
        if range == held {
            return Ok(());
        }
        if range.end - range.start != held.end - held.start {
            self.lower();
        }
        let (window, source) = (&mut self.window, &mut self.source);
        let moved = window.move_to(range, |frames, out| source.load(frames, out));
        if moved.map_err(array_error)? {
            self.changed.fill(true);
        }
        Ok(())
    }

    fn reload(&mut self, range: Range<u64>) -> Moved<A> {
        if range.is_empty() {
            return Ok(());
        }
        let (window, source) = (&mut self.window, &mut self.source);
        let loaded = window.reload(range, |frames, out| source.load(frames, out));
        loaded.map_err(array_error)?;
        self.changed.fill(true);
        Ok(())
    }

    /// The buffer need not hold more than there is.
    fn lower(&mut self) {
        let frames = self.frames();
        if self.bufferframes as u64 > frames {
            self.bufferframes = frames as usize;
            self.backframes = 0;
            self.lowered_at = Some(frames);
        }
    }

    /// Once there is more, the buffer may hold what was wished for.
    fn look_at_growth(&mut self) {
        if self.lowered_at.is_some_and(|frames| self.frames() > frames) {
            (self.bufferframes, self.backframes) = self.wished;
            self.lowered_at = None;
            self.lower();
        }
    }
}

fn array_error<E: std::error::Error + 'static>(failure: Failure<E>) -> ArrayError<E> {
    match failure {
        Failure::Memory { frames } => ArrayError::TooLarge { frames },
        Failure::Load { range, source } => ArrayError::Load {
            offset: range.start,
            end: range.end,
            source,
        },
    }
}
