//! Values as people write them, and what they are told when a value does not fit.

use ossicle_dsp::parameter::{Kind, Parameter, Scale, Unit, ValueError, parse, print};
use ossicle_dsp::registry::effect;
use ossicle_dsp::settings::{Settings, SettingsError};

fn row(unit: Unit) -> Parameter {
    Parameter {
        id: "value",
        name: "Value",
        summary: "A value",
        unit,
        min: -1e6,
        max: 1e6,
        default: 0.0,
        scale: Scale::Linear,
        kind: Kind::Step,
    }
}

const CHOICE: Parameter = Parameter {
    id: "choice",
    name: "Choice",
    summary: "A choice",
    unit: Unit::None,
    min: 0.0,
    max: 2.0,
    default: 0.0,
    scale: Scale::Choices(&["off", "low_pass", "high_pass"]),
    kind: Kind::Step,
};

fn settings(id: &str) -> Settings {
    Settings::new(effect(id).expect("the effect is registered"))
}

#[test]
fn each_unit_is_read_into_that_of_the_table() {
    for (unit, text, value) in [
        (Unit::None, "0.5", 0.5),
        (Unit::Decibel, "-6dB", -6.0),
        (Unit::Decibel, "+3 db", 3.0),
        (Unit::DecibelFullScale, "-1.5dBFS", -1.5),
        (Unit::Hertz, "440Hz", 440.0),
        (Unit::Hertz, "1kHz", 1000.0),
        (Unit::Millisecond, "10ms", 10.0),
        (Unit::Millisecond, "0.25s", 250.0),
        (Unit::Millisecond, "1e-3s", 1.0),
        (Unit::Percent, "-50%", -50.0),
        (Unit::Percent, " 50 % ", 50.0),
        (Unit::Semitone, "-12st", -12.0),
        (Unit::LoudnessFullScale, "-23LUFS", -23.0),
        (Unit::Amplitude, "0.8", 0.8),
        (Unit::Amplitude, "0dBFS", 1.0),
    ] {
        assert_eq!(parse(&row(unit), text), Ok(value), "{text}");
    }
    // 10^(-2/20); the last bit is the library's.
    let amplitude = parse(&row(Unit::Amplitude), "-2dBFS").expect("a level in dBFS");
    assert!(
        (amplitude - 0.794_328_234_724_281_5).abs() < 2e-16,
        "{amplitude}"
    );
}

#[test]
fn thousands_are_rounded_once() {
    // 1000 times the nearest number to 2.3 or 64.1 is not 2300 or 64100 in double precision.
    let times = 64.1 * 1000.0;
    assert_ne!(times, 64_100.0);
    for (text, value) in [
        ("2.3kHz", 2300.0),
        ("64.1kHz", 64_100.0),
        ("0.0641e3kHz", 64_100.0),
    ] {
        assert_eq!(parse(&row(Unit::Hertz), text), Ok(value), "{text}");
    }
    assert_eq!(parse(&row(Unit::Millisecond), "64.1s"), Ok(64_100.0));
}

#[test]
fn other_units_are_refused_and_told() {
    for (unit, text, written) in [
        (Unit::None, "1dB", "a bare number"),
        (Unit::Decibel, "1dBFS", "dB"),
        (Unit::DecibelFullScale, "1dB", "dBFS"),
        (Unit::Hertz, "1s", "Hz or kHz"),
        (Unit::Millisecond, "1kHz", "ms or s"),
        (Unit::Percent, "1st", "%"),
        (Unit::Semitone, "1%", "st"),
        (Unit::LoudnessFullScale, "-23dBFS", "LUFS"),
        (Unit::Amplitude, "-3dB", "a bare linear number or dBFS"),
    ] {
        let error = parse(&row(unit), text).expect_err(text);
        let wrong_unit = ValueError::WrongUnit {
            parameter: "value",
            asked: text.into(),
            written,
        };
        assert_eq!(error, wrong_unit);
        let message = error.to_string();
        assert!(
            message.contains(text) && message.contains(written),
            "{message}"
        );
    }
}

#[test]
fn only_finite_numbers_are_numbers() {
    for text in [
        "", "dB", "nan", "NaN", "inf", "-inf dB", "infinity", "1e999", "0x10", "1,5", "--1",
    ] {
        let error = parse(&row(Unit::Decibel), text).expect_err(text);
        assert!(
            matches!(error, ValueError::NotANumber { .. }),
            "{text}: {error}"
        );
    }
    let mut gain = settings("gain");
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(gain.set(0, value).is_err());
    }
    assert!(!gain.is_given(0));
}

#[test]
fn the_ends_of_a_range_are_in_it_and_what_lies_beyond_is_told() {
    let mut delay = settings("delay");
    assert_eq!(delay.set_text("time", "1ms"), Ok(()));
    assert_eq!(delay.set_text("time", "10s"), Ok(()));
    let message = delay
        .set_text("time", "10.001s")
        .expect_err("beyond")
        .to_string();
    assert_eq!(
        message,
        "delay: time=10001ms is out of range (allowed: 1ms to 10000ms)"
    );
    assert!(delay.set_text("time", "0.999ms").is_err());
    assert_eq!(delay.value(0), 10_000.0, "what was refused changes nothing");
}

#[test]
fn choices_are_read_by_name_and_by_index() {
    for (text, index) in [
        ("off", 0.0),
        ("low_pass", 1.0),
        ("HIGH_PASS", 2.0),
        ("2", 2.0),
    ] {
        assert_eq!(parse(&CHOICE, text), Ok(index), "{text}");
    }
    assert_eq!(print(&CHOICE, 1.0), "low_pass");
    for text in ["3", "-1", "1.5", "lowpass"] {
        let message = parse(&CHOICE, text).expect_err(text).to_string();
        assert!(
            message.contains("(allowed: off, low_pass, high_pass)"),
            "{message}"
        );
    }
    let message = parse(&CHOICE, "lowpass")
        .expect_err("no such name")
        .to_string();
    assert!(message.contains("nearest is low_pass"), "{message}");
    let mut eq = settings("parametric_eq");
    assert!(eq.set(0, 1.5).is_err() && eq.set(0, 9.0).is_err() && eq.set(0, 8.0).is_ok());
}

#[test]
fn an_unknown_parameter_is_named_with_the_nearest_and_all_there_are() {
    let message = settings("delay")
        .set_text("tine", "1s")
        .expect_err("unknown")
        .to_string();
    assert_eq!(
        message,
        "delay has no parameter tine, nearest is time (allowed: time, feedback, mix)"
    );
    let message = settings("parametric_eq")
        .set_text("b33_freq", "1")
        .expect_err("unknown");
    let message = message.to_string();
    for part in ["b33_freq", "b1_type to b32_type", "b1_q to b32_q"] {
        assert!(message.contains(part), "{message}");
    }
    let mut gain = settings("gain");
    let count = gain.effect().parameters.len();
    let unknown = gain.set(count, 0.0);
    let asked = SettingsError::UnknownNumber {
        effect: "gain",
        asked: count,
        count,
    };
    assert_eq!(unknown, Err(asked));
}

#[test]
fn what_is_wrong_together_is_refused_when_a_node_is_made() {
    let mut limiter = settings("envelope_limiter");
    limiter.set_text("attack", "1ms").expect("within range");
    limiter
        .set_text("release_coeff", "0.9999")
        .expect("within range");
    assert_eq!(
        limiter.check(),
        Ok(()),
        "forms of different values may be mixed"
    );
    let mut both = limiter.clone();
    both.set_text("attack_coeff", "0.9").expect("within range");
    assert_ne!(limiter, both);
    let error = both.create().err().expect("two forms of one value");
    assert!(matches!(error, SettingsError::Conflict { .. }), "{error}");
    let message = error.to_string();
    for part in ["envelope_limiter", "attack_coeff", "attack "] {
        assert!(message.contains(part), "{message}");
    }
    limiter
        .set_text("delay_samples", "40.5")
        .expect("within range");
    let error = limiter.check();
    assert!(
        matches!(error, Err(SettingsError::NotWhole { asked: 40.5, .. })),
        "{error:?}"
    );
}
