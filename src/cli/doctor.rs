//! `recvault doctor`: what this machine has.

use comfy_table::{Table, presets};

use super::{
    Ended,
    args::{Args, Json},
    output,
};
use crate::{
    doctor::{self, Standing},
    service::{self, Failure},
};

pub(super) fn run(args: &Args, json: &Json) -> Result<Ended, Failure> {
    let (config, launch) = service::of_machine(args.store.as_deref())?;
    let checks = doctor::examine(args.store.as_deref(), &config, &launch.launch);
    if json.json {
        output::json(&checks);
    } else {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        for check in &checks {
            let mark = match check.standing {
                Standing::Good => "ok",
                Standing::Less => "less",
                Standing::Missing => "MISSING",
            };
            let advice = check
                .advice
                .as_ref()
                .map(|a| format!("\n→ {a}"))
                .unwrap_or_default();
            table.add_row([
                mark.to_owned(),
                check.what.clone(),
                format!("{}{advice}", check.seen),
            ]);
        }
        output::text(&table.to_string());
    }
    let missing = checks.iter().any(|c| c.standing == Standing::Missing);
    Ok(if missing {
        Ended::Attention
    } else {
        Ended::Clean
    })
}
