//! Argon2id (RFC 9106) for passphrases: its parameters, their bounds, running it, and choosing them for a machine.

use crate::error::{At, Error, Result};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use secret::{Bytes, Key};
use std::{
    fmt,
    ops::RangeInclusive,
    time::{Duration, Instant},
};
use zeroize::Zeroize;

/// The longest passphrase, in bytes.
pub const MAX_PASSPHRASE: usize = 4096;

const MIB: u32 = 1024;

/// Argon2id's cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KdfParams {
    /// Memory, in KiB.
    pub m_kib: u32,
    /// Passes.
    pub t: u32,
    /// Lanes.
    pub p: u32,
}

/// What a file may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KdfBounds {
    /// Memory, in KiB.
    pub m_kib: RangeInclusive<u32>,
    /// Passes.
    pub t: RangeInclusive<u32>,
    /// Lanes.
    pub p: RangeInclusive<u32>,
}

impl KdfParams {
    /// The least a new store gets: 128 MiB, 3 passes, 1 lane.
    pub const DEFAULT: Self = Self { m_kib: 128 * MIB, t: 3, p: 1 };

    /// The range that is accepted from a file: 64 MiB to 2 GiB, 3 to 16 passes, 1 to 16 lanes. Below, a stolen file
    /// would be cheap to guess at; above, a planted file would stop the machine.
    #[must_use]
    pub const fn bounds() -> KdfBounds {
        let (floor_m, floor_t) = if cfg!(feature = "test-kdf") { (8, 1) } else { (64 * MIB, 3) };
        KdfBounds { m_kib: floor_m..=2048 * MIB, t: floor_t..=16, p: 1..=16 }
    }

    /// Checks the bounds.
    ///
    /// # Errors
    /// `Kdf`, before any work or memory is spent.
    pub fn check(self) -> Result<Self> {
        let bounds = Self::bounds();
        let what = if !bounds.m_kib.contains(&self.m_kib) {
            "memory must be 64 MiB to 2 GiB"
        } else if !bounds.t.contains(&self.t) {
            "passes must be 3 to 16"
        } else if !bounds.p.contains(&self.p) {
            "lanes must be 1 to 16"
        } else {
            return Ok(self);
        };
        Err(Error::Kdf { at: At::default(), found: self, what })
    }
}

impl Default for KdfParams {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for KdfParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={} KiB, t={}, p={}", self.m_kib, self.t, self.p)
    }
}

/// Runs Argon2id version 1.3, no secret, no associated data, 32 bytes out. Its memory is wiped.
///
/// # Errors
/// `Kdf` when the parameters are out of bounds, `KdfMemory` when the memory can't be had, `Bounds` for a passphrase
/// of no bytes or more than [`MAX_PASSPHRASE`].
pub fn argon2id(passphrase: &Bytes, salt: &[u8; 32], params: KdfParams) -> Result<Key> {
    let params = params.check()?;
    if passphrase.is_empty() || passphrase.len() > MAX_PASSPHRASE {
        return Err(Error::bounds("a passphrase has 1 to 4096 bytes"));
    }
    let mut key = Key::zeroed()?;
    run(passphrase.expose(), salt, params, key.expose_mut())?;
    Ok(key)
}

fn run(passphrase: &[u8], salt: &[u8], params: KdfParams, out: &mut [u8; 32]) -> Result<()> {
    let no_memory = || Error::KdfMemory { m_kib: params.m_kib };
    let cost = Params::new(params.m_kib, params.t, params.p, Some(32)).map_err(|_| no_memory())?;
    let mut memory: Vec<Block> = Vec::new();
    memory.try_reserve_exact(cost.block_count()).map_err(|_| no_memory())?;
    memory.resize(cost.block_count(), Block::default());
    let done = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost).hash_password_into_with_memory(
        passphrase,
        salt,
        out,
        &mut memory,
    );
    memory.iter_mut().for_each(Zeroize::zeroize);
    done.map_err(|_| no_memory())
}

/// Finds parameters that take about `target` on this machine, never below [`KdfParams::DEFAULT`]: more memory first,
/// up to 1 GiB, then more passes. `progress` hears 0.0 to 1.0; the work takes a few times `target`.
///
/// # Errors
/// `KdfMemory` when even the default doesn't fit.
pub fn calibrate(target: Duration, progress: &mut dyn FnMut(f32)) -> Result<KdfParams> {
    search(target, &mut time, progress)
}

/// Memory grows by so much, in KiB.
const STEP: u32 = 32 * MIB;
/// So much of it at most, in KiB; then more passes.
const MOST: u32 = 1024 * MIB;

/// [`calibrate`] with a machine that says by `time` how long a run takes there.
fn search(
    target: Duration,
    time: &mut dyn FnMut(KdfParams) -> Result<Duration>,
    progress: &mut dyn FnMut(f32),
) -> Result<KdfParams> {
    progress(0.0);
    let mut params = KdfParams::DEFAULT;
    // The first run pays for the page tables; the second is what an unlock will take.
    time(params)?;
    progress(0.25);
    let mut took = time(params)?;
    for done in [0.5, 0.75] {
        progress(done);
        let (next, memory_bound) = scaled(params, target.as_secs_f64() / took.as_secs_f64().max(1e-6));
        if next == params {
            break;
        }
        match time(next) {
            Ok(now) => (params, took) = (next, now),
            // A machine with little memory keeps what did fit.
            Err(Error::KdfMemory { .. }) => break,
            Err(e) => return Err(e),
        }
        if memory_bound {
            break;
        }
    }
    progress(1.0);
    Ok(params)
}

/// `params` at about `factor` times the cost, and whether memory is at its limit.
fn scaled(params: KdfParams, factor: f64) -> (KdfParams, bool) {
    let wanted = f64::from(params.m_kib) * factor;
    let m_kib =
        ((wanted / f64::from(STEP)) as u32).saturating_mul(STEP).clamp(KdfParams::DEFAULT.m_kib, MOST);
    if m_kib < MOST {
        return (KdfParams { m_kib, ..params }, false);
    }
    let t = ((f64::from(params.t) * wanted / f64::from(MOST)) as u32).clamp(KdfParams::DEFAULT.t, 16);
    (KdfParams { m_kib, t, p: params.p }, true)
}

fn time(params: KdfParams) -> Result<Duration> {
    let (start, mut out) = (Instant::now(), [0; 32]);
    run(b"calibration", &[0; 32], params, &mut out)?;
    Ok(start.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_checked_before_the_kdf_runs() {
        let ok = KdfParams::DEFAULT;
        ok.check().unwrap();
        let too = [
            KdfParams { m_kib: 2048 * MIB + 1, ..ok },
            KdfParams { m_kib: u32::MAX, ..ok },
            KdfParams { m_kib: 0, ..ok },
            KdfParams { t: 17, ..ok },
            KdfParams { t: 0, ..ok },
            KdfParams { p: 0, ..ok },
            KdfParams { p: 17, ..ok },
        ];
        let passphrase = Bytes::copy_from(b"sk-test-passphrase").unwrap();
        for params in too {
            let start = Instant::now();
            assert_eq!(argon2id(&passphrase, &[0; 32], params).unwrap_err().name(), "Kdf", "{params}");
            assert!(start.elapsed() < Duration::from_millis(50));
        }
    }

    #[cfg(not(feature = "test-kdf"))]
    #[test]
    fn cheap_parameters_are_refused() {
        let ok = KdfParams::DEFAULT;
        for params in [KdfParams { m_kib: 64 * MIB - 1, ..ok }, KdfParams { t: 2, ..ok }] {
            assert_eq!(params.check().unwrap_err().name(), "Kdf");
        }
        KdfParams { m_kib: 64 * MIB, t: 3, p: 1 }.check().unwrap();
    }

    #[test]
    fn argon2id_gives_the_known_answer() {
        // Computed with the reference implementation (argon2-cffi 25.1): m=32, t=3, p=4.
        let mut out = [0; 32];
        run(b"password-password", &[2; 32], KdfParams { m_kib: 32, t: 3, p: 4 }, &mut out).unwrap();
        let text: String = out.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(text, "c2a0e2b249b2566650ec890d222db5d77ed8b4cb5e90f23c90deaa2bf21cb61b");
    }

    #[test]
    fn scaling_goes_to_memory_first_and_never_below_the_default() {
        let base = KdfParams::DEFAULT;
        let (up, full) = scaled(base, 2.0);
        assert_eq!((up.m_kib, up.t, full), (256 * MIB, 3, false));
        assert_eq!(scaled(base, 0.1).0, base);
        let (up, full) = scaled(base, 16.0);
        assert_eq!((up.m_kib, up.t, full), (1024 * MIB, 6, true));
    }

    /// What a search finds on a machine that needs `micros` for 1 MiB and a pass and has `memory` KiB to give, what it
    /// tried, and what it told of its progress.
    fn found(target: u64, micros: u64, memory: u32) -> (Result<KdfParams>, Vec<(u32, u32)>, Vec<f32>) {
        let (mut tried, mut heard) = (Vec::new(), Vec::new());
        let mut time = |params: KdfParams| {
            tried.push((params.m_kib / MIB, params.t));
            if params.m_kib > memory {
                return Err(Error::KdfMemory { m_kib: params.m_kib });
            }
            Ok(Duration::from_micros(u64::from(params.m_kib / MIB * params.t) * micros))
        };
        let params = search(Duration::from_millis(target), &mut time, &mut |part| heard.push(part));
        (params, tried, heard)
    }

    #[test]
    fn a_search_takes_what_fits_the_machine() {
        let cost = |m, t| KdfParams { m_kib: m * MIB, t, p: 1 };
        let much = 4096 * MIB;
        // 128 MiB and 3 passes at 250 microseconds: 96 ms. The second round finds what the first has found.
        let (params, tried, heard) = found(480, 250, much);
        assert_eq!(params.unwrap(), cost(640, 3));
        assert_eq!(tried, [(128, 3), (128, 3), (640, 3)]);
        assert_eq!(heard, [0.0, 0.25, 0.5, 0.75, 1.0]);
        // A slow one: it stays with the default.
        let (params, tried, heard) = found(480, 2500, much);
        assert_eq!((params.unwrap(), tried.len()), (KdfParams::DEFAULT, 2));
        assert_eq!(heard, [0.0, 0.25, 0.5, 1.0]);
        // A quick one: all the memory that may be, then passes, and no second round.
        let (params, tried, heard) = found(2000, 250, much);
        assert_eq!(params.unwrap(), cost(1024, 7));
        assert_eq!(tried, [(128, 3), (128, 3), (1024, 7)]);
        assert_eq!(heard, [0.0, 0.25, 0.5, 1.0]);
        // One with little memory keeps what fits; where the default doesn't, that is the error.
        let (params, tried, _) = found(480, 250, 512 * MIB);
        assert_eq!((params.unwrap(), tried.len()), (KdfParams::DEFAULT, 3));
        assert_eq!(found(480, 250, 64 * MIB).0.unwrap_err().name(), "KdfMemory");
    }

    #[test]
    fn a_search_that_fell_short_goes_on_from_there() {
        // The first rounds are slower than those that follow.
        let mut runs = [400, 400, 250, 480].map(Duration::from_millis).into_iter();
        let mut tried = Vec::new();
        let mut time = |params: KdfParams| {
            tried.push(params.m_kib / MIB);
            Ok(runs.next().unwrap())
        };
        let params = search(Duration::from_millis(800), &mut time, &mut |_| ()).unwrap();
        assert_eq!((params.m_kib / MIB, tried), (800, vec![128, 128, 256, 800]));
        let failing = &mut |_| Err(Error::bounds("no"));
        assert_eq!(search(Duration::ZERO, failing, &mut |_| ()).unwrap_err().name(), "Bounds");
    }

    #[test]
    fn what_takes_no_time_is_measured_and_told() {
        assert!(time(KdfParams { m_kib: 32, t: 1, p: 1 }).unwrap() > Duration::ZERO);
        let mut heard = Vec::new();
        assert_eq!(calibrate(Duration::ZERO, &mut |part| heard.push(part)).unwrap(), KdfParams::DEFAULT);
        assert_eq!(heard, [0.0, 0.25, 0.5, 1.0]);
    }

    #[test]
    #[ignore = "takes seconds"]
    fn calibration_comes_near_its_target() {
        let (target, mut heard) = (Duration::from_millis(500), Vec::new());
        let params = calibrate(target, &mut |part| heard.push(part)).unwrap();
        params.check().unwrap();
        let took = time(params).unwrap();
        assert!(heard.is_sorted() && heard.first() == Some(&0.0) && heard.last() == Some(&1.0), "{heard:?}");
        assert!(
            took > target / 3 && (took < target * 3 || params == KdfParams::DEFAULT),
            "{params}: {took:?}"
        );
    }
}
