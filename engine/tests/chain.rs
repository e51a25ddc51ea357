//! The chain: its text, its file, and what is said when something is wrong.

use ossicle::chain::{Chain, ChainError, LinkNode};
use ossicle::controller::Controller;
use ossicle::processor::ProcessorSpec;

/// A chain that says something in every part of the grammar.
const TEXT: &str = "parametric_eq:b1_type=peak,b1_freq=1000Hz,b1_gain=6dB,b1_q=0.7 | \
                    delay:time=10.25ms,feedback=50%,mix=33.3% | pan:pan=-50%";

fn refusal(text: &str) -> String {
    Chain::parse(text).expect_err(text).to_string()
}

fn toml_refusal(text: &str) -> String {
    Chain::from_toml(text).expect_err(text).to_string()
}

fn value(chain: &Chain, place: usize, parameter: &str) -> f64 {
    let LinkNode::Effect(settings) = &chain.nodes()[place].node else {
        panic!("no effect at {place}");
    };
    let rows = settings.effect().parameters;
    settings.value(rows.iter().position(|row| row.id == parameter).unwrap())
}

#[test]
fn text_is_read_with_units_and_without() {
    let chain = Chain::parse(" gain : gain = -6dB|delay:time=0.25s , feedback=50 ").unwrap();
    assert_eq!(chain.nodes().len(), 2);
    assert_eq!(value(&chain, 0, "gain"), -6.0);
    assert_eq!(value(&chain, 1, "time"), 250.0);
    assert_eq!(value(&chain, 1, "feedback"), 50.0);
}

#[test]
fn a_preset_gives_its_values_and_what_stands_beside_it_is_said_in_addition() {
    let text = Chain::parse("delay:preset=slapback,mix=20%").unwrap();
    let file =
        "version = 1\n[[node]]\neffect = \"delay\"\nset = { mix = 20, preset = \"slapback\" }";
    for chain in [text, Chain::from_toml(file).unwrap()] {
        let written = "delay:time=110ms,feedback=0%,mix=20%";
        assert_eq!(chain.to_text().unwrap(), written);
    }
}

#[test]
fn an_empty_text_is_an_empty_chain() {
    for text in ["", "  \t"] {
        let chain = Chain::parse(text).unwrap();
        assert!(chain.is_empty());
        assert_eq!(chain.to_text().unwrap(), "");
    }
}

#[test]
fn text_and_file_forms_keep_every_value() {
    let chain = Chain::parse(TEXT).unwrap();
    assert_eq!(chain.to_text().unwrap(), TEXT);
    let from_toml = Chain::from_toml(&chain.to_toml().unwrap()).unwrap();
    assert_eq!(from_toml.to_text().unwrap(), chain.to_text().unwrap());
    for parameter in ["b1_type", "b1_freq", "b1_gain", "b1_q"] {
        assert_eq!(
            value(&from_toml, 0, parameter),
            value(&chain, 0, parameter),
            "{parameter}"
        );
    }
    assert_eq!(value(&from_toml, 1, "mix"), 33.3);
    let plain = Chain::parse("gain | pan:pan=3%").unwrap();
    assert_eq!(plain.to_text().unwrap(), "gain | pan:pan=3%");
}

#[test]
fn numbers_of_every_toml_form_are_taken() {
    for (text, gain) in [
        ("-3", -3.0),
        ("+3", 3.0),
        ("0x0a", 10.0),
        ("-0.5", -0.5),
        ("1_0", 10.0),
        ("1.5e1", 15.0),
        ("\"-1.5 dB\"", -1.5),
    ] {
        let file = format!("version = 1\n[[node]]\neffect = \"gain\"\nset = {{ gain = {text} }}\n");
        let chain = Chain::from_toml(&file).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(value(&chain, 0, "gain"), gain, "{text}");
    }
}

#[test]
fn a_saved_chain_is_loaded_again_also_by_its_name_behind_an_at() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("voice.toml");
    let chain = Chain::parse(TEXT).unwrap();
    chain.save(&path).unwrap();
    let loaded = Chain::parse(&format!("@{}", path.display())).unwrap();
    assert_eq!(loaded.to_text().unwrap(), chain.to_text().unwrap());
}

#[test]
fn wrong_text_is_refused_with_place_and_nearest_name() {
    let message = refusal("gain:gain=-6dB | pann:pan=1");
    assert!(message.starts_with("node 2: unknown effect \"pann\", nearest is pan (allowed: "));
    for allowed in ["envelope_limiter", "gain", "pan", "delay", "parametric_eq"] {
        assert!(message.contains(allowed), "{message}");
    }
    let message = refusal("pan | delay:time=1ms,feedbck=3%");
    for part in ["node 2", "delay", "feedbck", "nearest is feedback", "mix"] {
        assert!(message.contains(part), "no {part} in: {message}");
    }
    let message = refusal("gain:gain=-6Hz");
    for part in ["node 1", "gain", "-6Hz", "dB"] {
        assert!(message.contains(part), "no {part} in: {message}");
    }
    let message = refusal("gain | gain | pan:pan=101%");
    for part in ["node 3", "pan", "101", "-100", "100%"] {
        assert!(message.contains(part), "no {part} in: {message}");
    }
    let message = refusal("parametric_eq:b3_type=peek");
    for part in ["node 1", "b3_type", "peek", "nearest is peak", "low_shelf"] {
        assert!(message.contains(part), "no {part} in: {message}");
    }
}

#[test]
fn malformed_text_is_refused() {
    for (text, part) in [
        ("|", "node 1: no effect is named"),
        ("gain |", "node 2: no effect is named"),
        (":gain=1", "node 1: no effect is named"),
        (
            "gain:gain",
            "node 1: gain: \"gain\" is not of the form parameter=value",
        ),
        (
            "gain:gain=1,",
            "node 1: gain: \"\" is not of the form parameter=value",
        ),
        ("gain:gain=1,gain=1", "node 1: gain: gain is given twice"),
        (
            "delay:mix=1,preset=echo",
            "node 1: delay: preset stands behind other values: it comes first",
        ),
        (
            "delay:preset=ecko",
            "node 1: delay has no preset ecko, nearest is echo (allowed: slapback, echo, doubling)",
        ),
        ("gain:gain=nan", "gain=nan"),
        ("gain:gain=", "gain="),
        (
            "envelope_limiter:attack=1ms,attack_coeff=0.5",
            "attack_coeff",
        ),
    ] {
        let message = refusal(text);
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn toml_errors_name_their_line() {
    for (text, part) in [
        (
            "version = 1\n\n[[node]]\neffect = \"gian\"\n",
            "line 4: node 1: unknown effect \"gian\"",
        ),
        (
            "version = 1\n[[node]]\neffect = \"gain\"\nset = { gain = \"1Hz\" }\n",
            "line 4: node 1: ",
        ),
        (
            "version = 1\n[[node]]\neffect = \"gain\"\n\n[node.set]\ngian = 1\n",
            "line 6: node 1: ",
        ),
        (
            "version = 1\n[[node]]\neffect = \"gain\"\nsett = {}\n",
            "line 4: unknown key \"sett\", nearest is set",
        ),
        (
            "version = 1\nnodes = []\n",
            "line 2: unknown key \"nodes\", nearest is node",
        ),
        (
            "version = 1\n[[node]]\n",
            "line 2: node 1: no effect is named",
        ),
        ("version = 1\nnode = 3\n", "line 2: \"node\" is a number"),
        (
            "version = 1\nnode = [\n  3\n]\n",
            "line 3: \"node\" is a number",
        ),
        (
            "version = 1\n[[node]]\neffect = 1\n",
            "line 3: \"effect\" is a number",
        ),
        (
            "version = 1\n[[node]]\neffect = \"gain\"\nset = { gain = true }\n",
            "line 4: \"gain\" is true or false",
        ),
        (
            "version = 1\n[[node]]\neffect = \"gain\"\nset = { gain = inf }\n",
            "line 4: node 1: ",
        ),
        ("version = 1\nversion = 1\n", "line 2: "),
        ("version = 1\n[[node\n", "line 2: "),
        (
            "# nothing\n",
            "the version is missing (allowed: version = 1 to 2)",
        ),
        (
            "later = 1\nversion = 3\n",
            "line 2: version 3 is unknown (allowed: 1 to 2)",
        ),
        (
            "version = \"1\"\n",
            "line 1: version that is a text is unknown",
        ),
    ] {
        let message = toml_refusal(text);
        assert!(message.starts_with(part), "{text:?}: {message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

#[test]
fn a_chain_file_that_cannot_be_read_is_an_io_error() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.toml");
    assert!(Chain::load(&missing).unwrap_err().is_io());
    let binary = folder.path().join("binary.toml");
    std::fs::write(&binary, [0xff, 0xfe, 0x00]).unwrap();
    assert!(Chain::load(&binary).unwrap_err().is_io());
    let long = folder.path().join("long.toml");
    std::fs::write(&long, "#".repeat((1 << 20) + 1)).unwrap();
    assert!(matches!(
        Chain::load(&long),
        Err(ChainError::FileTooLong { .. })
    ));
    let wrong = folder.path().join("wrong.toml");
    std::fs::write(&wrong, "version = 9\n").unwrap();
    let error = Chain::load(&wrong).unwrap_err();
    assert!(!error.is_io());
    assert!(
        error.to_string().contains("wrong.toml: line 1: version 9"),
        "{error}"
    );
}

/// The fenced blocks of a language in `docs/chain.md`.
fn examples(language: &str) -> Vec<String> {
    let page = include_str!("../../docs/chain.md");
    let fence = format!("```{language}\n");
    page.split(&fence)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_string())
        .collect()
}

/// The chain fits a stereo sound.
fn runs(chain: Chain) {
    let spec = ProcessorSpec {
        sample_rate_hz: 48_000,
        max_block_frames: 64,
        channels_in: 2,
        channels_out: None,
        latency_budget_frames: 0,
    };
    let text = chain.to_text().unwrap();
    Controller::new(chain, spec).unwrap_or_else(|error| panic!("{text}\n{error}"));
}

#[test]
fn the_examples_of_the_documentation_are_read() {
    let files = examples("toml");
    assert!(files.len() >= 2);
    for text in &files {
        let chain = Chain::from_toml(text).unwrap_or_else(|error| panic!("{text}\n{error}"));
        assert_eq!(chain.nodes().len(), text.matches("effect = ").count());
        runs(chain);
    }
    let lines = examples("chain");
    assert!(lines.iter().flat_map(|block| block.lines()).count() >= 11);
    for line in lines.iter().flat_map(|block| block.lines()) {
        let chain = Chain::parse(line).unwrap_or_else(|error| panic!("{line}\n{error}"));
        let words = line.split(['|', '(', ')', ';', '*', '~', '<']);
        let effects = words.filter(|word| {
            let id = word.trim().split(':').next().unwrap();
            ossicle::dsp::registry::effect(id).is_some()
        });
        assert_eq!(chain.nodes().len(), effects.count(), "{line}");
        let written = chain.to_text().unwrap();
        let read = Chain::from_toml(&chain.to_toml().unwrap()).unwrap();
        assert_eq!(read.to_text().unwrap(), written);
        runs(chain);
    }
    // The page shows one chain in both forms.
    let both = lines.iter().flat_map(|block| block.lines()).any(|line| {
        let from_file = |file: &String| Chain::from_toml(file).unwrap().to_text().unwrap();
        line.contains("bus:name") && files.iter().any(|file| from_file(file) == line)
    });
    assert!(both, "no example stands in both forms");
}
