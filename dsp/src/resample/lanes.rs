//! The loop over the output frames: sums over eight lanes in fixed order, however wide the
//! registers are that it is compiled for.

use super::head::Positions;
use super::history::History;
use super::kernel::Kernel;
use crate::parts::vectors::{Eight, Work};

/// Channels whose lanes stand in memory before they are summed. Without memory between, the compiler
/// makes the products two lanes wide instead of eight.
const GROUP: usize = 8;
/// Groups of eight coefficients that stand in memory at once: of a longer row one piece after the
/// other.
const PIECE: usize = 128;

/// Eight samples that are worked on together.
type Lanes = [f32; 8];

/// Makes frames until `out` is full or the positions leave what is readable; gives how many.
pub(super) struct Read<'a> {
    pub(super) kernel: &'a Kernel,
    pub(super) history: &'a History,
    pub(super) positions: &'a mut Positions,
    pub(super) out: &'a mut [f32],
}

impl Work for Read<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<E: Eight>(self) -> usize {
        let Self {
            kernel,
            history,
            positions,
            out,
        } = self;
        // The same loop for each usual length, unrolled.
        match kernel.taps {
            32 => read_with(&mut [[0.0; 8]; 4], 32, kernel, history, positions, out),
            48 => read_with(&mut [[0.0; 8]; 6], 48, kernel, history, positions, out),
            64 => read_with(&mut [[0.0; 8]; 8], 64, kernel, history, positions, out),
            96 => read_with(&mut [[0.0; 8]; 12], 96, kernel, history, positions, out),
            128 => read_with(&mut [[0.0; 8]; 16], 128, kernel, history, positions, out),
            taps => {
                let mut row = [[0.0; 8]; PIECE];
                let row = &mut row[..(taps / 8).min(PIECE)];
                read_with(row, taps, kernel, history, positions, out)
            }
        }
    }
}

/// `row` holds the coefficients of one output frame, for all channels, or a piece of them.
#[inline(always)]
fn read_with(
    row: &mut [Lanes],
    taps: usize,
    kernel: &Kernel,
    history: &History,
    positions: &mut Positions,
    out: &mut [f32],
) -> usize {
    let readable = kernel.readable(history);
    if positions.index < readable.start {
        return 0;
    }
    let before = (taps / 2 - 1) as u64;
    let mut made = 0;
    let mut at = *positions;
    for frame in out.chunks_exact_mut(history.channels()) {
        if at.index >= readable.end {
            break;
        }
        let (phase, weight) = at.phase(kernel.phase_bits);
        if kernel.whole_is_copy && phase == 0 && weight == 0.0 {
            for (channel, sample) in frame.iter_mut().enumerate() {
                *sample = history.window(channel, at.index, 1)[0];
            }
        } else {
            let both = &kernel.rows[phase * taps..][..2 * taps];
            let (from, to) = both.split_at(taps);
            let begin = at.index - before;
            if taps > row.len() * 8 {
                in_pieces(row, (from, to), weight, history, begin, frame);
                at.advance();
                made += 1;
                continue;
            }
            fill(row, from, to, weight);
            for (group, frame) in frame.chunks_mut(GROUP).enumerate() {
                let mut sums = [[0.0; 8]; GROUP];
                for (channel, sums) in sums[..frame.len()].iter_mut().enumerate() {
                    let channel = group * GROUP + channel;
                    let window = history.window(channel, begin, taps);
                    *sums = products(row, window.as_chunks().0);
                }
                for (sample, sums) in frame.iter_mut().zip(&sums) {
                    *sample = sum(sums);
                }
            }
        }
        at.advance();
        made += 1;
    }
    *positions = at;
    made
}

/// A frame whose row is longer than `row`, from the frame at `begin` on.
#[inline(always)]
fn in_pieces(
    row: &mut [Lanes],
    (from, to): (&[f32], &[f32]),
    weight: f32,
    history: &History,
    begin: u64,
    frame: &mut [f32],
) {
    let length = row.len() * 8;
    for (group, frame) in frame.chunks_mut(GROUP).enumerate() {
        let mut sums = [[0.0; 8]; GROUP];
        let pieces = from.chunks(length).zip(to.chunks(length));
        for ((from, to), begin) in pieces.zip((begin..).step_by(length)) {
            fill(row, from, to, weight);
            for (channel, sums) in sums[..frame.len()].iter_mut().enumerate() {
                let window = history.window(group * GROUP + channel, begin, from.len());
                let part = products(row, window.as_chunks().0);
                for (sum, part) in sums.iter_mut().zip(part) {
                    *sum += part;
                }
            }
        }
        for (sample, sums) in frame.iter_mut().zip(&sums) {
            *sample = sum(sums);
        }
    }
}

/// Makes coefficients from those of the two rows beside them.
#[inline(always)]
fn fill(row: &mut [Lanes], from: &[f32], to: &[f32], weight: f32) {
    let pairs = from.as_chunks().0.iter().zip(to.as_chunks().0);
    for (row, (from, to)) in row.iter_mut().zip(pairs) {
        *row = between(from, to, weight);
    }
}

/// What stands at `weight`, 0 to 1, between two rows.
#[inline(always)]
fn between(from: &Lanes, to: &Lanes, weight: f32) -> Lanes {
    let mut out = [0.0; 8];
    for lane in 0..8 {
        out[lane] = from[lane] + weight * (to[lane] - from[lane]);
    }
    out
}

/// The products of two rows of an even number of lanes, summed lane by lane: even and odd groups of
/// eight apart, then both.
#[inline(always)]
fn products(row: &[Lanes], window: &[Lanes]) -> Lanes {
    let mut even = [0.0; 8];
    let mut odd = [0.0; 8];
    for (row, window) in row.chunks_exact(2).zip(window.chunks_exact(2)) {
        for lane in 0..8 {
            even[lane] += row[0][lane] * window[0][lane];
        }
        for lane in 0..8 {
            odd[lane] += row[1][lane] * window[1][lane];
        }
    }
    let mut both = [0.0; 8];
    for lane in 0..8 {
        both[lane] = even[lane] + odd[lane];
    }
    both
}

/// The sum of all lanes, halves onto halves, in double precision: that is 1 dB less noise for next to
/// no time.
#[inline(always)]
fn sum(lanes: &Lanes) -> f32 {
    let [a, b, c, d, e, f, g, h] = lanes.map(f64::from);
    (((a + e) + (c + g)) + ((b + f) + (d + h))) as f32
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::super::{Head, History, Kernel, Taps};
    use crate::parts::vectors::Vectors;

    #[test]
    fn wide_registers_give_the_bits_of_the_plain_ones() {
        // Noise of all magnitudes that a sum of 300 products can hold.
        let noise: Vec<f32> = (1..3 * 700_u32)
            .map(|n| {
                let bits = n.wrapping_mul(2_654_435_761);
                f32::from_bits((bits & 0x8fff_ffff) | 0x3000_0000)
            })
            .collect();
        for taps in Taps::ALL {
            for (input_hz, output_hz) in [
                (48_000, 48_000),
                (44_100, 48_000),
                (96_000, 44_100),
                (192_000, 16_000),
            ] {
                let kernel = Kernel::new(taps, input_hz, output_hz).unwrap();
                if kernel.vectors == Vectors::PLAIN {
                    continue; // There are no wider ones to compare with.
                }
                let mut plain = kernel.clone();
                plain.vectors = Vectors::PLAIN;
                for channels in [1, 2, 11] {
                    let mut history = History::new(channels, 1024);
                    history.write(&noise);
                    let read = |kernel: &Kernel| {
                        let mut head = Head {
                            index: history.begin() + kernel.frames_before() as u64,
                            fraction: 0.3,
                        };
                        let mut out = vec![0.0; 100 * channels];
                        let step = kernel.nominal_step();
                        kernel.read(&history, &mut head, step, step * 1.01, &mut out);
                        out.iter().map(|y| y.to_bits()).collect::<Vec<_>>()
                    };
                    assert!(
                        read(&kernel) == read(&plain),
                        "{taps:?}, {channels} channels"
                    );
                }
            }
        }
    }
}
