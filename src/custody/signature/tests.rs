//! Vectors of OpenSSH, security keys, and signatures that are not put together right.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::custody::{
    key::{Key, PublicKey},
    kind::Kind,
    roster::{Delays, Person},
    tests::{office, person, private, public, roster, sign, statement},
};

#[path = "openssh/tests.rs"]
mod openssh;

/// Characters in a line of an armored signature, as OpenSSH writes it.
const LINE: usize = 70;

fn arm(blob: &[u8]) -> String {
    let base64 = BASE64.encode(blob);
    let lines: Vec<_> = base64
        .as_bytes()
        .chunks(LINE)
        .map(|l| str::from_utf8(l).unwrap())
        .collect();
    format!("{BEGIN}\n{}{END}\n", lines.join("\n"))
}

fn string(out: &mut Vec<u8>, part: &[u8]) {
    out.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
    out.extend(part);
}

/// A signature's five parts, each of which a test may change.
fn parts(armored: &str) -> [Vec<u8>; 5] {
    let blob = dearmor(armored).unwrap();
    let mut rest = &blob[10..];
    std::array::from_fn(|_| take(&mut rest).unwrap().to_vec())
}

fn join(version: u32, parts: &[Vec<u8>; 5]) -> Vec<u8> {
    let mut blob = b"SSHSIG".to_vec();
    blob.extend(version.to_be_bytes());
    parts.iter().for_each(|p| string(&mut blob, p));
    blob
}

fn raw<S: ssh_key::SigningKey>(key: &S, message: &[u8]) -> Vec<u8> {
    key.try_sign(message).unwrap().as_bytes().to_vec()
}

/// What a security key does, by OpenSSH's PROTOCOL.u2f: it signs SHA-256 of the application, the
/// flags, the counter, and SHA-256 of the message.
struct SecurityKey {
    seed: u8,
    application: &'static str,
}

impl SecurityKey {
    fn blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        string(&mut blob, b"sk-ssh-ed25519@openssh.com");
        let key = private(self.seed);
        string(&mut blob, &key.public_key().key_data().ed25519().unwrap().0);
        string(&mut blob, self.application.as_bytes());
        blob
    }

    fn public(&self) -> PublicKey {
        let line = format!("sk-ssh-ed25519@openssh.com {}", BASE64.encode(&self.blob()));
        line.parse().unwrap()
    }

    fn sign(&self, text: &str, namespace: &str, flags: u8, counter: u32) -> String {
        let message = SshSig::signed_data(namespace, HashAlg::Sha512, text.as_bytes()).unwrap();
        let mut signed = Sha256::digest(self.application).to_vec();
        signed.push(flags);
        signed.extend(counter.to_be_bytes());
        signed.extend(Sha256::digest(&message));
        let mut signature = Vec::new();
        string(&mut signature, b"sk-ssh-ed25519@openssh.com");
        string(&mut signature, &raw(&private(self.seed), &signed));
        signature.push(flags);
        signature.extend(counter.to_be_bytes());
        let parts = [
            self.blob(),
            namespace.into(),
            vec![],
            b"sha512".to_vec(),
            signature,
        ];
        arm(&join(1, &parts))
    }
}

/// OpenSSH's own test vectors (regress/unittests/sshsig/testdata, BSD licence): a public key, and
/// its signature over a text under the namespace `unittest`.
const VECTORS: [(&str, &str, &str); 5] = [
    (
        "ed25519",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIlizSIN3DQV78VPNjVvvwjgf+P5HqbPYCYu3BOMdjAE",
        "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgiWLNIg3cNBXvxU82NW+/COB/4/keps9gJi7cE4x2MAQAAAAIdW5pdHRlc3QAAAAAAAAABnNoYTUxMgAAAFMAAAALc3NoLWVkMjU1MTkAAABAihQsbUzuNEFflk5Tw1+H9aLS7tZQk0RG8KW1DtOmDYYnWe3D3UKiG3fcJaDNg4vBWp1j1gLRiBMOF+gwYNegDg==",
    ),
    (
        "ecdsa",
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBN7LnfPBVdDfBT7KWUley1qo+rjzy0WYkrHpzbhGALXlj8g4K2bFmy81wblCbnHqWgjblv0FoBwUW641o9xEZtw=",
        "U1NIU0lHAAAAAQAAAGgAAAATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAAhuaXN0cDI1NgAAAEEE3sud88FV0N8FPspZSV7LWqj6uPPLRZiSsenNuEYAteWPyDgrZsWbLzXBuUJucepaCNuW/QWgHBRbrjWj3ERm3AAAAAh1bml0dGVzdAAAAAAAAAAGc2hhNTEyAAAAZQAAABNlY2RzYS1zaGEyLW5pc3RwMjU2AAAASgAAACEAycVNsTlE+XEZYyYiDxWZlliruf/pPMhEEMR/XLdQa4MAAAAhALQt+5gES7L3uKGptHB6UZQMuZ2WyI0C6FJs4v6AtMIU",
    ),
    (
        "rsa",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQDfzqWaNEe0mnKPzsGtL6ywya29z/VI83SBdM+z2NnWFgCr3w9xrf9FhUzgdpK7oI7O1AnZmdkPdN79d4GchTaZ+69ASX4OLCKwZ42CVXJEKLvvzt88UV9zHNl8NrsQHapjxLehpIZkrxCrO4bCYYAiaOVBfPon4cJ394P/nwagJJKKsgQIVYIC3642s4L8SaADOxt9x9ohttXMDjS2WBTeE7YnjaR13PwKKwNO0MpAAEVw5pBnJxJ+fscM/5aBctdcFQj3BUzVOJ/V/70xfTzEiy8K8bOjvIuBttMUtIavlKQD606ti6gDtXx+B7SJ3/emdW0bVSLcju96N4DB/Qdmq0V4ESc7CQgkWZl4y0V45V/7iSLiHWsOoC9Kxw28y0uno5elsABMBMC4RYSQhAGXWueCcR7SIL2JT2K0oxbqongW0hvgAIfUShTXHy+qsV5yDaG+p+TkJkEkhtXbwkW4aNpzc7EFnXsWpvyWOiZSKvUasRPbPro0yBvlOMMPsFU=",
        "U1NIU0lHAAAAAQAAAZcAAAAHc3NoLXJzYQAAAAMBAAEAAAGBAN/OpZo0R7Saco/Owa0vrLDJrb3P9UjzdIF0z7PY2dYWAKvfD3Gt/0WFTOB2krugjs7UCdmZ2Q903v13gZyFNpn7r0BJfg4sIrBnjYJVckQou+/O3zxRX3Mc2Xw2uxAdqmPEt6GkhmSvEKs7hsJhgCJo5UF8+ifhwnf3g/+fBqAkkoqyBAhVggLfrjazgvxJoAM7G33H2iG21cwONLZYFN4TtieNpHXc/AorA07QykAARXDmkGcnEn5+xwz/loFy11wVCPcFTNU4n9X/vTF9PMSLLwrxs6O8i4G20xS0hq+UpAPrTq2LqAO1fH4HtInf96Z1bRtVItyO73o3gMH9B2arRXgRJzsJCCRZmXjLRXjlX/uJIuIdaw6gL0rHDbzLS6ejl6WwAEwEwLhFhJCEAZda54JxHtIgvYlPYrSjFuqieBbSG+AAh9RKFNcfL6qxXnINob6n5OQmQSSG1dvCRbho2nNzsQWdexam/JY6JlIq9RqxE9s+ujTIG+U4ww+wVQAAAAh1bml0dGVzdAAAAAAAAAAGc2hhNTEyAAABlAAAAAxyc2Etc2hhMi01MTIAAAGACinEpBrQxZi0yOrrT6h98JFfZh0XXioih4fzmvtoV0yOReWClS+otGgXoJyZHcbaKNOjDwSMrIkUoX6OUJmtHYP0HRELnKw35m33LdBPXpFGS4tRS7NeSpvc04KtjT6jYXY9FjWy5hcn17Sxc/3DnJqLgJBur8acY7FeIzpWmKixPd/dGkEjdWoD9gO6szLczGuQgrOdYmSRL4yKadTJlVjz5OSeKSYYGQy33US2XQassRRNYf4e9byTA3DKvHa/OcTt7lFerea0kZdDpAboqffz7TYaw/hFskAYLIEdTW3aoXBGHSOvu8AkDOtb7qwuxGSQ27pjkDLDNsp1ceCFaCaQ6X83RZuKACv9JUBI5KaSf81e0bs0KezJKkhB9czeZ6dk96qISbgayEBnvhYgXvUDKtHn7HzNlCJKfK5ABhNxfGG2CD+NKqcrndwFgS1sQO3hbA84zPQb26ShBovT8ytHBmW1F8ZK4O9Bz61Q6EZKvs/u6xP6LUean/so5daa",
    ),
    (
        "sk-ed25519",
        "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIJsaDYXQYruc6bilCYDIK4YSOeG+zmrRO2M9t03//7LHAAAABHNzaDo=",
        "U1NIU0lHAAAAAQAAAEoAAAAac2stc3NoLWVkMjU1MTlAb3BlbnNzaC5jb20AAAAgmxoNhdBiu5zpuKUJgMgrhhI54b7OatE7Yz23Tf//sscAAAAEc3NoOgAAAAh1bml0dGVzdAAAAAAAAAAGc2hhNTEyAAAAZwAAABpzay1zc2gtZWQyNTUxOUBvcGVuc3NoLmNvbQAAAEAi+7eTjW/+LQ2M+sCD+KFtH1n7VFFJon/SZFsxODyV8cWTlFKj617Ys1Ur5TV6uaEXQhck8rBA2oQIHTPANLIPARI0Vng=",
    ),
    (
        "sk-ecdsa",
        "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBKDVa5jRcT5V7E6ysmwVi7HJWh7p5D+hebLPakQcpnD2ajJZ6G/4WzuhlYWnclWY63JspDp299Rlhq5AT86/g8AAAAAEc3NoOg==",
        "U1NIU0lHAAAAAQAAAH8AAAAic2stZWNkc2Etc2hhMi1uaXN0cDI1NkBvcGVuc3NoLmNvbQAAAAhuaXN0cDI1NgAAAEEEoNVrmNFxPlXsTrKybBWLsclaHunkP6F5ss9qRBymcPZqMlnob/hbO6GVhadyVZjrcmykOnb31GWGrkBPzr+DwAAAAARzc2g6AAAACHVuaXR0ZXN0AAAAAAAAAAZzaGE1MTIAAAB3AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAABIAAAAIHohGwyy8iKT3zwd1TYA9V/Ioo7h/3zCJUtyq/Qigt/HAAAAIGzidTwq7D/kFa7Xjcp/KkdbIs4MfQpfAW/0OciajlpzARI0Vng=",
    ),
];

/// A signature that a browser made over the same text, by OpenSSH's test data as well.
const WEBAUTHN: (&str, &str) = (
    "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBBRGwDjs4HhJFcn4tJ5Gr72KcmRmCS1OirETxaXvnsNApgoOLF1a/7rxldfSMHm73eT1nhHe97W8qicPPEAKDJQAAAALbWluZHJvdC5vcmc=",
    "U1NIU0lHAAAAAQAAAIYAAAAic2stZWNkc2Etc2hhMi1uaXN0cDI1NkBvcGVuc3NoLmNvbQAAAAhuaXN0cDI1NgAAAEEEFEbAOOzgeEkVyfi0nkavvYpyZGYJLU6KsRPFpe+ew0CmCg4sXVr/uvGV19Iwebvd5PWeEd73tbyqJw88QAoMlAAAAAttaW5kcm90Lm9yZwAAAAh1bml0dGVzdAAAAAAAAAAGc2hhNTEyAAABhwAAACt3ZWJhdXRobi1zay1lY2RzYS1zaGEyLW5pc3RwMjU2QG9wZW5zc2guY29tAAAASQAAACBj2oMT9tb5wRXe6mdmf4/lgAO8wrgr95ouozwNg4itnQAAACEAtU9g5wz3HchUiLfLD6plr9T4TiJ32lVCrATSjpiy0SMBAAADHwAAABdodHRwczovL3d3dy5taW5kcm90Lm9yZwAAAON7InR5cGUiOiJ3ZWJhdXRobi5nZXQiLCJjaGFsbGVuZ2UiOiJVMU5JVTBsSEFBQUFDSFZ1YVhSMFpYTjBBQUFBQUFBQUFBWnphR0UxTVRJQUFBQkFMTHU4WmdjU3h0Nk1zRlV6dWlaZ0c2R3dNZEo5ZDd4ZUU3WW9SSXcwZzlpSEpfd3NGRDcxbzRXbHllenZGV0VqYnFRMHFDN0Z3R3Bqa2pVUVAtTmQ2dyIsIm9yaWdpbiI6Imh0dHBzOi8vd3d3Lm1pbmRyb3Qub3JnIiwiY3Jvc3NPcmlnaW4iOmZhbHNlfQAAAAA=",
);

const VECTOR_TEXT: &str = "This is a test, this is only a test";

fn of_line(id: &str, line: &str) -> Person {
    let (key, _) = PublicKey::read_line(line).unwrap();
    Person {
        keys: vec![Key::genesis(key)],
        ..person(id, Role::It, None, &[])
    }
}

fn armored(body: &str) -> String {
    arm(&BASE64.decode(body.as_bytes()).unwrap())
}

#[test]
fn every_kind_of_key_verifies_opensshs_own_vectors() {
    let people = VECTORS.map(|(id, line, _)| of_line(id, line));
    let known = Roster::new(people, Delays::default()).unwrap();
    for (id, line, body) in VECTORS {
        let good = armored(body);
        let signer = verify(VECTOR_TEXT, &good, "unittest", &known).unwrap();
        assert_eq!((signer.person(), signer.role()), (id, Role::It));
        assert_eq!(
            signer.key(),
            PublicKey::read_line(line).unwrap().0.fingerprint()
        );
        let wrong = Err(SignatureError::Wrong(id.into()));
        assert_eq!(
            verify("This is another test", &good, "unittest", &known),
            wrong
        );
        let renamed = Err(SignatureError::Namespace {
            found: "unittest".into(),
            wanted: "file".into(),
        });
        assert_eq!(verify(VECTOR_TEXT, &good, "file", &known), renamed);
        let unknown = verify(VECTOR_TEXT, &good, "unittest", &roster(office()));
        assert!(
            matches!(unknown, Err(SignatureError::UnknownKey(_))),
            "{id}"
        );
        // No byte of the innermost part can be another: the value, the flags and the counter.
        let parts = parts(&good);
        for at in 0..parts[4].len() {
            let mut changed = parts.clone();
            changed[4][at] ^= 0x04;
            let verdict = verify(VECTOR_TEXT, &arm(&join(1, &changed)), "unittest", &known);
            assert!(verdict.is_err(), "{id}, byte {at}");
        }
    }
}

#[test]
fn a_signature_that_a_browser_made_is_not_taken() {
    // OpenSSH takes these (WebAuthn); nobody can make one with `ssh-keygen -Y sign`.
    let known = Roster::new([of_line("web", WEBAUTHN.0)], Delays::default()).unwrap();
    let verdict = verify(VECTOR_TEXT, &armored(WEBAUTHN.1), "unittest", &known);
    assert!(
        matches!(verdict, Err(SignatureError::Unreadable(_))),
        "{verdict:?}"
    );
}

#[test]
fn a_security_key_counts_when_it_was_touched() {
    let key = SecurityKey {
        seed: 31,
        application: "ssh:",
    };
    let mut people = office();
    people[0].keys = vec![Key::genesis(key.public())];
    let office = roster(people);
    let said = statement(Kind::Plan);
    let (text, namespace) = (said.text(), said.kind().namespace());
    let untouched = Err(SignatureError::Untouched("li".into()));
    for (flags, good) in [(0x01, true), (0x05, true), (0x00, false), (0x04, false)] {
        let signature = key.sign(&text, namespace, flags, 7);
        let verdict = verify_statement(&said, &signature, &office);
        let expected = if good { Ok("li") } else { Err(()) };
        assert_eq!(
            verdict.as_ref().map(Signer::person).map_err(|_| ()),
            expected
        );
        assert!(good || verdict == untouched);
        // A flag that is set afterwards breaks the signature.
        let mut parts = parts(&signature);
        let at = parts[4].len() - 5;
        parts[4][at] ^= 0x01;
        let forged = verify_statement(&said, &arm(&join(1, &parts)), &office);
        assert_eq!(forged, Err(SignatureError::Wrong("li".into())));
    }
    // The application is part of the key.
    let other = SecurityKey {
        application: "ssh:else",
        ..key
    };
    let verdict = verify_statement(&said, &other.sign(&text, namespace, 1, 7), &office);
    assert!(matches!(verdict, Err(SignatureError::UnknownKey(_))));
}

#[test]
fn a_signature_that_is_not_put_together_as_openssh_does_is_refused() {
    let office = roster(office());
    let said = statement(Kind::Time);
    let good = sign(1, &said.text(), said.kind().namespace());
    assert!(verify_statement(&said, &good, &office).is_ok());
    let blob = dearmor(&good).unwrap();
    let with = |change: fn(&mut [Vec<u8>; 5])| {
        let mut parts = parts(&good);
        change(&mut parts);
        arm(&join(1, &parts))
    };
    // The innermost part says that it is a byte longer than what is there: a reader that does
    // not hold it to that would not notice.
    let inner_at = blob.len() - parts(&good)[4].len() - 4;
    let mut overlong = blob.clone();
    overlong[inner_at + 3] += 1;
    let mut longer = blob.clone();
    longer.push(0);
    let cases: Vec<(&str, String, &str)> = vec![
        (
            "version 0",
            arm(&join(0, &parts(&good))),
            "format version 0",
        ),
        (
            "version 2",
            arm(&join(2, &parts(&good))),
            "format version 2",
        ),
        (
            "reserved",
            with(|p| p[2].push(1)),
            "reserved field is not empty",
        ),
        (
            "hash",
            with(|p| p[3] = b"md5".to_vec()),
            "hash is not SHA-256",
        ),
        (
            "hash swapped",
            with(|p| p[3] = b"sha256".to_vec()),
            "not one of li over this text",
        ),
        ("no namespace", with(|p| p[1].clear()), "made for ''"),
        (
            "longer namespace",
            with(|p| p[1].push(0)),
            "made for 'recvault-time@v1\\x00'",
        ),
        (
            "another key",
            with(|p| p[0] = public(2).blob().to_vec()),
            "not one of wang",
        ),
        (
            "no key",
            with(|p| p[0].clear()),
            "nobody in the roster has the key SHA256:47DEQpj8",
        ),
        (
            "inner end",
            with(|p| p[4].push(0)),
            "innermost part is malformed",
        ),
        (
            "inner cut",
            with(|p| {
                p[4].pop();
            }),
            "innermost part is malformed",
        ),
        (
            "inner empty",
            with(|p| p[4].clear()),
            "innermost part is malformed",
        ),
        (
            "another algorithm",
            with(|p| {
                let value = p[4].split_off(p[4].len() - 64);
                p[4].clear();
                string(&mut p[4], b"rsa-sha2-512");
                string(&mut p[4], &value);
            }),
            "a signature by rsa-sha2-512 is not taken",
        ),
        ("overlong", arm(&overlong), "cut short"),
        ("longer", arm(&longer), "bytes follow it"),
        ("shorter", arm(&blob[..blob.len() - 1]), "cut short"),
        ("preamble", arm(&blob[1..]), "does not begin with SSHSIG"),
        ("empty", arm(&[]), "does not begin with SSHSIG"),
        ("no armor", BASE64.encode(&blob), "first line is missing"),
        ("words before", format!("\n{good}"), "first line is missing"),
        ("no end", good.replace("END", "UND"), "last line is missing"),
        (
            "no line feed",
            good.replacen('\n', "", 1),
            "last line is missing",
        ),
        ("not base64", good.replacen("U1NI", "U1N!", 1), "not base64"),
        (
            "too long",
            good.clone() + &" ".repeat(ARMOR_BYTES_MAX),
            "too long",
        ),
    ];
    for (what, armored, expected) in cases {
        let why = verify_statement(&said, &armored, &office)
            .unwrap_err()
            .to_string();
        assert!(why.contains(expected), "{what}: {why}");
    }
}

#[test]
fn a_signature_under_one_kind_counts_for_no_other() {
    let office = roster(office());
    for kind in Kind::ALL {
        let said = statement(kind);
        for other in Kind::ALL {
            let verdict =
                verify_statement(&said, &sign(1, &said.text(), other.namespace()), &office);
            assert_eq!(verdict.is_ok(), kind == other, "{kind} signed as {other}");
        }
    }
}

#[test]
fn a_signer_is_tied_to_the_text_and_the_purpose() {
    // The verdict of one call cannot be used for another statement, nor for the same text under
    // a namespace that is not its kind's.
    let office = roster(office());
    let (said, other) = (statement(Kind::Policy), statement(Kind::Roster));
    let text = said.text();
    let signer = verify_statement(&said, &sign(1, &text, said.kind().namespace()), &office);
    let signer = signer.unwrap();
    assert!(signer.signed(&said));
    assert!(!signer.signed(&other));
    let elsewhere = other.kind().namespace();
    let signer = verify(&text, &sign(1, &text, elsewhere), elsewhere, &office).unwrap();
    assert!(!signer.signed(&said) && !signer.signed(&other));
}

#[test]
fn a_revoked_key_is_named_as_such() {
    let mut people = office();
    people[0].keys[0].revoked_at = Some(12);
    let said = statement(Kind::Policy);
    let signature = sign(1, &said.text(), said.kind().namespace());
    assert_eq!(
        verify_statement(&said, &signature, &roster(people)),
        Err(SignatureError::Revoked {
            person: "li".into(),
            key: public(1).fingerprint(),
            event: 12,
        })
    );
}
