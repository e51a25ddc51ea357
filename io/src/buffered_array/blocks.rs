//! Cutting an array into blocks that may overlap.

use std::ops::{Range, RangeBounds};

use super::error::OverlapTooLong;
use super::index::frame_range;

/// The ranges of successive blocks of `size` frames, neighbours sharing `overlap` frames, over a
/// range of an array of `frames` frames. The last block is shorter where the range does not come
/// out even; frames beyond the end do not count, and of nothing there are no blocks.
///
/// # Errors
/// [`OverlapTooLong`] unless `overlap` is less than `size`.
pub fn block_ranges(
    frames: u64,
    size: u64,
    overlap: u64,
    range: impl RangeBounds<u64>,
) -> Result<BlockRanges, OverlapTooLong> {
    if overlap >= size {
        return Err(OverlapTooLong { size, overlap });
    }
    Ok(BlockRanges {
        left: frame_range(range, frames),
        size,
        overlap,
        begun: false,
    })
}

/// Iterator over the ranges of blocks; see [`block_ranges`].
#[derive(Clone, Debug)]
pub struct BlockRanges {
    left: Range<u64>,
    size: u64,
    overlap: u64,
    begun: bool,
}

impl Iterator for BlockRanges {
    type Item = Range<u64>;

    fn next(&mut self) -> Option<Range<u64>> {
        // What is left begins with the frames that were in the last block too.
        let seen = if self.begun { self.overlap } else { 0 };
        let left = self.left.end.saturating_sub(self.left.start);
        if left <= seen {
            return None;
        }
        self.begun = true;
        let start = self.left.start;
        let length = left.min(self.size);
        self.left.start += self.size - self.overlap;
        Some(start..start + length)
    }
}

/// Successive blocks of any slice: `size` frames each, neighbours sharing `overlap` frames, the
/// last one shorter where the range does not come out even.
///
/// # Errors
/// [`OverlapTooLong`] unless `overlap` is less than `size`.
///
/// # Examples
/// ```
/// use ossicle_io::buffered_array::blocks;
///
/// let data = [1, 2, 3, 4, 5, 6];
/// let cut: Vec<&[i32]> = blocks(&data, 4, 1, ..)?.collect();
/// assert_eq!(cut, [&data[0..4], &data[3..6]]);
/// # Ok::<(), ossicle_io::buffered_array::OverlapTooLong>(())
/// ```
pub fn blocks<T>(
    data: &[T],
    size: u64,
    overlap: u64,
    range: impl RangeBounds<u64>,
) -> Result<impl Iterator<Item = &[T]>, OverlapTooLong> {
    let ranges = block_ranges(data.len() as u64, size, overlap, range)?;
    Ok(ranges.map(|range| &data[range.start as usize..range.end as usize]))
}
