//! Two cores: one for the server, one for the load.

use anyhow::{Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Which core is whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cores {
    pub(crate) server: usize,
    pub(crate) load: usize,
}

/// The cores that this process may run on.
pub(crate) fn allowed() -> Result<Vec<usize>> {
    let set = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect())
}

impl Cores {
    /// The first two that we may use.
    pub(crate) fn first_two() -> Result<Self> {
        let allowed = allowed()?;
        ensure!(allowed.len() >= 2, "the bench needs two cores, one for the server and one for the load");
        Ok(Self { server: allowed[0], load: allowed[1] })
    }

    /// Reads `SERVER,LOAD`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let cores = text.split_once(',').and_then(|(server, load)| {
            Some(Self { server: server.trim().parse().ok()?, load: load.trim().parse().ok()? })
        });
        cores
            .filter(|cores| cores.server != cores.load && cores.server.max(cores.load) < CpuSet::MAX_CPU)
            .ok_or_else(|| "expected two different cores, like 0,1".into())
    }

    /// Puts the calling thread on the load's core.
    pub(crate) fn take_load_core(self) -> Result<()> {
        let mut set = CpuSet::new();
        set.set(self.load);
        Ok(sched_setaffinity(None, &set)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_different_cores_or_none() {
        assert_eq!(Cores::parse("2,3"), Ok(Cores { server: 2, load: 3 }));
        for bad in ["", "1", "1,1", "a,b", "0,99999"] {
            assert!(Cores::parse(bad).is_err(), "{bad}");
        }
    }
}
