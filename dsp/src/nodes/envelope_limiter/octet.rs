//! Eight channels side by side: the definition as it is, a lane for each.

use crate::parts::finite::{or_zero, saturated};
use crate::parts::vectors::Work;
use crate::parts::window::Window;

use super::core::Coefficients;
use super::fast::OCTET;

/// Frames that are turned from planes into lanes together.
const FRAMES: usize = 8;
/// Taken off the envelope, so that it comes to 0 and not to subnormal numbers.
const FLOOR: f32 = 1e-20;

type Lanes = [f32; OCTET];

/// Recursion and delay of eight channels.
#[derive(Clone, Debug)]
pub(super) struct OctetCore {
    envelope: Lanes,
    gain: Lanes,
    line: Window<Lanes>,
    latency: usize,
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
            line: Window::new(latency + FRAMES),
            latency,
        }
    }

    pub(super) fn reset(&mut self) {
        (self.envelope, self.gain) = ([0.0; OCTET], [1.0; OCTET]);
        self.line.clear();
    }

    /// Takes up to eight frames into the line and puts the limited ones in their place.
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
        for (kept, frame) in self.line.append(count).iter_mut().zip(&*frames) {
            for lane in 0..OCTET {
                kept[lane] = or_zero(frame[lane]);
            }
        }
        let inputs = self.line.since(count, count);
        let delayed = self.line.since(self.latency + count, count);
        let (mut envelope, mut gain) = (self.envelope, self.gain);
        for ((frame, input), delayed) in frames.iter_mut().zip(inputs).zip(delayed) {
            for lane in 0..OCTET {
                let (now, fallen) = (input[lane].abs(), envelope[lane] * release - FLOOR);
                let e = if now > fallen { now } else { fallen };
                let lower = one_and_threshold - e;
                let target = if e > threshold { lower } else { 1.0 };
                let g = gain[lane] * attack + target * one_less_attack;
                frame[lane] = saturated(delayed[lane] * g);
                (envelope[lane], gain[lane]) = (e, g);
            }
        }
        (self.envelope, self.gain) = (envelope, gain);
    }
}

/// Eight planes of equal length to be limited.
pub(super) struct Octet<'a, 'b> {
    pub(super) core: &'a mut OctetCore,
    pub(super) coefficients: &'a Coefficients,
    pub(super) planes: &'a mut [&'b mut [f32]; OCTET],
}

impl Work for Octet<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let frames = self.planes[0].len();
        for begin in (0..frames).step_by(FRAMES) {
            let mut rows = [[0.0; FRAMES]; OCTET];
            let count = FRAMES.min(frames - begin);
            if count == FRAMES {
                for (row, plane) in rows.iter_mut().zip(&*self.planes) {
                    row.copy_from_slice(&plane[begin..begin + FRAMES]);
                }
            } else {
                for (row, plane) in rows.iter_mut().zip(&*self.planes) {
                    row[..count].copy_from_slice(&plane[begin..]);
                }
            }
            let mut lanes = turned(&rows);
            self.core.run(self.coefficients, &mut lanes[..count]);
            let rows = turned(&lanes);
            if count == FRAMES {
                for (row, plane) in rows.iter().zip(&mut *self.planes) {
                    plane[begin..begin + FRAMES].copy_from_slice(row);
                }
            } else {
                for (row, plane) in rows.iter().zip(&mut *self.planes) {
                    plane[begin..].copy_from_slice(&row[..count]);
                }
            }
        }
    }
}

/// Rows to columns, by three rounds of exchanges in pairs, fours and eights.
#[inline(always)]
fn turned(rows: &[Lanes; FRAMES]) -> [Lanes; FRAMES] {
    let mut out = [[0.0; FRAMES]; FRAMES];
    for (row, values) in rows.iter().enumerate() {
        for (column, value) in values.iter().enumerate() {
            out[column][row] = *value;
        }
    }
    out
}
