//! Where signals can't be told apart by their sender: the command is in the same process group, which is how a
//! terminal's signals reach it. Signals sent to svault alone are not passed on here.

use super::{Orphans, cannot_start, code_of};
use crate::report::Error;
use std::process::Command;

pub fn run(mut command: Command, _orphans: Orphans) -> Result<u8, Error> {
    let mut child = command.spawn().map_err(|e| cannot_start(&command, &e))?;
    drop(command);
    let status = child.wait().map_err(|e| Error::failed("can't wait for the command", e))?;
    Ok(code_of(status))
}
