//! Whether luma runs over the whole byte, where container and stream disagree.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video::{VideoColorRange, VideoColorimetry};

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
    let unsaid = VideoColorimetry::new(
        VideoColorRange::Unknown,
        said.matrix(),
        said.transfer(),
        said.primaries(),
    );
    caps.make_mut().set("colorimetry", unsaid.to_string());
    Some(
        gst::event::Caps::builder(&caps)
            .seqnum(event.seqnum())
            .build(),
    )
}
