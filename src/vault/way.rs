//! The kill points on each way onto a shelf. The steps are the same on all of them; the points
//! have names of their own, so that a test strikes a mirror without striking an admission.

use crate::base::killpoint::named;

/// The points of one way, in the order in which they are passed.
pub(super) struct Way {
    /// 2. The pass that copies and hashes.
    pub(super) copy: &'static str,
    /// 3. fsync of the copy.
    pub(super) sync: &'static str,
    /// 3. Reading back from the disk.
    pub(super) reread: &'static str,
    /// 4. The drawer, and its name.
    pub(super) drawer: &'static str,
    /// 4. The link, or the finding that the name is taken.
    pub(super) link: &'static str,
    /// 4. The second name of a bad object.
    pub(super) aside: &'static str,
    /// 4. The good copy takes the bad one's name.
    pub(super) heal: &'static str,
    /// 4. fsync of the drawer.
    pub(super) folder: &'static str,
}

macro_rules! way {
    ($of:literal) => {
        Self {
            copy: named(concat!($of, ".copy")),
            sync: named(concat!($of, ".sync")),
            reread: named(concat!($of, ".reread")),
            drawer: named(concat!($of, ".drawer")),
            link: named(concat!($of, ".link")),
            aside: named(concat!($of, ".aside")),
            heal: named(concat!($of, ".heal")),
            folder: named(concat!($of, ".folder")),
        }
    };
}

impl Way {
    /// From a source to an original.
    pub(super) const ADMIT: Self = way!("vault.admit");
    /// From a worker's output to a rendition: the worker copies, so nobody passes `copy`.
    pub(super) const DERIVE: Self = way!("vault.derive");
    /// From an original to its mirror.
    pub(super) const MIRROR: Self = way!("vault.mirror");
    /// From the good copy to the bad one's place.
    pub(super) const REPAIR: Self = way!("vault.repair");
}
