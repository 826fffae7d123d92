//! Locked memory and process hardening. The only crate with unsafe code
