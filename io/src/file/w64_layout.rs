//! Where the samples of a W64 (Sony Wave64) file are, by its chunks: named by 16 bytes, sizes of 64
//! bits that count name and size too, each at a multiple of 8 bytes.
//!
//! Sony Pictures Digital Networks, "Sony Wave64 file format" (2003).

use std::fs::File;

use super::error::FileError;
use super::positioned::read_at;
use super::wav_format::{Order, damaged, read_format};
use super::wav_layout::{FORMAT_BYTES, Found, Layout, MAX_CHUNKS, cut_short, settle};

/// Name of the file's one outer chunk.
const RIFF: [u8; 16] = *b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00";
/// What follows the four letters in the names of the chunks in it.
const TAIL: [u8; 12] = *b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a";
/// Bytes of a chunk's name and size.
const HEADER: u64 = 24;
/// All numbers of a W64 file are so.
const ORDER: Order = Order { big_endian: false };

/// Whether this is how a W64 file begins; 12 bytes are enough to tell.
pub(super) fn is_w64(start: &[u8]) -> bool {
    start.get(0..12) == Some(&RIFF[0..12])
}

/// Reads the chunks up to the samples.
pub(super) fn read_layout(file: &File) -> Result<Layout, FileError> {
    let file_bytes = file.metadata()?.len();
    let mut start = [0; 40];
    let length = read_at(file, &mut start, 0)?;
    if length < 40 || start[0..16] != RIFF || letters(&start[24..40]) != Some(*b"wave") {
        return Err(FileError::NotAudio);
    }
    let mut format = None;
    let mut offset = 40;
    for _ in 0..MAX_CHUNKS {
        let Some((name, size)) = header(file, offset)? else {
            break;
        };
        let body = offset + HEADER;
        match name.as_ref() {
            Some(b"fmt ") if format.is_none() => {
                let mut bytes = [0; FORMAT_BYTES];
                let wanted = size.saturating_sub(HEADER).min(FORMAT_BYTES as u64) as usize;
                let length = read_at(file, &mut bytes[..wanted], body)?;
                format = Some(read_format(&bytes[..length], ORDER)?);
            }
            Some(b"data") => {
                let format =
                    format.ok_or_else(|| damaged("it does not say how samples are coded"))?;
                let mut warnings = Vec::new();
                let data_bytes = data_bytes(file, file_bytes, body, size, &mut warnings)?;
                let found = Found {
                    container: "W64",
                    order: ORDER,
                    data_offset: body,
                    data_bytes,
                    warnings,
                };
                return settle(file, format, found);
            }
            _ => {}
        }
        let next = offset
            .saturating_add(size.max(HEADER))
            .checked_next_multiple_of(8);
        match next {
            Some(next) if next < file_bytes => offset = next,
            _ => break,
        }
    }
    Err(damaged("it holds no samples"))
}

/// The letters of a chunk's name if it is one of the usual kind.
fn letters(name: &[u8]) -> Option<[u8; 4]> {
    let (letters, tail) = name.split_first_chunk::<4>()?;
    (tail == TAIL).then_some(*letters)
}

/// A chunk's name, if it is one of the usual kind, and its size, name and size included.
type Header = (Option<[u8; 4]>, u64);

/// The chunk at a place; nothing at the end of the file.
fn header(file: &File, offset: u64) -> Result<Option<Header>, FileError> {
    let mut bytes = [0; HEADER as usize];
    if read_at(file, &mut bytes, offset)? < bytes.len() {
        return Ok(None);
    }
    let (name, size) = bytes.split_at(16);
    let size = size
        .first_chunk()
        .map_or(0, |size| u64::from_le_bytes(*size));
    Ok(Some((letters(name), size)))
}

/// How many bytes of samples there are, whatever the header says.
fn data_bytes(
    file: &File,
    file_bytes: u64,
    body: u64,
    size: u64,
    warnings: &mut Vec<String>,
) -> Result<u64, FileError> {
    let held = file_bytes.saturating_sub(body);
    let said = size.saturating_sub(HEADER);
    // A size is written last; until then it is nothing, all ones or that of an empty chunk.
    let unknown = size < HEADER || size > i64::MAX as u64;
    let empty = said == 0 && held > 0 && !matches!(header(file, body)?, Some((Some(_), _)));
    if unknown || empty {
        warnings.push("its header gives no length: read to the end of the file".to_owned());
        return Ok(held);
    }
    if said > held {
        warnings.push(cut_short(said, held));
    }
    Ok(said.min(held))
}
