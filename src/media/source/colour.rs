//! Whether luma runs over the whole byte, where container and stream disagree.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video::{
    VideoColorMatrix, VideoColorPrimaries, VideoColorRange, VideoColorimetry, VideoTransferFunction,
};

/// Lets the stream say its own range where a container says "limited": that is what a QuickTime
/// colour box without a range flag is read as, whatever the stream says, and then black and white
/// of a full-range recording would be cut off by whoever plays the rendition. To be called while
/// the demuxer's pad is new.
pub(super) fn range_by_the_stream(pad: &gst::Pad) {
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
        let unsaid = info.event().and_then(without_limited);
        if let Some(event) = unsaid {
            info.data = Some(gst::PadProbeData::Event(event));
        }
        gst::PadProbeReturn::Ok
    });
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
    Some(
        gst::event::Caps::builder(&caps)
            .seqnum(event.seqnum())
            .build(),
    )
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
}
