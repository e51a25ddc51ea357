//! FLAC files: all behind the mark is the fuzzer's.

#![no_main]

mod exercised;

libfuzzer_sys::fuzz_target!(|blocks: &[u8]| exercised::exercised(&[b"fLaC", blocks].concat()));
