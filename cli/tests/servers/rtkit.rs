//! Real-time scheduling by the real rtkit, for programs whose user has no right to it.
//!
//! rtkit and polkit run on a system bus of the test's own. Only root may start them; who is not
//! root runs the tests of buses without rtkit alone.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use xtask::servers::{PulseAudio, RtkitService, SystemBus};

use crate::program::Ossicle;
use crate::pulse::LIMIT;
use crate::rights::priorities;

const PROGRAM: &str = env!("CARGO_BIN_EXE_ossicle");
/// What rtkit gives unless it is told otherwise: `rtkit-daemon --help`.
const GIVEN: u32 = 20;
/// Its limit of 200 ms, and the soft limit a tenth below.
const LIMITED: [&str; 2] = ["180000", "200000"];
const UNLIMITED: [&str; 2] = ["unlimited"; 2];

/// A bus with rtkit, where that can be had.
fn rtkit(service: RtkitService) -> Option<SystemBus> {
    if SystemBus::rtkit_can_run() {
        return Some(SystemBus::start(service).unwrap());
    }
    println!("skipped: this user cannot start rtkit");
    None
}

/// A program run without the right to real-time scheduling, as this user.
fn without_right(program: &Path) -> Command {
    let script = "ulimit -r 0 && if [ $(id -u) = 0 ]; then \
                  exec setpriv --bounding-set=-sys_nice --inh-caps=-sys_nice \"$@\"; \
                  else exec \"$@\"; fi";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(program);
    command
}

/// The program run as a user who has no rights at all; it must be where that user may read it.
fn as_nobody(bus: &SystemBus) -> Command {
    let program = bus.folder().join("ossicle");
    fs::copy(PROGRAM, &program).unwrap();
    let mut command = Command::new("setpriv");
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    command.args(nobody).args(["sh", "-c"]);
    command
        .args(["ulimit -r 0 && exec \"$@\"", "sh"])
        .arg(program);
    command
}

/// Soft and hard `RLIMIT_RTTIME` of a process, as the kernel says.
fn time_limits(pid: u32) -> Vec<String> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let mut lines = limits.lines();
    let line = lines.find_map(|line| line.strip_prefix("Max realtime timeout"));
    let words = line.unwrap().split_whitespace().take(2);
    words.map(str::to_owned).collect()
}

/// What a run was while it ran, and what its summary says.
struct Seen {
    priorities: Vec<u32>,
    time_limits: Vec<String>,
    user: u32,
    scheduling: String,
}

fn seen(starter: Command, env: Vec<(String, String)>, line: &str) -> Seen {
    let program = Ossicle::start_by(starter, env, line, &[]);
    sleep(Duration::from_millis(2_000));
    let pid = program.pid();
    let folder = fs::metadata(format!("/proc/{pid}")).unwrap();
    let (priorities, time_limits) = (priorities(pid), time_limits(pid));
    let outcome = program.finish(LIMIT).ok();
    let scheduling = outcome.json["realtime"]["scheduling"].as_str().unwrap();
    Seen {
        priorities,
        time_limits,
        user: folder.uid(),
        scheduling: scheduling.to_owned(),
    }
}

#[test]
fn rtkit_gives_what_a_user_without_rights_is_refused() {
    crate::served(|| {
        let Some(bus) = rtkit(RtkitService::ForAll) else {
            return;
        };
        let line = "live --host null --buffer 256 --for 3s";
        let seen = seen(as_nobody(&bus), bus.env(), line);
        assert_eq!(seen.user, 65_534);
        assert_eq!(seen.scheduling, "priority 20 by rtkit");
        assert!(!seen.priorities.is_empty());
        let given = seen.priorities.iter().all(|&priority| priority == GIVEN);
        assert!(given, "{:?}", seen.priorities);
        assert_eq!(seen.time_limits, LIMITED);
    });
}

#[test]
fn rtkit_gives_both_streams_of_pulseaudio_from_outside() {
    crate::served(|| {
        let Some(bus) = rtkit(RtkitService::Usual) else {
            return;
        };
        let server = PulseAudio::start().unwrap();
        let line = "live --host pulseaudio --buffer 256 --for 3s";
        let env = [server.env(), bus.env()].concat();
        let seen = seen(without_right(Path::new(PROGRAM)), env, line);
        assert_eq!(seen.scheduling, "priority 20 by rtkit");
        assert_eq!(seen.priorities, [GIVEN; 2]);
    });
}

#[test]
fn who_did_not_log_in_is_refused_by_rtkit_and_runs_all_the_same() {
    crate::served(|| {
        let Some(bus) = rtkit(RtkitService::Usual) else {
            return;
        };
        let line = "live --host null --buffer 256 --for 3s";
        let seen = seen(as_nobody(&bus), bus.env(), line);
        let (said, why) = (&seen.scheduling, "; rtkit refused)");
        assert!(
            said.starts_with("denied: ") && said.ends_with(why),
            "{said}"
        );
        assert!(seen.priorities.is_empty());
    });
}

#[test]
fn a_period_longer_than_rtkit_allows_is_left_without_its_limit() {
    crate::served(|| {
        let Some(bus) = rtkit(RtkitService::ForAll) else {
            return;
        };
        // 16384 frames at 48 kHz are 341 ms.
        let line = "live --host null --buffer 16384 --for 3s";
        let seen = seen(as_nobody(&bus), bus.env(), line);
        let said = &seen.scheduling;
        assert!(said.contains("less time than a period"), "{said}");
        assert_eq!(seen.time_limits, UNLIMITED);
        assert!(seen.priorities.is_empty());
    });
}

#[test]
fn a_bus_without_rtkit_is_told() {
    crate::served(|| {
        let bus = SystemBus::start(RtkitService::None).unwrap();
        let line = "live --host null --buffer 256 --for 3s";
        let seen = seen(without_right(Path::new(PROGRAM)), bus.env(), line);
        let (said, why) = (&seen.scheduling, "; rtkit is not there)");
        assert!(
            said.starts_with("denied: ") && said.ends_with(why),
            "{said}"
        );
        assert_eq!(seen.time_limits, UNLIMITED);
    });
}

#[test]
fn a_dead_bus_delays_no_start() {
    crate::served(|| {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("bus");
        let _listener = UnixListener::bind(&socket).unwrap();
        let address = format!("unix:path={}", socket.display());
        let env = vec![("DBUS_SYSTEM_BUS_ADDRESS".to_owned(), address)];
        let began = Instant::now();
        let line = "live --host null --buffer 256 --for 2s";
        let starter = without_right(Path::new(PROGRAM));
        let outcome = Ossicle::start_by(starter, env, line, &[])
            .finish(LIMIT)
            .ok();
        let took = began.elapsed();
        let said = outcome.json["realtime"]["scheduling"].as_str().unwrap();
        assert!(said.ends_with("; rtkit did not answer)"), "{said}");
        // 2 s of sound without the second for which rtkit is waited; half a second for a busy machine.
        assert!(took < Duration::from_millis(2_500), "{took:?}");
        assert!(outcome.count("frames") >= 90_000, "{}", outcome.json);
    });
}

#[test]
fn doctor_says_what_rtkit_gives_the_program_itself() {
    crate::served(|| {
        let Some(bus) = rtkit(RtkitService::ForAll) else {
            return;
        };
        let mut doctor = as_nobody(&bus);
        let ran = doctor.args(["doctor", "--json"]).envs(bus.env()).output();
        let told: Value = serde_json::from_slice(&ran.unwrap().stdout).unwrap();
        assert_eq!(told["scheduling"], "priority 20 by rtkit", "{told}");
        assert_eq!(told["facts"]["rtkit"], "gives priority 20", "{told}");
        let findings = told["findings"].as_array().unwrap();
        let of = |word: &str| -> Vec<_> {
            let about = |finding: &&Value| finding["what"].as_str().unwrap().contains(word);
            findings.iter().filter(about).collect()
        };
        assert_eq!(of("by rtkit")[0]["severity"], "note", "{told}");
        assert!(of("rtprio").is_empty() && of("RTTIME").is_empty(), "{told}");
    });
}
