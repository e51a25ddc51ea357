//! How far each law's ratio is off over time, as a picture; both ways are logarithmic.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use embedded_graphics::framebuffer::{Framebuffer, buffer_size};
use embedded_graphics::geometry::Point;
use embedded_graphics::mono_font::{MonoTextStyle, iso_8859_1::FONT_7X13};
use embedded_graphics::pixelcolor::{Rgb888, raw::BigEndian, raw::RawU24};
use embedded_graphics::prelude::{DrawTarget, Drawable, RgbColor};
use embedded_graphics::primitives::{Line, Primitive, PrimitiveStyle};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};

use super::compare::{ENTRIES, try_one};

const WIDTH: usize = 1200;
const HEIGHT: usize = 640;
const LEFT: i32 = 80;
const RIGHT: i32 = WIDTH as i32 - 20;
const TOP: i32 = 50;
const BOTTOM: i32 = HEIGHT as i32 - 60;
/// Powers of ten at the edges: of seconds, and of millionths.
const SECONDS_10: (i32, i32) = (-2, 3);
const PPM_10: (i32, i32) = (-3, 4);
const OFFSET_PPM: f64 = 100.0;
/// What counts as locked.
const LOCKED_PPM: f64 = 5.0;

const GRID: Rgb888 = Rgb888::new(222, 222, 222);
const COLORS: [Rgb888; ENTRIES.len()] = [
    Rgb888::new(205, 25, 25),
    Rgb888::new(40, 90, 190),
    Rgb888::new(45, 150, 70),
    Rgb888::new(150, 205, 150),
    Rgb888::new(130, 60, 170),
    Rgb888::new(205, 170, 225),
    Rgb888::new(225, 125, 20),
];

type Picture =
    Framebuffer<Rgb888, RawU24, BigEndian, WIDTH, HEIGHT, { buffer_size::<Rgb888>(WIDTH, HEIGHT) }>;

/// Draws one seed of each law into a PNG file.
pub fn draw(path: &Path) -> io::Result<()> {
    let mut picture = Box::new(Picture::new());
    let Ok(()) = picture.clear(Rgb888::WHITE);
    let title = format!(
        "error of the ratio in ppm (most within a pixel) over seconds; \
         {OFFSET_PPM} ppm, calls late by up to 50 us"
    );
    write(
        &mut picture,
        &title,
        (LEFT, 20),
        Alignment::Left,
        Rgb888::BLACK,
    );
    grid(&mut picture);
    // Ours last, above the others.
    for (index, entry) in ENTRIES.iter().enumerate().rev() {
        let trace = try_one(entry, OFFSET_PPM, 0, true).trace;
        let points = outline(&trace);
        for pair in points.windows(2) {
            line(&mut picture, pair[0], pair[1], COLORS[index]);
        }
        let at = (LEFT + 10, BOTTOM - 16 * (ENTRIES.len() - index) as i32);
        write(&mut picture, entry.name, at, Alignment::Left, COLORS[index]);
    }
    save(&picture, path)
}

fn grid(picture: &mut Picture) {
    for power in SECONDS_10.0..=SECONDS_10.1 {
        let x = x_of(10f64.powi(power));
        line(picture, (x, TOP), (x, BOTTOM), GRID);
        let text = format!("{} s", 10f64.powi(power));
        write(
            picture,
            &text,
            (x, BOTTOM + 20),
            Alignment::Center,
            Rgb888::BLACK,
        );
    }
    for power in PPM_10.0..=PPM_10.1 {
        let y = y_of(10f64.powi(power));
        line(picture, (LEFT, y), (RIGHT, y), GRID);
        let text = format!("{}", 10f64.powi(power));
        write(
            picture,
            &text,
            (LEFT - 10, y),
            Alignment::Right,
            Rgb888::BLACK,
        );
    }
    let y = y_of(LOCKED_PPM);
    line(picture, (LEFT, y), (RIGHT, y), Rgb888::BLACK);
    write(
        picture,
        "5",
        (LEFT - 10, y),
        Alignment::Right,
        Rgb888::BLACK,
    );
}

/// The largest error within each pixel of time.
fn outline(trace: &[(f64, f64)]) -> Vec<(i32, i32)> {
    let mut points: Vec<(i32, i32)> = Vec::new();
    for &(seconds, ppm) in trace {
        let (x, y) = (x_of(seconds), y_of(ppm.abs()));
        match points.last_mut() {
            Some(last) if last.0 == x => last.1 = last.1.min(y),
            _ => points.push((x, y)),
        }
    }
    points
}

fn x_of(seconds: f64) -> i32 {
    place(seconds, SECONDS_10, (LEFT, RIGHT))
}

fn y_of(ppm: f64) -> i32 {
    place(ppm, PPM_10, (BOTTOM, TOP))
}

fn place(value: f64, powers: (i32, i32), pixels: (i32, i32)) -> i32 {
    let (low, high) = (f64::from(powers.0), f64::from(powers.1));
    let part = (value.log10().clamp(low, high) - low) / (high - low);
    pixels.0 + (f64::from(pixels.1 - pixels.0) * part).round() as i32
}

fn line(picture: &mut Picture, from: (i32, i32), to: (i32, i32), color: Rgb888) {
    let line = Line::new(Point::from(from), Point::from(to));
    let Ok(()) = line
        .into_styled(PrimitiveStyle::with_stroke(color, 1))
        .draw(picture);
}

/// Writes with the middle of the letters' height at `at`.
fn write(picture: &mut Picture, text: &str, at: (i32, i32), side: Alignment, color: Rgb888) {
    let letters = MonoTextStyle::new(&FONT_7X13, color);
    let style = TextStyleBuilder::new()
        .alignment(side)
        .baseline(Baseline::Middle);
    let text = Text::with_text_style(text, Point::from(at), letters, style.build());
    let Ok(_) = text.draw(picture);
}

fn save(picture: &Picture, path: &Path) -> io::Result<()> {
    let file = BufWriter::new(File::create(path)?);
    let mut encoder = png::Encoder::new(file, WIDTH as u32, HEIGHT as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(picture.data())?;
    writer.finish()?;
    Ok(())
}
