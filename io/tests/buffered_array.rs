//! The buffered array where the recorded vectors say nothing: sources that grow, loads that fail,
//! windows that leave the buffer in place, memory.

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;

use ossicle_io::buffered_array::{Array, ArrayError, BufferedArray, InMemory, Key, Source};

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no luck")]
struct NoLuck;

/// Frame f of channel c is 10 f + c.
#[derive(Debug, Default)]
struct Growing {
    frames: Rc<Cell<u64>>,
    loads: Rc<Cell<usize>>,
    fails: Rc<Cell<bool>>,
}

impl Source for Growing {
    type Sample = f64;
    type Error = NoLuck;

    fn rate(&self) -> f64 {
        100.0
    }
    fn channels(&self) -> usize {
        2
    }
    fn frames(&self) -> u64 {
        self.frames.get()
    }
    fn load(&mut self, frames: Range<u64>, out: &mut [f64]) -> Result<(), NoLuck> {
        assert!(frames.end <= self.frames.get(), "asked for {frames:?}");
        self.loads.set(self.loads.get() + 1);
        // What a load leaves behind when it fails half-way.
        out.fill(f64::NAN);
        if self.fails.get() {
            return Err(NoLuck);
        }
        for (frame, samples) in frames.zip(out.chunks_exact_mut(2)) {
            samples.copy_from_slice(&[10.0 * frame as f64, 10.0 * frame as f64 + 1.0]);
        }
        Ok(())
    }
}

fn growing(frames: u64, bufferframes: usize, backframes: usize) -> BufferedArray<Growing> {
    let source = Growing::default();
    source.frames.set(frames);
    BufferedArray::new(source, bufferframes, backframes)
}

fn assert_true(array: &BufferedArray<Growing>) {
    for (frame, samples) in array.held().zip(array.buffer().chunks_exact(2)) {
        assert_eq!(samples, [10.0 * frame as f64, 10.0 * frame as f64 + 1.0]);
    }
    assert_eq!(
        array.buffer().len() as u64,
        2 * (array.held().end - array.held().start)
    );
}

#[test]
fn a_source_that_grows_gets_the_buffer_that_was_wished_for() {
    let mut array = growing(0, 100, 20);
    let (frames, loads) = (
        Rc::clone(&array.source().frames),
        Rc::clone(&array.source().loads),
    );
    assert_eq!(array.range(..).expect("nothing to load"), [0.0; 0]);
    assert_eq!((array.bufferframes(), array.shape()), (0, vec![0, 2]));
    frames.set(1000);
    assert_eq!((array.size(), array.shape()), (2000, vec![1000, 2]));
    for start in (300..400).step_by(10) {
        let window = array.range(start..start + 10).expect("a good source");
        assert_eq!(window[0], 10.0 * start as f64);
    }
    assert_eq!((array.bufferframes(), array.backframes()), (100, 20));
    assert_eq!(loads.get(), 2, "windows side by side must share loads");
    // Near the end it goes up to what there is, and on when there is more.
    array.range(990..1000).expect("a good source");
    assert_eq!(array.held().end, 1000);
    frames.set(1010);
    assert_eq!(array.range(1005..).expect("a good source").len(), 10);
    assert_true(&array);
}

#[test]
fn a_failed_load_leaves_a_true_buffer_and_can_be_repeated() {
    for (first, second) in [
        (500..600, 550..650),
        (500..600, 450..550),
        (500..600, 100..200),
    ] {
        let mut array = growing(1000, 100, 0);
        let fails = Rc::clone(&array.source().fails);
        array.range(first.clone()).expect("a good source");
        fails.set(true);
        let failed = array.range(second.clone());
        assert!(
            matches!(failed, Err(ArrayError::Load { source: NoLuck, .. })),
            "{failed:?}"
        );
        assert_true(&array);
        let kept = !array.held().is_empty();
        assert_eq!(array.reload_buffer().is_err(), kept);
        assert_true(&array);
        fails.set(false);
        let got = array.range(second.clone()).expect("a good source").to_vec();
        assert_eq!((got.len(), got[0]), (200, 10.0 * second.start as f64));
        assert_true(&array);
    }
}

#[test]
fn a_block_or_frame_that_failed_is_tried_again() {
    let mut array = growing(50, 10, 0);
    let fails = Rc::clone(&array.source().fails);
    let mut frames = array.iter();
    assert_eq!(frames.next_frame(), Ok(Some(&[0.0, 1.0][..])));
    array.init_buffer();
    let mut blocks = array.blocks(20, 5, 10..).expect("no overlap");
    fails.set(true);
    assert!(blocks.next_block().is_err());
    fails.set(false);
    let firsts: Vec<(f64, usize)> = std::iter::from_fn(|| {
        let block = blocks.next_block().expect("a good source")?;
        Some((block[0], block.len() / 2))
    })
    .collect();
    assert_eq!(firsts, [(100.0, 20), (250.0, 20), (400.0, 10)]);
}

#[test]
fn scattered_windows_leave_the_buffer_in_place() {
    let mut array = growing(1000, 100, 0);
    array.range(200..210).expect("a good source");
    let held = array.held();
    let loads = Rc::clone(&array.source().loads);
    let before = loads.get();
    let mut out = [0.0; 8];
    assert_eq!(array.peek(203, &mut out), Ok(4));
    assert_eq!((out[0], loads.get()), (2030.0, before));
    assert_eq!(array.peek(900, &mut out), Ok(4));
    assert_eq!((out[7], loads.get()), (9031.0, before + 1));
    assert_eq!(array.peek(998, &mut out), Ok(2));
    assert_eq!(array.peek(1000, &mut out), Ok(0));
    assert_eq!(array.held(), held);
    assert_true(&array);
}

#[test]
fn wrong_keys_are_told_before_anything_is_loaded() {
    let mut array = growing(100, 10, 0);
    let loads = Rc::clone(&array.source().loads);
    let out_of_range = |axis, index, length| {
        Err::<Array<f64>, _>(ArrayError::IndexOutOfRange {
            axis,
            index,
            length,
        })
    };
    assert_eq!(array.get(100), out_of_range(0, 100, 100));
    assert_eq!(array.get(-101), out_of_range(0, -101, 100));
    assert_eq!(array.get(i64::MIN), out_of_range(0, i64::MIN, 100));
    assert_eq!(array.get_at(&[Key::ALL, Key::At(2)]), out_of_range(1, 2, 2));
    assert_eq!(
        array.get(Key::ALL.step_by(0)),
        Err(ArrayError::StepZero { axis: 0 })
    );
    assert_eq!(
        array.get_at(&[Key::ALL, Key::ALL, Key::ALL]),
        Err(ArrayError::TooManyKeys { given: 3, axes: 2 })
    );
    assert!(matches!(
        array.blocks(5, 5, ..),
        Err(ArrayError::OverlapTooLong(_))
    ));
    assert!(array.frame(100).is_err());
    assert_eq!(loads.get(), 0);
    let ends = [i64::MIN, -200, 0, 200, i64::MAX];
    for (start, stop) in ends
        .iter()
        .flat_map(|start| ends.map(|stop| (*start, stop)))
    {
        for step in [i64::MIN, -3, 3, i64::MAX] {
            let key = Key::Range {
                start: Some(start),
                stop: Some(stop),
                step,
            };
            let got = array.get(key.clone()).expect("ranges are cut off");
            assert!(got.shape()[0] <= 100, "{key:?}");
        }
    }
    assert_eq!(
        array.get(Key::ALL.step_by(-40)).expect("downwards").data()[2],
        990.0 - 400.0
    );
}

#[test]
fn memory_in_use_is_bounded_by_the_buffer_and_the_request() {
    let data: Vec<f32> = (0..200_000u32).map(|sample| sample as f32).collect();
    let mut array = BufferedArray::new(InMemory::new(48_000.0, 2, &data), 1000, 100);
    array.set_follow(10);
    for start in (0..99_000)
        .step_by(700)
        .chain((0..99_000).rev().step_by(300))
    {
        let window = array.range(start..start + 50).expect("cannot fail");
        assert_eq!(window[0], data[2 * start as usize]);
        assert!(
            array.buffer().len() <= 2 * 1500,
            "{} samples",
            array.buffer().len()
        );
    }
}
