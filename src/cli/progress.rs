//! Progress bars: one for the night with its ETA, one per running job. Quiet when standard error
//! is not a terminal.

use std::{
    io::{self, IsTerminal},
    sync::{Mutex, PoisonError},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::{
    base::text::{bytes_human, duration_human},
    intake::{Progress, Watcher},
};

/// Draws a night's progress.
pub(super) struct Bars {
    multi: MultiProgress,
    night: ProgressBar,
    jobs: Mutex<Vec<ProgressBar>>,
}

impl Bars {
    /// Bars on standard error, or nobody's when that is no terminal.
    pub(super) fn watcher() -> Box<dyn Watcher> {
        if !io::stderr().is_terminal() {
            return Box::new(());
        }
        let multi = MultiProgress::new();
        let night = multi.add(ProgressBar::new(0));
        night.set_style(style("{bar:28.cyan/dim} {percent:>3} %  {msg}"));
        Box::new(Self {
            multi,
            night,
            jobs: Mutex::default(),
        })
    }
}

impl Watcher for Bars {
    fn note(&self, p: &Progress) {
        self.night.set_length(p.bytes_total.max(1));
        self.night.set_position(p.bytes_done.min(p.bytes_total));
        let mut text = format!(
            "{}: {}/{} files, {} of {}",
            p.phase,
            p.files_done,
            p.files_total,
            bytes_human(p.bytes_done),
            bytes_human(p.bytes_total)
        );
        if let Some(eta) = p.eta_ms {
            text.push_str(&format!(", {} to go", duration_human(eta)));
        }
        self.night.set_message(text);
        let mut bars = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        while bars.len() < p.jobs.len() {
            let bar = self.multi.add(ProgressBar::new(1));
            bar.set_style(style("  {bar:26.green/dim} {percent:>3} %  {msg}"));
            bars.push(bar);
        }
        for (bar, job) in bars.iter().zip(&p.jobs) {
            bar.set_length(u64::try_from(job.duration_ms.max(1)).unwrap_or(1));
            bar.set_position(
                u64::try_from(job.position_ms.clamp(0, job.duration_ms.max(0))).unwrap_or(0),
            );
            bar.set_message(if job.name.is_empty() {
                "idle".into()
            } else {
                let whole = duration_human(job.duration_ms);
                format!(
                    "{} {}  {} of {whole}",
                    job.phase,
                    job.name,
                    duration_human(job.position_ms)
                )
            });
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        let _ = self.multi.clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are ours and valid; a typing error would only cost the drawing.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}
