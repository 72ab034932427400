//! `certflight`: arguments in, exit code out; all else is the library's.

use std::process::ExitCode;

fn main() -> ExitCode {
    certflight::cli::main(std::env::args_os())
}
