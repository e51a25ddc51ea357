//! Which servers answer, and what the default device settles on.

use std::env;
use std::path::PathBuf;

use super::{Diagnosis, Severity};
use crate::device::{self, HostKind, Layers, Port, StreamInfo, StreamRequest};

/// Longest default period that is no hindrance to hearing oneself, in milliseconds: sound and
/// answer are two periods apart at the least.
const LONG_PERIOD_MS: f64 = 12.0;

pub(super) fn look(diagnosis: &mut Diagnosis) {
    let host = device::default_host();
    servers(diagnosis);
    alsa(host, diagnosis);
    match host {
        Some(host) => default_device(host, diagnosis),
        None => {
            diagnosis.fact("default_device", "none");
            diagnosis.find(
                Severity::Blocks,
                "no sound card and no sound server answers".to_owned(),
                "there is nothing to play on and nothing to record from",
                &[
                    "aplay -l    # the cards that the system knows",
                    "sudo usermod -aG audio $USER    # if it knows some: then log out and in again",
                    "systemctl --user start pipewire pipewire-pulse    # or start another server",
                ],
            );
        }
    }
}

fn output() -> StreamRequest {
    StreamRequest {
        output: Some(Port::default()),
        ..StreamRequest::default()
    }
}

fn servers(diagnosis: &mut Diagnosis) {
    let jack = device::open(HostKind::Jack, &output());
    let told = match &jack {
        Ok(pending) => period(pending.info()),
        Err(_) => "does not answer".to_owned(),
    };
    diagnosis.fact("jack", told);
    let pulse = device::pulse_server();
    let told = match &pulse {
        Some(server) => {
            let latency = server
                .sink_latency_us
                .filter(|&us| us > 0)
                .map_or_else(String::new, |us| format!(", its sink holds {us} us"));
            format!("{}, {} Hz{latency}", server.name, server.sample_rate_hz)
        }
        None => "does not answer".to_owned(),
    };
    diagnosis.fact("pulseaudio", told);
    let told = match device::open(HostKind::PipeWire, &output()) {
        Ok(pending) => period(pending.info()),
        Err(_) if pipewire_socket().is_some_and(|socket| socket.exists()) => {
            "there; `pw-metadata -n settings` shows its rate and period".to_owned()
        }
        Err(_) => "does not answer".to_owned(),
    };
    diagnosis.fact("pipewire", told);
}

fn pipewire_socket() -> Option<PathBuf> {
    let folder = env::var_os("PIPEWIRE_RUNTIME_DIR").or_else(|| env::var_os("XDG_RUNTIME_DIR"))?;
    let name = env::var_os("PIPEWIRE_REMOTE").unwrap_or_else(|| "pipewire-0".into());
    Some(PathBuf::from(folder).join(name))
}

fn alsa(host: Option<HostKind>, diagnosis: &mut Diagnosis) {
    let Some(layers) = device::alsa_layers("default") else {
        diagnosis.fact("alsa_default", "does not open");
        return;
    };
    let Layers {
        names,
        sample_rate_hz,
        period_frames,
    } = &layers;
    let told = format!(
        "{} at {sample_rate_hz} Hz, period {period_frames} frames",
        names.join(" > ")
    );
    diagnosis.fact("alsa_default", told);
    let has = |part: &str| names.iter().any(|name| name.contains(part));
    // What is not used by itself is only worth a note.
    let severity = if host == Some(HostKind::Alsa) {
        Severity::Hinders
    } else {
        Severity::Note
    };
    let by_card = "ossicle devices    # then name the card: --host alsa --device hw:CARD=...";
    if has("Rate conversion") {
        diagnosis.find(
            severity,
            format!("ALSA's default device resamples 48000 Hz to {sample_rate_hz} Hz"),
            "resampling adds a delay that no one tells",
            &[by_card],
        );
    }
    if has("Direct Stream Mixing") || has("Direct Snoop") {
        diagnosis.find(
            severity,
            format!(
                "ALSA's default device is a mixer with a fixed period of {period_frames} frames"
            ),
            "whatever period is asked for, this one counts",
            &[by_card],
        );
    }
    for (server, name) in [
        ("PulseAudio", "pulseaudio"),
        ("PipeWire", "pipewire"),
        ("JACK", "jack"),
    ] {
        if has(&format!("ALSA <-> {server}")) {
            let mend = format!("--host {name}");
            diagnosis.find(
                severity,
                format!("ALSA's default device leads to {server}"),
                "the server holds more for a program that comes by way of ALSA",
                &[&mend],
            );
        }
    }
}

fn default_device(host: HostKind, diagnosis: &mut Diagnosis) {
    let pending = match device::open(host, &output()) {
        Ok(pending) => pending,
        Err(error) => {
            diagnosis.fact("default_device", "does not open");
            diagnosis.find(
                Severity::Blocks,
                format!("the default device does not open: {error}"),
                "nothing can be played on it",
                &["ossicle devices    # then name another: --device ..."],
            );
            return;
        }
    };
    let info = pending.info();
    let name = info.output_device.as_deref().unwrap_or("unnamed");
    diagnosis.fact(
        "default_device",
        format!("{name} ({host}), {}", period(info)),
    );
    let period_ms = period_ms(info);
    if period_ms > LONG_PERIOD_MS {
        diagnosis.find(
            Severity::Hinders,
            format!("the default device's period is {period_ms:.1} ms"),
            "sound in and sound out are two such periods apart at the least",
            &["ask for less: --buffer 128"],
        );
    }
}

fn period_ms(info: &StreamInfo) -> f64 {
    1000.0 * f64::from(info.buffer_frames) / f64::from(info.sample_rate_hz.max(1))
}

fn period(info: &StreamInfo) -> String {
    let ms = period_ms(info);
    let hardware = info
        .device_latency_frames
        .map_or_else(String::new, |frames| {
            format!(", {frames} frames in hardware")
        });
    format!(
        "{} Hz, period {} frames = {ms:.1} ms, in and out {:.1} ms at the least{hardware}",
        info.sample_rate_hz,
        info.buffer_frames,
        2.0 * ms
    )
}
