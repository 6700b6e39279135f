//! What the elements that decodebin chooses are asked and told.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use gstreamer as gst;
use gstreamer::prelude::*;

use super::{Known, lock};
use crate::{
    media::{
        protocol::TRACKS_MAX,
        source::{
            clock::{PacketClock, went_back},
            colour, names,
        },
    },
    recording::{Track, TrackKind},
};

/// Learns container and tracks from the elements that decodebin makes, and sets up its decoders.
pub(super) fn watch_elements(decode: &gst::Element, known: &Arc<Mutex<Known>>, threads: u32) {
    let Some(bin) = decode.dynamic_cast_ref::<gst::Bin>() else {
        return;
    };
    if let Some(find) = bin.by_name("typefind") {
        let seen = Arc::clone(known);
        find.connect("have-type", false, move |values| {
            if let Some(Ok(caps)) = values.get(2).map(|v| v.get::<gst::Caps>()) {
                let mut known = lock(&seen);
                known.media.container = names::container(&caps);
                let track = names::track(&caps);
                // An elementary stream has no demuxer that would name its track.
                if track.kind != TrackKind::Other && known.media.tracks.is_empty() {
                    known.media.tracks.push(track);
                }
            }
            None
        });
    }
    let seen = Arc::clone(known);
    bin.connect_deep_element_added(move |_, _, element| {
        let Some(factory) = element.factory() else {
            return;
        };
        if factory.name() == "matroskademux" {
            element.connect_pad_added(|_, pad| begin_at_nothing(pad));
        }
        let class = factory.metadata("klass").unwrap_or("").to_owned();
        if class.contains("Demux") {
            let mut known = lock(&seen);
            if !known.demuxed {
                known.demuxed = true;
                known.media.tracks.clear();
                drop(known);
                let seen = Arc::clone(&seen);
                element.connect_pad_added(move |_, pad| {
                    colour::range_by_the_stream(pad);
                    if let Some(caps) = pad
                        .current_caps()
                        .filter(|_| pad.direction() == gst::PadDirection::Src)
                    {
                        let mut known = lock(&seen);
                        if known.media.tracks.len() < TRACKS_MAX {
                            known.media.tracks.push(names::track(&caps));
                        }
                    }
                });
            }
        }
        if class.contains("Decoder") && class.contains("Video") {
            if threads > 0 && element.find_property("max-threads").is_some() {
                element.set_property("max-threads", i32::try_from(threads).unwrap_or(1));
            }
            if element.find_property("qos").is_some() {
                element.set_property("qos", false);
            }
            if let Some(pad) = element.static_pad("src") {
                colour::keep_range(&pad);
            }
            if let Some(pad) = element.static_pad("sink") {
                learn_from_parser(&pad, &seen);
                let seen = Arc::clone(&seen);
                let clock = Mutex::new(PacketClock::default());
                let which = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_FLUSH;
                pad.add_probe(which, move |_, info| {
                    let mut clock = clock.lock().unwrap_or_else(PoisonError::into_inner);
                    if matches!(&info.data, Some(gst::PadProbeData::Event(_))) {
                        // It was sought: what comes now is no beginning anew.
                        *clock = PacketClock::default();
                    }
                    if let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data {
                        let before = clock.offset_ns;
                        let place = clock.place(
                            buffer.dts_or_pts().map(gst::ClockTime::nseconds),
                            buffer.duration().map(gst::ClockTime::nseconds),
                        );
                        if clock.offset_ns != before {
                            lock(&seen)
                                .findings
                                .push(went_back(clock.offset_ns.saturating_sub(before), place));
                        }
                        clock.mend(buffer);
                    }
                    gst::PadProbeReturn::Ok
                });
            }
        }
    });
}

/// A beginning of a file that is later than this is that of all of its tracks.
const BEGINS_MAX: gst::ClockTime = gst::ClockTime::from_mseconds(500);

/// `matroskademux` (1.22) has time begin with the first packet that it sees, and anew where another track
/// then turns out to begin earlier: pictures before that would be presented too early.
fn begin_at_nothing(pad: &gst::Pad) {
    let first = AtomicBool::new(true);
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let Some(gst::PadProbeData::Event(event)) = &mut info.data else {
            return gst::PadProbeReturn::Ok;
        };
        let gst::EventView::Segment(said) = event.view() else {
            return gst::PadProbeReturn::Ok;
        };
        if first.swap(false, Ordering::Relaxed)
            && let Some(segment) = said.segment().downcast_ref::<gst::ClockTime>()
            && segment.start().is_some_and(|start| start < BEGINS_MAX)
        {
            let mut segment = segment.clone();
            let nothing = gst::ClockTime::ZERO;
            segment.set_start(nothing);
            segment.set_time(nothing);
            segment.set_position(nothing);
            let seqnum = event.seqnum();
            *event = gst::event::Segment::builder(&segment)
                .seqnum(seqnum)
                .build();
        }
        gst::PadProbeReturn::Ok
    });
}

/// An elementary stream and a program stream do not say the size of their pictures, nor this one its
/// codec; the parser before the decoder reads both from the stream itself.
fn learn_from_parser(pad: &gst::Pad, known: &Arc<Mutex<Known>>) {
    let seen = Arc::clone(known);
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::EventView::Caps(caps)) = info.event().map(|e| e.view()) {
            let mut known = lock(&seen);
            let mut tracks = known.media.tracks.iter_mut();
            let unsaid = |t: &&mut Track| t.kind == TrackKind::Video && t.width.is_none();
            let parsed = names::track(caps.caps());
            if let Some(track) = tracks.find(unsaid).filter(|_| parsed.width.is_some()) {
                *track = Track {
                    declared_frames: track.declared_frames,
                    ..parsed
                };
            }
        }
        gst::PadProbeReturn::Ok
    });
}
