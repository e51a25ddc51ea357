//! Pages of an Ogg file.
//!
//! RFC 3533, section 6.

use super::encoder::Block;

/// Bytes of a page before its table of segments.
pub(super) const HEADER_BYTES: usize = 27;
/// Most bytes of a page.
pub(super) const MAX_PAGE_BYTES: usize = HEADER_BYTES + 255 + 255 * 255;
/// The flag of the last page of a stream.
const LAST: u8 = 0x04;
/// Where the flags, the position and the sum of a page are.
const FLAGS: usize = 5;
const POSITION: usize = 6;
const SUM: usize = 22;

/// A page at the start of some bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// Bytes of the whole of it.
    pub bytes: usize,
    /// Frames that can be decoded with it; none when no packet ends in it.
    pub position: Option<u64>,
    pub last: bool,
    /// The stream it belongs to.
    pub serial: u32,
}

impl Page {
    /// The page that these bytes begin with; nothing if it is not whole or its sum is wrong.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let page = Self::parse_header(bytes)?;
        let bytes = bytes.get(..page.bytes)?;
        (sum(bytes).to_le_bytes() == *bytes.get(SUM..)?.first_chunk::<4>()?).then_some(page)
    }

    fn parse_header(bytes: &[u8]) -> Option<Self> {
        if bytes.get(0..5)? != b"OggS\0" {
            return None;
        }
        let flags = *bytes.get(FLAGS)?;
        let segments = usize::from(*bytes.get(HEADER_BYTES - 1)?);
        let table = bytes.get(HEADER_BYTES..HEADER_BYTES + segments)?;
        let body: usize = table.iter().map(|&length| usize::from(length)).sum();
        let position = u64::from_le_bytes(*bytes.get(POSITION..)?.first_chunk()?);
        Some(Self {
            bytes: HEADER_BYTES + segments + body,
            position: (position <= i64::MAX as u64).then_some(position),
            last: flags & LAST != 0,
            serial: u32::from_le_bytes(*bytes.get(14..)?.first_chunk()?),
        })
    }
}

/// Cuts whole pages apart.
pub(super) fn split_pages(mut bytes: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    while let Some(page) = Page::parse_header(bytes)
        && let Some((page_bytes, rest)) = bytes.split_at_checked(page.bytes)
    {
        blocks.push(Block {
            bytes: page_bytes.to_vec(),
            end_frame: page.position.unwrap_or(0),
        });
        bytes = rest;
    }
    blocks
}

/// Makes a page the last one of its stream; says whether it is a page.
pub(super) fn mark_last(page: &mut [u8]) -> bool {
    if page.len() < HEADER_BYTES {
        return false;
    }
    page[FLAGS] |= LAST;
    let sum = sum(page).to_le_bytes();
    page[SUM..SUM + 4].copy_from_slice(&sum);
    true
}

/// The sum of a page, its own bytes taken for 0: CRC-32 with the polynomial 0x04c11db7, from the
/// highest bit on, without inversion.
fn sum(page: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let mut value = (byte as u32) << 24;
            let mut bit = 0;
            while bit < 8 {
                value = value << 1 ^ if value >> 31 == 1 { 0x04c1_1db7 } else { 0 };
                bit += 1;
            }
            table[byte] = value;
            byte += 1;
        }
        table
    };
    page.iter().enumerate().fold(0, |sum, (index, &byte)| {
        let byte = if (SUM..SUM + 4).contains(&index) {
            0
        } else {
            byte
        };
        sum << 8 ^ TABLE[(sum >> 24) as usize ^ usize::from(byte)]
    })
}
