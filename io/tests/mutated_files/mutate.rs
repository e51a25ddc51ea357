//! Mutations that know where a sound file is tender: at its names, sizes and counts, and that its
//! sums must be right for what is behind them to be looked at.

use super::seeds::Seed;

/// Longest file that is made.
const MAX_BYTES: usize = 64 * 1024;

/// Random numbers; the same for the same case (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// The file of a number, and the name of what it was.
pub fn mutated(seeds: &[Seed], case: u64) -> (&str, Vec<u8>) {
    let mut random = Random(case.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let weights: usize = seeds.iter().map(|seed| seed.weight).sum();
    let mut left = random.below(weights);
    let chosen = seeds.iter().find(|seed| {
        let found = left < seed.weight;
        left = left.saturating_sub(seed.weight);
        found
    });
    let seed = chosen.unwrap_or(&seeds[0]);
    let mut bytes = seed.bytes.clone();
    let frames = flac_frames(&bytes);
    let length = bytes.len();
    for _ in 0..1 + random.below(6) {
        mutate(&mut bytes, seeds, &mut random);
    }
    bytes.truncate(MAX_BYTES);
    if random.below(4) > 0 {
        sum_ogg_pages(&mut bytes);
        if bytes.len() == length {
            sum_flac_frames(&mut bytes, &frames);
        }
    }
    (&seed.name, bytes)
}

fn mutate(bytes: &mut Vec<u8>, seeds: &[Seed], random: &mut Random) {
    let length = bytes.len();
    if length == 0 {
        return;
    }
    let any = random.below(length);
    match random.below(12) {
        0..=3 => {
            let place = tender(bytes, random).unwrap_or(any);
            write_number(bytes, place, random);
        }
        4 => bytes[any] ^= 1 << random.below(8),
        5 => bytes[any] = random.next() as u8,
        6 => {
            // Parsers trust most what is at the start.
            let place = random.below(length.min(128));
            write_number(bytes, place, random);
        }
        7 => bytes.truncate(any),
        8 => {
            let end = any + random.below((length - any).min(600) + 1);
            bytes.drain(any..end);
        }
        9 => {
            let end = any + random.below((length - any).min(600) + 1);
            let doubled = bytes[any..end].to_vec();
            bytes.splice(any..any, doubled);
        }
        10 => {
            let filler = [0, 0xff, random.next() as u8][random.below(3)];
            bytes.splice(any..any, vec![filler; random.below(40)]);
        }
        _ => {
            let other = &seeds[random.below(seeds.len())].bytes;
            let start = random.below(other.len());
            let end = start + random.below((other.len() - start).min(200) + 1);
            bytes.splice(any..any, other[start..end].iter().copied());
        }
    }
}

/// A place at or shortly behind one of the names in the file.
fn tender(bytes: &[u8], random: &mut Random) -> Option<usize> {
    let names: Vec<usize> = bytes
        .windows(4)
        .enumerate()
        .filter(|(_, name)| {
            name.iter()
                .all(|&byte| byte.is_ascii_alphanumeric() || byte == b' ')
        })
        .map(|(place, _)| place)
        .take(200)
        .collect();
    let name = *names.get(random.below(names.len()))?;
    Some(name + random.below(48))
}

fn write_number(bytes: &mut [u8], place: usize, random: &mut Random) {
    let length = bytes.len() as u64;
    let numbers = [
        0,
        1,
        2,
        3,
        7,
        8,
        15,
        16,
        24,
        0x7f,
        0x80,
        0xff,
        0xfffe,
        0xffff,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_fffe,
        0xffff_ffff,
        i64::MAX as u64,
        1 << 63,
        u64::MAX,
        length,
        length - 1,
        length + 1,
        length / 2,
        random.next(),
    ];
    let number = numbers[random.below(numbers.len())];
    let size = [1, 2, 4, 8][random.below(4)];
    let coded = match random.below(2) {
        0 => number.to_le_bytes()[..size].to_vec(),
        _ => number.to_be_bytes()[8 - size..].to_vec(),
    };
    for (byte, coded) in bytes.iter_mut().skip(place).zip(coded) {
        *byte = coded;
    }
}

/// Where frames of FLAC begin, by what their starts look like.
fn flac_frames(bytes: &[u8]) -> Vec<usize> {
    if !bytes.starts_with(b"fLaC") {
        return Vec::new();
    }
    let mut starts: Vec<usize> = (0..bytes.len().saturating_sub(16))
        .filter(|&at| bytes[at..at + 2] == [0xff, 0xf8] && header_end(&bytes[at..]).is_some())
        .collect();
    starts.push(bytes.len());
    starts
}

/// Where the sum of a frame's header is, if it is one with a number below 128 (RFC 9639, 9.1).
fn header_end(bytes: &[u8]) -> Option<usize> {
    let &[_, _, sizes, _, number] = bytes.first_chunk()?;
    let sizes = match (sizes >> 4, sizes & 15) {
        (6, 0..=11) => 1,
        (7, 0..=11) => 2,
        (6, 12) => 2,
        (_, 0..=11) => 0,
        _ => return None,
    };
    let sum = sum(&bytes[..5 + sizes], 8, 0x07) as u8;
    (number < 128 && sum == bytes[5 + sizes]).then_some(5 + sizes)
}

fn sum_flac_frames(bytes: &mut [u8], starts: &[usize]) {
    for pair in starts.windows(2) {
        let &[start, end] = pair else {
            continue;
        };
        if end - start < 12 {
            continue;
        }
        let header = match bytes[start + 2] >> 4 {
            6 => 6,
            7 => 7,
            _ => 5,
        };
        bytes[start + header] = sum(&bytes[start..start + header], 8, 0x07) as u8;
        let sum = sum(&bytes[start..end - 2], 16, 0x8005) as u16;
        bytes[end - 2..end].copy_from_slice(&sum.to_be_bytes());
    }
}

/// RFC 3533, section 6.
fn sum_ogg_pages(bytes: &mut [u8]) {
    let mut at = 0;
    while bytes.get(at..at + 4) == Some(b"OggS") {
        let Some(&segments) = bytes.get(at + 26) else {
            return;
        };
        let Some(table) = bytes.get(at + 27..at + 27 + usize::from(segments)) else {
            return;
        };
        let body: usize = table.iter().map(|&length| usize::from(length)).sum();
        let end = at + 27 + usize::from(segments) + body;
        let Some(page) = bytes.get_mut(at..end) else {
            return;
        };
        page[22..26].fill(0);
        let sum = sum(page, 32, 0x04c1_1db7);
        page[22..26].copy_from_slice(&sum.to_le_bytes());
        at = end;
    }
}

/// A cyclic sum of so many bits, from the highest bit on, from 0.
fn sum(bytes: &[u8], bits: u32, polynomial: u32) -> u32 {
    let top = 1 << (bits - 1);
    let all = u32::MAX >> (32 - bits);
    bytes.iter().fold(0, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte) << (bits - 8), |sum: u32, _| {
            let shifted = sum << 1 & all;
            if sum & top == 0 {
                shifted
            } else {
                shifted ^ polynomial
            }
        })
    })
}
