//! A child process of the tested implementation: it reads one line for each case and writes one line for each answer.
//!
//! Each of its three pipes has a thread. Therefore the process cannot block `sigstack`, even if it never reads,
//! floods its output or does not end. The threads are never joined: they end when the pipes are closed.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{self, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sigstack_vectors::interrupt;

use super::answer::{MAX_LINE, Silence};

/// Maximum time that a child process has to end after its pipes are closed.
const GRACE: Duration = Duration::from_secs(1);

/// Interval at which a thread that waits for an answer checks whether SIGINT or SIGTERM has arrived.
const SLICE: Duration = Duration::from_millis(100);

/// Maximum number of bytes kept of a child process's standard error. Earlier bytes are dropped.
const KEPT_OF_STDERR: usize = 2000;

/// Number of lines of a child process that are buffered before its output is no longer read.
const LINES_AHEAD: usize = 8;

/// An event on the standard output or standard input of a child process.
enum Event {
    Line(String),
    TooLong(String),
    /// The process closed its standard output.
    OutputEnded,
    /// The process closed its standard input before it read the line that was sent to it.
    InputEnded,
}

/// A running process of the tested implementation. When the value is dropped, the process and the processes that it
/// started are killed.
pub(super) struct Child {
    process: process::Child,
    /// Channel for the lines to send to the process. `None` after the process closed its standard input.
    input: Option<Sender<String>>,
    events: Receiver<Event>,
    stderr: Stderr,
    /// Number of cases that were sent to the process.
    pub(super) asked: usize,
}

/// Reason why the process did not answer the line of a case.
pub(super) enum Unanswered {
    Silence(Silence),
    /// The process ended after it had answered other cases, possibly before it read this case. The text describes how
    /// the process ended. It is `None` after a successful exit, for example of a process that answers only one case.
    EndedAfterAnswer(Option<String>),
    /// The process wrote this line after its last answer and before this case was sent.
    ExtraBefore(String),
    /// SIGINT or SIGTERM has arrived, so that the run ends.
    Interrupted,
}

impl Child {
    /// Starts the tested command in a process group of its own.
    pub(super) fn start(command: &[OsString]) -> io::Result<Child> {
        let (program, args) = command.split_first().ok_or(io::ErrorKind::NotFound)?;
        let mut command = process::Command::new(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command.spawn()?;
        let (sender, events) = mpsc::sync_channel(LINES_AHEAD);
        let (input, lines) = mpsc::channel();
        if let Some(pipe) = process.stdin.take() {
            let sender = sender.clone();
            thread::spawn(move || write_lines(pipe, &lines, &sender));
        }
        if let Some(pipe) = process.stdout.take() {
            thread::spawn(move || read_lines(BufReader::new(pipe), &sender));
        }
        let stderr = process.stderr.take().map(Stderr::read).unwrap_or_default();
        Ok(Child { process, input: Some(input), events, stderr, asked: 0 })
    }

    /// Sends the line of one case and waits for the line with the answer.
    pub(super) fn ask(&mut self, line: String, timeout: Duration) -> Result<String, Unanswered> {
        self.asked += 1;
        while let Ok(event) = self.events.try_recv() {
            match event {
                Event::Line(line) | Event::TooLong(line) => return Err(Unanswered::ExtraBefore(line)),
                Event::OutputEnded => return Err(self.ended()),
                Event::InputEnded => self.input = None,
            }
        }
        self.stderr.clear();
        let mut deadline = Instant::now() + timeout;
        let mut is_input_open = self.input.as_ref().is_some_and(|input| input.send(line).is_ok());
        if !is_input_open {
            deadline = Instant::now() + GRACE.min(timeout);
        }
        loop {
            match self.next_event(deadline)? {
                Some(Event::Line(line)) => return Ok(line),
                Some(Event::TooLong(line)) => return Err(Unanswered::Silence(Silence::TooLong(line))),
                Some(Event::OutputEnded) => return Err(self.ended()),
                Some(Event::InputEnded) => {
                    is_input_open = false;
                    deadline = deadline.min(Instant::now() + GRACE);
                }
                None if is_input_open => return Err(Unanswered::Silence(Silence::TimedOut(timeout))),
                None => return Err(Unanswered::Silence(Silence::Closed("input"))),
            }
        }
    }

    /// Returns the next event on the pipes, or `None` if there is none before the deadline.
    fn next_event(&self, deadline: Instant) -> Result<Option<Event>, Unanswered> {
        loop {
            if interrupt::has_arrived() {
                return Err(Unanswered::Interrupted);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left.min(SLICE)) {
                Ok(event) => return Ok(Some(event)),
                // Both threads have ended, and all of their events were received.
                Err(RecvTimeoutError::Disconnected) => return Ok(Some(Event::OutputEnded)),
                Err(RecvTimeoutError::Timeout) if left.is_zero() => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Called when the process has closed its standard output. Waits up to [`GRACE`] for the process to exit. Returns why
    /// the case has no answer: the process exited, possibly after it answered earlier cases, or it still runs.
    fn ended(&mut self) -> Unanswered {
        match self.status_within(GRACE) {
            Some(status) if self.asked > 1 => {
                Unanswered::EndedAfterAnswer((!status.success()).then(|| how_it_ended(status)))
            }
            Some(status) => Unanswered::Silence(Silence::Ended(how_it_ended(status))),
            None => Unanswered::Silence(Silence::Closed("output")),
        }
    }

    fn status_within(&mut self, time: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + time;
        loop {
            match self.process.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
                _ => return None,
            }
        }
    }

    /// Returns the last bytes that the process wrote to standard error since the latest case was sent.
    pub(super) fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Closes the standard input of the process and waits for the process to end. Returns a line that the process
    /// writes in the meantime and that answers no case, or `None` if there is no such line.
    pub(super) fn finish(mut self) -> Option<String> {
        self.input = None;
        let deadline = Instant::now() + GRACE;
        loop {
            match self.next_event(deadline) {
                Ok(Some(Event::Line(line) | Event::TooLong(line))) => return Some(line),
                Ok(Some(Event::InputEnded)) => {}
                Ok(Some(Event::OutputEnded)) => break,
                Ok(None) | Err(_) => return None,
            }
        }
        // Gives the process time to save its work, such as coverage data.
        self.status_within(GRACE);
        None
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // The process group continues to exist if its first process started others.
        #[cfg(unix)]
        if let Some(group) = i32::try_from(self.process.id()).ok().and_then(rustix::process::Pid::from_raw) {
            // An error means that all processes of the group have ended.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        // An error means that the process has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Writes the lines of the cases to a process's standard input. Returns when there are no more lines, or when the
/// process closes its input.
fn write_lines(mut pipe: impl Write, lines: &Receiver<String>, events: &SyncSender<Event>) {
    for line in lines {
        if pipe.write_all(line.as_bytes()).and_then(|()| pipe.flush()).is_err() {
            // An error means that nobody waits for events any more.
            let _ = events.send(Event::InputEnded);
            return;
        }
    }
}

/// Reads the lines that a process writes. Returns at the end of the pipe, after a line that is too long, or when the
/// process is no longer used.
fn read_lines(mut pipe: impl BufRead, events: &SyncSender<Event>) {
    loop {
        let mut line = Vec::new();
        let most = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        let read = (&mut pipe).take(most).read_until(b'\n', &mut line);
        let is_whole = line.last() == Some(&b'\n');
        let text = || String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line)).into_owned();
        let event = match read {
            Ok(0) | Err(_) => Event::OutputEnded,
            Ok(MAX_LINE) if !is_whole => Event::TooLong(text()),
            Ok(_) => Event::Line(text()),
        };
        let is_last = !matches!(event, Event::Line(_));
        if events.send(event).is_err() || is_last {
            return;
        }
    }
}

/// Collects the last bytes that a process writes to standard error, at most [`KEPT_OF_STDERR`].
#[derive(Default)]
struct Stderr {
    kept: Arc<Mutex<Vec<u8>>>,
    /// Channel that is disconnected when the process's standard error ends.
    ended: Option<Receiver<()>>,
}

impl Stderr {
    fn read(mut pipe: impl Read + Send + 'static) -> Stderr {
        let kept: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (sender, ended) = mpsc::channel::<()>();
        let shared = Arc::clone(&kept);
        thread::spawn(move || {
            // Dropping the sender at the end of the thread disconnects the channel.
            let _sender = sender;
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(buffer.get(..count).unwrap_or_default());
                let excess = kept.len().saturating_sub(KEPT_OF_STDERR);
                kept.drain(..excess);
            }
        });
        Stderr { kept, ended: Some(ended) }
    }

    fn clear(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Returns the collected text of standard error. If the process has just ended, its last output may still be in
    /// the pipe, so this function waits for it.
    fn text(&self) -> String {
        if let Some(ended) = &self.ended {
            let _ = ended.recv_timeout(SLICE);
        }
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).trim().to_owned()
    }
}

/// Describes how a process ended, as the rest of a sentence that begins with "the command".
fn how_it_ended(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = match signal {
            4 => " (SIGILL)",
            6 => " (SIGABRT)",
            7 | 10 => " (SIGBUS)",
            8 => " (SIGFPE)",
            9 => " (SIGKILL)",
            11 => " (SIGSEGV)",
            15 => " (SIGTERM)",
            _ => "",
        };
        return format!("was ended by signal {signal}{name}");
    }
    match status.code() {
        Some(code) => format!("ended with exit status {code}"),
        None => "ended".into(),
    }
}
