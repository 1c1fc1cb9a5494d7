//! Child processes that are bounded in time and always ended, by their own id.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How a bounded child ended.
#[derive(Debug)]
pub struct Finished {
    /// `None`: it did not end in time and was killed.
    pub status: Option<ExitStatus>,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

impl Finished {
    /// Whether it ended by itself with status 0.
    pub fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// The exit code, where it ended by itself.
    pub fn code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }
}

/// Runs a command to its end, at most for `limit`.
pub fn run(command: &mut Command, limit: Duration) -> io::Result<Finished> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let status = wait(&mut child, limit)?;
    if status.is_none() {
        child.kill()?;
        child.wait()?;
    }
    Ok(Finished {
        status,
        stdout: stdout.take(),
        stderr: stderr.take(),
    })
}

/// Waits for a child, at most for `limit`.
pub fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A pipe that a thread reads to its end, so that a full pipe never stops the child.
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> Collected {
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let of_thread = Arc::clone(&bytes);
    let reader = std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        let Some(mut pipe) = pipe else { return };
        while let Ok(read @ 1..) = pipe.read(&mut buffer) {
            let mut bytes = of_thread.lock().unwrap_or_else(PoisonError::into_inner);
            bytes.extend_from_slice(&buffer[..read]);
        }
    });
    Collected { bytes, reader }
}

impl Collected {
    /// What was read. A child of the child that lives on may hold the pipe open: it is not waited for long.
    fn take(self) -> String {
        let deadline = Instant::now() + Duration::from_secs(2);
        while !self.reader.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// An example program beside this test's own: `target/PROFILE/examples/NAME`.
pub fn example(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("the path of the test program");
    let profile = this
        .parent()
        .and_then(|deps| deps.parent())
        .expect("the profile's directory");
    let program = profile
        .join("examples")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        program.exists(),
        "{} is missing: run `cargo build --example {name}` (a bare `cargo test` builds it too)",
        program.display()
    );
    if let Some(source) = newer_source(&program) {
        panic!(
            "{} is older than {source}: run `cargo build --example {name}` (a bare `cargo test` builds it too)",
            program.display()
        );
    }
    program
}

/// A source of the program that is newer than the program: `cargo test --test NAME` builds the test alone, which would then judge what is no
/// longer there. Each program is looked at once, so that nothing that is edited while the tests run disturbs them.
fn newer_source(program: &Path) -> Option<String> {
    static LOOKED: Mutex<BTreeMap<PathBuf, Option<String>>> = Mutex::new(BTreeMap::new());
    let mut looked = LOOKED.lock().unwrap_or_else(PoisonError::into_inner);
    let look = || {
        // Cargo's own list of what the program was made of: `PROGRAM: SOURCE SOURCE ...`, blanks in names after a backslash.
        let listed = std::fs::read_to_string(program.with_extension("d")).ok()?;
        let (_, sources) = listed.split_once(": ")?;
        let modified = |path: &Path| std::fs::metadata(path).and_then(|file| file.modified());
        let made = modified(program).ok()?;
        let sources = sources.trim_end().replace("\\ ", "\0");
        let mut sources = sources.split(' ').map(|source| source.replace('\0', " "));
        sources.find(|source| modified(Path::new(source)).is_ok_and(|changed| changed > made))
    };
    looked
        .entry(program.to_owned())
        .or_insert_with(look)
        .clone()
}

/// Takes from a command's environment what would make a test depend on its caller: provider keys, AWS settings, proxies, log levels.
pub fn clean_environment(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_ascii_uppercase();
        let provider = ["OPENAI_", "ANTHROPIC_", "AWS_"]
            .iter()
            .any(|prefix| upper.starts_with(prefix));
        if provider
            || upper.ends_with("_API_KEY")
            || upper.ends_with("_PROXY")
            || upper == "RUST_LOG"
            || upper.starts_with("PYTHON")
        {
            command.env_remove(&name);
        }
    }
    command
}
