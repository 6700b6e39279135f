//! Decodes single packets.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::{Packet, broken};
use crate::media::{
    graph::Graph,
    protocol::{Fault, Side},
};

/// Packets in, pictures out.
pub struct Decoder {
    graph: Graph,
    source: gst_app::AppSrc,
    scale: gst::Element,
    sink: gst_app::AppSink,
}

impl Decoder {
    /// A decoder for packets like this one, whose pictures are as `wanted` says.
    ///
    /// # Errors
    /// When there is none.
    pub fn start(packet: &Packet, threads: u32, wanted: &gst::Caps) -> Result<Self, Fault> {
        let graph = Graph::new(Side::Decode)?;
        let caps = packet
            .sample()
            .caps()
            .ok_or_else(|| broken("parsebin", &"a packet without caps"))?;
        let source = gst_app::AppSrc::builder()
            .caps(&caps.to_owned())
            .format(gst::Format::Time)
            .block(true)
            .max_bytes(32 * 1024 * 1024)
            .build();
        graph.adopt(&source)?;
        let decode = graph.add("decodebin")?;
        decode.set_property("force-sw-decoders", true);
        let scale = graph.add("videoscale")?;
        let convert = graph.add("videoconvert")?;
        let sink = gst_app::AppSink::builder()
            .caps(wanted)
            .drop(false)
            .sync(false)
            .max_buffers(0)
            .build();
        graph.adopt(&sink)?;
        sink.set_property("async", false);
        graph.link(source.upcast_ref(), &decode)?;
        graph.link(&scale, &convert)?;
        graph.link(&convert, sink.upcast_ref())?;
        if let Some(bin) = decode.dynamic_cast_ref::<gst::Bin>() {
            let threads = i32::try_from(threads).unwrap_or(1);
            bin.connect_deep_element_added(move |_, _, element| {
                for name in ["max-threads", "threads"] {
                    let is_decoder = element
                        .factory()
                        .and_then(|f| f.metadata("klass").map(|k| k.contains("Decoder")));
                    if threads > 0
                        && is_decoder == Some(true)
                        && element
                            .find_property(name)
                            .is_some_and(|p| p.value_type() == i32::static_type())
                    {
                        element.set_property(name, threads);
                    }
                }
            });
        }
        let entry = scale.clone();
        decode.connect_pad_added(move |_, pad| {
            if let Some(entry) = entry.static_pad("sink").filter(|p| !p.is_linked()) {
                let _ = pad.link(&entry);
            }
        });
        graph.play()?;
        Ok(Self {
            graph,
            source,
            scale,
            sink,
        })
    }

    /// Lets only those pictures come out that are presented at one of these instants.
    pub fn only(&self, instants_ns: Vec<u64>) {
        let Some(entry) = self.scale.static_pad("sink") else {
            return;
        };
        entry.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let pts = info.buffer().and_then(|b| b.pts());
            match pts.is_some_and(|pts| instants_ns.contains(&pts.nseconds())) {
                true => gst::PadProbeReturn::Ok,
                false => gst::PadProbeReturn::Drop,
            }
        });
    }

    /// Gives it one packet.
    ///
    /// # Errors
    /// What the decoder says.
    pub fn feed(&self, packet: &Packet) -> Result<(), Fault> {
        let Some(buffer) = packet.sample().buffer_owned() else {
            return Ok(());
        };
        if self.source.push_buffer(buffer).is_err() {
            self.complain()?;
        }
        Ok(())
    }

    /// A picture that is decoded by now.
    ///
    /// # Errors
    /// What the decoder says.
    pub fn decoded(&self) -> Result<Option<gst::Sample>, Fault> {
        self.decoded_within(gst::ClockTime::ZERO)
    }

    /// A picture that is decoded by the end of `wait`; without one, [`Decoder::is_at_end`] tells whether
    /// there will be another.
    ///
    /// # Errors
    /// What the decoder says.
    pub fn decoded_within(&self, wait: gst::ClockTime) -> Result<Option<gst::Sample>, Fault> {
        self.complain()?;
        Ok(self.sink.try_pull_sample(wait))
    }

    /// Whether every picture before [`Decoder::end`] was taken.
    pub fn is_at_end(&self) -> bool {
        self.sink.is_eos()
    }

    /// Says that no packet follows.
    pub fn end(&self) {
        let _ = self.source.end_of_stream();
    }

    /// The next picture behind [`Decoder::end`]; none when there is no other.
    ///
    /// # Errors
    /// What the decoder says.
    pub fn rest(&self) -> Result<Option<gst::Sample>, Fault> {
        loop {
            if let Some(sample) = self.sink.try_pull_sample(gst::ClockTime::from_mseconds(50)) {
                return Ok(Some(sample));
            }
            if self.sink.is_eos() {
                return Ok(None);
            }
            self.complain()?;
        }
    }

    fn complain(&self) -> Result<(), Fault> {
        while let Some(message) = self.graph.bus().pop() {
            if message.type_() == gst::MessageType::Error {
                return Err(self.graph.fault_of(&message));
            }
        }
        Ok(())
    }
}
