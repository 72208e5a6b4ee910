//! Who runs when: every scenario in rounds, and in each round every server once.

use anyhow::{Context, Result, ensure};

use crate::{
    args::Args,
    cores::Cores,
    load::{Replay, Timing},
    results::Results,
    scenario::Scenario,
    server::{self, Ability, Entrant, Launch, Server},
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

/// Starts a server, and tells it what it needs to know; a proxy gets a fresh upstream, which runs on the load's core.
fn start(launch: &Launch, scenario: &Scenario, cores: Cores) -> Result<(Server, Option<Server>)> {
    match scenario.needs() {
        Ability::Proxy => {
            let upstream = Server::start(&server::upstream()?, cores.load)?;
            let proxy = Server::start(&launch.with(format!("ws://{}/ws", upstream.address())), cores.server)?;
            Ok((proxy, Some(upstream)))
        }
        Ability::Replay => Ok((Server::start(&launch.with(Replay::file()), cores.server)?, None)),
        Ability::Echo | Ability::Rooms | Ability::Handlers => Ok((Server::start(launch, cores.server)?, None)),
    }
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
                if !entrant.can(scenario.needs()) {
                    continue;
                }
                let sample = start(launch, scenario, cores)
                    .and_then(|(server, _upstream)| scenario.run(&server, timing))
                    .with_context(|| format!("{} in {}, round {round}", entrant.name, scenario.name))?;
                eprintln!("{} {round}/{runs} {}: {:.3}", scenario.name, entrant.name, sample.figure);
                results.push(scenario.name, &entrant.name, sample);
            }
        }
    }
    Ok(results)
}
