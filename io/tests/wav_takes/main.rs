//! Takes that end in every way they can: power cuts, kills, full disks, and sizes beyond 32 bits.
//! Judged by our reader, hound, symphonia, libsndfile and FFmpeg.
//!
//! The short forms run with all tests; `OSSICLE_TRIALS` asks for more trials, and the ignored tests
//! need hours of sound on the disk.

#[cfg(unix)]
mod counting;
mod cuts;
mod faults;
#[cfg(target_os = "linux")]
mod images;
mod judges;
#[cfg(target_os = "linux")]
mod kills;
mod logged;
mod recovery;
#[cfg(unix)]
mod sizes;
mod tags;

use std::path::Path;

use ossicle_io::file::recover::{OpenTake, open_take, takes_in};
use ossicle_io::file::{Bext, CivilTime, Ixml, Storage, Tags, WavSpec};
use ossicle_io::sample::SampleFormat;

/// How many trials a test makes: `OSSICLE_TRIALS`, or so many.
fn trials(usual: usize) -> usize {
    match std::env::var("OSSICLE_TRIALS") {
        Ok(text) => text.parse().expect("OSSICLE_TRIALS is a number"),
        Err(_) => usual,
    }
}

/// Sample number `index` of every take here: 16 bits, exact in every format, and no two places in
/// a take look alike.
fn sample(index: u64) -> f32 {
    let code = (index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as u16 as i16;
    f32::from(code) / 32_768.0
}

fn samples(from: u64, count: usize) -> Vec<f32> {
    (from..from + count as u64).map(sample).collect()
}

fn spec(sample_rate_hz: u32, channels: usize, format: SampleFormat) -> WavSpec {
    WavSpec {
        sample_rate_hz,
        channels,
        format,
    }
}

/// The takes that were left open in a folder.
fn open_takes(folder: &Path) -> Vec<OpenTake> {
    let takes = takes_in(folder).expect("a folder");
    assert!(takes.unknown.is_empty(), "{takes:?}");
    let opened = takes
        .open
        .iter()
        .map(|path| open_take(path).expect("readable"));
    opened.flatten().collect()
}

/// Tags that make the header longer than a sector.
fn tags() -> Tags {
    Tags {
        bext: Some(Bext {
            description: "a take that is cut".to_owned(),
            originator: "ossicle".to_owned(),
            originator_reference: "OSSICLE0001".to_owned(),
            origination: Some(CivilTime {
                year: 2026,
                month: 2,
                day: 3,
                hour: 4,
                minute: 5,
                second: 6,
            }),
            time_reference_frames: (1 << 33) + 7,
            loudness: None,
        }),
        ixml: Some(Ixml {
            project: "Proof & <more>".to_owned(),
            take: "12".to_owned(),
            timecode_rate: Some((25, 1)),
            ..Ixml::default()
        }),
        channel_mask: None,
    }
}
