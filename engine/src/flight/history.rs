//! The last minute, on the keeper's side of the rings.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;

use ringbuf::HeapRb;
use ringbuf::traits::Observer;

use super::CallbackRecord;
use super::tape::FlightReader;

/// How much is kept, in seconds.
const SECONDS: usize = 60;
/// Most samples that are kept: a minute of stereo at 96 kHz, or less of more channels.
const MOST_SAMPLES: usize = SECONDS * 96_000 * 2;
/// Callbacks that are kept: a minute of 16 frames at 48 kHz.
const MOST_RECORDS: usize = 180_000;

/// Callbacks and input of the last minute. Older ones make room.
pub(super) struct History {
    reader: FlightReader,
    channels: usize,
    records: HeapRb<CallbackRecord>,
    input: HeapRb<f32>,
    /// Frames processed behind the last one that is kept.
    end: u64,
    gaps: VecDeque<Gap>,
    scratch: Vec<f32>,
}

/// Frames of which neither record nor input was kept; the input has silence there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    /// First of them, in frames processed.
    pub(super) processed: u64,
    pub(super) frames: u64,
}

/// What was kept, as it was at one moment.
pub(super) struct Window {
    pub(super) records: Vec<CallbackRecord>,
    /// From the first record's first frame on.
    pub(super) input: Vec<f32>,
    pub(super) gaps: Vec<Gap>,
    /// Callbacks that found no room in the rings since the session began.
    pub(super) dropped: u64,
}

impl History {
    pub(super) fn new(
        reader: FlightReader,
        channels: usize,
        sample_rate_hz: u32,
        buffer_frames: u32,
    ) -> Self {
        let frames = SECONDS * sample_rate_hz as usize;
        let samples = (frames * channels).min(MOST_SAMPLES);
        // Twice as many as the device says: some call for less.
        let calls = 2 * frames / (buffer_frames as usize).max(1);
        Self {
            reader,
            channels,
            records: HeapRb::new(calls.clamp(1024, MOST_RECORDS)),
            input: HeapRb::new((samples - samples % channels).max(channels)),
            end: 0,
            gaps: VecDeque::new(),
            scratch: Vec::new(),
        }
    }

    /// Takes what is in the rings; shows every new record.
    pub(super) fn take(&mut self, mut seen: impl FnMut(&CallbackRecord)) {
        while let Ok(record) = self.reader.records.pop() {
            self.mind_the_gap(&record);
            let samples = record.frames as usize * self.channels;
            self.scratch.resize(samples, 0.0);
            if self
                .reader
                .input
                .pop_entire_slice(&mut self.scratch)
                .is_err()
            {
                // The input of a callback is there before its record.
                return;
            }
            self.input.push_slice_overwrite(&self.scratch);
            self.end = record.processed_end();
            seen(&record);
            self.records.push_overwrite(record);
        }
        let begin = self.begin();
        self.gaps.retain(|gap| gap.processed + gap.frames > begin);
    }

    /// Stream position of the first callback of which everything is kept.
    pub(super) fn begin_position(&mut self) -> u64 {
        let begin = self.begin();
        let whole = |record: &&CallbackRecord| record.processed >= begin;
        let first = self.records.iter().find(whole);
        first.map_or(0, |first| first.position)
    }

    /// First frame of which everything is kept, in frames processed.
    fn begin(&mut self) -> u64 {
        let frames = (self.input.occupied_len() / self.channels) as u64;
        let first = self
            .records
            .first()
            .map_or(self.end, |first| first.processed);
        first.max(self.end.saturating_sub(frames))
    }

    /// What is kept from stream position `position` on.
    pub(super) fn window(&mut self, position: u64) -> Window {
        let begin = self.begin();
        let records: Vec<CallbackRecord> = self
            .records
            .iter()
            .filter(|record| record.processed >= begin && record.position >= position)
            .copied()
            .collect();
        let begin = records.first().map_or(self.end, |first| first.processed);
        let samples = (self.end - begin) as usize * self.channels;
        let there = self.input.occupied_len();
        let input = self.input.iter().skip(there - samples).copied().collect();
        let gaps = self.gaps.iter().filter(|gap| gap.processed >= begin);
        Window {
            records,
            input,
            gaps: gaps.copied().collect(),
            dropped: self.reader.dropped.load(Relaxed),
        }
    }

    /// Silence for what found no room before `record`.
    fn mind_the_gap(&mut self, record: &CallbackRecord) {
        let frames = record.processed.saturating_sub(self.end);
        if frames == 0 {
            return;
        }
        let processed = self.end;
        self.gaps.push_back(Gap { processed, frames });
        let samples = (frames as usize).saturating_mul(self.channels);
        let most = self.input.capacity().get();
        let silence = core::iter::repeat_n(0.0, samples.min(most));
        self.input.push_iter_overwrite(silence);
        self.end = record.processed;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tape;
    use super::*;

    /// Plays callbacks of `frames` stereo frames that count up.
    fn play(writer: &mut super::super::FlightWriter, at: &mut u64, frames: u32, calls: usize) {
        for _ in 0..calls {
            let samples: Vec<f32> = (0..u64::from(frames) * 2)
                .map(|sample| (*at * 2 + sample) as f32)
                .collect();
            let record = CallbackRecord {
                position: *at,
                asked: frames,
                ..CallbackRecord::default()
            };
            writer.begin(record, 2);
            writer.input(&samples);
            writer.output(&samples, frames as usize);
            writer.end(1);
            *at += u64::from(frames);
        }
    }

    /// The input is as long as the callbacks, and counts on from their first frame.
    fn check(window: &Window) {
        let (first, last) = (window.records[0], window.records[window.records.len() - 1]);
        let samples = (last.processed_end() - first.processed) * 2;
        assert_eq!(window.input.len() as u64, samples);
        for (at, sample) in window.input.iter().enumerate() {
            let frame = first.processed + at as u64 / 2;
            let is_gap = |gap: &Gap| (gap.processed..gap.processed + gap.frames).contains(&frame);
            let wanted = match window.gaps.iter().any(is_gap) {
                true => 0.0,
                false => (first.processed * 2 + at as u64) as f32,
            };
            assert_eq!(*sample, wanted, "frame {frame}");
        }
    }

    #[test]
    fn a_minute_is_kept_to_the_frame() {
        let (mut writer, reader) = tape(2, 1000, 100);
        let mut history = History::new(reader, 2, 1000, 100);
        let mut at = 0;
        for _ in 0..90 {
            play(&mut writer, &mut at, 100, 10);
            history.take(|_| ());
        }
        let window = history.window(0);
        assert_eq!((window.records.len(), window.dropped), (600, 0));
        assert_eq!(window.records[0].processed, 30_000);
        check(&window);
    }

    #[test]
    fn what_found_no_room_is_a_gap_of_its_length() {
        let (mut writer, reader) = tape(2, 1000, 100);
        let mut history = History::new(reader, 2, 1000, 100);
        let mut at = 0;
        play(&mut writer, &mut at, 100, 30);
        history.take(|_| ());
        // The ring holds 4 s.
        play(&mut writer, &mut at, 100, 55);
        history.take(|_| ());
        play(&mut writer, &mut at, 100, 5);
        history.take(|_| ());
        let window = history.window(0);
        assert_eq!((window.records.len(), window.dropped), (75, 15));
        let gap = Gap {
            processed: 7000,
            frames: 1500,
        };
        assert_eq!(window.gaps, [gap]);
        check(&window);
    }
}
