//! Runs `sigstack completions` and `sigstack man`. Both outputs are generated from the description of the command
//! line.

use std::io::{self, Write};

use clap::CommandFactory;

use crate::args::{Args, CompletionsArgs};
use crate::output::Status;

/// Runs `sigstack completions`.
pub(crate) fn completions(args: &CompletionsArgs, out: &mut impl Write) -> io::Result<Status> {
    // The generator panics if writing fails, so it writes to memory, where writing cannot fail.
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "sigstack", &mut text);
    out.write_all(&text).map(|()| Status::Yes)
}

/// Runs `sigstack man`: writes the manual page of the command, followed by those of its subcommands.
pub(crate) fn man(out: &mut impl Write) -> io::Result<Status> {
    let mut command = Args::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(out)?;
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        clap_mangen::Man::new(sub.clone()).render(out)?;
    }
    Ok(Status::Yes)
}
