//! All profiles of a store: the shipped ones, and the files in its `pipelines/` folder, which
//! add to them and, under the same file name, replace them.

use std::{collections::BTreeMap, fs, path::Path};

use super::{Profile, ProfileError};

/// The shipped files, in the binary itself, so that a store works without them on disk.
const SHIPPED: [(&str, &str); 5] = [
    (
        "archive-av1.toml",
        include_str!("../../../pipelines/archive-av1.toml"),
    ),
    (
        "archive-h264.toml",
        include_str!("../../../pipelines/archive-h264.toml"),
    ),
    (
        "archive-h265.toml",
        include_str!("../../../pipelines/archive-h265.toml"),
    ),
    (
        "export-h264-mp4.toml",
        include_str!("../../../pipelines/export-h264-mp4.toml"),
    ),
    (
        "preserve-ffv1.toml",
        include_str!("../../../pipelines/preserve-ffv1.toml"),
    ),
];

/// The profiles of a store by name.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    profiles: BTreeMap<String, Profile>,
}

impl Shelf {
    /// The shipped files, name and text, as `init` lays them out for reading.
    #[must_use]
    pub const fn shipped() -> &'static [(&'static str, &'static str)] {
        &SHIPPED
    }

    /// The shipped profiles and those of `folder`. A folder that does not exist adds nothing.
    ///
    /// # Errors
    /// The first file that is broken or unreadable, or that takes the name of a profile from
    /// another file: a store with a broken pipeline does not begin its night.
    pub fn open(folder: Option<&Path>) -> Result<Self, ProfileError> {
        let mut files: BTreeMap<String, String> = SHIPPED
            .iter()
            .map(|(n, t)| ((*n).to_owned(), (*t).to_owned()))
            .collect();
        let unreadable = |path: &Path, e: std::io::Error| ProfileError::Unreadable {
            file: path.display().to_string(),
            reason: e.to_string(),
        };
        if let Some(folder) = folder.filter(|f| f.exists()) {
            for entry in fs::read_dir(folder).map_err(|e| unreadable(folder, e))? {
                let path = entry.map_err(|e| unreadable(folder, e))?.path();
                let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
                if !name.ends_with(".toml") || name.starts_with('.') {
                    continue;
                }
                let text = fs::read_to_string(&path).map_err(|e| unreadable(&path, e))?;
                files.insert(name.to_owned(), text);
            }
        }
        let mut profiles: BTreeMap<String, Profile> = BTreeMap::new();
        for (file, text) in files {
            let profile = Profile::parse(&file, &text)?;
            if profiles.contains_key(&profile.name) {
                return Err(ProfileError::Broken {
                    file,
                    line: 1,
                    reason: format!("another file already has the name '{}'", profile.name),
                });
            }
            profiles.insert(profile.name.clone(), profile);
        }
        Ok(Self { profiles })
    }

    /// The profile of this name.
    ///
    /// # Errors
    /// [`ProfileError::Unknown`] with the names that there are.
    pub fn get(&self, name: &str) -> Result<&Profile, ProfileError> {
        self.profiles
            .get(name)
            .ok_or_else(|| ProfileError::Unknown {
                name: name.to_owned(),
                known: self.profiles.keys().cloned().collect::<Vec<_>>().join(", "),
            })
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.values()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::media::profile::Setting;

    #[test]
    fn every_shipped_profile_is_sound_and_settles_with_its_defaults() {
        let shelf = Shelf::open(None).unwrap();
        assert_eq!(shelf.iter().count(), SHIPPED.len());
        for profile in shelf.iter() {
            let plan = profile.plan(&BTreeMap::new(), Some(2)).unwrap();
            for part in [&plan.video, &plan.audio, &plan.mux] {
                assert!(!part.contains(['{', '}']), "{}: {part}", profile.name);
            }
            if !profile.params.contains_key("threads") {
                continue;
            }
            let wide = profile.plan(&BTreeMap::new(), Some(4)).unwrap();
            assert_ne!(plan.video, wide.video, "{}", profile.name);
            assert_eq!(plan.digest, wide.digest, "a share of the machine");
            let set = BTreeMap::from([("threads".to_owned(), Setting::Int(4))]);
            let set = profile.plan(&set, Some(2)).unwrap();
            assert_eq!(set.video, wide.video, "what is set stands");
            assert_ne!(set.digest, wide.digest, "and is told");
        }
    }

    #[test]
    fn a_file_in_the_store_adds_a_profile_or_replaces_a_shipped_one() {
        let dir = tempfile::tempdir().unwrap();
        let own = SHIPPED[0].1.replace("default = 38", "default = 30");
        fs::write(dir.path().join("archive-av1.toml"), &own).unwrap();
        let added = SHIPPED[0].1.replace("\"archive-av1\"", "\"office\"");
        fs::write(dir.path().join("office.toml"), added).unwrap();
        let shelf = Shelf::open(Some(dir.path())).unwrap();
        let crf = |name: &str| shelf.get(name).unwrap().params["crf"].default.to_string();
        assert_eq!(
            (crf("archive-av1"), crf("office")),
            ("30".into(), "38".into())
        );
        assert!(
            shelf
                .get("nothing")
                .unwrap_err()
                .to_string()
                .contains("office")
        );
        // The same name out of two files would make the night depend on the order of a folder.
        fs::write(dir.path().join("second.toml"), own).unwrap();
        assert!(Shelf::open(Some(dir.path())).is_err());
    }
}
