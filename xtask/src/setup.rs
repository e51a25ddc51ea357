//! What the system must offer, looked for by what is really there, installed by apt if it is
//! not, and named in one line where there is no apt.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use xtask::servers;

/// One thing the system must offer.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// How it is looked for.
    probe: Probe,
    /// The Debian package that brings it.
    package: &'static str,
    /// What it is, for people on other systems.
    words: &'static str,
}

/// How a need is looked for.
#[derive(Clone, Copy, Debug)]
enum Probe {
    /// A program in `PATH`.
    Program(&'static str),
    /// A program that is in one of these places.
    Daemon(&'static [&'static str]),
    /// A library with headers, as `pkg-config` knows it.
    Headers(&'static str),
    /// ALSA's plug-in of this name.
    AlsaPlugin(&'static str),
    /// Python can make virtual environments with pip in them.
    PythonVenv,
}

const fn need(probe: Probe, package: &'static str, words: &'static str) -> Need {
    Need {
        probe,
        package,
        words,
    }
}

/// What building needs beyond Rust and a linker.
pub const BUILD: &[Need] = &[
    need(Probe::Program("pkg-config"), "pkg-config", "pkg-config"),
    need(
        Probe::Headers("alsa"),
        "libasound2-dev",
        "the headers of ALSA (alsa-lib)",
    ),
    need(
        Probe::Headers("jack"),
        "libjack-jackd2-dev",
        "the headers of JACK",
    ),
];

/// What the tests need: servers without hardware, their clients, and makers of test files.
pub const TEST: &[Need] = &[
    need(Probe::Program("jackd"), "jackd2", "the JACK server (jackd)"),
    need(
        Probe::Program("jack_iodelay"),
        "jackd2",
        "JACK's tools (jack_iodelay, jack_connect)",
    ),
    need(
        Probe::Program("pulseaudio"),
        "pulseaudio",
        "the PulseAudio server",
    ),
    need(
        Probe::Program("pacat"),
        "pulseaudio-utils",
        "PulseAudio's tools (pacat, pactl)",
    ),
    need(
        Probe::AlsaPlugin("pulse"),
        "libasound2-plugins",
        "ALSA's plug-in for PulseAudio",
    ),
    need(
        Probe::Program("arecord"),
        "alsa-utils",
        "ALSA's tools (arecord)",
    ),
    need(
        Probe::Program("dbus-daemon"),
        "dbus",
        "D-Bus (dbus-daemon, dbus-send)",
    ),
    need(Probe::Daemon(servers::POLKIT), "polkitd", "polkit"),
    need(Probe::Daemon(servers::RTKIT), "rtkit", "rtkit"),
    need(Probe::Program("sox"), "sox", "SoX"),
    need(Probe::Program("ffmpeg"), "ffmpeg", "FFmpeg"),
    need(
        Probe::Program("sndfile-cmp"),
        "sndfile-programs",
        "libsndfile's tools (sndfile-cmp, sndfile-info)",
    ),
    need(Probe::Program("flac"), "flac", "FLAC's tools (flac)"),
    need(Probe::Program("time"), "time", "GNU time"),
];

/// What the benches that compare with Python need.
pub const BENCH: &[Need] = &[need(
    Probe::PythonVenv,
    "python3-venv",
    "Python 3 with venv",
)];

/// What disks that break need.
pub const DISKS: &[Need] = &[
    need(
        Probe::Daemon(&["/sbin/mkfs.ext4", "/usr/sbin/mkfs.ext4"]),
        "e2fsprogs",
        "e2fsprogs (mkfs.ext4)",
    ),
    need(
        Probe::Daemon(&["/sbin/fsfreeze", "/usr/sbin/fsfreeze"]),
        "util-linux",
        "util-linux (fsfreeze)",
    ),
];

/// What a disk needs that knows no files without a name, as cards and sticks do.
pub const CARDS: &[Need] = &[
    need(
        Probe::Daemon(&["/sbin/mkfs.exfat", "/usr/sbin/mkfs.exfat"]),
        "exfatprogs",
        "exfatprogs (mkfs.exfat)",
    ),
    need(
        Probe::Daemon(&["/sbin/mount.exfat-fuse", "/usr/sbin/mount.exfat-fuse"]),
        "exfat-fuse",
        "exFAT for FUSE (mount.exfat-fuse)",
    ),
];

/// The recorder that the short form of `cargo xtask recorder` puts beside ours, with those of
/// [`TEST`].
pub const RECORDER: &[Need] = &[need(
    Probe::Program("jack_capture"),
    "jack-capture",
    "jack_capture",
)];

/// What `cargo xtask recorder` needs beside: the other recorders.
pub const RECORDERS: &[Need] = &[
    need(Probe::Program("pipewire"), "pipewire", "PipeWire"),
    need(Probe::Program("pw-record"), "pipewire-bin", "pw-record"),
    need(Probe::Program("wireplumber"), "wireplumber", "WirePlumber"),
];

/// Sees to it that all of `needs` is there.
///
/// # Errors
/// When something is missing and cannot be installed; the message names it.
pub fn install(needs: &[&[Need]]) -> Result<()> {
    let all: Vec<Need> = needs.concat();
    let missing = missing(&all);
    if missing.is_empty() {
        return Ok(());
    }
    let packages = packages(&missing);
    if in_path("apt-get") {
        match root() {
            Some(prefix) => apt(prefix, &packages)?,
            None => bail!(
                "missing: {}; run as root: apt-get install --no-install-recommends {}",
                words(&missing),
                packages.join(" ")
            ),
        }
    }
    let missing = self::missing(&all);
    ensure!(missing.is_empty(), "please install: {}", words(&missing));
    Ok(())
}

fn missing(needs: &[Need]) -> Vec<Need> {
    needs
        .iter()
        .copied()
        .filter(|need| !is_there(need.probe))
        .collect()
}

fn packages(needs: &[Need]) -> Vec<&'static str> {
    let mut packages: Vec<_> = needs.iter().map(|need| need.package).collect();
    packages.dedup();
    packages
}

fn words(needs: &[Need]) -> String {
    needs
        .iter()
        .map(|need| need.words)
        .collect::<Vec<_>>()
        .join(", ")
}

fn is_there(probe: Probe) -> bool {
    match probe {
        Probe::Program(name) => in_path(name),
        Probe::Daemon(places) => places.iter().any(|place| Path::new(place).is_file()),
        Probe::Headers(name) => succeeds("pkg-config", &["--exists", name]),
        Probe::AlsaPlugin(name) => has_alsa_plugin(name),
        Probe::PythonVenv => succeeds("python3", &["-c", "import venv, ensurepip"]),
    }
}

fn in_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Debian keeps the plug-ins below a folder named after the machine, others do not.
fn has_alsa_plugin(name: &str) -> bool {
    let file = format!("alsa-lib/libasound_module_pcm_{name}.so");
    let places = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(Path::new);
    places.iter().any(|place| {
        place.join(&file).is_file()
            || fs::read_dir(place).is_ok_and(|entries| {
                entries
                    .flatten()
                    .any(|entry| entry.path().join(&file).is_file())
            })
    })
}

/// What to put before a command so that it runs as root; `None` when that is not possible.
fn root() -> Option<&'static [&'static str]> {
    if rustix::process::geteuid().is_root() {
        Some(&[])
    } else if in_path("sudo") && succeeds("sudo", &["-n", "true"]) {
        Some(&["sudo", "-n"])
    } else {
        None
    }
}

fn apt(prefix: &[&str], packages: &[&str]) -> Result<()> {
    println!("== installing {}", packages.join(" "));
    // Never take away what the machine has, such as another sound server.
    let install = ["install", "-y", "--no-install-recommends", "--no-remove"];
    for words in [&["update"][..], &[&install[..], packages].concat()] {
        let line: Vec<&str> = prefix
            .iter()
            .chain(&["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"])
            .chain(words)
            .copied()
            .collect();
        let status = Command::new(line[0])
            .args(&line[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .with_context(|| format!("running {}", line[0]))?;
        // An old list of packages may still do, so only the installation decides.
        ensure!(
            status.success() || words == ["update"],
            "{} failed",
            line.join(" ")
        );
    }
    Ok(())
}

fn succeeds(program: &str, words: &[&str]) -> bool {
    Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
