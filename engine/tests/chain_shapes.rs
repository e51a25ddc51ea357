//! Branches, sends, buses, shares and side-chains in the two written forms of a chain.

use ossicle::chain::{Branch, BusLink, Chain, ChainError, Link, MAX_DEPTH, NodeLink, SendLink};

fn refusal(text: &str) -> String {
    Chain::parse(text).expect_err(text).to_string()
}

fn node(link: &Link) -> &NodeLink {
    match link {
        Link::Node(node) => node,
        other => panic!("no node: {other:?}"),
    }
}

/// A text that says something in every part of the grammar, as `to_text` writes it.
const EVERYTHING: &str = "send:bus=key | \
    ( gain:gain=-6dB * -3dB ; ( delay:time=10ms ; pan ) | gain ; * 6dB ; ) | \
    delay:time=20ms ~ 30% | gain ~ off | delay ~ 12.5% off < key | \
    send:bus=echo_2,level=-6.5dB | bus:name=echo_2 ( delay:time=250ms | gain ) | bus:name=key";

#[test]
fn every_part_of_the_grammar_is_read() {
    let chain = Chain::parse(EVERYTHING).unwrap();
    assert_eq!(chain.to_text().unwrap(), EVERYTHING);
    assert_eq!(chain.nodes().len(), 9);
    let links = chain.links();
    let Link::Parallel(branches) = &links[1] else {
        panic!("{:?}", links[1]);
    };
    let levels: Vec<f64> = branches.iter().map(|branch| branch.level_db).collect();
    assert_eq!(levels, [-3.0, 0.0, 6.0, 0.0]);
    let lengths: Vec<usize> = branches
        .iter()
        .map(|branch| branch.chain.links().len())
        .collect();
    assert_eq!(lengths, [1, 2, 0, 0]);
    assert_eq!(
        (node(&links[2]).wet, node(&links[2]).bypassed),
        (0.3, false)
    );
    assert_eq!((node(&links[3]).wet, node(&links[3]).bypassed), (1.0, true));
    assert_eq!(
        (node(&links[4]).wet, node(&links[4]).bypassed),
        (0.125, true)
    );
    assert_eq!(node(&links[4]).side_chain.as_deref(), Some("key"));
    let send = SendLink {
        bus: "echo_2".to_owned(),
        level_db: -6.5,
    };
    assert!(matches!(&links[5], Link::Send(found) if *found == send));
    assert!(
        matches!(&links[6], Link::Bus(bus) if bus.name == "echo_2" && bus.chain.links().len() == 2)
    );
    assert!(matches!(&links[7], Link::Bus(bus) if bus.name == "key" && bus.chain.is_empty()));
}

#[test]
fn space_means_nothing() {
    let bare: String = EVERYTHING.split(' ').collect();
    let marks = ['|', '(', ')', ';', '*', '~', '<', ':', ',', '='];
    let wide: String = bare
        .split_inclusive(marks)
        .flat_map(|part| {
            let (word, mark) = part.split_at(part.trim_end_matches(marks).len());
            [word, " \t\n", mark, "  "]
        })
        .collect();
    for text in [bare.as_str(), wide.as_str()] {
        assert_eq!(Chain::parse(text).unwrap().to_text().unwrap(), EVERYTHING);
    }
    for (text, written) in [
        ("()", "( )"),
        ("(;)", "( ; )"),
        ("((gain))", "( ( gain ) )"),
        ("gain~30", "gain ~ 30%"),
        ("gain~100%", "gain"),
        ("gain ~ 0 off<k", "gain ~ 0% off < k"),
        ("(*-120)", "( * -120dB )"),
        ("(gain*0)", "( gain )"),
        ("bus:name=a()", "bus:name=a"),
        ("send:level=3dB,bus=a", "send:bus=a,level=3dB"),
    ] {
        assert_eq!(Chain::parse(text).unwrap().to_text().unwrap(), written);
    }
}

#[test]
fn nodes_are_counted_in_the_order_in_which_they_are_written() {
    for (text, place) in [
        ("( gain ; pan | ( delay ; gian ) ) | gain", 4),
        ("send:bus=a | bus:name=a ( gain ) | gian", 2),
        ("( ; gain ) | ( gain:gain=99 ) | gian", 2),
        ("( ; gain | ) | gian", 2),
        ("( ; gain | gain:gain=1,gain=2 )", 2),
        ("( gain | envelope_limiter:attack=1ms,attack_coeff=0.5 )", 2),
    ] {
        let message = refusal(text);
        assert!(message.starts_with(&format!("node {place}: ")), "{message}");
    }
}

#[test]
fn wrong_brackets_and_marks_are_refused_with_their_column() {
    for (text, message) in [
        (
            "gain | ( pan ; ( delay )",
            "column 8: the bracket opened here is not closed",
        ),
        (
            "( pan ; ( delay ",
            "column 9: the bracket opened here is not closed",
        ),
        (
            "gain )",
            "column 6: \")\" means nothing here (allowed: | or the end)",
        ),
        (
            "gain ; pan",
            "column 6: \";\" means nothing here (allowed: | or the end)",
        ),
        (
            "gain * -3dB",
            "column 6: \"*\" means nothing here (allowed: | or the end)",
        ),
        ("ä ( gain )", "node 1: unknown effect \"ä\""),
        (
            "( gain ) ~ 30%",
            "column 10: \"~\" means nothing here (allowed: | or the end)",
        ),
        ("gain < k ~ 30%", "column 10: \"~\" means nothing here"),
        (
            "( gain ( pan ) )",
            "column 8: \"(\" means nothing here (allowed: |, ;, * or ))",
        ),
        ("( gain * 3 * 3 )", "column 12: \"*\" means nothing here"),
        ("( gain * 3 | pan )", "column 12: \"|\" means nothing here"),
        (
            "bus:name=a ( gain ; pan )",
            "column 19: \";\" means nothing here (allowed: | or ))",
        ),
        (
            "( gain * -3ms )",
            "column 10: level=-3ms has the wrong unit (allowed: dB)",
        ),
        ("( gain * )", "column 10: level= is not a number"),
        (
            "( gain * 25 )",
            "column 10: level=25dB is out of range (allowed: -120dB to 24dB)",
        ),
        (
            "gain ~ 101%",
            "column 8: wet=101% is out of range (allowed: 0% to 100%)",
        ),
        ("gain ~", "column 7: wet= is not a number"),
        ("gain ~ of", "column 8: wet=of is not a number"),
        (
            "gain <",
            "column 1: \"\" is no name for a bus (letters, digits, _ and -)",
        ),
        ("pan | gain < a b", "column 7: \"a b\" is no name for a bus"),
        (
            "send",
            "column 1: \"send\" is no send (allowed: send:bus=NAME,level=-6dB)",
        ),
        (
            "gain | send:level=1",
            "column 8: \"send:level=1\" is no send",
        ),
        (
            "send:bus=a,bus=b",
            "column 1: \"send:bus=a,bus=b\" is no send",
        ),
        (
            "send:buss=a",
            "column 1: unknown key \"buss\", nearest is bus (allowed: bus, level)",
        ),
        (
            "send:bus=a,level=1Hz",
            "column 1: level=1Hz has the wrong unit",
        ),
        ("send:bus=", "column 1: \"\" is no name for a bus"),
        (
            "bus:name",
            "column 1: \"bus:name\" is no bus (allowed: bus:name=NAME ( CHAIN ))",
        ),
        ("bus:name=a.b", "column 1: \"a.b\" is no name for a bus"),
    ] {
        let found = refusal(text);
        assert!(found.starts_with(message), "{text}: {found}");
    }
    let message = refusal("gain | sned:bus=a");
    assert!(message.starts_with("node 2: unknown effect \"sned\", nearest is send (allowed: "));
    assert!(message.ends_with(", send, bus)"), "{message}");
}

#[test]
fn a_message_stays_on_one_line() {
    for text in [
        "ga\nin",
        "gain:ga\rin=1",
        "gain:gain=1\n2",
        "send:bu\ns=a",
        "send:bus=a\nb",
        "gain ~ 3\n4",
        "gain\0",
    ] {
        let message = refusal(text);
        assert!(!message.contains(char::is_control), "{message:?}");
    }
    for body in [
        r#"effect = "ga\nin""#,
        r#"effect = "gain"
           set = { gain = "1\n2" }"#,
        r#"effect = "gain"
           set = { "ga\nin" = 1 }"#,
        r#"effect = "gain"
           wet = "3\n4""#,
        r#"send = "a\nb""#,
        r#""se\nnd" = "a""#,
    ] {
        let text = format!("version = 2\n[[node]]\n{body}\n");
        let message = Chain::from_toml(&text).expect_err(&text).to_string();
        assert!(!message.contains(char::is_control), "{message:?}");
    }
}

#[test]
fn nesting_is_bounded_and_exact_in_both_forms() {
    let text = |depth: usize| "( ".repeat(depth) + "gain" + &" )".repeat(depth);
    let deepest = Chain::parse(&text(MAX_DEPTH)).unwrap();
    let file = deepest.to_toml().unwrap();
    let read = Chain::from_toml(&file).unwrap().to_text().unwrap();
    assert_eq!(read, text(MAX_DEPTH));
    let message = refusal(&text(MAX_DEPTH + 1));
    let allowed = "branches and buses are nested too deep (allowed: 16 deep)";
    assert_eq!(message, format!("column {}: {allowed}", 2 * MAX_DEPTH + 1));
    let mut built = deepest;
    for link in [
        Link::Parallel(vec![Branch {
            chain: Chain::parse(&text(MAX_DEPTH)).unwrap(),
            level_db: 0.0,
        }]),
        Link::Bus(BusLink {
            name: "a".to_owned(),
            chain: Chain::parse(&text(MAX_DEPTH)).unwrap(),
        }),
    ] {
        let refused = built.push(link);
        assert!(matches!(refused, Err(ChainError::TooDeep { .. })));
    }
    // By headers a file nests one deeper without the TOML reader's own bound.
    let header = |depth: usize| {
        let key = vec!["node.parallel"; depth].join(".");
        let headers: Vec<String> = (1..=depth)
            .map(|depth| {
                let key = vec!["node.parallel"; depth].join(".");
                let list = key.strip_suffix(".parallel").unwrap();
                format!("[[{list}]]\n[[{key}]]\n")
            })
            .collect();
        format!(
            "version = 2\n{}[[{key}.node]]\neffect = \"gain\"\n",
            headers.concat()
        )
    };
    let read = Chain::from_toml(&header(MAX_DEPTH)).unwrap();
    assert_eq!(read.to_text().unwrap(), text(MAX_DEPTH));
    let message = Chain::from_toml(&header(MAX_DEPTH + 1)).unwrap_err();
    // The line of the one that is too deep, not of the outermost.
    let line = 2 + 2 * MAX_DEPTH;
    assert_eq!(message.to_string(), format!("line {line}: {allowed}"));
}

#[test]
fn endless_nesting_is_refused_and_does_not_overflow_the_stack() {
    const DEPTH: usize = 200_000;
    for part in ["(", "(;", "(gain|(", "bus:name=a(", "((*"] {
        assert!(Chain::parse(&part.repeat(DEPTH)).is_err());
    }
    for part in ["[", "{a=", "[{node=", "{parallel=[{node=["] {
        let file = format!("version = 2\nnode = {}", part.repeat(DEPTH));
        assert!(Chain::from_toml(&file).is_err());
    }
    let keys = vec!["a"; DEPTH].join(".");
    for file in [
        format!("version = 2\n[{keys}]\n"),
        format!("version = 2\n[[{keys}]]\n"),
        format!("version = 2\n{keys} = 1\n"),
        format!("version = 2\nnode = [{{ {keys} = 1 }}]\n"),
    ] {
        assert!(Chain::from_toml(&file).is_err());
    }
}

#[test]
fn the_oldest_version_that_says_it_is_written() {
    let version = |text: &str| {
        let file = Chain::parse(text).unwrap().to_toml().unwrap();
        file.lines().next().unwrap().to_owned()
    };
    for text in ["", "gain", "gain:gain=1dB | pan"] {
        assert_eq!(version(text), "version = 1", "{text}");
    }
    for text in [
        "( )",
        "gain ~ 0%",
        "gain ~ off",
        "pan < k",
        "send:bus=a",
        "bus:name=a",
    ] {
        assert_eq!(version(text), "version = 2", "{text}");
    }
}

#[test]
fn wrong_files_of_version_2_are_refused_with_their_line() {
    for (body, message) in [
        (
            "[[node]]\neffect = \"gain\"\nwet = \"101%\"",
            "line 4: wet=101% is out of range",
        ),
        (
            "[[node]]\neffect = \"gain\"\nwet = true",
            "line 4: \"wet\" is true or false (allowed: a number",
        ),
        (
            "[[node]]\neffect = \"gain\"\nbypass = 1",
            "line 4: \"bypass\" is a number (allowed: true or false)",
        ),
        (
            "[[node]]\neffect = \"gain\"\nside_chain = 1",
            "line 4: \"side_chain\" is a number",
        ),
        (
            "[[node]]\neffect = \"gain\"\nlevel = 1",
            "line 4: unknown key \"level\"",
        ),
        (
            "[[node]]\nsend = \"a\"\nwet = 1",
            "line 4: unknown key \"wet\", nearest is send (allowed: send, level)",
        ),
        (
            "[[node]]\nsend = \"a\"\nlevel = 25",
            "line 4: level=25dB is out of range",
        ),
        (
            "[[node]]\nsend = \"a b\"",
            "line 2: \"a b\" is no name for a bus",
        ),
        (
            "[[node]]\nbus = 3",
            "line 3: \"bus\" is a number (allowed: the name of a bus)",
        ),
        (
            "[[node]]\nbus = \"a\"\nnode = 3",
            "line 4: \"node\" is a number",
        ),
        (
            "[[node]]\nparallel = []",
            "line 2: parallel branches need at least one branch",
        ),
        (
            "[[node]]\nparallel = [\n{},\n3 ]",
            "line 5: \"parallel\" is a number (allowed: a table)",
        ),
        (
            "[[node]]\nparallel = [ { gain = 3 } ]",
            "line 3: unknown key \"gain\"",
        ),
        (
            "[[node]]\neffect = \"gain\"\n[[node]]\nparallel = [\n{ node = [\n{ effect = \"pan\" },\n\
             { effect = \"gian\" } ] } ]",
            "line 8: node 3: unknown effect \"gian\"",
        ),
        (
            "[[node]]\nbus = \"a\"\nnode = [ { effect = \"pan\" },\n{ effect = \"envelope_limiter\", \
             set = { attack = 1, attack_coeff = 0.5 } } ]",
            "line 5: node 2: ",
        ),
    ] {
        let text = format!("version = 2\n{body}\n");
        let found = Chain::from_toml(&text).expect_err(&text).to_string();
        assert!(found.starts_with(message), "{text}: {found}");
        assert_eq!(found.lines().count(), 1, "{found}");
    }
    for key in ["wet = 3", "parallel = []", "send = \"a\"", "bus = \"a\""] {
        let text = format!("version = 1\n[[node]]\n{key}\n");
        let found = Chain::from_toml(&text).unwrap_err().to_string();
        let name = key.split(' ').next().unwrap();
        assert_eq!(found, format!("line 3: \"{name}\" needs version = 2"));
    }
    for number in ["0", "-1", "3", "99999999999999999999"] {
        let found = Chain::from_toml(&format!("version = {number}\n")).unwrap_err();
        assert!(matches!(found, ChainError::AtLine { line: 1, .. }));
    }
}
