//! One case: an array and the operations on it, each compared with what was recorded.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ossicle_io::buffered_array::{BufferedArray, block_ranges};
use ossicle_io::sample::Sample;
use serde_json::{Value, json};

use crate::data::{Exact, Virtual, digest, from_zero, int, key, lines, shown, value_at};

pub struct Replay<S: Sample> {
    array: BufferedArray<Virtual<S>>,
    loads: Rc<RefCell<Vec<[u64; 2]>>>,
    fail: Rc<Cell<bool>>,
}

/// An operation's result: nothing, a value, or an error.
pub type Answer = Result<Option<Value>, String>;

pub fn done<E: std::fmt::Display>(result: Result<(), E>) -> Answer {
    result.map(|()| None).map_err(|error| error.to_string())
}

impl<S: Exact> Replay<S> {
    fn new(case: &Value) -> Self {
        let (loads, fail) = (Rc::default(), Rc::default());
        let made = &case["ctor"];
        let source = Virtual {
            rate: made["rate"].as_f64().expect("a rate"),
            channels: from_zero(&made["channels"]) as usize,
            frames: from_zero(&made["frames"]),
            tail: match case["tail"].as_array() {
                Some(tail) => tail.iter().map(|size| from_zero(size) as usize).collect(),
                None => Vec::new(),
            },
            loads: Rc::clone(&loads),
            fail: Rc::clone(&fail),
            value: S::exact,
        };
        let held = |name: &str| from_zero(&made[name]) as usize;
        let array = BufferedArray::new(source, held("bufferframes"), held("backframes"));
        Self { array, loads, fail }
    }

    fn state(&self) -> Value {
        let array = &self.array;
        let marks: String = array
            .buffer_changed()
            .iter()
            .map(|&mark| if mark { '1' } else { '0' })
            .collect();
        let length = array.held().end - array.held().start;
        assert_eq!(
            array.buffer().len(),
            length as usize * array.frame_samples()
        );
        json!([
            array.offset(),
            length,
            marks,
            array.bufferframes(),
            array.backframes(),
            array.follow()
        ])
    }

    fn frame_shape(&self, frames: usize) -> Vec<usize> {
        let tail = self.array.source().tail.iter().copied();
        [frames, self.array.channels()]
            .into_iter()
            .chain(tail)
            .collect()
    }

    fn assert_buffer_is_true(&self, place: &str) {
        let inner: usize = self.array.source().tail.iter().product();
        for (index, &sample) in self.array.buffer().iter().enumerate() {
            let (frame, rest) = (
                index / self.array.frame_samples(),
                index % self.array.frame_samples(),
            );
            let expected = value_at(
                self.array.offset() + frame as u64,
                rest / inner,
                rest % inner,
            );
            assert_eq!(
                sample,
                S::exact(expected),
                "{place}: buffer frame {frame} lies"
            );
        }
    }

    fn apply(&mut self, op: &Value) -> Answer {
        let array = &mut self.array;
        match op["op"].as_str().expect("an operation") {
            "get" => {
                let mut keys = vec![key(&op["key"])];
                keys.extend(op["cols"].as_array().into_iter().flatten().map(key));
                let got = array.get_at(&keys).map_err(|error| error.to_string())?;
                Ok(Some(shown(&got)))
            }
            "upd" => done(array.update_buffer(from_zero(&op["a"])..from_zero(&op["b"]))),
            "time" => {
                let time = |name: &str| op[name].as_f64().expect("seconds");
                done(array.update_time(time("a"), time("b")))
            }
            "pos" => {
                let place = array.buffer_position(from_zero(&op["a"])..from_zero(&op["b"]));
                Ok(Some(json!([place.start, place.end - place.start])))
            }
            "move" => {
                let frames = usize::try_from(int(&op["n"])).map_err(|error| error.to_string())?;
                done(array.move_buffer(from_zero(&op["off"]), frames))
            }
            "reload" => done(array.reload_buffer()),
            "init" => {
                array.init_buffer();
                Ok(None)
            }
            "alloc_reload" => {
                done(array.resize_buffer(op["n"].as_u64().map(|frames| frames as usize)))
            }
            "set" => {
                if let Some(frames) = op.get("bufferframes") {
                    array.set_bufferframes(from_zero(frames) as usize);
                }
                if let Some(frames) = op.get("backframes") {
                    array.set_backframes(from_zero(frames) as usize);
                }
                if let Some(frames) = op.get("follow") {
                    array.set_follow(from_zero(frames) as usize);
                }
                Ok(None)
            }
            "clear" => {
                for channel in op["ch"].as_array().expect("channels") {
                    array.clear_changed(from_zero(channel) as usize);
                }
                Ok(None)
            }
            "iter" => {
                let (mut taken, mut data) = (0, Vec::new());
                let mut frames = array.iter();
                while taken < int(&op["n"])
                    && let Some(frame) = frames.next_frame().map_err(|error| error.to_string())?
                {
                    data.extend_from_slice(frame);
                    taken += 1;
                }
                let shape = self.frame_shape(taken as usize);
                Ok(Some(digest(&shape, &data, true)))
            }
            "blocks" => {
                let stop = op["stop"].as_u64().unwrap_or(u64::MAX);
                let (size, overlap) = (from_zero(&op["size"]), from_zero(&op["noverlap"]));
                let range = from_zero(&op["start"])..stop;
                let lengths = block_ranges(array.frames(), size, overlap, range.clone())
                    .map_err(|error| error.to_string())?
                    .map(|block| (block.end - block.start) as usize);
                let mut blocks = array
                    .blocks(size, overlap, range)
                    .map_err(|error| error.to_string())?;
                let mut cut = Vec::new();
                while let Some(block) = blocks.next_block().map_err(|error| error.to_string())? {
                    cut.push(block.to_vec());
                }
                let shaped = lengths.zip(&cut);
                let digests =
                    shaped.map(|(frames, block)| digest(&self.frame_shape(frames), block, false));
                Ok(Some(digests.collect()))
            }
            other => panic!("unknown operation {other}"),
        }
    }

    /// An operation that the vectors hold to the letter.
    fn plain(&mut self, op: &Value, before: &Value, place: &str) {
        let answer = self.apply(op);
        let expected = op.get("ret");
        let error_wanted = expected.is_some_and(|value| value.get("err").is_some());
        let is_position = op["op"] == "pos";
        let creeps = op["creep"] == true;
        match answer {
            Err(error) => assert!(error_wanted, "{place}: {error}, expected {expected:?}"),
            Ok(_) if error_wanted => panic!("{place}: no error, expected {expected:?}"),
            Ok(value) if !(creeps && is_position) => {
                assert_eq!(value.as_ref(), expected, "{place}: result");
            }
            Ok(_) => {}
        }
        if !creeps {
            assert_eq!(json!(*self.loads.borrow()), op["loads"], "{place}: loads");
            assert_eq!(self.state(), op["st"], "{place}: state");
        }
        if is_position || error_wanted {
            assert_eq!(&self.state(), before, "{place}: touched the buffer");
            assert!(self.loads.borrow().is_empty(), "{place}: loaded");
        }
    }

    /// An operation at which the model was wrong: the right answer counts, and for errors and empty
    /// results that nothing was touched.
    fn tagged(&mut self, op: &Value, tag: &str, before: &Value, place: &str) {
        if op["fail"] == true {
            self.fail.set(true);
            let answer = self.apply(op);
            assert!(answer.is_err(), "{place}: {answer:?} of a failed load");
            self.assert_buffer_is_true(place);
            self.fail.set(false);
            let again = self
                .apply(op)
                .unwrap_or_else(|error| panic!("{place}: {error}"));
            assert_eq!(again.as_ref(), op.get("want"), "{place}: second try");
            return;
        }
        let answer = self.apply(op);
        let untouched = match op.get("want") {
            Some(want) if want.get("err").is_some() => {
                assert!(answer.is_err(), "{place}: {answer:?}, expected {want}");
                true
            }
            Some(want) => {
                let value = answer.unwrap_or_else(|error| panic!("{place}: {error}"));
                assert_eq!(value.as_ref(), Some(want), "{place}: result");
                let empty_shape = want.get("sh").and_then(Value::as_array);
                want.as_array().is_some_and(Vec::is_empty)
                    || empty_shape.is_some_and(|shape| shape.contains(&json!(0)))
            }
            None => {
                assert_eq!(
                    answer.is_err(),
                    tag == "move_negative_length",
                    "{place}: {answer:?}"
                );
                true
            }
        };
        if untouched {
            assert_eq!(&self.state(), before, "{place}: touched the buffer");
            assert!(self.loads.borrow().is_empty(), "{place}: loaded");
        }
    }
}

pub fn replay<S: Exact>() {
    let cases = lines("buffered_array.jsonl");
    let mut operations = 0;
    for case in &cases {
        let mut replay = Replay::<S>::new(case);
        assert_eq!(replay.state(), case["st"], "{} as made", case["id"]);
        assert_eq!(
            json!(replay.array.size()),
            case["size"],
            "{}: size",
            case["id"]
        );
        for (number, op) in case["ops"]
            .as_array()
            .expect("operations")
            .iter()
            .enumerate()
        {
            let place = format!("{} operation {number} {}", case["id"], op["op"]);
            let before = replay.state();
            replay.loads.borrow_mut().clear();
            match op["tag"].as_str() {
                None => replay.plain(op, &before, &place),
                Some(tag) => replay.tagged(op, tag, &before, &format!("{place} ({tag})")),
            }
            replay.assert_buffer_is_true(&place);
            operations += 1;
        }
    }
    println!("{} cases, {operations} operations", cases.len());
}
