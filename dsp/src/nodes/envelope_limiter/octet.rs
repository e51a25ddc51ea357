//! Eight channels side by side: the definition as it is, a lane for each.

use crate::parts::finite::{or_zero, saturated};
use crate::parts::vectors::{Vectors, Work};
use crate::parts::window::Window;

use super::core::Coefficients;
use super::fast::OCTET;

/// Frames that are turned from planes into lanes together.
const TILE: usize = 8;
/// Frames that are worked on in one go, and after which the envelope is looked at.
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
            line: Window::new(latency + PIECE),
            latency,
            passed: 0,
        }
    }

    pub(super) fn reset(&mut self) {
        (self.envelope, self.gain) = ([0.0; OCTET], [1.0; OCTET]);
        self.passed = 0;
        self.line.clear();
    }

    /// Gives the limited frames for those that have just come into the line.
    #[inline(always)]
    fn run(&mut self, coefficients: &Coefficients, frames: &mut [Lanes]) {
        let &Coefficients {
            attack,
            release,
            threshold,
            ..
        } = coefficients;
        let (one_less_attack, one_and_threshold) = (1.0 - attack, 1.0 + threshold);
        let count = frames.len();
        let inputs = self.line.since(count, count);
        let delayed = self.line.since(self.latency + count, count);
        let (mut envelope, mut gain) = (self.envelope, self.gain);
        for ((frame, input), delayed) in frames.iter_mut().zip(inputs).zip(delayed) {
            for lane in 0..OCTET {
                let now = or_zero(input[lane]).abs();
                let fallen = envelope[lane] * release;
                envelope[lane] = if now > fallen { now } else { fallen };
            }
            let mut target = [0.0; OCTET];
            for lane in 0..OCTET {
                let lower = one_and_threshold - envelope[lane];
                let is_above = envelope[lane] > threshold;
                target[lane] = if is_above { lower } else { 1.0 };
            }
            for lane in 0..OCTET {
                gain[lane] = gain[lane] * attack + target[lane] * one_less_attack;
            }
            let mut out = [0.0; OCTET];
            for lane in 0..OCTET {
                out[lane] = saturated(or_zero(delayed[lane]) * gain[lane]);
            }
            *frame = out;
        }
        (self.envelope, self.gain) = (envelope, gain);
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
    pub(super) planes: &'a mut [&'b mut [f32]; OCTET],
    /// What the work runs in.
    pub(super) vectors: Vectors,
}

impl Work for Octet<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            core,
            coefficients,
            planes,
            vectors,
        } = self;
        let frames = planes[0].len();
        let mut begin = 0;
        while begin < frames {
            // Where the envelope is looked at is counted from the reset.
            let count = (frames - begin).min(PIECE - core.passed);
            let line = core.line.append(count);
            let (tiles, rest) = line.as_chunks_mut();
            let behind = begin + tiles.len() * TILE;
            for (tile, line) in tiles.iter_mut().enumerate() {
                take(vectors, planes, begin + tile * TILE, line);
            }
            for (lane, plane) in planes.iter().enumerate() {
                for (frame, &sample) in rest.iter_mut().zip(&plane[behind..]) {
                    frame[lane] = sample;
                }
            }
            let mut limited = [[0.0; OCTET]; PIECE];
            core.run(coefficients, &mut limited[..count]);
            let (tiles, rest) = limited[..count].as_chunks();
            for (tile, limited) in tiles.iter().enumerate() {
                give(vectors, planes, begin + tile * TILE, limited);
            }
            for (lane, plane) in planes.iter_mut().enumerate() {
                for (sample, frame) in plane[behind..].iter_mut().zip(rest) {
                    *sample = frame[lane];
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
