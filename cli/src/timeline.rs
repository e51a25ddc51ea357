//! A flight as a picture: what callbacks took, what waited in rings, what was lost, and the edits,
//! over time.

use std::io;
use std::path::Path;

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::text::Alignment;
use ossicle::flight::{CallbackRecord, Command, Flight, Replayed};

use crate::picture::canvas::Canvas;
use crate::picture::scale::{Decades, Linear, steps};

const WIDTH: i32 = 1400;
const HEIGHT: i32 = 620;
/// Left and right edge of what is drawn over time.
const LEFT: i32 = 110;
const RIGHT: i32 = WIDTH - 30;
/// Top and bottom of what callbacks took, of the rings, of the commands, and of the comparison.
const COSTS: (i32, i32) = (70, 330);
const RINGS: (i32, i32) = (370, 480);
const COMMANDS: (i32, i32) = (500, 526);
const SAME: (i32, i32) = (540, 554);
/// Where the seconds stand.
const SECONDS: i32 = 572;

const BLACK: Rgb888 = Rgb888::new(0, 0, 0);
const GRID: Rgb888 = Rgb888::new(222, 222, 222);
const GREY: Rgb888 = Rgb888::new(150, 150, 150);
const BLUE: Rgb888 = Rgb888::new(40, 90, 190);
const PALE: Rgb888 = Rgb888::new(150, 185, 235);
const ORANGE: Rgb888 = Rgb888::new(225, 125, 20);
const RED: Rgb888 = Rgb888::new(205, 25, 25);
const GREEN: Rgb888 = Rgb888::new(45, 150, 70);
const PURPLE: Rgb888 = Rgb888::new(130, 60, 170);

/// Draws a flight and how its replay went into a PNG file.
pub fn draw(flight: &Flight, replayed: &Replayed, path: &Path) -> io::Result<()> {
    let mut picture = Picture::new(flight);
    picture.head();
    picture.time_axis();
    picture.costs();
    picture.rings();
    picture.commands();
    picture.comparison(replayed);
    picture.canvas.save(path)
}

struct Picture<'a> {
    flight: &'a Flight,
    canvas: Canvas,
    /// Seconds from the first callback to pixels.
    time: Linear,
    began_ns: u64,
}

impl<'a> Picture<'a> {
    fn new(flight: &'a Flight) -> Self {
        let callbacks = flight.callbacks();
        let ends_ns = |record: &CallbackRecord| {
            record.time_ns
                + record
                    .period_ns(flight.sample_rate_hz())
                    .max(record.cost_ns)
        };
        let began_ns = callbacks.first().map_or(0, |first| first.time_ns);
        let ended_ns = callbacks.iter().map(ends_ns).max().unwrap_or(began_ns);
        let seconds = ended_ns.saturating_sub(began_ns) as f64 / 1e9;
        Self {
            flight,
            canvas: Canvas::new(WIDTH, HEIGHT),
            time: Linear::new((0.0, seconds.max(1e-6)), (LEFT, RIGHT)),
            began_ns,
        }
    }

    /// Pixel of a callback's entry.
    fn x(&self, record: &CallbackRecord) -> i32 {
        let ns = record.time_ns.saturating_sub(self.began_ns);
        self.time.pixel(ns as f64 / 1e9)
    }

    /// Pixel of a stream position, within its callback.
    fn x_of(&self, position: u64) -> i32 {
        let callbacks = self.flight.callbacks();
        let at = callbacks.partition_point(|record| record.position <= position);
        callbacks
            .get(at.saturating_sub(1))
            .map_or(LEFT, |record| self.x(record))
    }

    fn head(&mut self) {
        let flight = self.flight;
        let rate = flight.sample_rate_hz();
        let title = format!(
            "{} callbacks, {}, buffer {} frames, {rate} Hz - {}",
            flight.callbacks().len(),
            flight.host(),
            flight.buffer_frames(),
            flight.cause(),
        );
        self.canvas
            .write(&title, (LEFT, 14), Alignment::Left, BLACK);
        let chain = flight.chain().unwrap_or("with nodes of the program's own");
        let chain: String = format!("chain: {chain}").chars().take(178).collect();
        self.canvas.write(&chain, (LEFT, 32), Alignment::Left, GREY);
    }

    fn time_axis(&mut self) {
        for second in steps(self.time.values().1) {
            let x = self.time.pixel(second);
            self.canvas.fill((x, COSTS.0), (x, SAME.1), GRID);
            let label = format!("{}", (second * 1e6).round() / 1e6);
            self.canvas
                .write(&label, (x, SECONDS), Alignment::Center, BLACK);
        }
        let middle = (LEFT + RIGHT) / 2;
        let label = "seconds since the first callback";
        self.canvas
            .write(label, (middle, SECONDS + 22), Alignment::Center, BLACK);
    }

    fn frame(&mut self, (top, bottom): (i32, i32)) {
        self.canvas.fill((LEFT - 1, top), (LEFT - 1, bottom), BLACK);
        self.canvas.fill((LEFT - 1, bottom), (RIGHT, bottom), BLACK);
    }

    /// What each callback took, and what it had.
    fn costs(&mut self) {
        let (rate, callbacks) = (self.flight.sample_rate_hz(), self.flight.callbacks());
        let both = |record: &CallbackRecord| [record.cost_ns, record.period_ns(rate)];
        let all = callbacks.iter().flat_map(both).filter(|ns| *ns > 0);
        let (least, most) = all.fold((u64::MAX, 1), |(a, b), ns| (a.min(ns), b.max(ns)));
        let scale = Decades::new((least.min(most) as f64 / 1e9, most as f64 / 1e9), COSTS);
        for (value, label) in scale.labels() {
            let y = scale.pixel(value);
            self.canvas.fill((LEFT, y), (RIGHT, y), GRID);
            self.canvas
                .write(&label, (LEFT - 8, y), Alignment::Right, BLACK);
        }
        let text = "time a callback took (blue; red: late), and its period (orange)";
        self.canvas
            .write(text, (LEFT, COSTS.0 - 12), Alignment::Left, BLACK);
        for record in callbacks {
            let x = self.x(record);
            let y = scale.pixel(record.cost_ns as f64 / 1e9);
            self.canvas.fill((x, y), (x, COSTS.1), PALE);
        }
        for record in callbacks {
            let x = self.x(record);
            let y = scale.pixel(record.cost_ns as f64 / 1e9);
            self.canvas.fill((x, y - 1), (x + 1, y), BLUE);
            let y = scale.pixel(record.period_ns(rate) as f64 / 1e9);
            self.canvas.fill((x, y - 1), (x + 1, y), ORANGE);
        }
        for record in callbacks.iter().filter(|record| record.is_late(rate)) {
            self.late(record, scale.pixel(record.cost_ns as f64 / 1e9));
        }
        self.frame(COSTS);
    }

    fn late(&mut self, record: &CallbackRecord, y: i32) {
        let x = self.x(record);
        self.canvas.fill((x, y), (x + 1, COSTS.1), RED);
        if record.lost_frames > 0 || record.xrun {
            self.canvas.fill((x, COSTS.0), (x + 1, COSTS.1), RED);
            let label = match record.lost_frames {
                0 => "xrun".to_owned(),
                lost => format!("{lost} lost"),
            };
            let (at, side) = if x > RIGHT - 100 {
                (x - 5, Alignment::Right)
            } else {
                (x + 6, Alignment::Left)
            };
            self.canvas.write(&label, (at, COSTS.0 + 8), side, RED);
        }
    }

    /// What waited in the rings.
    fn rings(&mut self) {
        let callbacks = self.flight.callbacks();
        let fills = |record: &CallbackRecord| [record.source_frames, record.record_frames];
        let most = callbacks.iter().flat_map(fills).flatten().max();
        let text = "frames that waited: before the chain (green), for a recording (purple)";
        self.canvas
            .write(text, (LEFT, RINGS.0 - 12), Alignment::Left, BLACK);
        let Some(most) = most else {
            let at = (LEFT + 8, (RINGS.0 + RINGS.1) / 2);
            self.canvas
                .write("there was no ring", at, Alignment::Left, GREY);
            self.frame(RINGS);
            return;
        };
        let most = f64::from(most.max(1));
        let scale = Linear::new((0.0, most), (RINGS.1, RINGS.0));
        for frames in [0.0, (most / 2.0).round(), most] {
            let y = scale.pixel(frames);
            self.canvas.fill((LEFT, y), (RIGHT, y), GRID);
            self.canvas
                .write(&frames.to_string(), (LEFT - 8, y), Alignment::Right, BLACK);
        }
        for record in callbacks {
            let x = self.x(record);
            for (frames, color) in fills(record).into_iter().zip([GREEN, PURPLE]) {
                if let Some(frames) = frames {
                    let y = scale.pixel(f64::from(frames));
                    self.canvas.fill((x, y - 1), (x + 1, y), color);
                }
            }
        }
        self.frame(RINGS);
    }

    /// Edits with their fades, and changes of parameters.
    fn commands(&mut self) {
        let middle = (COMMANDS.0 + COMMANDS.1) / 2;
        self.canvas
            .write("edits", (LEFT - 8, COMMANDS.0 + 6), Alignment::Right, BLUE);
        self.canvas.write(
            "changes",
            (LEFT - 8, COMMANDS.1 - 5),
            Alignment::Right,
            GREEN,
        );
        for command in self.flight.commands() {
            match command {
                Command::Edit {
                    taken: Some(taken),
                    fade: Some((_, end)),
                    ..
                } => {
                    let (from, to) = (self.x_of(taken), self.x_of(end));
                    self.canvas
                        .fill((from, COMMANDS.0), (to.max(from + 1), middle - 1), BLUE);
                }
                Command::Set { at: Some(at), .. } => {
                    let x = self.x_of(at);
                    self.canvas
                        .fill((x, middle + 1), (x + 1, COMMANDS.1), GREEN);
                }
                _ => {}
            }
        }
    }

    /// Whether each callback gave the same bits again.
    fn comparison(&mut self, replayed: &Replayed) {
        let middle = (SAME.0 + SAME.1) / 2;
        self.canvas
            .write("same bits", (LEFT - 8, middle), Alignment::Right, BLACK);
        let callbacks = self.flight.callbacks();
        for (number, record) in callbacks.iter().enumerate() {
            let next = callbacks.get(number + 1);
            let from = self.x(record);
            let color = match replayed.matches.get(number) {
                Some(true) => GREEN,
                Some(false) => continue,
                None => GREY,
            };
            // Lost time is no callback's.
            let is_next = next.is_some_and(|next| next.lost_frames == 0);
            let to = next
                .filter(|_| is_next)
                .map_or(from + 1, |next| self.x(next));
            self.canvas
                .fill((from, SAME.0), (to.max(from), SAME.1), color);
        }
        for (record, _) in callbacks
            .iter()
            .zip(&replayed.matches)
            .filter(|(_, same)| !**same)
        {
            let x = self.x(record);
            self.canvas.fill((x, SAME.0), (x + 1, SAME.1), RED);
        }
    }
}
