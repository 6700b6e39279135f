//! Archival copies of what is kept long-term alone: made by the night after its classification.

use crate::case::Case;

/// Goal: with `when = "long-term"` a night looks at everything and copies nothing; what is classed
/// long-term gets its copy by the next night, the rest still none; and a rebuilt index says the same.
#[test]
fn what_is_classed_long_term_gets_its_copy_by_the_next_night() {
    let case = Case::new().unarchived().fleet(1);
    let _ = case.batch().code(1);
    let videos = |case: &Case| -> Vec<serde_json::Value> {
        let all = case.list().into_iter();
        all.filter(|r| r["media"]["frames"].as_u64() > Some(0))
            .collect()
    };
    let before = videos(&case);
    assert!(before.len() > 2, "{before:?}");
    for recording in &before {
        assert_eq!(recording["state"], "kept", "{recording}");
        assert!(case.renditions(recording).is_empty());
    }
    let id = before[0]["id"].as_str().unwrap();
    let why = ["--clause", "4.6.2", "--note", "a complaint"];
    let _ = case
        .store_command(&[&["classify", id][..], &why].concat())
        .code(0);
    let _ = case.batch();
    for recording in videos(&case) {
        let classed = recording["id"] == id;
        let state = if classed { "archived" } else { "kept" };
        assert_eq!(recording["state"], state, "{recording}");
        let copies = case.renditions(&recording);
        assert_eq!(copies.len(), usize::from(classed));
        assert!(copies.iter().all(|copy| copy.is_file()));
    }
    let _ = case.store_command(&["check"]).code(0);
    // Once it has its copy, another clause makes no other.
    let _ = case
        .store_command(&["classify", id, "--clause", "4.6.3", "--note", "more"])
        .code(0);
    let _ = case.batch();
    let again = videos(&case).into_iter().find(|r| r["id"] == id).unwrap();
    assert_eq!(
        (&again["state"], case.renditions(&again).len()),
        (&"archived".into(), 1)
    );
}
