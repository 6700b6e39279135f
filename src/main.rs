//! The program: collects its arguments, hands them to the library, returns its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    recvault::base::killpoint::arm();
    recvault::cli::run(std::env::args_os())
}
