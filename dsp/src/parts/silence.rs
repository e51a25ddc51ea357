//! Memory full of silence that is there when sound runs.

use alloc::vec;
use alloc::vec::Vec;
use core::hint::black_box;

/// Samples of the smallest memory page, 4 KiB.
const PAGE_SAMPLES: usize = 1024;

/// So many zeros, each page of them written once.
///
/// Systems give fresh memory as a promise and fetch each page when it is first written; written
/// here, none is fetched while sound runs.
///
/// # Real-time
/// Not safe: allocates.
#[must_use]
pub fn silence(samples: usize) -> Vec<f32> {
    let mut silence = vec![0.0; samples];
    for page in silence.chunks_mut(PAGE_SAMPLES) {
        // Unknown to the compiler, which knows that the memory is zero and would write nothing.
        page[0] = black_box(0.0);
    }
    // The memory need not begin with a page: then it ends within one more.
    if let Some(last) = silence.last_mut() {
        *last = black_box(0.0);
    }
    silence
}
