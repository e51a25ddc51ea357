//! A D-Bus system bus of its own, with the real rtkit and polkit on it if wanted.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::process::{Process, describe, poll};

/// Where rtkit's daemon may be.
pub const RTKIT: &[&str] = &["/usr/libexec/rtkit-daemon", "/usr/lib/rtkit/rtkit-daemon"];
/// Where polkit's daemon may be.
pub const POLKIT: &[&str] = &["/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd"];

/// How long a daemon may take until it is on the bus.
const START_LIMIT: Duration = Duration::from_secs(15);
const RULE: &str = "polkit.addRule(function(action, subject) {\n\
                    if (action.id == 'org.freedesktop.RealtimeKit1.acquire-real-time') \
                    return polkit.Result.YES;\n});\n";

/// Whether there is an rtkit, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtkitService {
    /// There is none.
    None,
    /// Polkit's defaults: it gives to users who logged in at this machine, and to root.
    Usual,
    /// It gives to everyone.
    ForAll,
}

/// A running bus; all that was started ends when this is dropped.
#[derive(Debug)]
pub struct SystemBus {
    // In the order in which they are ended.
    daemons: Vec<Process>,
    _bus: Process,
    folder: TempDir,
}

impl SystemBus {
    /// Starts a bus in a folder of its own, and on it what is wanted.
    ///
    /// # Errors
    /// When a daemon is not installed, ends, or is not on the bus within 15 s; anything but
    /// [`RtkitService::None`] where [`Self::rtkit_can_run`] does not say so.
    pub fn start(rtkit: RtkitService) -> Result<Self> {
        let folder = tempfile::tempdir().context("making a folder for the bus")?;
        let path = folder.path();
        // Other users are to reach it too.
        fs::set_permissions(path, Permissions::from_mode(0o755))?;
        let config = path.join("bus.conf");
        fs::write(&config, config_text(&socket(path)))?;
        let mut command = Command::new("dbus-daemon");
        command
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile"]);
        let mut bus = process(command, path, "bus")?;
        await_name(path, "org.freedesktop.DBus", &mut bus)?;
        let mut started = Self {
            daemons: Vec::new(),
            _bus: bus,
            folder,
        };
        if rtkit != RtkitService::None {
            started.add_rtkit(rtkit == RtkitService::ForAll)?;
        }
        Ok(started)
    }

    /// Whether this user may start rtkit and polkit with rules of their own: as a rule root, and
    /// in a container only where it may do much.
    #[must_use]
    pub fn rtkit_can_run() -> bool {
        let may = |program: &str, words: &[&str]| {
            let mut command = Command::new(program);
            command.args(words).arg("true").stdin(Stdio::null());
            command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        };
        may("chrt", &["-r", "21"]) && may("unshare", &["-m"])
    }

    /// Environment that leads a program to this bus.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        env(self.folder.path())
    }

    /// A folder that lives as long as the bus, into which other users see.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn add_rtkit(&mut self, for_all: bool) -> Result<()> {
        let rules = self.folder.path().join("rules");
        fs::create_dir(&rules)?;
        if for_all {
            fs::write(rules.join("00-all.rules"), RULE)?;
        }
        // In a view of its own of the file system, so that the machine's rules stay as they are.
        let script = "mount --bind \"$1\" /etc/polkit-1/rules.d && exec \"$2\" --no-debug";
        let mut polkit = Command::new("unshare");
        polkit
            .args(["-m", "sh", "-c", script, "sh"])
            .arg(&rules)
            .arg(daemon(POLKIT)?);
        self.add(polkit, "org.freedesktop.PolicyKit1")?;
        let mut rtkit = Command::new(daemon(RTKIT)?);
        // With limits it could not write its log.
        rtkit.args(["--stderr", "--no-limit-resources"]);
        self.add(rtkit, "org.freedesktop.RealtimeKit1")
    }

    fn add(&mut self, command: Command, name: &str) -> Result<()> {
        let mut process = process(command, self.folder.path(), name)?;
        await_name(self.folder.path(), name, &mut process)?;
        self.daemons.insert(0, process);
        Ok(())
    }
}

fn daemon(places: &[&'static str]) -> Result<&'static str> {
    let found = places.iter().find(|place| Path::new(place).is_file());
    found.copied().with_context(|| format!("no {}", places[0]))
}

fn process(mut command: Command, folder: &Path, name: &str) -> Result<Process> {
    command
        .envs(env(folder))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    Process::start(command, &folder.join(format!("{name}.log")))
}

fn await_name(folder: &Path, name: &str, process: &mut Process) -> Result<()> {
    poll(&format!("waiting for {name}"), START_LIMIT, || {
        if let Some(status) = process.ended()? {
            bail!("it ended at once ({}): {}", describe(status), process.log());
        }
        let answer = Command::new("dbus-send")
            .envs(env(folder))
            .args(["--system", "--print-reply", "--dest=org.freedesktop.DBus"])
            .args(["/", "org.freedesktop.DBus.NameHasOwner"])
            .arg(format!("string:{name}"))
            .stdin(Stdio::null())
            .output()
            .context("running dbus-send")?;
        let said = String::from_utf8_lossy(&answer.stdout);
        Ok(said.contains("boolean true").then_some(()))
    })
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("bus")
}

fn env(folder: &Path) -> Vec<(String, String)> {
    let address = format!("unix:path={}", socket(folder).display());
    vec![("DBUS_SYSTEM_BUS_ADDRESS".into(), address)]
}

/// A bus on which everyone may do everything.
fn config_text(socket: &Path) -> String {
    format!(
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n\
         \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
         <busconfig><listen>unix:path={}</listen><auth>EXTERNAL</auth>\n\
         <policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>\n\
         <allow eavesdrop=\"true\"/><allow send_destination=\"*\" eavesdrop=\"true\"/></policy></busconfig>\n",
        socket.display()
    )
}
