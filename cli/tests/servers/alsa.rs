//! ALSA, whose default device leads to PulseAudio: the same 10 s of play, rec and live.

use crate::pulse::{live_record_holds_what_was_played, play_is_heard, rec_holds_what_was_played};

#[test]
fn play_of_ten_seconds_is_heard_bit_for_bit() {
    crate::served(|| {
        play_is_heard("alsa");
    });
}

#[test]
fn rec_of_ten_seconds_holds_what_pacat_played() {
    crate::served(|| {
        rec_holds_what_was_played("alsa");
    });
}

#[test]
fn live_record_of_ten_seconds_holds_what_pacat_played() {
    crate::served(|| {
        live_record_holds_what_was_played("alsa");
    });
}
