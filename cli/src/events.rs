//! Parameter events of a render: JSON lines `{"at":12345,"node":1,"set":{"gain":"-6dB"}}`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ossicle::chain::{Chain, LinkNode};
use ossicle::dsp::parameter::Parameter;
use ossicle::dsp::settings::Settings;
use ossicle::event::ParameterEvent;
use serde::Deserialize;

use crate::exit::{Exit, Failure};

/// One line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// Position in frames.
    at: u64,
    /// Place in the chain, from 1.
    node: usize,
    /// Values by parameter.
    set: BTreeMap<String, serde_json::Value>,
}

/// Reads the events of a file and checks them against the chain.
pub fn load(path: &Path, chain: &Chain) -> Result<Vec<ParameterEvent>, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure {
        exit: Exit::File,
        message: format!("{}: {error}", path.display()),
    })?;
    parse(&text, chain).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

fn parse(text: &str, chain: &Chain) -> Result<Vec<ParameterEvent>, String> {
    let mut events = Vec::new();
    for (place, line) in text.lines().enumerate() {
        if !line.trim().is_empty() {
            parse_line(line, chain, &mut events)
                .map_err(|error| format!("line {}: {error}", place + 1))?;
        }
    }
    Ok(events)
}

fn parse_line(line: &str, chain: &Chain, events: &mut Vec<ParameterEvent>) -> Result<(), String> {
    let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let node = line.node;
    let place = node
        .checked_sub(1)
        .filter(|&place| place < chain.nodes().len());
    let place = place.ok_or_else(|| match chain.nodes().len() {
        0 => format!("node {node}: the chain has no nodes"),
        nodes => format!("node {node} is not in the chain (allowed: 1 to {nodes})"),
    })?;
    let LinkNode::Effect(settings) = &chain.nodes()[place].node else {
        return Err(format!("node {node} takes no values by name"));
    };
    for (parameter, value) in &line.set {
        let text = match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Number(number) => number.to_string(),
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

/// The number of a parameter and its value, if an event may set it.
fn read(settings: &Settings, parameter: &str, text: &str) -> Result<(usize, f64), String> {
    let effect = settings.effect();
    let mut changed = settings.clone();
    changed
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
    changed.check().map_err(|error| error.to_string())?;
    Ok((number, changed.value(number)))
}

fn id(row: &Parameter) -> &'static str {
    row.id
}
