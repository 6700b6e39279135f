//! Keys that sort as what they stand for. Every secondary index ends in the same 18 bytes, a
//! [`Place`]: so each of them lists its recordings in one order, and lists can be intersected
//! without being read to their ends.

use crate::base::{Moment, RecordingId};

/// Bytes of a place.
pub const PLACE_BYTES: usize = 18;

/// (time, id) of a recording: where it stands in every list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place([u8; PLACE_BYTES]);

impl Place {
    /// Before everything.
    pub const FIRST: Self = Self([0; PLACE_BYTES]);
    /// After everything.
    pub const LAST: Self = Self([0xff; PLACE_BYTES]);

    /// The place of a recording.
    #[must_use]
    pub fn new(time: Moment, id: RecordingId) -> Self {
        let mut bytes = [0; PLACE_BYTES];
        bytes[..8].copy_from_slice(&moment(time));
        bytes[8..].copy_from_slice(id.as_bytes());
        Self(bytes)
    }

    /// Before everything at `time` and after everything earlier.
    #[must_use]
    pub fn at(time: Moment) -> Self {
        Self::new(time, RecordingId::new([0; 10]))
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; PLACE_BYTES] {
        &self.0
    }

    /// The place that these bytes are.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The recording at this place.
    #[must_use]
    pub fn id(&self) -> RecordingId {
        let mut id = [0; 10];
        id.copy_from_slice(&self.0[8..]);
        RecordingId::new(id)
    }

    /// The instant of this place.
    #[must_use]
    pub fn time(&self) -> Moment {
        let mut time = [0; 8];
        time.copy_from_slice(&self.0[..8]);
        Moment::from_ms((u64::from_be_bytes(time) ^ SIGN) as i64)
    }

    /// The very next place, unless this is the last.
    #[must_use]
    pub fn next(&self) -> Option<Self> {
        let mut bytes = self.0;
        for byte in bytes.iter_mut().rev() {
            let (sum, carry) = byte.overflowing_add(1);
            *byte = sum;
            if !carry {
                return Some(Self(bytes));
            }
        }
        None
    }

    /// The place just before, unless this is the first.
    #[must_use]
    pub fn previous(&self) -> Option<Self> {
        let mut bytes = self.0;
        for byte in bytes.iter_mut().rev() {
            let (difference, borrow) = byte.overflowing_sub(1);
            *byte = difference;
            if !borrow {
                return Some(Self(bytes));
            }
        }
        None
    }
}

const SIGN: u64 = 1 << 63;

/// An instant: big-endian, the sign turned over so that the past before 1970 comes first.
#[must_use]
pub const fn moment(at: Moment) -> [u8; 8] {
    (at.as_ms() as u64 ^ SIGN).to_be_bytes()
}

/// A number, such as that of an event: big-endian.
#[must_use]
pub const fn number(n: u64) -> [u8; 8] {
    n.to_be_bytes()
}

/// The text that a key begins with, as [`text`] wrote it; nothing when it begins otherwise.
#[must_use]
pub fn text_of(key: &[u8]) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = key.iter();
    loop {
        match (*rest.next()?, rest.as_slice().first()) {
            (0, Some(0xff)) => {
                rest.next();
                bytes.push(0);
            }
            (0, Some(1)) => return String::from_utf8(bytes).ok(),
            (0, _) => return None,
            (byte, _) => bytes.push(byte),
        }
    }
}

/// A text that something may follow: a zero byte in it becomes 00 FF, and 00 01 ends it. So no
/// text is the beginning of another one's key, and "a" comes before "ab" whatever follows.
#[must_use]
pub fn text(text: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(text.len().saturating_add(2));
    for byte in text.bytes() {
        key.push(byte);
        if byte == 0 {
            key.push(0xff);
        }
    }
    key.extend_from_slice(&[0, 1]);
    key
}

/// A text and the place of a recording that has it.
#[must_use]
pub fn listed(under: &str, place: &Place) -> Vec<u8> {
    let mut key = text(under);
    key.extend_from_slice(place.as_bytes());
    key
}

/// The first and the last id that begin with these characters, if an id can.
#[must_use]
pub fn ids_beginning(text: &str) -> Option<(RecordingId, RecordingId)> {
    // 'a' is the least and '7' the greatest of the alphabet.
    let filled = |with: &str| {
        let missing = ID_CHARACTERS.checked_sub(text.len())?;
        format!("{text}{}", with.repeat(missing)).parse().ok()
    };
    Some((filled("a")?, filled("7")?))
}

/// Characters of an id as text.
const ID_CHARACTERS: usize = 16;

/// The first key that does not begin with `prefix`, unless there is none.
#[must_use]
pub fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let kept = prefix.iter().rposition(|b| *b != 0xff)?;
    let mut end = prefix[..=kept].to_vec();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_key_after_a_prefix_is_the_least_greater_one() {
        let cases: [(&[u8], Option<&[u8]>); 5] = [
            (b"", None),
            (b"\xff\xff", None),
            (b"a", Some(b"b")),
            (b"a\xff\xff", Some(b"b")),
            (b"a\xfe", Some(b"a\xff")),
        ];
        for (prefix, end) in cases {
            assert_eq!(after_prefix(prefix).as_deref(), end, "{prefix:?}");
        }
    }

    #[test]
    fn ids_are_found_by_how_they_begin() {
        let (first, last) = ids_beginning("").unwrap();
        assert_eq!((first.as_bytes(), last.as_bytes()), (&[0; 10], &[0xff; 10]));
        let (first, last) = ids_beginning("AB").unwrap();
        assert_eq!(first.to_string(), "abaaaaaaaaaaaaaa");
        assert_eq!(last.to_string(), "ab77777777777777");
        let whole = "abcdefghijklmnop";
        let (first, last) = ids_beginning(whole).unwrap();
        assert_eq!((first.to_string().as_str(), first), (whole, last));
        for bad in ["1", "a b", "abcdefghijklmnopq", "ü"] {
            assert_eq!(ids_beginning(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn moments_sort_as_time(a: i64, b: i64) {
            let key = |ms| moment(Moment::from_ms(ms));
            prop_assert_eq!(a.cmp(&b), key(a).cmp(&key(b)));
        }

        /// Also with zero bytes, and with the greatest and the least thing behind them.
        #[test]
        fn texts_sort_as_text_whatever_follows(
            a in "[\\x00\\x01ab\u{10ffff}]{0,6}",
            b in "[\\x00\\x01ab\u{10ffff}]{0,6}",
            x: i64,
            y: i64,
        ) {
            let key = |t: &str, ms| listed(t, &Place::at(Moment::from_ms(ms)));
            prop_assert_eq!((&a, x).cmp(&(&b, y)), key(&a, x).cmp(&key(&b, y)));
        }

        #[test]
        fn a_place_tells_its_time_and_id_and_has_neighbours(ms: i64, id: [u8; 10]) {
            let place = Place::new(Moment::from_ms(ms), RecordingId::new(id));
            prop_assert_eq!(place.time(), Moment::from_ms(ms));
            prop_assert_eq!(place.id(), RecordingId::new(id));
            if let Some(next) = place.next() {
                prop_assert!(place < next);
                prop_assert_eq!(next.previous(), Some(place));
            }
        }
    }
}
