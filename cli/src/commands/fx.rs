//! `ossicle fx`: the effects, and a page for each: what it does, parameters, latency, presets, source.

use clap::Args;
use ossicle::dsp::node::{Node, Spec, Tail};
use ossicle::dsp::parameter::{Parameter, nearest, print};
use ossicle::dsp::preset::Preset;
use ossicle::dsp::registry::{EFFECTS, effect};
use ossicle::dsp::settings::{Effect, Settings};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::exit::Failure;
use crate::output::Output;

/// Columns of a page.
const COLUMNS: usize = 100;

/// List the effects, or tell all about one
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
    summary: &'static str,
    about: &'static str,
    source: &'static str,
    latency_frames_at_48k: Option<u64>,
    /// Null where it may sound for ever.
    tail_frames_at_48k: Option<u64>,
    parameters: Vec<ParameterRow>,
    presets: Vec<PresetRow>,
}

#[derive(Serialize)]
struct PresetRow {
    id: &'static str,
    name: &'static str,
    summary: &'static str,
    /// Texts by parameter.
    values: Map<String, Value>,
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
        output.result(&row(effect), &page(effect));
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
        summary: effect.summary,
        about: effect.about,
        source: effect.source,
        latency_frames_at_48k: prepared(effect).map(|node| node.latency_frames()),
        tail_frames_at_48k: prepared(effect).and_then(|node| match node.tail() {
            Tail::Frames(frames) => Some(frames),
            Tail::Endless => None,
        }),
        parameters: effect.parameters.iter().map(parameter_row).collect(),
        presets: effect.presets.iter().map(preset_row).collect(),
    }
}

fn preset_row(preset: &'static Preset) -> PresetRow {
    let values = preset.values.iter();
    PresetRow {
        id: preset.id,
        name: preset.name,
        summary: preset.summary,
        values: values
            .map(|(parameter, text)| ((*parameter).to_string(), (*text).into()))
            .collect(),
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

/// A node with default values at 48 kHz, in the first of mono and stereo that the effect takes.
fn prepared(effect: &'static Effect) -> Option<Box<dyn Node>> {
    [1, 2].into_iter().find_map(|channels| {
        let mut node: Box<dyn Node> = Settings::new(effect).create().ok()?;
        let spec = Spec {
            sample_rate_hz: 48_000,
            max_block_frames: 64,
            channels,
        };
        node.prepare(&spec).ok().map(|_| node)
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

/// All about an effect.
fn page(effect: &'static Effect) -> String {
    let mut parts = vec![
        format!("{}: {}", effect.id, effect.summary),
        wrapped(effect.about, ""),
        table(effect),
    ];
    if let Some(node) = prepared(effect) {
        let frames = |frames: u64| format!("{frames} frames ({:.2} ms)", frames as f64 / 48.0);
        let tail = match node.tail() {
            Tail::Frames(count) => frames(count),
            Tail::Endless => "may sound for ever".to_string(),
        };
        let latency = frames(node.latency_frames());
        parts.push(format!(
            "At 48 kHz, with the defaults\n  latency  {latency}\n  tail     {tail}"
        ));
    }
    if !effect.presets.is_empty() {
        parts.push(presets(effect));
    }
    parts.push(format!("Source\n{}", wrapped(effect.source, "  ")));
    parts.join("\n\n")
}

/// Each preset and its values, as a chain would have them.
fn presets(effect: &'static Effect) -> String {
    let example = effect.presets.first().map_or("", |preset| preset.id);
    let mut lines = vec![format!("Presets, as in {}:preset={example}", effect.id)];
    let ids = effect.presets.iter().map(|preset| preset.id.len());
    let width = ids.max().unwrap_or(0);
    for preset in effect.presets {
        lines.push(format!("  {:width$}  {}", preset.id, preset.summary));
        let values = preset.values.iter();
        let values: Vec<String> = values.map(|(id, text)| format!("{id}={text}")).collect();
        lines.push(wrapped(&values.join(", "), &" ".repeat(width + 4)));
    }
    lines.join("\n")
}

/// Words in lines that fit the page, each behind `indent`.
fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = vec![indent.to_string()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let is_first = lines[last].len() == indent.len();
        let length = lines[last].chars().count() + 1 + word.chars().count();
        if !is_first && length > COLUMNS {
            lines.push(format!("{indent}{word}"));
        } else {
            let between = if is_first { "" } else { " " };
            lines[last] += &format!("{between}{word}");
        }
    }
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
    let mut lines = Vec::new();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_whole_and_lines_short() {
        let text = "word ".repeat(50);
        let lines = wrapped(&text, "  ");
        assert!(
            lines
                .lines()
                .all(|line| line.len() <= COLUMNS && line.starts_with("  word"))
        );
        assert_eq!(lines.split_whitespace().count(), 50);
        assert_eq!(lines.lines().count(), 3);
    }

    #[test]
    fn every_page_has_its_parts() {
        for effect in EFFECTS {
            let page = page(effect);
            for part in [
                "  latency  ",
                "  tail     ",
                "Source\n  ",
                "Presets, as in ",
            ] {
                assert!(page.contains(part), "{}: no {part:?} in {page}", effect.id);
            }
        }
    }
}
