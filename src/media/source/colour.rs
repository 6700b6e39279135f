//! Whether luma runs over the whole byte, where container and stream disagree.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video::{
    VideoColorMatrix, VideoColorPrimaries, VideoColorRange, VideoColorimetry, VideoInfo,
    VideoTransferFunction,
};

/// Lets the stream say its own range where a container says "limited": that is what a QuickTime
/// colour box without a range flag is read as, whatever the stream says, and then black and white
/// of a full-range recording would be cut off by whoever plays the rendition. To be called while
/// the demuxer's pad is new.
pub(super) fn range_by_the_stream(pad: &gst::Pad) {
    change_caps(pad, without_limited);
}

/// Keeps the range that a stream says where it says nothing else of its colours, as many recorders do:
/// GStreamer takes a colorimetry without a matrix for none at all and puts its default in its place, by
/// which a full range becomes a limited one. What was left unsaid is what it takes for that size. To be
/// called for a decoder's pad.
pub(super) fn keep_range(pad: &gst::Pad) {
    change_caps(pad, with_matrix);
}

/// Puts another event in the place of each that `changed` has one for.
fn change_caps(pad: &gst::Pad, changed: fn(&gst::Event) -> Option<gst::Event>) {
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(event) = info.event().and_then(changed) {
            info.data = Some(gst::PadProbeData::Event(event));
        }
        gst::PadProbeReturn::Ok
    });
}

/// The same event with these caps.
fn with_caps(event: &gst::Event, caps: &gst::Caps) -> gst::Event {
    let same = gst::event::Caps::builder(caps);
    same.seqnum(event.seqnum()).build()
}

/// The same caps event with a whole colorimetry; nothing where nothing is lacking.
fn with_matrix(event: &gst::Event) -> Option<gst::Event> {
    let gst::EventView::Caps(told) = event.view() else {
        return None;
    };
    let mut caps = told.caps_owned();
    let said: String = caps.structure(0)?.get("colorimetry").ok()?;
    let said: VideoColorimetry = said.parse().ok()?;
    if said.range() == VideoColorRange::Unknown || said.matrix() != VideoColorMatrix::Unknown {
        return None;
    }
    caps.make_mut()
        .structure_mut(0)?
        .remove_field("colorimetry");
    let usual = VideoInfo::from_caps(&caps).ok()?.colorimetry();
    let (mut transfer, mut primaries) = (said.transfer(), said.primaries());
    if transfer == VideoTransferFunction::Unknown {
        transfer = usual.transfer();
    }
    if primaries == VideoColorPrimaries::Unknown {
        primaries = usual.primaries();
    }
    let whole = VideoColorimetry::new(said.range(), usual.matrix(), transfer, primaries);
    caps.make_mut().set("colorimetry", whole.to_string());
    Some(with_caps(event, &caps))
}

/// The same caps event with the range unsaid; nothing where it does not say "limited".
fn without_limited(event: &gst::Event) -> Option<gst::Event> {
    let gst::EventView::Caps(told) = event.view() else {
        return None;
    };
    let mut caps = told.caps_owned();
    let said: String = caps.structure(0)?.get("colorimetry").ok()?;
    let said: VideoColorimetry = said.parse().ok()?;
    if said.range() != VideoColorRange::Range16_235 {
        return None;
    }
    let (matrix, transfer, primaries) = (said.matrix(), said.transfer(), said.primaries());
    let range_alone = matrix == VideoColorMatrix::Unknown
        && transfer == VideoTransferFunction::Unknown
        && primaries == VideoColorPrimaries::Unknown;
    if range_alone {
        // Of a colorimetry that says nothing GStreamer makes no text, but a null pointer.
        let structure = caps.make_mut().structure_mut(0)?;
        structure.remove_field("colorimetry");
    } else {
        let unsaid = VideoColorimetry::new(VideoColorRange::Unknown, matrix, transfer, primaries);
        caps.make_mut().set("colorimetry", unsaid.to_string());
    }
    Some(with_caps(event, &caps))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// What becomes of a container's colorimetry: nothing where the event is left alone.
    fn becomes(said: Option<&str>) -> Option<Option<String>> {
        let caps = gst::Caps::builder("video/x-h264").field_if_some("colorimetry", said);
        let event = without_limited(&gst::event::Caps::new(&caps.build()))?;
        let gst::EventView::Caps(told) = event.view() else {
            panic!("{event:?}");
        };
        Some(told.caps().structure(0)?.get("colorimetry").ok())
    }

    #[test]
    fn limited_is_unsaid_and_nothing_else_is_touched() {
        gst::init().unwrap();
        let said = becomes(Some("bt709")).unwrap().unwrap();
        let said: VideoColorimetry = said.parse().unwrap();
        let bt709: VideoColorimetry = "bt709".parse().unwrap();
        assert_eq!(said.range(), VideoColorRange::Unknown);
        assert_eq!(said.matrix(), bt709.matrix());
        assert_eq!(said.transfer(), bt709.transfer());
        assert_eq!(said.primaries(), bt709.primaries());
        // A range alone, as Matroska may say it, leaves nothing to be said.
        assert_eq!(becomes(Some("2:0:0:0")), Some(None));
        for left_alone in [None, Some("1:3:5:1"), Some("0:3:5:1"), Some("nonsense")] {
            assert_eq!(becomes(left_alone), None, "{left_alone:?}");
        }
        assert!(without_limited(&gst::event::Eos::new()).is_none());
    }

    #[test]
    fn a_range_that_stands_alone_is_kept_with_the_usual_colours() {
        gst::init().unwrap();
        let becomes = |height: i32, said: Option<&str>| -> Option<VideoColorimetry> {
            let caps = gst::Caps::builder("video/x-raw")
                .field("format", "I420")
                .field("width", 640)
                .field("height", height)
                .field("framerate", gst::Fraction::new(25, 1))
                .field_if_some("colorimetry", said);
            let event = with_matrix(&gst::event::Caps::new(&caps.build()))?;
            let gst::EventView::Caps(told) = event.view() else {
                panic!("{event:?}");
            };
            Some(VideoInfo::from_caps(told.caps()).unwrap().colorimetry())
        };
        for (height, matrix) in [
            (480, VideoColorMatrix::Bt601),
            (1_080, VideoColorMatrix::Bt709),
        ] {
            let whole = becomes(height, Some("1:0:0:0")).unwrap();
            assert_eq!(whole.range(), VideoColorRange::Range0_255);
            assert_eq!(whole.matrix(), matrix);
        }
        // What is said beside the range stays.
        let whole = becomes(480, Some("1:0:5:1")).unwrap();
        assert_eq!(whole.primaries(), VideoColorPrimaries::Bt709);
        for left_alone in [None, Some("bt709"), Some("1:4:0:0"), Some("nonsense")] {
            assert!(becomes(480, left_alone).is_none(), "{left_alone:?}");
        }
    }
}
