//! The order in which a WAV file is written to, so that it is true at every moment: what a header
//! tells of is on the disk before the header is.

use std::io;

use super::storage::{Storage, write_all_at};
use super::wav_header::{State, WavHeader};

/// Makes the header tell of so many bytes of samples: samples, sync, header, sync. A file that is
/// being closed stays so: what is behind its samples is not sound. Returns the
/// bytes behind them that fill up an odd length. After an error the header is as before, and what
/// was written since the last success may not be on the disk. Before the first success, which
/// gives the file its name, `first` has the whole header written, and in no order.
pub(super) fn make_true(
    storage: &mut dyn Storage,
    header: &mut WavHeader,
    data_bytes: u64,
    first: bool,
) -> io::Result<u64> {
    let mut pad = data_bytes % 2;
    if pad == 1 {
        let place = header.data_offset() + data_bytes;
        // Where there is no room for it, the file is whole without.
        pad = write_all_at(storage, &[0], place).0 as u64;
    }
    storage.sync()?;
    let mut next = header.clone();
    next.set(data_bytes, pad, header.state());
    if first {
        write_all_at(storage, next.bytes(), 0).1?;
        storage.sync()?;
    } else {
        write_front(storage, &next)?;
        if let Some((bytes, place)) = next.back().filter(|back| header.back() != Some(*back)) {
            write_all_at(storage, bytes, place).1?;
            storage.sync()?;
        }
    }
    *header = next;
    Ok(pad)
}

/// What shall stand behind the samples.
#[derive(Debug)]
pub(super) enum Behind {
    /// These chunks.
    Chunks(Vec<u8>),
    /// What is there already, so many bytes.
    Kept(u64),
}

/// Closes a file that [`make_true`] made true for all its samples, and returned `pad`. When the
/// chunks find no room, the file is closed without them, and the error is returned.
pub(super) fn close(
    storage: &mut dyn Storage,
    header: &mut WavHeader,
    data_bytes: u64,
    pad: u64,
    behind: &Behind,
) -> io::Result<()> {
    let end = header.data_offset() + data_bytes + pad;
    let (mut bytes, mut written) = (0, Ok(()));
    match behind {
        Behind::Kept(kept) => bytes = *kept,
        Behind::Chunks(chunks) if chunks.is_empty() => {}
        Behind::Chunks(chunks) => {
            // Said before they are there: behind an open take, they would pass for sound.
            header.set(data_bytes, pad, State::Closing);
            write_front(storage, header)?;
            written = write_all_at(storage, chunks, end).1;
            if written.is_ok() {
                bytes = chunks.len() as u64;
            }
        }
    }
    storage.set_len(end + bytes)?;
    storage.sync()?;
    header.set(data_bytes, pad + bytes, State::Closed);
    write_front(storage, header)?;
    written
}

fn write_front(storage: &mut dyn Storage, header: &WavHeader) -> io::Result<()> {
    write_all_at(storage, header.front(), 0).1?;
    storage.sync()
}
