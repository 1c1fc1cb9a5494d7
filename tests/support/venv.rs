//! The Python environment with the vendors' official SDKs, made once under the target directory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use super::process::{self, Finished};

/// The pinned packages.
const REQUIREMENTS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/clients/requirements.txt"
);
/// Where the scripts are.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");
/// How long making the environment may take.
const INSTALL: Duration = Duration::from_secs(600);
/// How long one script may take.
const SCRIPT: Duration = Duration::from_secs(180);

/// The Python program of the environment; `None` when there is none and the test is to be skipped, which has then been printed.
/// Panics instead when `REQUIRE_SDKS=1`.
pub fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match PYTHON.get_or_init(make) {
        Ok(python) => Some(python),
        Err(why) if std::env::var("REQUIRE_SDKS").is_ok_and(|v| v == "1") => {
            panic!("the client SDKs are required: {why}")
        }
        Err(why) => {
            println!("SKIPPED: {why}");
            None
        }
    }
}

/// Runs one of the scripts. `None`: skipped. Panics with all of its output when it fails or takes too long.
pub fn script(name: &str, arguments: &[&str]) -> Option<Finished> {
    script_within(SCRIPT, name, arguments)
}

/// The same with another limit.
pub fn script_within(limit: Duration, name: &str, arguments: &[&str]) -> Option<Finished> {
    let python = python()?;
    let mut command = Command::new(python);
    process::clean_environment(&mut command)
        .args(["-B", "-E", "-s", "-u", "-W", "ignore"])
        .arg(Path::new(SCRIPTS).join(name))
        .args(arguments)
        .env("NO_PROXY", "*");
    let finished = process::run(&mut command, limit).expect("run python");
    let shown = format!(
        "{name} {}\n--- stdout ---\n{}--- stderr ---\n{}",
        arguments.join(" "),
        finished.stdout,
        finished.stderr
    );
    assert!(finished.status.is_some(), "killed after {limit:?}: {shown}");
    assert!(finished.success(), "{shown}");
    println!("{shown}");
    Some(finished)
}

/// Makes the environment unless it is there for these very requirements.
fn make() -> Result<PathBuf, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let target = this
        .ancestors()
        .nth(3)
        .ok_or("the test program is not in a target directory")?;
    let directory = target.join("clients-venv");
    let python = directory.join("bin").join("python");
    let marker = directory.join("requirements.done");
    let wanted = fs::read_to_string(REQUIREMENTS).map_err(|error| error.to_string())?;
    // Several test programs may start at once: the first one makes it, the others wait here.
    let lock = File::create(target.join("clients-venv.lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    // The marker holds the requirements themselves, so any change of theirs makes the environment anew.
    if python.exists() && fs::read_to_string(&marker).is_ok_and(|made| made == wanted) {
        return Ok(python);
    }
    if directory.exists() {
        fs::remove_dir_all(&directory).map_err(|error| error.to_string())?;
    }
    step(Command::new("python3").args(["-m", "venv"]).arg(&directory))?;
    step(
        Command::new(&python)
            .args(["-m", "pip", "install", "--disable-pip-version-check"])
            .args(["--no-input", "--quiet", "--retries", "2", "--timeout", "30"])
            .args(["-r", REQUIREMENTS]),
    )?;
    fs::write(&marker, wanted).map_err(|error| error.to_string())?;
    Ok(python)
}

/// One command of the making.
fn step(command: &mut Command) -> Result<(), String> {
    let finished =
        process::run(command, INSTALL).map_err(|error| format!("{command:?}: {error}"))?;
    if finished.success() {
        return Ok(());
    }
    let last = finished.stderr.lines().last().unwrap_or("no output");
    Err(format!("{command:?} failed: {last}"))
}
