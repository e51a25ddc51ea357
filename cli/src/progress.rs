//! The progress bar and level meter: on stderr, only on a terminal, never with `-q`.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;
use crate::times::shown;

/// Cells of the meter of one channel.
const METER_CELLS: usize = 8;
/// Level in dBFS at which the meter's first cell lights; the last one lights at 0 dBFS.
const METER_FLOOR_DB: f64 = -48.0;
/// Most channels for which a meter is drawn.
const METER_CHANNELS: usize = 4;

/// A line that shows how far a run is and how loud it is.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    sample_rate_hz: u32,
    total_frames: Option<u64>,
}

impl Progress {
    /// Begins the line. Without a total the line shows time only, no bar.
    pub fn new(output: Output, sample_rate_hz: u32, total_frames: Option<u64>) -> Self {
        let bar = match total_frames {
            Some(frames) => ProgressBar::new(frames),
            None => ProgressBar::no_length(),
        };
        let template = match total_frames {
            Some(_) => "{prefix} [{bar:12}] {percent:>3}% {wide_msg}",
            None => "{prefix} {wide_msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_draw_target(if output.quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(20)
        });
        Self {
            bar,
            sample_rate_hz,
            total_frames,
        }
    }

    /// Whether anybody sees the line.
    pub fn is_shown(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Shows a position and the meters of `peaks` (one per channel: the magnitude now, and the one that
    /// is held), then `note`.
    pub fn show(&self, frames: u64, peaks: &[(f32, f32)], note: &str) {
        if !self.is_shown() {
            return;
        }
        let position = shown(frames, self.sample_rate_hz);
        self.bar.set_prefix(match self.total_frames {
            Some(total) => format!("{position} / {}", shown(total, self.sample_rate_hz)),
            None => position,
        });
        self.bar
            .set_position(self.total_frames.map_or(frames, |total| frames.min(total)));
        let meters: Vec<String> = peaks
            .iter()
            .take(METER_CHANNELS)
            .map(|&(peak, held)| meter(peak, held))
            .collect();
        self.bar.set_message(format!("{} {note}", meters.join(" ")));
    }

    /// Shows a position, `note`, and `lines` below.
    pub fn show_lines(&self, frames: u64, note: &str, lines: &str) {
        if !self.is_shown() {
            return;
        }
        let position = shown(frames, self.sample_rate_hz);
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            self.bar.set_style(style);
        }
        self.bar.set_position(frames);
        self.bar.set_message(format!("{position}  {note}\n{lines}"));
    }

    /// Writes `line` above the progress line.
    pub fn warning(&self, output: Output, line: &str) {
        self.bar.suspend(|| output.warning(line));
    }

    /// Takes the line away.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}

/// Level in dBFS of a magnitude, `None` for silence.
pub fn dbfs(peak: f32) -> Option<f64> {
    (peak > 0.0 && peak.is_finite()).then(|| 20.0 * f64::from(peak).log10())
}

/// A meter of one channel: `|####-+--| -12.0`: the peak, a mark at the peak that is held, and the
/// level of that.
fn meter(peak: f32, held: f32) -> String {
    let (lit, held_cell) = (cells(peak), cells(held));
    let cell = |cell: usize| match cell + 1 {
        at if at <= lit => '#',
        at if at == held_cell => '+',
        _ => '-',
    };
    let bar: String = (0..METER_CELLS).map(cell).collect();
    let mark = if held >= 1.0 { '!' } else { '|' };
    let number = dbfs(held).map_or_else(|| "  -inf".to_string(), |level| format!("{level:6.1}"));
    format!("|{bar}{mark}{number}")
}

/// Cells that a peak lights.
fn cells(peak: f32) -> usize {
    let level = dbfs(peak);
    let lit = level.map_or(0.0, |level| (level - METER_FLOOR_DB) / -METER_FLOOR_DB);
    ((lit * METER_CELLS as f64).round().max(0.0) as usize).min(METER_CELLS)
}

#[cfg(test)]
mod tests {
    use super::{dbfs, meter};

    #[test]
    fn a_meter_spans_48_db_and_marks_full_scale() {
        assert_eq!(meter(0.0, 0.0), "|--------|  -inf");
        // 10^(-24/20): half of 48 dB is half of the cells.
        assert_eq!(meter(0.063_095_73, 0.063_095_73), "|####----| -24.0");
        assert_eq!(meter(1.0, 1.0), "|########!   0.0");
        assert_eq!(meter(2.0, 2.0), "|########!   6.0");
    }

    #[test]
    fn a_held_peak_has_a_mark_and_its_level() {
        // -12 dB is three quarters of 48 dB.
        assert_eq!(meter(0.063_095_73, 0.251_188_6), "|####-+--| -12.0");
        assert_eq!(meter(0.0, 1.0), "|-------+!   0.0");
    }

    #[test]
    fn silence_has_no_level() {
        assert_eq!(dbfs(0.0), None);
        assert_eq!(dbfs(1.0), Some(0.0));
    }
}
