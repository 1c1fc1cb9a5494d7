//! The processes: this program again, in another role.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// A process in another role. Dropping it ends it.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Starts this program as `role`, and waits until it says where it listens.
    pub(crate) fn start(role: &str, upstream: Option<SocketAddr>) -> Self {
        Self::start_with(role, upstream, &[])
    }

    pub(crate) fn start_with(role: &str, upstream: Option<SocketAddr>, more: &[&str]) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.arg(role).stdout(Stdio::piped());
        if let Some(upstream) = upstream {
            command.arg(format!("http://{upstream}"));
        }
        command.args(more);
        let mut child = command.spawn().expect("start a process");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output"))
            .read_line(&mut line)
            .expect("its first line");
        let address = line.trim().parse().expect("an address");
        Self { child, address }
    }

    /// The files that it may have open at most.
    pub(crate) fn most_files(&self) -> usize {
        let text = std::fs::read_to_string(format!("/proc/{}/limits", self.child.id()));
        let text = text.expect("Linux's /proc");
        let line = text.lines().find(|line| line.starts_with("Max open files"));
        line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok())
            .unwrap_or(1024)
    }

    /// CPU time so far, of all threads, in nanoseconds.
    pub(crate) fn cpu(&self) -> u64 {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        threads
            .expect("Linux's /proc")
            .filter_map(|thread| {
                let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
                text.split(' ').next()?.parse::<u64>().ok()
            })
            .sum()
    }

    /// Resident memory, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let text = text.expect("Linux's /proc");
        let line = text.lines().find(|line| line.starts_with("VmRSS:"));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
            .expect("VmRSS")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
