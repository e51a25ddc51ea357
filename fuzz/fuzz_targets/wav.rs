//! WAV files: the chunks are the fuzzer's, in both byte orders.

#![no_main]

mod exercised;

libfuzzer_sys::fuzz_target!(|chunks: &[u8]| {
    for start in [b"RIFF\xff\xff\xff\xffWAVE", b"RIFX\xff\xff\xff\xffWAVE", b"RF64\xff\xff\xff\xffWAVE"] {
        exercised::exercised(&[&start[..], chunks].concat());
    }
});
