//! Names of recordings with the date, the time and a number in them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use ossicle::io::file::CivilTime;

use crate::exit::Failure;
use crate::folders;

/// Digits of a number at least.
const DIGITS: usize = 3;

/// The path that a pattern means now.
///
/// `{date}` is the day, `{time}` the time of day, and `{number}`, in the name of the file, the number
/// after the highest that a file of such a name has.
///
/// # Errors
/// Other words in braces, and a number in the name of a folder.
pub fn expand(pattern: &Path, now: CivilTime) -> Result<PathBuf, Failure> {
    let Some(text) = pattern.to_str() else {
        return Ok(pattern.to_owned()); // what is no text is no pattern
    };
    let date = format!("{:04}-{:02}-{:02}", now.year, now.month, now.day);
    // No colons: other systems do not take them in names.
    let time = format!("{:02}-{:02}-{:02}", now.hour, now.minute, now.second);
    let text = text.replace("{date}", &date).replace("{time}", &time);
    check(&text)?;
    let Some((before, after)) = text.split_once("{number}") else {
        return Ok(text.into());
    };
    let path = Path::new(&text);
    let folder = folders::of(path);
    let start = before.rsplit(std::path::is_separator).next();
    let number = next_number(folder, start.unwrap_or_default());
    let number = format!("{number:0DIGITS$}");
    Ok(format!("{before}{number}{}", after.replace("{number}", &number)).into())
}

/// That only what has a meaning is in braces.
fn check(text: &str) -> Result<(), Failure> {
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once('{') {
        let Some((word, behind)) = behind.split_once('}') else {
            return Ok(()); // a lone brace is one
        };
        if word != "number" {
            return Err(Failure::usage(format!(
                "{text}: {{{word}}} has no meaning (allowed: {{date}}, {{time}}, {{number}})"
            )));
        }
        rest = behind;
        if rest.contains(std::path::is_separator) {
            return Err(Failure::usage(format!(
                "{text}: {{number}} stands in the name of a folder (allowed: in the file's)"
            )));
        }
    }
    Ok(())
}

/// One more than the highest number that stands behind `start` in a name in the folder.
fn next_number(folder: &Path, start: &str) -> u64 {
    let names = fs::read_dir(folder).into_iter().flatten();
    let names = names.filter_map(|entry| Some(entry.ok()?.file_name()));
    let highest = names.filter_map(|name| number_behind(start, &name)).max();
    highest.map_or(1, |highest| highest.saturating_add(1))
}

fn number_behind(start: &str, name: &OsStr) -> Option<u64> {
    let rest = name.to_str()?.strip_prefix(start)?;
    let digits = rest.find(|letter: char| !letter.is_ascii_digit());
    rest[..digits.unwrap_or(rest.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: CivilTime = CivilTime {
        year: 2026,
        month: 3,
        day: 9,
        hour: 7,
        minute: 5,
        second: 59,
    };

    #[test]
    fn date_and_time_stand_in_a_name() {
        let path = expand(Path::new("a/{date}/x {time}.wav"), NOW).unwrap();
        assert_eq!(path, Path::new("a/2026-03-09/x 07-05-59.wav"));
        let plain = Path::new("take}.wav");
        assert_eq!(expand(plain, NOW).unwrap(), plain);
    }

    #[test]
    fn the_number_is_the_next_after_all_that_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let pattern = folder.path().join("{date} take-{number}.flac");
        let next = || expand(&pattern, NOW).unwrap();
        let name = |name: &str| folder.path().join(name);
        assert_eq!(next(), name("2026-03-09 take-001.flac"));
        // Other endings, lists beside a file and parts of a split take count; another day does not.
        for (there, after) in [
            ("2026-03-09 take-001.wav", "002"),
            ("2026-03-09 take-004-002.wav", "005"),
            ("2026-03-08 take-090.wav", "005"),
            ("2026-03-09 take-x.wav", "005"),
            ("2026-03-09 take-1234.wav.gaps.json", "1235"),
        ] {
            fs::write(name(there), "").unwrap();
            assert_eq!(next(), name(&format!("2026-03-09 take-{after}.flac")));
        }
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        for (pattern, told) in [
            ("{Date}.wav", "{Date} has no meaning"),
            ("{number}/take.wav", "in the name of a folder"),
            ("{number} {take}.wav", "{take} has no meaning"),
        ] {
            let failure = expand(Path::new(pattern), NOW).unwrap_err();
            assert!(failure.message.contains(told), "{}", failure.message);
        }
    }
}
