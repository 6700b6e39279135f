//! `recvault init`: lay out a new store.

use super::{Ended, args::Init, output};
use crate::service::{self, Failure};

pub(super) fn run(init: &Init) -> Result<Ended, Failure> {
    service::init(&init.dir, &init.office, &init.time_zone)?;
    let dir = init.dir.display();
    output::text(&format!(
        "A store lies in {dir}.\n\
         \n\
         \x20 {dir}/recvault.toml   every setting, explained\n\
         \x20 {dir}/inbox           put recorder files here\n\
         \n\
         Next: recvault --store {dir} registry import FILE.csv, then recvault --store {dir} batch."
    ));
    Ok(Ended::Clean)
}
