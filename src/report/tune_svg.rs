//! What each setting of `tune` came to, as a picture: speed to the right, likeness upwards, the size of the
//! copies as the size of the dot, and a line along those that nothing beats.

use maud::{Markup, html};

use crate::{
    base::text::bytes_human,
    intake::tune::{Measured, is_on_frontier},
};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 130.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 60.0;
const STYLE: &str = "text{font:12px sans-serif;fill:#333}.t{font-size:15px;font-weight:bold}\
    .g{stroke:#ddd}.f{fill:none;stroke:#1b6ca8;stroke-width:2}.d{fill:#9bb8cc;stroke:#456}\
    .on{fill:#1b6ca8}.p{fill:#d1642a}";

/// The drawing, a file of its own.
#[must_use]
pub fn tuned_svg(profile: &str, all: &[Measured], proposed: Option<&Measured>) -> String {
    let fast = all.iter().map(|m| m.real_time).fold(1.0, f64::max) * 1.05;
    let best = all.iter().map(|m| m.ssim).fold(0.0, f64::max);
    let worst = all.iter().map(|m| m.ssim).fold(best, f64::min);
    // A scale that is not all of it where the settings differ by little.
    let span = ((best - worst) * 1.3).max(0.001);
    let (low, high) = (best + span * 0.1 - span, best + span * 0.1);
    let large = all.iter().map(|m| m.bytes).max().unwrap_or(1).max(1);
    let x = |m: f64| LEFT + m / fast * (WIDTH - LEFT - RIGHT);
    let y = |s: f64| HEIGHT - BOTTOM - (s - low) / (high - low) * (HEIGHT - TOP - BOTTOM);
    let mut frontier: Vec<&Measured> = all.iter().filter(|m| is_on_frontier(all, m)).collect();
    frontier.sort_by(|a, b| a.real_time.total_cmp(&b.real_time));
    let line: Vec<String> = (frontier.iter())
        .map(|m| format!("{:.1},{:.1}", x(m.real_time), y(m.ssim)))
        .collect();
    let steps = (0..=4).map(f64::from);
    let drawing: Markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" {
            style { (STYLE) }
            rect width="100%" height="100%" fill="#fff" {}
            text .t x=(LEFT) y="26" { "Speed and likeness of " (profile) " on this machine" }
            @for step in steps {
                @let (speed, likeness) = (fast * step / 4.0, low + (high - low) * step / 4.0);
                line .g x1=(x(speed)) x2=(x(speed)) y1=(TOP) y2=(HEIGHT - BOTTOM) {}
                line .g x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y(likeness)) y2=(y(likeness)) {}
                text x=(x(speed)) y=(HEIGHT - BOTTOM + 18.0) text-anchor="middle" { (format!("{speed:.1}×")) }
                text x=(LEFT - 8.0) y=(y(likeness) + 4.0) text-anchor="end" { (format!("{likeness:.4}")) }
            }
            text x=((LEFT + WIDTH - RIGHT) / 2.0) y=(HEIGHT - 16.0) text-anchor="middle" { "times real time; beside the dots: preset, jobs × threads; larger dots, larger copies" }
            text x="12" y=(TOP - 10.0) { "SSIM" }
            polyline .f points=(line.join(" ")) {}
            @for m in all {
                @let class = if proposed == Some(m) { "d p" } else if is_on_frontier(all, m) { "d on" } else { "d" };
                @let radius = 4.0 + 8.0 * (m.bytes as f64 / large as f64).sqrt();
                circle class=(class) cx=(format!("{:.1}", x(m.real_time))) cy=(format!("{:.1}", y(m.ssim))) r=(format!("{radius:.1}")) {
                    title { (words(m)) }
                }
                @if is_on_frontier(all, m) || proposed == Some(m) {
                    text x=(format!("{:.1}", x(m.real_time) + radius + 4.0)) y=(format!("{:.1}", y(m.ssim) - 6.0)) {
                        (format!("{}, {} × {}", m.preset.as_deref().unwrap_or("—"), m.jobs, m.threads))
                    }
                }
            }
        }
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n",
        drawing.into_string()
    )
}

fn words(m: &Measured) -> String {
    format!(
        "preset {}, {} jobs × {} threads: {:.1} × real time, {}, SSIM {:.4}",
        m.preset.as_deref().unwrap_or("—"),
        m.jobs,
        m.threads,
        m.real_time,
        bytes_human(m.bytes),
        m.ssim
    )
}
