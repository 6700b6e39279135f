//! What two people opened in an emergency, as the night's reports say it: loud, and for thirty days.

use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::wording::{count, grouped, printable};
use crate::{
    intake::summary::{Emergency, NightSummary},
    recording::Severity,
};

/// Recordings that a line names; the JSON has all.
const IDS_MAX: usize = 5;

/// How much it matters: an alarm in the night after, and a warning from then on.
pub(super) const fn severity(emergency: &Emergency) -> Severity {
    match emergency.is_new {
        true => Severity::Alarm,
        false => Severity::Warning,
    }
}

/// One emergency as a sentence, printable.
pub(super) fn sentence(emergency: &Emergency, zone: &TimeZone) -> String {
    let people = match emergency.people.is_empty() {
        true => "nobody".to_owned(),
        false => emergency.people.join(" and "),
    };
    let ids = emergency.recordings.iter().take(IDS_MAX);
    let ids: Vec<String> = ids.map(ToString::to_string).collect();
    let mut out = format!(
        "{people} opened {} in an emergency, {}: {}",
        count(emergency.recordings.len() as u64, "recording", "recordings"),
        emergency.opened_at.in_zone(zone),
        ids.join(", ")
    );
    if emergency.recordings.len() > IDS_MAX {
        let more = (emergency.recordings.len() - IDS_MAX) as u64;
        out.push_str(&format!(" and {} more", grouped(more)));
    }
    for (at, who) in &emergency.used {
        out.push_str(&format!("; used by {who}, {}", at.in_zone(zone)));
    }
    if emergency.used.is_empty() {
        out.push_str("; not used");
    }
    printable(&out).into_owned()
}

/// Enough of the request's digest to name it by.
pub(super) fn name(emergency: &Emergency) -> String {
    emergency.request.to_string().chars().take(12).collect()
}

/// The section of the night's page; nothing where there is none.
pub(super) fn section(night: &NightSummary, zone: &TimeZone) -> Markup {
    html! {
        @if !night.break_glass.is_empty() {
            section {
                h2 { "Break-glass " span .zh lang="zh" { "紧急查阅" } " " span .n { "· " (grouped(night.break_glass.len() as u64)) } }
                p .soft {
                    "Opened in an emergency by two people, without the usual approval, within the last 30 days. "
                    span lang="zh" { "近30天内未经通常批准、由两人紧急开启。" }
                }
                ul .attention {
                    @for e in &night.break_glass {
                        li class=(severity(e).word()) {
                            span class={ "badge " (severity(e).word()) } { "break-glass" }
                            " " span .name.mono { (name(e)) }
                            " " span .place { @if e.is_new { "new" } }
                            " " span .what { (sentence(e, zone)) }
                        }
                    }
                }
            }
        }
    }
}
