//! What stands before the sound of a FLAC take: the numbers, the comments, and room for chapters.
//!
//! RFC 9639, sections 8.1 (blocks), 8.2 (streaminfo), 8.3 (padding), 8.6 (vorbis comment).

use super::comments::Comments;

/// What the maker's name says while a take is open.
const OPEN: &str = "Ossicle, a take that is not closed";
/// And when it is closed.
const CLOSED: &str = "Ossicle";
/// Frames that the header can count.
const MAX_COUNTED_FRAMES: u64 = (1 << 36) - 1;
/// Kinds of blocks.
const STREAM_INFO: u8 = 0;
const PADDING: u8 = 1;
const COMMENT: u8 = 4;
/// The mark of the last block.
const LAST: u8 = 0x80;

/// What the first block says.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamInfo {
    pub block_frames: usize,
    pub sample_rate_hz: u32,
    pub channels: usize,
    pub bits: u32,
    /// 0: not known.
    pub frames: u64,
    /// All 0: not known.
    pub md5: [u8; 16],
}

/// All of it.
///
/// While the take is open: the numbers, the comments, padding. When it is closed: the numbers,
/// padding where the comments were, the comments with the chapters, padding. So the comments are
/// changed where readers pass over them, and what switches them is in the first sector, which is
/// never torn.
#[derive(Clone, Debug)]
pub(super) struct Front {
    pub info: StreamInfo,
    pub comments: Comments,
    /// Bytes of the padding behind the comments while the take is open.
    padding: usize,
}

/// How an open take's front becomes that of a closed one.
#[derive(Debug)]
pub(super) struct Closing {
    /// Bytes and their places, each to be on the disk before the next is written.
    pub steps: Vec<(Vec<u8>, u64)>,
    /// Chapters for which there was no room.
    pub left_out: usize,
}

impl Front {
    pub(super) fn new(info: StreamInfo, comments: Comments, chapter_bytes: usize) -> Self {
        let closed = comment_block(CLOSED, &comments).len();
        Self {
            info,
            comments,
            padding: 4 + closed + chapter_bytes + 4,
        }
    }

    /// The bytes while the take is open.
    pub(super) fn open(&self) -> Vec<u8> {
        let mut bytes = self.info.bytes();
        push_block(COMMENT, &comment_block(OPEN, &self.comments), &mut bytes);
        push_block(PADDING | LAST, &vec![0; self.padding], &mut bytes);
        bytes
    }

    /// How it is closed. Chapters, of two comments each, for which there is no room are left out,
    /// from the first of them on.
    pub(super) fn closed(&self, chapters: &Comments) -> Closing {
        let room = self.padding.saturating_sub(4 + 4);
        let mut comments = self.comments.clone();
        let fits = |comments: &Comments| comment_block(CLOSED, comments).len() <= room;
        // Only older versions left less room than for these.
        while !fits(&comments) && comments.pop().is_some() {}
        let mut left_out = chapters.len() / 2;
        for chapter in chapters.chunks(2) {
            comments.extend_from_slice(chapter);
            if !fits(&comments) {
                comments.truncate(comments.len() - chapter.len());
                break;
            }
            left_out -= 1;
        }
        let comments = comment_block(CLOSED, &comments);
        let rest = vec![0; room.saturating_sub(comments.len())];
        let passed = vec![0; self.open_comments_end() - StreamInfo::BYTES];
        let mut bytes = self.info.bytes();
        push_block(PADDING, &passed, &mut bytes);
        let behind = bytes.len();
        push_block(COMMENT, &comments, &mut bytes);
        push_block(PADDING | LAST, &rest, &mut bytes);
        let switch = bytes[..StreamInfo::BYTES + 4].to_vec();
        Closing {
            steps: vec![
                (bytes[behind..].to_vec(), behind as u64),
                (switch, 0),
                // What the first padding still holds of the old comments.
                (bytes, 0),
            ],
            left_out,
        }
    }

    /// Bytes before the sound.
    pub(super) fn len(&self) -> usize {
        self.open_comments_end() + 4 + self.padding
    }

    fn open_comments_end(&self) -> usize {
        StreamInfo::BYTES + 4 + comment_block(OPEN, &self.comments).len()
    }

    /// Whether these bytes begin a take that is not closed; 128 are enough.
    pub(super) fn is_open(start: &[u8]) -> bool {
        let comments = start.get(StreamInfo::BYTES..);
        comments.is_some_and(|block| {
            block.first() == Some(&COMMENT)
                && block.get(4..).and_then(text) == Some(OPEN.as_bytes())
        }) && StreamInfo::parse(start).is_some()
    }

    /// Reads what [`open`](Self::open) wrote; nothing if it is something else.
    pub(super) fn parse(start: &[u8]) -> Option<Self> {
        if !Self::is_open(start) {
            return None;
        }
        let block = block(start, StreamInfo::BYTES, COMMENT)?;
        let padding_at = StreamInfo::BYTES + 4 + block.len();
        let padding = self::block(start, padding_at, PADDING | LAST)?;
        let mut rest = block.get(4 + OPEN.len()..)?;
        let count = u32::from_le_bytes(*rest.first_chunk()?);
        rest = rest.get(4..)?;
        let mut comments = Comments::new();
        for _ in 0..count {
            let comment = text(rest)?;
            rest = rest.get(4 + comment.len()..)?;
            let comment = String::from_utf8_lossy(comment);
            let (name, value) = comment.split_once('=')?;
            comments.push((name.to_owned(), value.to_owned()));
        }
        Some(Self {
            info: StreamInfo::parse(start)?,
            comments,
            padding: padding.len(),
        })
    }
}

impl StreamInfo {
    /// Bytes of the file's mark and of the block.
    const BYTES: usize = 42;

    /// The file's mark and the block.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(34);
        let block_frames = self.block_frames as u16;
        body.extend_from_slice(&block_frames.to_be_bytes());
        body.extend_from_slice(&block_frames.to_be_bytes());
        // The smallest and largest block in bytes: not known.
        body.extend_from_slice(&[0; 6]);
        let frames = if self.frames > MAX_COUNTED_FRAMES {
            0
        } else {
            self.frames
        };
        let packed = u64::from(self.sample_rate_hz) << 44
            | (self.channels as u64 - 1) << 41
            | u64::from(self.bits - 1) << 36
            | frames;
        body.extend_from_slice(&packed.to_be_bytes());
        body.extend_from_slice(&self.md5);
        let mut bytes = b"fLaC".to_vec();
        push_block(STREAM_INFO, &body, &mut bytes);
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.get(0..4)? != b"fLaC" {
            return None;
        }
        let body = block(bytes, 4, STREAM_INFO)?;
        let packed = u64::from_be_bytes(*body.get(10..)?.first_chunk()?);
        Some(Self {
            block_frames: usize::from(u16::from_be_bytes(*body.first_chunk()?)),
            sample_rate_hz: (packed >> 44) as u32,
            channels: (packed >> 41 & 7) as usize + 1,
            bits: (packed >> 36 & 31) as u32 + 1,
            frames: packed & MAX_COUNTED_FRAMES,
            md5: *body.get(18..)?.first_chunk()?,
        })
    }
}

fn push_block(kind: u8, body: &[u8], bytes: &mut Vec<u8>) {
    let [_, length @ ..] = (body.len() as u32).to_be_bytes();
    bytes.push(kind);
    bytes.extend_from_slice(&length);
    bytes.extend_from_slice(body);
}

/// The body of the block of this kind at a place.
fn block(bytes: &[u8], at: usize, kind: u8) -> Option<&[u8]> {
    let &[found, a, b, c] = bytes.get(at..)?.first_chunk()?;
    let length = u32::from_be_bytes([0, a, b, c]) as usize;
    let body = bytes.get(at + 4..at + 4 + length)?;
    (found == kind).then_some(body)
}

/// A text with its length before it.
fn text(bytes: &[u8]) -> Option<&[u8]> {
    let length = u32::from_le_bytes(*bytes.first_chunk()?) as usize;
    bytes.get(4..)?.get(..length)
}

fn comment_block(maker: &str, comments: &Comments) -> Vec<u8> {
    let mut block = Vec::new();
    push_text(maker, &mut block);
    block.extend_from_slice(&(comments.len() as u32).to_le_bytes());
    for (name, value) in comments {
        push_text(&format!("{name}={value}"), &mut block);
    }
    block
}

fn push_text(text: &str, block: &mut Vec<u8>) {
    block.extend_from_slice(&(text.len() as u32).to_le_bytes());
    block.extend_from_slice(text.as_bytes());
}
