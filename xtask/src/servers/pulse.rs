//! A PulseAudio server with a null sink for a speaker and a second one behind a microphone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::process::{Process, Signal, describe, poll};

/// How long the server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(15);

/// A running PulseAudio server at 48 kHz, float, two channels; it ends when this is dropped.
///
/// - `speaker`, the default sink: what a program plays there is heard at `speaker.monitor`.
/// - `microphone`, the default source: it gives what a client plays to the sink `mic_feed`.
/// - ALSA's `default` device leads to the server too.
#[derive(Debug)]
pub struct PulseAudio {
    process: Process,
    folder: TempDir,
}

impl PulseAudio {
    /// The default sink.
    pub const SPEAKER: &'static str = "speaker";
    /// The source that hears what is played to [`Self::SPEAKER`].
    pub const SPEAKER_MONITOR: &'static str = "speaker.monitor";
    /// The default source.
    pub const MICROPHONE: &'static str = "microphone";
    /// The sink whose sound comes in at [`Self::MICROPHONE`].
    pub const MIC_FEED: &'static str = "mic_feed";

    /// Starts `pulseaudio` in a folder of its own and waits until its devices are there.
    ///
    /// # Errors
    /// When `pulseaudio` or `pactl` is not installed, ends, or does not answer within 15 s.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir().context("making a folder for PulseAudio")?;
        let place = Place(folder.path());
        for made in ["run", "home"] {
            fs::create_dir(folder.path().join(made)).context("making PulseAudio's folders")?;
        }
        fs::write(place.script(), place.script_text())?;
        fs::write(place.client_config(), "autospawn = no\nenable-shm = yes\n")?;
        fs::write(place.alsa_config(), place.alsa_config_text())?;

        let process = launch(&place)?;
        let mut server = Self { process, folder };
        server.wait()?;
        Ok(server)
    }

    /// Starts the server again after it was killed, with the same devices, and waits for them.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn restart(&mut self) -> Result<()> {
        let place = Place(self.folder.path());
        // What a crash leaves behind.
        let _ = fs::remove_file(place.socket());
        self.process = launch(&place)?;
        self.wait()
    }

    fn wait(&mut self) -> Result<()> {
        let server = self;
        poll("waiting for pulseaudio", START_LIMIT, || {
            if let Some(status) = server.process.ended()? {
                bail!(
                    "pulseaudio ended at once ({}): {}",
                    describe(status),
                    server.log()
                );
            }
            let answer = server
                .tool("pactl")
                .arg("info")
                .output()
                .context("running pactl")?;
            let ready = String::from_utf8_lossy(&answer.stdout)
                .lines()
                .any(|line| line.starts_with("Default Source") && line.ends_with("microphone"));
            Ok(ready.then_some(()))
        })?;
        Ok(())
    }

    /// Number of the server's process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Environment that leads a program to this server, natively and through ALSA.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        Place(self.folder.path()).env()
    }

    /// A command whose environment leads to this server.
    #[must_use]
    pub fn tool(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .envs(self.env())
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Loads a module, with its arguments, and returns its number.
    ///
    /// # Errors
    /// When the server does not take it.
    pub fn load(&self, module: &str) -> Result<u32> {
        let mut command = self.tool("pactl");
        let said = command.arg("load-module").args(module.split(' ')).output();
        let said = String::from_utf8(said.context("running pactl")?.stdout)?;
        let number = said.trim().parse();
        number.with_context(|| format!("loading {module}: {said:?}"))
    }

    /// Unloads a module, and with it the devices that it made.
    ///
    /// # Errors
    /// When the server has no such module.
    pub fn unload(&self, module: u32) -> Result<()> {
        let mut command = self.tool("pactl");
        let ended = command.args(["unload-module", &module.to_string()]);
        let ended = ended.status().context("running pactl")?;
        anyhow::ensure!(ended.success(), "unloading module {module}");
        Ok(())
    }

    /// Lines of `pactl list short` for a kind of thing: `clients`, `sink-inputs`.
    ///
    /// # Errors
    /// When `pactl` cannot be run.
    pub fn list(&self, kind: &str) -> Result<Vec<String>> {
        let mut command = self.tool("pactl");
        let said = command.args(["list", "short", kind]).output();
        let said = String::from_utf8(said.context("running pactl")?.stdout)?;
        Ok(said.lines().map(str::to_owned).collect())
    }

    /// What the server has written on standard error.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// A folder that lives as long as the server, for what its clients read and write.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stops the server where it is (SIGSTOP).
    ///
    /// # Errors
    /// When the server has gone.
    pub fn stop(&self) -> Result<()> {
        Ok(self.process.signal(Signal::STOP)?)
    }

    /// Lets a stopped server go on (SIGCONT).
    ///
    /// # Errors
    /// When the server has gone.
    pub fn cont(&self) -> Result<()> {
        Ok(self.process.signal(Signal::CONT)?)
    }

    /// Kills the server (SIGKILL), as a crash would.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

fn launch(place: &Place<'_>) -> Result<Process> {
    let mut command = Command::new("pulseaudio");
    command
        .args(["-n", "-F"])
        .arg(place.script())
        .args([
            "--exit-idle-time=-1",
            "--daemonize=no",
            "--system=no",
            "--use-pid-file=no",
        ])
        .args([
            "--high-priority=no",
            "--log-target=stderr",
            "--log-level=warning",
        ])
        .envs(place.env())
        .env_remove("PULSE_SERVER")
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    Process::start(command, &place.0.join("pulseaudio.log"))
}

/// The files of one server, by its folder.
struct Place<'a>(&'a Path);

impl Place<'_> {
    fn script(&self) -> PathBuf {
        self.0.join("start.pa")
    }

    fn client_config(&self) -> PathBuf {
        self.0.join("client.conf")
    }

    fn alsa_config(&self) -> PathBuf {
        self.0.join("asound.conf")
    }

    fn socket(&self) -> PathBuf {
        self.0.join("run/native")
    }

    fn script_text(&self) -> String {
        let shape = "format=float32le rate=48000 channels=2 norewinds=1";
        format!(
            "load-module module-native-protocol-unix auth-anonymous=1 socket={socket}\n\
             load-module module-null-sink sink_name={speaker} {shape}\n\
             load-module module-null-sink sink_name={feed} {shape}\n\
             load-module module-remap-source master={feed}.monitor source_name={microphone} remix=no\n\
             set-default-sink {speaker}\n\
             set-default-source {microphone}\n",
            socket = self.socket().display(),
            speaker = PulseAudio::SPEAKER,
            feed = PulseAudio::MIC_FEED,
            microphone = PulseAudio::MICROPHONE,
        )
    }

    /// The distribution's own configuration first: it defines the types and the plug-ins.
    fn alsa_config_text(&self) -> String {
        "</usr/share/alsa/alsa.conf>\n\
         pcm.!default { type pulse hint { show on description \"Default through PulseAudio\" } }\n\
         ctl.!default { type pulse }\n"
            .to_owned()
    }

    fn env(&self) -> Vec<(String, String)> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        vec![
            ("XDG_RUNTIME_DIR".into(), text(self.0.join("run"))),
            ("PULSE_RUNTIME_PATH".into(), text(self.0.join("run"))),
            ("HOME".into(), text(self.0.join("home"))),
            ("XDG_CONFIG_HOME".into(), text(self.0.join("home/.config"))),
            (
                "PULSE_SERVER".into(),
                format!("unix:{}", self.socket().display()),
            ),
            ("PULSE_CLIENTCONFIG".into(), text(self.client_config())),
            ("ALSA_CONFIG_PATH".into(), text(self.alsa_config())),
        ]
    }
}
