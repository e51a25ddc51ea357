//! Levels and silences as they are written: `-40dBFS`, `3s@-50dBFS`.

use core::fmt;
use core::str::FromStr;

use ossicle::record::Silence;

use crate::loudness::{Dbfs, Level};
use crate::seconds::Seconds;

/// What may be written.
const ALLOWED: &str = "allowed: a time and a level, as 3s@-50dBFS; 0 dBFS at most";

/// A silence: so long below a level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SilenceText(pub Silence);

/// A text that is no silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotASilence;

impl fmt::Display for NotASilence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(ALLOWED)
    }
}

impl core::error::Error for NotASilence {}

impl FromStr for SilenceText {
    type Err = NotASilence;

    fn from_str(text: &str) -> Result<Self, NotASilence> {
        let (time, level) = text.split_once('@').ok_or(NotASilence)?;
        let Seconds(seconds) = time.parse().map_err(|_| NotASilence)?;
        let level_dbfs = level_dbfs(level).map_err(|_| NotASilence)?;
        if seconds > 0.0 {
            Ok(Self(Silence {
                seconds,
                level_dbfs,
            }))
        } else {
            Err(NotASilence)
        }
    }
}

/// A level that a sample can reach: `-40dBFS`, `-40dB` or `-40`; 0 at most.
pub fn level_dbfs(text: &str) -> Result<f64, String> {
    let bare = text.trim();
    // dB alone means the same here: nothing else is measured.
    let bare = match bare.to_ascii_lowercase().strip_suffix("db") {
        Some(number) => &bare[..number.len()],
        None => bare,
    };
    let level: Level<Dbfs> = bare.parse().map_err(|error| format!("{error}"))?;
    if level.0 <= 0.0 {
        Ok(level.0)
    } else {
        Err("allowed: 0 dBFS at most".to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_is_a_time_and_a_level() {
        let silence = |seconds, level_dbfs| {
            Ok(SilenceText(Silence {
                seconds,
                level_dbfs,
            }))
        };
        assert_eq!("3s@-50dBFS".parse(), silence(3.0, -50.0));
        assert_eq!("0:05 @ -42.5 dB".parse(), silence(5.0, -42.5));
        assert_eq!("250ms@-60".parse(), silence(0.25, -60.0));
        for text in [
            "3s",
            "-50dBFS",
            "3s@",
            "@-50",
            "0s@-50",
            "3s@6dB",
            "3s@-50LUFS",
            "100f@-50",
            "3s@-50@",
        ] {
            assert_eq!(text.parse::<SilenceText>(), Err(NotASilence), "{text}");
        }
    }

    #[test]
    fn a_level_is_not_above_full_scale() {
        assert_eq!(level_dbfs("-40dBFS"), Ok(-40.0));
        assert_eq!(level_dbfs("-40 dB"), Ok(-40.0));
        assert_eq!(level_dbfs("0"), Ok(0.0));
        assert!(level_dbfs("0.1").is_err() && level_dbfs("loud").is_err());
    }
}
