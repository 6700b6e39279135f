//! `recvault registry`: recorders, officers, and who held what when.

use std::fs;

use comfy_table::{Table, presets};

use super::{
    Ended,
    args::{Args, Registry, RegistryCommand},
    output, store,
};
use crate::{
    base::ErrorKind,
    service::{Answer, Command, Failure},
};

pub(super) fn run(args: &Args, registry: &Registry) -> Result<Ended, Failure> {
    match &registry.command {
        RegistryCommand::Import {
            file,
            dry_run,
            json,
        } => {
            let csv = fs::read(file).map_err(|e| {
                Failure::new(
                    ErrorKind::Usage,
                    format!("{} cannot be read: {e}", file.display()),
                )
            })?;
            let answer = store::ask(
                args,
                Command::RegistryImport {
                    csv,
                    dry_run: *dry_run,
                },
                &(),
            )?;
            imported(&answer, *json)
        }
        RegistryCommand::Show(json) => {
            show(&store::ask(args, Command::RegistryShow, &())?, json.json)
        }
    }
}

fn imported(answer: &Answer, json: bool) -> Result<Ended, Failure> {
    let Answer::Imported {
        changes,
        unchanged,
        warnings,
        dry_run,
    } = answer
    else {
        return Err(store::other_answer());
    };
    if json {
        output::json(answer);
        return Ok(Ended::Clean);
    }
    for change in changes {
        output::text(&format!("  {change}"));
    }
    for warning in warnings {
        output::note(&format!("note: {warning}"));
    }
    let verb = if *dry_run { "would change" } else { "changed" };
    output::text(&format!(
        "{} entries {verb}, {unchanged} were so already",
        changes.len()
    ));
    Ok(Ended::Clean)
}

fn show(answer: &Answer, json: bool) -> Result<Ended, Failure> {
    let Answer::Register {
        devices,
        officers,
        assignments,
    } = answer
    else {
        return Err(store::other_answer());
    };
    if json {
        output::json(answer);
        return Ok(Ended::Clean);
    }
    output::text(&table(&["recorder", "model", "unit", "held by"], devices));
    output::text("");
    output::text(&table(&["officer", "name", "unit"], officers));
    output::text("");
    output::text(&table(&["recorder", "officer", "from", "to"], assignments));
    Ok(Ended::Clean)
}

fn table<const N: usize>(head: &[&str; N], rows: &[[String; N]]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head);
    for row in rows {
        table.add_row(row);
    }
    table.to_string()
}
