//! How many connections this process may hold open.

/// Files that are open for other reasons: standard streams, libraries, name service, output.
#[cfg(target_os = "linux")]
const OTHERS: u64 = 64;

/// How many connections of that many files each may be open at once, after the limit has been raised as far as the system
/// lets this process. `None` where it cannot be told.
#[must_use]
#[cfg(target_os = "linux")]
pub fn allow_connections(wanted: u32, files_each: u32) -> Option<u32> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    let needed = u64::from(wanted).saturating_mul(files_each.into()).saturating_add(OTHERS);
    let mut limit = soft;
    if soft < needed {
        let raised = needed.min(hard);
        if setrlimit(Resource::RLIMIT_NOFILE, raised, hard).is_ok() {
            limit = raised;
        }
    }
    let allowed = limit.saturating_sub(OTHERS) / u64::from(files_each.max(1));
    Some(u32::try_from(allowed).unwrap_or(u32::MAX).max(1))
}

/// How many connections may be open at once: other systems are not asked.
#[must_use]
#[cfg(not(target_os = "linux"))]
pub fn allow_connections(_: u32, _: u32) -> Option<u32> {
    None
}
