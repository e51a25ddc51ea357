//! What the kernel and the machine are set to.

use std::collections::BTreeMap;

use super::files::Files;
use super::{Diagnosis, Severity};

/// Swappiness up to which memory of programs is kept while there is another way.
const LOW_SWAPPINESS: i64 = 10;
/// Slack of an ordinary thread's timers as Linux sets it, in nanoseconds.
const USUAL_SLACK_NS: i64 = 50_000;

pub(super) fn look(files: &Files, diagnosis: &mut Diagnosis) {
    governor(files, diagnosis);
    preemption(files, diagnosis);
    swap(files, diagnosis);
    timer_slack(files, diagnosis);
    real_time_share(files, diagnosis);
}

fn governor(files: &Files, diagnosis: &mut Diagnosis) {
    let mut governors: BTreeMap<String, usize> = BTreeMap::new();
    for cpu in files.names("sys/devices/system/cpu") {
        let path = format!("sys/devices/system/cpu/{cpu}/cpufreq/scaling_governor");
        if let Some(governor) = files.text(&path) {
            *governors.entry(governor).or_default() += 1;
        }
    }
    if governors.is_empty() {
        diagnosis.fact("governor", "none: the machine sets its clock itself");
        return;
    }
    let told: Vec<String> = governors
        .iter()
        .map(|(governor, cpus)| format!("{governor} ({cpus} cpus)"))
        .collect();
    let told = told.join(", ");
    diagnosis.fact("governor", told.clone());
    // `schedutil` runs real-time threads at full clock.
    let is_fast = |governor: &String| matches!(governor.as_str(), "performance" | "schedutil");
    if !governors.keys().all(is_fast) {
        diagnosis.find(
            Severity::Hinders,
            format!("the governor is {told}"),
            "between two callbacks the clock falls, and rises too late for the next",
            &["echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"],
        );
    }
}

/// Where the kernel gives way to a thread that wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Preemption {
    RealTime,
    /// Nearly everywhere; `lazy` is the same for real-time threads.
    Full,
    Voluntary,
    None,
}

fn preemption(files: &Files, diagnosis: &mut Diagnosis) {
    let version = files.text("proc/version").unwrap_or_default();
    let is_dynamic = version.contains("PREEMPT_DYNAMIC");
    let Some(found) = preemption_of(files, &version) else {
        if is_dynamic {
            diagnosis.fact("preemption", "set at boot; this user may not read it");
        }
        return;
    };
    diagnosis.fact(
        "preemption",
        match found {
            Preemption::RealTime => "real-time",
            Preemption::Full => "full",
            Preemption::Voluntary => "voluntary",
            Preemption::None => "none",
        },
    );
    if !matches!(found, Preemption::Voluntary | Preemption::None) {
        return;
    }
    let steps: &[&str] = if is_dynamic {
        &[
            "add preempt=full to GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub",
            "sudo update-grub",
            "restart",
        ]
    } else {
        &["install a kernel with preemption (Debian: sudo apt install linux-image-rt-amd64)"]
    };
    diagnosis.find(
        Severity::Hinders,
        "the kernel is not preempted while it works for another program".to_owned(),
        "a callback waits until that work is done, milliseconds at worst",
        steps,
    );
}

/// From what is sure to what is likely.
fn preemption_of(files: &Files, version: &str) -> Option<Preemption> {
    if files.number("sys/kernel/realtime") == Some(1) || version.contains("PREEMPT_RT") {
        return Some(Preemption::RealTime);
    }
    let named = |name: &str| match name {
        "full" | "lazy" => Some(Preemption::Full),
        "voluntary" => Some(Preemption::Voluntary),
        "none" => Some(Preemption::None),
        _ => None,
    };
    // "none voluntary (full) lazy"
    if let Some(modes) = files.text("sys/kernel/debug/sched/preempt") {
        let chosen = modes.split_once('(')?.1.split_once(')')?.0;
        return named(chosen);
    }
    let command = files.text("proc/cmdline").unwrap_or_default();
    let asked = command
        .split_whitespace()
        .filter_map(|word| named(word.strip_prefix("preempt=")?))
        .next_back();
    if asked.is_some() {
        return asked;
    }
    let release = files.text("proc/sys/kernel/osrelease").unwrap_or_default();
    if let Some(config) = files.text(&format!("boot/config-{release}")) {
        let is_set = |line: &str| config.lines().any(|set| set == line);
        return if is_set("CONFIG_PREEMPT=y") || is_set("CONFIG_PREEMPT_LAZY=y") {
            Some(Preemption::Full)
        } else if is_set("CONFIG_PREEMPT_VOLUNTARY=y") {
            Some(Preemption::Voluntary)
        } else {
            Some(Preemption::None)
        };
    }
    if version.is_empty() || version.contains("PREEMPT_DYNAMIC") {
        None
    } else if version.split_whitespace().any(|word| word == "PREEMPT") {
        Some(Preemption::Full)
    } else {
        Some(Preemption::None)
    }
}

fn swap(files: &Files, diagnosis: &mut Diagnosis) {
    let Some(swaps) = files.text("proc/swaps") else {
        return;
    };
    if swaps.lines().count() < 2 {
        diagnosis.fact("swap", "none");
        return;
    }
    let swappiness = files.number("proc/sys/vm/swappiness").unwrap_or(60);
    diagnosis.fact("swap", format!("in use, vm.swappiness {swappiness}"));
    if swappiness > LOW_SWAPPINESS {
        diagnosis.find(
            Severity::Hinders,
            format!("there is swap, and vm.swappiness is {swappiness}"),
            "memory of programs goes to disk for the sake of the file cache, and comes back late",
            &[
                "sudo sysctl vm.swappiness=10",
                "echo vm.swappiness=10 | sudo tee /etc/sysctl.d/90-audio.conf",
            ],
        );
    }
}

fn timer_slack(files: &Files, diagnosis: &mut Diagnosis) {
    let Some(slack_ns) = files.number("proc/self/timerslack_ns") else {
        return;
    };
    let slack_us = slack_ns / 1000;
    let value = format!("{slack_us} us for ordinary threads, none for real-time ones");
    diagnosis.fact("timer_slack", value);
    if slack_ns > USUAL_SLACK_NS {
        diagnosis.find(
            Severity::Note,
            format!("timers of ordinary threads may be {slack_us} us late, more than usual"),
            "threads without real-time rights wake that much later",
            &["set TimerSlackNSec=50us in the service that begins the program"],
        );
    }
}

fn real_time_share(files: &Files, diagnosis: &mut Diagnosis) {
    let Some(share_us) = files.number("proc/sys/kernel/sched_rt_runtime_us") else {
        return;
    };
    let period_us = files
        .number("proc/sys/kernel/sched_rt_period_us")
        .unwrap_or(1_000_000);
    let value = match share_us {
        ..0 => "all of the time".to_owned(),
        share_us => format!("{share_us} us of every {period_us} us"),
    };
    diagnosis.fact("realtime_share", value);
    if (0..period_us / 2).contains(&share_us) {
        diagnosis.find(
            Severity::Hinders,
            format!("real-time threads get {share_us} us of every {period_us} us"),
            "a callback that comes when the share is used up waits for the next period",
            &["sudo sysctl kernel.sched_rt_runtime_us=950000"],
        );
    }
}
