//! The program is killed: between every two system calls of the write path.
//!
//! This test runs itself again under `ptrace`, lets it make so many system calls, and kills it.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use ossicle_io::file::recover::OpenTake;
use ossicle_io::file::{FileStorage, Label, Overwrite, Tags, WavWriter};
use ossicle_io::sample::SampleFormat;
use rustix::mm::{MapFlags, ProtFlags, mmap};
use tempfile::TempDir;

use crate::{judges, samples, spec, tags};

const RATE: u32 = 8000;
const CHANNELS: usize = 2;
/// Frames of a write: 20 ms.
const PIECE: usize = RATE as usize / 50;
const SECONDS: usize = 1;
const FOLDER: &str = "OSSICLE_TEST_KILLED_IN";
const TAGGED: &str = "OSSICLE_TEST_KILLED_TAGGED";
const HIDDEN: &str = "OSSICLE_TEST_KILLED_HIDDEN";
/// Bracket the system calls that count.
const BRACKET: libc::c_int = libc::SIGUSR2;

fn all() -> Vec<f32> {
    samples(0, SECONDS * RATE as usize * CHANNELS)
}

/// A counter in a file that outlives the process, without a system call.
fn shared(folder: &Path) -> &'static AtomicU64 {
    let file = File::options()
        .read(true)
        .write(true)
        .open(folder.join("given"))
        .expect("the parent made it");
    let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
    // SAFETY: a new mapping, at a place of the system's choice, of a file of 4096 bytes.
    let place = unsafe { mmap(std::ptr::null_mut(), 4096, protection, flags, &file, 0) };
    // SAFETY: it is aligned to a page, zero at first, never unmapped, and only used as this.
    unsafe { &*place.expect("memory").cast::<AtomicU64>() }
}

/// The take that is killed.
fn write_take(folder: &Path) {
    let given = shared(folder);
    let all = all();
    let tags = match std::env::var_os(TAGGED) {
        Some(_) => tags(),
        None => Tags::default(),
    };
    let bracket = || {
        // SAFETY: the tracer swallows it.
        unsafe { libc::raise(BRACKET) };
    };
    bracket();
    let path = folder.join("take.wav");
    let spec = spec(RATE, CHANNELS, SampleFormat::I16);
    let overwrite = Overwrite::Replace;
    let storage = match std::env::var_os(HIDDEN) {
        Some(_) => FileStorage::create_hidden(path, overwrite),
        None => FileStorage::create(path, overwrite),
    };
    let storage = Box::new(storage.expect("a file"));
    let mut writer = WavWriter::on(storage, spec, &tags).expect("a file");
    let mut due = 0;
    for (number, piece) in all.chunks(PIECE * CHANNELS).enumerate() {
        let frames = (number + 1) * PIECE;
        given.store(frames as u64, Ordering::Relaxed);
        writer.write(piece).expect("room");
        if frames >= due {
            writer.checkpoint().expect("room");
            due = frames + RATE as usize / 4;
        }
    }
    writer.label(Label {
        position: 10,
        frames: 0,
        text: "a label".to_owned(),
    });
    writer.finish().expect("room");
    bracket();
}

/// Lets a child go on until it has made `count` system calls between the brackets, and kills it
/// there. Returns whether it got so far.
fn kill_after(child: &mut Child, count: usize) -> bool {
    let (mut inside, mut entering, mut done) = (false, true, 0);
    loop {
        let mut status = 0;
        let group = -(child.id() as i32);
        // SAFETY: a place for the status; the child and its threads.
        let thread = unsafe { libc::waitpid(group, &mut status, libc::__WALL) };
        assert!(thread > 0, "{}", io::Error::last_os_error());
        if libc::WIFEXITED(status) || libc::WIFSIGNALED(status) {
            if thread == child.id() as i32 {
                assert!(!inside, "it died by itself");
                return false;
            }
            continue;
        }
        let mut signal = libc::WSTOPSIG(status);
        match signal {
            BRACKET => {
                inside = !inside;
                entering = true;
                signal = 0;
                if !inside {
                    kill(child);
                    return false;
                }
            }
            // A system call begins or ends.
            stop if stop == libc::SIGTRAP | 0x80 => {
                if inside && !entering {
                    done += 1;
                    if done == count {
                        kill(child);
                        return true;
                    }
                }
                entering = !entering;
                signal = 0;
            }
            // A new thread, or the first stop after the program began.
            libc::SIGTRAP | libc::SIGSTOP => {
                let options = libc::PTRACE_O_TRACESYSGOOD
                    | libc::PTRACE_O_TRACECLONE
                    | libc::PTRACE_O_EXITKILL;
                // SAFETY: a request about a thread that is stopped.
                unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, thread, 0, options) };
                signal = 0;
            }
            _ => {}
        }
        let request = match inside {
            true => libc::PTRACE_SYSCALL,
            false => libc::PTRACE_CONT,
        };
        // SAFETY: a request about a thread that is stopped.
        unsafe { libc::ptrace(request, thread, 0, signal) };
    }
}

/// Kills the child, and waits for all its threads: it is not gone before they are.
fn kill(child: &mut Child) {
    child.kill().expect("it lives");
    let group = -(child.id() as i32);
    let mut status = 0;
    // SAFETY: a place for the status; the child and its threads.
    while unsafe { libc::waitpid(group, &mut status, libc::__WALL) } > 0 {}
}

fn spawn(folder: &Path, tagged: bool, hidden: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command
        .args([
            "--exact",
            "kills::a_kill_between_any_two_system_calls_loses_nothing",
        ])
        .args(["--test-threads=1", "--nocapture"])
        .env(FOLDER, folder)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    for (name, is_set) in [(TAGGED, tagged), (HIDDEN, hidden)] {
        if is_set {
            command.env(name, "1");
        }
    }
    // SAFETY: one system call between fork and exec.
    unsafe {
        command.pre_exec(|| match libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        });
    }
    command.spawn().expect("this test starts")
}

/// What the killed program left must be true, and whole once it is recovered.
fn judge(folder: &Path, old: Option<&[u8]>, programs: bool, context: &str) {
    let given = shared(folder).load(Ordering::Relaxed);
    let path = folder.join("take.wav");
    let all = all();
    let takes: Vec<OpenTake> = crate::open_takes(folder);
    assert!(takes.len() <= 1, "{context}: {takes:?}");
    let named = match old {
        Some(old) => fs::read(&path).expect("the old file or the new one") != old,
        None => path.exists(),
    };
    if named {
        let frames = judges::agreed(&path, CHANNELS, &all, programs) as u64;
        let lost = given - frames;
        assert!(lost <= u64::from(RATE) / 2, "{context}: {lost} frames lost");
    } else {
        assert!(
            given <= PIECE as u64,
            "{context}: no name after {given} frames"
        );
    }
    for take in takes {
        assert_eq!(take.final_path(), path);
        let recovered = take.finish(&[]).expect("room");
        let Some(found) = recovered.path else {
            continue;
        };
        // The old file is never written over; it stays beside.
        assert_eq!(found == path, named || old.is_none(), "{context}");
        let frames = judges::agreed(&found, CHANNELS, &all, false) as u64;
        assert_eq!(frames, recovered.frames);
        assert!(crate::open_takes(folder).is_empty());
        // What a write that returned put there is there: all but the one under way.
        let lost = given.saturating_sub(frames);
        assert!(
            lost <= PIECE as u64,
            "{context}: {lost} frames lost after recovery"
        );
    }
    if !named && old.is_some() {
        assert_eq!(fs::read(&path).ok().as_deref(), old, "{context}");
    }
}

/// Kills takes in folders in `place`, after every `step`th system call: a new file or one that
/// replaces another, of no name at first or of a hidden one.
pub fn kill_all(place: &Path, step: usize, replace: bool, hidden: bool) {
    for count in (1..).step_by(step) {
        let folder = TempDir::new_in(place).expect("a directory");
        fs::write(folder.path().join("given"), [0; 4096]).expect("room");
        let old = replace.then_some(b"what was there before".as_slice());
        if let Some(old) = old {
            fs::write(folder.path().join("take.wav"), old).expect("room");
        }
        let mut child = spawn(folder.path(), replace, hidden);
        if !kill_after(&mut child, count) {
            assert!(count > 70, "only {count} system calls");
            println!("the take makes {count} system calls");
            break;
        }
        let context = format!("killed after system call {count}, hidden: {hidden}");
        judge(folder.path(), old, count % 8 == 1, &context);
    }
}

#[test]
fn a_kill_between_any_two_system_calls_loses_nothing() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return write_take(Path::new(&folder));
    }
    // The short form kills after every fifth, or tenth.
    let is_long = std::env::var_os("OSSICLE_TRIALS").is_some();
    for (replace, hidden, step) in [
        (false, false, 5),
        (true, false, 5),
        (false, true, 10),
        (true, true, 10),
    ] {
        let step = if is_long { 1 } else { step };
        kill_all(&std::env::temp_dir(), step, replace, hidden);
    }
}
