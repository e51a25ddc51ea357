//! What a WAV file says about itself besides its samples: `bext`, iXML and where its channels go.
//!
//! `bext`: EBU Tech 3285 version 2 (2011), section 2.3. iXML: the specification of its makers at
//! gallery.co.uk/ixml, version 1.5. Both stand before the samples, so that a take that was never
//! closed has them.

use std::fmt::Write;

use super::error::FileError;
use super::wav_writer::WavSpec;

/// Most bytes of iXML that are written.
const MAX_IXML_BYTES: usize = 65_536;
/// The value of a loudness that is not known.
const NO_LOUDNESS: i16 = 0x7fff;

/// What a WAV file says about itself besides its samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tags {
    /// Who recorded what and when.
    pub bext: Option<Bext>,
    /// Where it belongs in a production.
    pub ixml: Option<Ixml>,
    /// The loudspeakers of the channels, a bit for each in ascending order, as
    /// `WAVE_FORMAT_EXTENSIBLE` counts them; none: centre for one channel, left and right for two,
    /// plain channels for more.
    pub channel_mask: Option<u32>,
}

/// The broadcast extension. In a WAV file texts are ASCII and short; the comments of FLAC and Ogg files
/// take any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bext {
    /// What it is; in a WAV file 256 characters at most.
    pub description: String,
    /// Who made it; in a WAV file 32 characters at most.
    pub originator: String,
    /// Its unambiguous name; in a WAV file 32 characters at most.
    pub originator_reference: String,
    /// When the recording began, by the clock on the wall.
    pub origination: Option<CivilTime>,
    /// Frames from midnight to the first frame.
    pub time_reference_frames: u64,
    /// The loudness of the whole.
    pub loudness: Option<BextLoudness>,
}

/// A date and time of day, whatever the time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CivilTime {
    /// Year, 0 to 9999.
    pub year: u16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 60.
    pub second: u8,
}

/// What a meter of EBU R 128 said; each to a hundredth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BextLoudness {
    /// Integrated loudness in LUFS.
    pub integrated_lufs: f32,
    /// Loudness range in LU.
    pub range_lu: f32,
    /// Highest true peak in dBTP.
    pub true_peak_dbtp: f32,
    /// Highest momentary loudness in LUFS.
    pub momentary_lufs: f32,
    /// Highest short-term loudness in LUFS.
    pub short_term_lufs: f32,
}

/// Where a take belongs in a production; what is empty is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ixml {
    /// The production.
    pub project: String,
    /// The scene.
    pub scene: String,
    /// The take's number or name.
    pub take: String,
    /// The tape, or the sound roll.
    pub tape: String,
    /// What else is to be said.
    pub note: String,
    /// Frames of a picture per second, as a fraction: (25, 1) or (30000, 1001).
    pub timecode_rate: Option<(u32, u32)>,
}

impl Tags {
    /// That all of it can be written into a WAV file.
    pub(super) fn check(&self, spec: &WavSpec) -> Result<(), FileError> {
        self.check_mask(spec)?;
        if let Some(bext) = &self.bext {
            bext.check()?;
        }
        match &self.ixml {
            Some(ixml) if ixml.text(spec, None).len() > MAX_IXML_BYTES => {
                Err(FileError::TagUnfit {
                    field: "iXML",
                    allowed: "64 KiB at most",
                })
            }
            _ => Ok(()),
        }
    }

    /// That the loudspeakers are of channels that are there.
    pub(super) fn check_mask(&self, spec: &WavSpec) -> Result<(), FileError> {
        match self.channel_mask {
            Some(mask) if mask.count_ones() as usize > spec.channels => Err(FileError::MaskUnfit {
                mask,
                channels: spec.channels,
            }),
            _ => Ok(()),
        }
    }

    /// The chunks that stand before the samples; nothing when there is nothing to say.
    pub(super) fn chunks(&self, spec: &WavSpec) -> Vec<u8> {
        let mut chunks = Vec::new();
        if let Some(bext) = &self.bext {
            push_chunk(b"bext", &bext.body(), &mut chunks);
        }
        if let Some(ixml) = &self.ixml {
            let since_midnight = self.bext.as_ref().map(|bext| bext.time_reference_frames);
            let mut text = ixml.text(spec, since_midnight);
            // Readers that forget the pad byte of odd chunks are many.
            if text.len() % 2 == 1 {
                text.push('\n');
            }
            push_chunk(b"iXML", text.as_bytes(), &mut chunks);
        }
        chunks
    }
}

/// A chunk with its pad byte.
pub(super) fn push_chunk(name: &[u8; 4], body: &[u8], chunks: &mut Vec<u8>) {
    chunks.extend_from_slice(name);
    chunks.extend_from_slice(&(body.len() as u32).to_le_bytes());
    chunks.extend_from_slice(body);
    if body.len() % 2 == 1 {
        chunks.push(0);
    }
}

impl Bext {
    fn check(&self) -> Result<(), FileError> {
        for (field, text, max, allowed) in [
            (
                "description",
                &self.description,
                256,
                "256 ASCII characters at most",
            ),
            (
                "originator",
                &self.originator,
                32,
                "32 ASCII characters at most",
            ),
            (
                "originator reference",
                &self.originator_reference,
                32,
                "32 ASCII characters at most",
            ),
        ] {
            if !text.is_ascii() || text.len() > max {
                return Err(FileError::TagUnfit { field, allowed });
            }
        }
        Ok(())
    }

    fn body(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(602);
        let (mut date, mut time) = (String::new(), String::new());
        if let Some(at) = self.origination {
            date = format!("{:04}-{:02}-{:02}", at.year, at.month, at.day);
            time = format!("{:02}:{:02}:{:02}", at.hour, at.minute, at.second);
        }
        for (text, bytes) in [
            (self.description.as_str(), 256),
            (self.originator.as_str(), 32),
            (self.originator_reference.as_str(), 32),
            (date.as_str(), 10),
            (time.as_str(), 8),
        ] {
            let end = body.len() + bytes;
            body.extend(text.bytes().take(bytes));
            body.resize(end, 0);
        }
        body.extend_from_slice(&self.time_reference_frames.to_le_bytes());
        // Without loudness it is what version 1 knows; there its place is reserved.
        let version: u16 = if self.loudness.is_some() { 2 } else { 1 };
        body.extend_from_slice(&version.to_le_bytes());
        body.extend_from_slice(&[0; 64]); // No SMPTE UMID.
        if let Some(loudness) = self.loudness {
            for value in [
                loudness.integrated_lufs,
                loudness.range_lu,
                loudness.true_peak_dbtp,
                loudness.momentary_lufs,
                loudness.short_term_lufs,
            ] {
                let hundredths = match value.is_finite() {
                    true => (value * 100.0).round() as i16,
                    false => NO_LOUDNESS,
                };
                body.extend_from_slice(&hundredths.to_le_bytes());
            }
        }
        body.resize(602, 0);
        body
    }
}

impl Ixml {
    fn text(&self, spec: &WavSpec, since_midnight: Option<u64>) -> String {
        let mut text = String::from(concat!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
            "<BWFXML>\n<IXML_VERSION>1.5</IXML_VERSION>\n",
        ));
        for (name, value) in [
            ("PROJECT", &self.project),
            ("SCENE", &self.scene),
            ("TAKE", &self.take),
            ("TAPE", &self.tape),
            ("NOTE", &self.note),
        ] {
            if !value.is_empty() {
                element(name, value, &mut text);
            }
        }
        text.push_str("<SPEED>\n");
        if let Some((count, seconds)) = self.timecode_rate {
            let rate = format!("{count}/{seconds}");
            for name in ["MASTER_SPEED", "CURRENT_SPEED", "TIMECODE_RATE"] {
                element(name, &rate, &mut text);
            }
        }
        let rate = spec.sample_rate_hz.to_string();
        element("FILE_SAMPLE_RATE", &rate, &mut text);
        element(
            "AUDIO_BIT_DEPTH",
            &spec.format.bits().to_string(),
            &mut text,
        );
        element("DIGITIZER_SAMPLE_RATE", &rate, &mut text);
        if let Some(frames) = since_midnight {
            element("TIMESTAMP_SAMPLE_RATE", &rate, &mut text);
            for (name, half) in [
                ("TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI", frames >> 32),
                ("TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO", frames & 0xffff_ffff),
            ] {
                element(name, &half.to_string(), &mut text);
            }
        }
        text.push_str("</SPEED>\n</BWFXML>\n");
        text
    }
}

fn element(name: &str, value: &str, text: &mut String) {
    let _ = write!(text, "<{name}>");
    for character in value.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            // XML 1.0 has no other control characters.
            '\t' | '\n' => text.push(character),
            _ if character.is_control() => text.push(' '),
            _ => text.push(character),
        }
    }
    let _ = writeln!(text, "</{name}>");
}
