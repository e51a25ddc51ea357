//! The list of JACK servers in shared memory: eight at most on a machine, and one that was killed
//! keeps its place for ever, since only a server of the same name would take it over.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

const SHARED_MEMORY: &str = "/dev/shm";
const REGISTRY: &str = "/dev/shm/jack-shm-registry";
/// Places, where the first begins, and the length of one: a process number of four bytes and a name
/// in 256 bytes, padded (`jack_shm_server_t` of jackd 1.9).
const PLACES: u64 = 8;
const FIRST: u64 = 0x18;
const PLACE_BYTES: u64 = 0x108;
/// Length of the header, as it is written in it where the layout is the one known here.
const HEADER_BYTES: u64 = FIRST + PLACES * PLACE_BYTES;

/// Frees the places of servers whose process is gone. Does nothing where that cannot be told.
pub(super) fn forget_the_dead() {
    let Ok(registry) = OpenOptions::new().read(true).write(true).open(REGISTRY) else {
        return;
    };
    let number = |at: u64| {
        let mut bytes = [0; 4];
        registry
            .read_exact_at(&mut bytes, at)
            .ok()
            .map(|()| u32::from_ne_bytes(bytes))
    };
    if number(0x10).map(u64::from) != Some(HEADER_BYTES) {
        return;
    }
    for at in (0..PLACES).map(|place| FIRST + place * PLACE_BYTES) {
        match number(at) {
            Some(pid) if pid != 0 && !Path::new(&format!("/proc/{pid}")).exists() => {
                let mut name = [0; 256];
                if registry.read_exact_at(&mut name, at + 4).is_ok()
                    && registry.write_all_at(&[0; 4 + 256], at).is_ok()
                {
                    remove_files(&name);
                }
            }
            _ => {}
        }
    }
}

/// Removes what a server of this name, and clients of it that were killed, left in shared memory.
pub(super) fn forget(name: &str) {
    remove_files(format!("jack-:{name}:").as_bytes());
}

/// Removes what the server of this entry (`jack-UID:NAME:`) left in shared memory.
fn remove_files(entry: &[u8]) {
    let text = String::from_utf8_lossy(entry);
    let Some(name) = text.split(':').nth(1).filter(|name| !name.is_empty()) else {
        return;
    };
    let (memory, semaphore) = (format!("jack_{name}_"), format!("_{name}_"));
    for file in fs::read_dir(SHARED_MEMORY).into_iter().flatten().flatten() {
        let file_name = file.file_name().to_string_lossy().into_owned();
        let is_semaphore = file_name.starts_with("jack_sem.") && file_name.contains(&semaphore);
        if file_name.starts_with(&memory) || is_semaphore {
            let _ = fs::remove_file(file.path());
        }
    }
}
