//! When a take was recorded, for what its files say of themselves.

use std::time::Duration;

use ossicle_io::file::{CivilTime, Tags};

use super::Gated;

impl Gated {
    /// What a file says that begins at `first` of the take: `said`, and of which time that frame is,
    /// unless something is said of that.
    pub(in crate::record) fn tags(&self, said: &Tags, first: u64, sample_rate_hz: u32) -> Tags {
        let mut tags = said.clone();
        let bext = tags.bext.get_or_insert_default();
        let (None, Some(begun)) = (bext.origination, self.begun_at) else {
            return tags;
        };
        let before = self.pauses.iter().filter(|pause| pause.position <= first);
        let since = first + before.map(|pause| pause.frames).sum::<u64>();
        let rate = u64::from(sample_rate_hz);
        let passed = Duration::try_from_secs_f64(since as f64 / rate as f64).unwrap_or_default();
        bext.origination = Some(CivilTime::local(begun + passed));
        // Counted from the take's begin, so that file follows file to the frame.
        let reference = CivilTime::local(begun).frames_since_midnight(begun, sample_rate_hz);
        bext.time_reference_frames = (reference + since) % (86_400 * rate);
        tags
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use ossicle_io::file::{Bext, CivilTime, Tags};

    use super::super::{Gated, Pause};

    #[test]
    fn files_follow_each_other_to_the_frame_with_the_pauses_between() {
        let begun = UNIX_EPOCH + Duration::from_nanos(1_700_000_000_333_333_333);
        let pause = Pause {
            position: 96_000,
            stream_position: 96_000,
            frames: 48_000 * 60,
        };
        let gated = Gated {
            begun_at: Some(begun),
            pauses: vec![pause],
            ..Gated::default()
        };
        let bext = |first| gated.tags(&Tags::default(), first, 48_000).bext.unwrap();
        let (one, two, three) = (bext(0), bext(95_999), bext(96_000));
        let day = 86_400 * 48_000;
        let apart =
            |bext: &Bext| (bext.time_reference_frames + day - one.time_reference_frames) % day;
        assert_eq!(one.time_reference_frames % 48_000, 15_999);
        assert_eq!((apart(&two), apart(&three)), (95_999, 96_000 + 48_000 * 60));
        let later = CivilTime::local(begun + Duration::from_secs(62));
        assert_eq!(three.origination, Some(later));
    }

    #[test]
    fn what_is_said_of_the_time_stays() {
        let gated = Gated {
            begun_at: Some(UNIX_EPOCH),
            ..Gated::default()
        };
        let mut said = Tags::default();
        let bext = said.bext.insert(Bext::default());
        bext.origination = Some(CivilTime::local(
            UNIX_EPOCH + Duration::from_secs(86_400 * 40),
        ));
        bext.time_reference_frames = 7;
        assert_eq!(gated.tags(&said, 10, 48_000), said);
    }
}
