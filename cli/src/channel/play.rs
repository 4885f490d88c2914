//! `sigstack channel show`, `play` and `storage`: the transactions of one channel, its closing on a chain, and its
//! storage.

use std::io::Write;
use std::time::Instant;

use serde_json::{Value, json};
use sigstack_channel::compare::{CAPACITY, claimed_by, content};
use sigstack_channel::model::{Construction, Played, Setup, Stage, Step};
use sigstack_channel::storage;
use sigstack_debugger::counted;

use super::kind;
use crate::args::{PlayArgs, StorageArgs};
use crate::output::{HEADING, Status};
use crate::problem::{Problem, Stop};
use crate::progress::Progress;
use crate::table;

/// What `sigstack channel show` and `play` print about the closing of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The closing transactions, which are not published.
    Transactions,
    /// The heights at which the closing transactions confirm on a simulated chain.
    Heights,
}

/// Updates a channel, closes it with one of its states, and prints the closing transactions or the heights at which
/// they confirm.
pub(super) fn play(args: &PlayArgs, ending: Ending, out: &mut impl Write) -> Result<Status, Stop> {
    let setup = Setup::named("play", 2, CAPACITY, args.delay)?;
    let mut channel = kind(&args.construction)?.build(setup, content(2, 0, 0, 0))?;
    let channel = channel.as_mut();
    let height = claimed_by(channel);
    check(args, channel.facts().states)?;
    let mut stage = Stage::new(channel)?;
    let funding = stage.open(channel)?;
    let progress = Progress::new(args.updates.into());
    for number in 1..=args.updates {
        progress.step();
        channel.update(content(2, args.htlcs, number, height))?;
    }
    drop(progress);
    let state = args.state.unwrap_or(channel.number());
    let steps = steps(channel, state)?;
    let name = channel.facts().name;
    let updates = counted(args.updates, "update");
    let heading = format!("{HEADING}{name}{HEADING:#}, {updates}, state {state} published");
    let about = json!({ "construction": name, "updates": args.updates, "state": state });
    match ending {
        Ending::Heights => {
            let mut played = vec![funding];
            played.extend(stage.publish_all(steps)?);
            let paid = [0, 1].map(|party| stage.paid(channel, party));
            if args.json {
                let steps: Vec<Value> = played.iter().map(played_json).collect();
                return json_line(about, json!({ "steps": steps, "paid": paid }), out);
            }
            writeln!(out, "{heading}")?;
            write_heights(&played, out)?;
            for (party, sat) in paid.iter().enumerate() {
                writeln!(out, "party {party} has {sat} sat")?;
            }
        }
        Ending::Transactions => {
            let (client, tower) = (channel.client_bytes(0).len(), channel.tower_bytes(0).len());
            if args.json {
                let steps: Vec<Value> = steps.iter().map(step_json).collect();
                let more = json!({ "steps": steps, "client_bytes": client, "tower_bytes": tower });
                return json_line(about, more, out);
            }
            writeln!(out, "{heading}")?;
            for step in steps {
                writeln!(out, "{} ({} WU, fee {} sat)", step.label, step.weight(), step.fee())?;
                writeln!(out, "  {}", bitcoin::consensus::encode::serialize_hex(&step.tx))?;
            }
            writeln!(out, "a client keeps {}, a tower {}", counted(client, "byte"), counted(tower, "byte"))?;
        }
    }
    Ok(Status::Yes)
}

/// Validates parameters that depend on each other or on the construction, before the channel is updated. `states` is
/// the number of states that the construction supports.
fn check(args: &PlayArgs, states: u64) -> Result<(), Problem> {
    if u64::from(args.updates) >= states {
        let problem = Problem::new(format!(
            "{} has {}, the first without an update",
            args.construction,
            counted(states, "state")
        ));
        return Err(problem.at("--updates").hint(format!("give at most {}", states.saturating_sub(1))));
    }
    match args.state {
        Some(state) if state > args.updates => {
            let problem =
                Problem::new(format!("there is no state {state} after {}", counted(args.updates, "update")));
            Err(problem.at("--state").hint(format!("give at most {}, or more --updates", args.updates)))
        }
        _ => Ok(()),
    }
}

/// Returns the transactions that close the channel after party 0 publishes `state`. If `state` is old and party 1
/// contests it, the transactions of party 1 follow the first one of party 0. Otherwise party 0 makes all
/// transactions.
fn steps(channel: &mut dyn Construction, state: u32) -> Result<Vec<Step>, Stop> {
    let steps = channel.close(0, state)?;
    let answer = match steps.first() {
        Some(first) if state < channel.number() => channel.contest(1, &first.tx)?,
        _ => None,
    };
    Ok(match answer {
        Some(answer) => steps.into_iter().take(1).chain(answer).collect(),
        None => steps,
    })
}

fn write_heights(played: &[Played], out: &mut impl Write) -> Result<(), Stop> {
    for played in played {
        let (label, weight) = (played.step.label, played.step.weight());
        let child = played.child.as_ref().map(|child| format!(", fee child {} WU", child.weight()));
        let child = child.unwrap_or_default();
        writeln!(out, "height {}: {label} ({weight} WU{child})", played.height)?;
    }
    Ok(())
}

fn step_json(step: &Step) -> Value {
    json!({
        "label": step.label,
        "weight": step.weight(),
        "fee": step.fee(),
        "tx": bitcoin::consensus::encode::serialize_hex(&step.tx),
    })
}

fn played_json(played: &Played) -> Value {
    json!({
        "label": played.step.label,
        "height": played.height,
        "weight": played.step.weight(),
        "child_weight": played.child.as_ref().map(Step::weight),
    })
}

/// Writes one JSON object that has the fields of both given objects.
fn json_line(about: Value, more: Value, out: &mut impl Write) -> Result<Status, Stop> {
    let (Value::Object(mut object), Value::Object(more)) = (about, more) else { return Ok(Status::Yes) };
    object.extend(more);
    writeln!(out, "{}", Value::Object(object))?;
    Ok(Status::Yes)
}

/// Number of earlier channel states that `sigstack channel storage` publishes without `--tries`.
const DEFAULT_TRIES: u32 = 10;

/// Runs `sigstack channel storage`: updates a channel many times, measures its storage, and publishes earlier states.
pub(super) fn long_run(args: &StorageArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let signing = match args.signed {
        Some(count) => storage::Signing::Sample(count, args.seed),
        None => storage::Signing::All,
    };
    let kind = kind(&args.construction)?;
    let tries = args.tries.unwrap_or(DEFAULT_TRIES.min(args.updates));
    storage::check(kind, args.updates, signing, tries)?;
    let start = Instant::now();
    let progress = Progress::new(u64::from(args.updates).saturating_add(tries.into()));
    let run = storage::run(kind, args.updates, signing, tries, &|| progress.step())?;
    drop(progress);
    let sizes = |kept: &storage::Kept| (kept.client, kept.tower, kept.machine);
    let constant = run.kept.windows(2).all(|pair| pair.first().map(sizes) == pair.last().map(sizes));
    let answered = run.answered == run.tried && run.answered_by_tower.is_none_or(|count| count == run.tried);
    let status = if answered { Status::Yes } else { Status::No };
    if args.json {
        let kept = run.kept.iter().map(|kept| {
            json!({
                "updates": kept.updates,
                "client_bytes": kept.client,
                "tower_bytes": kept.tower,
                "state_machine_bytes": kept.machine,
            })
        });
        let object = json!({
            "construction": args.construction,
            "updates": args.updates,
            "signed": run.signed,
            "storage": kept.collect::<Value>(),
            "constant": constant,
            "published": run.tried,
            "answered_by_client": run.answered,
            "answered_by_tower": run.answered_by_tower,
        });
        writeln!(out, "{object}")?;
        return Ok(status);
    }
    table::write_table(out, &storage::table(&run))?;
    let seconds = start.elapsed().as_secs_f64();
    writeln!(out, "{}, {} of them signed, {seconds:.1} s", counted(args.updates, "update"), run.signed)?;
    let by_tower = run.answered_by_tower.map_or_else(|| "none".to_owned(), |count| count.to_string());
    writeln!(
        out,
        "{} published: {} answered by the client, {by_tower} by the tower",
        counted(run.tried, "earlier state"),
        run.answered
    )?;
    writeln!(out, "the latest state is not contested")?;
    writeln!(out, "storage is {}", if constant { "constant" } else { "not constant" })?;
    Ok(status)
}
