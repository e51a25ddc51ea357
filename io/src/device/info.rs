//! What there is to be opened.

use core::ops::RangeInclusive;

use super::HostKind;

/// A device as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Permanent id, `host:name`, as [`Port::device`](super::Port::device) takes it.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// The host it is reached through.
    pub host: HostKind,
    /// What it can do as an input.
    pub input: Option<Capability>,
    /// What it can do as an output.
    pub output: Option<Capability>,
    /// Whether it is its host's default input.
    pub default_input: bool,
    /// Whether it is its host's default output.
    pub default_output: bool,
}

/// What a device offers in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Fewest and most channels.
    pub channels: RangeInclusive<usize>,
    /// Sample rates in hertz, ascending; of a continuous range the usual ones.
    pub sample_rates_hz: Vec<u32>,
    /// Frames per callback, where the host says it.
    pub buffer_frames: Option<RangeInclusive<u32>>,
}

/// The id among `available` that is most like `asked`, with its host or without, if any is near.
pub(super) fn nearest(asked: &str, available: &[String]) -> Option<String> {
    let asked = asked.to_lowercase();
    let far = |id: &String| {
        let id = id.to_lowercase();
        let name = id.split_once(':').map_or(id.as_str(), |(_, name)| name);
        distance(&asked, &id).min(distance(&asked, name))
    };
    let near = available.iter().map(|id| (far(id), id)).min()?;
    (near.0 <= asked.chars().count() / 2).then(|| near.1.clone())
}

/// The fewest insertions, deletions and replacements of characters between two texts (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_is_levenshteins() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }

    #[test]
    fn nearest_is_silent_when_nothing_is_near() {
        let names = ["alsa:default".to_owned(), "alsa:pulse".to_owned()];
        assert_eq!(
            nearest("alsa:defalt", &names).as_deref(),
            Some("alsa:default")
        );
        assert_eq!(nearest("zzz", &names), None);
    }
}
