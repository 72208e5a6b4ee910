//! How the cost of our server grows with what there is of something, and whether it grows faster than it must.
//!
//! The cost is always that of one message, one delivery or one connection. If that stays the same however many there are, all
//! of them together cost what they must; the exponent of its growth is 0 then.

mod axis;
mod exponent;
mod plot;
mod report;

pub(crate) use self::axis::{AXES, Axis};

use std::{fs, process::ExitCode};

use anyhow::{Context, Result};

use self::axis::{Line, Put};
use crate::{
    args::GrowthArgs,
    cores::Cores,
    load::{Rules, Timing},
    machine,
    results::Spread,
    server::{Entrant, Launch, Server, cache_folder},
};

/// Costs may grow with this exponent at most: a thousand times as many, and one is five and a half times as dear. Caches of
/// the processor that are too small for ten thousand of anything come to about the half of that.
const MOST: f64 = 0.25;

/// The most of anything in a quick run.
const QUICK: usize = 1_000;

/// What was measured along an axis.
struct Growth {
    axis: &'static Axis,
    /// Of each line of the axis, the points: how many, and the cost.
    lines: Vec<(&'static Line, Vec<(usize, Spread)>)>,
}

pub(crate) fn run(args: &GrowthArgs) -> Result<ExitCode> {
    let page = args.common.page(args.is_whole(), "growth")?;
    eprintln!("preparing ours");
    let launch = Entrant::ours()?.prepare()?;
    let cores = args.common.cores()?;
    machine::raise_file_limit(AXES.iter().flat_map(|axis| axis.steps).max().copied().unwrap_or_default())?;
    cores.take_load_core()?;

    let watch = machine::Watch::start();
    let mut growths = Vec::new();
    for axis in args.axes() {
        growths.push(measure(axis, &launch, cores, args)?);
    }
    let heading = machine::heading(cores, args.runs(), args.timing(), watch.disturbance());
    print!("{}", report::terminal(&heading, &growths));
    if let Some(page) = page {
        page.put(&report::section(&heading, &growths, |name| page.picture(name)))?;
        for growth in &growths {
            page.put_picture(growth.axis.name, &plot::svg(growth)?)?;
        }
    }
    let fast = growths.iter().any(Growth::is_too_fast);
    Ok(if args.check && fast { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Lines take turns at each step, so what disturbs the machine disturbs them all.
fn measure(axis: &'static Axis, launch: &Launch, cores: Cores, args: &GrowthArgs) -> Result<Growth> {
    let steps: Vec<usize> = axis.steps.iter().copied().filter(|&step| !args.quick || step <= QUICK).collect();
    let mut samples = vec![vec![Vec::new(); steps.len()]; axis.lines.len()];
    for round in 1..=args.runs() {
        for (at, &step) in steps.iter().enumerate() {
            for (line, samples) in axis.lines.iter().zip(&mut samples) {
                let cost = sample(line, step, launch, cores, args.timing())
                    .with_context(|| format!("{} with {step} {}, round {round}", line.name, axis.of_what))?;
                eprintln!("{} {round}/{} {} {step}: {cost:.3}", axis.name, args.runs(), line.name);
                samples[at].push(cost);
            }
        }
    }
    let points = |samples: Vec<Vec<f64>>| {
        let spreads = samples.into_iter().map(Spread::of);
        steps.iter().copied().zip(spreads).filter_map(|(step, spread)| Some((step, spread?))).collect()
    };
    let lines = axis.lines.iter().zip(samples).map(|(line, samples)| (line, points(samples))).collect();
    Ok(Growth { axis, lines })
}

/// One run of a fresh server.
fn sample(line: &Line, step: usize, launch: &Launch, cores: Cores, timing: Timing) -> Result<f64> {
    let mut launch = launch.clone();
    for option in line.options {
        launch = launch.with(*option);
    }
    let put = (line.put)(step);
    if let Put::Rules(rules) = &put {
        launch = launch.with(rules_file(rules)?);
    }
    let server = Server::start(&launch, cores.server)?;
    put.run(&server, timing)
}

fn rules_file(rules: &Rules) -> Result<std::path::PathBuf> {
    let file = cache_folder("bench")?.join(format!("rules-{:?}-{}.yaml", rules.kind, rules.count));
    fs::write(&file, rules.yaml()).with_context(|| format!("writing {}", file.display()))?;
    Ok(file)
}

impl Growth {
    /// Of a line of it; `None` with fewer than two points that cost anything.
    fn exponent(points: &[(usize, Spread)]) -> Option<f64> {
        exponent::fit(points.iter().map(|(step, spread)| (*step as f64, spread.median)))
    }

    fn is_too_fast(&self) -> bool {
        self.lines.iter().any(|(_, points)| Self::exponent(points).is_none_or(|exponent| exponent > MOST))
    }
}
