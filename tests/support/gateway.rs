//! Starts the standalone reverse proxy (the example program `gateway`) as a process of its own.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::process;

/// How long the program may take to say that it listens, or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the program is started with.
#[derive(Debug, Default)]
pub struct Builder {
    config: Option<String>,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
}

impl Builder {
    /// The text of the configuration file; without one the program gets no `--config`.
    #[must_use]
    pub fn config(mut self, toml: impl Into<String>) -> Self {
        self.config = Some(toml.into());
        self
    }

    /// Sets an environment variable. Keys, AWS settings and proxies of the caller's environment are removed first.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A further argument.
    #[must_use]
    pub fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Starts the program on a free port and waits until it listens.
    pub fn start(self) -> Gateway {
        self.start_at("127.0.0.1:0")
    }

    /// Starts the program at this address or `unix:` socket and waits until it listens.
    pub fn start_at(self, place: &str) -> Gateway {
        let secrets = self.secrets();
        let (mut command, config) = self.command(&process::example("gateway"));
        command.args(["--listen", place]);
        Self::launch(command, config, secrets)
    }

    /// Starts another of the example servers on a free port, and waits until it listens.
    pub fn start_example(self, name: &str) -> Gateway {
        let secrets = self.secrets();
        let (mut command, config) = self.command(&process::example(name));
        command.env("LISTEN", "127.0.0.1:0");
        Self::launch(command, config, secrets)
    }

    fn launch(mut command: Command, config: Option<ConfigFile>, secrets: Vec<String>) -> Gateway {
        let mut child = command.spawn().expect("start the gateway program");
        let log = Arc::new(Log::default());
        let pipe = child.stderr.take().expect("the program's stderr");
        let of_thread = Arc::clone(&log);
        let reader = std::thread::spawn(move || of_thread.read(BufReader::new(pipe)));
        let mut gateway = Gateway {
            url: String::new(),
            child,
            log,
            reader: Some(reader),
            config,
            secrets,
        };
        match gateway.log.wait(PATIENCE, |text| {
            let line = text.lines().find(|line| line.contains(LISTENING))?;
            Some(line.split(LISTENING).nth(1)?.trim().to_owned())
        }) {
            Some(url) => gateway.url = url,
            None => panic!("the gateway does not listen:\n{}", gateway.log()),
        }
        gateway
    }

    /// Runs the program to its end without `--listen`: for `--check`, `--version` and bad configurations.
    pub fn run(self) -> process::Finished {
        let (mut command, config) = self.command(&process::example("gateway"));
        let finished = process::run(&mut command, PATIENCE).expect("run the gateway program");
        drop(config);
        finished
    }

    /// The keys that the program is told, where they are long enough to be told from other words.
    fn secrets(&self) -> Vec<String> {
        let lines = self.config.iter().flat_map(|config| config.lines());
        let of_file = lines.flat_map(|line| {
            // A line may be an inline table of several.
            let words: Vec<_> = line.split('"').collect();
            let secret = |pair: &[&str]| {
                let name = pair[0].trim_end().strip_suffix('=')?.trim_end();
                let names = ["api_key", "secret_access_key", "session_token", "key"];
                let ends = |wanted: &&str| {
                    name.strip_suffix(*wanted).is_some_and(|rest| {
                        !rest.ends_with(|c: char| c.is_alphanumeric() || c == '_')
                    })
                };
                names.iter().any(ends).then(|| pair[1].to_owned())
            };
            words.chunks_exact(2).filter_map(secret).collect::<Vec<_>>()
        });
        let of_environment = self.environment.iter().filter(|(name, _)| {
            ["_KEY", "_SECRET", "_TOKEN"]
                .iter()
                .any(|end| name.ends_with(end))
        });
        of_file
            .chain(of_environment.map(|(_, value)| value.clone()))
            .filter(|secret| secret.len() >= 8)
            .collect()
    }

    fn command(self, program: &Path) -> (Command, Option<ConfigFile>) {
        let mut command = Command::new(program);
        process::clean_environment(&mut command)
            .env("RUST_LOG", "debug,tower_llm_gateway=trace,gateway=trace")
            .envs(self.environment)
            .args(self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let config = self.config.map(|text| {
            let file = ConfigFile::write(&text);
            command.arg("--config").arg(&file.0);
            file
        });
        (command, config)
    }
}

/// What the line that announces the address starts with.
const LISTENING: &str = "listening on ";

/// A configuration file that is removed again.
#[derive(Debug)]
struct ConfigFile(OsString);

impl ConfigFile {
    fn write(text: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "gateway-{}-{}.toml",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, text).expect("write the configuration");
        Self(path.into_os_string())
    }
}

impl Drop for ConfigFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// All that the program wrote to stderr.
#[derive(Debug, Default)]
struct Log {
    text: Mutex<(String, bool)>,
    changed: Condvar,
}

impl Log {
    fn read(&self, mut pipe: impl BufRead) {
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = pipe.read_until(b'\n', &mut line).unwrap_or(0);
            let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
            text.0.push_str(&String::from_utf8_lossy(&line));
            text.1 = read == 0;
            self.changed.notify_all();
            if text.1 {
                return;
            }
        }
    }

    /// Blocks until `get` finds what it looks for; `None` when the time or the log is over.
    fn wait<T>(&self, limit: Duration, mut get: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = get(&text.0) {
                return Some(found);
            }
            if text.1 {
                return None;
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            text = self
                .changed
                .wait_timeout(text, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

/// A running gateway. Dropping it ends the program.
#[derive(Debug)]
pub struct Gateway {
    url: String,
    child: Child,
    log: Arc<Log>,
    reader: Option<JoinHandle<()>>,
    config: Option<ConfigFile>,
    /// What must never be in the log.
    secrets: Vec<String>,
}

impl Gateway {
    /// Starts with nothing set.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A gateway with this configuration file.
    pub fn with_config(toml: impl Into<String>) -> Self {
        Self::builder().config(toml).start()
    }

    /// A gateway without configuration and keys: the embedded demo providers.
    pub fn demo() -> Self {
        Self::builder().start()
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end; `unix:PATH` for a socket.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `127.0.0.1:PORT`.
    pub fn addr(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All of stderr so far.
    pub fn log(&self) -> String {
        let text = self.log.text.lock();
        text.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Blocks until the log contains this.
    pub fn wait_log(&self, needle: &str) {
        if self
            .log
            .wait(PATIENCE, |text| text.contains(needle).then_some(()))
            .is_none()
        {
            panic!("{needle:?} is not in the log:\n{}", self.log());
        }
    }

    /// Asks the program to end (SIGTERM) without waiting for it.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Sends a signal, such as `-HUP`.
    pub fn signal(&self, name: &str) {
        // The standard library can only kill, and this crate has no unsafe code: the `kill` program does it.
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args([name, &pid]).status();
    }

    /// Replaces the configuration file, in one step.
    pub fn replace_config(&self, toml: &str) {
        let file = self.config.as_ref().expect("a gateway with a file");
        let mut beside = file.0.clone();
        beside.push(".new");
        std::fs::write(&beside, toml).expect("write the configuration");
        std::fs::rename(&beside, &file.0).expect("replace the configuration");
    }

    /// Waits for the program to end after [`terminate`](Self::terminate).
    pub fn wait(&mut self) -> Option<ExitStatus> {
        process::wait(&mut self.child, PATIENCE).expect("wait for the gateway")
    }

    /// Ends the program and gives its status and the whole of its log. Panics when it does not end by itself.
    pub fn stop(mut self) -> (ExitStatus, String) {
        self.terminate();
        let status = self.wait().expect("the gateway ends on SIGTERM");
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the log's reader");
        }
        (status, self.log())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.terminate();
            // A stream that a failed test left open would keep it for its grace period.
            if !matches!(
                process::wait(&mut self.child, Duration::from_secs(3)),
                Ok(Some(_))
            ) {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
        if !std::thread::panicking() {
            let log = self.log();
            for secret in &self.secrets {
                let line = log.lines().find(|line| line.contains(secret.as_str()));
                assert_eq!(line, None, "a key is in the log");
            }
        }
        if std::thread::panicking() {
            eprintln!("--- gateway log ---\n{}--- end ---", self.log());
        }
        drop(self.config.take());
    }
}
