//! `ossicle render --events`.

use std::path::Path;

use crate::call::ossicle;
use crate::sound::{bits, folder_with_noise, read_f32, text};

fn render(noise: &Path, out: &Path, fx: &str, block: &str, events: &Path) -> Vec<f32> {
    ossicle(&[
        "render",
        text(noise),
        text(out),
        "--fx",
        fx,
        "--block",
        block,
        "--events",
        text(events),
    ])
    .done();
    read_f32(out)
}

#[test]
fn a_change_begins_on_its_frame_at_any_block() {
    let (folder, noise, samples) = folder_with_noise(1, 20_000);
    let (out, events) = (
        folder.path().join("out.wav"),
        folder.path().join("events.jsonl"),
    );
    std::fs::write(
        &events,
        "{\"at\":12345,\"node\":1,\"set\":{\"gain\":\"-6dB\"}}\n",
    )
    .unwrap();
    let whole = render(&noise, &out, "gain", "20000", &events);
    assert_eq!(bits(&whole[..12_345]), bits(&samples[..12_345]));
    // The glide begins there: 2 ms on it is well under way, and long after it, it has arrived.
    assert_ne!(whole[12_345..12_441], samples[12_345..12_441]);
    let gain = 10f32.powf(-6.0 / 20.0);
    for frame in 19_000..20_000 {
        assert!(
            (whole[frame] - samples[frame] * gain).abs() < 1e-6,
            "frame {frame}"
        );
    }
    for block in ["1", "7", "64", "1000"] {
        let cut = render(&noise, &out, "gain", block, &events);
        assert_eq!(bits(&cut), bits(&whole), "block {block}");
    }
}

#[test]
fn a_stepped_parameter_changes_on_its_very_frame() {
    let (folder, noise, samples) = folder_with_noise(1, 20_000);
    let (out, events) = (
        folder.path().join("out.wav"),
        folder.path().join("events.jsonl"),
    );
    // Without memory, and with one frame of delay line, the envelope is |x| and the gain above the
    // threshold t is (1 + t) - |x|: at t = 1 the noise passes, at t = 0 it becomes x (1 - |x|).
    let fx = "gain | envelope_limiter:attack_coeff=0,release_coeff=0,delay_samples=1,threshold=1";
    std::fs::write(
        &events,
        "{\"at\":12345,\"node\":2,\"set\":{\"threshold\":0}}\n",
    )
    .unwrap();
    for block in ["1", "7", "64", "1000"] {
        let got = render(&noise, &out, fx, block, &events);
        assert_eq!(
            bits(&got[..12_345]),
            bits(&samples[..12_345]),
            "block {block}"
        );
        let limited: Vec<f32> = samples[12_345..]
            .iter()
            .map(|x| x * (1.0 - x.abs()))
            .collect();
        assert_eq!(bits(&got[12_345..]), bits(&limited), "block {block}");
    }
}

#[test]
fn lines_may_stand_in_any_order_and_blank_lines_mean_nothing() {
    let (folder, noise, _) = folder_with_noise(1, 8000);
    let (out, events) = (
        folder.path().join("out.wav"),
        folder.path().join("events.jsonl"),
    );
    let (early, late) = (
        "{\"at\":1000,\"node\":1,\"set\":{\"gain\":-20}}\n",
        "{\"at\":5000,\"node\":1,\"set\":{\"gain\":\"-3dB\"}}\n",
    );
    std::fs::write(&events, format!("{early}{late}")).unwrap();
    let ordered = render(&noise, &out, "gain", "64", &events);
    std::fs::write(&events, format!("\n{late}\n  \n{early}")).unwrap();
    assert_eq!(
        bits(&render(&noise, &out, "gain", "64", &events)),
        bits(&ordered)
    );
}

#[test]
fn more_changes_on_one_frame_than_are_sent_at_once_are_all_on_it() {
    let (folder, noise, samples) = folder_with_noise(1, 2000);
    let (out, events) = (
        folder.path().join("out.wav"),
        folder.path().join("events.jsonl"),
    );
    // As above: at a threshold of 0 the second node makes x (1 - |x|) of x, from the very frame on.
    let fx = "gain | envelope_limiter:attack_coeff=0,release_coeff=0,delay_samples=1,threshold=1";
    let mut lines = "{\"at\":777,\"node\":1,\"set\":{\"gain\":0}}\n".repeat(5000);
    lines.push_str("{\"at\":777,\"node\":2,\"set\":{\"threshold\":0}}\n");
    std::fs::write(&events, lines).unwrap();
    for block in ["1", "64", "778", "2000"] {
        let got = render(&noise, &out, fx, block, &events);
        let wanted = samples.iter().enumerate().map(|(frame, x)| match frame {
            0..777 => *x,
            _ => x * (1.0 - x.abs()),
        });
        assert_eq!(bits(&got), bits(&wanted.collect::<Vec<_>>()), "{block}");
    }
}

#[test]
fn two_forms_of_one_value_exclude_each_other_over_lines() {
    let (folder, noise, _) = folder_with_noise(1, 100);
    let (out, events) = (
        folder.path().join("out.wav"),
        folder.path().join("events.jsonl"),
    );
    let lines = "{\"at\":9,\"node\":1,\"set\":{\"attack\":\"1ms\"}}\n\
                 {\"at\":5,\"node\":1,\"set\":{\"attack_coeff\":0.5}}\n";
    std::fs::write(&events, lines).unwrap();
    let ran = ossicle(&[
        "render",
        text(&noise),
        text(&out),
        "--fx",
        "envelope_limiter",
        "--events",
        text(&events),
    ]);
    let message = ran.failed(1);
    assert!(message.contains("line 2: node 1"), "{message}");
    assert!(message.contains("two forms"), "{message}");
}

#[test]
fn wrong_events_are_refused_with_their_line() {
    let (folder, noise, _) = folder_with_noise(1, 100);
    let (out, events) = (
        folder.path().join("out.wav"),
        folder.path().join("events.jsonl"),
    );
    let fx = "gain | envelope_limiter:delay_samples=4";
    for (line, part) in [
        (
            "{\"at\":1,\"node\":3,\"set\":{}}",
            "node 3 is not in the chain (allowed: 1 to 2)",
        ),
        (
            "{\"at\":1,\"node\":0,\"set\":{}}",
            "node 0 is not in the chain",
        ),
        (
            "{\"at\":1,\"node\":1,\"set\":{\"gian\":1}}",
            "nearest is gain",
        ),
        ("{\"at\":1,\"node\":1,\"set\":{\"gain\":\"3Hz\"}}", "dB"),
        (
            "{\"at\":1,\"node\":1,\"set\":{\"gain\":1e9}}",
            "out of range",
        ),
        (
            "{\"at\":1,\"node\":1,\"set\":{\"gain\":true}}",
            "allowed: a number",
        ),
        (
            "{\"at\":1,\"node\":2,\"set\":{\"delay_samples\":5}}",
            "changes latency, memory or channels",
        ),
        (
            "{\"at\":1,\"node\":1,\"set\":{\"gain\":1,\"gain\":2}}",
            "gain is given twice",
        ),
        ("{\"at\":-1,\"node\":1,\"set\":{}}", "-1"),
        ("{\"at\":1,\"node\":1}", "set"),
        ("{\"at\":1,\"node\":1,\"set\":{},\"more\":1}", "more"),
        ("nonsense", "line 2"),
    ] {
        std::fs::write(&events, format!("\n{line}\n")).unwrap();
        let arguments = [
            "render",
            text(&noise),
            text(&out),
            "--events",
            text(&events),
        ];
        let ran = ossicle(&[&arguments[..], &["--fx", fx]].concat());
        let message = ran.failed(1);
        assert!(message.contains("events.jsonl: line 2: "), "{message}");
        assert!(message.contains(part), "{message}");
        assert!(!out.exists());
    }
    let missing = folder.path().join("none.jsonl");
    let ran = ossicle(&[
        "render",
        text(&noise),
        text(&out),
        "--events",
        text(&missing),
    ]);
    assert!(ran.failed(2).contains("none.jsonl"), "{ran:?}");
}

#[test]
fn nodes_in_branches_and_behind_buses_are_counted_as_they_are_written() {
    let (folder, noise, _) = folder_with_noise(1, 100);
    let (out, events) = (
        folder.path().join("out.wav"),
        folder.path().join("events.jsonl"),
    );
    let fx =
        "send:bus=b | ( gain ; pan | delay ) | bus:name=b ( parametric_eq ) | envelope_limiter";
    let effects = ["gain", "pan", "delay", "parametric_eq", "envelope_limiter"];
    let refusal = |node: usize| {
        let line = format!("{{\"at\":1,\"node\":{node},\"set\":{{\"nothing\":1}}}}");
        std::fs::write(&events, line).unwrap();
        let arguments = ["--fx", fx, "--events", text(&events)];
        let files = ["render", text(&noise), text(&out)];
        ossicle(&[&files[..], &arguments].concat())
            .failed(1)
            .to_owned()
    };
    for (place, effect) in effects.iter().enumerate() {
        let part = format!("node {}: {effect} has no parameter nothing", place + 1);
        let message = refusal(place + 1);
        assert!(message.contains(&part), "{message}");
    }
    let message = refusal(6);
    assert!(
        message.contains("node 6 is not in the chain (allowed: 1 to 5)"),
        "{message}"
    );
}

#[test]
fn a_file_of_events_without_an_end_ends_with_2() {
    let (folder, noise, _) = folder_with_noise(1, 100);
    let out = folder.path().join("out.wav");
    let ran = ossicle(&[
        "render",
        text(&noise),
        text(&out),
        "--fx",
        "gain",
        "--events",
        "/dev/zero",
    ]);
    assert!(ran.failed(2).contains("67108864 bytes"), "{ran:?}");
}
