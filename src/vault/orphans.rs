//! What the vault holds against what is known of it, for `check`: what lies there and nothing
//! explains, and what should be there and is not.
//!
//! Both come in the order of digests and are compared drawer by drawer, so that the memory needed
//! is one drawer's, whatever the vault's size. Names alone are looked at: whether the bytes are
//! still theirs is what [`Vault::copies`] tells. Nothing may be staged while this runs.

use std::{collections::BTreeMap, ffi::OsString, iter::Peekable, os::fd::OwnedFd, path::PathBuf};

use rustix::{
    fs::{Mode, openat},
    io::Errno,
};

use super::{
    Vault, VaultError,
    mirror::{MIRROR_MARK, STORE_MARK},
    shelf::{ASIDE, STAGING, Shelf, all_names_in, dir_flags, object_name},
    sidecar::sidecar_name,
};
use crate::base::{Digest, RecordingId, text::name_human};

/// What is known of one recording. Its sidecar is always expected: it outlives the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its digest.
    pub digest: Digest,
    /// Whether its original should be there; `false` once it was disposed of. A mirror is then
    /// one too many.
    pub original: bool,
    /// Whether original and sidecar should be on the mirror; `false` when that was not done yet,
    /// in which case they may be there.
    pub mirrored: bool,
}

/// Which shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ShelfName {
    /// The originals.
    Originals,
    /// Their mirror.
    Mirror,
    /// The renditions.
    Renditions,
}

/// What sort of thing a name is, by its form and place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// An original, mirror or rendition.
    Object,
    /// A sidecar.
    Sidecar,
    /// Something half-copied.
    Staging,
    /// Nothing that the vault makes.
    Foreign,
}

/// One name in the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// On which shelf.
    pub shelf: ShelfName,
    /// What it is.
    pub part: Part,
    /// The digest that an object has by its name, or the one of a missing sidecar's recording.
    pub digest: Option<Digest>,
    /// Where it lies, or should.
    pub path: PathBuf,
}

/// Where vault and knowledge differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stray {
    /// It lies there, and nothing explains it.
    Orphan(Thing),
    /// It should be there and is not.
    Missing(Thing),
}

impl Stray {
    /// The fact as a sentence for a person.
    #[must_use]
    pub fn words(&self) -> String {
        let path = |thing: &Thing| name_human(thing.path.as_os_str().as_encoded_bytes());
        match self {
            Self::Orphan(thing) => format!("nothing explains {}", path(thing)),
            Self::Missing(thing) => format!("{} is not there", path(thing)),
        }
    }
}

impl Vault {
    /// Tells `each` what lies in the vault and is not explained by `recordings` (in the order of
    /// their digests, each once, disposed ones too) and `renditions` (with their extensions, in
    /// the order of their digests), and what these name that is not there.
    ///
    /// # Errors
    /// Those of the two lists; [`VaultError::Disorder`] when one is not in order;
    /// [`VaultError::MirrorAway`] and the like; or as listing says.
    pub fn orphans<E: From<VaultError>>(
        &self,
        recordings: impl IntoIterator<Item = Result<Known, E>>,
        renditions: impl IntoIterator<Item = Result<(Digest, String), E>>,
        mut each: impl FnMut(Stray),
    ) -> Result<(), E> {
        let mirror = match self.has_mirror() {
            true => Some(self.mirror_shelf()?),
            false => None,
        };
        let mut shelves: Vec<Walked<'_, Known>> =
            vec![(ShelfName::Originals, &self.originals, originals_of)];
        if let Some(mirror) = &mirror {
            shelves.push((ShelfName::Mirror, mirror, mirrors_of));
        }
        walk(&shelves, recordings, |known| known.digest, &mut each)?;
        let shelves: [Walked<'_, (Digest, String)>; 1] =
            [(ShelfName::Renditions, &self.renditions, renditions_of)];
        walk(&shelves, renditions, |(digest, _)| *digest, &mut each)
    }
}

/// A shelf, and the names that one known thing explains on it.
type Walked<'a, K> = (ShelfName, &'a Shelf, fn(&K) -> Vec<Expected>);

/// A name that is explained.
struct Expected {
    name: String,
    part: Part,
    digest: Digest,
    /// Whether it must be there.
    required: bool,
}

impl Expected {
    fn object(digest: Digest, extension: Option<&str>, required: bool) -> Self {
        Self {
            name: object_name(&digest, extension),
            part: Part::Object,
            digest,
            required,
        }
    }

    fn sidecar(digest: Digest, required: bool) -> Self {
        Self {
            name: sidecar_name(&digest.id()),
            part: Part::Sidecar,
            digest,
            required,
        }
    }
}

fn originals_of(known: &Known) -> Vec<Expected> {
    let object = Expected::object(known.digest, None, true);
    let sidecar = Expected::sidecar(known.digest, true);
    known
        .original
        .then_some(object)
        .into_iter()
        .chain([sidecar])
        .collect()
}

fn mirrors_of(known: &Known) -> Vec<Expected> {
    let object = Expected::object(known.digest, None, known.mirrored);
    let sidecar = Expected::sidecar(known.digest, known.mirrored);
    known
        .original
        .then_some(object)
        .into_iter()
        .chain([sidecar])
        .collect()
}

fn renditions_of((digest, extension): &(Digest, String)) -> Vec<Expected> {
    vec![Expected::object(*digest, Some(extension), true)]
}

/// Two bytes: the name of a drawer.
type Key = [u8; 2];

fn walk<K, E: From<VaultError>>(
    shelves: &[Walked<'_, K>],
    known: impl IntoIterator<Item = Result<K, E>>,
    digest_of: fn(&K) -> Digest,
    each: &mut impl FnMut(Stray),
) -> Result<(), E> {
    let mut known = InOrder {
        rest: known.into_iter().peekable(),
        digest_of,
        last: None,
    };
    for (shelf_name, shelf, _) in shelves {
        report_outside_drawers(*shelf_name, shelf, each)?;
    }
    for a in 0..=u8::MAX {
        let outer = shelves
            .iter()
            .map(|(shelf_name, shelf, _)| Outer::open(*shelf_name, shelf, a, each))
            .collect::<Result<Vec<_>, _>>()?;
        for b in 0..=u8::MAX {
            let here = known.of_drawer([a, b])?;
            for ((shelf_name, shelf, explains), outer) in shelves.iter().zip(&outer) {
                let expected = here.iter().flat_map(explains);
                compare(*shelf_name, shelf, [a, b], expected, &outer.names(b)?, each);
            }
        }
    }
    Ok(())
}

/// What is known, drawer by drawer.
struct InOrder<I: Iterator, K> {
    rest: Peekable<I>,
    digest_of: fn(&K) -> Digest,
    last: Option<Digest>,
}

impl<K, E: From<VaultError>, I: Iterator<Item = Result<K, E>>> InOrder<I, K> {
    fn of_drawer(&mut self, key: Key) -> Result<Vec<K>, E> {
        let mut here = Vec::new();
        loop {
            let digest_of = self.digest_of;
            // An error is of no drawer, and comes out at once. So does what should have come in
            // an earlier drawer, as disorder.
            let next = self.rest.next_if(|next| match next {
                Ok(known) => digest_of(known).as_bytes()[..2] <= key[..],
                Err(_) => true,
            });
            let Some(known) = next.transpose()? else {
                return Ok(here);
            };
            let digest = digest_of(&known);
            if self.last.is_some_and(|last| digest < last) {
                return Err(VaultError::Disorder { digest }.into());
            }
            self.last = Some(digest);
            here.push(known);
        }
    }
}

/// The folder of 256 drawers, if it is there.
struct Outer {
    folder: Option<(OwnedFd, PathBuf)>,
    drawers: Vec<OsString>,
}

impl Outer {
    fn open(
        shelf_name: ShelfName,
        shelf: &Shelf,
        a: u8,
        each: &mut impl FnMut(Stray),
    ) -> Result<Self, VaultError> {
        let path = shelf.path.join(two_digits(a));
        let dir = match openat(&shelf.dir, two_digits(a), dir_flags(), Mode::empty()) {
            Ok(dir) => dir,
            Err(Errno::NOENT) => {
                return Ok(Self {
                    folder: None,
                    drawers: Vec::new(),
                });
            }
            Err(e) => return Err(VaultError::io("opening", path, e)),
        };
        let drawers = all_names_in(&dir, &path)?;
        for name in drawers.iter().filter(|name| !is_two_digits(name)) {
            each(Stray::Orphan(foreign(shelf_name, path.join(name))));
        }
        Ok(Self {
            folder: Some((dir, path)),
            drawers,
        })
    }

    /// The names in one drawer; none when it is not there.
    fn names(&self, b: u8) -> Result<Vec<OsString>, VaultError> {
        let drawer = two_digits(b);
        match &self.folder {
            Some((dir, path)) if self.drawers.iter().any(|name| *name == *drawer) => {
                let path = path.join(&drawer);
                let dir = openat(dir, &drawer, dir_flags(), Mode::empty())
                    .map_err(|e| VaultError::io("opening", &path, e))?;
                all_names_in(&dir, &path)
            }
            _ => Ok(Vec::new()),
        }
    }
}

fn compare(
    shelf_name: ShelfName,
    shelf: &Shelf,
    key: Key,
    expected: impl Iterator<Item = Expected>,
    lying: &[OsString],
    each: &mut impl FnMut(Stray),
) {
    let drawer = shelf.path.join(two_digits(key[0])).join(two_digits(key[1]));
    let mut expected: BTreeMap<String, Expected> = expected.map(|e| (e.name.clone(), e)).collect();
    for name in lying {
        let explained = name.to_str().and_then(|name| expected.remove(name));
        if explained.is_none() {
            let (part, digest) = form_of(shelf_name, key, name.to_str().unwrap_or_default());
            each(Stray::Orphan(Thing {
                shelf: shelf_name,
                part,
                digest,
                path: drawer.join(name),
            }));
        }
    }
    for missing in expected.into_values().filter(|e| e.required) {
        each(Stray::Missing(Thing {
            shelf: shelf_name,
            part: missing.part,
            digest: Some(missing.digest),
            path: drawer.join(missing.name),
        }));
    }
}

/// What a name in the drawer `key` would be if somebody explained it.
fn form_of(shelf_name: ShelfName, key: Key, name: &str) -> (Part, Option<Digest>) {
    let digest = |text: &str| {
        let digest = text.parse::<Digest>().ok()?;
        (digest.as_bytes()[..2] == key).then_some(digest)
    };
    let id = |text: &str| {
        let id = text.parse::<RecordingId>().ok()?;
        (id.as_bytes()[..2] == key && sidecar_name(&id) == name).then_some(id)
    };
    let (stem, extension) = match name.split_once('.') {
        Some((stem, extension)) => (stem, Some(extension)),
        None => (name, None),
    };
    let renditions = shelf_name == ShelfName::Renditions;
    match (digest(stem), id(stem)) {
        (Some(digest), _) if renditions == extension.is_some() => (Part::Object, Some(digest)),
        (_, Some(_)) if !renditions => (Part::Sidecar, None),
        _ => (Part::Foreign, None),
    }
}

/// What lies on a shelf beside its outer drawers: leftovers in staging, and what is not ours.
/// What was put aside was put there on purpose.
fn report_outside_drawers(
    shelf_name: ShelfName,
    shelf: &Shelf,
    each: &mut impl FnMut(Stray),
) -> Result<(), VaultError> {
    let layout = [STAGING, ASIDE, STORE_MARK, MIRROR_MARK];
    for name in all_names_in(&shelf.dir, &shelf.path)? {
        if !is_two_digits(&name) && layout.iter().all(|ours| name != *ours) {
            each(Stray::Orphan(foreign(shelf_name, shelf.path.join(name))));
        }
    }
    let (staging, path) = shelf.staging_dir();
    for name in all_names_in(staging, &path)? {
        each(Stray::Orphan(Thing {
            part: Part::Staging,
            ..foreign(shelf_name, path.join(name))
        }));
    }
    Ok(())
}

fn foreign(shelf: ShelfName, path: PathBuf) -> Thing {
    Thing {
        shelf,
        part: Part::Foreign,
        digest: None,
        path,
    }
}

fn two_digits(byte: u8) -> String {
    format!("{byte:02x}")
}

fn is_two_digits(name: &OsString) -> bool {
    let digit = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let bytes = name.as_encoded_bytes();
    bytes.len() == 2 && bytes.iter().all(digit)
}
