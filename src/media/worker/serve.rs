//! The worker's side: one request, its answer, and the end.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, Write},
    os::fd::{AsFd, OwnedFd},
};

use gstreamer as gst;

use super::{
    Containment, INPUT_FD, LANDLOCK_KNOWN, NICE, OUTPUT_FD, PARENT, READS, Rooms, contain,
    plugins::keep_allowed,
};
use crate::media::{
    capabilities::capabilities,
    derive::{Wire, derive},
    excerpt::excerpt,
    graph::fault,
    likeness::likeness,
    protocol::{Message, ProtocolError, Request, Side, VERSION},
    salvage::shape,
    sheet::sheet,
    source::DecoderComplaints,
    svtav1,
    trace::trace,
    verify::verify,
};

/// Answers the parent's request on these two and gives back the exit code: 0 when the answer was
/// given, 1 when there was nobody to give it to.
pub fn serve(input: &mut dyn BufRead, output: &mut dyn Write) -> u8 {
    if settle_down().is_err() {
        return 1;
    }
    match answer(&mut Wire::new(input, output)) {
        Ok(()) => 0,
        Err(_) => 1,
    }
}

/// Dies with its parent, and gives way to others.
fn settle_down() -> rustix::io::Result<()> {
    close_strangers();
    // Where memory runs out it is this process that ends, and not the one that keeps the store.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    use rustix::process::{Signal, getppid, set_parent_process_death_signal, setpriority_process};
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<i32>().ok());
    // The parent may have ended before the kernel was told to watch it.
    if let Some(parent) = number(PARENT)
        && getppid()
            .map(rustix::process::Pid::as_raw_nonzero)
            .map(std::num::NonZero::get)
            != Some(parent)
    {
        return Err(rustix::io::Errno::SRCH);
    }
    let _ = setpriority_process(None, number(NICE).unwrap_or(0).clamp(0, 19));
    Ok(())
}

/// Closes whatever else came along from whoever started the parent.
fn close_strangers() {
    let first = OUTPUT_FD.cast_unsigned() + 1;
    // SAFETY: the process has only begun; nothing in it owns a descriptor beyond these.
    let _ = unsafe { libc::close_range(first, u32::MAX, 0) };
}

fn answer(wire: &mut Wire<'_>) -> Result<(), ProtocolError> {
    wire.say(&Message::Hello { version: VERSION })?;
    let Some(request) = wire.hear::<Request>()? else {
        return Ok(());
    };
    let started = |wire: &mut Wire<'_>| match start_gstreamer() {
        Ok(()) => Ok(true),
        Err(e) => {
            let fault = fault(Side::Encode, "gstreamer", &e);
            wire.say(&Message::Fault(fault)).map(|()| false)
        }
    };
    // What this machine has is asked without a recording: it also writes the registry of plugins.
    if let Request::Capabilities { elements } = request {
        if !started(wire)? {
            return Ok(());
        }
        let mut found = capabilities(elements);
        found.containment = confine();
        return wire.say(&Message::Capabilities(Box::new(found)));
    }
    let _ = confine();
    if !started(wire)? {
        return Ok(());
    }
    keep_allowed(match &request {
        Request::Derive(job) => &job.elements,
        _ => &[],
    });
    let file = match input() {
        Ok(file) => file,
        Err(e) => {
            let fault = fault(Side::Decode, "input", &e.to_string());
            return wire.say(&Message::Fault(fault));
        }
    };
    let file = file.as_fd();
    match request {
        Request::Derive(job) => derive(&job, file, output(), wire),
        Request::Sheet(job) => sheet(&job, file, output(), wire),
        Request::Verify(job) => verify(&job, file, wire),
        Request::Trace(job) => trace(&job, file, wire),
        Request::Excerpt(job) => excerpt(&job, file, wire),
        Request::Shape => shape(file, wire),
        Request::Likeness(job) => likeness(&job, file, output(), wire),
        Request::Capabilities { .. } => Ok(()),
    }
}

/// Gives up what the work does not take. The parent names what is left by the environment.
fn confine() -> Containment {
    let paths = |name: &str| std::env::var_os(name).unwrap_or_default();
    let (named, registry) = (paths(READS), paths("GST_REGISTRY_1_0"));
    let reads = std::env::split_paths(&named).chain([registry.into()]);
    contain(&Rooms {
        reads: reads.filter(|path| !path.as_os_str().is_empty()).collect(),
        scratch: std::env::var_os("TMPDIR").map(Into::into),
        landlock: LANDLOCK_KNOWN,
    })
}

fn start_gstreamer() -> Result<(), String> {
    gst::init().map_err(|e| e.to_string())?;
    // A machine without the library still has every other profile, and `capabilities` names the
    // element that is missing.
    let _ = svtav1::register();
    DecoderComplaints::listen();
    Ok(())
}

/// The inherited file, opened once more so that its position is nobody else's.
fn input() -> std::io::Result<File> {
    File::open(format!("/proc/self/fd/{INPUT_FD}"))
}

fn output() -> Option<OwnedFd> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(format!("/proc/self/fd/{OUTPUT_FD}"))
        .ok()
        .map(OwnedFd::from)
}
