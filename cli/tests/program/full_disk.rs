//! Recordings on a disk that is full: what goes on, and what is told.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::call::{Ran, ossicle};
use crate::sound::{read_f32, text};

/// A file system of 256 KiB in memory, as long as this lives: 0.6 s of the null device.
struct Small(tempfile::TempDir);

impl Small {
    /// `None` where mounting is not allowed.
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256k", "ossicle-test"]);
        let output = mount.arg(folder.path()).output().ok()?;
        if !output.status.success() {
            eprintln!("no file system may be mounted here: not tried");
            return None;
        }
        Some(Self(folder))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

/// The lines on stderr that begin so; there are none but warnings and errors.
fn lines<'a>(ran: &'a Ran, kind: &str) -> Vec<&'a str> {
    let is_known = |line: &str| line.starts_with("warning: ") || line.starts_with("error: ");
    assert!(ran.stderr.lines().all(is_known), "{ran:?}");
    let lines = ran.stderr.lines();
    lines.filter(|line| line.starts_with(kind)).collect()
}

/// The one object on stdout of a run that ended for want of room.
fn told(ran: &Ran) -> Value {
    assert_eq!(ran.exit, Some(4), "{ran:?}");
    let json: Value = serde_json::from_str(&ran.stdout).expect(&ran.stdout);
    assert_eq!(json["error"]["exit"], 4, "{json}");
    assert_eq!(json["error"], json["errors"][0], "{json}");
    let errors = json["errors"].as_array().unwrap();
    assert_eq!(errors.len(), lines(ran, "error: ").len(), "{ran:?}");
    json
}

/// The take ends where its disk was full, and the rest of the run is its gap.
fn is_cut(take: &Value, file: &Path, run_frames: u64) {
    let frames = take["frames"].as_u64().unwrap();
    let gap = &take["gaps"][0];
    assert_eq!(gap["cause"], "disk full", "{take}");
    assert_eq!(
        (&gap["position"], &take["file"]),
        (&frames.into(), &text(file).into())
    );
    assert_eq!(
        frames + gap["frames"].as_u64().unwrap(),
        run_frames,
        "{take}"
    );
    assert_eq!(read_f32(file).len() as u64, 2 * frames);
    assert!(frames > 20_000, "{take}");
}

#[test]
fn a_full_disk_ends_its_own_recording_alone() {
    let Some(disk) = Small::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (wet, dry) = (folder.path().join("wet.wav"), disk.at("dry.wav"));
    let rec = ["rec", text(&wet), "--dry", text(&dry), "--host", "null"];
    let ran = ossicle(&[&rec[..], &["--channels", "2", "--for", "2s", "--json"]].concat());
    let json = told(&ran);
    assert_eq!(json["errors"].as_array().unwrap().len(), 1, "{json}");
    assert_eq!(json["takes"][0]["frames"], 96_000, "{json}");
    assert_eq!(json["takes"][0]["gaps"].as_array().unwrap().len(), 0);
    assert_eq!(read_f32(&wet).len(), 2 * 96_000);
    is_cut(&json["takes"][1], &dry, 96_000);
    let warned = lines(&ran, "warning: ");
    let warned: Vec<_> = warned
        .iter()
        .filter(|line| line.contains("goes on"))
        .collect();
    assert!(
        matches!(warned[..], [line] if line.contains("dry.wav")),
        "{ran:?}"
    );
}

#[test]
fn live_goes_on_where_its_recording_cannot() {
    let Some(disk) = Small::new() else { return };
    let out = disk.at("take.wav");
    let live = [
        "live",
        "--host",
        "null",
        "--record",
        text(&out),
        "--for",
        "2s",
    ];
    let ran = ossicle(&[&live[..], &["--json"]].concat());
    let json = told(&ran);
    assert_eq!(json["frames"], 96_000, "{json}");
    is_cut(&json["takes"][0], &out, 96_000);
    // In words too, and there is a summary.
    std::fs::remove_file(&out).unwrap();
    let ran = ossicle(&live);
    assert_eq!(ran.exit, Some(4), "{ran:?}");
    assert!(ran.stdout.contains("disk full"), "{ran:?}");
    assert!(matches!(lines(&ran, "error: ")[..], [line] if line.contains("; whole: ")));
}

#[test]
fn each_recording_that_found_no_room_is_told_of() {
    let Some(disk) = Small::new() else { return };
    let (wet, dry) = (disk.at("wet.wav"), disk.at("dry.wav"));
    let rec = ["rec", text(&wet), "--dry", text(&dry), "--host", "null"];
    let ran = ossicle(&[&rec[..], &["--for", "20s", "--json"]].concat());
    let json = told(&ran);
    assert_eq!(lines(&ran, "error: ").len(), 2, "{ran:?}");
    // It does not wait for nothing.
    assert!(json["frames"].as_u64().unwrap() < 480_000, "{json}");
    for (take, file) in json["takes"].as_array().unwrap().iter().zip([wet, dry]) {
        assert_eq!(take["file"], text(&file));
        assert!(take["gaps"][0]["cause"] == "disk full", "{json}");
    }
}
