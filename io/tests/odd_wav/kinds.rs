//! One small file of every oddity, with the samples that the definition of its format gives.

use super::build::{BIG, LITTLE, Order, ds64, w64_chunk, w64_chunk_of_size, w64_file};

/// A file and what it holds.
pub struct Kind {
    pub name: String,
    pub bytes: Vec<u8>,
    /// The samples, interleaved.
    pub samples: Vec<f64>,
    pub channels: usize,
    /// Whether something about it calls for a warning.
    pub warns: bool,
    /// libsndfile opens it too, and reads the same.
    pub judged: bool,
}

/// Codes that show every byte and the ends of the range.
fn codes(bits: u32) -> Vec<i64> {
    let top = 1i128 << (bits - 1);
    let mut codes = vec![0, 1.min(top - 1), -1, top - 1, -top, top / 3];
    codes.extend((0..6).map(|index| (0x1234_5678_9abc_def1i128 >> index) % top));
    codes.iter().map(|&code| code as i64).collect()
}

/// What codes of so many bits mean.
fn values(bits: u32, codes: &[i64]) -> Vec<f64> {
    let full_scale = 2f64.powi(bits as i32 - 1);
    codes.iter().map(|&code| code as f64 / full_scale).collect()
}

/// A stereo file of 16 bits, whole or in parts.
struct Plain {
    format: Vec<u8>,
    sound: Vec<u8>,
    values: Vec<f64>,
}

fn plain(order: Order) -> Plain {
    Plain {
        format: order.chunk(b"fmt ", &order.format(1, 2, 16)),
        sound: order.codes(16, &codes(16)),
        values: values(16, &codes(16)),
    }
}

#[derive(Default)]
struct Kinds(Vec<Kind>);

impl Kinds {
    fn add(&mut self, name: impl Into<String>, bytes: Vec<u8>, samples: Vec<f64>) -> &mut Kind {
        self.0.push(Kind {
            name: name.into(),
            bytes,
            samples,
            channels: 2,
            warns: false,
            judged: true,
        });
        self.0.last_mut().expect("just added")
    }
}

/// All of them.
pub fn all() -> Vec<Kind> {
    let mut kinds = Kinds::default();
    widths(&mut kinds);
    other_codings(&mut kinds);
    format_chunks(&mut kinds);
    chunks(&mut kinds);
    lengths(&mut kinds);
    long_ones(&mut kinds);
    wave64(&mut kinds);
    kinds.0
}

fn widths(kinds: &mut Kinds) {
    for bits in 1..=64 {
        let codes = codes(bits);
        let values = values(bits, &codes);
        for (order, name) in [(LITTLE, "RIFF"), (BIG, "RIFX")] {
            let file = order.file(&[
                order.chunk(b"fmt ", &order.format(1, 2, bits as u16)),
                order.chunk(b"data", &order.codes(bits, &codes)),
            ]);
            let kind = kinds.add(format!("{name} of {bits} bits"), file, values.clone());
            kind.judged = bits <= 32;
        }
        let file = LITTLE.file(&[
            LITTLE.chunk(
                b"fmt ",
                &LITTLE.extensible(1, 2, bits.next_multiple_of(8) as u16, bits as u16),
            ),
            LITTLE.chunk(b"data", &LITTLE.codes(bits, &codes)),
        ]);
        let kind = kinds.add(format!("extensible, {bits} valid bits"), file, values);
        kind.judged = bits <= 32;
    }
}

fn other_codings(kinds: &mut Kinds) {
    let floats = [0.0f32, 1.0, -1.0, 1e-30, -3.5, f32::INFINITY, 0.1, -0.0];
    for order in [LITTLE, BIG] {
        let sides = if order.big_endian { "RIFX" } else { "RIFF" };
        let bytes = |float: &f32| order.u32(float.to_bits());
        let f32s: Vec<u8> = floats.iter().flat_map(bytes).collect();
        let values: Vec<f64> = floats.iter().map(|&float| f64::from(float)).collect();
        let file = order.file(&[
            order.chunk(b"fmt ", &order.format(3, 2, 32)),
            order.chunk(b"fact", &order.u32(4)),
            order.chunk(b"data", &f32s),
        ]);
        kinds.add(format!("{sides} of f32"), file, values.clone());
        let f64s: Vec<u8> = values
            .iter()
            .flat_map(|value| match order.big_endian {
                true => value.to_be_bytes(),
                false => value.to_le_bytes(),
            })
            .collect();
        let file = order.file(&[
            order.chunk(b"fmt ", &order.format(3, 2, 64)),
            order.chunk(b"data", &f64s),
        ]);
        kinds.add(format!("{sides} of f64"), file, values);
    }
    // ITU-T G.711, tables 1 and 2: all positive codes of the outermost and innermost segments.
    let mu_law = [
        (0xff, 0),
        (0x80, 8031 << 2),
        (0x00, -8031 << 2),
        (0xfe, 2 << 2),
    ];
    let a_law = [
        (0xd5, 1 << 3),
        (0x55, -1 << 3),
        (0xaa, 4032 << 3),
        (0x2a, -4032 << 3),
    ];
    for (tag, table) in [(7u16, mu_law), (0x101, mu_law), (6, a_law), (0x102, a_law)] {
        let codes: Vec<u8> = table.iter().map(|&(code, _)| code).collect();
        let values: Vec<i64> = table.iter().map(|&(_, value)| value).collect();
        let file = LITTLE.file(&[
            LITTLE.chunk(b"fmt ", &LITTLE.format(tag, 2, 8)),
            LITTLE.chunk(b"data", &codes),
        ]);
        let kind = kinds.add(
            format!("law of tag {tag:#x}"),
            file,
            self::values(16, &values),
        );
        kind.judged = tag < 0x100;
    }
}

fn format_chunks(kinds: &mut Kinds) {
    let Plain { sound, values, .. } = plain(LITTLE);
    let data = LITTLE.chunk(b"data", &sound);
    for extra in [2, 24] {
        let body = [LITTLE.format(1, 2, 16), vec![0; extra]].concat();
        let file = LITTLE.file(&[LITTLE.chunk(b"fmt ", &body), data.clone()]);
        kinds.add(
            format!("format of {} bytes", 16 + extra),
            file,
            values.clone(),
        );
    }
    for (frame_bytes, warns) in [(0, false), (8, true), (3, true)] {
        let body = LITTLE.format_with_frame(1, 2, 16, frame_bytes);
        let file = LITTLE.file(&[LITTLE.chunk(b"fmt ", &body), data.clone()]);
        let kind = kinds.add(
            format!("frames of {frame_bytes} bytes"),
            file,
            values.clone(),
        );
        kind.warns = warns;
    }
    // 24 bits in 4 bytes: too short to tell is three bytes each; else the bytes tell.
    let body = LITTLE.format_with_frame(1, 2, 24, 8);
    let format = LITTLE.chunk(b"fmt ", &body);
    let codes24 = codes(24);
    let file = LITTLE.file(&[
        format.clone(),
        LITTLE.chunk(b"data", &LITTLE.codes(24, &codes24)),
    ]);
    kinds
        .add("24 in 4, short", file, self::values(24, &codes24))
        .warns = true;
    let many: Vec<i64> = codes24.iter().copied().cycle().take(120).collect();
    let low = |code: &i64| (*code as i32).to_le_bytes();
    let high = |code: &i64| ((*code as i32) << 8).to_le_bytes();
    for (place, bytes) in [
        ("low", many.iter().flat_map(low).collect::<Vec<u8>>()),
        ("high", many.iter().flat_map(high).collect()),
        ("three", LITTLE.codes(24, &many)),
    ] {
        let file = LITTLE.file(&[format.clone(), LITTLE.chunk(b"data", &bytes)]);
        let name = format!("24 in 4, {place} bytes");
        let kind = kinds.add(name, file, self::values(24, &many));
        kind.warns = true;
        // It looks at the first sample alone, and takes the low ones for 32 bits.
        kind.judged = false;
    }
}

fn chunks(kinds: &mut Kinds) {
    let Plain {
        format,
        sound,
        values,
    } = plain(LITTLE);
    let data = LITTLE.chunk(b"data", &sound);
    let odd = LITTLE.chunk(b"LIST", b"INFOISFT\x05\0\0\0some\0");
    let file = LITTLE.file(&[odd, format.clone(), data.clone()]);
    kinds.add("odd chunk with pad byte", file, values.clone());
    let unpadded = LITTLE.chunk_of_size(b"note", 7, b"missing");
    let file = LITTLE.file(&[unpadded, format.clone(), data.clone()]);
    kinds
        .add("odd chunk without pad byte", file, values.clone())
        .judged = false;
    let file = LITTLE.file(&[data.clone(), format.clone()]);
    kinds
        .add("samples before the format", file, values.clone())
        .judged = false;
    let behind = LITTLE.chunk(b"LIST", &[7; 30]);
    let file = LITTLE.file(&[format.clone(), data.clone(), behind]);
    kinds.add("a chunk behind the samples", file, values.clone());
    let garbage = vec![0xee; 31];
    let file = LITTLE.file(&[format.clone(), data.clone(), garbage]);
    kinds.add("garbage behind the samples", file, values.clone());
    let fact = LITTLE.chunk(b"fact", &[0; 12]);
    let file = LITTLE.file(&[format.clone(), fact, data]);
    kinds.add("a long fact chunk", file, values.clone());
    let torn = LITTLE.chunk(b"data", &[&sound[..], &[1, 2, 3]].concat());
    let file = LITTLE.file(&[format, torn]);
    kinds.add("a torn last frame", file, values);
}

fn lengths(kinds: &mut Kinds) {
    for order in [LITTLE, BIG] {
        let Plain {
            format,
            sound,
            values,
        } = plain(order);
        let name = if order.big_endian { b"RIFX" } else { b"RIFF" };
        let sound_bytes = sound.len() as u32;
        for (what, riff_size, size) in [
            ("never closed, sizes 8 and 0", 8, 0),
            ("never closed, size all ones", u32::MAX, u32::MAX),
            ("never closed, 2 GiB", (1 << 31) + 36, 1 << 31),
            ("cut short", 36 + 2 * sound_bytes, 2 * sound_bytes),
        ] {
            let data = order.chunk_of_size(b"data", size, &sound);
            let file = order.file_of_size(name, riff_size, &[format.clone(), data]);
            let what = format!("{} {what}", name.escape_ascii());
            kinds.add(what, file, values.clone()).warns = true;
        }
        for riff_size in [0, 1 << 30] {
            let data = order.chunk(b"data", &sound);
            let file = order.file_of_size(name, riff_size, &[format.clone(), data]);
            let what = format!("{} of size {riff_size}", name.escape_ascii());
            kinds.add(what, file, values.clone());
        }
    }
}

fn long_ones(kinds: &mut Kinds) {
    let Plain {
        format,
        sound,
        values,
    } = plain(LITTLE);
    let bytes = sound.len() as u64;
    for (name, judged) in [(b"RF64", true), (b"BW64", false)] {
        for size in [u32::MAX, bytes as u32] {
            let data = LITTLE.chunk_of_size(b"data", size, &sound);
            let chunks = [ds64(bytes, bytes / 4), format.clone(), data];
            let file = LITTLE.file_of_size(name, u32::MAX, &chunks);
            let what = format!("{} with data size {size}", name.escape_ascii());
            kinds.add(what, file, values.clone()).judged = judged;
        }
    }
    let data = LITTLE.chunk_of_size(b"data", bytes as u32, &sound);
    let file = LITTLE.file_of_size(b"RF64", u32::MAX, &[format.clone(), data]);
    kinds.add("RF64 without its sizes", file, values.clone());
    let data = LITTLE.chunk_of_size(b"data", u32::MAX, &sound);
    let chunks = [ds64(5 * bytes, 5), format, data];
    let file = LITTLE.file_of_size(b"RF64", u32::MAX, &chunks);
    kinds.add("RF64 cut short", file, values).warns = true;
}

fn wave64(kinds: &mut Kinds) {
    for bits in [8, 16, 24, 32] {
        for frames in [4, 5] {
            let codes = &codes(bits)[..2 * frames];
            let file = w64_file(&[
                w64_chunk(b"junk", &[1; 13]),
                w64_chunk(b"fmt ", &LITTLE.format(1, 2, bits as u16)),
                w64_chunk(b"data", &LITTLE.codes(bits, codes)),
            ]);
            let name = format!("W64 of {bits} bits, {frames} frames");
            let kind = kinds.add(name, file, values(bits, codes));
            // libsndfile takes the padding up to 8 bytes for sound.
            kind.judged = frames == 4;
        }
    }
    let floats: Vec<u8> = [0.5f32, -0.25]
        .iter()
        .flat_map(|f| f.to_le_bytes())
        .collect();
    let file = w64_file(&[
        w64_chunk(b"fmt ", &LITTLE.format(3, 2, 32)),
        w64_chunk(b"data", &floats),
    ]);
    kinds.add("W64 of f32", file, vec![0.5, -0.25]);
    let Plain { sound, values, .. } = plain(LITTLE);
    let format = w64_chunk(b"fmt ", &LITTLE.format(1, 2, 16));
    for (what, size, judged) in [
        ("cut short", 24 + 2 * sound.len() as u64, true),
        ("never closed, size 0", 0, false),
        ("never closed, empty", 24, false),
        ("never closed, size all ones", u64::MAX, false),
    ] {
        let file = w64_file(&[format.clone(), w64_chunk_of_size(b"data", size, &sound)]);
        let kind = kinds.add(format!("W64 {what}"), file, values.clone());
        (kind.warns, kind.judged) = (true, judged);
    }
}
