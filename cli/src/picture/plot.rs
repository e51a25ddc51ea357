//! A plot: curves over one axis, in as many panels as there are kinds of values.

use std::io;
use std::path::Path;

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::text::Alignment;

use super::canvas::Canvas;
use super::scale::{Linear, Logarithmic, round_numbers};

const WIDTH: i32 = 1000;
const LEFT: i32 = 90;
const RIGHT: i32 = WIDTH - 30;
/// Height of the title, of what stands above a panel, of a panel, and of the axis below all.
const HEAD: i32 = 46;
const CAPTION: i32 = 26;
const PANEL: i32 = 300;
const FOOT: i32 = 52;

const BLACK: Rgb888 = Rgb888::new(0, 0, 0);
const GRID: Rgb888 = Rgb888::new(222, 222, 222);
const GREY: Rgb888 = Rgb888::new(120, 120, 120);
/// Curves of a panel in turn.
const COLORS: [Rgb888; 6] = [
    Rgb888::new(40, 90, 190),
    Rgb888::new(225, 125, 20),
    Rgb888::new(45, 150, 70),
    Rgb888::new(205, 25, 25),
    Rgb888::new(130, 60, 170),
    Rgb888::new(120, 120, 120),
];

/// The axis that all panels share.
#[derive(Clone, Copy, Debug)]
pub enum Axis {
    /// Even steps.
    Linear,
    /// Even ratios.
    Logarithmic,
}

/// A curve and how it is called.
#[derive(Clone, Debug)]
pub struct Curve {
    pub name: String,
    /// Points in the order of the axis; the line is broken where there is no number.
    pub points: Vec<(f64, f64)>,
}

/// Curves of one kind of values.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What the values are, with their unit.
    pub caption: String,
    pub curves: Vec<Curve>,
    /// The least range that is shown; values outside widen it.
    pub range: (f64, f64),
    /// The most that is shown: what is beyond is at the edge.
    pub limits: (f64, f64),
}

/// A picture of panels one below the other.
#[derive(Clone, Debug)]
pub struct Plot {
    pub title: String,
    /// What the axis is, with its unit.
    pub axis_caption: String,
    pub axis: Axis,
    /// First and last value of the axis.
    pub span: (f64, f64),
    pub panels: Vec<Panel>,
}

/// Either scale of the shared axis.
enum Across {
    Linear(Linear),
    Logarithmic(Logarithmic),
}

impl Across {
    fn pixel(&self, value: f64) -> i32 {
        match self {
            Self::Linear(scale) => scale.pixel(value),
            Self::Logarithmic(scale) => scale.pixel(value),
        }
    }

    fn marks(&self) -> Vec<f64> {
        match self {
            Self::Linear(scale) => round_numbers(scale.values()),
            Self::Logarithmic(scale) => scale.marks(),
        }
    }
}

impl Plot {
    /// Draws into a PNG file, in the place of one that is there.
    pub fn draw(&self, path: &Path) -> io::Result<()> {
        let panels = self.panels.len() as i32;
        let mut canvas = Canvas::new(WIDTH, HEAD + panels * (CAPTION + PANEL) + FOOT);
        let across = match self.axis {
            Axis::Linear => Across::Linear(Linear::new(self.span, (LEFT, RIGHT))),
            Axis::Logarithmic => Across::Logarithmic(Logarithmic::new(self.span, (LEFT, RIGHT))),
        };
        let title: String = self.title.chars().take(125).collect();
        canvas.write(&title, (LEFT, 24), Alignment::Left, BLACK);
        let mut bottom = HEAD;
        for panel in &self.panels {
            let top = bottom + CAPTION;
            bottom = top + PANEL;
            panel.draw(&mut canvas, &across, (top, bottom));
        }
        for mark in across.marks() {
            let at = (across.pixel(mark), bottom + 14);
            canvas.write(&shown(mark), at, Alignment::Center, BLACK);
        }
        let middle = ((LEFT + RIGHT) / 2, bottom + 36);
        canvas.write(&self.axis_caption, middle, Alignment::Center, BLACK);
        canvas.save(path)
    }
}

impl Panel {
    fn draw(&self, canvas: &mut Canvas, across: &Across, (top, bottom): (i32, i32)) {
        let values = self.range();
        let up = Linear::new(values, (bottom, top));
        for mark in across.marks() {
            let x = across.pixel(mark);
            canvas.fill((x, top), (x, bottom), GRID);
        }
        for mark in round_numbers(values) {
            let y = up.pixel(mark);
            canvas.fill((LEFT, y), (RIGHT, y), GRID);
            canvas.write(&shown(mark), (LEFT - 8, y), Alignment::Right, BLACK);
        }
        canvas.write(&self.caption, (LEFT, top - 12), Alignment::Left, GREY);
        let mut at = RIGHT;
        for (number, curve) in self.curves.iter().enumerate().rev() {
            let color = COLORS[number % COLORS.len()];
            canvas.write(&curve.name, (at, top - 12), Alignment::Right, color);
            at -= 7 * (curve.name.chars().count() as i32 + 3);
        }
        for (curve, color) in self.curves.iter().zip(COLORS.into_iter().cycle()) {
            let pixels = curve.points.iter().map(|&(at, value)| {
                let is_there = at.is_finite() && !value.is_nan();
                is_there.then(|| (across.pixel(at), up.pixel(value)))
            });
            let pixels: Vec<Option<(i32, i32)>> = pixels.collect();
            for pair in pixels.windows(2) {
                if let [Some(from), Some(to)] = *pair {
                    canvas.line(from, to, color);
                }
            }
        }
        canvas.fill((LEFT - 1, top), (LEFT - 1, bottom), BLACK);
        canvas.fill((LEFT - 1, bottom), (RIGHT, bottom), BLACK);
    }

    /// From the least to the largest value shown, with a little room.
    fn range(&self) -> (f64, f64) {
        let values = self.curves.iter().flat_map(|curve| &curve.points);
        let finite = values
            .map(|point| point.1)
            .filter(|value| value.is_finite());
        let (least, most) = finite.fold(self.range, |(least, most), value| {
            (least.min(value), most.max(value))
        });
        let room = 0.04 * (most - least);
        (
            (least - room).max(self.limits.0),
            (most + room).min(self.limits.1),
        )
    }
}

/// A round number without a tail of digits; thousands as `2k`.
fn shown(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    if rounded.abs() >= 1000.0 {
        format!("{}k", rounded / 1000.0)
    } else {
        // Never `-0`.
        format!("{}", rounded + 0.0)
    }
}
