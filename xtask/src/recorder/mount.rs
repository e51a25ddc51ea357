//! Filesystems that can be frozen, filled and copied as a power cut would leave them.
//!
//! Each has a janitor, a process that takes it down when its standard input ends: when the value is
//! dropped, and when this program dies in whatever way. A frozen one is thawed after a time limit too.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Nothing stays frozen longer, in seconds.
const THAW_AFTER_S: &str = "40";
const MIB: u64 = 1 << 20;

/// Why there are no filesystems of our own.
pub const NOT_ROOT: &str = "needs root (loop mounts, fsfreeze, tmpfs)";

/// Whether filesystems can be mounted.
pub fn is_possible() -> bool {
    rustix::process::geteuid().is_root()
}

/// Why no filesystem can be mounted and frozen here; nothing where it can: it is tried.
pub fn refused() -> Option<String> {
    if !is_possible() {
        return Some(NOT_ROOT.to_owned());
    }
    let tried = Mount::ext4(&in_memory(), 8).and_then(|mount| mount.freeze().map(drop));
    tried.err().map(|error| format!("{error:#}"))
}

/// A folder in memory, where the system has one.
pub fn in_memory() -> PathBuf {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() {
        shared.to_path_buf()
    } else {
        std::env::temp_dir()
    }
}

/// A mounted filesystem of our own.
#[derive(Debug)]
pub struct Mount {
    folder: PathBuf,
    janitor: Option<Child>,
}

impl Mount {
    /// An empty ext4 in an image below `place`.
    ///
    /// # Errors
    /// When it cannot be made or mounted.
    pub fn ext4(place: &Path, mib: u64) -> Result<Self> {
        let mount = Self::prepare(place)?;
        let image = mount.image();
        File::create(&image)?.set_len(mib * MIB)?;
        let mut make = Command::new("mkfs.ext4");
        make.args(["-q", "-F", "-E", "lazy_itable_init=0,nodiscard"])
            .arg(&image);
        done(&mut make)?;
        mount.attach(Command::new("mount").args(["-o", "loop"]).arg(&image))
    }

    /// The filesystem in a copy of an image; its journal is replayed.
    ///
    /// # Errors
    /// When it cannot be mounted.
    pub fn copy(image: &Path, place: &Path) -> Result<Self> {
        let mount = Self::prepare(place)?;
        fs::rename(image, mount.image())?;
        let image = mount.image();
        mount.attach(Command::new("mount").args(["-o", "loop"]).arg(image))
    }

    /// A filesystem in memory with so much room.
    ///
    /// # Errors
    /// When it cannot be mounted.
    pub fn tmpfs(place: &Path, kib: u64) -> Result<Self> {
        let size = format!("size={kib}k");
        Self::prepare(place)?.attach(
            Command::new("mount")
                .args(["-t", "tmpfs", "-o", &size])
                .arg("tmpfs"),
        )
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.folder.join("mounted")
    }

    /// What holds its blocks.
    pub fn image(&self) -> PathBuf {
        self.folder.join("image")
    }

    /// Lets every write wait until the answer is dropped.
    ///
    /// # Errors
    /// When the filesystem cannot be frozen.
    pub fn freeze(&self) -> Result<Frozen> {
        let watchdog = last_will(
            &format!("timeout {THAW_AFTER_S} cat >/dev/null; fsfreeze -u \"$1\""),
            &[&self.path()],
        )?;
        let frozen = Frozen {
            path: self.path(),
            watchdog,
        };
        done(Command::new("fsfreeze").arg("-f").arg(self.path()))?;
        Ok(frozen)
    }

    fn prepare(place: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("ossicle-disk-")
            .tempdir_in(place)
            .with_context(|| format!("making a folder in {}", place.display()))?
            .keep();
        fs::create_dir(folder.join("mounted"))?;
        let janitor = last_will(
            "cat >/dev/null; fsfreeze -u \"$1\"; umount \"$1\" || umount -l \"$1\"; rm -rf \"$2\"",
            &[&folder.join("mounted"), &folder],
        )?;
        Ok(Self {
            folder,
            janitor: Some(janitor),
        })
    }

    fn attach(self, command: &mut Command) -> Result<Self> {
        done(command.arg(self.path()))?;
        Ok(self)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        fulfil(&mut self.janitor);
    }
}

/// A filesystem in which every write waits; it goes on when this is dropped.
#[derive(Debug)]
pub struct Frozen {
    path: PathBuf,
    watchdog: Child,
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let thawed = done(Command::new("fsfreeze").arg("-u").arg(&self.path));
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
        if let Err(error) = thawed {
            eprintln!("{error:#}");
        }
    }
}

/// A shell that begins to wait for the end of its standard input, in a process group of its own.
fn last_will(script: &str, words: &[&Path]) -> Result<Child> {
    Command::new("sh")
        .args(["-c", &format!("trap '' INT TERM HUP; {script}"), "janitor"])
        .args(words)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("starting sh")
}

fn fulfil(janitor: &mut Option<Child>) {
    if let Some(mut janitor) = janitor.take() {
        drop(janitor.stdin.take());
        let _ = janitor.wait();
    }
}

/// Runs a command that says nothing unless it fails.
fn done(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let answer = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {name}"))?;
    let said = String::from_utf8_lossy(&answer.stderr);
    ensure!(answer.status.success(), "{name}: {}", said.trim());
    Ok(())
}
