//! What can be wrong with a band before the first frame is painted.

use thiserror::Error;

use crate::base::{ErrorKind, Explain};

/// The band cannot be made as asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BandError {
    /// The picture is empty or beyond what any codec carries.
    #[error("a picture of {width}x{height} pixels cannot carry a band")]
    PictureSize {
        /// Its width in pixels.
        width: usize,
        /// Its height in pixels.
        height: usize,
    },
    /// A plane has fewer bytes than its size and stride need.
    #[error("a plane of {width}x{height} with {stride} bytes a row has only {bytes} bytes")]
    PlaneShort {
        /// Its width in samples.
        width: usize,
        /// Its height in samples.
        height: usize,
        /// Bytes from one row to the next.
        stride: usize,
        /// Bytes that were given.
        bytes: usize,
    },
    /// Planes, layout or subsampling do not belong together.
    #[error("the planes do not fit the layout: expected {expected}, got {got}")]
    PlanesDiffer {
        /// What the layout says.
        expected: String,
        /// What was given.
        got: String,
    },
    /// The bytes are not a font, or the collection has no such face.
    #[error("face {index} of the band's font cannot be read")]
    FontUnreadable {
        /// Index of the face within a collection; 0 for a plain font.
        index: usize,
    },
    /// The template names something that a band does not know.
    #[error("the band's text has an unknown placeholder '{{{0}}}'")]
    PlaceholderUnknown(String),
    /// A brace in the template has no partner.
    #[error("the band's text has a brace without its partner at character {0}")]
    BraceUnmatched(usize),
    /// The template is empty or has more lines than the band has room for.
    #[error("the band's text has {0} lines; it may have 1 to 4")]
    LineCount(usize),
    /// The block code could not be made. A defect: its length is fixed.
    #[error("the block code could not be encoded")]
    Code,
}

impl Explain for BandError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::FontUnreadable { .. } | Self::PictureSize { .. } => ErrorKind::Fault,
            Self::PlaceholderUnknown(_) | Self::BraceUnmatched(_) | Self::LineCount(_) => {
                ErrorKind::Usage
            }
            Self::PlaneShort { .. } | Self::PlanesDiffer { .. } | Self::Code => ErrorKind::Defect,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::FontUnreadable { .. } => Some(
                "name a TrueType or OpenType font; Debian's fonts-wqy-microhei has Latin and CJK"
                    .to_owned(),
            ),
            Self::PlaceholderUnknown(_) => Some(format!(
                "known are {}",
                super::template::PLACEHOLDERS
                    .map(|p| format!("{{{p}}}"))
                    .join(", ")
            )),
            Self::BraceUnmatched(_) => Some("write {{ or }} for a brace itself".to_owned()),
            _ => None,
        }
    }
}
