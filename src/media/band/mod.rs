//! The band above the picture: who recorded it, which recording it is, which second it shows, as
//! text for a person and as codes that a program reads back after re-encoding.
//!
//! Invariants:
//! - In mode `above` no pixel of the picture is touched; in mode `overlay` only the top rows are.
//! - Where the codes stand follows from the frame's width alone, counted from its top right corner,
//!   so that a reader needs nothing but a frame of the rendition.
//! - A second that is not proven is never written as wall-clock time: the text says
//!   `clock unverified`, the code carries its elapsed flag.
//! - Painting fails only on planes that are not a canvas of the painter's layout; font, template
//!   and size were checked before the first frame.
//! - What was done to a copy since is found out by looking for the code: [`Search`] needs no place
//!   and no size.
//!
//! It fails with [`BandError`] when the font is none, the template names an unknown placeholder,
//! the picture has no size, or given planes are shorter than they claim; reading fails with
//! [`ReadError`].

mod code;
mod error;
mod layout;
mod painter;
mod planes;
mod read;
mod search;
mod seconds;
mod template;
mod typeset;

pub use code::{Payload, Symbol};
pub use error::BandError;
pub use layout::{BandMode, CodePlace, Layout, Padding, Rect};
pub use painter::Painter;
pub use planes::{Plane, PlaneMut, Planes, PlanesMut, fit};
pub use read::{CodeRead, ReadError, read};
pub use search::{Search, Sight, Spot, agrees_with, payload_of};
pub use template::{Mark, Template};
pub use typeset::{Font, Typesetter, missing_glyphs};
