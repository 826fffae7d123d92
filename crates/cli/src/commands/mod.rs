//! The commands: one file each.

mod add;
mod agent;
mod approve;
mod audit;
mod caller;
mod cancel;
mod completions;
mod daemon;
mod demo;
mod deny;
mod doctor;
mod edit;
mod get;
mod guard;
mod hook;
mod import;
mod init;
mod install;
mod list;
mod lock;
mod mcp;
mod passphrase;
mod pending;
mod policy;
mod recover;
mod remove;
mod render;
mod replace;
mod run;
mod scrub;
mod seals;
mod settings;
mod show;
mod status;
mod uninstall;
mod unlock;
mod unseal;
mod vault;

use crate::app::App;
use crate::report::Outcome;
use clap::Subcommand;

/// What to do. In the order of the help.
#[derive(Debug, Subcommand)]
pub enum Command {
    // Set up.
    Init(init::Init),
    Unlock(unlock::Unlock),
    Lock(lock::Lock),
    Status(status::Status),
    Doctor(doctor::Doctor),
    Install(install::Install),
    Uninstall(uninstall::Uninstall),
    Recover(recover::Recover),
    #[command(subcommand)]
    Passphrase(passphrase::Passphrase),
    // Secrets, as a human.
    Add(add::Add),
    Import(import::Import),
    Replace(replace::Replace),
    Remove(remove::Remove),
    List(list::List),
    Show(show::Show),
    Render(render::Render),
    Edit(edit::Edit),
    #[command(subcommand)]
    Vault(vault::Vault),
    // Secrets, as a caller.
    Get(get::Get),
    Run(run::Run),
    // Agents.
    Mcp(mcp::Mcp),
    Hook(hook::Hook),
    Scrub(scrub::Scrub),
    // Humans deciding.
    Pending(pending::Pending),
    Approve(approve::Approve),
    Deny(deny::Deny),
    Cancel(cancel::Cancel),
    Seals(seals::Seals),
    Unseal(unseal::Unseal),
    // Policy.
    #[command(subcommand)]
    Policy(policy::Policy),
    #[command(subcommand)]
    Settings(settings::Settings),
    #[command(subcommand)]
    Caller(caller::Caller),
    #[command(subcommand)]
    Agent(agent::Agent),
    // Trail.
    #[command(subcommand)]
    Audit(audit::Audit),
    // The machine.
    #[command(subcommand)]
    Daemon(daemon::Daemon),
    Completions(completions::Completions),
    Demo(demo::Demo),
    #[command(hide = true)]
    Guard(guard::Guard),
}

impl Command {
    /// Does it; the exit code.
    ///
    /// # Errors
    /// Why not.
    pub fn run(self, app: &App) -> Outcome {
        match self {
            Command::Init(c) => c.run(app),
            Command::Unlock(c) => c.run(app),
            Command::Lock(c) => c.run(app),
            Command::Status(c) => c.run(app),
            Command::Doctor(c) => c.run(app),
            Command::Install(c) => c.run(app),
            Command::Uninstall(c) => c.run(app),
            Command::Recover(c) => c.run(app),
            Command::Passphrase(c) => c.run(app),
            Command::Add(c) => c.run(app),
            Command::Import(c) => c.run(app),
            Command::Replace(c) => c.run(app),
            Command::Remove(c) => c.run(app),
            Command::List(c) => c.run(app),
            Command::Show(c) => c.run(app),
            Command::Render(c) => c.run(app),
            Command::Edit(c) => c.run(app),
            Command::Vault(c) => c.run(app),
            Command::Get(c) => c.run(app),
            Command::Run(c) => c.run(app),
            Command::Hook(c) => c.run(app),
            Command::Scrub(c) => c.run(app),
            Command::Mcp(c) => c.run(app),
            Command::Pending(c) => c.run(app),
            Command::Approve(c) => c.run(app),
            Command::Deny(c) => c.run(app),
            Command::Cancel(c) => c.run(app),
            Command::Seals(c) => c.run(app),
            Command::Unseal(c) => c.run(app),
            Command::Policy(c) => c.run(app),
            Command::Settings(c) => c.run(app),
            Command::Caller(c) => c.run(app),
            Command::Agent(c) => c.run(app),
            Command::Audit(c) => c.run(app),
            Command::Daemon(c) => c.run(app),
            Command::Completions(c) => c.run(app),
            Command::Demo(c) => c.run(app),
            Command::Guard(c) => c.run(),
        }
    }
}
