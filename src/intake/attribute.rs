//! Stage 3, attribute: whose recording it is, by everything but its inside. The inside comes
//! later, from the worker, and [`Attributing::with_container`] weighs it in.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::{
    base::Moment,
    media::band::{Font, missing_glyphs},
    recording::{
        Attribution, Claim, Field, Finding, FindingKind, Kind, Severity, Source, Value,
        name::Grammar, sidecar::Sidecar,
    },
    registry::Register,
};

/// What stays the same for a whole night.
#[derive(Clone, Debug)]
pub struct Attributing {
    /// File-name and folder patterns.
    pub grammar: Grammar,
    /// The office's time zone, in which recorders write their times.
    pub zone: TimeZone,
    /// Devices, officers, assignments.
    pub register: Arc<Register>,
}

/// People and recorders that a sentence names, and letters of each.
const NAMED_MAX: usize = 10;
const LETTERS_NAMED_MAX: usize = 5;

/// What is known of a file before anybody looks inside.
#[derive(Clone, Debug)]
pub struct Outside<'a> {
    /// Path below the inbox.
    pub name: &'a [u8],
    /// Its size in bytes.
    pub bytes: u64,
    /// Its modification time.
    pub modified_at: Moment,
    /// What sort of file it is.
    pub kind: Kind,
    /// The sidecar beside it: read, or why it could not be read.
    pub sidecar: Option<Result<Sidecar, String>>,
}

impl Attributing {
    /// Weighs name, folder, sidecar, register and file time.
    #[must_use]
    pub fn from_outside(&self, file: &Outside<'_>) -> (Attribution, Vec<Finding>) {
        let reading = self.grammar.read(file.name, &self.zone);
        let mut findings = Vec::new();
        let mut claims = reading.claims;
        let note = |text: String| {
            Finding::new(FindingKind::AttributionDisagrees, text).severity(Severity::Note)
        };
        findings.extend(reading.notes.into_iter().map(note));
        match &file.sidecar {
            Some(Ok(sidecar)) => {
                claims.extend(sidecar.claims.iter().cloned());
                findings.extend(sidecar.notes.iter().cloned().map(note));
                let length = sidecar.verify_length(file.bytes);
                findings
                    .extend(length.map(|text| Finding::new(FindingKind::SidecarMismatch, text)));
            }
            Some(Err(why)) => {
                let text = format!("The sidecar beside it cannot be read: {why}.");
                findings.push(Finding::new(FindingKind::SidecarUnreadable, text));
            }
            None => {}
        }
        claims.push(Claim {
            field: Field::StartedAt(file.modified_at),
            source: Source::FileTime,
        });
        let (attribution, disagreements) = self.weigh(claims);
        findings.extend(disagreements);
        if !file.kind.is_media() {
            findings.extend(self.gaps(&attribution, file.kind));
        }
        (attribution, findings)
    }

    /// Weighs what the container says into what was known before, and says what is still missing.
    /// Gives back only findings that are new.
    #[must_use]
    pub fn with_container(
        &self,
        known: &Attribution,
        inside: &[Claim],
        kind: Kind,
    ) -> (Attribution, Vec<Finding>) {
        let mut claims = claims_of(known);
        claims.extend(inside.iter().cloned());
        let (mut attribution, mut findings) = self.weigh(claims);
        attribution.remark.clone_from(&known.remark);
        findings.extend(self.gaps(&attribution, kind));
        (attribution, findings)
    }

    /// The officer's name, for the band; empty where the register has none.
    #[must_use]
    pub fn officer_name(&self, attribution: &Attribution) -> String {
        let officer = attribution
            .officer
            .as_ref()
            .and_then(|o| self.register.officer(&o.value));
        officer.map(|o| o.name.clone()).unwrap_or_default()
    }

    /// Whether the register is empty, so that there is no name to look for in a font.
    #[must_use]
    pub fn names_nobody(&self) -> bool {
        self.register.officers().next().is_none() && self.register.devices().next().is_none()
    }

    /// What of the register the band's font has no letters for, as a sentence: there would be empty boxes
    /// in the archival copies of those people for as long as they are kept.
    #[must_use]
    pub fn unwritable(&self, font: &Font) -> Option<String> {
        let lacking = |what: &str, id: &str, texts: &[&str]| {
            let missing = missing_glyphs(font, &texts.concat());
            let letters: Vec<String> = (missing.iter().take(LETTERS_NAMED_MAX))
                .map(|c| match c.is_alphanumeric() {
                    true => format!("{c} U+{:04X}", u32::from(*c)),
                    // What turns the text of a terminal round is named and not shown.
                    false => format!("U+{:04X}", u32::from(*c)),
                })
                .collect();
            (!letters.is_empty()).then(|| format!("{what} {id} ({})", letters.join(", ")))
        };
        let officers = self.register.officers();
        let officers = officers.filter_map(|o| lacking("officer", &o.id, &[&o.id, &o.name]));
        let devices = self.register.devices();
        let devices = devices.filter_map(|d| lacking("recorder", &d.id, &[&d.id]));
        let mut all: Vec<String> = officers.chain(devices).collect();
        let more = all.len().saturating_sub(NAMED_MAX);
        all.truncate(NAMED_MAX);
        if more > 0 {
            all.push(format!("{more} more"));
        }
        (!all.is_empty()).then(|| {
            format!(
                "the band's font lacks letters of {}: name one that has them in [band] fonts",
                all.join(", ")
            )
        })
    }

    /// The claims, and what the register adds to them: who held the recorder when it began.
    fn weigh(&self, mut claims: Vec<Claim>) -> (Attribution, Vec<Finding>) {
        let (first, _) = Attribution::weigh(&claims);
        if let (Some(device), Some(start)) = (&first.device, &first.started_at)
            && start.source != Source::FileTime
            && let Some(held) = self.register.holder(&device.value, start.value)
        {
            claims.push(Claim {
                field: Field::Officer(held.officer.clone()),
                source: Source::Register,
            });
        }
        Attribution::weigh(&claims)
    }

    fn gaps(&self, attribution: &Attribution, kind: Kind) -> Vec<Finding> {
        let mut findings = Vec::new();
        // A photo or a log is evidence beside a recording; only a recording must say whose it is.
        let severity = if kind.is_media() {
            Severity::Warning
        } else {
            Severity::Note
        };
        let missing = attribution.missing();
        if !missing.is_empty() {
            let text = format!("Nothing says {}.", missing.join(", "));
            findings.push(Finding::new(FindingKind::Unattributed, text).severity(severity));
        }
        let registered = self.register.devices().next().is_some();
        let mut unknown = |what: &str, value: &Value<String>| {
            let text = format!(
                "The register does not know {what} {}, which {} names.",
                value.value,
                value.source.words()
            );
            findings.push(Finding::new(FindingKind::AttributionUnknown, text).severity(severity));
        };
        if let Some(device) = attribution
            .device
            .as_ref()
            .filter(|d| registered && self.register.device(&d.value).is_none())
        {
            unknown("device", device);
        }
        if let Some(officer) = attribution
            .officer
            .as_ref()
            .filter(|o| registered && self.register.officer(&o.value).is_none())
        {
            unknown("officer", officer);
        }
        findings
    }
}

/// The values of an attribution as claims again, to be weighed with more.
fn claims_of(a: &Attribution) -> Vec<Claim> {
    fn put<T: Clone>(out: &mut Vec<Claim>, value: &Option<Value<T>>, field: impl Fn(T) -> Field) {
        if let Some(v) = value {
            out.push(Claim {
                field: field(v.value.clone()),
                source: v.source.clone(),
            });
        }
    }
    let mut out = Vec::new();
    put(&mut out, &a.device, Field::Device);
    // Who held it follows from device and start, which may be known better now.
    put(
        &mut out,
        &a.officer.clone().filter(|o| o.source != Source::Register),
        Field::Officer,
    );
    put(&mut out, &a.started_at, Field::StartedAt);
    put(&mut out, &a.ended_at, Field::EndedAt);
    put(&mut out, &a.sequence, Field::Sequence);
    put(&mut out, &a.mark, Field::Mark);
    put(&mut out, &a.case_code, Field::CaseCode);
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::registry;

    fn office() -> Attributing {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let csv = "record,device,model,officer,name,unit,from,to\n\
            device,BWC-0001,M1,,,North,,\n\
            officer,,,1003,王伟,North,,\n\
            assignment,BWC-0001,,1003,,,2026-03-01 08:00,2026-03-03 18:00\n";
        let mut register = Register::default();
        for change in registry::plan_import(&register, csv.as_bytes(), &zone)
            .unwrap()
            .changes
        {
            registry::apply(&mut register, &change);
        }
        let grammar = Grammar::parse(&["{device}_{date}_{time}_{sequence}.{ext}".into()]).unwrap();
        Attributing {
            grammar,
            zone,
            register: Arc::new(register),
        }
    }

    fn video(name: &str) -> Outside<'_> {
        Outside {
            name: name.as_bytes(),
            bytes: 10,
            modified_at: Moment::from_s(1_772_500_000),
            kind: Kind::Video,
            sidecar: None,
        }
    }

    #[test]
    fn the_register_names_the_officer_who_held_the_recorder_then() {
        let office = office();
        let (a, findings) = office.from_outside(&video("BWC-0001_20260302_081500_0007.mp4"));
        assert_eq!(a.officer.as_ref().unwrap().value, "1003");
        assert_eq!(a.officer.as_ref().unwrap().source, Source::Register);
        assert_eq!(office.officer_name(&a), "王伟");
        assert_eq!(findings, []);
        let (later, _) = office.from_outside(&video("BWC-0001_20260304_081500_0008.mp4"));
        assert_eq!(later.officer, None, "it had been handed back");
    }

    #[test]
    fn a_start_that_only_the_container_knows_still_finds_the_officer() {
        let office = office();
        let mut grammar_less = office.clone();
        grammar_less.grammar = Grammar::parse(&["{device}.{ext}".into()]).unwrap();
        let (before, _) = grammar_less.from_outside(&video("BWC-0001.mp4"));
        assert_eq!(before.officer, None);
        let start: jiff::Timestamp = "2026-03-02T00:15:00Z".parse().unwrap();
        let inside = [Claim {
            field: Field::StartedAt(start.into()),
            source: Source::Container,
        }];
        let (after, findings) = grammar_less.with_container(&before, &inside, Kind::Video);
        assert_eq!(after.officer.unwrap().value, "1003");
        assert_eq!(findings, []);
    }

    #[test]
    fn what_nobody_says_and_what_the_register_does_not_know_are_listed() {
        let office = office();
        let (a, _) = office.from_outside(&video("holiday.mp4"));
        let (_, findings) = office.with_container(&a, &[], Kind::Video);
        assert_eq!(
            findings[0].text,
            "Nothing says which recorder made it, who wore it, when it began."
        );
        let (a, _) = office.from_outside(&video("BWC-0666_20260302_081500_0007.mp4"));
        let (_, findings) = office.with_container(&a, &[], Kind::Video);
        let kinds: Vec<_> = findings.iter().map(|f| f.kind).collect();
        assert_eq!(
            kinds,
            [FindingKind::Unattributed, FindingKind::AttributionUnknown]
        );
    }
}
