//! Distributes the test cases over several processes of the tested command.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sigstack_vectors::interrupt;

use super::answer::{Answer, Reply, Silence};
use super::child::{Child, Unanswered};
use super::gather::Asked;
use crate::problem::Problem;

/// Number of cases without a valid answer after which the run stops, if the command has not answered any case.
const MOST_FAILURES: usize = 10;

/// Number of timeouts and closed pipes after which the run stops, if the command has not answered any case. If more
/// processes than this run in parallel, their number is used instead.
const MOST_TIMEOUTS: usize = 3;

/// The tested command, the number of processes, and the time that an answer may take.
pub(super) struct Pool<'a> {
    pub(super) command: &'a [OsString],
    pub(super) jobs: usize,
    /// Maximum time that the process may take to answer a case.
    pub(super) timeout: Duration,
}

/// The implementation's reply to a case, and the time until the reply was received.
#[derive(Clone, Debug)]
pub(super) struct Replied {
    pub(super) reply: Reply,
    pub(super) took: Duration,
}

/// Processes that crashed between two cases. A process is counted here if it crashed after it had answered a case, and
/// if the next case did not make another process crash as well.
#[derive(Clone, Debug, Default)]
pub(super) struct Lost {
    pub(super) processes: usize,
    /// The first process that crashed between two cases: the id of the last case that it answered, and how it ended.
    pub(super) first: Option<(String, String)>,
}

/// The implementation's replies to all cases of a run.
#[derive(Debug)]
pub(super) struct Replies {
    /// One reply for each case, in order. Cases that were not sent have [`Silence::NotAsked`].
    pub(super) list: Vec<Replied>,
    pub(super) lost: Lost,
    /// Reason why the run stopped before all cases were sent, if it did.
    pub(super) stopped: Option<Problem>,
}

/// The state of a run that all worker threads share.
struct Run<'a> {
    pool: &'a Pool<'a>,
    cases: &'a [Asked],
    progress: &'a (dyn Fn() + Sync),
    /// Index of the next case to send to a process.
    next: AtomicUsize,
    answers: AtomicUsize,
    failures: AtomicUsize,
    timeouts: AtomicUsize,
    lost: Mutex<Lost>,
    /// Reason why the run stops before all cases are sent. Once it is set, the workers stop.
    problem: Mutex<Option<Problem>>,
}

/// Sends every case to a process of the command and collects the replies. Stops early if a process cannot be started,
/// or if the command never answers.
pub(super) fn ask_all(pool: &Pool<'_>, cases: &[Asked], progress: &(dyn Fn() + Sync)) -> Replies {
    let run = Run {
        pool,
        cases,
        progress,
        next: AtomicUsize::new(0),
        answers: AtomicUsize::new(0),
        failures: AtomicUsize::new(0),
        timeouts: AtomicUsize::new(0),
        lost: Mutex::default(),
        problem: Mutex::new(None),
    };
    let work = || {
        thread::scope(|scope| {
            let jobs = pool.jobs.min(cases.len());
            let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(|| Worker::new(&run).run())).collect();
            let lists = workers.into_iter().map(|worker| worker.join().unwrap_or_default());
            lists.flatten().collect::<Vec<(usize, Replied)>>()
        })
    };
    let replies = interrupt::postponed(work);
    let lost = run.lost.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut stopped = run.problem.into_inner().unwrap_or_else(PoisonError::into_inner);
    if replies.len() != cases.len() {
        let problem = || Problem::new(format!("only {} of {} cases were asked", replies.len(), cases.len()));
        stopped.get_or_insert_with(problem);
    }
    let not_asked = Reply::Silence { why: Silence::NotAsked, stderr: String::new() };
    let mut list = vec![Replied { reply: not_asked, took: Duration::ZERO }; cases.len()];
    for (nth, replied) in replies {
        if let Some(place) = list.get_mut(nth) {
            *place = replied;
        }
    }
    Replies { list, lost, stopped }
}

/// A thread that runs one process at a time and sends it one case after another.
struct Worker<'a> {
    run: &'a Run<'a>,
    child: Option<Child>,
    /// The latest answer of the process, with the index of its case. The answer counts only if no other line follows
    /// it.
    last: Option<(usize, Replied)>,
    replies: Vec<(usize, Replied)>,
}

impl<'a> Worker<'a> {
    fn new(run: &'a Run<'a>) -> Worker<'a> {
        Worker { run, child: None, last: None, replies: Vec::new() }
    }

    /// Sends cases to processes until all are sent or the run stops. Returns the replies with the indices of their
    /// cases.
    fn run(mut self) -> Vec<(usize, Replied)> {
        while !interrupt::has_arrived() && !self.run.has_stopped() {
            let nth = self.run.next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = self.run.cases.get(nth) else { break };
            let start = Instant::now();
            match self.ask(case) {
                Ok(Some(reply)) => self.keep(nth, Replied { reply, took: start.elapsed() }),
                Ok(None) => break,
                Err(problem) => {
                    self.run.stop(problem);
                    break;
                }
            }
        }
        let extra = self.child.take().and_then(Child::finish);
        self.settle(extra);
        self.replies
    }

    /// Sends a case to the process and returns its reply, or `None` if SIGINT or SIGTERM ends the run. A process that
    /// failed is killed, and another one is started for the next case.
    ///
    /// A process that crashes after other answers may have crashed because of an earlier case, before it read this
    /// one. Then the same case is sent to the next process. The crash counts as a failure of this case only if that
    /// process crashes as well.
    fn ask(&mut self, case: &Asked) -> Result<Option<Reply>, Problem> {
        let line = case.case.to_line() + "\n";
        let mut crash = None;
        loop {
            let child = match &mut self.child {
                Some(child) => child,
                None => {
                    let child = Child::start(self.run.pool.command);
                    self.child.insert(child.map_err(|error| not_started(self.run.pool.command, &error))?)
                }
            };
            let unanswered = match child.ask(line.clone(), self.run.pool.timeout) {
                Ok(line) => match Answer::read(&line) {
                    Some(answer) => {
                        self.settle(None);
                        self.run.lose(crash);
                        return Ok(Some(Reply::Answer(answer)));
                    }
                    None => Unanswered::Silence(Silence::Garbage(line)),
                },
                Err(unanswered) => unanswered,
            };
            let stderr = child.stderr();
            self.child = None;
            match unanswered {
                Unanswered::Silence(why) => {
                    self.settle(None);
                    // If a new process crashes as well, this case is the cause.
                    self.run.lose(crash.filter(|_| !matches!(why, Silence::Ended(_))));
                    return Ok(Some(Reply::Silence { why, stderr }));
                }
                Unanswered::EndedAfterAnswer(how) => {
                    crash = how.zip(self.last.as_ref().map(|(nth, _)| *nth));
                    self.settle(None);
                }
                Unanswered::ExtraBefore(line) => self.settle(Some(line)),
                Unanswered::Interrupted => return Ok(None),
            }
        }
    }

    /// Keeps the reply to the case with index `nth`. An answer is recorded only when `settle` is called, because
    /// another line may still follow it.
    fn keep(&mut self, nth: usize, replied: Replied) {
        match replied.reply {
            Reply::Answer(_) => self.last = Some((nth, replied)),
            Reply::Silence { .. } => self.record(nth, replied),
        }
    }

    /// Records the latest answer as final. If an extra line followed the answer, records [`Silence::Extra`] instead.
    fn settle(&mut self, extra: Option<String>) {
        let Some((nth, mut replied)) = self.last.take() else { return };
        if let Some(line) = extra {
            replied.reply = Reply::Silence { why: Silence::Extra(line), stderr: String::new() };
        }
        self.record(nth, replied);
    }

    fn record(&mut self, nth: usize, replied: Replied) {
        self.run.count(nth, &replied.reply);
        (self.run.progress)();
        self.replies.push((nth, replied));
    }
}

impl Run<'_> {
    fn has_stopped(&self) -> bool {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn stop(&self, problem: Problem) {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(problem);
    }

    /// Counts a process that crashed between two cases. `crash` has a description of how the process ended, and the
    /// index of the last case that it answered. If `crash` is `None`, does nothing.
    fn lose(&self, crash: Option<(String, usize)>) {
        let Some((how, answered)) = crash else { return };
        let id = self.cases.get(answered).map_or("", |asked| asked.case.id.as_str());
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.processes += 1;
        lost.first.get_or_insert((id.to_owned(), how));
    }

    /// Counts a reply as an answer or a failure, and stops the run if the command never answers.
    fn count(&self, nth: usize, reply: &Reply) {
        let why = match reply {
            Reply::Answer(_) => {
                self.answers.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Reply::Silence { why, .. } => why,
        };
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        let is_timeout = matches!(why, Silence::TimedOut(_) | Silence::Closed(_));
        let timeouts =
            self.timeouts.fetch_add(usize::from(is_timeout), Ordering::Relaxed) + usize::from(is_timeout);
        let most_timeouts = MOST_TIMEOUTS.max(self.pool.jobs);
        if self.answers.load(Ordering::Relaxed) > 0 || failures < MOST_FAILURES && timeouts < most_timeouts {
            return;
        }
        let id = self.cases.get(nth).map_or("", |asked| asked.case.id.as_str());
        let stderr =
            reply.stderr().lines().last().map(|line| format!("; its standard error ends with: {line}"));
        let text = format!(
            "the command answered none of {failures} cases. To {id}: {why}{}",
            stderr.unwrap_or_default()
        );
        let hint = "the command reads a case a line and answers OK, the name of an error, error, or ? on a line, which it \
                    flushes (test-vectors/README.md)";
        self.stop(Problem::new(text).at(shown(self.pool.command)).hint(hint));
    }
}

/// Returns the command's program and arguments as one text, separated by spaces.
pub(super) fn shown(command: &[OsString]) -> String {
    let words: Vec<String> = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    words.join(" ")
}

fn not_started(command: &[OsString], error: &io::Error) -> Problem {
    let word = command.first().map(OsString::as_os_str).unwrap_or_default();
    let (path, name) = (Path::new(word), word.to_string_lossy());
    // The system searches a name without a folder in PATH only.
    let is_path = path.components().count() > 1 || name.contains('/');
    let problem = match error.kind() {
        _ if is_path && path.is_dir() => Problem::new("is a folder, not a program")
            .hint(format!("name a program in it, such as {}", path.join("program").display())),
        io::ErrorKind::NotFound if is_path && path.is_file() => {
            Problem::new("its interpreter, which its first line names after #!, does not exist")
                .hint(format!("correct the first line, or name an interpreter before it, such as python3 {name}"))
        }
        io::ErrorKind::NotFound if !is_path && path.is_file() => {
            Problem::new("there is no such program in the PATH, but a file of this name is here")
                .hint(format!("write ./{name}"))
        }
        io::ErrorKind::NotFound => Problem::new("there is no such program")
            .hint("name a program of the PATH, or the path of one, such as ./program; its arguments are further words"),
        io::ErrorKind::PermissionDenied if is_path && !is_executable(path) => {
            let how = format!("chmod +x {name} makes it executable; or name its interpreter before it, such as python3 {name}");
            Problem::new("is a file that is not executable").hint(how)
        }
        io::ErrorKind::PermissionDenied => Problem::new(format!("may not be executed: {error}"))
            .hint("allow this user to execute the program, and to search its folder"),
        _ => Problem::new(format!("cannot be started: {error}"))
            .hint(format!("a script begins with a line such as #!/bin/sh, or has its interpreter before it: sh {name}")),
    };
    problem.at(name)
}

/// Returns `true` if the file has execute permission, or if the system has no such permission.
fn is_executable(path: &Path) -> bool {
    #[cfg(unix)]
    let may = |metadata: std::fs::Metadata| {
        std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0
    };
    #[cfg(not(unix))]
    let may = |_| true;
    path.metadata().is_ok_and(may)
}
