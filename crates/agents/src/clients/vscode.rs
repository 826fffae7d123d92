//! VS Code: its own agent, and the harnesses of other agents in it, which read those agents' files. Its Insiders edition
//! has a folder of its own and may stand beside it.

use super::{Executable, Place, Spec, Target, claude, copilot};
use crate::Client;
use crate::config::Edit;
use crate::machine::Machine;
use crate::svault::Svault;
use serde_json::json;
use std::path::PathBuf;

const PLAIN: Edition = Edition { program: "code", user: "Code/User", in_home: ".vscode" };
const INSIDERS: Edition =
    Edition { program: "code-insiders", user: "Code - Insiders/User", in_home: ".vscode-insiders" };

/// One of the two.
struct Edition {
    program: &'static str,
    /// Its default profile, where programs keep their settings.
    user: &'static str,
    /// The folder that it makes in the home.
    in_home: &'static str,
}

impl Edition {
    fn folders(&self, machine: &Machine) -> [PathBuf; 2] {
        [machine.settings().join(self.user), machine.home.join(self.in_home)]
    }

    fn is_there(&self, machine: &Machine) -> bool {
        machine.program(self.program).is_some() || self.folders(machine).iter().any(|f| f.is_dir())
    }

    fn servers(&self, machine: &Machine, servers: &[Edit]) -> Target {
        Target::json(&machine.settings(), &format!("{}/mcp.json", self.user), servers.to_vec())
    }
}

/// The files with the servers of those that are there; where none is, the usual one's.
fn user_servers(machine: &Machine, servers: &[Edit]) -> Vec<Target> {
    let insiders = INSIDERS.is_there(machine);
    let plain = PLAIN.is_there(machine) || !insiders;
    let all = [(plain, PLAIN), (insiders, INSIDERS)].into_iter();
    all.filter(|(there, _)| *there).map(|(_, edition)| edition.servers(machine, servers)).collect()
}

pub(super) const SPEC: Spec = Spec {
    client: Client::VsCode,
    title: "VS Code",
    caller: "vscode",
    programs: &[PLAIN.program, INSIDERS.program],
    executable: Executable::Shared("the whole editor, its extensions and its terminals"),
    folders: |m| [PLAIN, INSIDERS].iter().flat_map(|edition| edition.folders(m)).collect(),
    targets,
    clicks: &[
        "run 'MCP: List Servers' in the command palette and start svault; VS Code asks once whether you trust it",
        "'Chat: Configure Hooks' shows whether hooks are read; organisations can turn them off",
    ],
    gaps: &[
        "VS Code's own agent can block before a tool runs, but not replace what a tool said: the model is warned instead",
        "a profile other than the default one has its own mcp.json",
    ],
};

fn targets(machine: &Machine, svault: &Svault, place: Place<'_>) -> Vec<Target> {
    let [command, mcp] = svault.server();
    let entry = json!({"type": "stdio", "command": command, "args": [mcp], "env": svault.environment()});
    let servers = vec![Edit::entry(&["servers", "svault"], entry)];
    match place {
        Place::User => {
            let mut all = user_servers(machine, &servers);
            all.extend([copilot::user_hooks(machine, svault), claude::user_settings(machine, svault)]);
            all
        }
        Place::Project(project) => vec![
            Target::json(project, ".vscode/mcp.json", servers),
            copilot::project_hooks(project, svault),
            claude::project_settings(project, svault),
        ],
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::machine::System;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    const CODE: &str = "Code/User/mcp.json";
    const BESIDE: &str = "Code - Insiders/User/mcp.json";

    /// Where servers are written, below where this system's programs have their settings; with these programs and folders.
    fn servers(system: System, programs: &[&str], folders: &[&str]) -> (bool, Vec<PathBuf>) {
        let home = tempfile::tempdir().unwrap();
        let bin = home.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        for name in programs {
            std::fs::write(bin.join(name), "").unwrap();
            std::fs::set_permissions(bin.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let machine = Machine::new(home.path().to_owned(), system, [("PATH".to_owned(), bin.into())]);
        let settings = machine.settings();
        for folder in folders {
            std::fs::create_dir_all(home.path().join(folder.replace("SETTINGS", settings.to_str().unwrap())))
                .unwrap();
        }
        let svault = Svault::new(Path::new("/svault"), None, system).unwrap();
        let all = targets(&machine, &svault, Place::User);
        let below = all.iter().filter_map(|t| t.path.strip_prefix(&settings).ok());
        let below = below.filter(|path| path.ends_with("mcp.json")).map(Path::to_owned).collect();
        (SPEC.is_there(&machine), below)
    }

    #[test]
    fn servers_are_written_where_each_of_the_two_editors_reads_them() {
        for system in [System::Linux, System::Mac, System::Windows] {
            let at = |programs: &[&str], folders: &[&str]| servers(system, programs, folders);
            let told =
                |there: bool, paths: &[&str]| (there, paths.iter().map(PathBuf::from).collect::<Vec<_>>());
            assert_eq!(at(&[], &[]), told(false, &[CODE]));
            assert_eq!(at(&["code"], &[]), told(true, &[CODE]));
            assert_eq!(at(&["code-insiders"], &[]), told(true, &[BESIDE]));
            assert_eq!(at(&["code", "code-insiders"], &[]), told(true, &[CODE, BESIDE]));
            assert_eq!(at(&[], &["SETTINGS/Code - Insiders/User"]), told(true, &[BESIDE]));
            assert_eq!(at(&[], &[".vscode-insiders"]), told(true, &[BESIDE]));
            assert_eq!(at(&["code"], &[".vscode-insiders"]), told(true, &[CODE, BESIDE]));
            assert_eq!(at(&["code-insiders"], &["SETTINGS/Code/User"]), told(true, &[CODE, BESIDE]));
        }
    }
}
