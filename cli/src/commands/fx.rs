//! `ossicle fx`: the effects and their parameters.

use clap::Args;
use ossicle::dsp::node::{Node, Spec};
use ossicle::dsp::parameter::{Parameter, nearest, print};
use ossicle::dsp::registry::{EFFECTS, effect};
use ossicle::dsp::settings::{Effect, Settings};
use serde::Serialize;

use crate::exit::Failure;
use crate::output::Output;

/// List the effects, or the parameters of one
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  ossicle fx delay\n\nHow a chain is written: ossicle --help")]
pub struct Fx {
    /// Id of an effect
    name: Option<String>,
}

#[derive(Serialize)]
struct EffectRow {
    id: &'static str,
    name: &'static str,
    latency_frames_at_48k: Option<u64>,
    parameters: Vec<ParameterRow>,
}

#[derive(Serialize)]
struct ParameterRow {
    id: &'static str,
    name: &'static str,
    unit: &'static str,
    min: f64,
    max: f64,
    default: f64,
    choices: Option<&'static [&'static str]>,
}

impl Fx {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        let Some(id) = &self.name else {
            let rows: Vec<EffectRow> = EFFECTS.iter().map(|effect| row(effect)).collect();
            output.result(&rows, &list());
            return Ok(());
        };
        let effect = effect(id).ok_or_else(|| unknown(id))?;
        output.result(&row(effect), &table(effect));
        Ok(())
    }
}

fn unknown(id: &str) -> Failure {
    let ids: Vec<&str> = EFFECTS.iter().map(|effect| effect.id).collect();
    let nearest = nearest(id, ids.iter().copied()).unwrap_or_default();
    Failure::usage(format!(
        "unknown effect \"{id}\", nearest is {nearest} (allowed: {})",
        ids.join(", ")
    ))
}

fn row(effect: &'static Effect) -> EffectRow {
    EffectRow {
        id: effect.id,
        name: effect.name,
        latency_frames_at_48k: latency_frames_at_48k(effect),
        parameters: effect.parameters.iter().map(parameter_row).collect(),
    }
}

fn parameter_row(parameter: &'static Parameter) -> ParameterRow {
    ParameterRow {
        id: parameter.id,
        name: parameter.name,
        unit: parameter.unit.suffix(),
        min: parameter.min,
        max: parameter.max,
        default: parameter.default,
        choices: parameter.choices(),
    }
}

/// Latency with default values, in the first of mono and stereo that the effect takes.
fn latency_frames_at_48k(effect: &'static Effect) -> Option<u64> {
    [1, 2].into_iter().find_map(|channels| {
        let mut node: Box<dyn Node> = Settings::new(effect).create().ok()?;
        let spec = Spec {
            sample_rate_hz: 48_000,
            max_block_frames: 64,
            channels,
        };
        node.prepare(&spec).ok().map(|shape| shape.latency_frames)
    })
}

fn list() -> String {
    let width = EFFECTS
        .iter()
        .map(|effect| effect.id.len())
        .max()
        .unwrap_or(0);
    let lines: Vec<String> = EFFECTS
        .iter()
        .map(|effect| format!("{:width$}  {}", effect.id, effect.summary))
        .collect();
    lines.join("\n")
}

fn table(effect: &'static Effect) -> String {
    let mut rows = vec![["parameter", "range", "default", ""].map(str::to_string)];
    for parameter in effect
        .parameters
        .iter()
        .filter(|row| !is_later_group(row.id))
    {
        rows.push([
            shown_id(parameter.id, effect),
            range(parameter),
            print(parameter, parameter.default),
            parameter.summary.to_string(),
        ]);
    }
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let (ids, ranges, defaults) = (width(0), width(1), width(2));
    let mut lines = vec![format!("{}: {}", effect.id, effect.summary), String::new()];
    for [id, range, default, summary] in &rows {
        let line = format!("  {id:ids$}  {range:ranges$}  {default:defaults$}  {summary}");
        lines.push(line.trim_end().to_string());
    }
    lines.join("\n")
}

fn range(parameter: &Parameter) -> String {
    match parameter.choices() {
        Some(names) => names.join(" "),
        None => format!(
            "{} to {}",
            print(parameter, parameter.min),
            print(parameter, parameter.max)
        ),
    }
}

/// Group and rest of an indexed id: `(12, "freq")` for `b12_freq`.
fn group(id: &str) -> Option<(u32, &str)> {
    let (number, rest) = id.strip_prefix('b')?.split_once('_')?;
    Some((number.parse().ok()?, rest))
}

/// Whether the id repeats one of the first group.
fn is_later_group(id: &str) -> bool {
    group(id).is_some_and(|(number, _)| number > 1)
}

/// The id; with that of the last group where it stands for all of them.
fn shown_id(id: &'static str, effect: &Effect) -> String {
    let last = group(id).and_then(|(_, kind)| {
        let same = |row: &&Parameter| group(row.id).is_some_and(|(_, other)| other == kind);
        effect.parameters.iter().rfind(same)
    });
    match last {
        Some(last) if last.id != id => format!("{id} ... {}", last.id),
        _ => id.to_string(),
    }
}
