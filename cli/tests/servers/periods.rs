//! The period where none is named: remembered, and tried beside a session.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use xtask::servers::PulseAudio;

use crate::program::{Ossicle, Outcome};
use crate::sound::{RATE, noise, write_wav};

/// Longest that a run may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Longest until a trial is remembered; where the machine is quiet it takes 7 s, or 11.
const TRIED: Duration = Duration::from_secs(60);

/// A server and the folder of a user's state.
struct Rig {
    server: PulseAudio,
    file: PathBuf,
}

impl Rig {
    fn new() -> Self {
        let server = PulseAudio::start().unwrap();
        let file = server.folder().join("state/ossicle/periods.toml");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        Self { server, file }
    }

    /// Remembers what works and what fails, for the speaker and the microphone.
    fn remember(&self, speaker: (u32, u32), microphone: (u32, u32)) {
        let entry = |device, direction, (works, fails)| {
            format!(
                "[[device]]\ndevice = \"pulseaudio:{device}\"\ndirection = \"{direction}\"\n\
                 sample_rate_hz = 48000\nworks_frames = {works}\nfails_frames = {fails}\n"
            )
        };
        let text = format!(
            "version = 1\n{}{}",
            entry(PulseAudio::SPEAKER, "output", speaker),
            entry(PulseAudio::MICROPHONE, "input", microphone)
        );
        fs::write(&self.file, text).unwrap();
    }

    fn start(&self, line: &str, files: &[&Path]) -> Ossicle {
        let mut env = self.server.env();
        let state = self.server.folder().join("state");
        env.push(("XDG_STATE_HOME".into(), state.to_str().unwrap().into()));
        Ossicle::start(env, line, files)
    }

    fn run(&self, line: &str, files: &[&Path]) -> Outcome {
        self.start(line, files).finish(LIMIT).ok()
    }
}

#[test]
fn what_works_is_remembered_for_live_and_others_stay_safe() {
    crate::served(|| {
        let rig = Rig::new();
        let wav = rig.server.folder().join("short.wav");
        write_wav(&wav, &noise(RATE / 10));
        let live = "live --host pulseaudio --for 200ms";
        let buffer = |outcome: &Outcome| outcome.count("buffer_frames");

        rig.remember((128, 64), (64, 32));
        assert_eq!(buffer(&rig.run(live, &[])), 128);
        assert_eq!(buffer(&rig.run(&format!("{live} --buffer 512"), &[])), 512);
        let play = "play {} --host pulseaudio";
        assert_eq!(buffer(&rig.run(play, &[&wav])), 256);
        // What is too short even for that is not taken again.
        rig.remember((512, 256), (64, 32));
        assert_eq!(buffer(&rig.run(play, &[&wav])), 512);

        // A file that is not understood is told of, and left as it is.
        fs::write(&rig.file, "version = 2\n").unwrap();
        let outcome = rig.run(live, &[]);
        assert_eq!(buffer(&outcome), 256);
        let warnings = outcome.json["warnings"].to_string();
        assert!(
            warnings.contains("it is of version 2 (allowed: 1)"),
            "{warnings}"
        );
        assert_eq!(fs::read_to_string(&rig.file).unwrap(), "version = 2\n");
    });
}

#[test]
fn a_shorter_period_is_tried_beside_a_session_and_remembered() {
    crate::served(|| {
        let rig = Rig::new();
        // One trial is left, of 128 frames on the speaker.
        rig.remember((256, 64), (64, 32));
        let before = fs::read_to_string(&rig.file).unwrap();
        let mut program = rig.start("live --host pulseaudio", &[]);
        let began = Instant::now();
        let after = loop {
            let now = fs::read_to_string(&rig.file).unwrap();
            if now != before {
                break now;
            }
            assert!(began.elapsed() < TRIED, "nothing was tried");
            assert!(program.is_running());
            sleep(Duration::from_millis(50));
        };
        // Neither the beginning nor the trial was cut short: 2 s, 2 s of quiet, 2.3 s.
        assert!(
            began.elapsed() > Duration::from_secs(6),
            "{:?}",
            began.elapsed()
        );
        program.terminate();
        let outcome = program.finish(LIMIT).ok();
        assert_eq!(outcome.count("buffer_frames"), 256);
        let speaker = after
            .split("[[device]]")
            .find(|text| text.contains("speaker"));
        let speaker = speaker.unwrap();
        let holds = |line: &str| speaker.lines().any(|told| told == line);
        let works = holds("works_frames = 128") && holds("fails_frames = 64");
        let fails = holds("works_frames = 256") && holds("fails_frames = 128");
        assert!(works || fails, "{speaker}");
    });
}

/// Not a period but a server, or the program, stood still: nothing is known of the periods by that.
#[test]
fn what_stood_still_for_a_second_does_not_lengthen_a_period() {
    crate::served(|| {
        type Fault = fn(&mut Rig, &mut Ossicle);
        let faults: [(&str, Fault); 3] = [
            ("the server stood still", |rig, _| {
                rig.server.stop().unwrap();
                sleep(Duration::from_secs(1));
                rig.server.cont().unwrap();
            }),
            ("the server crashed", |rig, _| {
                rig.server.kill();
                sleep(Duration::from_secs(1));
                rig.server.restart().unwrap();
            }),
            ("the program was stopped", |_, program| {
                program.stop();
                sleep(Duration::from_secs(1));
                program.cont();
            }),
        ];
        for (name, fault) in faults {
            let mut rig = Rig::new();
            // Nothing is left to be tried.
            rig.remember((256, 128), (256, 128));
            let before = fs::read_to_string(&rig.file).unwrap();
            let mut program = rig.start("live --host pulseaudio", &[]);
            sleep(Duration::from_secs(3));
            fault(&mut rig, &mut program);
            sleep(Duration::from_secs(3));
            program.terminate();
            let outcome = program.finish(LIMIT).ok();
            let after = fs::read_to_string(&rig.file).unwrap();
            assert_eq!(before, after, "{name}: {}", outcome.json);
        }
    });
}
