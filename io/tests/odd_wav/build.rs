//! WAV and W64 files made byte by byte.

/// The pieces of a file in one byte order.
#[derive(Clone, Copy)]
pub struct Order {
    pub big_endian: bool,
}

pub const LITTLE: Order = Order { big_endian: false };
pub const BIG: Order = Order { big_endian: true };

impl Order {
    pub fn u16(self, value: u16) -> [u8; 2] {
        match self.big_endian {
            true => value.to_be_bytes(),
            false => value.to_le_bytes(),
        }
    }

    pub fn u32(self, value: u32) -> [u8; 4] {
        match self.big_endian {
            true => value.to_be_bytes(),
            false => value.to_le_bytes(),
        }
    }

    /// A chunk with a pad byte where one belongs.
    pub fn chunk(self, name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut chunk = self.chunk_of_size(name, body.len() as u32, body);
        if body.len() % 2 == 1 {
            chunk.push(0);
        }
        chunk
    }

    /// A chunk that says any size, without a pad byte.
    pub fn chunk_of_size(self, name: &[u8; 4], size: u32, body: &[u8]) -> Vec<u8> {
        [&name[..], &self.u32(size), body].concat()
    }

    /// The body of a plain format chunk.
    pub fn format(self, tag: u16, channels: u16, bits: u16) -> Vec<u8> {
        let frame_bytes = channels * bits.div_ceil(8);
        self.format_with_frame(tag, channels, bits, frame_bytes)
    }

    /// The same with any number of bytes of a frame.
    pub fn format_with_frame(
        self,
        tag: u16,
        channels: u16,
        bits: u16,
        frame_bytes: u16,
    ) -> Vec<u8> {
        let bytes_per_second = super::RATE_HZ * u32::from(frame_bytes);
        [
            &self.u16(tag)[..],
            &self.u16(channels),
            &self.u32(super::RATE_HZ),
            &self.u32(bytes_per_second),
            &self.u16(frame_bytes),
            &self.u16(bits),
        ]
        .concat()
    }

    /// The body of an extensible format chunk.
    pub fn extensible(self, tag: u16, channels: u16, bits: u16, valid_bits: u16) -> Vec<u8> {
        let mut body = self.format(0xfffe, channels, bits);
        body.extend(self.u16(22));
        body.extend(self.u16(valid_bits));
        body.extend(self.u32(0));
        body.extend(self.u32(u32::from(tag)));
        body.extend(self.u16(0));
        body.extend(self.u16(0x10));
        body.extend(b"\x80\0\0\xaa\0\x38\x9b\x71");
        body
    }

    /// The whole file out of its chunks.
    pub fn file(self, chunks: &[Vec<u8>]) -> Vec<u8> {
        let body = chunks.concat();
        let name = if self.big_endian { b"RIFX" } else { b"RIFF" };
        let size = 4 + body.len() as u32;
        self.file_of_size(name, size, chunks)
    }

    /// The whole file with any outer name and size.
    pub fn file_of_size(self, name: &[u8; 4], size: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
        [&name[..], &self.u32(size), b"WAVE", &chunks.concat()].concat()
    }

    /// Codes of `bits` bits, left-justified in whole bytes; one byte is offset binary.
    pub fn codes(self, bits: u32, codes: &[i64]) -> Vec<u8> {
        let bytes = bits.div_ceil(8) as usize;
        let shift = 8 * bytes as u32 - bits;
        codes
            .iter()
            .flat_map(|code| {
                let mut shifted = code << shift;
                if bytes == 1 {
                    shifted += 128;
                }
                let mut bytes = shifted.to_le_bytes()[..bytes].to_vec();
                if self.big_endian {
                    bytes.reverse();
                }
                bytes
            })
            .collect()
    }
}

/// A `ds64` chunk with the size of the samples.
pub fn ds64(data_bytes: u64, frames: u64) -> Vec<u8> {
    let body = [
        &(data_bytes + 72).to_le_bytes()[..],
        &data_bytes.to_le_bytes(),
        &frames.to_le_bytes(),
        &[0; 4],
    ]
    .concat();
    LITTLE.chunk(b"ds64", &body)
}

const W64_TAIL: &[u8] = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a";

/// A chunk of a W64 file, padded to 8 bytes.
pub fn w64_chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut chunk = w64_chunk_of_size(name, 24 + body.len() as u64, body);
    chunk.resize(chunk.len().next_multiple_of(8), 0);
    chunk
}

/// A chunk of a W64 file that says any size.
pub fn w64_chunk_of_size(name: &[u8; 4], size: u64, body: &[u8]) -> Vec<u8> {
    [&name[..], W64_TAIL, &size.to_le_bytes(), body].concat()
}

/// A W64 file out of its chunks.
pub fn w64_file(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = chunks.concat();
    [
        b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00",
        &(40 + body.len() as u64).to_le_bytes()[..],
        b"wave",
        W64_TAIL,
        &body,
    ]
    .concat()
}
