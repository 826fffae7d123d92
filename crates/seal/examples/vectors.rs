//! Writes the format's test vectors into a folder: `cargo xtask vectors`.

use std::{env, io, path::Path, process::ExitCode};
use svault_seal::{Error, vectors};

fn main() -> Result<ExitCode, Error> {
    let Some(dir) = env::args_os().nth(1) else {
        return Err(Error::io(
            Path::new("vectors"),
            "which folder? give",
            io::ErrorKind::InvalidInput.into(),
        ));
    };
    vectors::write_all(Path::new(&dir))?;
    Ok(ExitCode::SUCCESS)
}
