//! `tune`: what each setting came to.

use super::{Style, cell, flush_left, number, table, text};
use crate::{
    base::text::bytes_human,
    intake::tune::{Measured, is_on_frontier},
};

/// Every setting, the fastest first, with what is proposed and what stands on the frontier marked.
#[must_use]
pub fn tuned(all: &[Measured], proposed: Option<&Measured>, style: Style) -> String {
    let head = [
        "Preset",
        "Jobs",
        "Threads",
        "× real time",
        "Size",
        "SSIM",
        "",
    ];
    let mut out = table(style, &head);
    let mut rows: Vec<&Measured> = all.iter().collect();
    rows.sort_by(|a, b| b.real_time.total_cmp(&a.real_time));
    for row in rows {
        let marks = [
            (row.present, "now"),
            (proposed == Some(row), "proposed"),
            (is_on_frontier(all, row), "nothing is faster and better"),
        ];
        let marks: Vec<&str> = marks
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, w)| *w)
            .collect();
        out.add_row(vec![
            number(row.preset.as_deref().unwrap_or("—")),
            number(&row.jobs.to_string()),
            number(&row.threads.to_string()),
            number(&format!("{:.1}", row.real_time)),
            number(&bytes_human(row.bytes)),
            number(&format!("{:.4}", row.ssim)),
            cell(&marks.join(", ")),
        ]);
    }
    flush_left(&mut out);
    text(&out)
}
