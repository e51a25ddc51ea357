//! A storage that keeps the header and counts the rest, for takes that no disk holds.

use std::io;
use std::sync::{Arc, Mutex};

use ossicle_io::file::Storage;

/// Room for any header here.
const HEADER_BYTES: usize = 4096;

/// What is known of the file.
#[derive(Debug, Default)]
pub struct Counted {
    /// Its first bytes.
    pub header: Vec<u8>,
    /// Its length.
    pub bytes: u64,
    /// The last thing that was written behind the header, and where.
    pub last: (u64, Vec<u8>),
}

/// Takes any number of bytes. Beyond the header they must come without a hole.
#[derive(Debug, Default)]
pub struct Counting {
    pub counted: Arc<Mutex<Counted>>,
    data_offset: u64,
}

impl Storage for Counting {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut counted = self.counted.lock().expect("nobody panics with it");
        let end = offset + bytes.len() as u64;
        if counted.bytes == 0 {
            // The first is the header.
            self.data_offset = bytes.len() as u64;
        }
        if offset < self.data_offset || counted.bytes == 0 {
            assert!(end <= self.data_offset.min(HEADER_BYTES as u64));
            let (from, to) = (offset as usize, end as usize);
            let length = counted.header.len().max(to);
            counted.header.resize(length, 0);
            counted.header[from..to].copy_from_slice(bytes);
        } else {
            assert_eq!(offset, counted.bytes, "a hole, or written twice");
            let keep = bytes.len().min(HEADER_BYTES);
            counted.last = (offset, bytes[..keep].to_vec());
        }
        counted.bytes = counted.bytes.max(end);
        Ok(bytes.len())
    }

    fn read_at(&mut self, _bytes: &mut [u8], _offset: u64) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.counted.lock().expect("nobody panics with it").bytes = bytes;
        Ok(())
    }

    fn reserve(&mut self, _bytes: u64) -> io::Result<()> {
        Ok(())
    }

    fn publish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The sizes in a header, read by the letter of the specifications.
#[derive(Debug, PartialEq)]
pub struct Sizes {
    pub rf64: bool,
    /// Bytes behind the form's size.
    pub riff_bytes: u64,
    pub data_bytes: u64,
    /// The frames that `ds64` or `fact` tell of; nothing where neither is.
    pub frames: Option<u64>,
    pub data_offset: u64,
}

pub fn sizes(header: &[u8]) -> Sizes {
    let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four"));
    let long = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().expect("eight"));
    let rf64 = match &header[0..4] {
        b"RIFF" => false,
        b"RF64" => true,
        other => panic!("a form of {other:?}"),
    };
    assert_eq!(&header[8..12], b"WAVE");
    let (mut at, mut ds64, mut fact) = (12, None, None);
    loop {
        let (name, size) = (&header[at..at + 4], word(at + 4));
        match name {
            b"ds64" => {
                assert!(rf64 && at == 12 && size >= 28);
                ds64 = Some((long(at + 8), long(at + 16), long(at + 24)));
            }
            b"fact" => fact = Some(u64::from(word(at + 8))),
            b"data" => {
                let data_offset = at as u64 + 8;
                return match ds64 {
                    Some((riff_bytes, data_bytes, frames)) => {
                        assert_eq!((word(4), size), (u32::MAX, u32::MAX));
                        Sizes {
                            rf64,
                            riff_bytes,
                            data_bytes,
                            frames: Some(frames),
                            data_offset,
                        }
                    }
                    None => Sizes {
                        rf64,
                        riff_bytes: u64::from(word(4)),
                        data_bytes: u64::from(size),
                        frames: fact,
                        data_offset,
                    },
                };
            }
            _ => {}
        }
        at += 8 + (size + size % 2) as usize;
    }
}
