//! Good and odd files that mutations begin with.

use std::fs;

use ossicle_io::file::{AudioWriter, Overwrite, Tags, WavSpec};
use ossicle_io::sample::SampleFormat;

use super::build::LITTLE;
use super::kinds;

/// A file.
pub struct Seed {
    pub name: String,
    pub bytes: Vec<u8>,
    /// Mutated so many times as often as an odd one.
    pub weight: usize,
}

/// All of them.
pub fn all() -> Vec<Seed> {
    let mut seeds: Vec<Seed> = kinds::all()
        .into_iter()
        .map(|kind| Seed {
            name: kind.name,
            bytes: kind.bytes,
            weight: 1,
        })
        .collect();
    let directory = tempfile::tempdir().expect("a directory");
    for (extension, formats) in [
        ("wav", &SampleFormat::ALL[..]),
        ("flac", &[SampleFormat::I16, SampleFormat::I24]),
        ("ogg", &[SampleFormat::F32]),
    ] {
        for &format in formats {
            for (channels, frames) in [(1, 1500), (2, 9000), (3, 700)] {
                let spec = WavSpec {
                    sample_rate_hz: 8000,
                    channels,
                    format,
                };
                for closed in [true, false] {
                    let name = format!("{extension} {format} {channels} {closed}");
                    let path = directory.path().join(&name).with_extension(extension);
                    let tags = Tags::default();
                    let mut take =
                        AudioWriter::create(&path, spec, &tags, Overwrite::Never).expect("a file");
                    take.write(&sound(channels, frames)).expect("room");
                    take.checkpoint().expect("room");
                    let open = fs::read(&path);
                    take.finish().expect("room");
                    // What is too short for a block has no name before it is closed.
                    let open = open.ok().filter(|_| !closed);
                    let bytes = open.map_or_else(|| fs::read(&path), Ok);
                    seeds.push(Seed {
                        name,
                        bytes: bytes.expect("readable"),
                        weight: if extension == "wav" { 2 } else { 20 },
                    });
                }
            }
        }
    }
    for bits in [8u16, 16, 24, 32] {
        seeds.push(Seed {
            name: format!("AIFF of {bits} bits"),
            bytes: aiff(bits),
            weight: 10,
        });
    }
    for tag in [2, 0x11] {
        seeds.push(Seed {
            name: format!("ADPCM of tag {tag}"),
            bytes: adpcm(tag),
            weight: 5,
        });
    }
    seeds
}

fn sound(channels: usize, frames: usize) -> Vec<f32> {
    (0..frames * channels)
        .map(|index| (index as f32 * 0.03).sin() * (index % 701) as f32 / 800.0)
        .collect()
}

/// Apple, "Audio interchange file format: AIFF 1.3" (1989); 44 100 Hz is 16383 + 15 and 44100 << 48.
fn aiff(bits: u16) -> Vec<u8> {
    let sound: Vec<u8> = (0..bits * 40).map(|byte| (byte * 37) as u8).collect();
    let frames = sound.len() as u32 / (2 * u32::from(bits) / 8);
    let common = [
        &2u16.to_be_bytes()[..],
        &frames.to_be_bytes(),
        &bits.to_be_bytes(),
        b"\x40\x0e\xac\x44\0\0\0\0\0\0",
    ]
    .concat();
    let mut chunks = Vec::new();
    for (name, body) in [(b"COMM", common), (b"SSND", [&[0; 8][..], &sound].concat())] {
        chunks.extend_from_slice(name);
        chunks.extend_from_slice(&(body.len() as u32).to_be_bytes());
        chunks.extend_from_slice(&body);
    }
    [
        b"FORM",
        &(chunks.len() as u32 + 4).to_be_bytes()[..],
        b"AIFF",
        &chunks,
    ]
    .concat()
}

/// Blocks of 256 bytes with anything in them (Microsoft's and IMA's ADPCM).
fn adpcm(tag: u16) -> Vec<u8> {
    let coefficients = [
        256i16, 0, 512, -256, 0, 0, 192, 64, 240, 0, 460, -208, 392, -232,
    ];
    let mut format = LITTLE.format_with_frame(tag, 1, 4, 256);
    let extra: Vec<u8> = match tag {
        2 => [500u16, 7]
            .into_iter()
            .flat_map(u16::to_le_bytes)
            .chain(coefficients.into_iter().flat_map(i16::to_le_bytes))
            .collect(),
        _ => 505u16.to_le_bytes().to_vec(),
    };
    format.extend((extra.len() as u16).to_le_bytes());
    format.extend(extra);
    let sound: Vec<u8> = (0..2048u32)
        .map(|byte| (byte * 7 % 253) as u8 & 0x3f)
        .collect();
    LITTLE.file(&[
        LITTLE.chunk(b"fmt ", &format),
        LITTLE.chunk(b"fact", &2000u32.to_le_bytes()),
        LITTLE.chunk(b"data", &sound),
    ])
}
