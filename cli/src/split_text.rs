//! Where a take is split, as it is written: `30m`, `2GiB`, `silence`.

use core::fmt;
use core::str::FromStr;

use ossicle::record::Split;

use crate::silence::SilenceText;
use crate::times::Time;

/// What a pause is where nothing else is said.
const PAUSE: &str = "1s@-50dBFS";
/// Units of bytes.
const UNITS: [(&str, u64); 8] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];
/// The smallest file that a split makes.
const LEAST_BYTES: u64 = 64 << 10;
/// The shortest file that a split makes, in seconds and in frames.
const LEAST_SECONDS: f64 = 1.0;
const LEAST_FRAMES: u64 = 48_000;

/// Where a take is split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SplitText(pub Split);

/// A text that says no such place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotASplit;

impl fmt::Display for NotASplit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "allowed: a time from 1 s on (30m, 2h, 90s), a size from 64 KiB on (2GiB, 700MB), \
             silence, or silence with what it is (silence:2s@-45dBFS)",
        )
    }
}

impl core::error::Error for NotASplit {}

impl FromStr for SplitText {
    type Err = NotASplit;

    fn from_str(text: &str) -> Result<Self, NotASplit> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("silence") {
            let silence = match rest.strip_prefix(':') {
                Some(silence) => silence,
                None if rest.is_empty() => PAUSE,
                None => return Err(NotASplit),
            };
            let SilenceText(silence) = silence.parse().map_err(|_| NotASplit)?;
            return Ok(Self(Split::Silence {
                below_db: silence.level_dbfs,
                seconds: silence.seconds,
            }));
        }
        match bytes(text) {
            Some(bytes) if bytes >= LEAST_BYTES => return Ok(Self(Split::Bytes(bytes))),
            Some(_) => return Err(NotASplit),
            None => {}
        }
        match text.parse() {
            Ok(Time::Seconds(seconds)) if seconds < LEAST_SECONDS => Err(NotASplit),
            Ok(Time::Frames(frames)) if frames < LEAST_FRAMES => Err(NotASplit),
            Ok(time) => Ok(Self(Split::Every(time.into()))),
            Err(_) => Err(NotASplit),
        }
    }
}

fn bytes(text: &str) -> Option<u64> {
    UNITS.iter().find_map(|(unit, size)| {
        let number: f64 = plain(text.strip_suffix(unit)?)?;
        Some((number * *size as f64) as u64)
    })
}

/// Digits with at most one point among them.
fn plain(text: &str) -> Option<f64> {
    let text = text.trim_end();
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use ossicle::session::Moment;

    use super::*;

    #[test]
    fn a_split_is_a_time_a_size_or_silence() {
        let every = |seconds| Split::Every(Moment::Seconds(seconds));
        for (text, split) in [
            ("30m", every(1800.0)),
            ("1.5h", every(5400.0)),
            ("90s", every(90.0)),
            ("10:00", every(600.0)),
            ("480000f", Split::Every(Moment::Frames(480_000))),
            ("2GiB", Split::Bytes(2 << 30)),
            ("700 MB", Split::Bytes(700_000_000)),
            ("64KiB", Split::Bytes(65_536)),
            (
                "silence",
                Split::Silence {
                    below_db: -50.0,
                    seconds: 1.0,
                },
            ),
            (
                "silence:2s@-45dBFS",
                Split::Silence {
                    below_db: -45.0,
                    seconds: 2.0,
                },
            ),
        ] {
            assert_eq!(text.parse(), Ok(SplitText(split)), "{text}");
        }
    }

    #[test]
    fn what_is_no_split_is_refused() {
        for text in [
            "",
            "m",
            "0",
            "silent",
            "silence:",
            "silence-50",
            "2Gi",
            "-1GiB",
            "1KiB",
            "0.5s",
            "infh",
            "1e3MB",
            "4800f",
        ] {
            assert_eq!(text.parse::<SplitText>(), Err(NotASplit), "{text}");
        }
    }
}
