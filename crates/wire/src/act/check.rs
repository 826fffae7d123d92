//! The client's check: does the daemon's act say what was asked?

use super::build::Fields;
use super::{Act, Label};
use crate::Want;
use sha2::{Digest, Sha256};

/// The act is not the one that was asked for. Nothing is confirmed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the daemon would do something else than was asked: '{}' differs", .label.as_str())]
pub struct Disagrees {
    /// The first label that differs.
    pub label: Label,
}

/// Everything that a want names besides secrets and how they travel, in the order of an act.
pub(super) fn named(want: &Want, out: &mut Fields) {
    match want {
        Want::Run(ask) => {
            out.some(Label::Scope, ask.scope.as_ref().map(words::Scope::as_str).unwrap_or_default());
            out.all(Label::Argv, ask.argv.iter().map(String::as_str));
            out.some(Label::Cwd, &ask.cwd);
            out.some(Label::Reason, ask.reason.as_deref().unwrap_or_default());
        }
        Want::Add { class, .. } | Want::Edit { class, .. } => out.class(class),
        Want::Import { vault, update, items } => {
            out.put(Label::Vault, vault.as_str());
            out.put(Label::Count, items.len().to_string());
            out.put(Label::Digest, crate::hex::encode(&digest(items)));
            out.put(Label::Update, if *update { "get a new version" } else { "are refused" });
        }
        Want::VaultCreate { name } => out.put(Label::Vault, name.as_str()),
        Want::Approve { id, lasts } => {
            out.put(Label::Request, id.as_str());
            out.put(Label::Lasts, lasts.word());
        }
        Want::Deny { id }
        | Want::CancelAny { id }
        | Want::Unseal { id }
        | Want::Explain { id }
        | Want::AuditShow { id } => out.put(Label::Request, id.as_str()),
        Want::PolicySet { toml, .. } => out.put(Label::Policy, toml.as_bytes()),
        Want::SettingsSet { zone, notify } => {
            out.all(Label::Zone, zone.as_deref());
            out.all(Label::Notify, notify.as_deref());
        }
        Want::AgentStart { caller, argv, cwd } => {
            out.put(Label::Caller, caller.as_str());
            out.all(Label::Argv, argv.iter().map(String::as_str));
            out.put(Label::Cwd, cwd.as_str());
        }
        Want::AuditList(filter) => out.put(Label::Filter, serde_json::to_vec(filter).unwrap_or_default()),
        Want::Slots { epoch, slots } => {
            out.put(Label::Epoch, epoch.to_string());
            for slot in slots {
                out.put(Label::Slot, slot.0.clone());
            }
        }
        Want::Window
        | Want::Show { .. }
        | Want::Render { .. }
        | Want::List
        | Want::Replace { .. }
        | Want::Remove { .. }
        | Want::VaultList
        | Want::Pending
        | Want::Seals
        | Want::PolicyShow
        | Want::SettingsShow
        | Want::Callers => {}
    }
}

/// SHA-256 over each item's fields, in order: as fields stand in the bytes of an act.
fn digest(items: &[crate::ImportItem]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for item in items {
        let mut fields = Fields::default();
        fields.put(Label::Secret, item.name.as_str());
        fields.class(&item.class);
        for f in &fields.0 {
            f.write(&mut |bytes| hash.update(bytes));
        }
    }
    hash.finalize().into()
}

/// Labels that only the daemon fills, for every want.
const FACTS: &[Label] =
    &[Label::Who, Label::Session, Label::Door, Label::Asked, Label::Process, Label::New, Label::Note];

/// What is said of one secret after another, and compared in that order.
const OF_SECRET: &[Label] = &[Label::Secret, Label::Version, Label::Exposure, Label::Env, Label::File];

/// Other labels of the request that an act is about, which the client named by its id.
const OF_REQUEST: &[Label] = &[Label::Scope, Label::Argv, Label::Cwd, Label::Reason];

impl Act {
    /// Whether this act is the one of `want`: every field that the client named is there exactly as it named it,
    /// and there is no other field but what the daemon alone can know.
    ///
    /// # Errors
    /// The first label that differs.
    pub fn agrees_with(&self, want: &Want) -> Result<(), Disagrees> {
        let mut expect = Fields::default();
        expect.put(Label::Act, want.word());
        named(want, &mut expect);
        let about_request = matches!(
            want,
            Want::Approve { .. } | Want::Deny { .. } | Want::CancelAny { .. } | Want::Unseal { .. }
        );
        let loose = |l: Label| {
            FACTS.contains(&l)
                || (l == Label::Exists && matches!(want, Want::Import { .. }))
                || (about_request && OF_REQUEST.contains(&l))
                || OF_SECRET.contains(&l)
        };
        for &label in Label::ALL.iter().filter(|l| !loose(**l)) {
            let named = expect.0.iter().filter(|f| f.label == label).map(|f| f.value.as_slice());
            if !self.values(label).eq(named) {
                return Err(Disagrees { label });
            }
        }
        if about_request { Ok(()) } else { self.secrets_agree(want) }
    }

    /// Secrets in the order asked, in the vaults named, each with at most one version and travelling as asked.
    fn secrets_agree(&self, want: &Want) -> Result<(), Disagrees> {
        let mut fields = self.fields.iter().filter(|f| OF_SECRET.contains(&f.label));
        let mut next = fields.next();
        let ways = want.ways();
        for (i, asked) in want.secrets().iter().enumerate() {
            let found =
                next.filter(|f| f.label == Label::Secret).and_then(|f| std::str::from_utf8(&f.value).ok());
            let (vault, name) =
                found.and_then(|s| s.split_once('/')).ok_or(Disagrees { label: Label::Secret })?;
            if name != asked.name.as_str() || asked.vault.as_ref().is_some_and(|v| v.as_str() != vault) {
                return Err(Disagrees { label: Label::Secret });
            }
            next = fields.next();
            if next.is_some_and(|f| f.label == Label::Version) {
                next = fields.next();
            }
            let mut way = Fields::default();
            if let Some(asked) = ways.get(i) {
                way.way(asked);
            }
            for expected in &way.0 {
                if next != Some(expected) {
                    return Err(Disagrees { label: expected.label });
                }
                next = fields.next();
            }
        }
        next.map_or(Ok(()), |f| Err(Disagrees { label: f.label }))
    }
}
