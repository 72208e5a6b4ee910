//! Many connections, a million messages, and again: nothing lost, nothing doubled, and memory as flat as before.

use std::{fmt::Write as _, process::ExitCode};

use anyhow::{Context, Result};

use crate::{
    args::SoakArgs,
    load::{Crowd, Gone},
    machine,
    report::Table,
    server::{Entrant, Server},
};

/// The first visit fills what allocators keep; the others must not add to it.
const VISITS: usize = 3;

/// How much more memory may be in use after the last visit than after the one before. Allocators are not tidy to the page.
const FLAT: f64 = 1.1;

const WHOLE: Crowd = Crowd { connections: 10_000, messages: 100 };
const QUICK: Crowd = Crowd { connections: 1_000, messages: 100 };

/// What came of all visits to one server.
struct Soaked {
    server: &'static str,
    crowd: Crowd,
    visits: Vec<Gone>,
}

pub(crate) fn run(args: &SoakArgs) -> Result<ExitCode> {
    let page = args.common.page(!args.quick, "soak")?;
    eprintln!("preparing ours");
    let launch = Entrant::ours()?.prepare()?;
    let cores = args.common.cores()?;
    let crowd = if args.quick { QUICK } else { WHOLE };
    machine::raise_file_limit(crowd.connections)?;
    cores.take_load_core()?;

    let mut all = Vec::new();
    for (name, launch) in [("ours", launch.clone()), ("ours-journal", launch.with("--journal"))] {
        let server = Server::start(&launch, cores.server)?;
        let mut visits = Vec::new();
        for visit in 1..=VISITS {
            let gone =
                crowd.visit(server.address(), &server.probe()).with_context(|| format!("{name}, visit {visit}"))?;
            eprintln!("{visit}/{VISITS} {name}: {} answers in {:.1} s", gone.answers, gone.took.as_secs_f64());
            visits.push(gone);
        }
        all.push(Soaked { server: name, crowd, visits });
    }
    let text = report(&all);
    print!("{text}");
    if let Some(page) = page {
        page.put(&format!("{}\n{text}", machine::place(cores)))?;
    }
    Ok(if all.iter().all(Soaked::is_flat) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Soaked {
    fn is_flat(&self) -> bool {
        let [.., before, last] = self.visits.as_slice() else { return false };
        last.empty_bytes as f64 <= before.empty_bytes as f64 * FLAT
    }
}

/// That nothing was lost or doubled is no column: the run had ended there.
fn report(all: &[Soaked]) -> String {
    let mut text = String::new();
    if let Some(Soaked { crowd, .. }) = all.first() {
        let _ = writeln!(
            text,
            "{VISITS} times {} connections, {} messages in all each time; every message answered once, in order.\n",
            crowd.connections,
            crowd.connections * crowd.messages
        );
    }
    let visits = (1..=VISITS).map(|visit| format!("MiB after visit {visit}"));
    let header = ["server", "answers", "messages/s", "MiB when full"].map(str::to_owned).into_iter().chain(visits);
    let mut table = Table::new(header.chain(["verdict".into()]));
    let mib = |bytes: u64| format!("{:.1}", bytes as f64 / 1024.0 / 1024.0);
    for soaked in all {
        let answers: usize = soaked.visits.iter().map(|gone| gone.answers).sum();
        let seconds: f64 = soaked.visits.iter().map(|gone| gone.took.as_secs_f64()).sum();
        let full = soaked.visits.iter().map(|gone| gone.full_bytes).max().unwrap_or_default();
        let measured =
            [soaked.server.to_owned(), answers.to_string(), format!("{:.0}", answers as f64 / seconds), mib(full)];
        let empty = soaked.visits.iter().map(|gone| mib(gone.empty_bytes));
        let verdict = if soaked.is_flat() { "flat" } else { "GROWS" };
        table.row(measured.into_iter().chain(empty).chain([verdict.to_owned()]));
    }
    text + &table.to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn soaked(empty_mib: [u64; 3]) -> Soaked {
        let gone = |mib| Gone {
            answers: 1_000_000,
            took: Duration::from_secs(10),
            full_bytes: 50 << 20,
            empty_bytes: mib << 20,
        };
        Soaked { server: "ours", crowd: WHOLE, visits: empty_mib.map(gone).into() }
    }

    #[test]
    fn memory_is_flat_if_the_last_visit_adds_nothing() {
        assert!(soaked([10, 30, 30]).is_flat());
        assert!(soaked([30, 10, 10]).is_flat());
        assert!(!soaked([10, 20, 30]).is_flat());
    }

    #[test]
    fn the_report_says_how_much_came_back() {
        insta::assert_snapshot!(report(&[soaked([20, 21, 21]), soaked([20, 40, 60])]));
    }
}
