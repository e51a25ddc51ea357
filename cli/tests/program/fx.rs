//! `ossicle fx`.

use crate::call::ossicle;

const EFFECTS: [&str; 6] = [
    "envelope_limiter",
    "gain",
    "pan",
    "delay",
    "parametric_eq",
    "graphic_eq",
];

#[test]
fn every_effect_is_listed_with_its_parameters() {
    let json = ossicle(&["fx", "--json"]).json();
    let effects = json.as_array().unwrap();
    for id in EFFECTS {
        assert!(effects.iter().any(|effect| effect["id"] == id), "no {id}");
    }
    for effect in effects {
        assert!(
            effect["name"].is_string() && effect["latency_frames_at_48k"].is_u64(),
            "{effect}"
        );
        for parameter in effect["parameters"].as_array().unwrap() {
            let keys: Vec<&str> = parameter
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            for key in ["id", "name", "unit", "min", "max", "default", "choices"] {
                assert!(keys.contains(&key), "no {key} in {parameter}");
            }
            let number = |key: &str| parameter[key].as_f64().unwrap();
            assert!(number("min") <= number("default") && number("default") <= number("max"));
            assert!(parameter["unit"].is_string());
            if let Some(choices) = parameter["choices"].as_array() {
                assert_eq!(number("max") as usize + 1, choices.len(), "{parameter}");
            } else {
                assert!(parameter["choices"].is_null());
            }
        }
    }
}

#[test]
fn units_of_the_list_may_be_written_behind_its_numbers() {
    let json = ossicle(&["fx", "--json"]).json();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.wav");
    for effect in json.as_array().unwrap() {
        for parameter in effect["parameters"].as_array().unwrap().iter().take(8) {
            let (effect, id) = (
                effect["id"].as_str().unwrap(),
                parameter["id"].as_str().unwrap(),
            );
            let default = &parameter["default"];
            let value = match parameter["choices"].as_array() {
                Some(names) => names[default.as_f64().unwrap() as usize]
                    .as_str()
                    .unwrap()
                    .into(),
                None => format!("{default}{}", parameter["unit"].as_str().unwrap()),
            };
            let chain = format!("{effect}:{id}={value}");
            let ran = ossicle(&[
                "render",
                "missing.wav",
                out.to_str().unwrap(),
                "--fx",
                &chain,
            ]);
            // The chain is taken and the missing file is what fails.
            assert!(ran.failed(2).contains("missing.wav"), "{chain}: {ran:?}");
        }
    }
}

#[test]
fn one_effect_is_told_alone() {
    let json = ossicle(&["fx", "gain", "--json"]).json();
    assert_eq!(json["id"], "gain");
    let ran = ossicle(&["fx", "parametric_eq"]);
    ran.done();
    assert!(
        ran.stdout.contains("b1_freq ... b32_freq"),
        "{}",
        ran.stdout
    );
    // Its presets may name them, but they have no row of their own.
    let rows = ran
        .stdout
        .lines()
        .filter(|line| line.starts_with("  b2_freq"));
    assert_eq!(rows.count(), 0, "{}", ran.stdout);
    for id in EFFECTS {
        assert!(
            ossicle(&["fx"])
                .stdout
                .lines()
                .any(|line| line.starts_with(id)),
            "no {id}"
        );
    }
}

#[test]
fn a_page_tells_what_an_effect_does_and_its_presets_can_be_written() {
    let ran = ossicle(&["fx", "gain"]);
    ran.done();
    for part in [
        "inverted",
        "latency  0 frames",
        "tail     0 frames",
        "Source",
        "gain:preset=",
    ] {
        assert!(ran.stdout.contains(part), "no {part}: {}", ran.stdout);
    }
    let json = ossicle(&["fx", "--json"]).json();
    for effect in json.as_array().unwrap() {
        let id = effect["id"].as_str().unwrap();
        for key in ["summary", "about", "source"] {
            assert!(!effect[key].as_str().unwrap().is_empty(), "{id}: {key}");
        }
        let presets = effect["presets"].as_array().unwrap();
        assert!(presets.len() >= 3, "{id}");
        for preset in presets {
            // The chain is taken, and the missing file is what fails.
            let chain = format!("{id}:preset={}", preset["id"].as_str().unwrap());
            let ran = ossicle(&["render", "missing.wav", "out.wav", "--fx", &chain]);
            assert!(ran.failed(2).contains("missing.wav"), "{chain}: {ran:?}");
            assert!(!preset["values"].as_object().unwrap().is_empty(), "{chain}");
        }
    }
}
