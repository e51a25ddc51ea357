//! Times as people write them: `1.5s`, `250ms`, `10m`, `2h`, `1:02.5`, `48000f`, or bare
//! seconds.

use core::fmt;
use core::str::FromStr;

use ossicle::session::Moment;

/// A length of time, or a place in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Time {
    /// Seconds, finite and not negative.
    Seconds(f64),
    /// Frames.
    Frames(u64),
}

/// A text that is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotATime;

impl fmt::Display for NotATime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .write_str("allowed: 1.5s, 250ms, 10m, 2h, 1:02.5, 48000f (frames), or bare seconds")
    }
}

impl core::error::Error for NotATime {}

impl FromStr for Time {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        let text = text.trim();
        if let Some(frames) = text.strip_suffix('f') {
            return whole(frames).map(Self::Frames);
        }
        let seconds = if text.contains(':') {
            clock(text)?
        } else if let Some(milliseconds) = text.strip_suffix("ms") {
            decimal(milliseconds)? / 1000.0
        } else if let Some(minutes) = text.strip_suffix('m') {
            decimal(minutes)? * 60.0
        } else if let Some(hours) = text.strip_suffix('h') {
            decimal(hours)? * 3600.0
        } else {
            decimal(text.strip_suffix('s').unwrap_or(text))?
        };
        Ok(Self::Seconds(seconds))
    }
}

impl Time {
    /// The time in frames at a rate, rounded to the nearest.
    pub fn frames(self, sample_rate_hz: u32) -> u64 {
        Moment::from(self).frames(sample_rate_hz)
    }
}

impl From<Time> for Moment {
    fn from(time: Time) -> Self {
        match time {
            Time::Seconds(seconds) => Self::Seconds(seconds),
            Time::Frames(frames) => Self::Frames(frames),
        }
    }
}

/// A length of time that is not nothing.
pub fn length(text: &str) -> Result<Time, String> {
    match text.parse() {
        Ok(Time::Frames(0)) => Err("allowed: a time that is longer than nothing".to_string()),
        Ok(Time::Seconds(seconds)) if seconds <= 0.0 => {
            Err("allowed: a time that is longer than nothing".to_string())
        }
        other => other.map_err(|error: NotATime| error.to_string()),
    }
}

/// `minutes:seconds` or `hours:minutes:seconds`; all but the last are whole, all but the first
/// below 60.
fn clock(text: &str) -> Result<f64, NotATime> {
    let parts: Vec<&str> = text.split(':').collect();
    let (last, leading) = parts.split_last().ok_or(NotATime)?;
    if leading.len() > 2 {
        return Err(NotATime);
    }
    let mut minutes = 0u64;
    for (place, part) in leading.iter().enumerate() {
        let part = whole(part)?;
        if place > 0 && part >= 60 {
            return Err(NotATime);
        }
        minutes = minutes
            .checked_mul(60)
            .and_then(|so_far| so_far.checked_add(part))
            .ok_or(NotATime)?;
    }
    let seconds = decimal(last)?;
    if seconds >= 60.0 {
        return Err(NotATime);
    }
    Ok(minutes as f64 * 60.0 + seconds)
}

/// Digits alone.
fn whole(text: &str) -> Result<u64, NotATime> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_err(|_| NotATime)
    } else {
        Err(NotATime)
    }
}

/// Digits with at most one point among them.
fn decimal(text: &str) -> Result<f64, NotATime> {
    if text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        text.parse().map_err(|_| NotATime)
    } else {
        Err(NotATime)
    }
}

/// A length in frames as people read it: `1:02.500`, with hours when there are any.
pub fn shown(frames: u64, sample_rate_hz: u32) -> String {
    let rate = u64::from(sample_rate_hz.max(1));
    let milliseconds = (frames % rate) * 1000 / rate;
    let seconds = frames / rate;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}.{milliseconds:03}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}.{milliseconds:03}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{NotATime, Time, shown};

    #[test]
    fn every_form_of_a_time_is_read() {
        for (text, time) in [
            ("1.5s", Time::Seconds(1.5)),
            ("250ms", Time::Seconds(0.25)),
            ("1:02.5", Time::Seconds(62.5)),
            ("2:00:01", Time::Seconds(7201.0)),
            ("90:00", Time::Seconds(5400.0)),
            ("10m", Time::Seconds(600.0)),
            ("1.5h", Time::Seconds(5400.0)),
            ("48000f", Time::Frames(48000)),
            ("3", Time::Seconds(3.0)),
            (".5", Time::Seconds(0.5)),
            (" 0 ", Time::Seconds(0.0)),
            ("18446744073709551615f", Time::Frames(u64::MAX)),
        ] {
            assert_eq!(text.parse(), Ok(time), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "s",
            "ms",
            "f",
            "m",
            "h",
            "infh",
            "1h30m",
            "-1",
            "-1s",
            "+1",
            "1e3",
            "nan",
            "inf",
            "1.5f",
            "1:60",
            "1:2:3:4",
            "1:75:00",
            "1.5:00",
            ":",
            "1:",
            ":30",
            "1 s",
            "1.2.3",
            "abc",
            "1d",
            "18446744073709551616f",
        ] {
            let got: Result<Time, NotATime> = text.parse();
            assert_eq!(got, Err(NotATime), "{text:?}");
        }
    }

    #[test]
    fn seconds_become_the_nearest_frame() {
        assert_eq!(Time::Seconds(0.25).frames(44_100), 11_025);
        // 0.00001 s at 44.1 kHz is 0.441 frames, 0.00002 s is 0.882.
        assert_eq!(Time::Seconds(0.000_01).frames(44_100), 0);
        assert_eq!(Time::Seconds(0.000_02).frames(44_100), 1);
        assert_eq!(Time::Frames(7).frames(44_100), 7);
    }

    #[test]
    fn lengths_are_shown_to_the_millisecond() {
        assert_eq!(shown(62 * 48_000 + 24_000, 48_000), "1:02.500");
        assert_eq!(shown(3661 * 44_100 + 44_099, 44_100), "1:01:01.999");
    }
}
