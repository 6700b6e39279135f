//! Which plugins a worker may load: those that read what recorders write, and those of its profile.
//! GStreamer would otherwise let a recording choose among some two hundred by what it looks like.

use gstreamer as gst;
use gstreamer::prelude::*;

/// Plugins by name, whether or not this machine has them.
const ALLOWED: [&str; 37] = [
    // Reading, and what holds pipelines together.
    "coreelements",
    "typefindfunctions",
    "playback",
    "app",
    "rawparse",
    // Containers.
    "isomp4",
    "avi",
    "matroska",
    "mpegtsdemux",
    "mpegpsdemux",
    "mpegtsmux",
    "wavparse",
    "flv",
    "amrparse",
    // Where packets begin.
    "videoparsersbad",
    "audioparsers",
    "jpegformat",
    "opusparse",
    // Codecs.
    "libav",
    "jpeg",
    "opus",
    "aom",
    "svtav1",
    "x264",
    "x265",
    "vpx",
    "flac",
    "mpg123",
    "alaw",
    "mulaw",
    "adpcmdec",
    "amrnb",
    "amrwbdec",
    // Formats of pictures and sound.
    "videoconvertscale",
    "videofilter",
    "audioconvert",
    "audioresample",
];

/// The same as Debian 11 and newer releases divide them.
const ALLOWED_ELSEWHERE: [&str; 3] = ["videoconvert", "videoscale", "a52dec"];

/// What the names of elements begin with that stand for all that libavformat reads and writes, of which
/// recorders write nothing that the plugins above do not read.
const FORMATS_OF_LIBAV: [&str; 2] = ["avdemux_", "avmux_"];

/// Takes all others out of this process's registry, those that have these elements excepted.
pub(super) fn keep_allowed(elements: &[String]) {
    let registry = gst::Registry::get();
    let of_plan: Vec<_> = elements
        .iter()
        .filter_map(|name| gst::ElementFactory::find(name)?.plugin())
        .map(|plugin| plugin.plugin_name())
        .collect();
    for plugin in registry.plugins() {
        let name = plugin.plugin_name();
        let allowed = ALLOWED.iter().chain(&ALLOWED_ELSEWHERE);
        // What is built into GStreamer itself has no file to load.
        let built_in = plugin.filename().is_none();
        if !built_in && !of_plan.contains(&name) && !allowed.into_iter().any(|a| *a == name) {
            registry.remove_plugin(&plugin);
        }
    }
    for feature in registry.features_by_plugin("libav") {
        let name = feature.name();
        let of_profile = elements.iter().any(|element| *element == name);
        if !of_profile && FORMATS_OF_LIBAV.iter().any(|f| name.starts_with(f)) {
            registry.remove_feature(&feature);
        }
    }
}
