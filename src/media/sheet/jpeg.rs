//! One picture as a JPEG file.
//!
//! ```text
//! appsrc  RGB ─ videoconvert ─ YCbCr as JFIF has it ─ jpegenc ─ appsink
//! ```

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use crate::media::{
    graph::{Graph, fault},
    protocol::{Fault, Side},
};

/// Quality of 100: letters stay clean, and a sheet has some hundred kilobytes.
const QUALITY: i32 = 85;

/// Encodes rows of three bytes a pixel; the width is a multiple of four.
///
/// # Errors
/// When the encoder is missing or fails.
pub fn encode(rows: Vec<u8>, width: usize, height: usize) -> Result<Vec<u8>, Fault> {
    let refuse = |e: &dyn std::fmt::Display| fault(Side::Encode, "jpegenc", &e.to_string());
    let side = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let info =
        gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgb, side(width), side(height))
            .fps(gst::Fraction::new(1, 1))
            .build()
            .map_err(|e| refuse(&e))?;
    if info.size() != rows.len() {
        return Err(refuse(&"rows of another size"));
    }
    let graph = Graph::new(Side::Encode)?;
    let source = gst_app::AppSrc::builder()
        .caps(&info.to_caps().map_err(|e| refuse(&e))?)
        .format(gst::Format::Time)
        .build();
    graph.adopt(&source)?;
    // Of RGB the encoder would make a file of RGB, which is larger and which not everything shows.
    let convert = graph.add("videoconvert")?;
    let filter = graph.add("capsfilter")?;
    let jfif = gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("colorimetry", "1:4:0:0")
        .build();
    filter.set_property("caps", jfif);
    let encode = graph.add("jpegenc")?;
    encode.set_property("quality", QUALITY);
    let sink = gst_app::AppSink::builder().sync(false).build();
    graph.adopt(&sink)?;
    sink.set_property("async", false);
    graph.link(source.upcast_ref(), &convert)?;
    graph.link(&convert, &filter)?;
    graph.link(&filter, &encode)?;
    graph.link(&encode, sink.upcast_ref())?;
    graph.play()?;
    let mut buffer = gst::Buffer::from_mut_slice(rows);
    if let Some(buffer) = buffer.get_mut() {
        buffer.set_pts(gst::ClockTime::ZERO);
    }
    source.push_buffer(buffer).map_err(|e| refuse(&e))?;
    let _ = source.end_of_stream();
    loop {
        if let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_mseconds(50)) {
            let buffer = sample.buffer().ok_or_else(|| refuse(&"an empty sample"))?;
            let map = buffer.map_readable().map_err(|e| refuse(&e))?;
            return Ok(map.as_slice().to_vec());
        }
        while let Some(message) = graph.bus().pop() {
            if message.type_() == gst::MessageType::Error {
                return Err(graph.fault_of(&message));
            }
        }
        if sink.is_eos() {
            return Err(refuse(&"nothing came out"));
        }
    }
}
