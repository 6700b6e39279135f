//! Paints the band. Text and code are drawn when the second changes and kept as finished rows;
//! every other frame costs one copy of them.

use super::{
    BandError, BandMode, Font, Layout, Mark, Payload, PlanesMut, Rect, Template, planes::halved,
    seconds, typeset::Typesetter,
};

/// Light of the ground that the band's text stands on, of 255. Not black: next to a moving picture
/// black costs an encoder more than dark grey does. Under a picture (mode `overlay`) it is black.
const GROUND: u32 = 37;

/// Of 256 parts of the picture, as many shine through the box in mode `overlay`.
const OVERLAY_KEEP: u32 = 96;
/// Chroma of grey.
const NEUTRAL: u8 = 128;

/// Finished rows for one second and one luma range.
struct Rows {
    payload: Payload,
    full_range: bool,
    chroma_shift: (u8, u8),
    /// Luma of the band, or what is added to the picture's luma in mode `overlay`.
    luma: Vec<u8>,
    /// In mode `overlay`: of 256 parts of the picture's luma, as many stay.
    luma_keep: Vec<u8>,
    /// In mode `overlay`: the same for chroma.
    chroma_keep: Vec<u8>,
}

/// Paints one recording's band into its frames.
pub struct Painter {
    layout: Layout,
    template: Template,
    mark: Mark,
    typesetter: Typesetter,
    light: Vec<u8>,
    rows: Option<Rows>,
}

impl Painter {
    /// A painter for frames of `layout`.
    ///
    /// # Errors
    /// [`BandError::Code`], which would be a defect. Font and template were checked when they
    /// were made.
    pub fn new(
        font: &Font,
        layout: Layout,
        mark: Mark,
        template: Template,
    ) -> Result<Self, BandError> {
        mark.payload(0).modules(layout.code.symbol)?;
        Ok(Self {
            layout,
            template,
            mark,
            typesetter: Typesetter::new(font.clone()),
            light: vec![0; layout.band.width * layout.band.height],
            rows: None,
        })
    }

    /// The layout that it paints.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Everything that this band will say in its first second, to check a font against.
    #[must_use]
    pub fn text(&self) -> String {
        self.template
            .fill(&self.mark, self.mark.payload(0))
            .join("\n")
    }

    /// Paints the band of the frame presented at `pts_ms` into a canvas of the layout's size.
    ///
    /// # Errors
    /// [`BandError::PlanesDiffer`] when the planes are not a canvas of this layout.
    pub fn paint(&mut self, pts_ms: i64, canvas: &mut PlanesMut<'_>) -> Result<(), BandError> {
        self.check_canvas(canvas)?;
        let payload = self.mark.payload(pts_ms);
        let same = |r: &Rows| {
            r.payload == payload
                && r.full_range == canvas.full_range
                && r.chroma_shift == canvas.chroma_shift
        };
        let rows = match self.rows.take() {
            Some(rows) if same(&rows) => rows,
            _ => self.render(payload, canvas.full_range, canvas.chroma_shift)?,
        };
        match self.layout.mode {
            BandMode::Above => self.copy(&rows, canvas),
            BandMode::Overlay => self.blend(&rows, canvas),
        }
        self.rows = Some(rows);
        Ok(())
    }

    fn check_canvas(&self, canvas: &PlanesMut<'_>) -> Result<(), BandError> {
        let (sx, sy) = canvas.chroma_shift;
        let (w, h) = (self.layout.width, self.layout.height);
        let chroma = (halved(w, sx), halved(h, sy));
        let got = [&canvas.y, &canvas.u, &canvas.v].map(|p| (p.width(), p.height()));
        let expected = [(w, h), chroma, chroma];
        if got == expected && sx <= 1 && sy <= 1 {
            return Ok(());
        }
        Err(BandError::PlanesDiffer {
            expected: format!("{expected:?}"),
            got: format!("{got:?}, chroma shift {sx},{sy}"),
        })
    }

    /// Draws text and code of one second as coverage and turns it into rows of luma.
    fn render(
        &mut self,
        payload: Payload,
        full_range: bool,
        chroma_shift: (u8, u8),
    ) -> Result<Rows, BandError> {
        let Layout {
            band, code, text, ..
        } = self.layout;
        self.light.fill(0);
        let lines = self.template.fill(&self.mark, payload);
        let beside = text.height == band.height;
        self.typesetter.draw(
            &lines,
            text,
            self.layout.lines,
            beside,
            &mut self.light,
            band.width,
        );

        self.fill(code.plate, 255);
        let (cell, columns) = (code.cell, code.symbol.columns());
        let modules = payload.modules(code.symbol)?;
        for (i, _) in modules.iter().enumerate().filter(|(_, dark)| **dark) {
            let (column, row) = (1 + i % columns, 1 + i / columns);
            let (x, y) = (code.plate.x + column * cell, code.plate.y + row * cell);
            self.fill(Rect::new(x, y, cell, cell), 0);
        }
        for (i, light) in seconds::modules(payload.since).into_iter().enumerate() {
            let (x, y) = code.second_module(i);
            let module = Rect::new(x, y, code.module, code.module);
            self.fill(module, if light { 255 } else { 0 });
        }

        let (black, white) = if full_range { (0, 255) } else { (16, 235) };
        let ground = match self.layout.mode {
            BandMode::Above => GROUND,
            BandMode::Overlay => 0,
        };
        let level = |light: u8| {
            let light = ground + u32::from(light) * (255 - ground) / 255;
            black + light * (white - black) / 255
        };
        let mut rows = Rows {
            payload,
            full_range,
            chroma_shift,
            luma: Vec::new(),
            luma_keep: Vec::new(),
            chroma_keep: Vec::new(),
        };
        match self.layout.mode {
            BandMode::Above => rows.luma = self.light.iter().map(|l| level(*l) as u8).collect(),
            BandMode::Overlay => {
                // Under full light and under the codes nothing of the picture stays.
                let keep = |i: usize, light: u8| {
                    let (x, y) = (i % band.width, i / band.width);
                    if code.plate.contains(x, y) || code.seconds.contains(x, y) {
                        0
                    } else {
                        OVERLAY_KEEP * (255 - u32::from(light)) / 255
                    }
                };
                for (i, light) in self.light.iter().enumerate() {
                    let keep = keep(i, *light);
                    rows.luma_keep.push(keep as u8);
                    rows.luma.push((level(*light) * (256 - keep) / 256) as u8);
                }
                rows.chroma_keep = self.chroma_keep(&rows.luma_keep, chroma_shift);
            }
        }
        Ok(rows)
    }

    fn fill(&mut self, part: Rect, light: u8) {
        let stride = self.layout.band.width;
        for y in part.y..part.y + part.height {
            self.light[y * stride + part.x..][..part.width].fill(light);
        }
    }

    /// Mean of `luma_keep` under each chroma sample of the band.
    fn chroma_keep(&self, luma_keep: &[u8], (sx, sy): (u8, u8)) -> Vec<u8> {
        let (w, h) = (self.layout.band.width, self.layout.band.height);
        let (across, down) = (1usize << sx, 1usize << sy);
        let mut keep = Vec::with_capacity(halved(w, sx) * halved(h, sy));
        for y in (0..h).step_by(down) {
            for x in (0..w).step_by(across) {
                // Band and canvas are even, so every sample has all its pixels.
                let sum: usize = (y..y + down)
                    .flat_map(|y| luma_keep[y * w + x..][..across].iter())
                    .map(|k| usize::from(*k))
                    .sum();
                keep.push((sum / (across * down)) as u8);
            }
        }
        keep
    }

    fn copy(&self, rows: &Rows, canvas: &mut PlanesMut<'_>) {
        let band = self.layout.band;
        for (y, row) in rows.luma.chunks_exact(band.width).enumerate() {
            canvas.y.row(y).copy_from_slice(row);
        }
        for plane in [&mut canvas.u, &mut canvas.v] {
            for y in 0..halved(band.height, canvas.chroma_shift.1) {
                plane.row(y).fill(NEUTRAL);
            }
        }
    }

    fn blend(&self, rows: &Rows, canvas: &mut PlanesMut<'_>) {
        let band = self.layout.band;
        let cached = rows
            .luma
            .chunks_exact(band.width)
            .zip(rows.luma_keep.chunks_exact(band.width));
        for (y, (add, keep)) in cached.enumerate() {
            for ((pixel, add), keep) in canvas.y.row(y).iter_mut().zip(add).zip(keep) {
                *pixel = add.saturating_add(((u16::from(*pixel) * u16::from(*keep)) >> 8) as u8);
            }
        }
        for plane in [&mut canvas.u, &mut canvas.v] {
            let width = plane.width();
            for (y, keep) in rows.chroma_keep.chunks_exact(width).enumerate() {
                for (pixel, keep) in plane.row(y).iter_mut().zip(keep) {
                    let off = (i16::from(*pixel) - i16::from(NEUTRAL)) * i16::from(*keep) / 256;
                    *pixel = (i16::from(NEUTRAL) + off) as u8;
                }
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, clippy::print_stderr)]
    use std::time::Instant;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::{
        base::{Moment, RecordingId},
        media::band::{PlaneMut, read},
    };

    /// The font that Debian's fonts-wqy-microhei installs, or the one that RECVAULT_FONT names.
    /// Tests that draw are skipped, loudly, where there is none.
    pub(in crate::media::band) fn font() -> Option<Font> {
        let named = std::env::var("RECVAULT_FONT");
        let path =
            named.unwrap_or_else(|_| "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc".into());
        match std::fs::read(&path) {
            Ok(bytes) => Some(Font::from_bytes(bytes, 0).unwrap()),
            Err(error) => {
                eprintln!("SKIPPED: no font at {path}: {error}");
                None
            }
        }
    }

    fn mark(start: Option<i64>) -> Mark {
        Mark {
            device: Some("DSJ-2041".into()),
            officer: Some("0457".into()),
            officer_name: Some("李明 Li Ming".into()),
            id: RecordingId::new(*b"\x1b\xd0\x73\xee\x9a\x04\x51\xc2\x88\x3f"),
            start: start.map(Moment::from_ms),
            zone: TimeZone::fixed(jiff::tz::offset(8)),
        }
    }

    /// A frame that owns its planes.
    struct Frame {
        planes: [Vec<u8>; 3],
        width: usize,
        height: usize,
        shift: (u8, u8),
        full_range: bool,
    }

    impl Frame {
        fn new(layout: &Layout, shift: (u8, u8), full_range: bool) -> Self {
            let (width, height) = (layout.width, layout.height);
            let chroma = halved(width, shift.0) * halved(height, shift.1);
            let luma = (0..width * height)
                .map(|i| ((i % width) * 200 / width + 30) as u8)
                .collect();
            let planes = [luma, vec![90; chroma], vec![170; chroma]];
            Self {
                planes,
                width,
                height,
                shift,
                full_range,
            }
        }
        fn canvas(&mut self) -> PlanesMut<'_> {
            let (w, h) = (self.width, self.height);
            let (cw, ch) = (halved(w, self.shift.0), halved(h, self.shift.1));
            let [y, u, v] = &mut self.planes;
            PlanesMut {
                y: PlaneMut::new(y, w, w, h).unwrap(),
                u: PlaneMut::new(u, cw, cw, ch).unwrap(),
                v: PlaneMut::new(v, cw, cw, ch).unwrap(),
                chroma_shift: self.shift,
                full_range: self.full_range,
            }
        }
    }

    #[test]
    fn every_layout_range_and_chroma_format_carries_a_code_that_reads() {
        let Some(font) = font() else { return };
        for (w, h) in [
            (16, 16),
            (176, 144),
            (320, 240),
            (480, 640),
            (641, 479),
            (854, 480),
            (1920, 1080),
            (3840, 2160),
        ] {
            for mode in [BandMode::Above, BandMode::Overlay] {
                for (shift, full_range) in [((1, 1), false), ((1, 0), true), ((0, 0), false)] {
                    let layout = Layout::new(w, h, mode).unwrap();
                    let mut frame = Frame::new(&layout, shift, full_range);
                    let mut painter = Painter::new(
                        &font,
                        layout,
                        mark(Some(1_795_413_906_700)),
                        Template::default(),
                    )
                    .unwrap();
                    let before = frame.planes.clone();
                    painter.paint(400, &mut frame.canvas()).unwrap();
                    let got = read(&frame.canvas().y.view()).unwrap();
                    assert_eq!(
                        (got.id, got.second, got.wrong_modules),
                        (painter.mark.id, 1_795_413_907, 0),
                        "{w}x{h}"
                    );
                    let (band, picture) =
                        frame.planes[0].split_at(layout.band.height * layout.width);
                    assert_eq!(
                        *picture,
                        before[0][band.len()..],
                        "the picture is untouched"
                    );
                    let (lo, hi) = if full_range { (0, 255) } else { (16, 235) };
                    assert!(band.iter().all(|p| (lo..=hi).contains(p)));
                    // Within the plate, for chroma of the row above is half the picture's.
                    let y = layout.code.plate.y + layout.code.cell;
                    let corner = band[y * layout.width + layout.width - 1];
                    assert_eq!(corner, hi, "the plate is light");
                    let row = halved(layout.width, shift.0);
                    let chroma = frame.planes[1][(y >> shift.1) * row + row - 1];
                    assert_eq!(chroma, 128, "and grey");
                }
            }
        }
    }

    #[test]
    fn the_code_follows_the_second_and_nothing_else_is_redrawn() {
        let Some(font) = font() else { return };
        let layout = Layout::new(640, 480, BandMode::Above).unwrap();
        let mut frame = Frame::new(&layout, (1, 1), false);
        let mut painter = Painter::new(&font, layout, mark(None), Template::default()).unwrap();
        let mut seen = Vec::new();
        for pts in [0, 40, 999, 1_000, 1_040, 500] {
            painter.paint(pts, &mut frame.canvas()).unwrap();
            let got = read(&frame.canvas().y.view()).unwrap();
            assert!(got.elapsed);
            seen.push(got.second);
        }
        assert_eq!(seen, [0, 0, 0, 1, 1, 0]);
    }

    #[test]
    fn a_canvas_of_another_size_is_refused() {
        let Some(font) = font() else { return };
        let layout = Layout::new(640, 480, BandMode::Above).unwrap();
        let other = Layout::new(640, 482, BandMode::Above).unwrap();
        let mut painter = Painter::new(&font, layout, mark(None), Template::default()).unwrap();
        let refused = painter.paint(0, &mut Frame::new(&other, (1, 1), false).canvas());
        assert!(matches!(refused, Err(BandError::PlanesDiffer { .. })));
    }

    /// Not a check: writes frames to look at into the folder that RECVAULT_LOOK names, as PGM,
    /// and says what a frame costs.
    #[test]
    fn frames_to_look_at() {
        let (Some(font), Ok(folder)) = (font(), std::env::var("RECVAULT_LOOK")) else {
            return;
        };
        for (w, h) in [
            (176, 144),
            (320, 240),
            (480, 640),
            (568, 320),
            (640, 480),
            (854, 480),
            (1280, 720),
            (1920, 1080),
            (3840, 2160),
        ] {
            for (mode, name) in [(BandMode::Above, "above"), (BandMode::Overlay, "overlay")] {
                let layout = Layout::new(w, h, mode).unwrap();
                let mut frame = Frame::new(&layout, (1, 1), false);
                let start = if w == 640 {
                    None
                } else {
                    Some(1_795_413_906_700)
                };
                let mut painter =
                    Painter::new(&font, layout, mark(start), Template::default()).unwrap();
                let clock = Instant::now();
                painter.paint(0, &mut frame.canvas()).unwrap();
                let first = clock.elapsed();
                let clock = Instant::now();
                for _ in 0..200 {
                    painter.paint(0, &mut frame.canvas()).unwrap();
                }
                let again = clock.elapsed() / 200;
                let clock = Instant::now();
                for s in 1..51 {
                    painter.paint(s * 1_000, &mut frame.canvas()).unwrap();
                }
                let next = clock.elapsed() / 50;
                eprintln!(
                    "{w}x{h} {name}: first {first:?}, next second {next:?}, same second {again:?}"
                );
                let mut frame = Frame::new(&layout, (1, 1), false);
                painter.paint(50_000, &mut frame.canvas()).unwrap();
                let mut pgm = format!("P5 {} {} 255\n", layout.width, layout.height).into_bytes();
                pgm.extend_from_slice(&frame.planes[0]);
                std::fs::write(format!("{folder}/{w}x{h}-{name}.pgm"), pgm).unwrap();
            }
        }
    }
}
