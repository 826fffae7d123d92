//! The labels that fields of an act have, and the words that a card shows for them.

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $shown:literal;)+) => {
        /// What a field of an act says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Label { $($(#[$doc])* $name),+ }

        impl Label {
            /// Every label.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// As it stands in the bytes.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// As people read it.
            #[must_use]
            pub fn shown(self) -> &'static str {
                match self { $(Self::$name => $shown),+ }
            }
        }
    };
}

labels! {
    /// The want's word; first and once.
    Act = "act", "act";
    /// A secret, as `vault/NAME`.
    Secret = "secret", "secret";
    /// The version of the value of the secret before it.
    Version = "version", "version";
    /// The variable that the secret before it goes into.
    Env = "env", "as variable";
    /// The variable that the path to the secret before it goes into.
    File = "file", "path in variable";
    /// A vault.
    Vault = "vault", "vault";
    /// How far the values travel.
    Exposure = "exposure", "exposure";
    /// A capability.
    Scope = "scope", "scope";
    /// What the caller says; not checked.
    Reason = "reason", "reason (not checked)";
    /// The command, one field for each argument.
    Argv = "argv", "command";
    /// Its folder.
    Cwd = "cwd", "in folder";
    /// A tier.
    Tier = "tier", "tier";
    /// An exposure that overrides what the tier gives.
    Expose = "expose", "exposure override";
    /// Whether callers must say why.
    RequireReason = "require_reason", "reason required";
    /// What a secret is for.
    Description = "description", "description";
    /// A host that the proxy may send it to.
    Destination = "destination", "destination";
    /// A command it may be given to, as JSON.
    Command = "command", "only for command";
    /// When it may be used.
    Window = "window", "only at";
    /// Who may ask for it.
    For = "for", "only for caller";
    /// Who proposed it.
    ProposedBy = "proposed_by", "proposed by";
    /// How many items an import has.
    Count = "count", "secrets";
    /// SHA-256 over an import's names and classifications, in order.
    Digest = "digest", "digest of the list";
    /// What happens to names that exist with another value.
    Update = "update", "other values of existing names";
    /// Which names of an import exist, as `place:version`.
    Exists = "exists", "exist already";
    /// A request that waits, or a seal.
    Request = "request", "request";
    /// How long a yes holds.
    Lasts = "lasts", "holds";
    /// A policy document.
    Policy = "policy", "policy";
    /// The time zone that windows are in.
    Zone = "zone", "time zone of windows";
    /// The program that is told of waiting requests; empty: none.
    Notify = "notify", "told of requests";
    /// The store's new epoch.
    Epoch = "epoch", "new epoch";
    /// A slot's canonical bytes.
    Slot = "slot", "key slot";
    /// Which entries of the trail, as JSON.
    Filter = "filter", "filter";
    /// A caller's name.
    Caller = "caller", "caller";
    /// Who asks and with which evidence, as the daemon sees it.
    Who = "who", "asked by";
    /// Which session.
    Session = "session", "session";
    /// Where a request came in.
    Door = "door", "through";
    /// When it was asked.
    Asked = "asked", "asked at";
    /// A process of the line of parents, as `pid exe`.
    Process = "process", "process";
    /// A secret that this folder's commands did not get by the last yes.
    New = "new", "new here";
    /// Something else that a human should know before a yes.
    Note = "note", "note";
}

impl Label {
    /// The label of a word.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|l| l.as_str() == text)
    }
}
