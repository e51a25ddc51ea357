//! Sound that can be recognised sample by sample, and the account of what became of it.

use std::path::Path;

/// Frames per second of every server here.
pub const RATE: usize = 48_000;
/// Every signal here is stereo.
pub const CHANNELS: usize = 2;
/// So many frames are enough to recognise a place of the noise.
const SURE: usize = 32;

/// Interleaved stereo noise within half of full scale, never zero, exact in 16 bits: no format
/// on the way may change a bit of it.
pub fn noise(frames: usize) -> Vec<f32> {
    let mut state = 0x6d2b_79f5_u32;
    (0..frames * CHANNELS)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let step = i32::try_from(state >> 17).unwrap() - 16_384;
            (if step == 0 { 1 } else { step }) as f32 / 32_768.0
        })
        .collect()
}

/// Writes 32-bit float stereo.
pub fn write_wav(path: &Path, samples: &[f32]) {
    let spec = hound::WavSpec {
        channels: CHANNELS as u16,
        sample_rate: RATE as u32,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for sample in samples {
        writer.write_sample(*sample).unwrap();
    }
    writer.finalize().unwrap();
}

/// Reads 32-bit float stereo; another program's reader is the judge of our files.
pub fn read_wav(path: &Path) -> Vec<f32> {
    let mut reader = hound::WavReader::open(path).unwrap();
    assert_eq!(
        reader.spec().channels,
        CHANNELS as u16,
        "channels of {}",
        path.display()
    );
    assert_eq!(
        reader.spec().sample_rate,
        RATE as u32,
        "rate of {}",
        path.display()
    );
    reader.samples::<f32>().collect::<Result<_, _>>().unwrap()
}

/// What became of a signal on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Frames heard, bit for bit and in order.
    pub heard: usize,
    /// Frames of silence that stand for as many frames of the signal.
    pub replaced: usize,
    /// Frames of silence that stand for none: the signal waited.
    pub inserted: usize,
    /// Frames of the signal that went missing without a trace of their length.
    pub skipped: usize,
}

/// Follows `signal` through `heard`, from the first place that sounds to the end of either.
///
/// # Errors
/// The frame at which something is heard that is neither the signal nor silence.
pub fn account(heard: &[f32], signal: &[f32]) -> Result<Account, String> {
    let (heard, signal) = (
        heard.as_chunks::<CHANNELS>().0,
        signal.as_chunks::<CHANNELS>().0,
    );
    let sounds = |frame: &[f32; CHANNELS]| frame.iter().any(|sample| *sample != 0.0);
    let mut account = Account::default();
    let Some(mut at) = heard.iter().position(sounds) else {
        return Ok(account);
    };
    let strange = |at, account| format!("frame {at} is not of the signal, after {account:?}");
    let mut place = find(signal, 0, &heard[at..]).ok_or_else(|| strange(at, account))?;
    while at < heard.len() && place < signal.len() {
        if heard[at] == signal[place] {
            (account.heard, at, place) = (account.heard + 1, at + 1, place + 1);
            continue;
        }
        let silent = heard[at..]
            .iter()
            .take_while(|frame| !sounds(frame))
            .count();
        at += silent;
        if at == heard.len() {
            break;
        }
        let next = find(signal, place, &heard[at..]).ok_or_else(|| strange(at, account))?;
        let passed = next - place;
        account.replaced += silent.min(passed);
        account.inserted += silent.saturating_sub(passed);
        account.skipped += passed.saturating_sub(silent);
        place = next;
    }
    Ok(account)
}

/// Where, from `from` on, `signal` goes on as `heard` begins.
fn find(signal: &[[f32; 2]], from: usize, heard: &[[f32; 2]]) -> Option<usize> {
    let sure = SURE.min(heard.len());
    (from..signal.len().saturating_sub(sure - 1))
        .find(|place| signal[*place..*place + sure] == heard[..sure])
}

mod tests {
    use super::{Account, account, noise};

    #[test]
    fn account_tells_replaced_inserted_and_skipped_frames_apart() {
        let signal = noise(1_000);
        let silence = |frames: usize| vec![0.0; frames * 2];
        let cut = |from: usize, to: usize| signal[from * 2..to * 2].to_vec();
        let heard = [
            silence(50),
            cut(100, 300),
            silence(40),
            cut(340, 500),
            silence(7),
            cut(500, 600),
            cut(620, 900),
        ]
        .concat();
        let told = Account {
            heard: 740,
            replaced: 40,
            inserted: 7,
            skipped: 20,
        };
        assert_eq!(account(&heard, &signal), Ok(told));
    }
}
