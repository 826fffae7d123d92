//! The speed and size of the whole product beside their floors: what the machine needs at least for the same work. Both
//! are measured in turns in one run, so a ratio holds on a slow or busy machine too. `cargo xtask bench`.

#[cfg(target_os = "linux")]
mod agents;
#[cfg(target_os = "linux")]
mod fixture;
#[cfg(target_os = "linux")]
mod floor;
#[cfg(target_os = "linux")]
mod peers;
#[cfg(target_os = "linux")]
mod programs;
#[cfg(target_os = "linux")]
mod requests;
#[cfg(target_os = "linux")]
mod stores;
#[cfg(target_os = "linux")]
mod table;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    bench::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
mod bench {
    use super::{agents, peers, programs, requests, stores, table::Run};
    use std::os::unix::process::CommandExt;
    use std::process::{Command, ExitCode};
    use svault_tests::scratch::{ORDINARY, Scratch, own};

    /// A row or rows: its word for `--only`, and what measures it.
    type Bench = (&'static str, fn(&Run));

    /// In the order of the table. What takes longest comes last.
    const ROWS: &[Bench] = &[
        ("request", requests::request),
        ("connect", requests::connect),
        ("add", requests::add),
        ("crowd", requests::crowd),
        ("get", programs::get),
        ("output", agents::output),
        ("hook", agents::hook),
        ("import", agents::import),
        ("kdf", programs::kdf),
        ("binary", programs::binary),
        ("sizes", stores::sizes),
        ("unlock", stores::unlock),
        ("memory", stores::memory),
        ("audit", stores::audit),
    ];

    pub fn main() -> ExitCode {
        if rustix::process::geteuid().is_root() {
            return as_an_ordinary_user();
        }
        let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
        let has = |flag: &str| args.iter().any(|a| a == flag);
        let only = args.iter().position(|a| a == "--only").and_then(|at| args.get(at + 1));
        if let Some(only) = only
            && ROWS.iter().all(|(name, _)| name != only)
            && only != "peers"
        {
            let names: Vec<&str> = ROWS.iter().map(|(name, _)| *name).collect();
            eprintln!("no row '{only}'; there are: {}, peers", names.join(", "));
            return ExitCode::from(2);
        }
        let run = Run::begin(has("--quick"));
        for (name, bench) in ROWS {
            if only.is_none_or(|only| only == name) {
                bench(&run);
            }
        }
        if has("--peers") || only.is_some_and(|only| only == "peers") {
            peers::peers(&run);
        }
        ExitCode::SUCCESS
    }

    /// As root every process can be read and every file written: nothing would cost what it costs a user. This program
    /// is run again as somebody else, from a few shells, as an agent's client is.
    fn as_an_ordinary_user() -> ExitCode {
        let scratch = Scratch::new(ORDINARY);
        let program = scratch.path().join("bench");
        let me = std::env::current_exe().expect("this program");
        std::fs::copy(me, &program).expect("copy");
        own(&program, ORDINARY);
        let user = ORDINARY.to_string();
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "--no-new-privs"]);
        // Shells that stay: the lines end with another command.
        let line = "/bin/sh -c 'bash -c \"$BENCH; exit \\$?\"; exit $?'; exit $?";
        let args = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
        command.args(["/bin/sh", "-c", line]).current_dir("/").process_group(0);
        command.env("BENCH", format!("{} {args}", program.display()));
        match command.status() {
            Ok(status) if status.success() => ExitCode::SUCCESS,
            Ok(_) => ExitCode::FAILURE,
            Err(e) => {
                eprintln!("setpriv: {e}");
                ExitCode::FAILURE
            }
        }
    }
}
