//! Recordings that a recorder did not come to end: its battery was empty, or its card was taken out.
//!
//! Most containers can be read without their end. An MP4, MOV or 3GP whose index (`moov`) was to be
//! written last cannot: where each picture lies stands nowhere, and what a decoder has to know stands in
//! the index alone. Then an index is made anew and put before the recording, which stays as it is:
//!
//! ```text
//! another recording of the recorder ──▶ shape ──┐
//! or parameter sets out of the stream ──────────┤
//! mdat ──▶ walk: pictures, and what lies between ┴─▶ order of showing, sound ──▶ index
//!                                                     [index][the recording as it is] ──▶ demuxer
//! ```
//!
//! Where each picture is, its bytes say. When it was taken, nothing says any more: pictures follow one
//! another as most of them do in the other recording, or by the length of the sound where the two do not
//! agree, and that is told.
//!
//! What is made of such a recording is labelled ([`Salvage`](crate::recording::Salvage)).

mod bytes;
mod ending;
mod hevc;
mod index;
mod order;
mod own;
mod shape;
mod sound;
mod units;
mod walk;

use std::{fs::File, ops::Range, os::fd::AsFd};

use serde::{Deserialize, Serialize};

pub(super) use ending::{Ending, ending};
pub(super) use shape::shape;

use super::{
    boxes::{BOXES_MAX, boxes},
    worker::{Files, Launch, Worker},
};
use crate::recording::{MediaInfo, SalvageMethod, TrackKind, salvage::Shape};
use bytes::Bytes;
use sound::{Sound, pieces};
use units::Units;
use walk::Walk;

/// How a recording without an index is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalvageJob {
    /// How its recorder writes, by another recording of it.
    pub shape: Option<Shape>,
}

impl SalvageJob {
    /// By what this whole recording of its recorder tells a worker; nothing where it tells nothing.
    #[must_use]
    pub fn after(launch: &Launch, whole: &File) -> Option<Self> {
        let files = Files {
            input: Some(whole.as_fd()),
            output: None,
        };
        let shape = Worker::spawn(launch, &files).and_then(Worker::shape).ok()?;
        Some(Self { shape: Some(shape) })
    }

    /// As it was done before.
    #[must_use]
    pub fn again(media: Option<&MediaInfo>) -> Option<Self> {
        let salvage = media?.salvage.as_ref()?;
        Some(Self {
            shape: salvage.shape.clone(),
        })
    }
}

/// An index made anew.
pub(super) struct Rebuilt {
    /// What is to stand before the recording.
    pub head: Vec<u8>,
    pub method: SalvageMethod,
    /// Bytes of which nothing could be made.
    pub lost_bytes: u64,
    /// What is less than it was.
    pub told: Vec<String>,
}

/// Seconds by which pictures and sound may differ at the end of a whole recording.
const APART_S: f64 = 1.5;

/// Where media are that no index is there for: of a file that has `mdat` and no `moov`.
pub(super) fn without_index(file: &File) -> Option<Range<u64>> {
    let len = file.metadata().ok()?.len();
    let mut media: Option<Range<u64>> = None;
    for (n, found) in boxes(file, 0..len).enumerate() {
        if n + 1 == BOXES_MAX {
            // It may come behind more boxes than are looked at.
            return None;
        }
        match &found.kind {
            b"moov" if found.end <= len => return None,
            // An index that is not whole ends what came before it.
            b"moov" => {
                let begin = found.body.saturating_sub(8);
                return media.map(|m| m.start..begin);
            }
            // A fragment, and a picture file's index.
            b"moof" | b"meta" => return None,
            b"mdat" if media.is_none() => media = Some(found.body..len),
            b"ftyp" | b"wide" | b"free" | b"skip" | b"mdat" | b"uuid" => {}
            _ if n == 0 => return None,
            _ => {}
        }
    }
    media.filter(|m| m.start < m.end)
}

/// Makes an index for media without one. `beat` is called now and then while it reads.
///
/// # Errors
/// Why it cannot, as a sentence.
pub(super) fn rebuild(
    file: &File,
    media: Range<u64>,
    job: &SalvageJob,
    beat: &mut dyn FnMut(),
) -> Result<Rebuilt, &'static str> {
    let mut told = Vec::new();
    let (shape, begin, method) = match &job.shape {
        Some(shape) => (shape.clone(), media.start, SalvageMethod::Reference),
        None => {
            let mut bytes = Bytes::new(file, media.clone());
            let (shape, begin, step) = own::shape(&mut bytes, media.start, beat).ok_or(
                "no parameter sets stand in its stream; another recording of the same recorder, taken in whole, would tell them",
            )?;
            if !step {
                told.push("How many pictures a second it has stands nowhere; 25 are shown.".into());
            }
            (shape, begin, SalvageMethod::OwnSets)
        }
    };
    let pictures = shape
        .of(TrackKind::Video)
        .ok_or("the other recording has no pictures")?;
    let (units, length) = Units::described(&pictures.entry)
        .ok_or("what codes its pictures does not say where they end")?;
    let largest = job.shape.as_ref().map(|_| pictures.largest);
    let walk = Walk::new(Bytes::new(file, media.clone()), units, length, largest);
    let (found, _) = walk.run(begin, beat);
    if found.pictures.is_empty() {
        return Err("no picture can be found in it");
    }
    let ranks = order::ranks(found.pictures.iter().map(|p| p.slice));
    let mut lost_bytes = found.lost_bytes.saturating_add(begin - media.start);
    let sound_shape = shape.of(TrackKind::Audio);
    let sound = sound_shape.and_then(|s| Sound::described(&s.entry));
    let mut bytes = Bytes::new(file, media);
    let between: u64 = found.between.iter().map(|r| r.end - r.start).sum();
    let sounds = match sound_shape.zip(sound.as_ref()) {
        Some((shape, sound)) => {
            let (all, lost) = pieces(&mut bytes, &found.between, shape, sound, beat);
            lost_bytes = lost_bytes.saturating_add(lost);
            Some((shape, all, sound.sample_bytes())).filter(|(_, all, _)| !all.is_empty())
        }
        None => {
            lost_bytes = lost_bytes.saturating_add(between);
            None
        }
    };
    if sounds.is_none() && between > 0 {
        told.push(format!(
            "{between} bytes lie between its pictures: sound or other data, which cannot be told apart."
        ));
    }
    let sounds = sounds
        .as_ref()
        .map(|(shape, all, sample_bytes)| index::Sounds {
            shape,
            all,
            sample_bytes: *sample_bytes,
        });
    let clock = (pictures.timescale, pictures.step);
    let mut track = index::Pictures {
        shape: pictures,
        clock,
        all: &found.pictures,
        ranks: &ranks,
    };
    if let Some(sounds) = &sounds {
        let seconds = |ms: u32| f64::from(ms) / 1_000.0;
        let (shown, heard) = (seconds(track.length_ms()), seconds(sounds.length_ms()));
        if heard > 2.0 * APART_S && (shown - heard).abs() > APART_S.max(heard * 0.03) {
            // Ticks of a fine clock; a second has at most 240 pictures.
            let step = heard * 90_000.0 / found.pictures.len() as f64;
            track.clock = (90_000, (step.round() as u32).max(375));
            told.push("Its pictures follow one another by the length of its sound.".into());
        }
    }
    Ok(Rebuilt {
        head: index::head(&track, sounds.as_ref()),
        method,
        lost_bytes,
        told,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;
    use crate::recording::salvage::TrackShape;

    /// Parameter sets of 64×48 at 25 pictures a second.
    const SETS: [&[u8]; 2] = [
        b"\x67\x42\xc0\x0a\xda\x11\xec\x04\x40\x00\x00\x03\x00\x40\x00\x00\x0c\x83\xc4\x89\xa8",
        b"\x68\xce\x0f\xc8",
    ];

    fn unit(bytes: &[u8]) -> Vec<u8> {
        [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
    }

    /// A slice: the first of its picture, number `number` below eight, and bytes that mean nothing.
    fn slice(number: u8, more: usize) -> Vec<u8> {
        // The first block, what kind, set 0, four bits of the number, nothing out of the ordinary
        // (ITU-T H.264, 7.3.3).
        let mut bytes = match number {
            0 => vec![0x65, 0x88, 0x84, 0xff, 0xa5],
            _ => vec![0x41, 0x9a, (number << 5) | 3, 0xff, 0xa5],
        };
        bytes.resize(5 + more, 0x77);
        unit(&bytes)
    }

    fn made(media: &[u8], job: &SalvageJob) -> Result<Rebuilt, &'static str> {
        gstreamer::init().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        let head = b"\0\0\0\x10ftypisom\0\0\x02\0\0\0\0\0mdat";
        file.write_all(&[&head[..], media].concat()).unwrap();
        let room = without_index(&file).unwrap_or(24..24);
        rebuild(&file, room, job, &mut || {})
    }

    /// What a recorder wrote before its battery was empty, with sound or whatever it is between.
    fn written() -> Vec<u8> {
        let sets = [unit(SETS[0]), unit(SETS[1])].concat();
        let mut all = Vec::new();
        for group in 0..3 {
            all.extend(&sets);
            for number in 0..5 {
                all.extend(slice(number, 40 + usize::from(number) * group));
                all.extend([0xee; 33]);
            }
        }
        all
    }

    #[test]
    fn pictures_are_found_between_what_is_none_and_the_last_one_has_to_be_whole() {
        let all = written();
        let mut bytes = tempfile::tempfile().unwrap();
        bytes.write_all(&all).unwrap();
        let mut read = Bytes::new(&bytes, 0..all.len() as u64);
        let (_, at, told) = own::shape(&mut read, 0, &mut || {}).unwrap();
        assert!(told && at == 0);
        let found = |len: usize| walked(&all[..len]);
        let whole = found(all.len());
        assert_eq!(whole.pictures.len(), 15);
        assert_eq!(whole.between.len(), 15);
        assert!(whole.between.iter().all(|room| room.end - room.start == 33));
        let keys = whole.pictures.iter().filter(|p| p.slice.key).count();
        assert_eq!((keys, whole.lost_bytes), (3, 0));
        // Cut within the last picture, and within its length.
        let cut = found(all.len() - 34);
        assert_eq!(cut.pictures, whole.pictures[..14]);
        assert!(cut.lost_bytes > 40);
    }

    /// Walks over media that begin with the sets.
    fn walked(all: &[u8]) -> walk::Found {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(all).unwrap();
        let len = all.len() as u64;
        let (shape, ..) = own::shape(&mut Bytes::new(&file, 0..len), 0, &mut || {}).unwrap();
        let (units, length) = Units::described(&shape.tracks[0].entry).unwrap();
        let bytes = Bytes::new(&file, 0..len);
        Walk::new(bytes, units, length, None).run(0, &mut || {}).0
    }

    #[test]
    fn what_looks_like_a_picture_goes_on_where_the_last_one_ended_unless_much_is_lost() {
        let begin = [unit(SETS[0]), unit(SETS[1]), slice(0, 40), slice(1, 40)].concat();
        let (noise, like) = (vec![0xee; 100], slice(6, 20));
        let rest = [slice(2, 40), slice(3, 40)].concat();
        let found = walked(&[&begin[..], &noise, &like, &noise, &rest].concat());
        assert_eq!((found.pictures.len(), found.between.len()), (4, 1));
        let lost = vec![0xee; 5 * 1024 * 1024];
        let found = walked(&[&begin[..], &lost, &like, &slice(7, 20)].concat());
        assert_eq!((found.pictures.len(), found.between.len()), (4, 1));
    }

    #[test]
    fn where_pictures_and_sound_do_not_agree_the_sound_tells_the_time() {
        let mut all = [unit(SETS[0]), unit(SETS[1])].concat();
        for number in 0..6 {
            all.extend(slice(number, 40));
            all.extend(vec![0x80; 4_000]);
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&all).unwrap();
        let mut bytes = Bytes::new(&file, 0..all.len() as u64);
        let (mut shape, ..) = own::shape(&mut bytes, 0, &mut || {}).unwrap();
        // Eight bits a sample, one channel.
        let mut entry = vec![0; 36];
        entry[3] = 36;
        entry[4..8].copy_from_slice(b"raw ");
        (entry[25], entry[27]) = (1, 8);
        for (rate, agrees, ms) in [(100_000, true, 240), (4_000, false, 6_000)] {
            shape.tracks.truncate(1);
            shape.tracks.push(TrackShape {
                kind: TrackKind::Audio,
                entry: entry.clone(),
                timescale: rate,
                step: 1,
                largest: 1,
                display: shape.tracks[0].display.clone(),
            });
            let job = SalvageJob {
                shape: Some(shape.clone()),
            };
            let made = made(&all, &job).unwrap();
            assert_eq!(made.told.is_empty(), agrees, "{:?}", made.told);
            let mut head = tempfile::tempfile().unwrap();
            head.write_all(&made.head).unwrap();
            let again = shape::read(&head).unwrap();
            let pictures = again.of(TrackKind::Video).unwrap();
            let lasts = u64::from(pictures.step) * 6 * 1_000 / u64::from(pictures.timescale);
            assert_eq!(lasts, ms);
        }
    }

    #[test]
    fn what_was_made_is_an_index_of_all_that_was_found() {
        let all = written();
        let rebuilt = made(&all, &SalvageJob::default()).unwrap();
        assert_eq!(rebuilt.method, SalvageMethod::OwnSets);
        assert_eq!(rebuilt.lost_bytes, 15 * 33);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&rebuilt.head).unwrap();
        let shape = shape::read(&file).unwrap();
        let pictures = shape.of(TrackKind::Video).unwrap();
        // A field lasts one tick of fifty.
        assert_eq!(pictures.timescale / pictures.step, 25);
        // Behind sets of 25 and 8 bytes.
        assert_eq!(pictures.largest, 25 + 8 + 49);
        assert!(shape.fits());
        assert_eq!(without_index(&file), None);
        // Read again as that of a whole recording it tells the same.
        let again = SalvageJob { shape: Some(shape) };
        let again = made(&all, &again).unwrap();
        assert_eq!(again.head, rebuilt.head);
        assert_eq!(again.method, SalvageMethod::Reference);
    }

    #[test]
    fn what_it_cannot_make_it_says() {
        let nothing = made(&[0xee; 4_000], &SalvageJob::default());
        assert!(nothing.err().unwrap().contains("no parameter sets"));
        let sets = [unit(SETS[0]), unit(SETS[1])].concat();
        let nothing = made(&sets, &SalvageJob::default());
        assert_eq!(nothing.err(), Some("no picture can be found in it"));
    }

    proptest! {
        /// Whatever lies there: it ends, and what it found lies in the file, in order.
        #[test]
        fn nothing_that_lies_there_stops_it(
            places in proptest::collection::vec((any::<u16>(), any::<u8>()), 0..40),
            cut in any::<u16>(),
        ) {
            let mut all = written();
            for (at, to) in places {
                let at = usize::from(at) % all.len();
                all[at] = to;
            }
            all.truncate(all.len() - usize::from(cut) % all.len());
            if let Ok(rebuilt) = made(&all, &SalvageJob::default()) {
                prop_assert!(rebuilt.lost_bytes <= all.len() as u64);
            }
        }
    }
}
