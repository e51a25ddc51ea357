//! Parameter events of a render: JSON lines `{"at":12345,"node":1,"set":{"gain":"-6dB"}}`.

use core::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use ossicle::chain::{Chain, LinkNode, NodeLink};
use ossicle::dsp::parameter::Parameter;
use ossicle::dsp::settings::Settings;
use ossicle::event::ParameterEvent;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::exit::{Exit, Failure};

/// Longest file that is read: about a million lines.
const MAX_BYTES: u64 = 1 << 26;

/// One line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// Position in frames.
    at: u64,
    /// Place in the chain, from 1.
    node: usize,
    /// Values by parameter.
    set: Values,
}

/// Values by parameter, none of which is given twice.
struct Values(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EachOnce)
    }
}

/// Reads an object and refuses a key that stands there twice.
struct EachOnce;

impl<'de> Visitor<'de> for EachOnce {
    type Value = Values;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of values by parameter")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
        let mut values: Vec<(String, Value)> = Vec::new();
        while let Some((parameter, value)) = map.next_entry::<String, Value>()? {
            if values.iter().any(|(known, _)| *known == parameter) {
                return Err(A::Error::custom(format!("{parameter} is given twice")));
            }
            values.push((parameter, value));
        }
        Ok(Values(values))
    }
}

/// Reads the events of a file and checks them against the chain.
pub fn load(path: &Path, chain: &Chain) -> Result<Vec<ParameterEvent>, Failure> {
    let text = read_text(path).map_err(|error| Failure {
        exit: Exit::File,
        message: format!("{}: {error}", path.display()),
    })?;
    parse(&text, chain).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

/// The whole file, unless it has no end.
fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = fs::File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_string(&mut text)?;
    if read as u64 > MAX_BYTES {
        let message = format!("longer than a file of events may be ({MAX_BYTES} bytes)");
        return Err(io::Error::other(message));
    }
    Ok(text)
}

fn parse(text: &str, chain: &Chain) -> Result<Vec<ParameterEvent>, String> {
    let mut events = Vec::new();
    // With what earlier lines set: two forms of one parameter exclude each other over lines too.
    let mut nodes: Vec<Option<Settings>> = chain.nodes().into_iter().map(settings).collect();
    for (place, line) in text.lines().enumerate() {
        if !line.trim().is_empty() {
            parse_line(line, &mut nodes, &mut events)
                .map_err(|error| format!("line {}: {error}", place + 1))?;
        }
    }
    Ok(events)
}

/// The values of a node of the list of effects.
fn settings(link: &NodeLink) -> Option<Settings> {
    match &link.node {
        LinkNode::Effect(settings) => Some(settings.clone()),
        _ => None,
    }
}

fn parse_line(
    line: &str,
    nodes: &mut [Option<Settings>],
    events: &mut Vec<ParameterEvent>,
) -> Result<(), String> {
    let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let node = line.node;
    let count = nodes.len();
    let Some(place) = node.checked_sub(1).filter(|&place| place < count) else {
        return Err(match count {
            0 => format!("node {node}: the chain has no nodes"),
            _ => format!("node {node} is not in the chain (allowed: 1 to {count})"),
        });
    };
    let Some(settings) = &mut nodes[place] else {
        return Err(format!("node {node} takes no values by name"));
    };
    for (parameter, value) in &line.set.0 {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            other => {
                let allowed = "a number, or a text like \"-6dB\"";
                return Err(format!(
                    "node {node}: {parameter}={other} (allowed: {allowed})"
                ));
            }
        };
        let (number, value) =
            read(settings, parameter, &text).map_err(|error| format!("node {node}: {error}"))?;
        events.push(ParameterEvent {
            at: line.at,
            node: place,
            parameter: number,
            value,
        });
    }
    Ok(())
}

/// Sets a value and gives the parameter's number with it, if an event may set it.
fn read(settings: &mut Settings, parameter: &str, text: &str) -> Result<(usize, f64), String> {
    let effect = settings.effect();
    settings
        .set_text(parameter, text)
        .map_err(|error| error.to_string())?;
    let number = effect
        .number(parameter)
        .map_err(|error| error.to_string())?;
    let row = &effect.parameters[number];
    if row.is_structural() {
        let allowed: Vec<&str> = effect
            .parameters
            .iter()
            .filter(|row| !row.is_structural())
            .map(id)
            .collect();
        return Err(format!(
            "{}: {} changes latency, memory or channels and cannot be set by an event (allowed: {})",
            effect.id,
            row.id,
            allowed.join(", ")
        ));
    }
    settings.check().map_err(|error| error.to_string())?;
    Ok((number, settings.value(number)))
}

fn id(row: &Parameter) -> &'static str {
    row.id
}
