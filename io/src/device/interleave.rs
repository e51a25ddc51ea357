//! Between planes and interleaved frames, one channel at a time.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

/// Copies a plane into channel `channel` of interleaved frames.
///
/// # Real-time
/// Safe.
pub(super) fn interleave(plane: &[f32], channel: usize, channels: usize, frames: &mut [f32]) {
    for (frame, &sample) in frames.chunks_exact_mut(channels).zip(plane) {
        frame[channel] = sample;
    }
}

/// Copies channel `channel` of interleaved frames into a plane.
///
/// # Real-time
/// Safe.
pub(super) fn deinterleave(frames: &[f32], channel: usize, channels: usize, plane: &mut [f32]) {
    for (sample, frame) in plane.iter_mut().zip(frames.chunks_exact(channels)) {
        *sample = frame[channel];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_come_back() {
        let planes = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let mut frames = [0.0; 6];
        for (channel, plane) in planes.iter().enumerate() {
            interleave(plane, channel, 2, &mut frames);
        }
        assert_eq!(frames, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        for (channel, plane) in planes.iter().enumerate() {
            let mut back = [0.0; 3];
            deinterleave(&frames, channel, 2, &mut back);
            assert_eq!(&back, plane);
        }
    }
}
