//! The sealed file: header, slots, frames, chain, disk, heads. No policy, no globals
