//! Frequency over time, in colors by strength.

use std::io;
use std::path::Path;

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::text::Alignment;

use super::canvas::Canvas;
use super::scale::{Linear, steps};

/// Columns and rows of the map itself.
pub const COLUMNS: usize = 1200;
pub const ROWS: usize = 512;

/// Where the map stands in the picture, and the bar of its colors.
const LEFT: i32 = 80;
const TOP: i32 = 44;
const RIGHT: i32 = LEFT + COLUMNS as i32;
const BOTTOM: i32 = TOP + ROWS as i32;
const BAR: (i32, i32) = (RIGHT + 24, RIGHT + 44);
const WIDTH: i32 = BAR.1 + 76;
const HEIGHT: i32 = BOTTOM + 56;

const BLACK: Rgb888 = Rgb888::new(0, 0, 0);
/// Colors from the weakest to the strongest, each a step of the same length.
const COLORS: [[u8; 3]; 6] = [
    [0, 0, 0],
    [35, 20, 110],
    [140, 30, 130],
    [225, 75, 60],
    [250, 180, 40],
    [255, 255, 225],
];

/// A picture of spectra.
pub struct HeatMap {
    sample_rate_hz: u32,
    first: u64,
    frames: u64,
    range_db: f64,
    /// Lowest frequency of a logarithmic axis.
    lowest_hz: Option<f64>,
    /// The largest power at each place, column by column, from the lowest frequency up.
    cells: Vec<f32>,
    peak: Option<Peak>,
}

/// The strongest place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// In decibels of a full-scale sine.
    pub level_db: f64,
    pub frequency_hz: f64,
    /// Since the file's beginning.
    pub seconds: f64,
}

impl HeatMap {
    /// An empty map of `frames` frames from frame `first` of a file on; `range_db` decibels are from
    /// black to the brightest color.
    pub fn new(sample_rate_hz: u32, first: u64, frames: u64, range_db: f64) -> Self {
        Self {
            sample_rate_hz,
            first,
            frames,
            range_db,
            lowest_hz: None,
            cells: vec![0.0; COLUMNS * ROWS],
            peak: None,
        }
    }

    /// Makes the axis of frequency logarithmic, from here on up.
    pub fn set_lowest_hz(&mut self, lowest_hz: f64) {
        self.lowest_hz = Some(lowest_hz.min(self.highest_hz() / 2.0));
    }

    /// The strongest place so far.
    pub fn peak(&self) -> Option<Peak> {
        self.peak
    }

    /// Takes the power in each bin around frame `at`, counted from the first of the map.
    pub fn add(&mut self, at: u64, power: &[f32]) {
        if at >= self.frames {
            return;
        }
        self.note_peak(at, power);
        // A place is drawn up to the next one, so that few frames fill the map too.
        let column = |at: u64| (at as u128 * COLUMNS as u128 / u128::from(self.frames)) as usize;
        let (from, to) = (column(at), column(at + 1).max(column(at) + 1));
        for row in 0..ROWS {
            let value = self.row(row, power);
            for column in from..to.min(COLUMNS) {
                let cell = &mut self.cells[column * ROWS + row];
                *cell = cell.max(value);
            }
        }
    }

    fn note_peak(&mut self, at: u64, power: &[f32]) {
        let rate = f64::from(self.sample_rate_hz);
        let bins = power.iter().copied().enumerate();
        let Some((bin, most)) = bins.max_by(|one, other| one.1.total_cmp(&other.1)) else {
            return;
        };
        let level_db = decibels(most);
        let is_more = self.peak.is_none_or(|peak| level_db > peak.level_db);
        if most > 0.0 && is_more {
            self.peak = Some(Peak {
                level_db,
                frequency_hz: bin as f64 / (power.len() - 1) as f64 * self.highest_hz(),
                seconds: (self.first + at) as f64 / rate,
            });
        }
    }

    /// The largest power of the bins in a row; between bins where a row is less than one.
    fn row(&self, row: usize, power: &[f32]) -> f32 {
        let bin =
            |edge: f64| self.frequency_hz(edge) / self.highest_hz() * (power.len() - 1) as f64;
        let (from, to) = (bin(row as f64), bin(row as f64 + 1.0));
        let (first, last) = (from.ceil() as usize, to.ceil() as usize);
        match power.get(first..last.min(power.len())) {
            Some(bins) if !bins.is_empty() => bins.iter().fold(0.0, |most, &bin| most.max(bin)),
            _ => {
                let (below, share) = (from.floor() as usize, from.fract() as f32);
                let at = |bin: usize| power[bin.min(power.len() - 1)];
                at(below) + share * (at(below + 1) - at(below))
            }
        }
    }

    fn highest_hz(&self) -> f64 {
        f64::from(self.sample_rate_hz) / 2.0
    }

    /// The frequency at an edge between rows.
    fn frequency_hz(&self, edge: f64) -> f64 {
        let (share, highest) = (edge / ROWS as f64, self.highest_hz());
        match self.lowest_hz {
            Some(lowest) => lowest * (highest / lowest).powf(share),
            None => highest * share,
        }
    }

    /// The pixel of a frequency.
    fn y(&self, frequency_hz: f64) -> i32 {
        let (highest, rows) = (self.highest_hz(), (BOTTOM, TOP));
        match self.lowest_hz {
            Some(lowest) => Linear::new((lowest.ln(), highest.ln()), rows).pixel(frequency_hz.ln()),
            None => Linear::new((0.0, highest), rows).pixel(frequency_hz),
        }
    }

    /// Draws the map with its axes into a PNG file, in the place of one that is there.
    pub fn draw(&self, title: &str, path: &Path) -> io::Result<()> {
        let mut canvas = Canvas::new(WIDTH, HEIGHT);
        let title: String = title.chars().take(150).collect();
        canvas.write(&title, (LEFT, 18), Alignment::Left, BLACK);
        for (number, column) in self.cells.chunks_exact(ROWS).enumerate() {
            for (row, &power) in column.iter().enumerate() {
                let at = (LEFT + number as i32, BOTTOM - 1 - row as i32);
                canvas.set(at, self.color(decibels(power)));
            }
        }
        self.frequency_axis(&mut canvas);
        self.time_axis(&mut canvas);
        self.color_bar(&mut canvas);
        canvas.save(path)
    }

    fn frequency_axis(&self, canvas: &mut Canvas) {
        let frequencies: Vec<f64> = match self.lowest_hz {
            Some(lowest) => {
                let decades = [1.0, 10.0, 100.0, 1000.0, 10_000.0, 100_000.0, 1e6];
                let all = decades
                    .iter()
                    .flat_map(|decade| [1.0, 2.0, 5.0].map(|of| of * decade));
                all.filter(|hz| (lowest..=self.highest_hz()).contains(hz))
                    .collect()
            }
            None => steps(self.highest_hz()),
        };
        for frequency in frequencies {
            let y = self.y(frequency);
            let label = match frequency {
                hz if hz >= 1000.0 => format!("{} kHz", hz / 1000.0),
                hz => format!("{hz} Hz"),
            };
            canvas.fill((LEFT - 5, y), (LEFT - 1, y), BLACK);
            canvas.write(&label, (LEFT - 9, y), Alignment::Right, BLACK);
        }
        canvas.fill((LEFT - 1, TOP), (LEFT - 1, BOTTOM), BLACK);
    }

    fn time_axis(&self, canvas: &mut Canvas) {
        let rate = f64::from(self.sample_rate_hz);
        let (begin, length) = (self.first as f64 / rate, self.frames as f64 / rate);
        let axis = Linear::new((0.0, length), (LEFT, RIGHT));
        for second in steps(length) {
            let x = axis.pixel(second);
            let label = format!("{}", ((begin + second) * 1e6).round() / 1e6);
            canvas.fill((x, BOTTOM), (x, BOTTOM + 5), BLACK);
            canvas.write(&label, (x, BOTTOM + 16), Alignment::Center, BLACK);
        }
        canvas.fill((LEFT - 1, BOTTOM), (RIGHT, BOTTOM), BLACK);
        let middle = (LEFT + RIGHT) / 2;
        let label = "seconds since the file's beginning";
        canvas.write(label, (middle, BOTTOM + 38), Alignment::Center, BLACK);
    }

    fn color_bar(&self, canvas: &mut Canvas) {
        let levels = Linear::new((-self.range_db, 0.0), (BOTTOM, TOP));
        for y in TOP..BOTTOM {
            let share = f64::from(BOTTOM - 1 - y) / (ROWS as f64 - 1.0);
            let color = self.color(-self.range_db * (1.0 - share));
            canvas.fill((BAR.0, y), (BAR.1, y), color);
        }
        for step in steps(self.range_db) {
            let y = levels.pixel(-step);
            canvas.fill((BAR.1 + 1, y), (BAR.1 + 5, y), BLACK);
            let label = if step == 0.0 {
                "0 dB".to_string()
            } else {
                format!("-{step}")
            };
            canvas.write(&label, (BAR.1 + 9, y), Alignment::Left, BLACK);
        }
    }

    fn color(&self, level_db: f64) -> Rgb888 {
        let share = (1.0 + level_db / self.range_db).clamp(0.0, 1.0);
        let at = share * (COLORS.len() - 1) as f64;
        let below = (at as usize).min(COLORS.len() - 2);
        let between = |channel: usize| {
            let (from, to) = (COLORS[below][channel], COLORS[below + 1][channel]);
            let share = at - below as f64;
            (f64::from(from) + share * (f64::from(to) - f64::from(from))).round() as u8
        };
        Rgb888::new(between(0), between(1), between(2))
    }
}

fn decibels(power: f32) -> f64 {
    10.0 * f64::from(power).max(1e-30).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_at_its_row_and_its_column() {
        let mut map = HeatMap::new(48_000, 48_000, 12_000, 100.0);
        let mut power = vec![0.0; 2049];
        // Bin 1024 of 2048 is 12 kHz, half way up; frame 6000 of 12000 half way across.
        power[1024] = 0.25;
        map.add(6000, &power);
        let lit: Vec<usize> = (0..map.cells.len())
            .filter(|&at| map.cells[at] > 0.0)
            .collect();
        assert_eq!(lit, [600 * ROWS + 256]);
        let peak = map.peak().unwrap();
        assert_eq!((peak.frequency_hz, peak.seconds), (12_000.0, 1.125));
        assert!((peak.level_db + 6.02).abs() < 0.01);
    }

    #[test]
    fn few_frames_fill_the_map() {
        let mut map = HeatMap::new(8000, 0, 7, 100.0);
        (0..7).for_each(|at| map.add(at, &[1.0; 33]));
        assert!(map.cells.iter().all(|&cell| cell == 1.0));
    }

    #[test]
    fn a_logarithmic_axis_has_octaves_of_one_height() {
        let mut map = HeatMap::new(48_000, 0, 1000, 100.0);
        map.set_lowest_hz(20.0);
        let heights: Vec<i32> = [50.0, 500.0, 5000.0]
            .map(|hz| map.y(hz) - map.y(2.0 * hz))
            .to_vec();
        // 512 rows for log2(24000 / 20) = 10.23 octaves.
        assert!(
            heights.iter().all(|height| (49..=51).contains(height)),
            "{heights:?}"
        );
    }
}
