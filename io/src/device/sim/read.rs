//! Reads schedules.

use core::str::FromStr;

use super::text::{ESCAPES, EVER, UNITS};
use super::{Fault, FaultKind, Refusal, Schedule, Scheduled};

/// Why a text is no schedule. Lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// A line ends too early.
    #[error("line {line}: {wanted} is missing")]
    WordMissing {
        /// The line.
        line: usize,
        /// What should come.
        wanted: &'static str,
    },
    /// A line goes on behind its end.
    #[error("line {line}: \"{word}\" is too much")]
    WordExcess {
        /// The line.
        line: usize,
        /// The first word that is too much.
        word: String,
    },
    /// No fault has this name.
    #[error("line {line}: \"{word}\" is not a fault")]
    KindUnknown {
        /// The line.
        line: usize,
        /// What stands there.
        word: String,
    },
    /// A word is not what should stand there.
    #[error("line {line}: \"{word}\" is not {wanted}")]
    WordInvalid {
        /// The line.
        line: usize,
        /// What stands there.
        word: String,
        /// What should.
        wanted: &'static str,
    },
    /// A name in quotes does not end, or has an escape that is not known.
    #[error("line {line}: the quotes at {word} are not closed or hold an unknown escape")]
    QuotesInvalid {
        /// The line.
        line: usize,
        /// The rest of the line, from the quotes on.
        word: String,
    },
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let mut entries = Vec::new();
        for (number, rest) in text.split('\n').enumerate() {
            let mut line = Line {
                line: number + 1,
                rest: rest.trim(),
            };
            if !line.rest.is_empty() && !line.rest.starts_with('#') {
                entries.push(line.entry()?);
            }
        }
        Ok(Self { entries })
    }
}

/// What is left of a line.
struct Line<'a> {
    line: usize,
    rest: &'a str,
}

impl<'a> Line<'a> {
    fn entry(&mut self) -> Result<Scheduled, ScheduleError> {
        let at_ns = self.span()?;
        let device = self.name()?;
        let kind = self.kind()?;
        if !self.rest.is_empty() {
            let word = self.word("")?.to_owned();
            return Err(ScheduleError::WordExcess {
                line: self.line,
                word,
            });
        }
        let fault = Fault { at_ns, kind };
        Ok(Scheduled { device, fault })
    }

    fn kind(&mut self) -> Result<FaultKind, ScheduleError> {
        let word = self.word("a fault")?;
        Ok(match word {
            "stall" => FaultKind::Stall {
                for_ns: self.span()?,
            },
            "xrun" => FaultKind::Xrun {
                lost_frames: self.number("", "a number of frames")?,
            },
            "unplug" => FaultKind::Unplug {
                for_ns: self.span()?,
            },
            "return" => FaultKind::Return {
                for_ns: self.span()?,
                sample_rate_hz: self.number("hz", "a rate (as 48000hz)")?,
                input_channels: self.number("in", "a number of channels (as 2in)")?,
                output_channels: self.number("out", "a number of channels (as 2out)")?,
            },
            "rate" => FaultKind::Rate {
                sample_rate_hz: self.number("hz", "a rate (as 48000hz)")?,
            },
            "period" => FaultKind::Period {
                frames: self.number("", "a number of frames")?,
            },
            "double" => FaultKind::Double,
            "merge" => FaultKind::Merge,
            "miss" => FaultKind::Miss,
            "silence" => FaultKind::Silence,
            "errors" => FaultKind::Errors {
                count: self.number("", "a number of errors")?,
            },
            "floor" => FaultKind::Floor {
                late_ns: self.span()?,
            },
            "refuse" => FaultKind::Refuse {
                for_ns: self.span()?,
                answer: self.answer()?,
            },
            _ => {
                return Err(ScheduleError::KindUnknown {
                    line: self.line,
                    word: word.to_owned(),
                });
            }
        })
    }

    fn answer(&mut self) -> Result<Refusal, ScheduleError> {
        const WANTED: &str = "an answer (busy, denied, broken)";
        let word = self.word(WANTED)?;
        let answers = [Refusal::Busy, Refusal::Denied, Refusal::Broken];
        let found = answers
            .into_iter()
            .find(|answer| answer.to_string() == word);
        found.ok_or_else(|| self.invalid(word, WANTED))
    }

    /// A time, or a length of it.
    fn span(&mut self) -> Result<u64, ScheduleError> {
        const WANTED: &str = "a time (as 20ms, 5s, 125us, 1ns, ever)";
        let word = self.word(WANTED)?;
        if word == EVER {
            return Ok(u64::MAX);
        }
        let digits = word.trim_end_matches(|c: char| c.is_ascii_lowercase());
        let unit = UNITS
            .iter()
            .find(|(unit, _)| *unit == &word[digits.len()..]);
        let ns = unit.and_then(|(_, ns)| digits.parse::<u64>().ok()?.checked_mul(*ns));
        ns.ok_or_else(|| self.invalid(word, WANTED))
    }

    fn number<T: FromStr>(&mut self, unit: &str, wanted: &'static str) -> Result<T, ScheduleError> {
        let word = self.word(wanted)?;
        let number = word.strip_suffix(unit).and_then(|word| word.parse().ok());
        number.ok_or_else(|| self.invalid(word, wanted))
    }

    fn name(&mut self) -> Result<String, ScheduleError> {
        let Some(quoted) = self.rest.strip_prefix('"') else {
            return self.word("a device").map(str::to_owned);
        };
        let (mut name, mut chars) = (String::new(), quoted.chars());
        loop {
            match chars.next() {
                Some('"') => {
                    self.rest = chars.as_str().trim_start();
                    return Ok(name);
                }
                Some('\\') => {
                    let escape = chars.next();
                    match ESCAPES.iter().find(|(_, letter)| Some(*letter) == escape) {
                        Some((plain, _)) => name.push(*plain),
                        None => break,
                    }
                }
                Some(c) => name.push(c),
                None => break,
            }
        }
        Err(ScheduleError::QuotesInvalid {
            line: self.line,
            word: self.rest.to_owned(),
        })
    }

    fn word(&mut self, wanted: &'static str) -> Result<&'a str, ScheduleError> {
        let (word, rest) = self
            .rest
            .split_once(char::is_whitespace)
            .unwrap_or((self.rest, ""));
        self.rest = rest.trim_start();
        if word.is_empty() {
            let line = self.line;
            return Err(ScheduleError::WordMissing { line, wanted });
        }
        Ok(word)
    }

    fn invalid(&self, word: &str, wanted: &'static str) -> ScheduleError {
        ScheduleError::WordInvalid {
            line: self.line,
            word: word.to_owned(),
            wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_line_and_word() {
        let error = |text: &str| text.parse::<Schedule>().map_err(|error| error.to_string());
        for (text, words) in [
            ("\n# x\n1s", "line 3: a device is missing"),
            (
                "1x a stall 1s",
                "line 1: \"1x\" is not a time (as 20ms, 5s, 125us, 1ns, ever)",
            ),
            ("1s a", "line 1: a fault is missing"),
            ("1s a fall", "line 1: \"fall\" is not a fault"),
            (
                "1s a stall",
                "line 1: a time (as 20ms, 5s, 125us, 1ns, ever) is missing",
            ),
            ("1s a double 3", "line 1: \"3\" is too much"),
            ("1s a xrun -1", "line 1: \"-1\" is not a number of frames"),
            (
                "1s a rate 48000",
                "line 1: \"48000\" is not a rate (as 48000hz)",
            ),
            (
                "1s a refuse 1s no",
                "line 1: \"no\" is not an answer (busy, denied, broken)",
            ),
            (
                "1s \"a double",
                "line 1: the quotes at \"a double are not closed or hold an unknown escape",
            ),
            (
                "18446744074s a double",
                "line 1: \"18446744074s\" is not a time (as 20ms, 5s, 125us, 1ns, ever)",
            ),
        ] {
            assert_eq!(error(text), Err(words.to_owned()), "{text}");
        }
    }
}
