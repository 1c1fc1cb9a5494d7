//! The route table: from the model asked for to the targets.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::condition::Condition;
use crate::glob;
use crate::target::{Connection, Target};

/// A rule: models whose name matches go to these targets.
#[derive(Debug, Clone)]
pub struct Rule {
    pattern: Arc<str>,
    targets: Arc<[Target]>,
    condition: Option<Arc<Condition>>,
}

impl Rule {
    /// A rule for `pattern`, a `*` glob over the name of the model that the client asked for.
    pub fn new(pattern: impl Into<String>, targets: impl IntoIterator<Item = Target>) -> Self {
        Self {
            pattern: pattern.into().into(),
            targets: targets.into_iter().collect(),
            condition: None,
        }
    }

    /// Makes the rule apply only to requests for which `condition` holds: others go on to the next rule that matches.
    #[must_use]
    pub fn when(mut self, condition: Condition) -> Self {
        self.condition = Some(Arc::new(condition));
        self
    }

    /// The condition, where there is one.
    #[must_use]
    pub fn condition(&self) -> Option<&Condition> {
        self.condition.as_deref()
    }

    /// The pattern.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The targets, in the order of fallback.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }
}

/// Resolves model names: an exact route first, then `CONNECTION/model-id`, then the first glob that matches. Rules whose
/// condition does not hold count for nothing.
#[derive(Debug, Default)]
pub struct RouteTable {
    routes: Vec<Rule>,
    /// Where `NAME/model-id` goes.
    connections: Vec<Direct>,
}

/// A connection that clients may name.
#[derive(Debug)]
struct Direct {
    connection: Arc<Connection>,
    targets: Arc<[Target]>,
    /// `NAME/*`
    pattern: Arc<str>,
}

/// A resolved model name.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    pub(crate) targets: Arc<[Target]>,
    /// The name without the connection's.
    pub(crate) model: String,
    /// The rule's pattern, or `NAME/*`.
    pub(crate) route: Arc<str>,
}

impl RouteTable {
    /// A table of these rules and connections.
    ///
    /// # Errors
    /// A rule has no target or no weight above zero, two connections share a name, or a pattern is empty.
    pub fn new(
        routes: Vec<Rule>,
        connections: Vec<Arc<Connection>>,
    ) -> Result<Self, InvalidRoutes> {
        for (at, connection) in connections.iter().enumerate() {
            if connections
                .iter()
                .take(at)
                .any(|other| other.name() == connection.name())
            {
                return Err(InvalidRoutes::DuplicateConnection(
                    connection.name().to_owned(),
                ));
            }
        }
        for route in &routes {
            if route.pattern.is_empty() {
                return Err(InvalidRoutes::EmptyPattern);
            }
            if route.targets.is_empty() {
                return Err(InvalidRoutes::NoTarget(route.pattern.to_string()));
            }
            if weights(&route.targets).all(|weight| weight == 0) {
                return Err(InvalidRoutes::NoWeight(route.pattern.to_string()));
            }
        }
        let connections = connections
            .into_iter()
            .map(|connection| Direct {
                pattern: format!("{}/*", connection.name()).into(),
                targets: Arc::from([Target::new(connection.clone())]),
                connection,
            })
            .collect();
        Ok(Self {
            routes,
            connections,
        })
    }

    /// The rules, in order.
    #[must_use]
    pub fn routes(&self) -> &[Rule] {
        &self.routes
    }

    /// The connections, in order.
    pub fn connections(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.connections.iter().map(|direct| &direct.connection)
    }

    /// Where calls that ask for `model` may go, in the order of fallback, as far as the model alone tells: rules with a condition
    /// are passed over. `None` where no other rule and no connection leads anywhere.
    #[must_use]
    pub fn targets(&self, model: &str) -> Option<Arc<[Target]>> {
        let resolved = self.resolve(model, |_| false);
        resolved.map(|resolved| resolved.targets)
    }

    /// The targets for `model`, if any rule has some whose condition `holds`.
    pub(crate) fn resolve(
        &self,
        model: &str,
        holds: impl Fn(&Condition) -> bool,
    ) -> Option<Resolved> {
        let applies = |route: &&Rule| route.condition().is_none_or(&holds);
        let whole = |route: &Rule| Resolved {
            targets: route.targets.clone(),
            model: model.to_owned(),
            route: route.pattern.clone(),
        };
        let mut exact = self.routes.iter().filter(|route| &*route.pattern == model);
        if let Some(route) = exact.find(applies) {
            return Some(whole(route));
        }
        if let Some((name, rest)) = model.split_once('/')
            && let Some(direct) = self
                .connections
                .iter()
                .find(|direct| direct.connection.name() == name)
        {
            return Some(Resolved {
                targets: direct.targets.clone(),
                model: rest.to_owned(),
                route: direct.pattern.clone(),
            });
        }
        self.routes
            .iter()
            .filter(|route| glob::matches(&route.pattern, model))
            .find(applies)
            .map(whole)
    }
}

/// The weights of a rule's targets, with their defaults.
fn weights(targets: &[Target]) -> impl Iterator<Item = u32> + Clone + '_ {
    targets
        .iter()
        .enumerate()
        .map(|(position, target)| target.weight_or_default(position))
}

/// The position of the target that the first call goes to: drawn by weight with `random` among those that are not set aside
/// and have room, else the first fallback that is so, else drawn among all; at last any other whose configured capacity is
/// not used up. What the call needs of that is taken.
///
/// # Errors
/// The configured capacities of all targets are used up: the time until one has room.
pub(crate) fn draw(
    targets: &[Target],
    random: u64,
    tokens: impl Fn() -> u64,
) -> Result<usize, Duration> {
    let drawn = match targets.len() {
        0 | 1 => 0,
        _ => draw_among(weights(targets), random),
    };
    let meter = |position: usize| {
        let target: Option<&Target> = targets.get(position);
        target.map(|target| target.connection().meter())
    };
    let has_room = |position: usize| meter(position).is_none_or(|meter| meter.has_room(&tokens));
    let take = |position: &usize| meter(*position).is_none_or(|meter| meter.take(&tokens));
    if targets.len() > 1 {
        if has_room(drawn) && admits(targets, drawn) && take(&drawn) {
            return Ok(drawn);
        }
        let shut = |position: usize| {
            let target = targets.get(position);
            target.is_some_and(|target| target.connection().is_cooling()) || !has_room(position)
        };
        let standing = weights(targets)
            .enumerate()
            .map(|(position, weight)| if shut(position) { 0 } else { weight });
        let next = if standing.clone().any(|weight| weight > 0) {
            Some(draw_among(standing, random))
        } else {
            (0..targets.len()).find(|position| !shut(*position))
        };
        if let Some(next) = next.filter(take) {
            return Ok(next);
        }
    }
    let any = std::iter::once(drawn).chain(0..targets.len()).find(take);
    any.ok_or_else(|| {
        let waits = (0..targets.len()).filter_map(meter);
        waits
            .map(|meter| meter.wait(&tokens))
            .min()
            .unwrap_or_default()
    })
}

fn admits(targets: &[Target], position: usize) -> bool {
    targets
        .get(position)
        .is_none_or(|target| target.connection().health().admits())
}

fn draw_among(weights: impl Iterator<Item = u32> + Clone, random: u64) -> usize {
    let total: u64 = weights.clone().map(u64::from).sum();
    let mut ticket = random % total.max(1);
    for (position, weight) in weights.enumerate() {
        match ticket.checked_sub(u64::from(weight)) {
            Some(rest) => ticket = rest,
            None => return position,
        }
    }
    0
}

/// Why a route table cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidRoutes {
    /// Two connections have this name.
    DuplicateConnection(String),
    /// A route's pattern is empty.
    EmptyPattern,
    /// The route of this pattern has no target.
    NoTarget(String),
    /// The route of this pattern has no target whose weight is above zero.
    NoWeight(String),
}

impl fmt::Display for InvalidRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateConnection(name) => write!(f, "two connections are called {name:?}"),
            Self::EmptyPattern => f.write_str("a route's model is empty"),
            Self::NoTarget(pattern) => write!(f, "the route {pattern:?} has no target"),
            Self::NoWeight(pattern) => write!(
                f,
                "the route {pattern:?} has no target whose weight is above zero"
            ),
        }
    }
}

impl std::error::Error for InvalidRoutes {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Credential;
    use crate::provider::Provider;

    fn connection(name: &str) -> Arc<Connection> {
        let builder =
            Connection::builder(name, Provider::OpenAi).credential(Credential::api_key("k"));
        Arc::new(builder.build().unwrap())
    }

    fn table() -> RouteTable {
        let (a, b) = (connection("a"), connection("b"));
        let routes = vec![
            Rule::new("*", [Target::new(a.clone()).model("fallback")]),
            Rule::new("b/exact", [Target::new(a.clone()).model("x")]),
            Rule::new("gpt-*", [Target::new(a.clone())]),
        ];
        RouteTable::new(routes, vec![a, b]).unwrap()
    }

    fn resolve(model: &str) -> (String, Option<String>, String) {
        let resolved = table().resolve(model, |_| true).unwrap();
        let target = &resolved.targets[0];
        (
            target.connection().name().to_owned(),
            target.model_id().map(str::to_owned),
            resolved.model,
        )
    }

    #[test]
    fn exact_then_connection_then_first_glob() {
        assert_eq!(
            resolve("b/exact"),
            ("a".into(), Some("x".into()), "b/exact".into())
        );
        assert_eq!(
            resolve("b/openai/gpt-oss"),
            ("b".into(), None, "openai/gpt-oss".into())
        );
        assert_eq!(
            resolve("gpt-5"),
            ("a".into(), Some("fallback".into()), "gpt-5".into())
        );
        assert_eq!(
            resolve("nobody/x"),
            ("a".into(), Some("fallback".into()), "nobody/x".into())
        );
        assert!(RouteTable::default().resolve("gpt-5", |_| true).is_none());
    }

    #[test]
    fn rules_whose_condition_does_not_hold_are_passed_over() {
        let a = connection("a");
        let rule =
            |pattern: &str, model: &str| Rule::new(pattern, [Target::new(a.clone()).model(model)]);
        let with_tools = || Condition::new().tools(true);
        let routes = vec![
            rule("m", "exact").when(with_tools()),
            rule("*", "first").when(with_tools()),
            rule("*", "second"),
        ];
        let table = RouteTable::new(routes, vec![a.clone()]).unwrap();
        let model = |asked: &str, holds: bool| {
            let resolved = table.resolve(asked, |_| holds).unwrap();
            resolved.targets[0].model_id().map(str::to_owned)
        };
        assert_eq!(model("m", true).as_deref(), Some("exact"));
        assert_eq!(model("m", false).as_deref(), Some("second"));
        assert_eq!(model("x", true).as_deref(), Some("first"));
        assert_eq!(model("a/x", true), None);
        assert_eq!(
            table.targets("m").unwrap()[0].model_id(),
            Some("second"),
            "by the model alone"
        );
    }

    #[test]
    fn weights_share_the_first_calls() {
        let a = connection("a");
        let targets = [
            Target::new(a.clone()).weight(1),
            Target::new(a.clone()),
            Target::new(a.clone()).weight(3),
        ];
        let drawn: Vec<_> = (0..8)
            .map(|random| draw(&targets, random, || 0).unwrap())
            .collect();
        assert_eq!(drawn, [0, 2, 2, 2, 0, 2, 2, 2]);
        let plain = [Target::new(a.clone()), Target::new(a)];
        assert!((0..100).all(|random| draw(&plain, random, || 0) == Ok(0)));
    }

    #[tokio::test(start_paused = true)]
    async fn first_calls_avoid_what_is_set_aside() {
        let connections = ["a", "b", "c"].map(connection);
        let [a, b, c] = &connections;
        let targets = [
            Target::new(a.clone()).weight(1),
            Target::new(b.clone()).weight(1),
            Target::new(c.clone()),
        ];
        let drawn = || [0, 1].map(|random| draw(&targets, random, || 0).unwrap());
        assert_eq!(drawn(), [0, 1]);
        let minute = Some(std::time::Duration::from_secs(60));
        a.health().failed(minute);
        assert_eq!(drawn(), [1, 1]);
        b.health().failed(minute);
        assert_eq!(drawn(), [2, 2], "the fallback");
        c.health().failed(minute);
        assert_eq!(drawn(), [0, 1], "all are set aside: as if none were");
        a.health().succeeded();
        assert_eq!(drawn(), [0, 0]);
    }

    fn metered(name: &str, requests: u64) -> Target {
        let builder = Connection::builder(name, Provider::OpenAi)
            .credential(Credential::api_key("k"))
            .capacity(crate::target::Capacity::new().requests_per_minute(requests));
        Target::new(Arc::new(builder.build().unwrap()))
    }

    #[tokio::test(start_paused = true)]
    async fn first_calls_go_where_there_is_room() {
        let targets = [metered("a", 2), metered("b", 1).weight(1), metered("c", 1)];
        let drawn = || draw(&targets, 0, || 0);
        assert_eq!([drawn(), drawn()], [Ok(0), Ok(0)]);
        assert_eq!(drawn(), Ok(1), "it has a weight");
        assert_eq!(drawn(), Ok(2), "the fallback");
        assert_eq!(
            drawn(),
            Err(Duration::from_secs(30)),
            "until the soonest has room"
        );
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(drawn(), Ok(0));
        let [a, ..] = &targets;
        assert_eq!(
            draw(std::slice::from_ref(a), 0, || 0)
                .unwrap_err()
                .as_secs(),
            30
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_providers_say_steers_only() {
        let targets = [Target::new(connection("a")), Target::new(connection("b"))];
        let drawn = || draw(&targets, 0, || 100);
        let mut spent = http::HeaderMap::new();
        spent.insert("x-ratelimit-remaining-requests", "0".parse().unwrap());
        targets[0].connection().meter().observe(&spent, 0);
        assert_eq!(drawn(), Ok(1));
        targets[1].connection().meter().observe(&spent, 0);
        assert_eq!(drawn(), Ok(0), "nothing is refused");
        // A place that is set aside, or full by its own word, is better than none.
        let targets = [metered("c", 1), Target::new(connection("d"))];
        targets[1]
            .connection()
            .health()
            .failed(Some(Duration::from_secs(9)));
        targets[1].connection().meter().observe(&spent, 0);
        let drawn = || draw(&targets, 0, || 100);
        assert_eq!([drawn(), drawn(), drawn()], [Ok(0), Ok(1), Ok(1)]);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(drawn(), Ok(0));
    }

    #[test]
    fn unusable_tables_say_why() {
        let a = connection("a");
        let error = |routes| RouteTable::new(routes, vec![a.clone()]).unwrap_err();
        assert_eq!(
            error(vec![Rule::new("x", [])]),
            InvalidRoutes::NoTarget("x".into())
        );
        assert_eq!(
            error(vec![Rule::new("", [Target::new(a.clone())])]),
            InvalidRoutes::EmptyPattern
        );
        assert_eq!(
            error(vec![Rule::new("x", [Target::new(a.clone()).weight(0)])]),
            InvalidRoutes::NoWeight("x".into())
        );
        assert_eq!(
            RouteTable::new(vec![], vec![a.clone(), connection("a")]).unwrap_err(),
            InvalidRoutes::DuplicateConnection("a".into())
        );
    }
}
