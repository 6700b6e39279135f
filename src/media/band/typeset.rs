//! Text to pixels: shaped by script, fitted into a rectangle, rasterised. A text that is too wide
//! is shrunk, down to seven tenths, and then cut with an ellipsis; it never leaves its rectangle.

use std::{collections::HashMap, fmt, sync::Arc};

use swash::{
    CacheKey, FontRef, GlyphId,
    scale::{Render, ScaleContext, Source, image::Image},
    shape::{Direction, ShapeContext},
    text::{Codepoint, Script},
    zeno::Vector,
};

use super::{BandError, Rect, template::GAP};

/// Part of a line's height that the letters' em takes.
const EM_PER_LINE: f32 = 0.84;
/// The same for a single line, which would look crowded if it filled the band.
const EM_PER_BAND: f32 = 0.62;
/// How far a text is shrunk before it is cut.
const SHRINK_MIN: f32 = 0.70;
/// One line is preferred over several when its letters are larger by this.
const ONE_LINE_GAIN: f32 = 1.15;
/// Height of the middle of a capital letter or ideograph above the base line, in ems.
const MIDDLE: f32 = 0.36;
/// Positions of a glyph within a pixel that are told apart.
const SUBPIXELS: f32 = 4.0;
/// Characters of a line that are looked at; no band is wide enough for more.
const LINE_CHARS_MAX: usize = 512;
/// Glyph images kept. A night of one recorder uses about sixty.
const GLYPHS_MAX: usize = 1_024;

/// A face of a font, from bytes.
#[derive(Clone)]
pub struct Font {
    data: Arc<Vec<u8>>,
    offset: u32,
    key: CacheKey,
}

impl Font {
    /// Face `index` of a TrueType or OpenType font or collection; 0 for a plain font.
    ///
    /// # Errors
    /// [`BandError::FontUnreadable`] when the bytes are no font or have no such face.
    pub fn from_bytes(data: Vec<u8>, index: usize) -> Result<Self, BandError> {
        // Not `Arc<[u8]>`, which would copy what is twenty megabytes for a font of all scripts.
        let data = Arc::new(data);
        let font = FontRef::from_index(&data, index).ok_or(BandError::FontUnreadable { index })?;
        let (offset, key) = (font.offset, font.key);
        let font = Self { data, offset, key };
        // A face without a digit cannot tell the time; a file cut short often looks like that.
        if font.face().charmap().map('0') == 0 {
            return Err(BandError::FontUnreadable { index });
        }
        Ok(font)
    }

    fn face(&self) -> FontRef<'_> {
        FontRef {
            data: &self.data,
            offset: self.offset,
            key: self.key,
        }
    }
}

impl fmt::Debug for Font {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Font({} bytes)", self.data.len())
    }
}

/// Characters of `text` that the font would show as an empty box, each once, in order.
#[must_use]
pub fn missing_glyphs(font: &Font, text: &str) -> Vec<char> {
    let map = font.face().charmap();
    let mut missing = Vec::new();
    for c in text.chars() {
        let shown = !c.is_control() && !c.is_whitespace();
        if shown && map.map(c) == 0 && !missing.contains(&c) {
            missing.push(c);
        }
    }
    missing
}

/// A glyph and the pen position of its origin, in ems.
struct Placed {
    glyph: GlyphId,
    x: f32,
    y: f32,
}

/// Sets lines of one font into rectangles.
pub struct Typesetter {
    font: Font,
    shape: ShapeContext,
    scale: ScaleContext,
    glyphs: HashMap<(GlyphId, u32, u8), Option<Image>>,
}

impl Typesetter {
    /// With this font.
    #[must_use]
    pub fn new(font: Font) -> Self {
        Self {
            font,
            shape: ShapeContext::new(),
            scale: ScaleContext::new(),
            glyphs: HashMap::new(),
        }
    }

    /// Draws `lines` into `room`, a rectangle of the band `light`, whose rows are `stride` bytes:
    /// each byte becomes the larger of itself and the letter's coverage. `beside` allows the
    /// lines to be joined into one; otherwise they are parted at gaps to fill up to `lines_max`.
    pub fn draw(
        &mut self,
        lines: &[String],
        room: Rect,
        lines_max: usize,
        beside: bool,
        light: &mut [u8],
        stride: usize,
    ) {
        let (lines, em) = self.arrange(lines, room, lines_max, beside);
        let step = room.height as f32 / lines.len().max(1) as f32;
        for (i, line) in lines.iter().enumerate() {
            let line = self.cut(line, room.width as f32 / em);
            let middle = room.y as f32 + (i as f32 + 0.5) * step;
            let base = (middle + MIDDLE * em).round();
            for placed in self.place(&line).0 {
                let pen = (room.x as f32 + placed.x * em, base - placed.y * em);
                self.draw_glyph(placed.glyph, em, pen, room, light, stride);
            }
        }
    }

    /// Lines as they will stand and the size of their em in pixels.
    fn arrange(
        &mut self,
        lines: &[String],
        room: Rect,
        lines_max: usize,
        beside: bool,
    ) -> (Vec<String>, f32) {
        let height = room.height as f32;
        let mut lines: Vec<String> = lines
            .iter()
            .filter(|l| !l.is_empty())
            .map(|l| l.chars().take(LINE_CHARS_MAX).collect())
            .collect();
        if !beside {
            self.part(&mut lines, room, lines_max);
        }
        let rows = if beside {
            lines.len().max(1)
        } else {
            lines.len().max(lines_max)
        };
        let full = (EM_PER_LINE * height / rows as f32).min(EM_PER_BAND * height);
        let widest = lines
            .iter()
            .map(|l| self.width_stable(l))
            .fold(0.0, f32::max);
        let several = (room.width as f32 / widest.max(0.1)).clamp(SHRINK_MIN * full, full);
        if beside && lines.len() > 1 {
            let joined = lines.join("   ");
            let fits = room.width as f32 / self.width_stable(&joined).max(0.1);
            let one = fits.min(EM_PER_BAND * height);
            if one >= ONE_LINE_GAIN * several {
                return (vec![joined], one);
            }
        }
        (lines, several)
    }

    /// Parts the widest lines at gaps while they are too wide and there is room for more.
    fn part(&mut self, lines: &mut Vec<String>, room: Rect, lines_max: usize) {
        let em = EM_PER_LINE * room.height as f32 / lines_max.max(1) as f32;
        while lines.len() < lines_max {
            let widths: Vec<f32> = lines.iter().map(|l| self.width_stable(l) * em).collect();
            let widest = (0..lines.len())
                .filter(|i| widths[*i] > room.width as f32 && lines[*i].contains(GAP))
                .max_by(|a, b| widths[*a].total_cmp(&widths[*b]));
            let Some(i) = widest else { return };
            // The gap nearest the middle makes the two halves most alike.
            let middle = lines[i].len() / 2;
            let gaps = lines[i].match_indices(GAP).map(|(at, _)| at);
            let Some(at) = gaps.min_by_key(|at| at.abs_diff(middle)) else {
                return;
            };
            let rest = lines[i][at..].trim_start().to_owned();
            lines[i] = lines[i][..at].trim_end().to_owned();
            lines.insert(i + 1, rest);
        }
    }

    /// The longest head of `line` that fits `width` ems with an ellipsis, or all of it.
    fn cut(&mut self, line: &str, width: f32) -> String {
        // A hundredth of slack: the size was chosen so that the widest line fits exactly.
        let width = width * 1.01;
        if self.width(line) <= width {
            return line.to_owned();
        }
        let ellipsis = if self.font.face().charmap().map('…') == 0 {
            "..."
        } else {
            "…"
        };
        let ends: Vec<usize> = line.char_indices().map(|(i, _)| i).collect();
        let fits = |set: &mut Self, end: usize| {
            set.width(&format!("{}{ellipsis}", line[..end].trim_end())) <= width
        };
        let (mut low, mut high) = (0, ends.len());
        while low + 1 < high {
            let middle = (low + high) / 2;
            if fits(self, ends[middle]) {
                low = middle
            } else {
                high = middle
            }
        }
        let end = ends.get(low).copied().unwrap_or(0);
        format!("{}{ellipsis}", line[..end].trim_end())
    }

    fn width(&mut self, line: &str) -> f32 {
        self.place(line).1
    }

    /// The width with every digit as wide as an 8, so that a line whose clock runs keeps its size.
    fn width_stable(&mut self, line: &str) -> f32 {
        let eights: String = line
            .chars()
            .map(|c| if c.is_ascii_digit() { '8' } else { c })
            .collect();
        self.width(&eights)
    }

    /// Shapes a line, run by run of one script, and gives its glyphs and width in ems.
    fn place(&mut self, line: &str) -> (Vec<Placed>, f32) {
        // Shaped at a thousand pixels, because sizes are tried before one is chosen.
        const SHAPED: f32 = 1_000.0;
        let mut placed = Vec::new();
        let mut pen = 0.0;
        for (script, run) in runs(line) {
            let backwards = runs_backwards(script);
            let mut shaper = self
                .shape
                .builder(self.font.face())
                .script(script)
                .direction(if backwards {
                    Direction::RightToLeft
                } else {
                    Direction::LeftToRight
                })
                .size(SHAPED)
                .build();
            shaper.add_str(run);
            let mut clusters: Vec<Vec<(GlyphId, f32, f32, f32)>> = Vec::new();
            shaper.shape_with(|cluster| {
                let glyphs = cluster.glyphs.iter();
                clusters.push(glyphs.map(|g| (g.id, g.x, g.y, g.advance)).collect());
            });
            if backwards {
                clusters.reverse();
            }
            for (glyph, x, y, advance) in clusters.into_iter().flatten() {
                placed.push(Placed {
                    glyph,
                    x: pen + x / SHAPED,
                    y: y / SHAPED,
                });
                // A font may claim anything; a line only ever grows to the right.
                pen += (advance / SHAPED).clamp(0.0, 4.0);
            }
        }
        (placed, pen)
    }

    fn draw_glyph(
        &mut self,
        glyph: GlyphId,
        em: f32,
        pen: (f32, f32),
        room: Rect,
        light: &mut [u8],
        stride: usize,
    ) {
        let x = (pen.0 * SUBPIXELS).round() / SUBPIXELS;
        let part = x - x.floor();
        let key = (glyph, em.to_bits(), (part * SUBPIXELS) as u8);
        if self.glyphs.len() > GLYPHS_MAX {
            self.glyphs.clear();
        }
        let face = FontRef {
            data: &self.font.data,
            offset: self.font.offset,
            key: self.font.key,
        };
        let scale = &mut self.scale;
        let image = self.glyphs.entry(key).or_insert_with(|| {
            let mut scaler = scale.builder(face).size(em).hint(false).build();
            Render::new(&[Source::Outline])
                .offset(Vector::new(part, 0.0))
                .render(&mut scaler, glyph)
        });
        let Some(image) = image else { return };
        let place = image.placement;
        let (left, top) = (
            x.floor() as i64 + i64::from(place.left),
            pen.1 as i64 - i64::from(place.top),
        );
        let columns = place.width as usize;
        for (dy, row) in image
            .data
            .chunks(columns.max(1))
            .take(place.height as usize)
            .enumerate()
        {
            let Ok(y) = usize::try_from(top + dy as i64) else {
                continue;
            };
            if y < room.y || y >= room.y + room.height {
                continue;
            }
            for (dx, coverage) in row.iter().enumerate() {
                let Ok(x) = usize::try_from(left + dx as i64) else {
                    continue;
                };
                if (room.x..room.x + room.width).contains(&x)
                    && let Some(pixel) = light.get_mut(y * stride + x)
                {
                    *pixel = (*pixel).max(*coverage);
                }
            }
        }
    }
}

/// Stretches of one script; what belongs to every script stays with what stands before it.
fn runs(line: &str) -> Vec<(Script, &str)> {
    let mut runs = Vec::new();
    let (mut begin, mut current) = (0, None);
    for (at, c) in line.char_indices() {
        let script = c.script();
        if matches!(script, Script::Common | Script::Inherited | Script::Unknown) {
            continue;
        }
        match current {
            Some(now) if now != script => {
                runs.push((now, &line[begin..at]));
                begin = at;
                current = Some(script);
            }
            _ => current = Some(script),
        }
    }
    if begin < line.len() {
        runs.push((current.unwrap_or(Script::Latin), &line[begin..]));
    }
    runs
}

fn runs_backwards(script: Script) -> bool {
    matches!(
        script,
        Script::Arabic | Script::Hebrew | Script::Syriac | Script::Thaana | Script::Nko
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::media::band::painter::tests::font;

    const ROOM: Rect = Rect {
        x: 8,
        y: 4,
        width: 300,
        height: 40,
    };

    /// A drawn band with a frame of 8 pixels around the room.
    fn drawn(set: &mut Typesetter, lines: &[&str]) -> Vec<u8> {
        let lines: Vec<String> = lines.iter().map(|l| (*l).to_owned()).collect();
        let mut light = vec![0; 316 * 48];
        set.draw(&lines, ROOM, 2, true, &mut light, 316);
        light
    }

    fn ink_outside(light: &[u8]) -> bool {
        light.iter().enumerate().any(|(i, p)| {
            let (x, y) = (i % 316, i / 316);
            *p > 0 && !((8..308).contains(&x) && (4..44).contains(&y))
        })
    }

    #[test]
    fn bytes_that_are_no_font_are_refused() {
        for (bytes, index) in [(&b""[..], 0), (b"\0\x01\0\0garbage", 0), (b"ttcf", 3)] {
            let refused = Font::from_bytes(bytes.to_vec(), index).map(|_| ());
            assert_eq!(refused, Err(BandError::FontUnreadable { index }));
        }
    }

    #[test]
    fn what_the_font_cannot_show_is_named_once() {
        let Some(font) = font() else { return };
        assert_eq!(missing_glyphs(&font, "Li Ming 李明 0457 …\t\n"), []);
        assert_eq!(
            missing_glyphs(&font, "a\u{10ffff}b\u{e000}\u{10ffff}").len(),
            2
        );
    }

    #[test]
    fn short_lines_are_joined_when_that_makes_them_larger() {
        let Some(font) = font() else { return };
        let mut set = Typesetter::new(font);
        let lines = |l: &[&str]| l.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        let (joined, em) = set.arrange(&lines(&["A1", "B2"]), ROOM, 2, true);
        assert_eq!(
            (joined, em),
            (vec!["A1   B2".to_owned()], 40.0 * EM_PER_BAND)
        );
        let long = "DSJ-2041  0457 李明  xxxx";
        let (two, em) = set.arrange(&lines(&[long, long]), ROOM, 2, true);
        assert_eq!(two.len(), 2);
        assert!((0.7 * 16.8..=16.8).contains(&em), "{em}");
        let (four, _) = set.arrange(&lines(&[long, long]), Rect { width: 60, ..ROOM }, 4, false);
        assert_eq!(four.len(), 4, "{four:?}");
    }

    #[test]
    fn an_overlong_line_shrinks_and_then_ends_in_an_ellipsis() {
        let Some(font) = font() else { return };
        let mut set = Typesetter::new(font);
        let long = "李".repeat(200);
        let (lines, em) = set.arrange(&[long.clone(), "x".into()], ROOM, 2, true);
        assert!((em - SHRINK_MIN * EM_PER_LINE * 20.0).abs() < 0.01, "{em}");
        let cut = set.cut(&lines[0], 300.0 / em);
        assert!(cut.ends_with('…') && cut.chars().count() > 20, "{cut}");
        assert!(set.width(&cut) * em <= 303.0);
        let light = drawn(&mut set, &[&long, "x"]);
        assert!(light.iter().any(|p| *p > 150) && !ink_outside(&light));
    }

    #[test]
    fn a_running_clock_does_not_change_the_size() {
        let Some(font) = font() else { return };
        let mut set = Typesetter::new(font);
        let ems: Vec<f32> = [
            "11:11:11 AAAAAAAAAAAAAAA BBBBBB",
            "00:48:08 AAAAAAAAAAAAAAA BBBBBB",
        ]
        .map(|l| set.arrange(&[l.to_owned(), l.to_owned()], ROOM, 2, true).1)
        .to_vec();
        assert_eq!(ems[0], ems[1]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        /// Any text stays inside its rectangle, whatever it is made of.
        #[test]
        fn no_text_leaves_its_room(a in any::<String>(), b in "\\PC{0,80}", c in "[א-ת؀-ۿก-๛अ-ह\u{300}-\u{36f} a-z]{0,60}") {
            let Some(font) = font() else { return Ok(()) };
            let mut set = Typesetter::new(font);
            prop_assert!(!ink_outside(&drawn(&mut set, &[&a, &b])));
            prop_assert!(!ink_outside(&drawn(&mut set, &[&c])));
        }
    }
}
