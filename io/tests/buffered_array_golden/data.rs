//! The vectors' files, the data behind their arrays, and how results are written down.

use std::cell::{Cell, RefCell};
use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::rc::Rc;

use ossicle_io::buffered_array::{Array, Key, Source};
use ossicle_io::sample::Sample;
use serde_json::{Value, json};

pub fn lines(name: &str) -> Vec<Value> {
    let directory = match std::env::var_os("OSSICLE_GOLDEN") {
        Some(directory) => PathBuf::from(directory),
        None => PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")),
    };
    let path = directory.join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON object a line"))
        .collect();
    assert!(!lines.is_empty(), "{} holds no vectors", path.display());
    lines
}

#[derive(Debug, thiserror::Error)]
#[error("told to fail")]
pub struct ToldToFail;

/// Every sample is a function of its place, so that a wrong one is seen wherever it turns up.
#[derive(Debug)]
pub struct Virtual<S> {
    pub rate: f64,
    pub channels: usize,
    pub frames: u64,
    pub tail: Vec<usize>,
    pub loads: Rc<RefCell<Vec<[u64; 2]>>>,
    pub fail: Rc<Cell<bool>>,
    pub value: fn(i64) -> S,
}

pub fn value_at(frame: u64, channel: usize, inner: usize) -> i64 {
    (frame as i64 * 7919 + channel as i64 * 104_729 + inner as i64 * 15_485_863 + 13) % 65_536
        - 32_768
}

impl<S: Sample> Source for Virtual<S> {
    type Sample = S;
    type Error = ToldToFail;

    fn rate(&self) -> f64 {
        self.rate
    }
    fn channels(&self) -> usize {
        self.channels
    }
    fn frames(&self) -> u64 {
        self.frames
    }
    fn tail(&self) -> &[usize] {
        &self.tail
    }
    fn load(&mut self, frames: Range<u64>, out: &mut [S]) -> Result<(), ToldToFail> {
        let inner: usize = self.tail.iter().product();
        let frame = inner * self.channels;
        let (offset, count) = (frames.start, frames.end - frames.start);
        assert_eq!(out.len(), count as usize * frame);
        self.loads.borrow_mut().push([offset, count]);
        if self.fail.get() {
            return Err(ToldToFail);
        }
        for (index, sample) in out.iter_mut().enumerate() {
            let (frame, rest) = (offset + (index / frame) as u64, index % frame);
            *sample = (self.value)(value_at(frame, rest / inner, rest % inner));
        }
        Ok(())
    }
}

/// A number that both sample types hold exactly.
pub trait Exact: Sample + Into<f64> {
    fn exact(value: i64) -> Self;
}
impl Exact for f32 {
    fn exact(value: i64) -> f32 {
        value as f32
    }
}
impl Exact for f64 {
    fn exact(value: i64) -> f64 {
        value as f64
    }
}

pub fn digest<S: Exact>(shape: &[usize], data: &[S], with_values: bool) -> Value {
    let values: Vec<i64> = data
        .iter()
        .map(|&sample| Into::<f64>::into(sample) as i64)
        .collect();
    let sum: i64 = values
        .iter()
        .enumerate()
        .map(|(index, value)| (index as i64 % 9973 + 1) * value)
        .sum();
    if !with_values {
        return json!({ "sh": shape, "sum": sum });
    }
    let shown = match values.len() {
        0..=8 => values,
        length => [&values[..3], &values[length - 3..]].concat(),
    };
    json!({ "sh": shape, "sum": sum, "v": shown })
}

pub fn shown<S: Exact>(array: &Array<S>) -> Value {
    digest(array.shape(), array.data(), true)
}

pub fn int(value: &Value) -> i64 {
    value
        .as_i64()
        .unwrap_or_else(|| panic!("{value} is no integer"))
}

/// What the interface takes unsigned stands for the first frame where a vector goes below it.
pub fn from_zero(value: &Value) -> u64 {
    int(value).max(0) as u64
}

pub fn key(value: &Value) -> Key {
    if let Some(index) = value.get("i") {
        return Key::At(int(index));
    }
    if let Some(list) = value.get("l") {
        return Key::List(list.as_array().expect("a list").iter().map(int).collect());
    }
    let range = value["s"].as_array().expect("a range");
    let step = range[2].as_i64().unwrap_or(1);
    Key::Range {
        start: range[0].as_i64(),
        stop: range[1].as_i64(),
        step,
    }
}
