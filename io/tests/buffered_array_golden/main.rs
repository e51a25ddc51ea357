//! Replays the golden vectors of the buffered array: what a long-proven implementation did,
//! operation by operation. `OSSICLE_GOLDEN` names another directory with files of the same format.

mod data;
mod replay;

use std::ops::Range;

use ossicle_io::buffered_array::{block_ranges, blocks};
use serde_json::{Value, json};

use data::{from_zero, int, lines};
use replay::replay;

#[test]
fn every_operation_of_the_vectors_is_answered_alike_in_f64() {
    replay::<f64>();
}

#[test]
fn every_operation_of_the_vectors_is_answered_alike_in_f32() {
    replay::<f32>();
}

/// The last bit of a time decides whether a frame is in a range or not.
#[test]
fn times_are_read_to_the_last_bit() {
    for frame in 0..20_000 {
        let time = f64::from(frame) / 22_050.5;
        let read: f64 = serde_json::from_str(&time.to_string()).expect("a number");
        assert_eq!(read.to_bits(), time.to_bits(), "{time}");
    }
}

/// Where the model was wrong: full blocks, then one shorter rest, of what there is of the range.
fn as_cut_from_plain_data(data: &[u64], size: u64, overlap: u64, range: &Range<u64>) -> Value {
    let stop = range.end.min(data.len() as u64);
    let mut cut = Vec::new();
    let mut start = range.start;
    let mut covered = start;
    while covered < stop {
        covered = (start + size).min(stop);
        cut.push(json!([start, covered - start]));
        start += size - overlap;
    }
    json!(cut)
}

#[test]
fn every_call_of_blocks_of_the_vectors_is_cut_alike() {
    for line in lines("blocks.jsonl") {
        let (length, start) = (from_zero(&line["n"]), int(&line["start"]));
        let (size, overlap) = (int(&line["size"]), int(&line["noverlap"]));
        let stop = line["stop"].as_i64();
        // Negative numbers cannot be written in this interface.
        if overlap < 0 || start < 0 || stop.is_some_and(|stop| stop < 0) {
            assert!(line["tag"].is_string(), "{line}");
            continue;
        }
        let range = start as u64..stop.map_or(u64::MAX, |stop| stop as u64);
        let data: Vec<u64> = (0..length).collect();
        let cut = blocks(&data, size as u64, overlap as u64, range.clone());
        let tagged = line["tag"].is_string();
        let expected = match line.get("want") {
            Some(want) => want.clone(),
            None if tagged => as_cut_from_plain_data(&data, size as u64, overlap as u64, &range),
            None => line["out"].clone(),
        };
        let fails = !tagged && line.get("err").is_some() || expected.get("err").is_some();
        match cut {
            Err(error) => assert!(fails, "{error}: {line}"),
            Ok(_) if fails => panic!("no error: {line}"),
            Ok(cut) => {
                let cut: Vec<Value> = cut
                    .map(|block| json!([block.first(), block.len()]))
                    .collect();
                assert_eq!(json!(cut), expected, "{line}");
                let ranges = block_ranges(length, size as u64, overlap as u64, range)
                    .expect("as for the data");
                assert_eq!(ranges.count(), cut.len(), "{line}");
            }
        }
    }
}
