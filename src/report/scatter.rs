//! Settings against one another as a picture: speed to the right, likeness upwards, size as the size of the
//! dot, and a line along those that nothing beats. A file of its own.

use maud::{Markup, html};

/// One setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Dot {
    /// Times real time.
    pub speed: f64,
    /// How much the copies look like the recordings; 1 is the same.
    pub likeness: f64,
    /// Bytes of the copies.
    pub bytes: u64,
    /// What stands beside it.
    pub label: String,
    /// What is said of it to whoever points at it.
    pub words: String,
    /// Nothing is both faster and better.
    pub unbeaten: bool,
    /// It is what is proposed.
    pub proposed: bool,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 130.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 60.0;
const STYLE: &str = "text{font:12px sans-serif;fill:#333}.t{font-size:15px;font-weight:bold}\
    .g{stroke:#ddd}.f{fill:none;stroke:#1b6ca8;stroke-width:2}.d{fill:#9bb8cc;stroke:#456}\
    .on{fill:#1b6ca8}.p{fill:#d1642a}";

/// The drawing.
#[must_use]
pub fn scatter(title: &str, all: &[Dot]) -> String {
    let fast = all.iter().map(|d| d.speed).fold(1.0, f64::max) * 1.05;
    let best = all.iter().map(|d| d.likeness).fold(0.0, f64::max);
    let worst = all.iter().map(|d| d.likeness).fold(best, f64::min);
    // A scale that is not all of it where the settings differ by little.
    let span = ((best - worst) * 1.3).max(0.001);
    let (low, high) = (best + span * 0.1 - span, best + span * 0.1);
    let large = all.iter().map(|d| d.bytes).max().unwrap_or(1).max(1);
    let x = |speed: f64| LEFT + speed / fast * (WIDTH - LEFT - RIGHT);
    let y = |like: f64| HEIGHT - BOTTOM - (like - low) / (high - low) * (HEIGHT - TOP - BOTTOM);
    let mut unbeaten: Vec<&Dot> = all.iter().filter(|d| d.unbeaten).collect();
    unbeaten.sort_by(|a, b| a.speed.total_cmp(&b.speed));
    let line: Vec<String> = (unbeaten.iter())
        .map(|d| format!("{:.1},{:.1}", x(d.speed), y(d.likeness)))
        .collect();
    let steps = (0..=4).map(f64::from);
    let drawing: Markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" {
            style { (STYLE) }
            rect width="100%" height="100%" fill="#fff" {}
            text .t x=(LEFT) y="26" { (title) }
            @for step in steps {
                @let (speed, likeness) = (fast * step / 4.0, low + (high - low) * step / 4.0);
                line .g x1=(x(speed)) x2=(x(speed)) y1=(TOP) y2=(HEIGHT - BOTTOM) {}
                line .g x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y(likeness)) y2=(y(likeness)) {}
                text x=(x(speed)) y=(HEIGHT - BOTTOM + 18.0) text-anchor="middle" { (format!("{speed:.1}×")) }
                text x=(LEFT - 8.0) y=(y(likeness) + 4.0) text-anchor="end" { (format!("{likeness:.4}")) }
            }
            text x=((LEFT + WIDTH - RIGHT) / 2.0) y=(HEIGHT - 16.0) text-anchor="middle" {
                "times real time; beside the dots: preset, jobs × threads; larger dots, larger copies"
            }
            text x="12" y=(TOP - 10.0) { "SSIM" }
            polyline .f points=(line.join(" ")) {}
            @for d in all {
                @let class = if d.proposed { "d p" } else if d.unbeaten { "d on" } else { "d" };
                @let radius = 4.0 + 8.0 * (d.bytes as f64 / large as f64).sqrt();
                circle class=(class) cx=(format!("{:.1}", x(d.speed))) cy=(format!("{:.1}", y(d.likeness))) r=(format!("{radius:.1}")) {
                    title { (d.words) }
                }
                @if d.unbeaten || d.proposed {
                    text x=(format!("{:.1}", x(d.speed) + radius + 4.0)) y=(format!("{:.1}", y(d.likeness) - 6.0)) {
                        (d.label)
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
