//! What the user may: priorities, locked memory, time without a pause.

use super::files::Files;
use super::{Diagnosis, Severity};
use crate::rights::{Denial, RtkitRefusal, Scheduling};

/// Bits of the capabilities in `/proc/self/status` that lift the limits.
const SYS_NICE: u64 = 1 << 23;
const IPC_LOCK: u64 = 1 << 14;
/// A limit of time without a pause below this is near to what a busy callback takes, in
/// microseconds.
const SHORT_TIME_US: u64 = 200_000;

const WHY_SCHEDULING: &str = "without it any busy program makes the sound late";
const MEND_RTPRIO: [&str; 3] = [
    "echo '@audio - rtprio 95' | sudo tee -a /etc/security/limits.d/audio.conf",
    "sudo usermod -aG audio $USER",
    "log out and in again",
];
/// What rtkit's rights come with.
const WHY_OWN: &str = "the system ends a program whose callback takes longer than rtkit allows; \
                       the limit rtprio gives more, without that";
const MEND_GROUPS: [&str; 1] = ["sudo sysctl kernel.sched_rt_runtime_us=-1"];
const MEND_RTTIME: [&str; 2] = [
    "ulimit -R unlimited",
    "or begin the program outside of the service that set it",
];

/// A soft limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    Unlimited,
    Of(u64),
}

pub(super) fn look(files: &Files, diagnosis: &mut Diagnosis) {
    let limits = files.text("proc/self/limits").unwrap_or_default();
    let has = capabilities(files).unwrap_or(0);
    scheduling(
        limit(&limits, "Max realtime priority"),
        has & SYS_NICE != 0,
        has_rtkit(files),
        diagnosis,
    );
    memory(
        limit(&limits, "Max locked memory"),
        has & IPC_LOCK != 0,
        diagnosis,
    );
    time(limit(&limits, "Max realtime timeout"), diagnosis);
}

/// Whether rtkit is installed.
fn has_rtkit(files: &Files) -> bool {
    files.has("usr/share/dbus-1/system-services/org.freedesktop.RealtimeKit1.service")
}

/// The soft limit in a line of `/proc/self/limits`.
fn limit(limits: &str, name: &str) -> Option<Limit> {
    let rest = limits.lines().find_map(|line| line.strip_prefix(name))?;
    match rest.split_whitespace().next()? {
        "unlimited" => Some(Limit::Unlimited),
        number => number.parse().ok().map(Limit::Of),
    }
}

fn capabilities(files: &Files) -> Option<u64> {
    let status = files.text("proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

fn scheduling(limit: Option<Limit>, exempt: bool, rtkit_is_there: bool, diagnosis: &mut Diagnosis) {
    if let Some(limit) = limit {
        let exempt = if exempt { ", not binding here" } else { "" };
        let value = match limit {
            Limit::Unlimited => format!("unlimited{exempt}"),
            Limit::Of(priority) => format!("{priority}{exempt}"),
        };
        diagnosis.fact("rtprio", value);
    }
    if let Some(scheduling) = diagnosis.scheduling {
        diagnosis.fact("scheduling", scheduling.to_string());
    }
    diagnosis.fact("rtkit", rtkit(diagnosis.scheduling, rtkit_is_there));
    match diagnosis.scheduling {
        Some(Scheduling::Denied(denial)) => refused(denial, diagnosis),
        Some(scheduling @ Scheduling::ByRtkit { .. }) => diagnosis.find(
            Severity::Note,
            format!("real-time scheduling is {scheduling}"),
            WHY_OWN,
            &MEND_RTPRIO,
        ),
        None if limit == Some(Limit::Of(0)) && !exempt && !rtkit_is_there => {
            let denial = Denial::NotPermitted {
                asked: crate::rights::PRIORITY,
                allowed: 0,
                rtkit: RtkitRefusal::Absent,
            };
            refused(denial, diagnosis);
        }
        _ => {}
    }
}

/// What rtkit is to this program.
fn rtkit(tried: Option<Scheduling>, is_there: bool) -> String {
    match tried {
        Some(Scheduling::ByRtkit { priority }) => format!("gives priority {priority}"),
        Some(Scheduling::Denied(Denial::NotPermitted { rtkit, .. })) => match rtkit {
            RtkitRefusal::Absent if is_there => "installed, does not run".to_owned(),
            refusal => refusal.to_string(),
        },
        Some(_) if is_there => "installed, not asked".to_owned(),
        Some(_) => "not installed".to_owned(),
        None if is_there => "installed".to_owned(),
        None => "not installed".to_owned(),
    }
}

fn refused(denial: Denial, diagnosis: &mut Diagnosis) {
    let (what, mend) = match denial {
        Denial::NotPermitted {
            allowed: 0, rtkit, ..
        } => (
            format!("the limit rtprio is 0, and {rtkit}"),
            &MEND_RTPRIO[..],
        ),
        // Groups of processes have a share of their own, and none unless it is given.
        Denial::NotPermitted { .. } => (denial.to_string(), &MEND_GROUPS[..]),
        Denial::TimeTooShort { .. } => (denial.to_string(), &MEND_RTTIME[..]),
        _ => (
            denial.to_string(),
            &["run this as the user who logged in"][..],
        ),
    };
    let what = format!("real-time scheduling is refused: {what}");
    diagnosis.find(Severity::Blocks, what, WHY_SCHEDULING, mend);
}

fn memory(limit: Option<Limit>, exempt: bool, diagnosis: &mut Diagnosis) {
    let Some(limit) = limit else { return };
    let Limit::Of(bytes) = limit else {
        diagnosis.fact("memlock", "unlimited");
        return;
    };
    let kib = bytes / 1024;
    if exempt {
        diagnosis.fact("memlock", format!("{kib} KiB, not binding here"));
        return;
    }
    diagnosis.fact("memlock", format!("{kib} KiB"));
    diagnosis.find(
        Severity::Hinders,
        format!("memory cannot be locked: the limit memlock is {kib} KiB"),
        "code and buffers that were paged out are fetched from disk within a callback",
        &[
            "echo '@audio - memlock unlimited' | sudo tee -a /etc/security/limits.d/audio.conf",
            "sudo usermod -aG audio $USER",
            "log out and in again",
        ],
    );
}

fn time(limit: Option<Limit>, diagnosis: &mut Diagnosis) {
    match limit {
        Some(Limit::Unlimited) => diagnosis.fact("rttime", "unlimited"),
        Some(Limit::Of(us)) => {
            diagnosis.fact("rttime", format!("{us} us"));
            // Otherwise the limit is rtkit's, and told with it.
            let by_rtkit = matches!(diagnosis.scheduling, Some(Scheduling::ByRtkit { .. }));
            if us < SHORT_TIME_US && !by_rtkit {
                diagnosis.find(
                    Severity::Hinders,
                    format!("the limit RLIMIT_RTTIME is {us} us"),
                    "the system ends a program whose real-time thread computes longer than that \
                     without a pause",
                    &MEND_RTTIME,
                );
            }
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_by_name() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max locked memory         8388608              unlimited            bytes     \n\
                    Max realtime priority     95                   99                   \n\
                    Max realtime timeout      unlimited            unlimited            us        \n";
        assert_eq!(limit(text, "Max locked memory"), Some(Limit::Of(8_388_608)));
        assert_eq!(limit(text, "Max realtime priority"), Some(Limit::Of(95)));
        let time = limit(text, "Max realtime timeout");
        assert_eq!(time, Some(Limit::Unlimited));
        assert_eq!(limit(text, "Max nice priority"), None);
    }
}
