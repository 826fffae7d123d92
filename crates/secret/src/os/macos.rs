//! macOS: no core files, no debugger.

use crate::Protection;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// There is no way back from refusing debuggers, so only `false` does something.
pub(crate) fn set_dumpable(on: bool) -> bool {
    on || secmem_proc::harden_process().is_ok()
}

/// Switches on what there is and says what holds.
pub(crate) fn harden() -> Vec<Protection> {
    let no_debugger = set_dumpable(false);
    // Its failure shows in what is read back.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    vec![
        Protection {
            name: "not readable by other processes of the user",
            holds: no_debugger,
            fix: Some("stop the debugger that is attached"),
        },
        Protection {
            name: "no core files",
            holds: getrlimit(Resource::Core).current == Some(0),
            fix: Some("run outside of a sandbox that forbids setrlimit"),
        },
    ]
}
