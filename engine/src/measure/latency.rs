//! What a chain says of its latency and its tail, beside what is heard.

use ossicle_dsp::node::Tail;

use super::Subject;
use super::signal::Random;
use super::spectrum::lag;
use crate::error::EngineError;

/// Frames of the burst, and of the silence before it.
const BURST_FRAMES: usize = 1 << 13;
const BEFORE_FRAMES: usize = 1 << 10;
/// The burst's peak.
const PEAK: f64 = 0.25;
/// What is softer than this beside the largest sample that went in is not heard: -120 dB.
const HEARD: f64 = 1e-6;
/// How long a tail that is told as endless is listened to, and how much longer than told another.
const ENDLESS_S: u64 = 5;
const LONGER_FRAMES: u64 = 1 << 14;
/// The longest tail that is waited for, in seconds.
const LONGEST_S: u64 = 60;

/// Told and heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    /// The latency that the chain tells, in frames.
    pub told_frames: u64,
    /// When the first of a burst of noise is heard, in frames after it went in; `None` when nothing
    /// is.
    pub first_frames: Option<u64>,
    /// When most of the burst is heard: where its correlation with the output is largest.
    pub strongest_frames: Option<u64>,
    /// The tail that the chain tells.
    pub told_tail: Tail,
    /// Frames after the burst's end until all is 120 dB below its peak, the latency included; `None`
    /// when that was not waited for.
    pub tail_frames: Option<u64>,
}

impl Latency {
    /// Whether what is told is heard: the burst begins, or is strongest, when it should.
    #[must_use]
    pub fn is_true(&self) -> bool {
        let told = Some(self.told_frames);
        self.first_frames == told || self.strongest_frames == told
    }

    /// Whether the tail ends when told; `None` where it is told as endless or was not waited for.
    #[must_use]
    pub fn tail_is_true(&self) -> Option<bool> {
        match (self.told_tail, self.tail_frames) {
            (Tail::Frames(told), Some(heard)) => Some(heard <= told),
            _ => None,
        }
    }
}

/// Listens when a burst of noise comes out, and how long it rings.
///
/// # Errors
/// A chain that is wrong, or does not fit the rate or the channels.
///
/// # Examples
/// ```
/// use ossicle::measure::{Subject, latency::latency};
/// let latency = latency(&Subject::text("envelope_limiter:delay_samples=41"))?;
/// assert_eq!((latency.told_frames, latency.first_frames), (40, Some(40)));
/// # Ok::<(), ossicle::EngineError>(())
/// ```
pub fn latency(subject: &Subject<'_>) -> Result<Latency, EngineError> {
    let mut bench = subject.bench()?;
    let told_frames = bench.processor().latency_frames();
    let told_tail = bench.processor().tail();
    let rate = u64::from(subject.sample_rate_hz);
    let after = match told_tail {
        Tail::Frames(frames) => frames.saturating_add(LONGER_FRAMES).min(LONGEST_S * rate),
        Tail::Endless => ENDLESS_S * rate,
    };
    let after = after.max(told_frames + LONGER_FRAMES) as usize;
    let mut random = Random::new(4);
    let mut burst: Vec<f32> = (0..BURST_FRAMES)
        .map(|_| (PEAK * random.bipolar()) as f32)
        .collect();
    // Loud from the first sample on.
    burst[0] = PEAK as f32;
    let mut input = vec![0.0; BEFORE_FRAMES];
    input.extend_from_slice(&burst);
    input.resize(BEFORE_FRAMES + BURST_FRAMES + after, 0.0);
    let heard = bench.run_alike(&input);
    let is_heard = |sample: &f32| f64::from(sample.abs()) > HEARD * PEAK;
    let first = heard
        .iter()
        .filter_map(|plane| plane[BEFORE_FRAMES..].iter().position(is_heard))
        .min();
    let last = heard
        .iter()
        .filter_map(|plane| plane[BEFORE_FRAMES..].iter().rposition(is_heard))
        .max();
    let loudest = heard.iter().max_by(|one, other| {
        let power = |plane: &[f32]| plane.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        power(one).total_cmp(&power(other))
    });
    let near = BURST_FRAMES + told_frames as usize + LONGER_FRAMES as usize;
    let strongest = loudest.and_then(|plane| lag(&burst, &plane[BEFORE_FRAMES..][..near]));
    let tail_frames = last.map_or(0, |last| (last + 1).saturating_sub(BURST_FRAMES) as u64);
    Ok(Latency {
        told_frames,
        first_frames: first.map(|frames| frames as u64),
        strongest_frames: strongest.map(|frames| frames as u64),
        told_tail,
        tail_frames: (tail_frames < after as u64).then_some(tail_frames),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_heard_at_once_and_strongest_where_most_of_it_is() {
        // 10 ms are 480 frames; one fifth dry. No feedback: the tail is the delay.
        let subject = Subject::text("delay:time=10ms,feedback=0%,mix=80%");
        let latency = latency(&subject).unwrap();
        assert_eq!((latency.told_frames, latency.first_frames), (0, Some(0)));
        assert_eq!(latency.strongest_frames, Some(480));
        assert!(latency.is_true());
        assert_eq!(latency.tail_is_true(), Some(true), "{latency:?}");
        assert!(
            latency
                .tail_frames
                .is_some_and(|frames| (470..=480).contains(&frames))
        );
    }

    #[test]
    fn silence_has_no_latency_that_is_heard() {
        let latency = latency(&Subject::text("gain:gain=-120dB")).unwrap();
        assert_eq!(
            (latency.first_frames, latency.strongest_frames),
            (None, None)
        );
        assert!(!latency.is_true());
    }
}
