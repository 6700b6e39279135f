//! A demuxer that ended and whose reason was lost.
//!
//! While `decodebin` and `parsebin` try an element out they keep its errors to themselves, and they let
//! it run a moment before they stop doing so (`connect_pad` in `gstdecodebin2.c` of GStreamer 1.22, and
//! `gstparsebin.c`: the stream's lock is given back before `remove_error_filter`). What a demuxer says
//! in that moment, as it does of a file of a few bytes, nobody hears: no error, no end, no track, ever.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use gstreamer as gst;
use gstreamer::{glib, prelude::*};

use super::{
    graph::fault,
    protocol::{Fault, Side},
};

/// How long a demuxer that has ended is given to be heard; its error is on its way when it ends.
const PATIENCE: Duration = Duration::from_secs(1);

/// Watches the demuxer of a reading bin.
#[derive(Debug)]
pub struct Mute {
    demuxer: Arc<OnceLock<glib::WeakRef<gst::Element>>>,
    ended: Option<Instant>,
    told: bool,
}

impl Mute {
    /// Watches whatever demuxer this bin comes to choose.
    #[must_use]
    pub fn watch(bin: &gst::Element) -> Self {
        let demuxer: Arc<OnceLock<_>> = Arc::default();
        if let Some(bin) = bin.dynamic_cast_ref::<gst::Bin>() {
            let seen = Arc::clone(&demuxer);
            bin.connect_deep_element_added(move |_, _, element| {
                let factory = element.factory();
                let class = factory.as_ref().and_then(|f| f.metadata("klass"));
                if class.is_some_and(|class| class.contains("Demux")) {
                    let _ = seen.set(element.downgrade());
                }
            });
        }
        Self {
            demuxer,
            ended: None,
            told: false,
        }
    }

    /// To be asked when the bus is silent and no track is known yet: the fault that stands for the lost
    /// one, once the demuxer has read its last and said nothing of it. It is told once.
    pub fn fault(&mut self) -> Option<Fault> {
        if self.told {
            return None;
        }
        let demuxer = self.demuxer.get()?.upgrade()?;
        // One that is fed by another's thread has no task of its own, and loses nothing.
        let task = demuxer.static_pad("sink")?.task_state();
        if task != gst::TaskState::Paused {
            self.ended = None;
            return None;
        }
        let since = self.ended.get_or_insert_with(Instant::now);
        let text = "it ended before the first track and did not say why";
        self.told = since.elapsed() >= PATIENCE;
        self.told
            .then(|| fault(Side::Decode, &demuxer.name(), text))
    }
}
