//! What a fallback is asked for, and what cannot be.

use super::*;

#[test]
fn a_fallback_is_asked_for_by_its_whole_id_and_the_named_one_as_it_was_until_it_is_known() {
    let sim = Sim::new(53);
    sim.plug(device("mic", 1, 0, 60.0, 50)).unwrap();
    let speaker = device("speaker", 0, 1, -40.0, 50);
    let away = [(0, unplug(1_000)), (3_000, unplug(500))];
    sim.plug(with(speaker, &away)).unwrap();
    let spare = SimDevice {
        sample_rate_hz: 44_100,
        ..device("spare", 0, 1, 90.0, 50)
    };
    sim.plug(spare).unwrap();
    let asked: Arc<Mutex<Vec<StreamRequest>>> = Arc::default();
    let heard = asked.clone();
    let world = Opened {
        sim: sim.clone(),
        // While the named one is away, its whole server is.
        open: move |sim: &Sim, request: &StreamRequest| {
            heard.lock().unwrap().push(request.clone());
            sim.open(request).map_err(|error| match error {
                DeviceError::DeviceNotFound { host, .. } => DeviceError::HostUnavailable {
                    host,
                    hint: "start it".to_owned(),
                },
                other => other,
            })
        },
        is_virtual: true,
    };
    let mut session = Session::start_in(with_spare(), Arc::new(world)).unwrap();
    let requests = |until: &mut dyn FnMut()| -> Vec<(String, bool, Option<u32>)> {
        until();
        let asked = std::mem::take(&mut *asked.lock().unwrap());
        let outputs = asked.into_iter().filter_map(|request| {
            let device = request.output?.device?;
            Some((device, request.by_id, request.sample_rate_hz))
        });
        outputs.collect()
    };
    let of = |device: &str, requests: &[(String, bool, Option<u32>)]| {
        let is_it = |request: &&(String, bool, Option<u32>)| request.0 == device;
        requests.iter().filter(is_it).cloned().collect::<Vec<_>>()
    };
    let before = requests(&mut || run(&sim, &mut session, 2.9));
    let after = requests(&mut || run(&sim, &mut session, 1.0));
    let spares = [of("spare", &before), of("spare", &after)];
    assert!(spares.iter().all(|asked| !asked.is_empty()), "{spares:?}");
    assert!(
        spares.iter().flatten().all(|(_, by_id, _)| *by_id),
        "{spares:?}"
    );
    let named = of("speaker", &before);
    assert!(
        named.len() > 2 && named.iter().all(|(_, by_id, _)| !by_id),
        "{named:?}"
    );
    // At the rate that it had, or any, and not at its fallback's.
    let named = of("speaker", &after);
    let fits = |(_, by_id, rate): &(String, bool, Option<u32>)| *by_id && *rate != Some(44_100);
    assert!(named.len() > 2 && named.iter().all(fits), "{named:?}");
    session.stop().unwrap();
}

#[test]
fn a_card_that_captures_and_plays_is_stood_in_for_as_one() {
    let sim = Sim::new(49);
    let plug = |name: &str, faults: &[(u64, FaultKind)]| {
        let card = with(device(name, 1, 1, 20.0, 50), faults);
        Ear::plug(&sim, sine(card, 997.0))
    };
    let card = plug("card", &[(2_000, unplug(1_000))]);
    let other = plug("other", &[]);
    let config = SessionConfig {
        input_fallback: Some("other".to_owned()),
        output_fallback: Some("other".to_owned()),
        ..live("card", "card")
    };
    let mut session = start(&sim, config);
    run(&sim, &mut session, 5.0);
    assert_told(
        &mut session,
        &[
            ("card lost", 2.0),
            ("card replaced by other", 2.0),
            ("card back", 4.0),
        ],
    );
    assert!(other.sounds(2_100, 3_990) && card.sounds(4_100, 4_950));
    session.stop().unwrap();
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn what_cannot_be_is_told_as_the_session_starts() {
    let refused = |sim: &Sim, config| {
        let started = Session::start_in(config, Arc::new(sim.clone()));
        started.map(drop).unwrap_err()
    };
    // Neither is there: the one that was asked for is named.
    let (sim, ..) = world(&[(0, unplug(1_000))], &[(0, unplug(1_000))]);
    let error = refused(&sim, with_spare());
    assert!(
        matches!(&error, EngineError::Device(DeviceError::DeviceNotFound { asked, .. }) if asked == "speaker"),
        "{error}"
    );
    let unnamed = SessionConfig {
        output: Some(Port::default()),
        ..with_spare()
    };
    let error = refused(&world(&[], &[]).0, unnamed).to_string();
    let due = "fallback \"spare\": the device it stands in for is not named";
    assert_eq!(error, due);
    let of_two_hosts = SessionConfig {
        input_fallback: Some("mic".to_owned()),
        output_fallback: Some("jack:system".to_owned()),
        ..live("card", "card")
    };
    let sim = Sim::new(55);
    sim.plug(device("card", 1, 1, 0.0, 50)).unwrap();
    let error = refused(&sim, of_two_hosts).to_string();
    assert!(
        error.starts_with("fallback \"jack:system\": it is of another host"),
        "{error}"
    );
    // One that is not there yet may come, or be a name that is wrong.
    let (sim, ..) = world(&[], &[(0, unplug(1_000))]);
    let mut session = start(&sim, with_spare());
    let warnings = session.report().warnings;
    assert!(
        warnings
            .iter()
            .any(|line| line.starts_with("no fallback yet: device \"spare\" not found")),
        "{warnings:?}"
    );
    session.stop().unwrap();
}
