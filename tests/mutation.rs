//! Mutations of media files: bits flipped at random, as `zzuf` does, and changes by one who knows how
//! containers are built.

use std::{ops::Range, path::Path};

use crate::excerpt::ffmpeg;

/// A row of numbers that is the same in every run (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n.max(1) as u64).unwrap()
    }

    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// A whole recording, and the parts that its container consists of.
pub struct Seed {
    pub extension: String,
    pub bytes: Vec<u8>,
    parts: Vec<Part>,
}

/// A box, a chunk, an element or a packet.
struct Part {
    at: Range<usize>,
    /// Where its length stands, and whether its least byte comes first.
    length: Option<(Range<usize>, bool)>,
    depth: usize,
}

impl Seed {
    pub fn of(extension: &str, bytes: Vec<u8>) -> Self {
        let mut parts = Vec::new();
        let whole = 0..bytes.len();
        match bytes.get(..12) {
            Some([0x47, ..]) => packets(&bytes, &mut parts),
            Some([b'R', b'I', b'F', b'F', ..]) => chunks(&bytes, whole, 0, &mut parts),
            Some([0x1a, 0x45, 0xdf, 0xa3, ..]) => elements(&bytes, whole, 0, &mut parts),
            Some([_, _, _, _, b'f', b't', b'y', b'p', ..]) => boxes(&bytes, whole, 0, &mut parts),
            _ => {}
        }
        Self {
            extension: extension.to_owned(),
            bytes,
            parts,
        }
    }
}

fn packets(bytes: &[u8], parts: &mut Vec<Part>) {
    for n in 0..bytes.len() / 188 {
        parts.push(Part {
            at: n * 188..(n + 1) * 188,
            length: Some((n * 188 + 4..n * 188 + 5, false)),
            depth: 0,
        });
    }
}

/// ISO/IEC 14496-12, 4.2.
fn boxes(bytes: &[u8], room: Range<usize>, depth: usize, parts: &mut Vec<Part>) {
    let mut at = room.start;
    while at + 8 <= room.end {
        let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        if size < 8 || at + size > room.end {
            return;
        }
        parts.push(Part {
            at: at..at + size,
            length: Some((at..at + 4, false)),
            depth,
        });
        let nested: [&[u8]; 8] = [
            b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"moof", b"traf",
        ];
        if nested.contains(&&bytes[at + 4..at + 8]) {
            boxes(bytes, at + 8..at + size, depth + 1, parts);
        }
        at += size;
    }
}

fn chunks(bytes: &[u8], room: Range<usize>, depth: usize, parts: &mut Vec<Part>) {
    let mut at = room.start;
    while at + 8 <= room.end {
        let size = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        let end = at + 8 + size + size % 2;
        if end > room.end {
            return;
        }
        parts.push(Part {
            at: at..end,
            length: Some((at + 4..at + 8, true)),
            depth,
        });
        if [b"RIFF", b"LIST"]
            .iter()
            .any(|k| bytes[at..].starts_with(*k))
        {
            chunks(bytes, at + 12..end, depth + 1, parts);
        }
        at = end;
    }
}

/// RFC 8794, 4 and 5.
fn elements(bytes: &[u8], room: Range<usize>, depth: usize, parts: &mut Vec<Part>) {
    let mut at = room.start;
    while at + 2 <= room.end {
        let id = bytes[at].leading_zeros() as usize + 1;
        let Some(first) = bytes.get(at + id).filter(|_| id <= 4) else {
            return;
        };
        let width = first.leading_zeros() as usize + 1;
        let body = at + id + width;
        if width > 8 || body > room.end {
            return;
        }
        let mask = 0xff_u64
            .checked_shr(u32::try_from(width).unwrap())
            .unwrap_or(0);
        let rest = &bytes[at + id + 1..body];
        let size = rest
            .iter()
            .fold(u64::from(*first) & mask, |n, b| n << 8 | u64::from(*b));
        let unknown = size == (1 << (7 * width)) - 1;
        let end = match usize::try_from(size).ok().and_then(|n| body.checked_add(n)) {
            Some(end) if end <= room.end => end,
            _ if unknown => room.end,
            _ => return,
        };
        parts.push(Part {
            at: at..end,
            length: Some((at + id..body, false)),
            depth,
        });
        let nested: [&[u8]; 6] = [
            &[0x18, 0x53, 0x80, 0x67],
            &[0x1f, 0x43, 0xb6, 0x75],
            &[0x16, 0x54, 0xae, 0x6b],
            &[0x1c, 0x53, 0xbb, 0x6b],
            &[0xae],
            &[0xa0],
        ];
        if nested.contains(&&bytes[at..at + id]) {
            elements(bytes, body..end, depth + 1, parts);
        }
        at = end;
    }
}

/// A change of a seed, and its name.
pub fn mutated(seed: &Seed, others: &[Seed], dice: &mut Dice) -> (&'static str, Vec<u8>) {
    let mut bytes = seed.bytes.clone();
    if seed.parts.is_empty() || dice.below(4) == 0 {
        return random(bytes, dice);
    }
    // The outermost are few, and what is done to one of them is done to much.
    let outermost = dice.below(3) == 0;
    let chosen: Vec<&Part> = seed
        .parts
        .iter()
        .filter(|part| !outermost || part.depth < 2)
        .collect();
    let (part, other) = (*dice.pick(&chosen), *dice.pick(&chosen));
    let at = part.at.clone();
    let what = match dice.below(9) {
        0 => {
            bytes.truncate(at.start + dice.below(12));
            "cut"
        }
        1 => {
            if let Some((field, least_first)) = &part.length {
                lie(&mut bytes[field.clone()], *least_first, dice);
            }
            "lying"
        }
        2 => {
            bytes.drain(at);
            "dropped"
        }
        3 => {
            let twice = bytes[at.clone()].to_vec();
            bytes.splice(at.start..at.start, twice);
            "twice"
        }
        4 => {
            let (first, second) = match at.start <= other.at.start {
                true => (at, other.at.clone()),
                false => (other.at.clone(), at),
            };
            // One that lies in the other goes before it.
            if first.end <= second.start {
                let both = [&bytes[second.clone()], &bytes[first.end..second.start]].concat();
                let all = [both, bytes[first.clone()].to_vec()].concat();
                bytes.splice(first.start..second.end, all);
            }
            "swapped"
        }
        5 => {
            let fill = *dice.pick(&[0, 0xff, 0x47]);
            bytes[at].fill(fill);
            "filled"
        }
        6 => {
            let name = at.start + 4 * dice.below(2);
            for place in name..(name + 4).min(bytes.len()) {
                bytes[place] = bytes[place].wrapping_add(u8::try_from(dice.below(3)).unwrap());
            }
            "renamed"
        }
        7 => swap_samples(&mut bytes, seed, dice),
        _ => {
            let foreign = &dice.pick(others).bytes;
            let from = dice.below(foreign.len());
            bytes.splice(at.start..at.start, foreign[from..].iter().copied());
            "grafted"
        }
    };
    (what, bytes)
}

/// Bits flipped, one in ten to one in a hundred thousand; or a cut anywhere.
fn random(mut bytes: Vec<u8>, dice: &mut Dice) -> (&'static str, Vec<u8>) {
    if dice.below(5) == 0 {
        let len = dice.below(bytes.len());
        bytes.truncate(len);
        return ("cut", bytes);
    }
    let rate = *dice.pick(&[10, 100, 1_000, 10_000, 100_000]);
    for _ in 0..=bytes.len() * 8 / rate {
        let bit = dice.below(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    ("flipped", bytes)
}

/// A length that is not the one of what follows.
fn lie(field: &mut [u8], least_first: bool, dice: &mut Dice) {
    let ordered = |field: &[u8]| -> Vec<u8> {
        let mut bytes = field.to_vec();
        if least_first {
            bytes.reverse();
        }
        bytes
    };
    let true_length = ordered(field)
        .iter()
        .fold(0_u64, |n, b| n << 8 | u64::from(*b));
    let false_length = *dice.pick(&[
        0,
        1,
        7,
        8,
        9,
        16,
        true_length.wrapping_sub(1),
        true_length.wrapping_add(1),
        true_length / 2,
        true_length.wrapping_mul(2),
        0x7fff_ffff,
        0x8000_0000,
        0xffff_fff0,
        u64::MAX,
    ]);
    let bytes = false_length.to_be_bytes();
    let bytes = ordered(&bytes[8 - field.len().min(8)..]);
    for (place, byte) in field.iter_mut().zip(bytes) {
        *place = byte;
    }
}

/// Two stretches of the largest innermost part, of which most is samples, change places.
fn swap_samples(bytes: &mut [u8], seed: &Seed, dice: &mut Dice) -> &'static str {
    let largest = seed.parts.iter().map(|part| part.at.clone());
    let largest = largest.max_by_key(ExactSizeIterator::len).unwrap_or(0..0);
    let len = 16 + dice.below(2_000);
    if largest.len() > 2 * len {
        let half = largest.len() / 2 - len;
        let first = largest.start + dice.below(half);
        let second = largest.start + largest.len() / 2 + dice.below(half);
        let (low, high) = bytes.split_at_mut(second);
        low[first..first + len].swap_with_slice(&mut high[..len]);
    }
    "shuffled"
}

/// A second of each container and codec that recorders write, small.
pub fn seeds(dir: &Path) -> Vec<Seed> {
    std::fs::create_dir_all(dir).unwrap();
    let (h264, aac) = ("-c:v libx264 -preset ultrafast -g 5", "-c:a aac -b:a 32k");
    let made = [
        ("mp4", format!("{h264} {aac}")),
        ("mp4", format!("{h264} {aac} -movflags +faststart")),
        (
            "mp4",
            format!("{h264} {aac} -movflags +frag_keyframe+empty_moov"),
        ),
        (
            "mp4",
            format!("-c:v libx265 -x265-params log-level=none -preset ultrafast {aac}"),
        ),
        (
            "mov",
            format!(
                "-c:v mjpeg -c:a pcm_s16le -q:v 9 {}",
                "-timecode 01:00:00:00"
            ),
        ),
        ("avi", "-c:v mjpeg -q:v 9 -c:a adpcm_ima_wav".to_owned()),
        ("avi", format!("{h264} -c:a pcm_mulaw -ar 8000")),
        ("avi", "-c:v mpeg4 -c:a libmp3lame".to_owned()),
        ("ts", format!("{h264} {aac}")),
        ("ts", "-c:v mpeg2video -c:a mp2".to_owned()),
        ("mkv", format!("{h264} -c:a libopus -ar 48000")),
        ("3gp", "-c:v mpeg4 -c:a aac".to_owned()),
        ("h264", format!("{h264} -an")),
    ];
    let seeds = made.iter().enumerate().map(|(n, (extension, how))| {
        let path = dir.join(format!("{n}.{extension}"));
        let picture = "testsrc2=size=160x120:rate=10:duration=1,format=yuvj420p";
        let sound = "sine=f=440:r=16000:d=1";
        let inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound];
        let args: Vec<&str> = inputs.into_iter().chain(how.split(' ')).collect();
        let _ = ffmpeg(&args, Some(&path));
        Seed::of(extension, std::fs::read(path).unwrap())
    });
    seeds.collect()
}
