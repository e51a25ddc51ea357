//! Files of any kind.

#![no_main]

mod exercised;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| exercised::exercised(bytes));
