//! Tunings: the notes of an instrument's strings, by name or written out.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::note::number;
use crate::parameter::nearest;

/// Most notes of a tuning.
pub const MAX_NOTES: usize = 64;

/// Tunings that have a name, the lowest string first.
const NAMED: [(&str, &str); 11] = [
    ("guitar", "E2 A2 D3 G3 B3 E4"),
    ("drop-d", "D2 A2 D3 G3 B3 E4"),
    ("dadgad", "D2 A2 D3 G3 A3 D4"),
    ("open-g", "D2 G2 D3 G3 B3 D4"),
    ("guitar-7", "B1 E2 A2 D3 G3 B3 E4"),
    ("bass", "E1 A1 D2 G2"),
    ("bass-5", "B0 E1 A1 D2 G2"),
    ("ukulele", "G4 C4 E4 A4"),
    ("violin", "G3 D4 A4 E5"),
    ("viola", "C3 G3 D4 A4"),
    ("cello", "C2 G2 D3 A3"),
];

/// Why a text is no tuning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TuningError {
    /// It is neither a tuning's name nor notes; write one of them.
    #[error(
        "\"{asked}\" is neither a tuning nor a note{} (allowed: guitar, drop-d, dadgad, open-g, \
         guitar-7, bass, bass-5, ukulele, violin, viola, cello, or notes like E2 Bb2 C#4)",
        crate::parameter::Nearest(*.nearest)
    )]
    Unknown {
        /// The word that was not understood.
        asked: String,
        /// The name most like it.
        nearest: Option<&'static str>,
    },
    /// There are none or too many notes; write 1 to 64.
    #[error("a tuning of {asked} notes (allowed: 1 to 64)")]
    Count {
        /// Notes that were written.
        asked: usize,
    },
}

/// The numbers of a tuning's notes: of a name (`drop-d`), or of notes set apart by spaces or commas
/// (`D2 A2 D3`).
///
/// # Errors
/// [`TuningError`].
///
/// # Examples
/// ```
/// use ossicle_dsp::tuner::parse_tuning;
/// assert_eq!(parse_tuning("bass")?, parse_tuning("E1, A1, D2, G2")?);
/// assert!(parse_tuning("E2 X3").is_err());
/// # Ok::<(), ossicle_dsp::tuner::TuningError>(())
/// ```
pub fn parse_tuning(text: &str) -> Result<Vec<i32>, TuningError> {
    let text = text.trim();
    let known = NAMED
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text));
    let notes = known.map_or(text, |(_, notes)| notes);
    let words = notes.split([' ', ',']).filter(|word| !word.is_empty());
    let numbers: Vec<i32> = words
        .map(|word| {
            number(word).ok_or_else(|| TuningError::Unknown {
                asked: word.to_string(),
                nearest: nearest(word, NAMED.iter().map(|(name, _)| *name)),
            })
        })
        .collect::<Result<_, _>>()?;
    if (1..=MAX_NOTES).contains(&numbers.len()) {
        Ok(numbers)
    } else {
        let asked = numbers.len();
        Err(TuningError::Count { asked })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_tuning_is_read() {
        for (name, notes) in NAMED {
            let numbers = parse_tuning(name).unwrap();
            assert_eq!(numbers.len(), notes.split(' ').count(), "{name}");
        }
        assert_eq!(parse_tuning("Guitar").unwrap()[0], 40);
    }

    #[test]
    fn what_is_no_tuning_is_named() {
        let error = parse_tuning("gitar").unwrap_err().to_string();
        assert!(
            error.contains("\"gitar\"") && error.contains("nearest is guitar"),
            "{error}"
        );
        assert!(
            parse_tuning("")
                .unwrap_err()
                .to_string()
                .contains("0 notes")
        );
        let many = "E2 ".repeat(65);
        assert_eq!(parse_tuning(&many), Err(TuningError::Count { asked: 65 }));
    }
}
