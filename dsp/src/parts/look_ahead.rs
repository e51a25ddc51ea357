//! Sound held back by a fixed number of frames, so that what acts on it can act before it comes.

use alloc::vec::Vec;

use super::silence::silence;

/// A delay of whole frames for one channel, a block at a time.
#[derive(Clone, Debug)]
pub struct LookAhead {
    /// The last samples, as many as the delay has frames.
    ring: Vec<f32>,
    next: usize,
}

impl LookAhead {
    /// Silence of `frames` frames is in it.
    ///
    /// # Real-time
    /// Not safe: allocates.
    #[must_use]
    pub fn new(frames: usize) -> Self {
        Self {
            ring: silence(frames),
            next: 0,
        }
    }

    /// Forgets all sound.
    ///
    /// # Real-time
    /// Safe.
    pub fn clear(&mut self) {
        self.ring.fill(0.0);
        self.next = 0;
    }

    /// Replaces each sample by the one that came so many frames before.
    ///
    /// # Real-time
    /// Safe.
    #[inline]
    pub fn process(&mut self, mut samples: &mut [f32]) {
        while !samples.is_empty() && !self.ring.is_empty() {
            let room = &mut self.ring[self.next..];
            let count = room.len().min(samples.len());
            let (now, later) = samples.split_at_mut(count);
            now.swap_with_slice(&mut room[..count]);
            samples = later;
            self.next += count;
            if self.next == self.ring.len() {
                self.next = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn what_comes_in_leaves_so_many_frames_later_for_any_cut() {
        let input: Vec<f32> = (1..=300_u16).map(f32::from).collect();
        for frames in [0, 1, 7, 64, 250] {
            for cut in [1, 3, 64, 300] {
                let mut held = LookAhead::new(frames);
                let mut output = input.clone();
                output.chunks_mut(cut).for_each(|part| held.process(part));
                for (at, &got) in output.iter().enumerate() {
                    let want = at.checked_sub(frames).map_or(0.0, |at| input[at]);
                    assert_eq!(got, want, "{frames} frames, cut {cut}, frame {at}");
                }
            }
        }
    }
}
