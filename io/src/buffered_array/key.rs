//! Keys: which places on an axis are asked for.

use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo};

/// Which places on an axis are asked for. Negative numbers count from its end.
///
/// Made from a number, a range or a list: `Key::from(3)`, `Key::from(-10..)`,
/// `Key::from(vec![4, 4, 0])`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// One place; the axis is absent from the result.
    At(i64),
    /// Every `step`-th place from `start` up to, but without, `stop`; what is beyond the axis does
    /// not count. A negative step goes down. An absent end is the axis' own.
    Range {
        /// First place.
        start: Option<i64>,
        /// Place behind the last one.
        stop: Option<i64>,
        /// Distance of two places; not 0.
        step: i64,
    },
    /// These places, in this order; repeats allowed.
    List(Vec<i64>),
}

impl Key {
    /// Every place.
    pub const ALL: Self = Self::Range {
        start: None,
        stop: None,
        step: 1,
    };

    /// A range with another step; other keys stay as they are.
    pub fn step_by(self, step: i64) -> Self {
        match self {
            Self::Range { start, stop, .. } => Self::Range { start, stop, step },
            other => other,
        }
    }
}

impl From<i64> for Key {
    fn from(index: i64) -> Self {
        Self::At(index)
    }
}

impl From<Range<i64>> for Key {
    fn from(range: Range<i64>) -> Self {
        Self::Range {
            start: Some(range.start),
            stop: Some(range.end),
            step: 1,
        }
    }
}

impl From<RangeInclusive<i64>> for Key {
    /// Up to the last place if it ends in -1.
    fn from(range: RangeInclusive<i64>) -> Self {
        let stop = range.end().checked_add(1).filter(|&stop| stop != 0);
        Self::Range {
            start: Some(*range.start()),
            stop,
            step: 1,
        }
    }
}

impl From<RangeFrom<i64>> for Key {
    fn from(range: RangeFrom<i64>) -> Self {
        Self::Range {
            start: Some(range.start),
            stop: None,
            step: 1,
        }
    }
}

impl From<RangeTo<i64>> for Key {
    fn from(range: RangeTo<i64>) -> Self {
        Self::Range {
            start: None,
            stop: Some(range.end),
            step: 1,
        }
    }
}

impl From<RangeFull> for Key {
    fn from(_: RangeFull) -> Self {
        Self::ALL
    }
}

impl From<Vec<i64>> for Key {
    fn from(places: Vec<i64>) -> Self {
        Self::List(places)
    }
}

impl From<&[i64]> for Key {
    fn from(places: &[i64]) -> Self {
        Self::List(places.to_vec())
    }
}

/// Why a key fits no axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyFault {
    OutOfRange { index: i64 },
    StepZero,
}

/// Places on an axis of known length, every one of them there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Places {
    One(u64),
    /// `count` places, `step` apart.
    Steps {
        first: u64,
        step: i64,
        count: u64,
    },
    List(Vec<u64>),
}

impl Places {
    pub(super) fn new(key: &Key, length: u64) -> Result<Self, KeyFault> {
        match key {
            Key::At(index) => Ok(Self::One(place(*index, length)?)),
            Key::List(indices) => {
                let places = indices.iter().map(|&index| place(index, length));
                Ok(Self::List(places.collect::<Result<_, _>>()?))
            }
            Key::Range { start, stop, step } => steps(*start, *stop, *step, length),
        }
    }

    /// Number of places.
    pub(super) fn count(&self) -> u64 {
        match self {
            Self::One(_) => 1,
            Self::Steps { count, .. } => *count,
            Self::List(places) => places.len() as u64,
        }
    }

    /// The `number`-th place.
    pub(super) fn place(&self, number: u64) -> u64 {
        match self {
            Self::One(place) => *place,
            Self::Steps { first, step, .. } => first.wrapping_add_signed(step * number as i64),
            Self::List(places) => places[number as usize],
        }
    }

    /// The range from the lowest place to behind the highest; empty without places.
    pub(super) fn span(&self) -> Range<u64> {
        match self {
            Self::One(place) => *place..place + 1,
            Self::Steps { count: 0, .. } => 0..0,
            Self::Steps { first, count, .. } => {
                let last = self.place(count - 1);
                *first.min(&last)..*first.max(&last) + 1
            }
            Self::List(places) => match (places.iter().min(), places.iter().max()) {
                (Some(lowest), Some(highest)) => *lowest..highest + 1,
                _ => 0..0,
            },
        }
    }
}

fn place(index: i64, length: u64) -> Result<u64, KeyFault> {
    let place = if index < 0 {
        length.checked_sub(index.unsigned_abs())
    } else {
        Some(index as u64)
    };
    place
        .filter(|&place| place < length)
        .ok_or(KeyFault::OutOfRange { index })
}

/// A place of a range, counted from below and cut off at the ends of the axis. With a negative
/// step -1 stands before the first place.
fn limit(index: i64, length: i64, step: i64) -> i64 {
    let place = if index < 0 {
        index.saturating_add(length)
    } else {
        index
    };
    if step > 0 {
        place.clamp(0, length)
    } else {
        place.clamp(-1, length - 1)
    }
}

fn steps(
    start: Option<i64>,
    stop: Option<i64>,
    step: i64,
    length: u64,
) -> Result<Places, KeyFault> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let (low, high) = if step > 0 {
        (0, length)
    } else {
        (length - 1, -1)
    };
    let start = start.map_or(low, |index| limit(index, length, step));
    let stop = stop.map_or(high, |index| limit(index, length, step));
    let distance = match step {
        0 => return Err(KeyFault::StepZero),
        1.. => stop - start,
        _ => start - stop,
    };
    let count = if distance > 0 {
        (distance as u64).div_ceil(step.unsigned_abs())
    } else {
        0
    };
    let first = if count > 0 { start as u64 } else { 0 };
    Ok(Places::Steps { first, step, count })
}
