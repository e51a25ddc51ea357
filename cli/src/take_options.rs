//! The options of recordings, the same for every command that makes one.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::{Args, ValueEnum};
use ossicle::io::file::{Bext, CivilTime, FileKind, Ixml, Tags};
use ossicle::io::sample::SampleFormat;
use ossicle::record::{Begin, GateConfig, RecordConfig, Tap};

use crate::args::{DitherArgument, Format, overwrite};
use crate::exit::Failure;
use crate::folders;
use crate::names::expand;
use crate::seconds::{Seconds, seconds_within};
use crate::silence::{SilenceText, level_dbfs};
use crate::split_text::SplitText;
use crate::times::Time;

/// What is recorded before the begin where sound begins a recording and nothing else is said, in
/// seconds.
const PREROLL_SECONDS: f64 = 1.0;

/// How recordings are made.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Recording")]
pub struct TakeOptions {
    /// Replace files that are there; with --split also remove what is left of an older recording of OUT
    #[arg(long)]
    pub force: bool,
    /// Sample format of the files; f32, or i24 for FLAC, where none is given
    #[arg(long, value_enum, value_name = "F")]
    format: Option<Format>,
    /// How samples become whole numbers
    #[arg(long, value_enum, value_name = "D", default_value_t = DitherArgument::None)]
    dither: DitherArgument,
    /// Record what goes into the chain to this file as well
    #[arg(long, value_name = "OUT")]
    dry: Option<PathBuf>,
    /// Listen, begin at key p or SIGUSR2 (with --on-sound at the sound too), and record so much of
    /// what was before
    #[arg(long, value_name = "T", value_parser = seconds_within(0.0, 3600.0), allow_hyphen_values = true)]
    preroll: Option<Seconds>,
    /// Begin when a sample reaches this level, with 1 s from before it
    #[arg(long, value_name = "L", value_parser = level_dbfs, allow_hyphen_values = true)]
    on_sound: Option<f64>,
    /// End after so long below a level, once there was sound: 3s@-50dBFS
    #[arg(long, value_name = "T@L", allow_hyphen_values = true)]
    until_silence: Option<SilenceText>,
    /// Go on in another file: 30m, 2GiB, silence, silence:2s@-45dBFS
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    split: Option<SplitText>,
    /// Go on in this folder when the disk is full or fails
    #[arg(long, value_name = "DIR")]
    spill: Option<PathBuf>,
    /// Sound that may wait in memory for a slow disk
    #[arg(long, value_name = "T", default_value = "60s", value_parser = seconds_within(1.0, 3600.0), allow_hyphen_values = true)]
    memory: Seconds,
    /// Time between two moments at which the file on the disk is true
    #[arg(long, value_name = "T", default_value = "250ms", value_parser = seconds_within(0.01, 60.0), allow_hyphen_values = true)]
    checkpoint: Seconds,
    /// Say something of the recording: title, description, scene, take or note; may be given again
    #[arg(long, value_name = "NAME=TEXT", value_parser = tag)]
    tag: Vec<(TagName, String)>,
}

/// What can be said of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TagName {
    Title,
    Description,
    Scene,
    Take,
    Note,
}

fn tag(text: &str) -> Result<(TagName, String), String> {
    let split = text.split_once('=');
    let named = split.and_then(|(name, said)| Some((TagName::from_str(name, true).ok()?, said)));
    match named {
        Some((name, said)) => Ok((name, said.to_string())),
        None => Err(
            "allowed: title=TEXT, description=TEXT, scene=TEXT, take=TEXT, note=TEXT".to_string(),
        ),
    }
}

impl TakeOptions {
    /// The recordings: `out`, taken at `tap`, and the dry one, as far as they are asked for.
    ///
    /// # Errors
    /// Names that cannot be made, and options that want a recording where there is none.
    pub fn configs(&self, out: Option<&Path>, tap: Tap) -> Result<Vec<RecordConfig>, Failure> {
        let now = CivilTime::local(SystemTime::now());
        let mut configs = Vec::new();
        for (path, tap) in [(out, tap), (self.dry.as_deref(), Tap::Pre)] {
            if let Some(path) = path {
                let path = expand(path, now)?;
                folders::is_there(folders::of(&path))?;
                folders::is_none(&path)?;
                self.check_description(&path)?;
                configs.push(self.config(&path, tap));
            }
        }
        self.spill.as_deref().map_or(Ok(()), folders::is_there)?;
        match self.wanting() {
            Some(option) if configs.is_empty() => Err(Failure::usage(format!(
                "{option} says how to record, and no file to record to is named"
            ))),
            _ => {
                self.check_samples(&configs)?;
                Ok(configs)
            }
        }
    }

    /// That the description fits where its field is narrow.
    fn check_description(&self, path: &Path) -> Result<(), Failure> {
        let description = self.tags().bext.unwrap_or_default().description;
        let is_narrow = matches!(FileKind::of_path(path), Ok(FileKind::Wav));
        if is_narrow && (!description.is_ascii() || description.len() > 256) {
            return Err(Failure::usage(
                "--tag description=TEXT: a WAV file takes 256 ASCII characters at most (allowed: \
                 any text with .flac, .ogg or --tag note=TEXT)",
            ));
        }
        Ok(())
    }

    /// That what is said of samples means something in one of the files at least.
    fn check_samples(&self, configs: &[RecordConfig]) -> Result<(), Failure> {
        let has_samples =
            |config: &&RecordConfig| !matches!(FileKind::of_path(&config.path), Ok(FileKind::Ogg));
        let mut sampled = configs.iter().filter(has_samples).peekable();
        if configs.is_empty() {
            return Ok(());
        }
        if self.format.is_some() && sampled.peek().is_none() {
            return Err(Failure::usage(
                "--format: Vorbis (.ogg) has no sample format (allowed with .wav and .flac)",
            ));
        }
        let is_dithered = !matches!(self.dither, DitherArgument::None);
        if is_dithered && sampled.all(|config| config.format == SampleFormat::F32) {
            return Err(Failure::usage(
                "--dither: nothing becomes whole numbers here (allowed with .flac, and with .wav \
                 and --format i16, i24 or i32)",
            ));
        }
        Ok(())
    }

    fn config(&self, path: &Path, tap: Tap) -> RecordConfig {
        let format = match self.format {
            Some(format) => format.into(),
            None if matches!(FileKind::of_path(path), Ok(FileKind::Flac)) => SampleFormat::I24,
            None => SampleFormat::F32,
        };
        RecordConfig {
            format,
            tap,
            overwrite: overwrite(self.force),
            dither: self.dither.into(),
            memory_seconds: self.memory.0,
            checkpoint_seconds: self.checkpoint.0,
            split: self.split.map(|split| split.0),
            spill: self.spill.clone(),
            tags: self.tags(),
            ..RecordConfig::new(path)
        }
    }

    fn tags(&self) -> Tags {
        let said = |wanted| {
            let last = self.tag.iter().rev().find(|(name, _)| *name == wanted);
            last.map(|(_, said)| said.clone()).unwrap_or_default()
        };
        let ixml = Ixml {
            project: said(TagName::Title),
            scene: said(TagName::Scene),
            take: said(TagName::Take),
            note: said(TagName::Note),
            ..Ixml::default()
        };
        let bext = Bext {
            description: said(TagName::Description),
            originator: "Ossicle".to_string(),
            ..Bext::default()
        };
        Tags {
            bext: Some(bext),
            ixml: (ixml != Ixml::default()).then_some(ixml),
            channel_mask: None,
        }
    }

    /// When the recordings begin and end; after `limit`, if it is given.
    pub fn gate(&self, limit: Option<Time>) -> GateConfig {
        let begin = match (self.on_sound, self.preroll) {
            (Some(level_dbfs), _) => Begin::OnSound { level_dbfs },
            (None, Some(_)) => Begin::WhenAsked,
            (None, None) => Begin::AtOnce,
        };
        let unsaid = match begin {
            Begin::OnSound { .. } => PREROLL_SECONDS,
            _ => 0.0,
        };
        GateConfig {
            begin,
            preroll_seconds: self.preroll.map_or(unsaid, |preroll| preroll.0),
            until_silence: self.until_silence.map(|silence| silence.0),
            limit: limit.map(Into::into),
        }
    }

    /// An option that was given and makes no sense without a recording.
    fn wanting(&self) -> Option<&'static str> {
        let given = [
            ("--force", self.force),
            ("--preroll", self.preroll.is_some()),
            ("--on-sound", self.on_sound.is_some()),
            ("--until-silence", self.until_silence.is_some()),
            ("--split", self.split.is_some()),
            ("--spill", self.spill.is_some()),
            ("--tag", !self.tag.is_empty()),
        ];
        given
            .into_iter()
            .find_map(|(option, is_given)| is_given.then_some(option))
    }
}
