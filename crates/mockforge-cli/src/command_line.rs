//! Reading the command line: what clap says, with what our users need to know besides.
//!
//! Empty variables count as not set, and an error about a value that came from a variable names the variable.

use std::env;
use std::path::Path;

use clap::builder::{BoolishValueParser, Resettable, StyledStr, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory, Error, FromArgMatches};

use crate::args::{self, Args};

/// The arguments of this process. Wrong usage ends it with code 2.
pub(crate) fn parse() -> Args {
    let command = without_variables(Args::command(), |name| env::var_os(name).is_some_and(|value| value.is_empty()));
    let read = command.clone().try_get_matches().and_then(|matches| Args::from_arg_matches(&matches));
    let valid = read.map_err(|error| explained(error, &command)).and_then(|args| {
        let conflict = args.conflict();
        conflict.map_or(Ok(args), |(name, problem)| Err(conflicting(command, name, problem)))
    });
    valid.unwrap_or_else(|error| error.exit())
}

/// The command with only those variables of `serve` that are not `left_out`.
fn without_variables(command: Command, left_out: impl Fn(&str) -> bool) -> Command {
    command.mut_subcommands(|subcommand| {
        subcommand.mut_args(|arg| {
            let is_out = arg.get_env().and_then(|name| name.to_str()).is_some_and(&left_out);
            if is_out { arg.env(Resettable::Reset) } else { arg }
        })
    })
}

/// An error of the subcommand `name`.
fn conflicting(mut command: Command, name: &str, problem: &str) -> Error {
    const KIND: ErrorKind = ErrorKind::ArgumentConflict;
    command.build();
    let subcommand = command.find_subcommand_mut(name);
    subcommand.map_or_else(|| Error::raw(KIND, problem), |subcommand| subcommand.error(KIND, problem))
}

/// An error of clap's with the name of the variable that is to blame, or with what was probably meant.
fn explained(mut error: Error, command: &Command) -> Error {
    let Some(ContextValue::String(subject)) = error.get(ContextKind::InvalidArg).cloned() else { return error };
    match error.kind() {
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            if let Some(variable) =
                variable_of(&subject, command).filter(|_| is_fine_without_variables(&subject, command))
            {
                error.insert(ContextKind::InvalidArg, ContextValue::String(variable));
            }
        }
        ErrorKind::UnknownArgument if !subject.starts_with('-') && env::args().nth(1).as_deref() == Some("serve") => {
            let tip = match (switch_before(&subject, command), folder_of_handlers(Path::new(&subject))) {
                (Some(switch), _) => format!("write: {switch}={subject}"),
                (None, Some(dir)) => {
                    format!("to run handlers, write: mockforge serve {} {}", args::HANDLERS_FLAG, dir.display())
                }
                (None, None) => {
                    format!("to play a script, write: mockforge serve {} {subject}", args::REPLAY_FILE_FLAG)
                }
            };
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
        }
        _ => {}
    }
    error
}

/// The flag of `serve` for which `word` was meant, if it says yes or no and stands behind one that takes that after `=`.
fn switch_before(word: &str, command: &Command) -> Option<String> {
    BoolishValueParser::new().parse_ref(command, None, word.as_ref()).ok()?;
    let arguments: Vec<_> = env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let flag = arguments.windows(2).find(|pair| pair[1] == word).map(|pair| &pair[0])?;
    let name = flag.strip_prefix("--")?;
    let mut known = command.find_subcommand("serve")?.get_arguments();
    known.any(|arg| arg.get_long() == Some(name) && arg.is_require_equals_set()).then(|| flag.clone())
}

/// The folder that was probably meant by a folder, or by a handler in one.
fn folder_of_handlers(path: &Path) -> Option<&Path> {
    if path.is_dir() {
        return Some(path);
    }
    let folder = path.parent().filter(|_| path.extension().is_some_and(|extension| extension == "js"))?;
    Some(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
}

/// The variable of the flag that clap displays as `flag`.
fn variable_of(flag: &str, command: &Command) -> Option<String> {
    let mut command = command.clone();
    command.build();
    let serve = command.find_subcommand("serve")?;
    let arg = serve.get_arguments().find(|arg| arg.to_string() == flag)?;
    Some(arg.get_env()?.to_string_lossy().into_owned())
}

fn is_fine_without_variables(flag: &str, command: &Command) -> bool {
    match without_variables(command.clone(), |_| true).try_get_matches() {
        Ok(_) => true,
        Err(error) => error.get(ContextKind::InvalidArg) != Some(&ContextValue::String(flag.to_owned())),
    }
}
