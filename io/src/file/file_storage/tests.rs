use super::*;

#[test]
fn a_name_of_any_length_has_a_hidden_one_that_tells_of_it() {
    for (stem, whole) in [
        ("take".to_owned(), true),
        ("\u{444}".repeat(110), true),
        ("\u{444}".repeat(125), false),
        ("\u{97f3}".repeat(83), false),
        ("x".repeat(251), false),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(format!("{stem}.wav"));
        fs::write(&path, "old").expect("room");
        let begun = FileStorage::create_hidden(&path, Overwrite::Replace);
        let mut hidden = begun.expect("a hidden name");
        let Name::Temporary(temporary) = &hidden.name else {
            panic!("{hidden:?}");
        };
        let name = temporary.file_name().and_then(name_of_part);
        let name = name.expect("a name of ours").to_owned();
        let cut = name.strip_suffix(".wav").expect("the ending");
        assert!(stem.starts_with(cut) && cut.len() > 3, "{name}");
        assert_eq!(cut == stem, whole, "{name}");
        hidden.write_at(b"new", 0).expect("room");
        hidden.publish().expect("its name");
        assert_eq!(fs::read(&path).expect("there"), b"new");
        assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 1);
        drop(hidden);
        // What has no name at all needs a hidden one too, to replace what has one.
        let begun = FileStorage::create(&path, Overwrite::Replace);
        begun
            .and_then(|mut storage| Ok(storage.publish()?))
            .expect("its name");
        assert_eq!(fs::read(&path).expect("there"), b"");
    }
}
