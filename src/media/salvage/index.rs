//! Writes the index that a recorder did not come to write (ISO/IEC 14496-12, 8.2 to 8.7).

use super::{sound::Piece, walk::Picture};
use crate::recording::{
    TrackKind,
    salvage::{DISPLAY_BYTES, TrackShape},
};

/// Ticks a second of the whole.
const SCALE: u32 = 1_000;

/// A track of pictures, in the order of the file.
pub(super) struct Pictures<'a> {
    pub shape: &'a TrackShape,
    /// Ticks a second, and ticks that a picture lasts.
    pub clock: (u32, u32),
    pub all: &'a [Picture],
    /// Which of those that are shown each is.
    pub ranks: &'a [u32],
}

/// A track of sound.
pub(super) struct Sounds<'a> {
    pub shape: &'a TrackShape,
    pub all: &'a [Piece],
    /// Bytes of each sample, where they are told apart.
    pub sample_bytes: Option<u32>,
}

/// File type and index: what is to stand before the recording, whose places move back by its size.
pub(super) fn head(pictures: &Pictures<'_>, sounds: Option<&Sounds<'_>>) -> Vec<u8> {
    let brand = boxed(b"ftyp", &[b"isom\0\0\x02\0isomiso2mp41"]);
    let index = |moved: u64| {
        let mut tracks = vec![pictures.track(1, moved)];
        tracks.extend(sounds.map(|s| s.track(2, moved)));
        let longest = pictures
            .length_ms()
            .max(sounds.map_or(0, Sounds::length_ms));
        let movie = [
            &[0; 12][..],
            &SCALE.to_be_bytes(),
            &longest.to_be_bytes(),
            &0x0001_0000_u32.to_be_bytes(),
            &0x0100_u16.to_be_bytes(),
            &[0; 10],
            &UPRIGHT,
            &[0; 24],
            &3_u32.to_be_bytes(),
        ];
        boxed(b"moov", &[&boxed(b"mvhd", &movie), &tracks.concat()])
    };
    // Its size does not depend on the places in it.
    let moved = (brand.len() + index(0).len()) as u64;
    [brand, index(moved)].concat()
}

const UPRIGHT: [u8; 36] = [
    0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0x40, 0, 0, 0,
];

/// What a header of a track says where no other recording told it: upright, of this size.
pub(super) fn upright(size: (u32, u32)) -> Vec<u8> {
    let side = |n: u32| (n.min(0x7fff) << 16).to_be_bytes();
    let all = [&UPRIGHT[..], &side(size.0), &side(size.1)].concat();
    debug_assert_eq!(all.len(), DISPLAY_BYTES);
    all
}

/// A box with these parts as its contents.
pub(super) fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let size = 8 + parts.iter().map(|p| p.len()).sum::<usize>();
    // No index of a recording has 4 GiB.
    let size = u32::try_from(size).unwrap_or(u32::MAX);
    let mut all = [&size.to_be_bytes()[..], kind].concat();
    for part in parts {
        all.extend_from_slice(part);
    }
    all
}

/// Version and flags of zero, the number of rows, and they.
fn table(kind: &[u8; 4], rows: u32, of: &[u8]) -> Vec<u8> {
    boxed(kind, &[&[0; 4], &rows.to_be_bytes(), of])
}

/// Equal neighbours as one row: how many, and what.
fn runs(all: impl Iterator<Item = u32>) -> (u32, Vec<u8>) {
    let mut rows: Vec<(u32, u32)> = Vec::new();
    for value in all {
        match rows.last_mut() {
            Some((count, last)) if *last == value => *count += 1,
            _ => rows.push((1, value)),
        }
    }
    let bytes = rows.iter().flat_map(|(count, value)| [*count, *value]);
    (count(rows.len()), numbers(bytes))
}

fn numbers(all: impl Iterator<Item = u32>) -> Vec<u8> {
    all.flat_map(u32::to_be_bytes).collect()
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// One track out of its tables.
fn track(
    number: u32,
    shape: &TrackShape,
    (scale, length): (u32, u64),
    starts_at: u32,
    tables: &[u8],
) -> Vec<u8> {
    let sounds = shape.kind == TrackKind::Audio;
    let of_movie = u32::try_from(ms(length, scale)).unwrap_or(u32::MAX);
    let header = boxed(
        b"tkhd",
        &[
            &7_u32.to_be_bytes(),
            &[0; 8],
            &number.to_be_bytes(),
            &[0; 4],
            &of_movie.to_be_bytes(),
            &[0; 12],
            if sounds { &[1, 0, 0, 0] } else { &[0; 4] },
            &shape.display,
        ],
    );
    let edit = [of_movie, starts_at, 0x0001_0000];
    let edits = boxed(b"edts", &[&table(b"elst", 1, &numbers(edit.into_iter()))]);
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    let clock = [
        &[0; 12][..],
        &scale.to_be_bytes(),
        &length.to_be_bytes(),
        &[0x55, 0xc4, 0, 0],
    ];
    let handler: &[u8; 4] = if sounds { b"soun" } else { b"vide" };
    let by = boxed(b"hdlr", &[&[0; 8], handler, &[0; 13]]);
    let own = if sounds {
        boxed(b"smhd", &[&[0; 8]])
    } else {
        boxed(b"vmhd", &[&[0, 0, 0, 1], &[0; 8]])
    };
    // The media lie in this file.
    let here = table(b"dref", 1, &boxed(b"url ", &[&[0, 0, 0, 1]]));
    let media = [
        boxed(b"mdhd", &clock),
        by,
        boxed(
            b"minf",
            &[&own, &boxed(b"dinf", &[&here]), &boxed(b"stbl", &[tables])],
        ),
    ];
    boxed(
        b"trak",
        &[&header, &edits, &boxed(b"mdia", &[&media.concat()])],
    )
}

fn ms(ticks: u64, scale: u32) -> u64 {
    ticks.saturating_mul(1_000) / u64::from(scale.max(1))
}

impl Pictures<'_> {
    fn length(&self) -> u64 {
        self.all.len() as u64 * u64::from(self.clock.1)
    }

    /// How long they are shown.
    pub(super) fn length_ms(&self) -> u32 {
        u32::try_from(ms(self.length(), self.clock.0)).unwrap_or(u32::MAX)
    }

    fn track(&self, number: u32, moved: u64) -> Vec<u8> {
        let step = self.clock.1;
        let late = self.ranks.iter().enumerate();
        let late = late.map(|(n, rank)| count(n).saturating_sub(*rank));
        let late = late.max().unwrap_or(0);
        let behind = self.ranks.iter().enumerate().map(|(n, rank)| {
            let ranks = (rank.saturating_add(late)).saturating_sub(count(n));
            ranks.saturating_mul(step)
        });
        let keys = (self.all.iter().enumerate()).filter(|(_, p)| p.slice.key);
        let keys: Vec<u32> = keys.map(|(n, _)| count(n) + 1).collect();
        let (rows, steps) = runs(self.all.iter().map(|_| step));
        let (shown_rows, shown) = runs(behind);
        let tables = [
            table(b"stsd", 1, &self.shape.entry),
            table(b"stts", rows, &steps),
            table(b"ctts", shown_rows, &shown),
            table(b"stss", count(keys.len()), &numbers(keys.into_iter())),
            one_a_chunk(self.all.iter().map(|p| (p.at + moved, p.bytes))),
        ];
        track(
            number,
            self.shape,
            (self.clock.0, self.length()),
            late.saturating_mul(step),
            &tables.concat(),
        )
    }
}

/// The tables of places and sizes where each chunk is one sample.
fn one_a_chunk(all: impl Iterator<Item = (u64, u32)> + Clone) -> Vec<u8> {
    let rows = count(all.clone().count());
    let sizes = numbers(all.clone().map(|(_, bytes)| bytes));
    let places: Vec<u8> = all.flat_map(|(at, _)| at.to_be_bytes()).collect();
    [
        table(b"stsc", 1, &numbers([1, 1, 1].into_iter())),
        boxed(b"stsz", &[&[0; 8], &rows.to_be_bytes(), &sizes]),
        table(b"co64", rows, &places),
    ]
    .concat()
}

impl Sounds<'_> {
    fn length(&self) -> u64 {
        self.all.iter().map(|p| u64::from(p.lasts)).sum()
    }

    /// How long it sounds.
    pub(super) fn length_ms(&self) -> u32 {
        u32::try_from(ms(self.length(), self.shape.timescale)).unwrap_or(u32::MAX)
    }

    fn track(&self, number: u32, moved: u64) -> Vec<u8> {
        let places = self.all.iter().map(|p| (p.at + moved, p.bytes));
        let layout = match self.sample_bytes {
            None => {
                let (rows, lasts) = runs(self.all.iter().map(|p| p.lasts));
                [table(b"stts", rows, &lasts), one_a_chunk(places)].concat()
            }
            Some(each) => {
                let samples = u32::try_from(self.length()).unwrap_or(u32::MAX);
                let mut chunks: Vec<u32> = Vec::new();
                let mut last = None;
                for (n, piece) in self.all.iter().enumerate() {
                    if last != Some(piece.lasts) {
                        chunks.extend([count(n) + 1, piece.lasts, 1]);
                        last = Some(piece.lasts);
                    }
                }
                let rows = count(chunks.len() / 3);
                let places: Vec<u8> = places.flat_map(|(at, _)| at.to_be_bytes()).collect();
                [
                    table(b"stts", 1, &numbers([samples, 1].into_iter())),
                    table(b"stsc", rows, &numbers(chunks.into_iter())),
                    boxed(
                        b"stsz",
                        &[&[0; 4], &each.to_be_bytes(), &samples.to_be_bytes()],
                    ),
                    table(b"co64", count(self.all.len()), &places),
                ]
                .concat()
            }
        };
        let tables = [table(b"stsd", 1, &self.shape.entry), layout].concat();
        track(
            number,
            self.shape,
            (self.shape.timescale, self.length()),
            0,
            &tables,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_out_of_order_are_shown_in_order_from_the_first_instant_on() {
        let shape = TrackShape {
            kind: TrackKind::Video,
            entry: boxed(b"avc1", &[&[0; 78]]),
            timescale: 25,
            step: 2,
            largest: 1,
            display: upright((64, 48)),
        };
        let picture = |at| Picture {
            at,
            bytes: 9,
            slice: crate::media::salvage::units::Slice::default(),
        };
        let all = [picture(30), picture(50), picture(40)];
        let pictures = Pictures {
            shape: &shape,
            clock: (25, 2),
            all: &all,
            ranks: &[0, 2, 1],
        };
        let head = head(&pictures, None);
        let table_of = |kind: &[u8; 4]| {
            let at = head.windows(4).position(|four| four == kind);
            let all = head.get(at.map_or(0, |at| at + 8)..).unwrap_or_default();
            let numbers = all
                .chunks_exact(4)
                .map(|n| n.iter().fold(0, |n, b| n << 8 | u32::from(*b)));
            numbers.take(7).collect::<Vec<u32>>()
        };
        // One has to wait for the one before it: a step, which the edit takes off again.
        assert_eq!(table_of(b"ctts"), [3, 1, 2, 1, 4, 1, 0]);
        assert_eq!(table_of(b"elst").get(..3), Some(&[1, 240, 2][..]));
        let moved = u32::try_from(head.len()).unwrap_or(0);
        let places = [3, 0, 30 + moved, 0, 50 + moved, 0, 40 + moved];
        assert_eq!(table_of(b"co64"), places);
    }
}
