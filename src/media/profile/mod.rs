//! The product's pipelines: one TOML file each, shipped ones embedded, the store's own beside them.
//!
//! A profile can be trusted once it is loaded: every part is there, every `{name}` in its launch
//! text has a parameter, every parameter is bounded and its default lies within the bounds. What
//! is substituted is a number, a truth value or one of the listed words, so a value never brings
//! launch syntax of its own. Unknown keys, unknown names and broken bounds are refused with file,
//! line and reason.

mod load;
mod param;
mod shelf;

pub use load::{Profile, ProfileError};
pub use param::{Param, ParamKind, Setting};
pub use shelf::Shelf;

use serde::{Deserialize, Serialize};

use crate::base::Digest;

/// A profile with its parameters filled in: what a worker is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The profile's name.
    pub profile: String,
    /// SHA-256 of the profile file and of its effective parameters.
    pub digest: Digest,
    /// File-name extension of what it writes, without the dot.
    pub extension: String,
    /// Raw formats that the encoder takes, the first that carries the source best wins.
    pub formats: Vec<String>,
    /// Launch text from raw picture to what the container takes.
    pub video: String,
    /// Launch text from raw sound (48 kHz, 16 bit) to what the container takes.
    pub audio: String,
    /// Launch text of the container's element.
    pub mux: String,
}

impl Plan {
    /// The names of the elements in it: the first word of each link of a chain. Formats between elements
    /// are among them.
    #[must_use]
    pub fn elements(&self) -> Vec<String> {
        let texts = [&self.video, &self.audio, &self.mux];
        let links = texts.into_iter().flat_map(|text| text.split('!'));
        let first = links.filter_map(|link| link.split_whitespace().next());
        first.map(ToOwned::to_owned).collect()
    }
}

/// An element that a profile needs, and the Debian package that holds it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Requirement {
    /// The element's name.
    pub element: String,
    /// The Debian package.
    pub package: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_elements_of_a_profile_are_the_first_words_of_its_links() {
        let plan = Plan {
            profile: String::new(),
            digest: Digest::new([0; 32]),
            extension: "mkv".into(),
            formats: Vec::new(),
            video: "x265enc bitrate=9 ! video/x-h265,profile=main ! h265parse".into(),
            audio: String::new(),
            mux: "matroskamux".into(),
        };
        let names = [
            "x265enc",
            "video/x-h265,profile=main",
            "h265parse",
            "matroskamux",
        ];
        assert_eq!(plan.elements(), names);
    }
}
