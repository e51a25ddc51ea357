//! Notes of the equal temperament, and those of a tuning.

use alloc::string::String;

/// The lowest and the highest pitch of A4, in hertz.
pub const MIN_A4_HZ: f64 = 400.0;
/// The highest pitch of A4, in hertz.
pub const MAX_A4_HZ: f64 = 480.0;

/// MIDI number of A4, and of the C of octave -1.
const A4: i32 = 69;
const NAMES: [&str; 12] = [
    "C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B",
];

/// A note and how far a sound is from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Note {
    /// Number of the note, as in MIDI: 69 is A4, 60 is C4.
    pub number: i32,
    /// Frequency of the note in hertz.
    pub frequency_hz: f64,
    /// How far the sound is above it, in cents: hundredths of a semitone.
    pub cents: f64,
}

impl Note {
    /// The note of the equal temperament that is nearest to a frequency above 0, with A4 at `a4_hz`.
    #[must_use]
    pub fn nearest(frequency_hz: f64, a4_hz: f64) -> Self {
        let above = 12.0 * libm::log2(frequency_hz / a4_hz);
        let number = A4 + libm::round(above) as i32;
        Self::of(number, frequency_hz, a4_hz)
    }

    /// The note of a tuning that is nearest; of the equal temperament where the tuning has none.
    #[must_use]
    pub fn nearest_of(tuning: &[i32], frequency_hz: f64, a4_hz: f64) -> Self {
        let notes = tuning
            .iter()
            .map(|&number| Self::of(number, frequency_hz, a4_hz));
        notes
            .min_by(|one, other| one.cents.abs().total_cmp(&other.cents.abs()))
            .unwrap_or_else(|| Self::nearest(frequency_hz, a4_hz))
    }

    fn of(number: i32, frequency_hz: f64, a4_hz: f64) -> Self {
        let note_hz = a4_hz * libm::exp2(f64::from(number - A4) / 12.0);
        Self {
            number,
            frequency_hz: note_hz,
            cents: 1200.0 * libm::log2(frequency_hz / note_hz),
        }
    }

    /// Name and octave, `C#4`.
    #[must_use]
    pub fn name(&self) -> String {
        let (octave, step) = (self.number.div_euclid(12) - 1, self.number.rem_euclid(12));
        alloc::format!("{}{octave}", NAMES[step as usize])
    }
}

/// The number of a note as it is written: a letter, any of `#` and `b`, and an octave.
pub(super) fn number(text: &str) -> Option<i32> {
    let mut letters = text.chars();
    let letter = letters.next()?.to_ascii_uppercase();
    let step = NAMES
        .iter()
        .position(|name| name.len() == 1 && name.starts_with(letter))?;
    let rest = letters.as_str();
    let octave = rest.trim_start_matches(['#', 'b']);
    let signs = &rest[..rest.len() - octave.len()];
    let shift: i32 = signs
        .chars()
        .map(|sign| if sign == '#' { 1 } else { -1 })
        .sum();
    let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain(octave.strip_prefix('-').unwrap_or(octave)) || signs.len() > 2 {
        return None;
    }
    let octave: i32 = octave
        .parse()
        .ok()
        .filter(|octave| (-1..=9).contains(octave))?;
    Some(12 * (octave + 1) + step as i32 + shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_have_their_names_and_frequencies() {
        for (hz, name, cents) in [
            (440.0, "A4", 0.0),
            (261.6256, "C4", 0.0),
            (30.8677, "B0", 0.0),
            (4186.009, "C8", 0.0),
            // 50 cents up from E2 and a little less.
            (82.4069 * 1.0288, "E2", 49.2),
            (82.4069 * 1.0300, "F2", -48.8),
        ] {
            let note = Note::nearest(hz, 440.0);
            assert_eq!(note.name(), name);
            assert!((note.cents - cents).abs() < 0.1, "{name}: {}", note.cents);
        }
        assert_eq!(Note::nearest(432.0, 432.0).name(), "A4");
    }

    #[test]
    fn notes_are_read_as_they_are_written() {
        for (text, want) in [
            ("A4", Some(69)),
            ("c4", Some(60)),
            ("Bb1", Some(34)),
            ("C#-1", Some(1)),
            ("F##2", Some(43)),
            ("H2", None),
            ("E", None),
            ("E2x", None),
            ("", None),
            ("E99", None),
        ] {
            assert_eq!(number(text), want, "{text:?}");
        }
    }

    #[test]
    fn a_tuning_has_only_its_notes() {
        // Drop D: 100 Hz is G2 and 35 cents, and nearer to A2 (110) than to D2 (73.4).
        let note = Note::nearest_of(&[38, 45, 50], 100.0, 440.0);
        assert_eq!(note.name(), "A2");
        assert!((note.cents + 165.0).abs() < 0.1, "{note:?}");
    }
}
