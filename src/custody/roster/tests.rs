//! The text of a roster, and the rules that every roster keeps.
#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;
use crate::custody::tests::{office, person, private, public, roster};

fn line(n: u8, comment: &str) -> String {
    format!("{} {comment}", public(n)).trim().to_owned()
}

#[test]
fn a_roster_is_written_for_people_and_read_back_strictly() {
    let mut people = office();
    people[1].keys[1].added_at = Some(17);
    people[1].keys[1].revoked_at = Some(120);
    people[3].keys[0].added_at = Some(3);
    let roster = roster(people);
    // Sorted by handle, whatever order they came in.
    let mut wang = [
        format!("key: {}", public(2)),
        format!("key: {} added 17 revoked 120", public(3)),
    ];
    wang.sort();
    let expected = [
        "recvault roster v1",
        "approvers: 2 of 2 can sign",
        "change-delay-hours: 24",
        "repair-delay-hours: 336",
        "",
        "person: li",
        "role: approver",
        &format!("key: {}", public(1)),
        "",
        "person: qian",
        "role: use_department",
        &format!("key: {} added 3", public(5)),
        "",
        "person: sun",
        "role: general_affairs",
        "uid: 1003",
        &format!("key: {}", public(6)),
        "",
        "person: wang",
        "role: approver",
        "uid: 1002",
        &wang[0],
        &wang[1],
        "",
        "person: zhao",
        "role: it",
        "uid: 1000",
        &format!("key: {}", public(4)),
        "",
    ]
    .join("\n");
    assert_eq!(roster.text(), expected);
    assert_eq!(expected.parse(), Ok(roster.clone()));
    let json = serde_json::to_value(&roster).unwrap();
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_value::<Roster>(json).unwrap(), roster);
    assert_eq!(roster.by_uid(1_003).unwrap().id, "sun");
    assert_eq!(roster.by_uid(0), None);
}

#[test]
fn two_stores_with_the_same_people_are_two_logs() {
    let keys = [line(1, "li"), line(2, "wang")];
    let keys = keys.each_ref().map(String::as_str);
    let bare = Roster::genesis(&keys).unwrap();
    let of = |n| bare.clone().for_store(Nonce::new([n; 16])).unwrap();
    assert_ne!(of(5).digest(), of(6).digest());
    assert_ne!(of(5).digest(), bare.digest());
    let text = of(5).text();
    assert!(text.starts_with("recvault roster v1\nstore: aucqkbifaucqkbifaucqkbifau\napprovers"));
    assert_eq!(text.parse(), Ok(of(5)));
    assert_eq!(of(5).store(), Some(Nonce::new([5; 16])));
    for bad in ["AUCQ", "aucqkbifaucqkbifaucqkbifav", ""] {
        let bad = text.replace("aucqkbifaucqkbifaucqkbifau", bad);
        let why = bad.parse::<Roster>().unwrap_err().to_string();
        assert!(why.contains("line 2 of the roster is not 'store"), "{why}");
    }
}

#[test]
fn the_genesis_roster_is_two_approvers_or_says_that_there_are_none() {
    let none = Roster::genesis(&[]).unwrap();
    assert_eq!(
        none.text(),
        "recvault roster v1\napprovers: none; nothing that needs one can ever happen\n\
         change-delay-hours: 24\nrepair-delay-hours: 336\n"
    );
    assert_eq!(none.text().parse(), Ok(none));
    assert_eq!(
        Roster::genesis(&[&line(1, "li@office")]),
        Err(RosterError::OneApprover("li".into()))
    );
    type Made = Result<&'static [&'static str], &'static str>;
    let cases: &[(&[&str], Made)] = &[
        (&["li@office", "Wang@pc-2"], Ok(&["li", "wang"])),
        // What is no handle, or two people's, gives way to the line's number.
        (
            &["root@a", "root@b", "li"],
            Ok(&["approver-1", "approver-2", "li"]),
        ),
        (&["", "王"], Ok(&["approver-1", "approver-2"])),
        (&["two words@x", "li@x"], Ok(&["approver-1", "li"])),
        // A comment that takes the place of a number: refused, not guessed at.
        (&["", "approver-1"], Err("approver-1 is there twice")),
    ];
    for (comments, expected) in cases {
        let lines: Vec<_> = comments.iter().zip(1..).map(|(c, n)| line(n, c)).collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let made = Roster::genesis(&lines);
        let ids = made
            .as_ref()
            .map(|r| r.people().map(|p| p.id.as_str()).collect::<Vec<_>>());
        match expected {
            Ok(expected) => assert_eq!(ids.unwrap(), *expected),
            Err(why) => assert_eq!(ids.unwrap_err().to_string(), *why),
        }
    }
    assert!(matches!(
        Roster::genesis(&[&line(1, "a"), "ssh-ed25519 AAAA b"]),
        Err(RosterError::Key { id, .. }) if id == "approver-2"
    ));
    assert!(matches!(
        Roster::genesis(&[&line(1, "a"), &line(1, "b")]),
        Err(RosterError::KeyTwice { .. })
    ));
}

#[test]
fn people_who_break_a_rule_make_no_roster() {
    let with = |more: Person| {
        let mut people = office();
        people.push(more);
        Roster::new(people, Delays::default())
    };
    let it = |id: &str, uid, keys: &[u8]| person(id, Role::It, uid, keys);
    assert!(with(it("zhou", Some(2_000), &[9])).is_ok());
    assert!(
        with(it("zhou", None, &[])).is_ok(),
        "no login and no key is a person too"
    );
    let mut backwards = it("zhou", None, &[9]);
    backwards.keys[0].added_at = Some(9);
    backwards.keys[0].revoked_at = Some(8);
    let many_keys: Vec<u8> = (100..=100 + u8::try_from(KEYS_MAX).unwrap()).collect();
    let cases = [
        (it("Zhou", None, &[]), "'Zhou' cannot be a person's handle"),
        (
            it("zhou li", None, &[]),
            "'zhou li' cannot be a person's handle",
        ),
        (it("li", None, &[9]), "li is there twice"),
        (
            it("zhou", Some(1_000), &[]),
            "zhao and zhou have the same uid 1000",
        ),
        (
            it("zhou", None, &[1]),
            "belongs to li and is given to zhou as well",
        ),
        (
            it("zhou", None, &[9, 9]),
            "belongs to zhou and is given to zhou as well",
        ),
        (
            it("zhou", None, &many_keys),
            "at most 16 keys of one person",
        ),
        (backwards, "is revoked at event 8 but added at event 9"),
    ];
    for (more, expected) in cases {
        let why = with(more).unwrap_err().to_string();
        assert!(why.contains(expected), "{why}");
    }
    let mut one = office();
    one.remove(0);
    assert_eq!(
        Roster::new(one, Delays::default()),
        Err(RosterError::OneApprover("wang".into()))
    );
    for (change_hours, repair_hours, good) in [
        (1, 1, true),
        (24, 2_160, true),
        (0, 24, false),
        (24, 23, false),
        (24, 2_161, false),
    ] {
        let delays = Delays {
            change_hours,
            repair_hours,
        };
        assert_eq!(Roster::new(office(), delays).is_ok(), good, "{delays:?}");
    }
}

#[test]
fn a_roster_is_bounded_and_fits_into_an_event() {
    let many = |n: usize| (0..n).map(|i| person(&format!("p{i}"), Role::It, None, &[]));
    assert!(Roster::new(many(PEOPLE_MAX), Delays::default()).is_ok());
    assert!(matches!(
        Roster::new(many(PEOPLE_MAX + 1), Delays::default()),
        Err(RosterError::TooMany { what: "people", .. })
    ));
    // Everybody with one key still fits; as JSON it is within an event's line.
    let keyed = (0..100_u8).map(|n| person(&format!("p{n}"), Role::It, Some(n.into()), &[n]));
    let full = Roster::new(keyed, Delays::default()).unwrap();
    let json = serde_json::to_string(&full).unwrap();
    assert!(
        json.len() < crate::base::limits::EVENT_BYTES_MAX,
        "{}",
        json.len()
    );
    let fat = (0..16_u8).map(|p| {
        let keys: Vec<u8> = (0..16).map(|k| p * 16 + k).collect();
        let mut one = person(&format!("p{p}"), Role::It, None, &keys);
        one.keys
            .iter_mut()
            .for_each(|k| k.added_at = Some(u64::MAX));
        one.keys
            .iter_mut()
            .for_each(|k| k.revoked_at = Some(u64::MAX));
        one
    });
    assert!(matches!(
        Roster::new(fat, Delays::default()),
        Err(RosterError::TooMany { what: "bytes", .. })
    ));
}

#[test]
fn an_approver_who_lost_every_key_stands_but_cannot_sign() {
    let mut people = office();
    people[0].keys[0].revoked_at = Some(5);
    let roster = roster(people);
    assert!(roster.text().contains("\napprovers: 1 of 2 can sign\n"));
    assert_eq!(roster.approvers_able(), 1);
    assert_eq!(roster.approvers().count(), 2);
}

#[test]
fn allowed_signers_lists_the_good_keys_with_every_namespace() {
    let mut people = office();
    people[1].keys[1].revoked_at = Some(5);
    let text = roster(people).allowed_signers();
    let namespaces = "recvault-roster@v1,recvault-hold-release@v1,recvault-class-lower@v1,\
        recvault-attribution@v1,recvault-time@v1,recvault-policy@v1,recvault-plan@v1,\
        recvault-clock@v1,recvault-break-glass@v1,recvault-approval@v1,recvault-denial@v1";
    let expected = [("li", 1), ("qian", 5), ("sun", 6), ("wang", 2), ("zhao", 4)]
        .map(|(id, n)| format!("{id} namespaces=\"{namespaces}\" {}\n", public(n)));
    assert_eq!(text, expected.concat());
}

#[test]
fn a_text_that_is_written_in_another_way_is_refused() {
    let good = roster(office()).text();
    let cases = [
        (
            good.replace("v1", "v2"),
            "line 1 of the roster is not 'recvault roster v1'",
        ),
        (
            good.replace("approvers: 2", "approvers: 3"),
            "from line 2 on",
        ),
        (
            good.replace("change-delay-hours: 24", "change-delay-hours: 024"),
            "line 3",
        ),
        (
            good.replace("repair-delay-hours: 336\n", ""),
            "line 4 of the roster is not 'repair",
        ),
        (
            good.replace("\n\nperson: li", "\nperson: li"),
            "line 5 of the roster is not 'a blank",
        ),
        (good.replace("role: it", "role: boss"), "is not 'role: …'"),
        (
            good.replace("uid: 1000", "uid: 4294967296"),
            "is not 'uid: …'",
        ),
        (good.replace("uid: 1000", "uid: +1000"), "is not 'uid: …'"),
        (
            good.replace("key: ssh", "key:  ssh"),
            "is not 'key: algorithm base64",
        ),
        (
            good.replacen("\nkey: ", "\nkey: ssh-rsa ", 1),
            "is not 'key: algorithm base64",
        ),
        (
            good.replacen("\n\nperson: qian", " added\n\nperson: qian", 1),
            "is not 'key: alg",
        ),
        (
            good.replacen("\n\nperson: qian", " seen 4\n\nperson: qian", 1),
            "is not 'key: alg",
        ),
        (
            good.replacen("\n\nperson: qian", " added 04\n\nperson: qian", 1),
            "is not 'key: alg",
        ),
        (good.replace('\n', "\r\n"), "from line 1 on"),
        (good.trim_end().to_owned(), "from line 29 on"),
        (good.clone() + "\n", "is not 'person: …'"),
        (
            good.clone() + "uid: 7\n",
            "is not 'a blank line before a person'",
        ),
        (format!("\u{feff}{good}"), "line 1 of"),
    ];
    for (text, expected) in cases {
        let why = text.parse::<Roster>().unwrap_err().to_string();
        assert!(why.contains(expected), "{expected}: {why}");
    }
}

#[test]
fn no_single_byte_of_a_roster_can_change_unseen() {
    let original = Roster::genesis(&[&line(1, "li"), &line(2, "wang")]).unwrap();
    let text = original.text().into_bytes();
    for at in 0..text.len() {
        for byte in (0..=255).step_by(3).chain([b'\n', b' ', b'\r', b'0', b'1']) {
            let mut changed = text.clone();
            changed[at] = byte;
            let Ok(changed) = String::from_utf8(changed) else {
                continue;
            };
            if byte != text[at]
                && let Ok(read) = changed.parse::<Roster>()
            {
                assert_eq!(read.text(), changed, "a text has one roster");
                assert_ne!(read.digest(), original.digest());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_roster_survives_its_text(
        ids in proptest::collection::btree_map("[a-z][a-z0-9._-]{0,12}", (0_usize..4, any::<bool>()), 0..12),
        numbers in proptest::collection::vec((any::<Option<u32>>(), any::<Option<u32>>()), 24),
        change_hours in 1_u32..=100,
        repair_hours in 100_u32..=2_160,
    ) {
        let people = ids.into_iter().enumerate().map(|(i, (id, (role, login)))| {
            let n = u8::try_from(i * 2).unwrap();
            let mut one = person(&id, Role::ALL[role], login.then_some(u32::from(n)), &[n, n + 1]);
            for (key, (added, later)) in one.keys.iter_mut().zip(&numbers[i * 2..]) {
                key.added_at = added.map(u64::from);
                key.revoked_at = later.map(|l| u64::from(l) + u64::from(added.unwrap_or(0)));
            }
            one
        });
        let made = Roster::new(people.collect::<Vec<_>>(), Delays { change_hours, repair_hours });
        prop_assume!(!matches!(made, Err(RosterError::OneApprover(_))));
        let made = made.unwrap();
        prop_assert_eq!(made.text().parse::<Roster>().unwrap(), made);
    }
}

#[test]
fn a_private_key_is_never_taken_for_a_public_one() {
    // A person who gives the wrong file must not find its content in a roster or a message.
    let pem = private(1).to_openssh(ssh_key::LineEnding::LF).unwrap();
    let why = Roster::genesis(&[&pem, &line(2, "b")])
        .unwrap_err()
        .to_string();
    assert!(!why.contains("b3BlbnNzaC1rZXk"), "{why}");
}
