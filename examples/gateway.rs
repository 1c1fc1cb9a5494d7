//! The standalone reverse proxy: `cargo run --release --example gateway -- --help`.
//!
//! It takes its connections from a configuration file, else from the environment, else from embedded demo providers.

#[path = "gateway/arguments.rs"]
mod arguments;
#[path = "gateway/demo/mod.rs"]
mod demo;
#[path = "gateway/metrics.rs"]
mod metrics;
#[path = "gateway/model_list.rs"]
mod model_list;
#[path = "gateway/server.rs"]
mod server;
#[path = "gateway/setup.rs"]
mod setup;
#[path = "gateway/welcome.rs"]
mod welcome;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use tower_llm_gateway::observe::Metrics;
use tracing_subscriber::EnvFilter;

use arguments::{Arguments, Parsed};
use setup::{Origin, Setup};

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(Parsed::Run(arguments)) => arguments,
        Ok(Parsed::Show(text)) => {
            let _ = writeln!(std::io::stdout(), "{text}");
            return ExitCode::SUCCESS;
        }
        Err(message) => return refuse(&message),
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => refuse(&message),
    }
}

/// A start that cannot be made: exit code 2.
fn refuse(message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "gateway: {message}");
    ExitCode::from(2)
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let setup = setup::load(arguments, &|name| std::env::var(name).ok())?;
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,gateway=info,tower_llm_gateway=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();

    let Setup {
        builder,
        origin,
        server,
        timeouts,
    } = setup;
    let demo = matches!(origin, Origin::Demo);
    let gateway = builder
        .observer(Arc::new(Metrics::new()))
        .build(())
        .map_err(|error| error.to_string())?;
    if arguments.check {
        let _ = writeln!(std::io::stdout(), "the configuration is usable");
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime cannot start: {error}"))?;
    let welcome = welcome::Welcome::new(&origin, gateway.routes(), !server.keys.is_empty());
    let metrics = metrics::install()?;
    runtime.block_on(async {
        metrics.keep_tidy();
        if demo {
            let gateway = gateway.with_client(demo::Demo);
            server::serve(gateway, server, metrics, &welcome).await
        } else {
            let client =
                tower_llm_gateway::client::client(&timeouts).map_err(|error| error.to_string())?;
            server::serve(gateway.with_client(client), server, metrics, &welcome).await
        }
    })
}
