//! `ossicle info`.

use crate::call::ossicle;
use crate::sound::{folder_with_noise, text};

#[test]
fn a_file_is_described_whatever_its_name() {
    let (folder, noise, _) = folder_with_noise(2, 24_000);
    let renamed = folder.path().join("noise.mp3");
    std::fs::rename(noise, &renamed).unwrap();
    let json = ossicle(&["info", text(&renamed), "--json"]).json();
    assert_eq!(json["sample_rate_hz"], 48_000);
    assert_eq!(json["channels"], 2);
    assert_eq!(json["frames"], 24_000);
    assert_eq!(json["duration_s"], 0.5);
    assert_eq!(json["bits"], 32);
    let ran = ossicle(&["info", text(&renamed)]);
    ran.done();
    assert!(
        ran.stdout.contains("0:00.500 (24000 frames)"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_missing_file_ends_with_2() {
    let ran = ossicle(&["info", "nowhere.wav"]);
    assert!(ran.failed(2).starts_with("nowhere.wav: "), "{ran:?}");
}
