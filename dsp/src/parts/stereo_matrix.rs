//! Two channels made of two: left' = a left + b right, right' = c left + d right.

use super::finite::saturated;
use super::glide::{Glide, TIME_CONSTANTS};
use crate::block::Planes;

/// Four factors that glide to each new value.
#[derive(Clone, Copy, Debug)]
pub struct StereoMatrix {
    factors: [Glide; 4],
}

impl StereoMatrix {
    /// With the factors a, b, c and d.
    #[must_use]
    pub fn new(factors: [f64; 4]) -> Self {
        Self {
            factors: factors.map(Glide::new),
        }
    }

    /// Sets the length of a glide in milliseconds and finishes one under way.
    pub fn prepare(&mut self, glide_ms: f32, sample_rate_hz: u32) {
        for factor in &mut self.factors {
            factor.prepare_as(glide_ms, TIME_CONSTANTS, sample_rate_hz);
        }
    }

    /// Finishes a glide under way.
    ///
    /// # Real-time
    /// Safe.
    pub fn finish(&mut self) {
        self.factors.iter_mut().for_each(Glide::finish);
    }

    /// Begins a glide to other factors.
    ///
    /// # Real-time
    /// Safe.
    pub fn set(&mut self, factors: [f64; 4]) {
        for (own, factor) in self.factors.iter_mut().zip(factors) {
            own.set(factor);
        }
    }

    /// Changes the first two planes; fewer are left alone. What overflows becomes the largest number.
    /// With 1, 0, 0, 1 all passes bit for bit.
    ///
    /// # Real-time
    /// Safe.
    pub fn process(&mut self, planes: &mut Planes<'_>) {
        if planes.channels() < 2 {
            self.finish();
            return;
        }
        let (left, right) = planes.pair_mut(0, 1);
        let moving = self.factors[0].frames_left().min(left.len());
        let (left_glide, left_rest) = left.split_at_mut(moving);
        let (right_glide, right_rest) = right.split_at_mut(moving);
        for (left, right) in left_glide.iter_mut().zip(right_glide) {
            let [a, b, c, d] = self.factors.each_mut().map(|f| f.next_value() as f32);
            mix(left, right, [a, b, c, d]);
        }
        let factors = self.factors.each_ref().map(|factor| factor.value() as f32);
        if factors == [1.0, 0.0, 0.0, 1.0] {
            return;
        }
        for (left, right) in left_rest.iter_mut().zip(right_rest) {
            mix(left, right, factors);
        }
    }
}

fn mix(left: &mut f32, right: &mut f32, [a, b, c, d]: [f32; 4]) {
    let (l, r) = (*left, *right);
    *left = saturated(a * l + b * r);
    *right = saturated(c * l + d * r);
}
