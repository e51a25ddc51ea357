//! The parameter tables: what every face of an effect relies on.

use ossicle_dsp::node::Spec;
use ossicle_dsp::parameter::{Kind, Scale, parse, print};
use ossicle_dsp::registry::{EFFECTS, effect};
use ossicle_dsp::settings::Settings;

/// Whether `id` can be written in a chain: small letters, digits and underscores.
fn is_plain(id: &str) -> bool {
    id.starts_with(|letter: char| letter.is_ascii_lowercase())
        && id
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

#[test]
fn ids_are_plain_and_found_again() {
    for entry in EFFECTS {
        assert!(is_plain(entry.id), "{}", entry.id);
        assert!(std::ptr::eq(effect(entry.id).unwrap(), *entry));
        for (number, row) in entry.parameters.iter().enumerate() {
            assert!(is_plain(row.id), "{}", row.id);
            // Each id once: its number is that of its first row.
            assert_eq!(entry.number(row.id), Ok(number), "{}", row.id);
            assert!(
                !row.name.is_empty() && !row.summary.is_empty(),
                "{}",
                row.id
            );
        }
    }
}

#[test]
fn defaults_lie_in_their_ranges_and_scales_fit_them() {
    for row in EFFECTS.iter().flat_map(|entry| entry.parameters) {
        assert!(row.min < row.max, "{}", row.id);
        assert!((row.min..=row.max).contains(&row.default), "{}", row.id);
        match row.scale {
            Scale::Linear => {}
            Scale::Logarithmic => assert!(row.min > 0.0, "{}", row.id),
            Scale::Choices(names) => {
                assert_eq!(row.min, 0.0, "{}", row.id);
                assert_eq!(row.max, (names.len() - 1) as f64, "{}", row.id);
                assert_eq!(row.default.fract(), 0.0, "{}", row.id);
            }
        }
        if let Kind::Ramp { smoothing_ms } = row.kind {
            assert!(smoothing_ms > 0.0, "{}", row.id);
        }
    }
}

#[test]
fn a_node_has_the_table_of_its_effect() {
    for entry in EFFECTS {
        let node = Settings::new(entry).create().unwrap();
        assert_eq!(node.parameters(), entry.parameters, "{}", entry.id);
    }
}

#[test]
fn what_is_printed_is_read_again_to_the_last_bit() {
    for row in EFFECTS.iter().flat_map(|entry| entry.parameters) {
        for step in 0..=8 {
            let mut value = row.min + (row.max - row.min) * f64::from(step) / 8.0;
            if row.choices().is_some() {
                value = value.trunc();
            }
            let text = print(row, value);
            let read = parse(row, &text).unwrap();
            assert_eq!(read.to_bits(), value.to_bits(), "{}={text}", row.id);
        }
    }
}

#[test]
fn a_node_answers_any_count_of_channels_and_any_usual_rate() {
    for entry in EFFECTS {
        let mut taken = 0;
        for sample_rate_hz in [44_100, 48_000, 96_000] {
            for channels in [1, 2, 3, 8, 32] {
                let mut node = Settings::new(entry).create().unwrap();
                let spec = Spec {
                    sample_rate_hz,
                    max_block_frames: 64,
                    channels,
                };
                if let Ok(shape) = node.prepare(&spec) {
                    assert!(shape.channels > 0);
                    assert_eq!(shape.latency_frames, node.latency_frames());
                    taken += 1;
                }
            }
        }
        // One channel and two at every rate, at least.
        assert!(taken >= 6, "{} takes {taken}", entry.id);
    }
}

#[test]
fn every_effect_tells_of_itself_and_has_three_presets_that_can_be_set() {
    for entry in EFFECTS {
        assert!(
            !entry.about.is_empty() && !entry.source.is_empty(),
            "{}",
            entry.id
        );
        assert!(entry.presets.len() >= 3, "{}", entry.id);
        assert!(entry.number("preset").is_err(), "{}", entry.id);
        for (place, preset) in entry.presets.iter().enumerate() {
            assert!(
                is_plain(preset.id) && !preset.summary.is_empty(),
                "{}",
                preset.id
            );
            let first = entry.presets.iter().position(|known| known.id == preset.id);
            assert_eq!(first, Some(place), "{} twice", preset.id);
            let mut settings = Settings::new(entry);
            settings.set_preset(preset.id).unwrap();
            settings.check().unwrap();
            assert_eq!(
                settings.given().count(),
                preset.values.len(),
                "{}",
                preset.id
            );
        }
    }
}
