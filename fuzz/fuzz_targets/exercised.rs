//! Bytes as a file.

use std::cell::OnceCell;
use std::fs;

use tempfile::TempDir;

#[path = "../../io/tests/mutated_files/exercise.rs"]
mod exercise;

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

/// Does with the bytes all that is done with a file.
pub fn exercised(bytes: &[u8]) {
    FOLDER.with(|folder| {
        let path = folder
            .get_or_init(|| tempfile::tempdir().expect("a directory"))
            .path()
            .join("fuzzed");
        fs::write(&path, bytes).expect("room");
        exercise::file(&path, true);
    });
}
