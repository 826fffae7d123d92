//! The executables by which a client's processes are matched.

use super::{Executable, Spec};
use crate::machine::Machine;
use std::path::{Component, Path, PathBuf};

/// The client's own executables on this machine, links on the way left as they are; none where it runs as an
/// interpreter or an editor that others use too.
#[must_use]
pub fn executables(spec: &Spec, machine: &Machine) -> Vec<PathBuf> {
    let Executable::Own(beside) = spec.executable else { return Vec::new() };
    let mut found = Vec::new();
    for command in spec.programs.iter().filter_map(|p| machine.program(p)) {
        if is_native(&command) {
            found.push(command);
            continue;
        }
        // A script: the executable lies in a package beside the script's own.
        let Ok(script) = command.canonicalize() else { continue };
        let Some(package) = package(&script) else { continue };
        let all = beside.iter().flat_map(|pattern| matching(&package, pattern));
        found.extend(all.filter_map(|p| p.canonicalize().ok()).filter(|p| is_native(p)));
    }
    found.sort();
    found.dedup();
    found
}

/// The nearest folder above with a package.json.
fn package(script: &Path) -> Option<PathBuf> {
    script.ancestors().skip(1).take(4).find(|f| f.join("package.json").is_file()).map(Path::to_owned)
}

/// Whether a file is a program of the machine itself, and no script.
fn is_native(path: &Path) -> bool {
    let mut head = [0; 4];
    let read = std::fs::File::open(path).and_then(|mut f| std::io::Read::read_exact(&mut f, &mut head));
    let mach = [[0xcf, 0xfa, 0xed, 0xfe], [0xca, 0xfe, 0xba, 0xbe]];
    read.is_ok() && (head == *b"\x7fELF" || mach.contains(&head) || head[..2] == *b"MZ")
}

/// Paths below a folder, where a `*` in a step stands for the rest of one name.
fn matching(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for step in Path::new(pattern).components() {
        let mut next = Vec::new();
        for at in &found {
            match step {
                Component::ParentDir => next.extend(at.parent().map(Path::to_owned)),
                _ => next.extend(children(at, &step.as_os_str().to_string_lossy())),
            }
        }
        found = next;
    }
    found
}

fn children(folder: &Path, name: &str) -> Vec<PathBuf> {
    let Some(start) = name.strip_suffix('*') else {
        let path = folder.join(name);
        return if path.exists() { vec![path] } else { Vec::new() };
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let fits = entries.filter(|e| e.file_name().to_string_lossy().starts_with(start));
    fits.map(|e| e.path()).collect()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::machine::System;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn program(path: &Path, bytes: &[u8]) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_script_leads_to_the_executable_beside_it_and_never_to_its_interpreter() {
        let home = tempfile::tempdir().unwrap();
        let top = home.path().canonicalize().unwrap();
        let modules = top.join("lib/node_modules");
        let script = modules.join("@openai/codex/bin/codex.js");
        program(&script, b"#!/usr/bin/env node\n");
        std::fs::write(modules.join("@openai/codex/package.json"), "{}").unwrap();
        let native = modules.join("@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex");
        program(&native, b"\x7fELF....");
        program(&top.join("bin/node"), b"\x7fELF....");
        symlink(&script, top.join("bin/codex")).unwrap();
        program(&top.join("bin/gemini"), b"#!/usr/bin/env node\n");
        let path = [("PATH".to_owned(), top.join("bin").into_os_string())];
        let machine = Machine::new(top.clone(), System::Linux, path);
        assert_eq!(executables(crate::clients::spec(crate::Client::Codex), &machine), [native]);
        assert!(executables(crate::clients::spec(crate::Client::Gemini), &machine).is_empty());
    }
}
