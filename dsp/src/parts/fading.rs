//! What fades: s(n) = v(n) joined with f s(n - 1), eight values at a time; joined by the larger of
//! both or by their sum.
//!
//! Eight steps at once are v(n), f v(n - 1), ..., f^7 v(n - 7) and f^8 s(n - 8) joined, the eight by
//! doubling. Over eight such groups a run of single precision begins at nothing, beside the past
//! before them times f^8, f^16, ..., f^64; then the run is joined to the past, which is kept in double
//! precision. So what waits for the values before is one product in eight values, and no more than
//! twelve roundings of single precision meet in a result, however long ago it began.
//!
//! Groups are counted from the reset and are the same however the stream is cut.

use core::marker::PhantomData;

use super::vectors::Eight;

/// Values of a group.
pub const LANES: usize = 8;
/// Groups from one time to the next that a run is joined to the past.
pub const GROUPS: usize = 8;
/// Taken off when a run is joined to the past, so that it comes to 0 and not to subnormal numbers.
const FLOOR: f64 = 1e-20;

/// Eight values in a row.
pub type Lanes = [f32; LANES];

/// The factor, in the powers that are needed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fade {
    first: f32,
    second: f32,
    fourth: f32,
    eighth: f32,
    /// Of one group, two groups, ...
    groups: [f32; GROUPS],
    exact: [f64; GROUPS],
}

impl Fade {
    /// Of each value `factor`, 0 to 1, is left when the next comes.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn new(factor: f64) -> Self {
        let second = factor * factor;
        let fourth = second * second;
        let eighth = fourth * fourth;
        let mut power = 1.0;
        let exact = [(); GROUPS].map(|()| {
            power *= eighth;
            power
        });
        Self {
            first: factor as f32,
            second: second as f32,
            fourth: fourth as f32,
            eighth: eighth as f32,
            groups: exact.map(|power| power as f32),
            exact,
        }
    }
}

impl Fade {
    /// What is left of the past at each group of a run.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    #[must_use]
    pub const fn left(&self) -> &[f32; GROUPS] {
        &self.groups
    }
}

/// How two values become one.
pub trait Join {
    /// In lanes.
    fn join<E: Eight>(a: E, b: E) -> E;
    /// In double precision.
    fn join_exact(a: f64, b: f64) -> f64;
}

/// The larger of both.
#[derive(Clone, Copy, Debug)]
pub struct Larger;

impl Join for Larger {
    #[inline(always)]
    fn join<E: Eight>(a: E, b: E) -> E {
        a.or_larger(b)
    }

    #[inline(always)]
    fn join_exact(a: f64, b: f64) -> f64 {
        if a > b { a } else { b }
    }
}

/// Their sum.
#[derive(Clone, Copy, Debug)]
pub struct Sum;

impl Join for Sum {
    #[inline(always)]
    fn join<E: Eight>(a: E, b: E) -> E {
        a.plus(b)
    }

    #[inline(always)]
    fn join_exact(a: f64, b: f64) -> f64 {
        a + b
    }
}

/// What is left of all values, at least 0, that came.
#[derive(Clone, Copy, Debug)]
pub struct Fading<J> {
    /// The last values, and what the doublings made of them.
    ones: Lanes,
    twos: Lanes,
    fours: Lanes,
    run: Lanes,
    past: [f64; LANES],
    /// Groups of the run.
    group: usize,
    join: PhantomData<J>,
}

/// The same in registers, within a run.
#[derive(Clone, Copy, Debug)]
pub struct Running<E, J> {
    ones: E,
    twos: E,
    fours: E,
    run: E,
    base: E,
    /// The factor's powers of one, two, four and eight values.
    powers: [E; 4],
    join: PhantomData<J>,
}

impl<J: Join> Fading<J> {
    /// Nothing has come yet.
    pub const REST: Self = Self {
        ones: [0.0; LANES],
        twos: [0.0; LANES],
        fours: [0.0; LANES],
        run: [0.0; LANES],
        past: [0.0; LANES],
        group: 0,
        join: PhantomData,
    };

    /// Takes groups of eight values; gives what is left at each.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn run<E: Eight>(
        &mut self,
        fade: &Fade,
        mut values: impl ExactSizeIterator<Item = E>,
        mut give: impl FnMut(E),
    ) {
        while values.len() > 0 {
            let mut running = self.begin::<E>(fade);
            let count = values.len().min(GROUPS - self.group);
            let left = fade.groups.iter().skip(self.group).take(count);
            for (since, values) in left.zip(values.by_ref()) {
                give(running.step(*since, values));
            }
            self.group += count;
            self.end(&running);
            if self.group == GROUPS {
                self.settle(fade);
            }
        }
    }

    /// Whether a run begins here. If so, [`GROUPS`] groups may be taken by [`Running::step`], each with
    /// its [`Fade::left`], between [`begin`](Self::begin) and [`end_run`](Self::end_run): the fastest
    /// way.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    #[must_use]
    pub fn begins_run(&self) -> bool {
        self.group == 0
    }

    /// Takes the state into registers.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    #[must_use]
    pub fn begin<E: Eight>(&self, fade: &Fade) -> Running<E, J> {
        Running {
            ones: E::load(&self.ones),
            twos: E::load(&self.twos),
            fours: E::load(&self.fours),
            run: E::load(&self.run),
            base: E::load(&self.past.map(|past| past as f32)),
            powers: [fade.first, fade.second, fade.fourth, fade.eighth].map(E::splat),
            join: PhantomData,
        }
    }

    /// Takes the state back after a whole run.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn end_run<E: Eight>(&mut self, running: &Running<E, J>, fade: &Fade) {
        self.end(running);
        self.group = GROUPS;
        self.settle(fade);
    }

    #[inline(always)]
    fn end<E: Eight>(&mut self, running: &Running<E, J>) {
        running.ones.store(&mut self.ones);
        running.twos.store(&mut self.twos);
        running.fours.store(&mut self.fours);
        running.run.store(&mut self.run);
    }

    /// Joins the run to the past: to be done with the factor so far before there is another.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn settle(&mut self, fade: &Fade) {
        let Some(passed) = self.group.checked_sub(1).and_then(|at| fade.exact.get(at)) else {
            return;
        };
        for (past, run) in self.past.iter_mut().zip(&mut self.run) {
            let joined = J::join_exact(f64::from(*run), *past * passed - FLOOR);
            *past = if joined > 0.0 { joined } else { 0.0 };
            *run = 0.0;
        }
        self.group = 0;
    }
}

impl<E: Eight, J: Join> Running<E, J> {
    /// Takes the next eight values; gives what is left at each. `since`: the part of the past that is
    /// left.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn step(&mut self, since: f32, values: E) -> E {
        let [first, second, fourth, eighth] = self.powers;
        let earlier = values.earlier::<1>(self.ones);
        let twos = J::join(values, earlier.times(first));
        let earlier = twos.earlier::<2>(self.twos);
        let fours = J::join(twos, earlier.times(second));
        let earlier = fours.earlier::<4>(self.fours);
        let eights = J::join(fours, earlier.times(fourth));
        (self.ones, self.twos, self.fours) = (values, twos, fours);
        self.run = J::join(eights, self.run.times(eighth));
        J::join(self.run, self.base.times(E::splat(since)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::vectors::{Vectors, Work};
    use super::*;

    /// Runs values through, in whole groups.
    struct Through<'a, J> {
        fading: &'a mut Fading<J>,
        fade: Fade,
        values: &'a mut [f32],
    }

    impl<J: Join> Work for Through<'_, J> {
        type Output = ();

        #[inline(always)]
        fn run<E: Eight>(self) {
            let inputs: alloc::vec::Vec<E> = groups(self.values).map(|g| E::load(g)).collect();
            let mut outputs = groups(self.values);
            self.fading.run(&self.fade, inputs.into_iter(), |left: E| {
                left.store(outputs.next().expect("as many as came"));
            });
        }
    }

    /// Twelve roundings of 2^-25.
    const ROUNDED: f64 = 4e-7;

    fn groups(values: &mut [f32]) -> impl Iterator<Item = &mut Lanes> {
        values.as_chunks_mut::<LANES>().0.iter_mut()
    }

    fn value(at: usize) -> f32 {
        let noise = (at as u32).wrapping_mul(2_654_435_761) >> 8;
        let noise = noise as f32 / (1 << 24) as f32;
        if at % 997 < 600 { noise * 0.01 } else { noise }
    }

    /// Fails where it is off by more than `share`.
    fn follows<J: Join>(factor: impl Fn(usize) -> f64, share: f64) {
        for vectors in [Vectors::PLAIN, Vectors::detect()] {
            for groups in [1, 3, 8, 21] {
                let (mut fading, mut exact, mut fade) = (Fading::<J>::REST, 0.0_f64, None);
                for turn in 0..900 {
                    let now = factor(turn * groups / 30);
                    let next = Fade::new(now);
                    if let Some(fade) = fade.replace(next)
                        && fade != next
                    {
                        fading.settle(&fade);
                    }
                    let begin = turn * groups * LANES;
                    let inputs = begin..begin + groups * LANES;
                    let mut values: alloc::vec::Vec<f32> = inputs.clone().map(value).collect();
                    vectors.run(Through {
                        fading: &mut fading,
                        fade: next,
                        values: &mut values,
                    });
                    for (got, at) in values.iter().zip(inputs) {
                        exact = J::join_exact(f64::from(value(at)), exact * now);
                        let error = (f64::from(*got) - exact).abs();
                        assert!(
                            error < share * exact + 1e-14,
                            "{now}, {groups} groups, {at}: {got}, not {exact}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn it_is_the_recursion_in_double_precision() {
        for factor in [0.0, 0.5, 0.99, 0.999_99, 1.0] {
            follows::<Larger>(|_| factor, ROUNDED);
        }
        for factor in [0.0, 0.5, 0.99, 0.999_99] {
            follows::<Sum>(|_| factor, ROUNDED);
        }
    }

    #[test]
    fn a_factor_that_changes_holds_from_there_on() {
        // The seven values before the change fade by the new factor too: (0.9999/0.99)^7 is 1.072.
        follows::<Larger>(|turn| [0.999, 0.9999, 0.99, 0.9995][turn % 4], 0.08);
    }
}
