//! Building the act of a want, in one fixed order: what the client named, then what the daemon knows.

use super::{Act, Error, Field, Label};
use crate::{Lasts, Want};
use words::{Class, Name, SecretRef, VaultName, Way};

/// A secret as the daemon has found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Its vault.
    pub vault: VaultName,
    /// Its name.
    pub name: Name,
    /// The version of its value now; none: there is none yet.
    pub version: Option<u64>,
}

/// A request that an act is about, as it was frozen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFacts {
    /// Which secrets, and how each travels.
    pub items: Vec<(Resolved, Way)>,
    /// The scope as asked.
    pub scope: String,
    /// The reason as given.
    pub reason: String,
    /// The command.
    pub argv: Vec<String>,
    /// Its folder.
    pub cwd: String,
}

/// What the daemon knows and the client can't.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The secrets of the want, in its order.
    pub secrets: Vec<Resolved>,
    /// The request that is approved, denied or taken back.
    pub request: Option<RequestFacts>,
    /// Who asks and with which evidence, such as `claude-code (matched)`; for an approval: of the request.
    pub who: String,
    /// Its session, door, time of asking and line of parents.
    pub session: String,
    /// Where it came in.
    pub door: String,
    /// When, RFC 3339 UTC.
    pub asked: String,
    /// The line of parents, nearest first, as `pid exe`.
    pub process: Vec<String>,
    /// Secrets that are new to the command's folder, as `vault/name`.
    pub new: Vec<String>,
    /// Of an import: which of its names exist, as [`crate::Known::text`] writes it.
    pub exists: String,
    /// What else a human should know, such as `wider than its tier gives`.
    pub notes: Vec<String>,
}

/// Fields in the making. What is empty is left out.
#[derive(Default)]
pub(super) struct Fields(pub(super) Vec<Field>);

impl Fields {
    pub(super) fn put(&mut self, label: Label, value: impl Into<Vec<u8>>) {
        self.0.push(Field { label, value: value.into() });
    }

    pub(super) fn some(&mut self, label: Label, value: &str) {
        if !value.is_empty() {
            self.put(label, value);
        }
    }

    pub(super) fn all<'a>(&mut self, label: Label, values: impl IntoIterator<Item = &'a str>) {
        for v in values {
            self.put(label, v);
        }
    }

    pub(super) fn class(&mut self, c: &Class) {
        self.put(Label::Scope, c.scope.as_str());
        self.put(Label::Tier, c.tier.as_str());
        if let Some(e) = c.expose {
            self.put(Label::Expose, e.as_str());
        }
        if let Some(r) = c.require_reason {
            self.put(Label::RequireReason, if r { "yes" } else { "no" });
        }
        self.some(Label::Description, &c.description);
        self.all(Label::Destination, c.destinations.iter().map(String::as_str));
        for command in &c.commands {
            self.put(Label::Command, serde_json::to_vec(command).unwrap_or_default());
        }
        self.all(Label::Window, c.windows.iter().map(String::as_str));
        self.all(Label::For, c.callers.iter().map(words::CallerName::as_str));
        if let Some(by) = &c.proposed_by {
            self.put(Label::ProposedBy, by.as_str());
        }
    }

    fn secret(&mut self, s: &Resolved, way: Option<&Way>) {
        self.put(Label::Secret, format!("{}/{}", s.vault, s.name));
        if let Some(v) = s.version {
            self.put(Label::Version, v.to_string());
        }
        if let Some(way) = way {
            self.way(way);
        }
    }

    /// How the secret before it travels.
    pub(super) fn way(&mut self, way: &Way) {
        self.put(Label::Exposure, way.exposure().as_str());
        match way {
            Way::Env(name) => self.put(Label::Env, name.as_str()),
            Way::File(name) => self.put(Label::File, name.as_str()),
            Way::Proxy | Way::Value => {}
        }
    }

    fn request(&mut self, r: &RequestFacts) {
        for (secret, way) in &r.items {
            self.secret(secret, Some(way));
        }
        self.some(Label::Scope, &r.scope);
        self.all(Label::Argv, r.argv.iter().map(String::as_str));
        self.some(Label::Cwd, &r.cwd);
        self.some(Label::Reason, &r.reason);
    }
}

impl Want {
    /// The want's word, as it stands in acts and in the trail.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Want::Window => "window",
            Want::Show { .. } => "show",
            Want::Render { .. } => "render",
            Want::Run(_) => "run",
            Want::List => "list",
            Want::Add { .. } => "add",
            Want::Replace { .. } => "replace",
            Want::Remove { .. } => "remove",
            Want::Edit { .. } => "edit",
            Want::Import { .. } => "import",
            Want::VaultCreate { .. } => "vault_create",
            Want::VaultList => "vault_list",
            Want::Pending => "pending",
            Want::Approve { .. } => "approve",
            Want::Deny { .. } => "deny",
            Want::CancelAny { .. } => "cancel_any",
            Want::Seals => "seals",
            Want::Unseal { .. } => "unseal",
            Want::PolicyShow => "policy_show",
            Want::PolicySet { .. } => "policy_set",
            Want::SettingsShow => "settings_show",
            Want::SettingsSet { .. } => "settings_set",
            Want::Explain { .. } => "explain",
            Want::Callers => "callers",
            Want::AgentStart { .. } => "agent_start",
            Want::AuditList(_) => "audit_list",
            Want::AuditShow { .. } => "audit_show",
            Want::Slots { .. } => "slots",
        }
    }

    /// How each secret travels, in the order of [`Want::secrets`]; none for an act that releases nothing.
    #[must_use]
    pub fn ways(&self) -> Vec<&Way> {
        match self {
            Want::Show { .. } => vec![&Way::Value],
            Want::Render { secrets } => vec![&Way::Value; secrets.len()],
            Want::Run(ask) => ask.items.iter().map(|i| &i.way).collect(),
            _ => Vec::new(),
        }
    }

    /// The secrets it names, in order.
    #[must_use]
    pub fn secrets(&self) -> Vec<SecretRef> {
        match self {
            Want::Show { secret }
            | Want::Replace { secret }
            | Want::Remove { secret }
            | Want::Edit { secret, .. } => vec![secret.clone()],
            Want::Add { name, vault, .. } => {
                vec![SecretRef { vault: Some(vault.clone()), name: name.clone() }]
            }
            Want::Render { secrets } => secrets.clone(),
            Want::Run(ask) => ask.items.iter().map(|i| i.secret.clone()).collect(),
            _ => Vec::new(),
        }
    }
}

impl Lasts {
    /// As it stands in an act: `once`, `session`, `900s`.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Lasts::Once => "once".to_owned(),
            Lasts::Session => "session".to_owned(),
            Lasts::Seconds(s) => format!("{s}s"),
        }
    }
}

impl Act {
    /// The act of a want.
    ///
    /// # Errors
    /// [`Error::TooLong`], and [`Error::Malformed`] where `facts.secrets` has not one entry for each secret of
    /// the want, with the name that was asked for.
    pub fn build(want: &Want, facts: &Facts) -> Result<Self, Error> {
        let mut out = Fields::default();
        out.put(Label::Act, want.word());
        secrets(&mut out, want, facts)?;
        super::check::named(want, &mut out);
        if let Some(request) = &facts.request {
            out.request(request);
        }
        out.some(Label::Exists, &facts.exists);
        out.some(Label::Who, &facts.who);
        out.some(Label::Session, &facts.session);
        out.some(Label::Door, &facts.door);
        out.some(Label::Asked, &facts.asked);
        out.all(Label::Process, facts.process.iter().map(String::as_str));
        out.all(Label::New, facts.new.iter().map(String::as_str));
        out.all(Label::Note, facts.notes.iter().map(String::as_str));
        let act = Self { fields: out.0 };
        act.encode()?;
        Ok(act)
    }
}

fn secrets(out: &mut Fields, want: &Want, facts: &Facts) -> Result<(), Error> {
    let asked = want.secrets();
    let fits =
        |(a, f): (&SecretRef, &Resolved)| a.name == f.name && a.vault.as_ref().is_none_or(|v| *v == f.vault);
    if asked.len() != facts.secrets.len() || !asked.iter().zip(&facts.secrets).all(fits) {
        return Err(Error::Malformed);
    }
    let ways = want.ways();
    for (i, s) in facts.secrets.iter().enumerate() {
        out.secret(s, ways.get(i).copied());
    }
    Ok(())
}
