//! The columns: what each key means and what stands under it.

/// A column of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// Facts about the index itself: its format, the ledger's length and head.
    Meta,
    /// Number of an event → its line, as the ledger holds it.
    Events,
    /// Recording id → its record as JSON.
    Records,
    /// (time, id) → nothing.
    ByTime,
    /// (device, time, id) → nothing.
    ByDevice,
    /// (officer, time, id) → nothing.
    ByOfficer,
    /// (state, time, id) → size in bytes.
    ByState,
    /// (finding code, time, id) → nothing.
    ByFinding,
    /// (time, id) → size in bytes. Originals that are not on the mirror.
    Unmirrored,
    /// Recording id → what keeps it, as JSON.
    Keeping,
    /// (last instant of keeping, id) → the facts that a plan looks at, as JSON. Only what expires by
    /// itself stands here.
    ByDue,
    /// Digest of a signed statement → the event that accepted it.
    Statements,
    /// Digest of a signed statement that more people must sign → it, with its signatures, as JSON.
    Waiting,
    /// Digest of a request to look → it and everything that became of it, as JSON.
    Access,
    /// The register of devices, officers and assignments.
    Register,
    /// Nights and what they did.
    Nights,
    /// Path below the inbox → what was there. A cache: lost, it costs hashing once more.
    CacheMemo,
}

impl Column {
    /// All columns, in the order of a dump.
    pub const ALL: [Self; 17] = [
        Self::Meta,
        Self::Events,
        Self::Records,
        Self::ByTime,
        Self::ByDevice,
        Self::ByOfficer,
        Self::ByState,
        Self::ByFinding,
        Self::Unmirrored,
        Self::Keeping,
        Self::ByDue,
        Self::Statements,
        Self::Waiting,
        Self::Access,
        Self::Register,
        Self::Nights,
        Self::CacheMemo,
    ];

    /// The name on the disk and in a dump.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Events => "events",
            Self::Records => "records",
            Self::ByTime => "by_time",
            Self::ByDevice => "by_device",
            Self::ByOfficer => "by_officer",
            Self::ByState => "by_state",
            Self::ByFinding => "by_finding",
            Self::Unmirrored => "unmirrored",
            Self::Keeping => "keeping",
            Self::ByDue => "by_due",
            Self::Statements => "statements",
            Self::Waiting => "waiting",
            Self::Access => "access",
            Self::Register => "register",
            Self::Nights => "nights",
            Self::CacheMemo => "cache_memo",
        }
    }

    /// Whether it is outside the fold of the ledger, and so outside the dump.
    #[must_use]
    pub const fn is_cache(self) -> bool {
        matches!(self, Self::CacheMemo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_cache_is_one_and_nothing_else_is() {
        for column in Column::ALL {
            assert_eq!(
                column.is_cache(),
                column.name().starts_with("cache_"),
                "{column:?}"
            );
        }
    }
}
