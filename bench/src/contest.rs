//! Who runs when: every scenario in rounds, and in each round every server once.

use anyhow::{Context, Result, ensure};

use crate::{
    args::Args,
    cores::Cores,
    load::Timing,
    results::Results,
    scenario::Scenario,
    server::{Entrant, Launch, Server},
};

/// A server that is ready to be started.
pub(crate) struct Contestant {
    pub(crate) entrant: Entrant,
    launch: Launch,
}

/// Builds and installs what the chosen servers need. One that cannot be had (no Node, no network) is left out, with
/// a word about it, unless somebody asked for it by name.
pub(crate) fn prepare(args: &Args) -> Result<Vec<Contestant>> {
    let mut contestants = Vec::new();
    for entrant in args.entrants() {
        eprintln!("preparing {}", entrant.name);
        match entrant.prepare().with_context(|| format!("preparing {}", entrant.name)) {
            Ok(launch) => contestants.push(Contestant { entrant, launch }),
            Err(error) if args.insists_on(&entrant) => return Err(error),
            Err(error) => eprintln!("left out: {error:#}"),
        }
    }
    ensure!(!contestants.is_empty(), "no server is left to measure");
    Ok(contestants)
}

/// Runs everything. The first failure ends it: a server that answers wrongly has no figures.
pub(crate) fn hold(
    contestants: &[Contestant],
    scenarios: &[&'static Scenario],
    runs: usize,
    timing: Timing,
    cores: Cores,
) -> Result<Results> {
    let mut results = Results::default();
    for scenario in scenarios {
        for round in 1..=runs {
            for Contestant { entrant, launch } in contestants {
                if scenario.needs_rooms() && !entrant.rooms {
                    continue;
                }
                let sample = Server::start(launch, cores.server)
                    .and_then(|server| scenario.run(&server, timing))
                    .with_context(|| format!("{} in {}, round {round}", entrant.name, scenario.name))?;
                eprintln!("{} {round}/{runs} {}: {:.3}", scenario.name, entrant.name, sample.figure);
                results.push(scenario.name, &entrant.name, sample);
            }
        }
    }
    Ok(results)
}
