//! One text for one value: JSON with sorted keys, no blanks, whole numbers only. It is what is
//! hashed, signed and put into events, so that another program can make the same bytes.

use serde::Serialize;

/// The canonical JSON of `value`, without a line break.
///
/// Keys sort because `serde_json`'s map does without its `preserve_order`, and numbers are whole
/// because no type of this room holds a fraction; a test of each type holds both.
#[must_use]
pub fn canonical(value: &impl Serialize) -> String {
    serde_json::json!(value).to_string()
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fmt::Debug;

    use serde::de::DeserializeOwned;
    use serde_json::Value;

    use super::*;

    /// Holds `value` to the promise of this module: it reads back, its keys are sorted, its
    /// numbers are whole. Gives back the text.
    pub fn holds<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> String {
        fn look(value: &Value) {
            match value {
                Value::Number(n) => assert!(n.is_i64() || n.is_u64(), "{n} is not whole"),
                Value::Array(items) => items.iter().for_each(look),
                Value::Object(map) => {
                    assert!(map.keys().is_sorted());
                    map.values().for_each(look);
                }
                _ => {}
            }
        }
        let text = canonical(value);
        look(&serde_json::from_str(&text).unwrap());
        assert_eq!(serde_json::from_str::<T>(&text).unwrap(), *value, "{text}");
        assert!(!text.contains('\n'));
        text
    }

    #[test]
    fn keys_are_sorted_whatever_their_order_in_the_type() {
        #[derive(Serialize, serde::Deserialize, PartialEq, Debug)]
        struct Unsorted {
            z: u8,
            a: (i64, bool),
        }
        let text = holds(&Unsorted {
            z: 1,
            a: (-2, true),
        });
        assert_eq!(text, r#"{"a":[-2,true],"z":1}"#);
    }
}
