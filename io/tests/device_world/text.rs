//! A schedule prints itself and is read back.

use ossicle_io::device::sim::{Fault, FaultKind, Level, Refusal, Schedule, Scheduled, SimDevice};
use proptest::prelude::*;

fn kind() -> impl Strategy<Value = FaultKind> {
    let ns = || prop_oneof![any::<u64>(), 0..5_000_000_000u64, Just(u64::MAX), Just(0)];
    let answer = prop_oneof![
        Just(Refusal::Busy),
        Just(Refusal::Denied),
        Just(Refusal::Broken)
    ];
    let back = (ns(), any::<u32>(), any::<usize>(), any::<usize>());
    prop_oneof![
        ns().prop_map(|for_ns| FaultKind::Stall { for_ns }),
        any::<u64>().prop_map(|lost_frames| FaultKind::Xrun { lost_frames }),
        ns().prop_map(|for_ns| FaultKind::Unplug { for_ns }),
        back.prop_map(
            |(for_ns, sample_rate_hz, input_channels, output_channels)| {
                FaultKind::Return {
                    for_ns,
                    sample_rate_hz,
                    input_channels,
                    output_channels,
                }
            }
        ),
        any::<u32>().prop_map(|sample_rate_hz| FaultKind::Rate { sample_rate_hz }),
        any::<usize>().prop_map(|frames| FaultKind::Period { frames }),
        Just(FaultKind::Double),
        Just(FaultKind::Merge),
        Just(FaultKind::Miss),
        Just(FaultKind::Silence),
        any::<u32>().prop_map(|count| FaultKind::Errors { count }),
        ns().prop_map(|late_ns| FaultKind::Floor { late_ns }),
        (ns(), answer).prop_map(|(for_ns, answer)| FaultKind::Refuse { for_ns, answer }),
    ]
}

fn entry() -> impl Strategy<Value = Scheduled> {
    // Names of any characters, of plain ones, and of those that need care.
    let device = prop_oneof![
        any::<String>(),
        "[a-z0-9:_.,-]{1,12}",
        "[ #\"\\\\\n\r\tn\u{a0}]{0,6}"
    ];
    let time = prop_oneof![any::<u64>(), (0..100_000u64).prop_map(|ms| ms * 1_000_000)];
    (device, time, kind()).prop_map(|(device, at_ns, kind)| Scheduled {
        device,
        fault: Fault { at_ns, kind },
    })
}

proptest! {
    #[test]
    fn a_schedule_is_read_back_as_it_was(entries in prop::collection::vec(entry(), 0..20)) {
        let schedule = Schedule { entries };
        let text = schedule.to_string();
        prop_assert_eq!(text.lines().filter(|line| !line.is_empty()).count(), schedule.entries.len());
        prop_assert_eq!(text.parse::<Schedule>(), Ok(schedule));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[0-9a-z \"\\\\\n#]{0,80}") {
        let _ = text.parse::<Schedule>();
    }
}

#[test]
fn a_heavy_schedule_of_a_day_is_read_back() {
    let devices = [SimDevice::new("a card", 1, 2), SimDevice::new("b", 1, 0)];
    let schedule = Schedule::random(9, 24.0, &devices, Level::Heavy);
    assert!(schedule.entries.len() > 20_000);
    assert_eq!(schedule.to_string().parse(), Ok(schedule));
}
