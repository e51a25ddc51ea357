//! Schedules as text; read back in `read.rs`.

use core::fmt::{self, Write};

use super::{Fault, FaultKind, Refusal, Schedule, Scheduled};

/// Units of time, longest first, and their nanoseconds.
pub(super) const UNITS: [(&str, u64); 4] = [
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];
/// A length of time without end.
pub(super) const EVER: &str = "ever";
/// What may stand between quotes only as two characters, and these without the first, `\`.
pub(super) const ESCAPES: [(char, char); 5] = [
    ('"', '"'),
    ('\\', '\\'),
    ('\n', 'n'),
    ('\r', 'r'),
    ('\t', 't'),
];

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries
            .iter()
            .try_for_each(|entry| writeln!(f, "{entry}"))
    }
}

impl fmt::Display for Scheduled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { at_ns, kind } = &self.fault;
        write!(f, "{} {} {kind}", Time(*at_ns), Name(&self.device))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Time(self.at_ns), self.kind)
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stall { for_ns } => write!(f, "stall {}", Span(*for_ns)),
            Self::Xrun { lost_frames } => write!(f, "xrun {lost_frames}"),
            Self::Unplug { for_ns } => write!(f, "unplug {}", Span(*for_ns)),
            Self::Return {
                for_ns,
                sample_rate_hz,
                input_channels,
                output_channels,
            } => write!(
                f,
                "return {} {sample_rate_hz}hz {input_channels}in {output_channels}out",
                Span(*for_ns)
            ),
            Self::Rate { sample_rate_hz } => write!(f, "rate {sample_rate_hz}hz"),
            Self::Period { frames } => write!(f, "period {frames}"),
            Self::Double => f.write_str("double"),
            Self::Merge => f.write_str("merge"),
            Self::Miss => f.write_str("miss"),
            Self::Silence => f.write_str("silence"),
            Self::Errors { count } => write!(f, "errors {count}"),
            Self::Floor { late_ns } => write!(f, "floor {}", Span(*late_ns)),
            Self::Refuse { for_ns, answer } => write!(f, "refuse {} {answer}", Span(*for_ns)),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "busy",
            Self::Denied => "denied",
            Self::Broken => "broken",
        })
    }
}

/// Nanoseconds, in the longest unit in which they are a whole number.
struct Time(u64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |unit: &&(&str, u64)| self.0.is_multiple_of(unit.1);
        let (unit, ns) = UNITS.iter().find(fits).unwrap_or(&UNITS[3]);
        write!(f, "{}{unit}", self.0 / ns)
    }
}

/// A length of time.
struct Span(u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            u64::MAX => f.write_str(EVER),
            ns => Time(ns).fmt(f),
        }
    }
}

/// A device's name, in quotes where it is not one plain word.
struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.:,".contains(c);
        if !self.0.is_empty() && self.0.chars().all(is_plain) {
            return f.write_str(self.0);
        }
        f.write_char('"')?;
        for c in self.0.chars() {
            match ESCAPES.iter().find(|(plain, _)| *plain == c) {
                Some((_, escape)) => write!(f, "\\{escape}")?,
                None => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}
