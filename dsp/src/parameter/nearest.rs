//! The nearest name: what a mistyped word was probably meant to be.

use alloc::vec::Vec;

/// The candidate that takes the fewest single-letter changes to become `name`; the first of equals.
///
/// Letters inserted, removed, replaced or swapped with their neighbour count one each, whatever
/// their case. `None` when there are no candidates.
///
/// # Real-time
/// Not safe: allocates.
///
/// # Examples
/// ```
/// use ossicle_dsp::parameter::nearest;
/// assert_eq!(nearest("trheshold", ["attack", "threshold"]), Some("threshold"));
/// assert_eq!(nearest("gain", []), None);
/// ```
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .min_by_key(|candidate| distance(name, candidate))
}

/// The optimal string alignment distance, by rows of the usual table.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a
        .chars()
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    let b: Vec<char> = b
        .chars()
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    let mut before = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, &letter) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, &other) in b.iter().enumerate() {
            let replaced = above[j] + usize::from(letter != other);
            let mut cost = replaced.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && letter == b[j - 1] && other == a[i - 1] {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = core::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_each_kind_of_change_once() {
        for (a, b, changes) in [
            ("gain", "gain", 0),
            ("", "pan", 3),
            ("pan", "", 3),
            ("gian", "gain", 1),
            ("gai", "gain", 1),
            ("gainn", "gain", 1),
            ("main", "gain", 1),
            ("GAIN", "gain", 0),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), changes, "{a} to {b}");
        }
    }
}
