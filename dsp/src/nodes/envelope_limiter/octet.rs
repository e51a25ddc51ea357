//! Eight channels side by side: the definition as it is, a lane for each.

use crate::parts::vectors::{Eight, Vectors, Work};
use crate::parts::window::Window;

use super::core::Coefficients;
use super::fast::OCTET;

/// Frames that are turned from planes into lanes together.
const TILE: usize = 8;
/// Frames after which the envelope is looked at.
const PIECE: usize = 64;
/// An envelope below this becomes 0, so that it does not come to subnormal numbers.
const FLOOR: f32 = 1e-20;

type Lanes = [f32; OCTET];

/// Recursion and delay of eight channels.
#[derive(Clone, Debug)]
pub(super) struct OctetCore {
    envelope: Lanes,
    gain: Lanes,
    line: Window<Lanes>,
    latency: usize,
    /// Frames since the envelope was looked at.
    passed: usize,
}

impl OctetCore {
    /// A core at rest that delays by `latency` frames.
    ///
    /// # Real-time
    /// Not safe: allocates.
    pub(super) fn new(latency: usize) -> Self {
        Self {
            envelope: [0.0; OCTET],
            gain: [1.0; OCTET],
            line: Window::new(latency + TILE),
            latency,
            passed: 0,
        }
    }

    pub(super) fn reset(&mut self) {
        (self.envelope, self.gain) = ([0.0; OCTET], [1.0; OCTET]);
        self.passed = 0;
        self.line.clear();
    }

    /// Takes frames, at most [`TILE`], into the line and gives the limited ones in their place. When
    /// it is `GLIDING`, each has a threshold of its own.
    #[inline(always)]
    fn run<E: Eight, const GLIDING: bool>(
        &mut self,
        coefficients: &Coefficients,
        thresholds: &[f32],
        frames: &mut [Lanes],
    ) {
        let &Coefficients {
            attack,
            release,
            threshold,
            ..
        } = coefficients;
        let (one_less_attack, one_and_threshold) = (1.0 - attack, 1.0 + threshold);
        let [attack, release, one] = [attack, release, 1.0].map(E::splat);
        let [one_less_attack, mut one_and_threshold] =
            [one_less_attack, one_and_threshold].map(E::splat);
        let [mut threshold, lowest, highest] = [threshold, -f32::MAX, f32::MAX].map(E::splat);
        let (mut envelope, mut gain) = (E::load(&self.envelope), E::load(&self.gain));
        let count = frames.len();
        let mut gains = [[0.0; OCTET]; TILE];
        let line = self.line.append(count);
        let mut thresholds = thresholds.iter();
        for ((frame, kept), place) in frames.iter().zip(line).zip(&mut gains) {
            if GLIDING && let Some(&now) = thresholds.next() {
                (threshold, one_and_threshold) = (E::splat(now), E::splat(1.0 + now));
            }
            let input = E::load(frame).or_zero();
            input.store(kept);
            envelope = input.magnitude().or_larger(envelope.times(release));
            let lower = one_and_threshold.minus(envelope);
            let target = envelope.if_larger(threshold, lower, one);
            gain = gain.times(attack).plus(target.times(one_less_attack));
            gain.store(place);
        }
        let delayed = self.line.since(self.latency + count, count);
        for ((frame, delayed), gain) in frames.iter_mut().zip(delayed).zip(&gains) {
            let limited = E::load(delayed).times(E::load(gain));
            limited.or_larger(lowest).or_smaller(highest).store(frame);
        }
        envelope.store(&mut self.envelope);
        gain.store(&mut self.gain);
    }

    /// Makes silence of an envelope that is below the floor.
    #[inline(always)]
    fn quieten(&mut self) {
        for envelope in &mut self.envelope {
            *envelope = if *envelope < FLOOR { 0.0 } else { *envelope };
        }
    }
}

/// Eight planes of equal length to be limited.
pub(super) struct Octet<'a, 'b> {
    pub(super) core: &'a mut OctetCore,
    pub(super) coefficients: &'a Coefficients,
    /// A threshold for each frame, while it glides.
    pub(super) gliding: Option<&'a [f32]>,
    pub(super) planes: &'a mut [&'b mut [f32]; OCTET],
    /// What the work runs in.
    pub(super) vectors: Vectors,
}

impl Work for Octet<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        match self.gliding {
            Some(thresholds) => self.pass::<E, true>(thresholds),
            None => self.pass::<E, false>(&[]),
        }
    }
}

impl Octet<'_, '_> {
    #[inline(always)]
    fn pass<E: Eight, const GLIDING: bool>(self, thresholds: &[f32]) {
        let Self {
            core,
            coefficients,
            planes,
            vectors,
            ..
        } = self;
        let frames = planes[0].len();
        let mut begin = 0;
        while begin < frames {
            // Where the envelope is looked at is counted from the reset.
            let count = (frames - begin).min(PIECE - core.passed);
            let whole = count / TILE * TILE;
            for at in (begin..begin + whole).step_by(TILE) {
                let mut tile = [[0.0; OCTET]; TILE];
                take(vectors, planes, at, &mut tile);
                core.run::<E, GLIDING>(coefficients, from(thresholds, at), &mut tile);
                give(vectors, planes, at, &tile);
            }
            let (behind, end) = (begin + whole, begin + count);
            if behind < end {
                let mut tile = [[0.0; OCTET]; TILE];
                let rest = &mut tile[..end - behind];
                for (lane, plane) in planes.iter().enumerate() {
                    for (frame, &sample) in rest.iter_mut().zip(&plane[behind..end]) {
                        frame[lane] = sample;
                    }
                }
                core.run::<E, GLIDING>(coefficients, from(thresholds, behind), rest);
                for (lane, plane) in planes.iter_mut().enumerate() {
                    for (sample, frame) in plane[behind..end].iter_mut().zip(rest.iter()) {
                        *sample = frame[lane];
                    }
                }
            }
            begin += count;
            core.passed += count;
            if core.passed == PIECE {
                core.passed = 0;
                core.quieten();
            }
        }
    }
}

#[inline(always)]
fn from(thresholds: &[f32], at: usize) -> &[f32] {
    thresholds.get(at..).unwrap_or_default()
}

/// Reads eight frames from the planes.
#[inline(always)]
fn take(vectors: Vectors, planes: &[&mut [f32]; OCTET], at: usize, frames: &mut [Lanes; TILE]) {
    let [a, b, c, d, e, f, g, h] = planes;

    if let (Some(a), Some(b), Some(c), Some(d)) = (row(a, at), row(b, at), row(c, at), row(d, at))
        && let (Some(e), Some(f), Some(g), Some(h)) =
            (row(e, at), row(f, at), row(g, at), row(h, at))
    {
        vectors.turn([a, b, c, d, e, f, g, h], frames.each_mut());
    }
}

/// Writes eight frames to the planes.
#[inline(always)]
fn give(vectors: Vectors, planes: &mut [&mut [f32]; OCTET], at: usize, frames: &[Lanes; TILE]) {
    let [a, b, c, d, e, f, g, h] = planes;
    if let (Some(a), Some(b), Some(c), Some(d)) = (
        a[at..].first_chunk_mut(),
        b[at..].first_chunk_mut(),
        c[at..].first_chunk_mut(),
        d[at..].first_chunk_mut(),
    ) && let (Some(e), Some(f), Some(g), Some(h)) = (
        e[at..].first_chunk_mut(),
        f[at..].first_chunk_mut(),
        g[at..].first_chunk_mut(),
        h[at..].first_chunk_mut(),
    ) {
        vectors.turn(frames.each_ref(), [a, b, c, d, e, f, g, h]);
    }
}

#[inline(always)]
fn row(plane: &[f32], at: usize) -> Option<&[f32; TILE]> {
    plane[at..].first_chunk()
}
