//! Whether a replay agrees with its flight.

/// Callbacks that follow each other without a gap, up to the next segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Its first callback.
    pub(super) first: usize,
    /// The chain's state before it is known.
    pub(super) is_known: bool,
}

/// The callback from which on all match, and whether all match that can be asked to: in a segment
/// whose state is known all of them, in any other the last ones.
pub(super) fn verdict(matches: &[bool], segments: &[Segment]) -> (Option<usize>, bool) {
    let behind = |matches: &[bool]| {
        matches
            .iter()
            .rposition(|matched| !matched)
            .map_or(0, |n| n + 1)
    };
    let from = behind(matches);
    let mut agrees = true;
    for (number, segment) in segments.iter().enumerate() {
        let end = segments
            .get(number + 1)
            .map_or(matches.len(), |next| next.first);
        let matches = &matches[segment.first..end];
        agrees &= match (segment.is_known, behind(matches)) {
            (_, _) if matches.is_empty() => true,
            (true, wrong) => wrong == 0,
            (false, wrong) => wrong < matches.len(),
        };
    }
    ((from < matches.len()).then_some(from), agrees)
}

#[cfg(test)]
mod tests {
    use super::{Segment, verdict};

    fn told(text: &str, segments: &[(usize, bool)]) -> (Option<usize>, bool) {
        let matches: Vec<bool> = text.chars().map(|sign| sign == '=').collect();
        let segments: Vec<Segment> = segments
            .iter()
            .map(|&(first, is_known)| Segment { first, is_known })
            .collect();
        verdict(&matches, &segments)
    }

    #[test]
    fn a_known_state_must_agree_throughout_and_an_unknown_one_in_the_end() {
        assert_eq!(told("====", &[(0, true)]), (Some(0), true));
        assert_eq!(told("=!==", &[(0, true)]), (Some(2), false));
        assert_eq!(told("=!==", &[(0, false)]), (Some(2), true));
        assert_eq!(told("===!", &[(0, false)]), (None, false));
        assert_eq!(told("==!=", &[(0, true), (2, false)]), (Some(3), true));
        assert_eq!(told("=!==", &[(0, true), (2, false)]), (Some(2), false));
        assert_eq!(told("==!!", &[(0, true), (2, false)]), (None, false));
    }
}
