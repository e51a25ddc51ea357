//! `ossicle doctor`, and what the other commands get of the rights it looks at.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::call::{Ran, finish, ossicle, start_as};
use crate::sound::text;

const LIMITS: &str = "\
Limit                     Soft Limit           Hard Limit           Units     
Max locked memory         unlimited            unlimited            bytes     
Max realtime priority     95                   95                   
Max realtime timeout      unlimited            unlimited            us        
";
const SWAPS: &str = "Filename\tType\tSize\tUsed\tPriority";
const GOVERNOR: &str = "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor";
const RTKIT: &str = "usr/share/dbus-1/system-services/org.freedesktop.RealtimeKit1.service";

/// Files of a machine on which nothing stands in the way.
const GOOD: [(&str, &str); 11] = [
    ("proc/self/limits", LIMITS),
    ("proc/self/status", "Name:\tx\nCapEff:\t0000000000000000\n"),
    ("proc/self/timerslack_ns", "50000\n"),
    (
        "proc/version",
        "Linux version 6.12.0 (x) #1 SMP PREEMPT_DYNAMIC Debian\n",
    ),
    ("proc/cmdline", "quiet preempt=full\n"),
    ("proc/swaps", SWAPS),
    ("proc/sys/vm/swappiness", "60\n"),
    ("proc/sys/kernel/sched_rt_runtime_us", "950000\n"),
    ("proc/sys/kernel/sched_rt_period_us", "1000000\n"),
    (
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
        "schedutil\n",
    ),
    (GOVERNOR, "performance\n"),
];

/// A folder with those files, but for the changed ones.
fn machine(changed: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in GOOD.iter().chain(changed) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn examined(folder: &Path) -> (Ran, Value) {
    let ran = ossicle(&["doctor", "--root", text(folder), "--json"]);
    let json = serde_json::from_str(&ran.stdout).expect(&ran.stdout);
    (ran, json)
}

/// Runs the program without any right of real-time work, as root too, and without rtkit.
fn without_rights(arguments: &[&str]) -> Ran {
    let script = "export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent/bus; \
                  ulimit -r 0 && ulimit -l 64 && if [ $(id -u) = 0 ]; then \
                  exec setpriv --bounding-set=-sys_nice,-ipc_lock \
                  --inh-caps=-sys_nice,-ipc_lock \"$@\"; else exec \"$@\"; fi";
    let line = ["-c", script, "sh", env!("CARGO_BIN_EXE_ossicle")];
    finish(start_as("sh", &[&line[..], arguments].concat()))
}

/// Checks that the exit code fits the findings and that each has all its parts.
fn check(exit: Option<i32>, json: &Value) {
    let findings = json["findings"].as_array().unwrap();
    let stands = |finding: &Value| finding["severity"] != "note";
    let clear = !findings.iter().any(stands);
    assert_eq!(json["clear"], clear, "{json}");
    assert_eq!(exit, Some(if clear { 0 } else { 3 }), "{json}");
    for finding in findings {
        let severity = finding["severity"].as_str().unwrap();
        assert!(["blocks", "hinders", "note"].contains(&severity), "{json}");
        for part in ["what", "why"] {
            assert!(finding[part].as_str().unwrap().len() > 10, "{finding}");
        }
        let steps = finding["mend"].as_array().unwrap();
        assert!(!steps.is_empty(), "{finding}");
    }
}

#[test]
fn a_machine_with_nothing_in_the_way_ends_with_0() {
    let folder = machine(&[]);
    let (ran, json) = examined(folder.path());
    assert_eq!(ran.exit, Some(0), "{json}");
    check(ran.exit, &json);
    assert_eq!(json["findings"].as_array().unwrap().len(), 0);
    assert!(json["scheduling"].is_null() && json["wake_ups"].is_null());
    for (fact, value) in [
        ("rtprio", "95"),
        ("memlock", "unlimited"),
        ("rttime", "unlimited"),
        ("preemption", "full"),
        ("swap", "none"),
        ("governor", "performance (1 cpus), schedutil (1 cpus)"),
        ("realtime_share", "950000 us of every 1000000 us"),
    ] {
        assert_eq!(json["facts"][fact], value, "{json}");
    }
    let said = ossicle(&["doctor", "--root", text(folder.path())]);
    said.done();
    let last = said.stdout.lines().last();
    assert_eq!(last, Some("nothing stands in the way of low latency"));
}

#[test]
fn a_root_that_is_no_folder_ends_with_2() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for root in ["/nowhere/at/all", text(file.path())] {
        let said = ossicle(&["doctor", "--root", root]);
        assert!(said.failed(2).starts_with(root), "{said:?}");
    }
}

#[test]
fn each_thing_in_the_way_is_found_and_ends_with_3() {
    let limits = |from: &str, to: &str| {
        assert!(LIMITS.contains(from));
        LIMITS.replace(from, to)
    };
    let no_priority = limits("priority     95 ", "priority     0  ");
    let little_memory = limits("memory         unlimited", "memory         8388608  ");
    let little_time = limits("timeout      unlimited", "timeout      100000   ");
    let swap = format!("{SWAPS}\n/dev/sda2 partition 1 0 -2\n");
    let config = "CONFIG_PREEMPT_VOLUNTARY=y\n# CONFIG_PREEMPT is not set\n";
    let old = "Linux version 5.10.0 (x) #1 SMP Debian";
    for (changed, severity, what, mend) in [
        (
            &[("proc/self/limits", &no_priority[..])][..],
            "blocks",
            "rtprio is 0",
            "@audio - rtprio",
        ),
        (
            &[("proc/self/limits", &little_memory)],
            "hinders",
            "memlock is 8192 KiB",
            "memlock unlimited",
        ),
        (
            &[("proc/self/limits", &little_time)],
            "hinders",
            "RLIMIT_RTTIME is 100000 us",
            "ulimit -R",
        ),
        (
            &[(GOVERNOR, "powersave\n")],
            "hinders",
            "powersave (1 cpus)",
            "scaling_governor",
        ),
        (
            &[("proc/swaps", &swap)],
            "hinders",
            "swappiness is 60",
            "vm.swappiness=10",
        ),
        (
            &[("proc/cmdline", "preempt=full preempt=voluntary")],
            "hinders",
            "not preempted",
            "preempt=full",
        ),
        (
            &[(
                "sys/kernel/debug/sched/preempt",
                "(none) voluntary full lazy",
            )],
            "hinders",
            "not preempted",
            "preempt=full",
        ),
        (
            &[
                ("proc/cmdline", ""),
                ("proc/version", old),
                ("proc/sys/kernel/osrelease", "5.10.0\n"),
                ("boot/config-5.10.0", config),
            ],
            "hinders",
            "not preempted",
            "install a kernel",
        ),
        (
            &[("proc/sys/kernel/sched_rt_runtime_us", "0")],
            "hinders",
            "get 0 us",
            "sched_rt_runtime_us=950000",
        ),
    ] {
        let folder = machine(changed);
        let (ran, json) = examined(folder.path());
        check(ran.exit, &json);
        assert_eq!(ran.exit, Some(3), "{changed:?}: {json}");
        let findings = json["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{changed:?}: {json}");
        assert_eq!(findings[0]["severity"], severity, "{changed:?}");
        assert!(
            findings[0]["what"].as_str().unwrap().contains(what),
            "{changed:?}: {json}"
        );
        assert!(
            findings[0]["mend"].to_string().contains(mend),
            "{changed:?}: {json}"
        );
        let said = ossicle(&["doctor", "--root", text(folder.path())]);
        assert_eq!(said.exit, Some(3));
        assert!(said.stdout.contains(mend) && said.stdout.contains("  why "));
    }
}

#[test]
fn what_is_set_well_or_does_not_bind_is_not_found() {
    let bound = LIMITS.replace("unlimited", "8388608  ").replace("95", "0 ");
    let bound = bound.replace("timeout      8388608", "timeout      200000 ");
    let swap = format!("{SWAPS}\n/dev/sda2 partition 1 0 -2\n");
    for changed in [
        // The capabilities of real-time scheduling and of locking memory lift both limits.
        &[
            ("proc/self/limits", &bound[..]),
            ("proc/self/status", "CapEff:\t0000000000804000\n"),
        ][..],
        &[("proc/swaps", &swap), ("proc/sys/vm/swappiness", "10\n")],
        &[
            ("proc/cmdline", "preempt=none"),
            ("sys/kernel/realtime", "1\n"),
        ],
        // rtkit may give what the limit does not; without a try nobody knows.
        &[
            ("proc/self/limits", &LIMITS.replace("95", "0 ")),
            (RTKIT, "[D-BUS Service]\n"),
        ],
        &[("proc/cmdline", "preempt=lazy")],
        &[("proc/sys/kernel/sched_rt_runtime_us", "-1")],
        // A note stands in nobody's way.
        &[("proc/self/timerslack_ns", "5000000")],
    ] {
        let (ran, json) = examined(machine(changed).path());
        check(ran.exit, &json);
        assert_eq!(ran.exit, Some(0), "{changed:?}: {json}");
    }
}

#[test]
fn on_this_machine_it_tries_and_its_exit_code_fits_what_it_finds() {
    let ran = ossicle(&["doctor", "--json"]);
    let json: Value = serde_json::from_str(&ran.stdout).expect(&ran.stdout);
    check(ran.exit, &json);
    let wake_ups = &json["wake_ups"];
    assert_eq!(wake_ups["sleeps"], 1000);
    let us = |key: &str| wake_ups[key].as_f64().unwrap();
    assert!(
        us("median_us") > 0.0 && us("median_us") <= us("p99_us"),
        "{json}"
    );
    assert!(us("p99_us") <= us("worst_us"), "{json}");
    let scheduling = json["scheduling"].as_str().unwrap();
    assert!(
        ["fifo ", "denied: ", "priority "]
            .iter()
            .any(|begin| scheduling.starts_with(begin)),
        "{json}"
    );
}

/// What doctor says of rtkit where no bus answers.
fn no_rtkit() -> &'static str {
    if Path::new("/").join(RTKIT).is_file() {
        "installed, does not run"
    } else {
        "rtkit is not there"
    }
}

#[test]
fn without_rights_both_refusals_are_found() {
    let ran = without_rights(&["doctor", "--json"]);
    let json: Value = serde_json::from_str(&ran.stdout).expect(&ran.stdout);
    check(ran.exit, &json);
    assert!(
        json["scheduling"].as_str().unwrap().starts_with("denied: "),
        "{json}"
    );
    let whats = json["findings"].to_string();
    assert_eq!(json["facts"]["rtkit"].as_str(), Some(no_rtkit()), "{json}");
    assert!(whats.contains("rtprio is 0") && whats.contains("memlock is 64 KiB"));
}

#[test]
fn a_default_device_of_alsa_that_resamples_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("asound.conf");
    for (slave, found) in [
        ("slave { pcm { type null } rate 44100 }", true),
        ("slave { pcm { type null } rate 48000 }", false),
    ] {
        fs::write(&config, format!("pcm.!default {{ type plug {slave} }}\n")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_ossicle"))
            .args(["doctor", "--json"])
            .env("ALSA_CONFIG_PATH", &config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let ran = finish(child.unwrap());
        let json: Value = serde_json::from_str(&ran.stdout).expect(&ran.stdout);
        check(ran.exit, &json);
        let layers = json["facts"]["alsa_default"].as_str().unwrap();
        assert_eq!(layers.contains("Rate conversion PCM"), found, "{json}");
        let whats = json["findings"].to_string();
        let what = "resamples 48000 Hz to 44100 Hz";
        assert_eq!(whats.contains(what), found, "{json}");
    }
}

#[test]
fn a_run_says_what_it_got() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("take.wav");
    let run = ["rec", text(&out), "--host", "null", "--for", "100ms"];
    let run = [&run[..], &["--force", "--json"]].concat();
    let json = ossicle(&run).json();
    let scheduling = json["realtime"]["scheduling"].as_str().unwrap();
    assert!(
        ["fifo ", "denied: ", "priority "]
            .iter()
            .any(|begin| scheduling.starts_with(begin)),
        "{json}"
    );
    assert!(json["realtime"]["memory_locked"].is_boolean(), "{json}");

    let json = ossicle(&[&run[..], &["--no-realtime"]].concat()).json();
    let realtime = serde_json::json!({"scheduling": "not asked for", "memory_locked": false});
    assert_eq!(json["realtime"], realtime);

    // Refused, it runs all the same.
    let json = without_rights(&run).json();
    let scheduling = "denied: priority 60 is not permitted (RLIMIT_RTPRIO allows 0; \
                      rtkit is not there)";
    let realtime = serde_json::json!({"scheduling": scheduling, "memory_locked": false});
    assert_eq!(json["realtime"], realtime);
    assert_eq!(json["frames"], 4800);
}

#[test]
fn a_time_limit_that_can_be_raised_is_and_one_that_cannot_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("take.wav");
    let scheduling = |limit: &str| {
        let line = [limit, env!("CARGO_BIN_EXE_ossicle"), "rec", text(&out)];
        let rest = ["--host", "null", "--for", "100ms", "--force", "--json"];
        let ran = finish(start_as("prlimit", &[&line[..], &rest].concat()));
        ran.json()["realtime"]["scheduling"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let usual = scheduling("--rttime=unlimited:unlimited");
    assert_eq!(scheduling("--rttime=20000:unlimited"), usual);
    let short = "denied: RLIMIT_RTTIME would end the program after 20000 us without a pause";
    assert_eq!(scheduling("--rttime=20000:20000"), short);
}
