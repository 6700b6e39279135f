//! A GStreamer pipeline that always ends. Whoever drops a [`Graph`] stops it: elements that are
//! not set to Null keep their threads and their files.

use gstreamer as gst;
use gstreamer::prelude::*;

use super::protocol::{Fault, Side, clean_text};

/// A pipeline and its bus, set to Null on drop.
#[derive(Debug)]
pub struct Graph {
    pipeline: gst::Pipeline,
    bus: gst::Bus,
    side: Side,
}

impl Graph {
    /// An empty pipeline for one half of the work.
    ///
    /// # Errors
    /// When GStreamer has no bus for it, which would be a defect.
    pub fn new(side: Side) -> Result<Self, Fault> {
        let pipeline = gst::Pipeline::new();
        let bus = pipeline
            .bus()
            .ok_or_else(|| fault(side, "", "a pipeline without a bus"))?;
        Ok(Self {
            pipeline,
            bus,
            side,
        })
    }

    /// The pipeline, to add elements to.
    #[must_use]
    pub fn pipeline(&self) -> &gst::Pipeline {
        &self.pipeline
    }

    /// The bus, to read messages from.
    #[must_use]
    pub fn bus(&self) -> &gst::Bus {
        &self.bus
    }

    /// Makes an element and adds it.
    ///
    /// # Errors
    /// When there is no such element.
    pub fn add(&self, factory: &str) -> Result<gst::Element, Fault> {
        let element = gst::ElementFactory::make(factory).build().map_err(|_| {
            fault(
                self.side,
                factory,
                "there is no such element on this machine",
            )
        })?;
        self.adopt(&element)?;
        Ok(element)
    }

    /// Adds an element that was made elsewhere.
    ///
    /// # Errors
    /// When the pipeline refuses it.
    pub fn adopt(&self, element: &impl IsA<gst::Element>) -> Result<(), Fault> {
        self.pipeline.add(element).map_err(|e| {
            fault(
                self.side,
                &element.upcast_ref::<gst::Element>().name(),
                &e.to_string(),
            )
        })
    }

    /// Makes a bin out of launch text, with its open ends as pads, and adds it.
    ///
    /// # Errors
    /// What GStreamer says of the text.
    pub fn add_text(&self, text: &str) -> Result<gst::Element, Fault> {
        let bin = gst::parse::bin_from_description_with_name(text, true, "")
            .map_err(|e| fault(self.side, text, &e.to_string()))?;
        self.adopt(&bin)?;
        Ok(bin.upcast())
    }

    /// Links two elements.
    ///
    /// # Errors
    /// When their formats have nothing in common.
    pub fn link(&self, from: &gst::Element, to: &gst::Element) -> Result<(), Fault> {
        from.link(to).map_err(|_| {
            fault(
                self.side,
                &from.name(),
                &format!("cannot be linked to {}", to.name()),
            )
        })
    }

    /// Starts it.
    ///
    /// # Errors
    /// The first error on the bus, or that it would not start.
    pub fn play(&self) -> Result<(), Fault> {
        match self.pipeline.set_state(gst::State::Playing) {
            Ok(_) => Ok(()),
            Err(_) => {
                let seen = self.bus.pop_filtered(&[gst::MessageType::Error]);
                Err(seen.map_or_else(
                    || fault(self.side, "", "the pipeline does not start"),
                    |m| self.fault_of(&m),
                ))
            }
        }
    }

    /// Stops it; whoever waits in it comes back.
    pub fn stop(&self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }

    /// An error or warning message as a fault that names its element.
    #[must_use]
    pub fn fault_of(&self, message: &gst::Message) -> Fault {
        let element = message
            .src()
            .map(|s| s.name().to_string())
            .unwrap_or_default();
        let (error, debug) = match message.view() {
            gst::MessageView::Error(e) => (e.error().to_string(), e.debug()),
            gst::MessageView::Warning(w) => (w.error().to_string(), w.debug()),
            _ => (String::new(), None),
        };
        // The debug text's last line holds the fact; the lines before it name source files.
        // Where all of it names source files and objects, nobody but us could read it.
        let detail = debug
            .as_deref()
            .and_then(|d| d.lines().last())
            .filter(|d| !d.contains("/Gst") && !d.contains(".c("))
            .unwrap_or("");
        let text = if detail.is_empty() || error.contains(detail) {
            error
        } else {
            format!("{error} ({detail})")
        };
        fault(self.side, &element, &text)
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A fault with its texts made fit to send.
#[must_use]
pub fn fault(side: Side, element: &str, text: &str) -> Fault {
    Fault {
        element: clean_text(element),
        text: clean_text(text),
        side,
    }
}
