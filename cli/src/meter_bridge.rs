//! All meters on a few lines, for a terminal.

use ossicle::meter::{ChannelReadings, Readings};

use crate::progress::dbfs;
use crate::summary::plural;

/// Cells of a channel's bar, and the level in dBFS at which the first one lights.
const CELLS: usize = 60;
const FLOOR_DB: f64 = -60.0;
/// Most channels that get a bar.
const CHANNELS: usize = 16;
/// The level in dBFS at which the lowest step of a band lights, and what a step is.
const BANDS_FLOOR_DB: f64 = -72.0;
const STEPS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The lines, from a scale to the loudness.
pub fn lines(readings: &Readings) -> String {
    let mut lines = vec![scale()];
    let channels = readings.channels.iter().take(CHANNELS).enumerate();
    lines.extend(channels.map(|(number, channel)| bar(number + 1, channel)));
    lines.push(bands(&readings.bands));
    let loudness = [
        ("M", readings.momentary_lufs),
        ("S", readings.short_term_lufs),
        ("I", readings.integrated_lufs),
    ];
    let loudness: Vec<String> = loudness
        .into_iter()
        .map(|(name, lufs)| format!("{name} {}", number(lufs)))
        .collect();
    lines.push(format!(
        "   {} LUFS   range {} LU   correlation {}",
        loudness.join("  "),
        readings
            .range_lu
            .map_or_else(|| "-".to_string(), |range| format!("{range:.1}")),
        readings
            .correlation
            .map_or_else(|| "-".to_string(), |value| format!("{value:+.2}")),
    ));
    lines.join("\n")
}

/// A level with one decimal, as wide as `-23.0`.
fn number(level: Option<f64>) -> String {
    level.map_or_else(|| "   - ".to_string(), |level| format!("{level:5.1}"))
}

/// Marks each 12 dB above the bars.
fn scale() -> String {
    let mut line = vec![' '; 4 + CELLS + 2];
    for mark in [-60, -48, -36, -24, -12, 0] {
        let label = mark.to_string();
        // A label ends over the cell of its level.
        let end = 4 + cells(Some(f64::from(mark))).max(1);
        let start = end.saturating_sub(label.len()).max(3);
        for (at, letter) in label.chars().enumerate() {
            line[start + at] = letter;
        }
    }
    let line: String = line.into_iter().collect();
    format!("{} dBFS", line.trim_end())
}

/// `1 [####----|   ]  -8.3  true peak -6.2`: RMS, the held peak, the largest true peak, and how often
/// it clipped.
fn bar(number: usize, channel: &ChannelReadings) -> String {
    let rms = channel.rms.and_then(|rms| dbfs(rms as f32));
    let (lit, held) = (cells(rms), cells(dbfs(channel.shown_peak)));
    let cell = |cell: usize| match cell + 1 {
        at if at == held => '|',
        at if at <= lit => '#',
        at if at < held => '-',
        _ => ' ',
    };
    let bar: String = (0..CELLS).map(cell).collect();
    let mark = if channel.largest_peak >= 1.0 {
        '!'
    } else {
        ']'
    };
    let clips = match channel.clips {
        0 => String::new(),
        clips => format!("  {}", plural(clips, "clip")),
    };
    format!(
        "{number:>2} [{bar}{mark} {}  true peak {} dBTP{clips}",
        self::number(dbfs(channel.shown_peak)),
        self::number(dbfs(channel.largest_true_peak)),
    )
}

/// Cells that a level lights.
fn cells(level_db: Option<f64>) -> usize {
    let share = level_db.map_or(0.0, |level| (level - FLOOR_DB) / -FLOOR_DB);
    ((share * CELLS as f64).round().max(0.0) as usize).min(CELLS)
}

/// Thirds of an octave, two columns each, from 25 Hz on.
fn bands(bands: &[f64]) -> String {
    let step = |power: &f64| {
        let level = 10.0 * power.max(1e-30).log10();
        let share = (level - BANDS_FLOOR_DB) / -BANDS_FLOOR_DB * (STEPS.len() - 1) as f64;
        let step = STEPS[(share.round().max(0.0) as usize).min(STEPS.len() - 1)];
        [step, step]
    };
    let steps: String = bands.iter().flat_map(step).collect();
    format!("   25 Hz {steps} thirds of an octave")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings() -> Readings {
        let channel = ChannelReadings {
            shown_peak: 0.501_187_2,
            largest_peak: 0.501_187_2,
            largest_true_peak: 1.0,
            rms: Some(0.063_095_73),
            clips: 0,
        };
        Readings {
            momentary_lufs: Some(-23.04),
            short_term_lufs: None,
            integrated_lufs: Some(-24.0),
            range_lu: None,
            max_momentary_lufs: None,
            max_short_term_lufs: None,
            correlation: Some(-0.5),
            bands: vec![1.0, 1e-4, 0.0],
            channels: vec![channel],
        }
    }

    #[test]
    fn a_bar_is_lit_to_the_rms_and_has_a_mark_at_the_held_peak() {
        // RMS -24 dBFS: 36 of 60 cells; peak -6 dBFS: the 54th.
        let want = format!(
            " 1 [{}{}|{}]  -6.0  true peak   0.0 dBTP",
            "#".repeat(36),
            "-".repeat(17),
            " ".repeat(6)
        );
        assert_eq!(lines(&readings()).lines().nth(1), Some(want.as_str()));
    }

    #[test]
    fn a_channel_that_clipped_says_how_often() {
        let mut readings = readings();
        readings.channels[0].largest_peak = 1.0;
        readings.channels[0].clips = 3;
        let lines = lines(&readings);
        let bar = lines.lines().nth(1).unwrap();
        assert!(bar.contains('!') && bar.ends_with("dBTP  3 clips"), "{bar}");
    }

    #[test]
    fn the_scale_stands_over_its_cells() {
        let lines = lines(&readings());
        let (scale, bar) = (lines.lines().next().unwrap(), lines.lines().nth(1).unwrap());
        let last = scale.find("-24").unwrap() + 2;
        assert_eq!(bar.rfind('#'), Some(last), "\n{scale}\n{bar}");
        assert!(scale.ends_with("0 dBFS"), "{scale}");
    }

    #[test]
    fn what_is_not_known_is_a_dash() {
        let lines = lines(&readings());
        let last = lines.lines().last().unwrap();
        let want = "   M -23.0  S    -   I -24.0 LUFS   range - LU   correlation -0.50";
        assert_eq!(last, want);
        // 0 dBFS, -40 dBFS (32 of 72 dB: 3.6 steps) and nothing.
        assert!(lines.contains("25 Hz ██▄▄   thirds"), "{lines}");
    }
}
