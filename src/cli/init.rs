//! `recvault init`: lay out a new store.

use std::fs;

use super::{
    Ended,
    args::{Approvers, Init},
    output,
};
use crate::{
    base::ErrorKind,
    service::{self, Failure},
};

pub(super) fn run(init: &Init) -> Result<Ended, Failure> {
    let approvers = read(&init.approvers)?;
    let roster = service::init(&init.dir, &init.office, &init.time_zone, &approvers)?;
    let dir = init.dir.display();
    output::text(&format!(
        "A store lies in {dir}.\n\
         \n\
         \x20 {dir}/recvault.toml   every setting, explained\n\
         \x20 {dir}/inbox           put recorder files here\n\
         \n\
         roster hash  {roster}\n"
    ));
    if approvers.keys.is_empty() {
        output::text(
            "This store has no approvers: nothing in it can ever be disposed of, and no hold be\n\
             released. To have them, lay it out with --approver-key and two public keys of Market\n\
             Management.\n",
        );
    } else {
        output::text(
            "Market Management keeps this hash, on paper: a log of another name is not this store's.\n",
        );
        if approvers.uids.is_empty() {
            output::text(
                "The approvers' user ids are not known (--approver-uid): they approve looks only of people\n\
                 whom the roster names; recvault rule roster changes it.\n",
            );
        }
    }
    output::text(&format!(
        "Next: recvault --store {dir} registry import FILE.csv, then recvault --store {dir} batch."
    ));
    Ok(Ended::Clean)
}

/// Public keys, each a line of a file, and uids.
pub(super) fn read(approvers: &Approvers) -> Result<service::Approvers, Failure> {
    let keys = approvers.approver_key.iter().map(|path| {
        fs::read_to_string(path).map_err(|e| {
            Failure::new(
                ErrorKind::Usage,
                format!("{} cannot be read: {e}", path.display()),
            )
        })
    });
    Ok(service::Approvers {
        keys: keys.collect::<Result<_, _>>()?,
        uids: approvers.approver_uid.clone(),
    })
}
