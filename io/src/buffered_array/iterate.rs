//! Going through a buffered array: frame by frame, block by block.

use std::ops::RangeBounds;

use super::array::BufferedArray;
use super::blocks::{BlockRanges, block_ranges};
use super::error::ArrayError;
use super::source::Source;

impl<A: Source> BufferedArray<A> {
    /// Goes through all frames there are, those that come meanwhile included.
    pub fn iter(&mut self) -> Frames<'_, A> {
        Frames {
            array: self,
            next: 0,
        }
    }

    /// Goes through a range of frames in blocks of `size` frames, neighbours sharing `overlap`
    /// frames, the last one shorter where the range does not come out even. Frames beyond the end
    /// do not count; of nothing there are no blocks.
    ///
    /// # Errors
    /// [`OverlapTooLong`](ArrayError::OverlapTooLong) unless `overlap` is less than `size`.
    pub fn blocks(
        &mut self,
        size: u64,
        overlap: u64,
        range: impl RangeBounds<u64>,
    ) -> Result<Blocks<'_, A>, ArrayError<A::Error>> {
        let ranges = block_ranges(self.frames(), size, overlap, range)?;
        Ok(Blocks {
            array: self,
            ranges,
        })
    }
}

/// The frames of a buffered array, one by one; see [`BufferedArray::iter`].
#[derive(Debug)]
pub struct Frames<'a, A: Source> {
    array: &'a mut BufferedArray<A>,
    next: u64,
}

impl<A: Source> Frames<'_, A> {
    /// The next frame, straight from the buffer; nothing at the end.
    ///
    /// # Errors
    /// [`Load`](ArrayError::Load), [`TooLarge`](ArrayError::TooLarge); the next call tries the same
    /// frame again.
    pub fn next_frame(&mut self) -> Result<Option<&[A::Sample]>, ArrayError<A::Error>> {
        if self.next >= self.array.frames() {
            return Ok(None);
        }
        let frame = self.array.range(self.next..self.next + 1)?;
        self.next += 1;
        Ok(Some(frame))
    }
}

/// The blocks of a buffered array; see [`BufferedArray::blocks`].
#[derive(Debug)]
pub struct Blocks<'a, A: Source> {
    array: &'a mut BufferedArray<A>,
    ranges: BlockRanges,
}

impl<A: Source> Blocks<'_, A> {
    /// The next block, row-major, straight from the buffer; nothing behind the last one.
    ///
    /// # Errors
    /// [`Load`](ArrayError::Load), [`TooLarge`](ArrayError::TooLarge); the next call tries the same
    /// block again.
    pub fn next_block(&mut self) -> Result<Option<&[A::Sample]>, ArrayError<A::Error>> {
        let mut ranges = self.ranges.clone();
        let Some(range) = ranges.next() else {
            return Ok(None);
        };
        let block = self.array.range(range)?;
        self.ranges = ranges;
        Ok(Some(block))
    }
}
