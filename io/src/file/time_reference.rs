//! When a file begins, as its tags say.
//!
//! EBU Tech 3285 (2011), section 2.3: `bext`, with TimeReference at byte 338.

use std::path::Path;

use super::audio_file::open_regular;
use super::error::FileError;
use super::positioned::read_at;
use super::wav_layout::is_wav;

/// Bytes that are read: tags stand at the start.
const START_BYTES: usize = 64 * 1024;
/// Place of TimeReference in a `bext` chunk.
const TIME_REFERENCE: usize = 338;
/// How the comment in other files begins.
const COMMENT: &[u8] = b"TIME_REFERENCE=";

/// The first frame of a file, in frames from midnight on: TimeReference of a WAV file's `bext`, or the
/// comment `TIME_REFERENCE` of others. Nothing where the first 64 KiB of it do not say.
///
/// # Errors
/// [`NotFound`](FileError::NotFound), [`NotAFile`](FileError::NotAFile),
/// [`PermissionDenied`](FileError::PermissionDenied), [`Io`](FileError::Io).
pub fn time_reference_frames(path: impl AsRef<Path>) -> Result<Option<u64>, FileError> {
    let file = open_regular(path.as_ref())?;
    let mut start = vec![0; START_BYTES];
    let length = read_at(&file, &mut start, 0)?;
    let start = &start[..length];
    Ok(match is_wav(start) {
        true => of_bext(start),
        false => of_comment(start),
    })
}

fn of_bext(start: &[u8]) -> Option<u64> {
    let mut at = 12;
    loop {
        let size = u32::from_le_bytes(*start.get(at + 4..)?.first_chunk()?) as usize;
        let body = start.get(at + 8..)?;
        if start.get(at..at + 4)? == b"bext" {
            let bytes = body.get(..size)?.get(TIME_REFERENCE..)?.first_chunk()?;
            return Some(u64::from_le_bytes(*bytes));
        }
        at = at.checked_add(8 + size + size % 2)?;
    }
}

fn of_comment(start: &[u8]) -> Option<u64> {
    let mut places = start.windows(COMMENT.len());
    let at = places.position(|bytes| bytes == COMMENT)? + COMMENT.len();
    let digits = start[at..].iter().take_while(|byte| byte.is_ascii_digit());
    let digits = digits.map(|byte| char::from(*byte));
    digits.collect::<String>().parse().ok()
}
