//! The store and its vaults on top of the sealed file: records, index, history
