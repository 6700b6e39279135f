//! AV1 by SVT-AV1 where GStreamer has no element for it. After [`register`], the name `svtav1enc`
//! makes an encoder whose output has one temporal unit per input frame, in presentation order,
//! with that frame's own timestamp and duration.
//!
//! - `libSvtAv1Enc.so.1` is loaded when it is first wanted, never linked: the program starts on
//!   machines without it, and then every other profile still works.
//! - The element is registered only where GStreamer knows none of that name. Ours also answers to
//!   the property names of GStreamer's own element (`intra-period-length`, `logical-processors`,
//!   `parameters-string`), so a description that uses those and `preset` and `crf` runs on both.
//! - The library copies a frame's planes while it takes the frame; nothing is copied before that.
//! - Groups of pictures are closed, so that each can be decoded and checked by itself.
//!
//! How it fails: without the library, or with a release whose structures these bindings do not
//! know, [`register`] says so and nothing is registered. A setting that the library refuses is
//! named in the element's error before the first frame is encoded. A fault inside the library is an
//! element error, and the process is then expected to end; a crash there is the worker's to survive.
//!
//! The library writes to standard error by itself. `SVT_LOG=1` in the environment of the process
//! keeps it to its errors.

mod encoder;
mod error;
mod imp;
mod library;
mod settings;

use gst::glib;
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;

pub use error::SvtAv1Error;

/// The name under which the element is made, GStreamer's own and ours alike.
pub const ELEMENT_NAME: &str = "svtav1enc";

glib::wrapper! {
    /// The element over `libSvtAv1Enc`, as GStreamer sees it.
    pub struct SvtAv1Enc(ObjectSubclass<imp::SvtAv1Enc>)
        @extends gst_video::VideoEncoder, gst::Element, gst::Object;
}

/// Who stands behind the name `svtav1enc` in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// A plugin of this machine's GStreamer.
    System,
    /// The element of this module, over the library release named.
    Own {
        /// As the library says it, such as `v1.4.1`.
        version: String,
    },
}

/// Makes sure that `svtav1enc` can be made, and says by whom. Calling it again changes nothing.
/// GStreamer must have been initialised.
///
/// # Errors
/// The library is absent or of an unknown release, or GStreamer refuses the element.
pub fn register() -> Result<Provider, SvtAv1Error> {
    // Ours belongs to no plugin, and that tells the two apart on a second call.
    let known = gst::ElementFactory::find(ELEMENT_NAME);
    if known.is_some_and(|factory| factory.plugin().is_some()) {
        return Ok(Provider::System);
    }
    let version = library::open()?.version.clone();
    if gst::ElementFactory::find(ELEMENT_NAME).is_none() {
        gst::Element::register(
            None,
            ELEMENT_NAME,
            gst::Rank::NONE,
            SvtAv1Enc::static_type(),
        )
        .map_err(|source| SvtAv1Error::Register {
            reason: source.to_string(),
        })?;
    }
    Ok(Provider::Own { version })
}

#[cfg(test)]
mod tests;
