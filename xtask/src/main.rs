//! Project chores: `cargo xtask test | bench | release | soak | fuzz | size | vectors`.

mod bench;
mod binaries;
mod clients;
mod fuzz;
mod mutants;
mod release;
mod run;
mod size;
mod skips;
mod soak;
mod summary;
mod test;
mod vectors;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask test [ARGS]     every test; ARGS go to the runner, such as a part of a test's name
cargo xtask test --clients [NAMES]
                            real clients against a scripted model (claude, codex, copilot; or those named, or all);
                            npm installs them into target/clients
cargo xtask bench           speed and size beside their floors: [--quick] [--only ROW] [--peers]; all of it, or `binary`, builds the release
cargo xtask soak [PART]     the long form of some tests: crashes (10,000 random sequences), kills (300 of each kind), load
                            [MINUTES] (a storm of bad peers, default 30); or mutants: whether a test notices each change
                            of policy, seal and the gate (mutants diff: of what the last commit changed)
cargo xtask fuzz [SECONDS [TARGET]]  each fuzz target for so long (default 60), two at a time
cargo xtask release         the binary that is handed out: static, stripped; says its size, and what it may have
cargo xtask size            no file over 500 lines, no function of 60 lines or more
cargo xtask vectors         write spec/vectors again from the code
";

fn help() -> run::Done {
    print!("{HELP}");
    Ok(())
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let verb = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let done = match verb.as_str() {
        // What a chore does not know it would begin to do: most take long.
        _ if rest.iter().any(|a| a == "--help" || a == "-h") => help(),
        "test" if rest.first().is_some_and(|a| a == "--clients") => clients::run(&rest[1..]),
        "test" => test::all(&rest),
        "bench" => bench::bench(&rest),
        "release" => release::release(),
        "soak" => soak::soak(&rest),
        "fuzz" => fuzz::fuzz(&rest),
        "size" => size::check(),
        "vectors" => vectors::write(),
        "" | "help" | "--help" | "-h" => help(),
        other => Err(format!("no chore '{other}'\n{HELP}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(said) => {
            if !said.is_empty() {
                eprintln!("xtask: {said}");
            }
            ExitCode::FAILURE
        }
    }
}
