//! The words of svault: names, tiers, exposures, ids. No behaviour beyond parsing and printing
