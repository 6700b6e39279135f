//! The contact sheet of a marked copy: one JPEG with pictures spread over it, each with its time.
//!
//! It is made out of the finished copy, so every picture in it bears the band. Where the copy has
//! key frames enough, only those are decoded; a short one is decoded whole.

mod canvas;
mod jpeg;

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write,
    os::fd::{AsRawFd, BorrowedFd, OwnedFd},
};

use gstreamer as gst;
use gstreamer_video as gst_video;

use super::{
    band::{Font, Typesetter},
    derive::Wire,
    graph::fault,
    packets::{Decoder, End, Packet, Packets, broken},
    protocol::{
        Fault, Message, Progress, ProtocolError, SHEET_CELLS_MAX, SheetFacts, SheetJob, Side,
    },
};
use canvas::{Canvas, Grid};

/// Packets between two words to the parent.
const TELL_EVERY: u64 = 200;

/// Time that each picture stands for at least: a short recording has fewer of them.
const CELL_NS_MIN: u64 = 1_000_000_000;

/// Makes the sheet of a marked copy and writes it.
///
/// # Errors
/// When the parent is gone.
pub fn sheet(
    job: &SheetJob,
    input: BorrowedFd<'_>,
    output: Option<OwnedFd>,
    wire: &mut Wire<'_>,
) -> Result<(), ProtocolError> {
    match make(job, input, output, wire) {
        Ok(facts) => wire.say(&Message::Sheet(facts)),
        Err(End::Pipe(e)) => Err(e),
        Err(End::Fault(f)) => wire.say(&Message::Fault(f)),
    }
}

fn make(
    job: &SheetJob,
    input: BorrowedFd<'_>,
    output: Option<OwnedFd>,
    wire: &mut Wire<'_>,
) -> Result<SheetFacts, End> {
    let unwritten = |e: &dyn std::fmt::Display| fault(Side::Encode, "sheet", &e.to_string());
    let mut output = File::from(output.ok_or_else(|| unwritten(&"no file to write"))?);
    let mut told = Told::default();
    let mut places = Vec::new();
    let mut packets = Packets::open(input.as_raw_fd())?;
    let mut grid = None;
    while let Some(packet) = packets.next_picture()? {
        told.packet(&packet, wire)?;
        if grid.is_none() {
            grid = Some(cell_size(&packet)?);
        }
        places.extend(Place::of(&packet));
    }
    drop(packets);
    let chosen = choose(places);
    let (Some(cell), false) = (grid, chosen.is_empty()) else {
        return Err(broken("parsebin", &"there is no picture in it").into());
    };
    let pictures = decode(&chosen, cell, input, wire, &mut told)?;
    let grid = Grid::new(chosen.len(), cell);
    let bytes = std::fs::read(&job.font).map_err(|e| unwritten(&e))?;
    let index = usize::try_from(job.font_index).unwrap_or(usize::MAX);
    let font = Font::from_bytes(bytes, index).map_err(|e| unwritten(&e))?;
    let zone = jiff::tz::TimeZone::get(&job.zone).map_err(|e| unwritten(&e))?;
    let mut canvas = Canvas::new(grid, Typesetter::new(font));
    canvas.title(&job.title);
    for (n, place) in chosen.iter().enumerate() {
        let Some(sample) = pictures.get(&place.pts_ns) else {
            return Err(broken("decodebin", &"a picture did not come out").into());
        };
        canvas.picture(n, sample)?;
        canvas.time(n, &label(place.pts_ns, job, &zone));
    }
    let jpeg = jpeg::encode(canvas.rows(), grid.width, grid.height)?;
    output.write_all(&jpeg).map_err(|e| unwritten(&e))?;
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Ok(SheetFacts {
        cells: number(chosen.len()),
        columns: number(grid.columns),
        width: number(grid.width),
        height: number(grid.height),
        bytes: jpeg.len() as u64,
    })
}

/// Decodes what is needed for the chosen pictures; gives them by their instants.
fn decode(
    chosen: &[Place],
    cell: (usize, usize),
    input: BorrowedFd<'_>,
    wire: &mut Wire<'_>,
    told: &mut Told,
) -> Result<BTreeMap<u64, gst::Sample>, End> {
    let side = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let wanted = gst::Caps::builder("video/x-raw")
        .field("format", "RGB")
        .field("width", side(cell.0))
        .field("height", side(cell.1))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .build();
    let keys_alone = chosen.iter().all(|place| place.key);
    let instants: Vec<u64> = chosen.iter().map(|place| place.pts_ns).collect();
    let mut pictures = BTreeMap::new();
    let mut keep = |sample: gst::Sample| {
        if let Some(pts) = sample.buffer().and_then(gst::BufferRef::pts) {
            pictures.insert(pts.nseconds(), sample);
        }
    };
    let mut packets = Packets::open(input.as_raw_fd())?;
    let mut decoder: Option<Decoder> = None;
    while let Some(packet) = packets.next_picture()? {
        told.packet(&packet, wire)?;
        let is_chosen = packet.pts_ns().is_some_and(|pts| instants.contains(&pts));
        if keys_alone && !is_chosen {
            continue;
        }
        let decoder = match &mut decoder {
            Some(decoder) => decoder,
            none => {
                let decoder = Decoder::start(&packet, 0, &wanted)?;
                decoder.only(instants.clone());
                none.insert(decoder)
            }
        };
        decoder.feed(&packet)?;
        while let Some(sample) = decoder.decoded()? {
            keep(sample);
        }
    }
    if let Some(decoder) = decoder {
        decoder.end();
        while let Some(sample) = decoder.rest()? {
            keep(sample);
        }
    }
    Ok(pictures)
}

/// What a time is written as: how far into the copy, and where it is known which instant that was.
fn label(pts_ns: u64, job: &SheetJob, zone: &jiff::tz::TimeZone) -> String {
    let (s, ms) = (pts_ns / 1_000_000_000, pts_ns / 1_000_000);
    let (h, m, s) = (s / 3_600, s / 60 % 60, s % 60);
    let since = format!("{h}:{m:02}:{s:02}");
    match job.start {
        Some(start) => {
            let at = start.plus_ms(i64::try_from(ms).unwrap_or(i64::MAX));
            format!("{since}   {}", at.in_zone(zone))
        }
        None => format!("{since}   clock unverified"),
    }
}

/// How large one picture stands in the sheet, as it is to be looked at: square pixels, in a box.
fn cell_size(packet: &Packet) -> Result<(usize, usize), Fault> {
    let unsized_ = || broken("parsebin", &"a picture without a size");
    let structure = packet.sample().caps().and_then(|c| c.structure(0));
    let structure = structure.ok_or_else(unsized_)?;
    let side = |name: &str| structure.get::<i32>(name).ok().filter(|n| *n > 0);
    let (Some(width), Some(height)) = (side("width"), side("height")) else {
        return Err(unsized_());
    };
    let par = structure.get::<gst::Fraction>("pixel-aspect-ratio");
    let par = par.map_or(1.0, |par| f64::from(par.numer()) / f64::from(par.denom()));
    let wide = f64::from(width) * if par > 0.0 { par } else { 1.0 };
    Ok(canvas::fitted(wide, f64::from(height)))
}

/// Where one picture stands in the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    pts_ns: u64,
    key: bool,
}

impl Place {
    fn of(packet: &Packet) -> Option<Self> {
        let key = packet.is_key();
        packet.pts_ns().map(|pts_ns| Self { pts_ns, key })
    }
}

/// Those that go into the sheet: the ones nearest to the middles of equal parts. Out of key frames
/// alone where there are enough of them, for these cost least.
fn choose(mut all: Vec<Place>) -> Vec<Place> {
    all.sort_by_key(|place| place.pts_ns);
    let (Some(first), Some(last)) = (all.first(), all.last()) else {
        return Vec::new();
    };
    let (begin, length) = (first.pts_ns, last.pts_ns.saturating_sub(first.pts_ns));
    let most = SHEET_CELLS_MAX as usize;
    let seconds = usize::try_from(length / CELL_NS_MIN).unwrap_or(most);
    let cells = seconds.saturating_add(1).min(most).min(all.len());
    let keys: Vec<Place> = all.iter().copied().filter(|place| place.key).collect();
    let pool = if keys.len() >= most { keys } else { all };
    let mut chosen = Vec::new();
    for n in 0..cells as u64 {
        let part = u128::from(length) * u128::from(2 * n + 1) / (2 * cells as u128);
        let middle = begin.saturating_add(u64::try_from(part).unwrap_or(u64::MAX));
        let nearest = pool.iter().min_by_key(|p| p.pts_ns.abs_diff(middle));
        chosen.extend(nearest.copied());
    }
    chosen.dedup();
    chosen
}

/// Tells the parent now and then that something moves.
#[derive(Default)]
struct Told {
    packets: u64,
}

impl Told {
    fn packet(&mut self, packet: &Packet, wire: &mut Wire<'_>) -> Result<(), ProtocolError> {
        self.packets = self.packets.saturating_add(1);
        if self.packets.is_multiple_of(TELL_EVERY) {
            wire.say(&Message::Progress(Progress {
                position_ms: packet.begin_ms(),
                duration_ms: 0,
                frames: self.packets,
            }))?;
        }
        Ok(())
    }
}

/// A decoded picture's rows of three bytes a pixel.
fn with_rows<T>(sample: &gst::Sample, f: impl FnOnce(&[u8], usize) -> T) -> Result<T, Fault> {
    use gst_video::prelude::*;
    let (Some(buffer), Some(caps)) = (sample.buffer(), sample.caps()) else {
        return Err(broken("decodebin", &"an empty sample"));
    };
    let info = gst_video::VideoInfo::from_caps(caps).map_err(|e| broken("decodebin", &e))?;
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info)
        .map_err(|e| broken("decodebin", &e))?;
    let stride = frame.plane_stride().first();
    let stride = stride.and_then(|s| usize::try_from(*s).ok()).unwrap_or(0);
    let data = frame.plane_data(0).map_err(|e| broken("decodebin", &e))?;
    Ok(f(data, stride))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A copy of so many seconds at ten pictures a second, a key frame every so many pictures.
    fn places(seconds: u64, keyint: u64) -> Vec<Place> {
        let place = |n: u64| Place {
            pts_ns: n * 100_000_000,
            key: n.is_multiple_of(keyint),
        };
        (0..seconds * 10).map(place).collect()
    }

    #[test]
    fn pictures_are_spread_and_a_short_recording_has_fewer() {
        for (seconds, keyint, cells, keys_alone) in [
            (1, 40, 1, false),
            (2, 40, 2, false),
            (12, 40, 12, false),
            (30, 40, 20, false),
            (80, 40, 20, true),
            (7_200, 40, 20, true),
        ] {
            let all = places(seconds, keyint);
            let last = all.last().unwrap().pts_ns;
            let chosen = choose(all);
            assert_eq!(chosen.len(), cells, "{seconds} s");
            assert_eq!(chosen.iter().all(|p| p.key), keys_alone, "{seconds} s");
            // None is further from the middle of its part than half a group.
            for (n, place) in chosen.iter().enumerate() {
                let middle = last * (2 * n as u64 + 1) / (2 * cells as u64);
                assert!(
                    place.pts_ns.abs_diff(middle) <= 2_000_000_000,
                    "{seconds} s"
                );
            }
        }
        assert!(choose(Vec::new()).is_empty());
        assert_eq!(choose(places(1, 1)[..1].to_vec()).len(), 1);
    }
}
