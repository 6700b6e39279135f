//! Layer 7. What a night and a recording look like to people and to other programs.
//!
//! Everything here is a pure function from data to text, but for [`mod@write`], which puts the night's
//! three files on the disk. Nothing is printed and no store is opened.
//!
//! Invariants:
//! - **No picture and no sound of any recording** is in a report. What is drawn comes from mean
//!   luma and sound level ([`crate::recording::Timeline`]) and from nowhere else.
//! - **Text from recorders is hostile.** Names, devices, remarks and sentences pass
//!   [`wording::printable`] before they reach a terminal or a page, and the page forbids scripts
//!   and the network to itself besides.
//! - **Nothing is left out silently.** Where a page or a list is cut short, it says so and where
//!   the rest is.
//!
//! How it fails: rendering cannot. An unknown time zone is shown as UTC; writing answers with
//! [`write::ReportError`].

pub mod access;
mod emergency;
pub mod night_html;
pub mod night_json;
pub mod prometheus;
pub mod record_json;
mod scatter;
mod svg;
pub mod terminal;
pub mod wording;
pub mod write;

#[cfg(test)]
pub(crate) mod fixture;

pub use access::{access_csv, access_html, access_json, access_report};
pub use night_html::night_html;
pub use night_json::night_json;
pub use prometheus::night_prometheus;
pub use record_json::{list_json, show_json};
pub use scatter::{Dot, scatter};
pub use terminal::Style;
pub use write::{ReportError, Written, write_night};
