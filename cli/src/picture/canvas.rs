//! A picture in memory, and its file.

use core::convert::Infallible;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::iso_8859_1::FONT_7X13;
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::prelude::Drawable;
use embedded_graphics::primitives::{Line, Primitive, PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};

/// Pixels of three bytes.
pub struct Canvas {
    width: i32,
    height: i32,
    bytes: Vec<u8>,
}

impl Canvas {
    /// A white picture.
    pub fn new(width: i32, height: i32) -> Self {
        Self {
            width,
            height,
            bytes: vec![255; (width * height * 3).unsigned_abs() as usize],
        }
    }

    /// One pixel; none outside of the picture.
    pub fn set(&mut self, at: (i32, i32), color: Rgb888) {
        let Ok(()) = self.draw_iter([Pixel(Point::from(at), color)]);
    }

    /// Fills from one corner to the other, both inside; at least one pixel.
    pub fn fill(&mut self, from: (i32, i32), to: (i32, i32), color: Rgb888) {
        let corners = Rectangle::with_corners(Point::from(from), Point::from(to));
        let Ok(()) = corners
            .into_styled(PrimitiveStyle::with_fill(color))
            .draw(self);
    }

    /// A line two pixels wide from one point to the other.
    pub fn line(&mut self, from: (i32, i32), to: (i32, i32), color: Rgb888) {
        let line = Line::new(Point::from(from), Point::from(to));
        let Ok(()) = line
            .into_styled(PrimitiveStyle::with_stroke(color, 2))
            .draw(self);
    }

    /// Writes with the middle of the letters' height at `at`.
    pub fn write(&mut self, text: &str, at: (i32, i32), side: Alignment, color: Rgb888) {
        let letters = MonoTextStyle::new(&FONT_7X13, color);
        let style = TextStyleBuilder::new()
            .alignment(side)
            .baseline(Baseline::Middle);
        let text = Text::with_text_style(text, Point::from(at), letters, style.build());
        let Ok(_) = text.draw(self);
    }

    /// Writes a PNG file, in the place of one that is there.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let (width, height) = (self.width.unsigned_abs(), self.height.unsigned_abs());
        let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.bytes)?;
        writer.finish()?;
        Ok(())
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.width.unsigned_abs(), self.height.unsigned_abs())
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        for Pixel(at, color) in pixels {
            if (0..self.width).contains(&at.x) && (0..self.height).contains(&at.y) {
                let first = (at.y * self.width + at.x).unsigned_abs() as usize * 3;
                self.bytes[first..first + 3].copy_from_slice(&[color.r(), color.g(), color.b()]);
            }
        }
        Ok(())
    }
}
