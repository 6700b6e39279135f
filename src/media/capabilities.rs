//! What this machine's GStreamer has, for `doctor` and before a night begins.

use gstreamer as gst;
use gstreamer::prelude::*;

use super::{machine, profile::Requirement, protocol::Capabilities};

/// Looks each element up.
#[must_use]
pub fn capabilities(elements: Vec<Requirement>) -> Capabilities {
    let mut out = Capabilities {
        gstreamer: gst::version_string().to_string(),
        libraries: machine::made_with(),
        ..Capabilities::default()
    };
    for wanted in elements {
        match gst::ElementFactory::find(&wanted.element) {
            None => out.missing.push(wanted),
            Some(factory) => {
                let plugin = factory.plugin();
                let name = plugin
                    .as_ref()
                    .map_or_else(String::new, |p| p.plugin_name().to_string());
                let version = plugin.map_or_else(String::new, |p| p.version().to_string());
                out.present.push((wanted.element, name, version));
            }
        }
    }
    out
}

/// Elements that reading needs whatever the profile, each with its Debian package.
#[must_use]
pub fn reading_needs() -> Vec<Requirement> {
    const NEEDS: [(&str, &str); 17] = [
        ("filesrc", "libgstreamer1.0-0"),
        ("filesink", "libgstreamer1.0-0"),
        ("queue", "libgstreamer1.0-0"),
        ("appsink", "gstreamer1.0-plugins-base"),
        ("appsrc", "gstreamer1.0-plugins-base"),
        ("decodebin", "gstreamer1.0-plugins-base"),
        ("videoconvert", "gstreamer1.0-plugins-base"),
        ("videoscale", "gstreamer1.0-plugins-base"),
        ("audioconvert", "gstreamer1.0-plugins-base"),
        ("audioresample", "gstreamer1.0-plugins-base"),
        ("videoflip", "gstreamer1.0-plugins-good"),
        ("qtdemux", "gstreamer1.0-plugins-good"),
        ("avidemux", "gstreamer1.0-plugins-good"),
        ("matroskademux", "gstreamer1.0-plugins-good"),
        ("tsdemux", "gstreamer1.0-plugins-bad"),
        ("h264parse", "gstreamer1.0-plugins-bad"),
        ("avdec_h264", "gstreamer1.0-libav"),
    ];
    NEEDS
        .iter()
        .map(|(element, package)| Requirement {
            element: (*element).into(),
            package: (*package).into(),
        })
        .collect()
}
