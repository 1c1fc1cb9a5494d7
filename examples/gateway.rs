//! The standalone reverse proxy: `cargo run --release --example gateway -- --help`.
//!
//! It takes its connections from a configuration file, else from the environment, else from embedded demo providers.

#[path = "gateway/arguments.rs"]
mod arguments;
#[path = "gateway/bedrock.rs"]
mod bedrock;
#[path = "gateway/demo/mod.rs"]
mod demo;
#[path = "gateway/listen.rs"]
mod listen;
#[path = "gateway/locate.rs"]
mod locate;
#[path = "gateway/metrics.rs"]
mod metrics;
#[path = "gateway/model_list.rs"]
mod model_list;
#[path = "gateway/reload.rs"]
mod reload;
#[path = "gateway/server.rs"]
mod server;
#[path = "gateway/setup.rs"]
mod setup;
#[path = "gateway/telemetry.rs"]
mod telemetry;
#[path = "gateway/welcome.rs"]
mod welcome;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use tower_llm_gateway::client::{ClientBuilder, HttpsClient};
use tower_llm_gateway::config::Kept;
use tower_llm_gateway::observe::{Metrics, Observer};
use tower_llm_gateway::settings::Timeouts;
use tower_llm_gateway::{GatewayBuilder, Shutdown};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use arguments::{Arguments, Parsed};
use listen::Listen;
use reload::Reload;
use setup::{Origin, Setup};
use telemetry::Telemetry;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(Parsed::Run(arguments)) => arguments,
        Ok(Parsed::Show(text)) => {
            let _ = writeln!(std::io::stdout(), "{text}");
            return ExitCode::SUCCESS;
        }
        Err(message) => return refuse(&message),
    };
    if arguments.health {
        return health(&arguments);
    }
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

/// Asks a running gateway whether it is alive: for containers that hold nothing but this program.
fn health(arguments: &Arguments) -> ExitCode {
    let listen = arguments.listen.as_deref().unwrap_or(setup::LISTEN);
    let listen: Listen = match listen.parse() {
        Ok(listen) => listen,
        Err(message) => return refuse(&format!("--listen: {message}")),
    };
    match listen.check_health() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "gateway: {listen}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let mut kept = Kept::new();
    let setup = setup::load(arguments, &|name| std::env::var(name).ok(), &mut kept)?;
    let levels = std::env::var("RUST_LOG").unwrap_or_default();
    let (filter, fault) = match levels.parse::<Targets>() {
        Ok(filter) if !levels.is_empty() => (filter, None),
        parsed => {
            let usual = Targets::new()
                .with_default(LevelFilter::WARN)
                .with_target("gateway", LevelFilter::INFO)
                .with_target("tower_llm_gateway", LevelFilter::INFO);
            (usual, parsed.err())
        }
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .init();
    if let Some(error) = fault {
        tracing::warn!("RUST_LOG is not obeyed: {error}");
    }

    let Setup {
        builder,
        origin,
        server,
        timeouts,
    } = setup;
    let demo = matches!(origin, Origin::Demo);
    let shutdown = Shutdown::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime cannot start: {error}"))?;
    let telemetry = if telemetry::is_wanted() && !arguments.check {
        Some(Telemetry::start(
            outbound(&timeouts)?,
            runtime.handle().clone(),
        )?)
    } else {
        None
    };
    let mut watchers: Vec<Arc<dyn Observer>> = vec![Arc::new(Metrics::new())];
    if let Some(telemetry) = &telemetry {
        watchers.push(Arc::new(telemetry.observer()));
    }
    let gateway = watched(builder, &watchers)
        .shutdown(shutdown.clone())
        .build(())
        .map_err(|error| error.to_string())?;
    if arguments.check {
        let _ = writeln!(std::io::stdout(), "the configuration is usable");
        return Ok(());
    }
    let welcome = welcome::Welcome::new(&origin, gateway.routes(), !server.keys.is_empty());
    let metrics = metrics::install()?;
    let served = runtime.block_on(async {
        metrics.keep_tidy();
        let connect = timeouts.connect;
        let reload = Reload::new(arguments, &server, connect, &shutdown, watchers, kept)?;
        if demo {
            server::serve(
                gateway,
                demo::Demo,
                server,
                shutdown,
                reload,
                metrics,
                &welcome,
            )
            .await
        } else {
            let client = outbound(&timeouts)?;
            server::serve(gateway, client, server, shutdown, reload, metrics, &welcome).await
        }
    });
    if let Some(telemetry) = telemetry {
        telemetry.stop();
    }
    served
}

/// The client for providers.
fn outbound(timeouts: &Timeouts) -> Result<HttpsClient, String> {
    ClientBuilder::from_env(timeouts)
        .and_then(ClientBuilder::build)
        .map_err(|error| error.to_string())
}

/// A builder of a gateway whose calls are told to these.
fn watched(builder: GatewayBuilder, watchers: &[Arc<dyn Observer>]) -> GatewayBuilder {
    watchers
        .iter()
        .cloned()
        .fold(builder, GatewayBuilder::observer)
}
