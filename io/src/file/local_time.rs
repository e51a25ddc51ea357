//! The clock on the wall.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::wav_tags::CivilTime;

impl CivilTime {
    /// What the clock on the wall says at a moment: local time where the system tells the time
    /// zone, else UTC. Moments before 1970 are its first.
    ///
    /// # Real-time
    /// Not safe: may read a file.
    #[must_use]
    pub fn local(at: SystemTime) -> Self {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        of_system(seconds).unwrap_or_else(|| utc(seconds))
    }

    /// Frames from midnight to a moment whose local time this is, at a sample rate.
    #[must_use]
    pub fn frames_since_midnight(self, at: SystemTime, sample_rate_hz: u32) -> u64 {
        let (hour, minute) = (u64::from(self.hour), u64::from(self.minute));
        let seconds = (hour * 60 + minute) * 60 + u64::from(self.second);
        let since = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let rate = u64::from(sample_rate_hz);
        seconds * rate + u64::from(since.subsec_nanos()) * rate / 1_000_000_000
    }
}

#[cfg(target_os = "linux")]
fn of_system(seconds: i64) -> Option<CivilTime> {
    let time = libc::time_t::try_from(seconds).ok()?;
    let mut parts = core::mem::MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are to live values for the call; all of `tm` may be zero.
    let parts = unsafe {
        if libc::localtime_r(&time, parts.as_mut_ptr()).is_null() {
            return None;
        }
        parts.assume_init()
    };
    let small = |value: i32| u8::try_from(value).ok();
    Some(CivilTime {
        year: u16::try_from(parts.tm_year + 1900)
            .ok()
            .filter(|&year| year <= 9999)?,
        month: small(parts.tm_mon + 1)?,
        day: small(parts.tm_mday)?,
        hour: small(parts.tm_hour)?,
        minute: small(parts.tm_min)?,
        second: small(parts.tm_sec)?,
    })
}

#[cfg(not(target_os = "linux"))]
fn of_system(_seconds: i64) -> Option<CivilTime> {
    None
}

/// Days are counted in eras of 400 years that begin on 1 March, so that a leap day is the last of
/// its year.
fn utc(seconds: i64) -> CivilTime {
    const ERA_DAYS: i64 = 146_097;
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // 1 March 0000 is 719 468 days before 1 January 1970.
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    // From March on, the months' lengths go 31, 30, 31, 30, 31 over and over: 153 days each.
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        10.. => (year + 1, month - 9),
        _ => (year, month + 3),
    };
    CivilTime {
        year: (era * 400 + year).clamp(0, 9999) as u16,
        month: month as u8,
        day: day as u8,
        hour: (of_day / 3600) as u8,
        minute: (of_day / 60 % 60) as u8,
        second: (of_day % 60) as u8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn civil(date: (u16, u8, u8), time: (u8, u8, u8)) -> CivilTime {
        let (year, month, day) = date;
        let (hour, minute, second) = time;
        CivilTime {
            year,
            month,
            day,
            hour,
            minute,
            second,
        }
    }

    #[test]
    fn days_are_counted_across_leap_years() {
        assert_eq!(utc(0), civil((1970, 1, 1), (0, 0, 0)));
        assert_eq!(utc(1_000_000_000), civil((2001, 9, 9), (1, 46, 40)));
        // 2000 had a 29 February, 2100 has none.
        assert_eq!(utc(951_782_400), civil((2000, 2, 29), (0, 0, 0)));
        assert_eq!(utc(951_868_799), civil((2000, 2, 29), (23, 59, 59)));
        assert_eq!(utc(4_107_542_400), civil((2100, 3, 1), (0, 0, 0)));
        assert_eq!(utc(4_107_542_399), civil((2100, 2, 28), (23, 59, 59)));
    }

    #[test]
    fn local_time_is_utc_within_a_day() {
        // No zone is further than 14 hours from UTC; the seconds are the same in all of today's.
        let at = UNIX_EPOCH + Duration::from_millis(1_700_000_000_500);
        let (local, utc) = (CivilTime::local(at), utc(1_700_000_000));
        assert_eq!((local.year, local.second), (utc.year, utc.second));
        assert!(local.day.abs_diff(utc.day) <= 1, "{local:?} {utc:?}");
    }

    #[test]
    fn frames_since_midnight_count_fractions_of_a_second() {
        let at = UNIX_EPOCH + Duration::from_nanos(1_700_000_000_250_000_000);
        let time = civil((2023, 11, 14), (1, 2, 3));
        assert_eq!(
            time.frames_since_midnight(at, 48_000),
            3723 * 48_000 + 12_000
        );
    }
}
