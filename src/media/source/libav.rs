//! What the decoders complain about. A damaged picture is still a picture to GStreamer: the only
//! place where libav says that it mended one is its log.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use gstreamer as gst;

use super::super::protocol::clean_text;

static COUNT: AtomicU64 = AtomicU64::new(0);
static FIRST: Mutex<String> = Mutex::new(String::new());

/// Counts libav's errors in this process.
#[derive(Debug)]
pub struct DecoderComplaints;

impl DecoderComplaints {
    /// Begins to listen; once per process.
    pub fn listen() {
        gst::log::set_threshold_for_name("libav", gst::DebugLevel::Error);
        gst::log::set_active(true);
        gst::log::remove_default_log_function();
        gst::log::add_log_function(|category, level, _, _, _, _, message| {
            if level != gst::DebugLevel::Error || category.name() != "libav" {
                return;
            }
            if COUNT.fetch_add(1, Ordering::Relaxed) == 0
                && let (Ok(mut first), Some(text)) = (FIRST.lock(), message.get())
            {
                *first = clean_text(&text);
            }
        });
    }

    /// Complaints so far.
    #[must_use]
    pub fn count() -> u64 {
        COUNT.load(Ordering::Relaxed)
    }

    /// The first of them.
    #[must_use]
    pub fn first() -> String {
        FIRST.lock().map(|s| s.clone()).unwrap_or_default()
    }
}
