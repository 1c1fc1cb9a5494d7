use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tokio::time::Instant;
use tower::{Layer, ServiceExt};
use tower_test::mock;

use super::RetryLayer;
use crate::body::Payload;
use crate::call::{Attempt, Call, Failure, FailureClass};
use crate::error::{BoxError, Error, ErrorClass};
use crate::provider::Provider;
use crate::settings::RetrySettings;
use crate::target::{Connection, Target};
use crate::testing;

/// What a provider does with a try.
#[derive(Debug, Clone, Copy)]
enum Act {
    Answer,
    Fail(Failure),
    Break(ErrorClass),
    Hang,
}
use Act::{Answer, Break, Fail, Hang};

fn failure(class: FailureClass) -> Failure {
    Failure {
        class,
        retry_after: None,
        should_retry: None,
        status: None,
    }
}

fn busy() -> Act {
    Fail(failure(FailureClass::Refused))
}

fn busy_for(seconds: u64) -> Act {
    Fail(Failure {
        retry_after: Some(Duration::from_secs(seconds)),
        ..failure(FailureClass::Refused)
    })
}

fn unsupported() -> Act {
    Fail(failure(FailureClass::Unsupported))
}

/// What became of a call.
struct Run {
    /// The name of the target that a response is of, or the class of the error.
    result: Result<Response<()>, ErrorClass>,
    /// The targets that were tried, and when, in milliseconds.
    tries: Vec<(String, u64)>,
    /// In milliseconds.
    took: u64,
}

impl Run {
    fn targets(&self) -> Vec<&str> {
        self.tries.iter().map(|(name, _)| &**name).collect()
    }

    fn wait(&self, before: usize) -> u64 {
        self.tries[before].1 - self.tries[before - 1].1
    }

    /// The try (from 1) that the response is of, and its `x-should-retry`.
    fn answer(&self) -> (&str, Option<&str>) {
        let headers = self.result.as_ref().unwrap().headers();
        (
            headers["x-try"].to_str().unwrap(),
            headers
                .get("x-should-retry")
                .map(|value| value.to_str().unwrap()),
        )
    }
}

fn plain(error: BoxError) -> Error {
    *error.downcast::<Error>().unwrap()
}

/// Runs a call against providers that act as told; any further try is recorded, and hangs.
async fn run(call: Call, settings: RetrySettings, acts: &[Act]) -> Run {
    let (mock, mut provider) = mock::pair::<Request<Payload>, Response<()>>();
    let service = RetryLayer::new(settings).layer(mock.map_err(plain as fn(BoxError) -> Error));
    let started = Instant::now();
    let millis = move || u64::try_from(started.elapsed().as_millis()).unwrap();
    let mut request = Request::new(call.body.clone());
    request
        .extensions_mut()
        .insert(Attempt::first(Arc::new(call)).unwrap());
    let call = async move { (service.oneshot(request).await, millis()) };
    let (mut tries, mut hanging) = (Vec::new(), Vec::new());
    let mut acts = acts.iter();
    let provide = async {
        while let Some((request, respond)) = provider.next_request().await {
            let attempt = request.extensions().get::<Attempt>().unwrap();
            assert_eq!(request.body().bytes(), attempt.call().body.bytes());
            tries.push((attempt.target().connection().name().to_owned(), millis()));
            let mut response = Response::new(());
            response.headers_mut().insert("x-try", tries.len().into());
            match acts.next().copied() {
                Some(Answer) => respond.send_response(response),
                Some(Fail(failure)) => {
                    *response.status_mut() = StatusCode::BAD_GATEWAY;
                    if failure.should_retry == Some(true) {
                        response
                            .headers_mut()
                            .insert("x-should-retry", "true".parse().unwrap());
                    }
                    response.extensions_mut().insert(failure);
                    respond.send_response(response);
                }
                Some(Break(class)) => respond.send_error(Error::plain(class, "test")),
                Some(Hang) | None => hanging.push(respond),
            }
        }
    };
    let ((result, took), ()) = tokio::join!(call, provide);
    Run {
        result: result.map_err(|error| error.class()),
        tries,
        took,
    }
}

fn targets(names: &[&str]) -> Vec<Target> {
    names
        .iter()
        .map(|name| Target::new(testing::connection(name, Provider::Anthropic)))
        .collect()
}

async fn run_on(names: &[&str], acts: &[Act]) -> Run {
    run(
        testing::call(targets(names)),
        RetrySettings::default(),
        acts,
    )
    .await
}

#[tokio::test(start_paused = true)]
async fn a_success_is_returned_at_once() {
    let run = run_on(&["a", "b"], &[Answer]).await;
    assert_eq!((run.targets(), run.took), (vec!["a"], 0));
    assert_eq!(run.answer(), ("1", None));
}

#[tokio::test(start_paused = true)]
async fn a_single_target_gets_all_tries_with_growing_waits() {
    let run = run_on(&["a"], &[busy(), busy(), busy()]).await;
    assert_eq!(run.targets(), ["a", "a", "a"]);
    assert!((375..=500).contains(&run.wait(1)), "{}", run.wait(1));
    assert!((750..=1000).contains(&run.wait(2)), "{}", run.wait(2));
    // The last failure, and a word to the client's own retries.
    assert_eq!(run.answer(), ("3", Some("false")));
}

#[tokio::test(start_paused = true)]
async fn a_call_says_how_often() {
    for (retries, tries) in [(0, 1), (1, 2), (5, 6)] {
        let mut call = testing::call(targets(&["a"]));
        call.max_retries = Some(retries);
        let run = run(call, RetrySettings::default(), &[busy(); 10]).await;
        assert_eq!(run.tries.len(), tries);
        assert_eq!(run.answer().1, Some("false"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_be_mended_is_tried_again() {
    let ambiguous = Fail(failure(FailureClass::Ambiguous));
    let mut asked = failure(FailureClass::Final);
    asked.should_retry = Some(true);
    for act in [
        busy(),
        ambiguous,
        Fail(asked),
        Break(ErrorClass::NeverSent),
        Break(ErrorClass::Incomplete),
        Break(ErrorClass::Ambiguous),
        Break(ErrorClass::Timeout),
    ] {
        let run = run_on(&["a"], &[act, Answer]).await;
        assert_eq!(run.targets(), ["a", "a"], "{act:?}");
        assert_eq!(run.answer(), ("2", None), "{act:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_final_is_not() {
    let mut told = failure(FailureClass::Refused);
    told.should_retry = Some(false);
    for act in [Fail(failure(FailureClass::Final)), Fail(told)] {
        let run = run_on(&["a", "b"], &[act]).await;
        assert_eq!(run.targets(), ["a"], "{act:?}");
        assert_eq!(run.answer().0, "1", "{act:?}");
    }
    for class in [ErrorClass::Deadline, ErrorClass::Misuse] {
        let run = run_on(&["a", "b"], &[Break(class)]).await;
        assert_eq!(run.targets(), ["a"]);
        assert_eq!(run.result.unwrap_err(), class);
    }
}

#[tokio::test(start_paused = true)]
async fn ambiguous_calls_are_not_sent_again_where_the_owner_says_so() {
    let settings = RetrySettings {
        ambiguous: false,
        ..RetrySettings::default()
    };
    for (act, tries) in [
        (Break(ErrorClass::NeverSent), 2),
        (busy(), 2),
        (Break(ErrorClass::Incomplete), 1),
        (Break(ErrorClass::Ambiguous), 1),
        (Break(ErrorClass::Timeout), 1),
        (Fail(failure(FailureClass::Ambiguous)), 1),
    ] {
        let call = testing::call(targets(&["a", "b"]));
        let run = run(call, settings, &[act, Answer]).await;
        assert_eq!(run.tries.len(), tries, "{act:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_providers_wish_for_retries_ends_with_ours() {
    let mut asked = failure(FailureClass::Final);
    asked.should_retry = Some(true);
    let run = run_on(&["a"], &[Fail(asked); 3]).await;
    assert_eq!(run.answer(), ("3", Some("false")));
}

#[tokio::test(start_paused = true)]
async fn stateful_calls_are_not_sent_twice_unless_never_sent() {
    for (act, tries) in [
        (Break(ErrorClass::NeverSent), 2),
        (Break(ErrorClass::Incomplete), 1),
        (Break(ErrorClass::Ambiguous), 1),
        (Break(ErrorClass::Timeout), 1),
        (busy(), 1),
        (busy_for(1), 1),
        (Fail(failure(FailureClass::Ambiguous)), 1),
    ] {
        let mut call = testing::call(targets(&["a", "b"]));
        call.stateful = true;
        let run = run(call, RetrySettings::default(), &[act, Answer]).await;
        assert_eq!(run.tries.len(), tries, "{act:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_waited_for_as_it_asks() {
    let run = run_on(&["a"], &[busy_for(4), Answer]).await;
    assert!((4000..=5001).contains(&run.wait(1)), "{}", run.wait(1));
    let run = run_on(&["a"], &[busy_for(0), Answer]).await;
    assert_eq!(run.wait(1), 0);
}

#[tokio::test(start_paused = true)]
async fn a_wait_over_the_cap_is_returned_instead() {
    let run = run_on(&["a"], &[busy_for(31)]).await;
    assert_eq!((run.targets(), run.took), (vec!["a"], 0));
    assert_eq!(run.answer(), ("1", Some("false")));
    // Another target is free.
    let run = run_on(&["a", "b"], &[busy_for(31), Answer]).await;
    assert_eq!((run.targets(), run.took), (vec!["a", "b"], 0));
}

#[tokio::test(start_paused = true)]
async fn a_wait_past_the_deadline_is_returned_instead() {
    let mut call = testing::call(targets(&["a"]));
    call.deadline = Instant::now() + Duration::from_secs(3);
    let run = run(call, RetrySettings::default(), &[busy_for(4)]).await;
    assert_eq!((run.tries.len(), run.took), (1, 0));
    assert_eq!(run.answer(), ("1", Some("false")));
}

#[tokio::test(start_paused = true)]
async fn the_next_target_is_tried_at_once_and_the_last_one_gets_the_rest() {
    let mut call = testing::call(targets(&["a", "b"]));
    call.max_retries = Some(3);
    let run = run(
        call,
        RetrySettings::default(),
        &[busy_for(7), busy(), busy(), busy()],
    )
    .await;
    assert_eq!(run.targets(), ["a", "b", "b", "b"]);
    assert_eq!(run.wait(1), 0);
    assert!((375..=500).contains(&run.wait(2)), "{}", run.wait(2));
    assert_eq!(run.answer(), ("4", Some("false")));
}

#[tokio::test(start_paused = true)]
async fn the_drawn_target_comes_first_then_the_others_in_order() {
    let mut call = testing::call(targets(&["a", "b", "c"]));
    call.first = 1;
    let run = run(call, RetrySettings::default(), &[busy(), busy(), Answer]).await;
    assert_eq!(run.targets(), ["b", "a", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_cannot_express_the_request_is_skipped() {
    let mut call = testing::call(targets(&["a", "b", "c"]));
    call.max_retries = Some(0);
    // A skip is no retry: nothing was sent.
    let run = run(
        call,
        RetrySettings::default(),
        &[unsupported(), unsupported(), Answer],
    )
    .await;
    assert_eq!((run.targets(), run.took), (vec!["a", "b", "c"], 0));
    assert_eq!(run.answer(), ("3", None));
}

#[tokio::test(start_paused = true)]
async fn the_first_refusal_is_returned_where_no_provider_was_asked() {
    let run = run_on(&["a", "b"], &[unsupported(), unsupported()]).await;
    assert_eq!(run.answer(), ("1", None));
    let run = run_on(&["a"], &[unsupported()]).await;
    assert_eq!(run.answer(), ("1", None));
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_of_a_provider_wins_over_refusals() {
    let run = run_on(&["a", "b"], &[busy(), unsupported()]).await;
    assert_eq!(run.answer(), ("1", Some("false")));
    let run = run_on(
        &["a", "b", "c", "d"],
        &[unsupported(), busy(), busy(), unsupported()],
    )
    .await;
    assert_eq!(run.answer(), ("3", Some("false")));
    let run = run_on(&["a", "b"], &[Break(ErrorClass::NeverSent), unsupported()]).await;
    assert_eq!(run.result.unwrap_err(), ErrorClass::NeverSent);
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_gets_one_extra_try_at_once() {
    let stale = Break(ErrorClass::Incomplete);
    let run = run_on(&["a", "b"], &[stale, Answer]).await;
    assert_eq!((run.targets(), run.took), (vec!["a", "a"], 0));
    let run = run_on(&["a", "b"], &[stale, stale, Answer]).await;
    assert_eq!((run.targets(), run.took), (vec!["a", "a", "b"], 0));
    let run = run_on(&["a"], &[stale, stale, stale]).await;
    assert_eq!(run.targets(), ["a", "a", "a"]);
    assert_eq!(run.wait(1), 0);
    assert!((375..=500).contains(&run.wait(2)), "{}", run.wait(2));
    assert_eq!(run.result.unwrap_err(), ErrorClass::Incomplete);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_try_that_hangs() {
    let mut call = testing::call(targets(&["a", "b"]));
    call.deadline = Instant::now() + Duration::from_secs(3);
    let run = run(call, RetrySettings::default(), &[busy(), Hang]).await;
    assert_eq!((run.targets(), run.took), (vec!["a", "b"], 3000));
    assert_eq!(run.result.unwrap_err(), ErrorClass::Deadline);
}

#[tokio::test(start_paused = true)]
async fn past_the_deadline_no_target_is_tried() {
    let mut call = testing::call(targets(&["a", "b"]));
    call.deadline = Instant::now();
    let run = run(call, RetrySettings::default(), &[busy(), Answer]).await;
    assert!(run.tries.len() <= 1, "{:?}", run.tries);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_the_wait_for_a_client_that_is_not_ready() {
    let (mock, mut provider) = mock::pair::<Request<Payload>, Response<()>>();
    provider.allow(0);
    let mut service = RetryLayer::default().layer(mock.map_err(plain as fn(BoxError) -> Error));
    // The layer itself is ready: the wait belongs to the call.
    let started = Instant::now();
    let mut call = testing::call(targets(&["a"]));
    call.deadline = started + Duration::from_secs(2);
    let mut request = Request::new(Payload::default());
    request
        .extensions_mut()
        .insert(Attempt::first(Arc::new(call)).unwrap());
    let error = service
        .ready()
        .await
        .unwrap()
        .oneshot(request)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Deadline);
    assert_eq!(started.elapsed(), Duration::from_secs(2));
}

fn without_budget(name: &str) -> Target {
    let retry = RetrySettings {
        budget_floor: 0,
        budget_percent: 0,
        ..RetrySettings::default()
    };
    let builder = Connection::builder(name, Provider::OpenAiCompatible)
        .base_url("http://h")
        .retry(retry);
    Target::new(Arc::new(builder.build().unwrap()))
}

#[tokio::test(start_paused = true)]
async fn an_exhausted_budget_returns_the_failure() {
    let call = testing::call(vec![without_budget("a")]);
    let run_a = run(call, RetrySettings::default(), &[busy()]).await;
    assert_eq!(run_a.answer(), ("1", Some("false")));
    // The target that would get the call pays.
    let [a] = &targets(&["a"])[..] else { panic!() };
    let call = testing::call(vec![a.clone(), without_budget("b")]);
    let run_b = run(call, RetrySettings::default(), &[busy()]).await;
    assert_eq!(run_b.targets(), ["a"]);
    let call = testing::call(vec![without_budget("b"), a.clone()]);
    let run_a = run(call, RetrySettings::default(), &[busy(), Answer]).await;
    assert_eq!(run_a.targets(), ["b", "a"]);
}

#[tokio::test(start_paused = true)]
async fn the_budget_floor_bounds_a_retry_storm() {
    let target = targets(&["a"]);
    let mut sent = 0;
    for _ in 0..200 {
        let run = run(
            testing::call(target.clone()),
            RetrySettings::default(),
            &[busy_for(0); 3],
        )
        .await;
        sent += run.tries.len();
    }
    // 200 calls, and the floor of ten retries per second over ten seconds.
    assert!((300..=311).contains(&sent), "{sent}");
}

#[tokio::test(start_paused = true)]
async fn without_a_call_nothing_is_tried_again() {
    let (mock, mut provider) = mock::pair::<Request<Payload>, Response<()>>();
    let service = RetryLayer::default().layer(mock.map_err(plain as fn(BoxError) -> Error));
    let call = service.oneshot(Request::new(Payload::default()));
    let provide = async {
        let (_, respond) = provider.next_request().await.unwrap();
        respond.send_error(Error::plain(ErrorClass::NeverSent, "test"));
        assert!(provider.next_request().await.is_none());
    };
    assert!(tokio::join!(call, provide).0.is_err());
}

#[tokio::test(start_paused = true)]
async fn spent_quotas_are_final_on_the_only_target_and_left_for_another() {
    let spent = Fail(failure(FailureClass::Exhausted));
    let alone = run_on(&["one"], &[spent]).await;
    assert_eq!(alone.targets(), ["one"]);
    assert_eq!(alone.answer(), ("1", Some("false")));
    let several = run_on(&["one", "two"], &[spent, Answer]).await;
    assert_eq!(several.targets(), ["one", "two"]);
    assert_eq!(several.took, 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_gets_one_more_try_on_its_target() {
    let refused = Fail(failure(FailureClass::Credential));
    let mended = run_on(&["one", "two"], &[refused, Answer]).await;
    assert_eq!(mended.targets(), ["one", "one"]);
    assert_eq!((mended.answer(), mended.took), (("2", None), 0));
    let hopeless = run_on(&["one", "two"], &[refused, refused]).await;
    assert_eq!(hopeless.targets(), ["one", "one"]);
    assert_eq!(hopeless.answer(), ("2", Some("false")));

    let mut stateful = testing::call(targets(&["one"]));
    stateful.stateful = true;
    let run = run(stateful, RetrySettings::default(), &[refused, Answer]).await;
    assert_eq!(run.targets(), ["one", "one"]);

    let mut once = testing::call(targets(&["one"]));
    once.max_retries = Some(0);
    let run = self::run(once, RetrySettings::default(), &[refused]).await;
    assert_eq!(run.targets(), ["one"]);
}

#[tokio::test(start_paused = true)]
async fn each_target_may_refuse_a_credential_once() {
    let refused = Fail(failure(FailureClass::Credential));
    let settings = RetrySettings {
        max_retries: 3,
        ..RetrySettings::default()
    };
    let acts = [refused, busy(), refused, Answer];
    let run = run(testing::call(targets(&["one", "two"])), settings, &acts).await;
    assert_eq!(run.targets(), ["one", "one", "two", "two"]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_set_aside_is_passed_over_but_for_the_last() {
    let targets = targets(&["one", "two", "three"]);
    let health = |at: usize| targets[at].connection().health();
    let call = || testing::call(targets.clone());
    health(1).failed(Some(Duration::from_secs(30)));
    let passed = run(call(), RetrySettings::default(), &[busy(), Answer]).await;
    assert_eq!(passed.targets(), ["one", "three"]);
    health(2).failed(Some(Duration::from_secs(30)));
    let last = run(call(), RetrySettings::default(), &[busy(), Answer]).await;
    assert_eq!(
        last.targets(),
        ["one", "three"],
        "the last one is always tried"
    );
    tokio::time::advance(Duration::from_secs(31)).await;
    let probe = run(call(), RetrySettings::default(), &[busy(), Answer]).await;
    assert_eq!(probe.targets(), ["one", "two"]);
    assert!(!targets[1].connection().is_cooling(), "the probe succeeded");
}

#[tokio::test(start_paused = true)]
async fn only_what_the_provider_did_counts_against_its_health() {
    let targets = targets(&["one"]);
    let cooling = || targets[0].connection().is_cooling();
    let settings = RetrySettings::default();
    for _ in 0..4 {
        run(testing::call(targets.clone()), settings, &[unsupported()]).await;
        let refused = [Fail(failure(FailureClass::Final))];
        run(testing::call(targets.clone()), settings, &refused).await;
    }
    assert!(!cooling());
    run(
        testing::call(targets.clone()),
        settings,
        &[busy(), busy(), busy()],
    )
    .await;
    assert!(cooling());
    let after = run(testing::call(targets.clone()), settings, &[Answer]).await;
    assert_eq!(after.targets(), ["one"], "an only target is always tried");
    assert!(!cooling());
}
