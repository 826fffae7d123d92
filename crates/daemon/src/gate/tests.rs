//! Every step of the gate with a house whose world can change at any moment that something is waited for.

pub(crate) mod fake;
mod many;
mod opaque;
mod races;
mod steps;
