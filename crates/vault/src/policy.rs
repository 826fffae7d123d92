//! What else the store keeps: the policy's text, settings, seals. Each change is durable when it returns.

use crate::error::{Error, Result};
use crate::record::{kind, only};
use crate::store::Store;
use crate::types::{PolicyText, SealRecord, Settings};
use jiff::Timestamp;
use seal::codec::{Reader, Write};
use seal::{Change, RecordId};
use words::{Id, MAX_POLICY};

/// The longest settings.
const MAX_SETTINGS: usize = 64 << 10;

impl Store {
    /// The policy.
    ///
    /// # Errors
    /// When the record can't be read.
    pub fn policy(&self) -> Result<PolicyText> {
        let row = self.table.get(&only(kind::POLICY));
        row.and_then(|row| decode_policy(row.body)).ok_or_else(|| self.bad("the policy"))
    }

    /// Puts another policy in place. Whether it is one is for the caller to know.
    ///
    /// # Errors
    /// `TooBig`, and whatever keeps it from being written.
    pub fn set_policy(&mut self, toml: &str, now: Timestamp) -> Result<()> {
        let body = encode_policy(toml, now)?;
        self.commit(&[Change::Put {
            kind: kind::POLICY,
            record: only(kind::POLICY),
            body: &body,
            value: None,
        }])
    }

    /// The settings.
    ///
    /// # Errors
    /// When the record can't be read.
    pub fn settings(&self) -> Result<Settings> {
        let row = self.table.get(&only(kind::SETTINGS));
        row.and_then(|row| serde_json::from_slice(row.body).ok()).ok_or_else(|| self.bad("the settings"))
    }

    /// Puts other settings in place.
    ///
    /// # Errors
    /// `TooBig`, and whatever keeps them from being written.
    pub fn set_settings(&mut self, settings: &Settings) -> Result<()> {
        let body = encode_settings(settings)?;
        self.commit(&[Change::Put {
            kind: kind::SETTINGS,
            record: only(kind::SETTINGS),
            body: &body,
            value: None,
        }])
    }

    /// All sealed pairs and suspended sessions, oldest first.
    ///
    /// # Errors
    /// When a record can't be read.
    pub fn seals(&self) -> Result<Vec<SealRecord>> {
        let read = |row: seal::Row<'_>| serde_json::from_slice(row.body).map_err(|_| self.bad("a seal"));
        let mut all = self.table.iter(kind::SEAL).map(read).collect::<Result<Vec<SealRecord>>>()?;
        all.sort_by_key(|seal| (seal.since, seal.id));
        Ok(all)
    }

    /// Writes a seal or a suspension, and a checkpoint.
    ///
    /// # Errors
    /// Whatever keeps it from being written.
    pub fn put_seal(&mut self, seal: &SealRecord) -> Result<()> {
        let body = serde_json::to_vec(seal).map_err(|_| Error::TooBig { what: "a seal" })?;
        self.commit_with_checkpoint(&[Change::Put {
            kind: kind::SEAL,
            record: seal_id(&seal.id),
            body: &body,
            value: None,
        }])
    }

    /// Opens a seal or ends a suspension; `false` when there was none.
    ///
    /// # Errors
    /// Whatever keeps it from being written.
    pub fn remove_seal(&mut self, id: &Id) -> Result<bool> {
        let record = seal_id(id);
        if self.table.get(&record).is_none_or(|row| row.kind != kind::SEAL) {
            return Ok(false);
        }
        self.commit(&[Change::Remove { record }])?;
        Ok(true)
    }
}

fn seal_id(id: &Id) -> RecordId {
    let mut record = [0; 16];
    record[0] = kind::SEAL;
    for (to, from) in record[8..].iter_mut().zip(id.as_str().bytes()) {
        *to = from;
    }
    RecordId(record)
}

/// The body of the policy's record: when it was changed, and its text.
pub(crate) fn encode_policy(toml: &str, changed: Timestamp) -> Result<Vec<u8>> {
    if toml.len() > MAX_POLICY {
        return Err(Error::TooBig { what: "a policy has at most 112 KiB" });
    }
    let mut body = Vec::with_capacity(8 + toml.len());
    body.put_u64(changed.as_millisecond() as u64).put(toml.as_bytes());
    Ok(body)
}

/// What [`encode_policy`] wrote; none if it is not that.
pub(crate) fn decode_policy(body: &[u8]) -> Option<PolicyText> {
    let mut r = Reader::new(body);
    let changed = Timestamp::from_millisecond(r.u64().ok()? as i64).ok()?;
    Some(PolicyText { toml: String::from_utf8(r.rest().to_vec()).ok()?, changed })
}

/// The body of the settings' record.
pub(crate) fn encode_settings(settings: &Settings) -> Result<Vec<u8>> {
    let body = serde_json::to_vec(settings).ok().filter(|body| body.len() <= MAX_SETTINGS);
    body.ok_or(Error::TooBig { what: "settings have at most 64 KiB" })
}
