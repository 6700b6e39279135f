//! Looks for a block code anywhere in a frame, at any size: in a copy that was scaled, cropped, put
//! between bars or turned as in a mirror since it was painted.
//!
//! A symbol's lower side is one dark line above a light one, as long as the symbol is wide. Such
//! edges are few, so each is tried: how well do the levels where a symbol on it would have its
//! finder pattern and its quiet zone agree with them? The best are moved until they agree most.

use super::{Payload, Plane, Symbol};

/// How much lighter it is below the symbol's lower side than on it, at least.
const EDGE_MIN: i16 = 20;
/// Of a hundred parts of an edge's mean rise, its ends have as many at least.
const WEAK_PERCENT: i32 = 40;
/// Pixels that such an edge may be interrupted for.
const GAP_MAX: usize = 2;
/// Pixels of a module at least. Below, neighbours cannot be told apart.
const MODULE_MIN: f32 = 1.05;
/// Edges of a frame that are tried, strongest first.
const EDGES_MAX: usize = 400;
/// How much higher than wide a module may be, and the other way round: 1.12 to the power of this.
const ASPECT_STEPS: i32 = 5;
/// Agreement with finder and quiet zone from which a place is looked at closely.
const LIKELY: f32 = 0.4;
/// Agreement from which there is a symbol.
const FOUND: f32 = 0.6;
/// Luma levels between the light and the dark modules of a finder at least.
const CONTRAST_MIN: f32 = 12.0;
/// Of a hundred finder modules, as many must be right.
const FINDER_RIGHT_PERCENT: usize = 80;
/// Places of a frame that are looked at closely.
const PLACES_MAX: usize = 24;
/// Sharpenings that are tried, across and down alike: scaling blurs a module into its neighbours.
const SHARPENINGS: [f32; 4] = [0.0, 0.2, 0.4, 0.7];

/// Of a hundred data modules, as many must be those of a payload to agree with it.
const SAME_PERCENT: usize = 85;

/// Which sides are moved to settle: left, right, top, bottom.
const WAYS: [(f32, f32, f32, f32); 6] = [
    (1.0, 0.0, 0.0, 0.0),
    (0.0, 1.0, 0.0, 0.0),
    (1.0, 1.0, 0.0, 0.0),
    (0.0, 0.0, 1.0, 0.0),
    (0.0, 0.0, 0.0, 1.0),
    (0.0, 0.0, 1.0, 1.0),
];

/// Where a symbol stands in a frame: its sides in pixels, quiet zone not included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// Which symbol.
    pub symbol: Symbol,
    /// Its left side; beyond its right one in a mirror.
    pub left: f32,
    /// Its right side.
    pub right: f32,
    /// Its upper side.
    pub top: f32,
    /// Its lower side.
    pub bottom: f32,
}

/// A symbol that was seen: where, and how dark each of its modules is.
#[derive(Clone, Debug)]
pub struct Sight {
    /// Where.
    pub spot: Spot,
    /// Row by row; 1 is as dark as the dark modules of the finder, -1 as light as the light ones.
    pub modules: Vec<f32>,
}

impl Spot {
    /// Pixels of a module, across and down; less than zero across in a mirror.
    fn module(&self) -> (f32, f32) {
        (
            (self.right - self.left) / self.symbol.columns() as f32,
            (self.bottom - self.top) / self.symbol.rows() as f32,
        )
    }

    /// Whether it is the same place, give or take half a module.
    #[must_use]
    pub fn is_near(&self, other: &Self) -> bool {
        let (across, down) = self.module();
        let near = |a: f32, b: f32, module: f32| (a - b).abs() < module.abs() / 2.0;
        self.symbol == other.symbol
            && near(self.left, other.left, across)
            && near(self.right, other.right, across)
            && near(self.top, other.top, down)
            && near(self.bottom, other.bottom, down)
    }

    /// The same with one of its sides, or two that face each other, moved by so many modules.
    fn moved(mut self, way: usize, by: f32) -> Self {
        let (across, down) = self.module();
        let (left, right, top, bottom) = WAYS.get(way).copied().unwrap_or_default();
        self.left += left * by * across;
        self.right += right * by * across;
        self.top += top * by * down;
        self.bottom += bottom * by * down;
        self
    }
}

/// What a symbol of one size has where every one of them has the same.
struct Known {
    symbol: Symbol,
    /// Column and row of a module, and whether it is dark. The quiet zone stands in column and row
    /// -1 and in those behind the last.
    modules: Vec<(f32, f32, bool)>,
    finder: Vec<Option<bool>>,
}

/// Finds symbols; made once for many frames.
pub struct Search {
    known: [Known; 2],
}

impl Default for Search {
    fn default() -> Self {
        Self {
            known: [Symbol::Long, Symbol::Short].map(Known::of),
        }
    }
}

impl Known {
    fn of(symbol: Symbol) -> Self {
        let (columns, rows) = (symbol.columns(), symbol.rows());
        let finder = symbol.finder();
        let mut modules = Vec::new();
        for (i, dark) in finder.iter().enumerate() {
            if let Some(dark) = dark {
                modules.push(((i % columns) as f32, (i / columns) as f32, *dark));
            }
        }
        for column in 0..columns {
            modules.push((column as f32, -1.0, false));
            modules.push((column as f32, rows as f32, false));
        }
        for row in 0..rows {
            modules.push((-1.0, row as f32, false));
            modules.push((columns as f32, row as f32, false));
        }
        Self {
            symbol,
            modules,
            finder,
        }
    }

    /// How well a frame agrees with a symbol in this place, from -1 to 1: the correlation of level
    /// and what is known, over the finder and the quiet zone.
    fn agreement(&self, luma: &Plane<'_>, spot: &Spot) -> f32 {
        let (across, down) = spot.module();
        let n = self.modules.len() as f32;
        let (mut sum, mut squares, mut light, mut signs) = (0.0, 0.0, 0.0, 0.0);
        for (column, row, dark) in &self.modules {
            let x = spot.left + (column + 0.5) * across;
            let y = spot.top + (row + 0.5) * down;
            let level = at(luma, x, y);
            let sign = if *dark { -1.0 } else { 1.0 };
            sum += level;
            squares += level * level;
            light += level * sign;
            signs += sign;
        }
        let (mean, bias) = (sum / n, signs / n);
        let spread = (squares / n - mean * mean).max(0.0).sqrt() * (1.0 - bias * bias).sqrt();
        // A grey plane agrees with nothing.
        if spread < 4.0 {
            return 0.0;
        }
        (light / n - mean * bias) / spread
    }

    /// The place near this one that agrees most, and how well.
    fn settled(&self, luma: &Plane<'_>, from: Spot) -> (Spot, f32) {
        let (mut best, mut agrees) = (from, self.agreement(luma, &from));
        for step in [0.5, 0.25, 0.12, 0.06_f32] {
            // Each round moves some side for the better, so this ends; a bound all the same.
            for _ in 0..8 {
                let before = agrees;
                for way in 0..WAYS.len() {
                    for by in [-step, step] {
                        let other = best.moved(way, by);
                        let how = self.agreement(luma, &other);
                        if how > agrees {
                            (best, agrees) = (other, how);
                        }
                    }
                }
                if agrees <= before {
                    break;
                }
            }
        }
        (best, agrees)
    }

    /// The modules of a symbol in this place; nothing where light and dark are the same, or too
    /// many of the finder are wrong, as they are in stripes.
    fn modules(&self, luma: &Plane<'_>, spot: &Spot) -> Option<Vec<f32>> {
        let (across, down) = spot.module();
        let (columns, rows) = (self.symbol.columns(), self.symbol.rows());
        // Of a large module the middle half counts, of a small one its centre.
        let points: &[f32] = if across.abs().min(down) < 3.5 {
            &[0.5]
        } else {
            &[0.3, 0.5, 0.7]
        };
        let level = |column: usize, row: usize| {
            let mut sum = 0.0;
            for dy in points {
                for dx in points {
                    let x = spot.left + (column as f32 + dx) * across;
                    sum += at(luma, x, spot.top + (row as f32 + dy) * down);
                }
            }
            sum / (points.len() * points.len()) as f32
        };
        let levels: Vec<f32> = (0..columns * rows)
            .map(|i| level(i % columns, i / columns))
            .collect();
        let mean = |wanted: bool| {
            let of = self.finder.iter().zip(&levels);
            let (sum, n) = of
                .filter(|(finder, _)| **finder == Some(wanted))
                .fold((0.0, 0.0_f32), |(sum, n), (_, level)| {
                    (sum + level, n + 1.0)
                });
            sum / n.max(1.0)
        };
        let (light, dark) = (mean(false), mean(true));
        let half = (light - dark) / 2.0;
        if half < CONTRAST_MIN / 2.0 {
            return None;
        }
        let middle = (light + dark) / 2.0;
        let modules: Vec<f32> = levels
            .iter()
            .map(|level| ((middle - level) / half).clamp(-2.0, 2.0))
            .collect();
        let (mut right, mut all) = (0, 0);
        for (finder, module) in self.finder.iter().zip(&modules) {
            if let Some(dark) = finder {
                all += 1;
                right += usize::from(*dark == (*module > 0.0));
            }
        }
        (right * 100 >= all * FINDER_RIGHT_PERCENT).then_some(modules)
    }
}

impl Search {
    /// The symbols in a frame, the likeliest first.
    #[must_use]
    pub fn find(&self, luma: &Plane<'_>) -> Vec<Sight> {
        let mut likely: Vec<(f32, &Known, Spot)> = Vec::new();
        for edge in edges(luma) {
            for known in &self.known {
                let across = (edge.right - edge.left) / known.symbol.columns() as f32;
                if across < MODULE_MIN {
                    continue;
                }
                for mirrored in [false, true] {
                    let best = (-ASPECT_STEPS..=ASPECT_STEPS)
                        .map(|step| {
                            let down = across * 1.12_f32.powi(step);
                            let (left, right) = if mirrored {
                                (edge.right, edge.left)
                            } else {
                                (edge.left, edge.right)
                            };
                            let spot = Spot {
                                symbol: known.symbol,
                                left,
                                right,
                                top: edge.y - down * known.symbol.rows() as f32,
                                bottom: edge.y,
                            };
                            (known.agreement(luma, &spot), known, spot)
                        })
                        .max_by(|a, b| a.0.total_cmp(&b.0));
                    likely.extend(best.filter(|(agrees, ..)| *agrees > LIKELY));
                }
            }
        }
        likely.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut found: Vec<(f32, Sight)> = Vec::new();
        for (_, known, spot) in likely.into_iter().take(PLACES_MAX) {
            let (spot, agrees) = known.settled(luma, spot);
            let again = found.iter().any(|(_, sight)| sight.spot.is_near(&spot));
            if agrees > FOUND
                && !again
                && let Some(modules) = known.modules(luma, &spot)
            {
                found.push((agrees, Sight { spot, modules }));
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        found.into_iter().map(|(_, sight)| sight).collect()
    }

    /// The symbol in a place where one was seen in another frame; nothing when it is not there.
    #[must_use]
    pub fn find_at(&self, luma: &Plane<'_>, spot: &Spot) -> Option<Sight> {
        let known = self.known.iter().find(|k| k.symbol == spot.symbol)?;
        if known.agreement(luma, spot) < FOUND {
            return None;
        }
        let modules = known.modules(luma, spot)?;
        Some(Sight {
            spot: *spot,
            modules,
        })
    }
}

/// The payload that modules carry, 1 for dark and -1 for light; nothing where too many are wrong.
#[must_use]
pub fn payload_of(symbol: Symbol, modules: &[f32]) -> Option<Payload> {
    let finder = symbol.finder();
    SHARPENINGS.iter().find_map(|by| {
        let sharp = sharpened(symbol, modules, *by);
        let decided: Vec<bool> = sharp
            .iter()
            .zip(&finder)
            .map(|(level, finder)| finder.unwrap_or(*level > 0.0))
            .collect();
        let (bytes, _) = symbol.decode(&decided)?;
        Payload::from_bytes(&bytes)
    })
}

/// Each module pushed away from the mean of its four neighbours.
fn sharpened(symbol: Symbol, modules: &[f32], by: f32) -> Vec<f32> {
    let (columns, rows) = (symbol.columns(), symbol.rows());
    // Around the symbol it is light.
    let of = |column: Option<usize>, row: Option<usize>| match (column, row) {
        (Some(c), Some(r)) if c < columns && r < rows => {
            modules.get(r * columns + c).copied().unwrap_or(-1.0)
        }
        _ => -1.0,
    };
    (0..columns * rows)
        .map(|i| {
            let (c, r) = (i % columns, i / columns);
            let own = of(Some(c), Some(r));
            let around = of(c.checked_sub(1), Some(r))
                + of(Some(c + 1), Some(r))
                + of(Some(c), r.checked_sub(1))
                + of(Some(c), Some(r + 1));
            own + by * (own - around / 4.0)
        })
        .collect()
}

/// Whether modules that may be too damaged to be read are those of this payload: nearly all of
/// its data, where chance gives half of it, and another export of the same recording two thirds.
#[must_use]
pub fn agrees_with(payload: Payload, symbol: Symbol, modules: &[f32]) -> bool {
    let Ok(right) = payload.modules(symbol) else {
        return false;
    };
    let finder = symbol.finder();
    SHARPENINGS.iter().any(|by| {
        let (mut same, mut all) = (0_usize, 0_usize);
        let sharp = sharpened(symbol, modules, *by);
        for ((right, finder), module) in right.iter().zip(&finder).zip(&sharp) {
            if finder.is_none() {
                all += 1;
                same += usize::from(*right == (*module > 0.0));
            }
        }
        same * 100 >= all * SAME_PERCENT
    })
}

/// The level at a point between pixels, whose centres lie at halves.
fn at(luma: &Plane<'_>, x: f32, y: f32) -> f32 {
    let side = |v: f32, end: usize| {
        let v = (v - 0.5).clamp(0.0, end.saturating_sub(1) as f32);
        let low = v as usize;
        (low, (low + 1).min(end.saturating_sub(1)), v - low as f32)
    };
    let (left, right, fx) = side(x, luma.width());
    let (above, below, fy) = side(y, luma.height());
    let along = |row: &[u8]| f32::from(row[left]) * (1.0 - fx) + f32::from(row[right]) * fx;
    along(luma.row(above)) * (1.0 - fy) + along(luma.row(below)) * fy
}

/// A level edge: dark above, light below.
#[derive(Clone, Copy, Debug)]
struct Edge {
    left: f32,
    right: f32,
    y: f32,
    /// How much lighter it is below, summed along it.
    strength: u32,
}

/// The edges of a frame that may be a symbol's lower side, strongest first.
fn edges(luma: &Plane<'_>) -> Vec<Edge> {
    let shortest = (Symbol::Short.columns() as f32 * MODULE_MIN) as usize;
    let mut all: Vec<Edge> = Vec::new();
    // Those of the row above: an edge spreads over two rows or three, and is taken once.
    let mut above: Vec<usize> = Vec::new();
    for y in 1..luma.height().saturating_sub(1) {
        let (dark, light) = (luma.row(y - 1), luma.row(y + 1));
        let rise_at = |x: usize| match (dark.get(x), light.get(x)) {
            (Some(d), Some(l)) => i16::from(*l) - i16::from(*d),
            _ => 0,
        };
        let mut here = Vec::new();
        let mut run: Option<(usize, usize, u32)> = None;
        for x in 0..=luma.width() {
            let rise = rise_at(x);
            if rise >= EDGE_MIN {
                let (_, end, strength) = run.get_or_insert((x, x, 0));
                *end = x + 1;
                *strength += rise.unsigned_abs() as u32;
            }
            let over = run.filter(|(_, end, _)| x >= end + GAP_MAX || x == luma.width());
            if let Some((begin, end, strength)) = over {
                run = None;
                if end - begin < shortest {
                    continue;
                }
                // Noise at its ends is weaker than the edge itself.
                let weak = i32::try_from(strength).unwrap_or(i32::MAX)
                    / i32::try_from(end - begin).unwrap_or(1)
                    * WEAK_PERCENT
                    / 100;
                let weak = |x: &usize| i32::from(rise_at(*x)) < weak;
                let begin = begin + (begin..end).take_while(weak).count();
                let end = end - (begin..end).rev().take_while(weak).count();
                if end - begin < shortest {
                    continue;
                }
                let edge = Edge {
                    left: begin as f32,
                    right: end as f32,
                    y: y as f32 + 0.5,
                    strength,
                };
                let same = above.iter().copied().find(|i| {
                    let near = |a: f32, b: f32| (a - b).abs() <= 2.0;
                    near(all[*i].left, edge.left) && near(all[*i].right, edge.right)
                });
                match same {
                    Some(i) => {
                        if all[i].strength < edge.strength {
                            all[i] = edge;
                        }
                        here.push(i);
                    }
                    None => {
                        here.push(all.len());
                        all.push(edge);
                    }
                }
            }
        }
        above = here;
    }
    all.sort_by_key(|edge| std::cmp::Reverse(edge.strength));
    all.truncate(EDGES_MAX);
    all
}

#[cfg(test)]
mod tests;
