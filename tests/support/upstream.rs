//! A scripted HTTP/1.1 upstream on the loopback address. It records every request byte for byte and answers exactly as told, down to
//! the framing of the body and the way the connection ends. It runs on a thread of its own, so that plain and async tests use it
//! alike, and everything ends when the handle is dropped; no connection lasts longer than [`LIFETIME`].

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

pub use super::http1::Recorded;
use super::http1::read_request;
pub use super::reply::Reply;
use super::reply::{Framing, Step};

/// How long a connection, and any wait of this module, lasts at most.
pub const LIFETIME: Duration = Duration::from_secs(60);

/// How an exchange ended, as the upstream saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The reply was carried out to its end.
    Done,
    /// The peer ended the connection before that, or where it was expected to.
    PeerClosed {
        /// When the upstream saw it.
        at: Instant,
        /// Whether the reply was waiting for it.
        expected: bool,
    },
    /// [`LIFETIME`] passed first: a peer that should have ended the connection did not, say.
    TimedOut,
}

type Handler = dyn Fn(&Recorded) -> Reply + Send + Sync;

/// What the connections and the handle share.
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    handler: Option<Box<Handler>>,
    /// Counts the calls of `release`.
    released: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Reply>,
    requests: Vec<Recorded>,
    ends: Vec<Option<End>>,
    /// How many were dropped from the front of these lists.
    forgotten: usize,
    /// Steps carried out so far, by request.
    progress: Vec<usize>,
    connections: usize,
    open: usize,
    errors: Vec<String>,
    holds: usize,
}

impl State {
    /// Another step of this exchange was carried out.
    fn proceed(&mut self, index: usize) {
        self.progress[index - self.forgotten] += 1;
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.changed.notify_all();
        result
    }

    /// Blocks until `get` finds what it looks for; `None` after [`LIFETIME`].
    fn wait<T>(&self, mut get: impl FnMut(&State) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + LIFETIME;
        let mut state = self.state();
        loop {
            if let Some(found) = get(&state) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

/// What a test waits for; each wait panics when it takes longer than [`LIFETIME`].
impl Shared {
    fn release(&self) {
        self.wait(|state| (state.holds > 0).then_some(()))
            .expect("a reply that holds");
        self.change(|state| state.holds = 0);
        self.released.send_modify(|count| *count += 1);
    }

    fn wait_requests(&self, count: usize) -> Vec<Recorded> {
        self.wait(|state| (state.requests.len() >= count).then(|| state.requests.clone()))
            .unwrap_or_else(|| panic!("fewer than {count} requests: {:?}", self.state()))
    }

    fn wait_progress(&self, request: usize, steps: usize) {
        self.wait(|state| (*state.progress.get(request)? >= steps).then_some(()))
            .unwrap_or_else(|| panic!("reply {request} is stuck: {:?}", self.state()));
    }

    fn wait_end(&self, request: usize) -> End {
        self.wait(|state| *state.ends.get(request)?)
            .unwrap_or_else(|| panic!("exchange {request} goes on: {:?}", self.state()))
    }

    fn wait_cancelled(&self, request: usize) -> Instant {
        match self.wait_end(request) {
            End::PeerClosed { at, .. } => at,
            end => panic!("the peer should have ended exchange {request}, but: {end:?}"),
        }
    }

    fn wait_idle(&self) {
        self.wait(|state| (state.open == 0).then_some(()))
            .unwrap_or_else(|| panic!("a connection stays open: {:?}", self.state()));
    }
}

/// The handle of a running upstream.
pub struct Upstream {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

impl Default for Upstream {
    fn default() -> Self {
        Self::new()
    }
}

impl Upstream {
    /// An upstream that answers what [`push`](Self::push) queued, and 418 when nothing is queued.
    pub fn new() -> Self {
        Self::run(None)
    }

    /// An upstream with this script.
    pub fn scripted(replies: impl IntoIterator<Item = Reply>) -> Self {
        let upstream = Self::new();
        for reply in replies {
            upstream.push(reply);
        }
        upstream
    }

    /// An upstream whose answers are a function of the request. What is queued goes first.
    pub fn start(handler: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> Self {
        Self::run(Some(Box::new(handler)))
    }

    fn run(handler: Option<Box<Handler>>) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            handler,
            released: watch::Sender::new(0),
        });
        let (stop, stopped) = oneshot::channel();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind a loopback port");
        listener
            .set_nonblocking(true)
            .expect("non-blocking listener");
        let addr = listener.local_addr().expect("local address");
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            // Dropping the runtime at the end of this block drops every connection with it.
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).expect("listener");
                tokio::select! {
                    () = accept(&listener, &of_thread) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            addr,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Queues a reply.
    pub fn push(&self, reply: Reply) {
        self.shared.change(|state| state.script.push_back(reply));
    }

    /// Lets every reply go on that holds now; blocks until at least one does.
    pub fn release(&self) {
        self.shared.release();
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.state().requests.clone()
    }

    /// Forgets the requests so far and how they ended. Only between exchanges.
    pub fn clear(&self) {
        self.shared.change(|state| {
            assert!(
                state.ends.iter().all(Option::is_some),
                "an exchange is still under way"
            );
            state.requests.clear();
            state.ends.clear();
            state.progress.clear();
        });
    }

    /// Forgets the exchanges that are over, up to the first one that is not; what is left is counted from 0 again. For long runs.
    pub fn forget(&self) {
        self.shared.change(|state| {
            let over = state.ends.iter().take_while(|end| end.is_some()).count();
            state.ends.drain(..over);
            state.requests.drain(..over);
            state.progress.drain(..over);
            state.forgotten += over;
        });
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// How many connections are open.
    pub fn open_connections(&self) -> usize {
        self.shared.state().open
    }

    /// What came over the wire and was no request.
    pub fn errors(&self) -> Vec<String> {
        self.shared.state().errors.clone()
    }

    /// Blocks until so many requests have arrived.
    pub fn wait_requests(&self, count: usize) -> Vec<Recorded> {
        self.shared.wait_requests(count)
    }

    /// Blocks until this request's reply has carried out so many steps (the head is one, each piece is one).
    pub fn wait_progress(&self, request: usize, steps: usize) {
        self.shared.wait_progress(request, steps);
    }

    /// Blocks until this request's exchange is over.
    pub fn wait_end(&self, request: usize) -> End {
        self.shared.wait_end(request)
    }

    /// Blocks until the peer has ended the connection of this request, and says when. Panics when the exchange ends otherwise.
    pub fn wait_cancelled(&self, request: usize) -> Instant {
        self.shared.wait_cancelled(request)
    }

    /// Blocks until no connection is open.
    pub fn wait_idle(&self) {
        self.shared.wait_idle();
    }

    /// [`wait_requests`](Self::wait_requests) for async tests: the test's own runtime goes on meanwhile.
    pub async fn requested(&self, count: usize) -> Vec<Recorded> {
        self.aside(move |shared| shared.wait_requests(count)).await
    }

    /// [`wait_progress`](Self::wait_progress) for async tests.
    pub async fn progressed(&self, request: usize, steps: usize) {
        self.aside(move |shared| shared.wait_progress(request, steps))
            .await;
    }

    /// [`wait_end`](Self::wait_end) for async tests.
    pub async fn ended(&self, request: usize) -> End {
        self.aside(move |shared| shared.wait_end(request)).await
    }

    /// [`wait_cancelled`](Self::wait_cancelled) for async tests.
    pub async fn cancelled(&self, request: usize) -> Instant {
        self.aside(move |shared| shared.wait_cancelled(request))
            .await
    }

    /// [`wait_idle`](Self::wait_idle) for async tests.
    pub async fn idle(&self) {
        self.aside(Shared::wait_idle).await;
    }

    /// [`release`](Self::release) for async tests.
    pub async fn released(&self) {
        self.aside(Shared::release).await;
    }

    async fn aside<T: Send + 'static>(
        &self,
        wait: impl FnOnce(&Shared) -> T + Send + 'static,
    ) -> T {
        let shared = Arc::clone(&self.shared);
        match tokio::task::spawn_blocking(move || wait(&shared)).await {
            Ok(waited) => waited,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the upstream's thread panicked");
        }
    }
}

/// Accepts connections for ever.
async fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let id = shared.change(|state| {
            state.connections += 1;
            state.open += 1;
            state.connections - 1
        });
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            let _open = Open(Arc::clone(&shared));
            if let Err(error) = serve(stream, id, &shared).await {
                shared.change(|state| state.errors.push(format!("connection {id}: {error}")));
            }
        });
    }
}

/// Counts a connection as closed when it goes, also by a panic in a test's handler.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.change(|state| state.open -= 1);
    }
}

/// Serves one connection until either side ends it.
async fn serve(mut stream: TcpStream, id: usize, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // Not the owned halves: dropping one of those sends a FIN, also where the script says reset.
    let (mut input, mut output) = stream.split();
    let mut held = Vec::new();
    loop {
        let read = tokio::time::timeout(LIFETIME, read_request(&mut input, &mut held, id));
        let Ok(read) = read.await else {
            return Ok(());
        };
        let Some(request) = read? else {
            return Ok(());
        };
        let (index, queued) = shared.change(|state| {
            state.requests.push(request.clone());
            state.ends.push(None);
            state.progress.push(0);
            let index = state.forgotten + state.requests.len() - 1;
            (index, state.script.pop_front())
        });
        let reply = match (queued, &shared.handler) {
            (Some(reply), _) => reply,
            (None, Some(handler)) => handler(&request),
            (None, None) => Reply::json(418, r#"{"error":{"message":"no reply was scripted"}}"#),
        };
        let mut exchange = Exchange {
            shared,
            index,
            input: &mut input,
            output: &mut output,
            held: &mut held,
        };
        let carried = tokio::time::timeout(LIFETIME, exchange.carry_out(&reply)).await;
        let (end, keep) = carried.unwrap_or((End::TimedOut, false));
        shared.change(|state| {
            let at = index - state.forgotten;
            state.ends[at] = Some(end);
        });
        if !keep {
            return Ok(());
        }
    }
}

/// One request being answered.
struct Exchange<'a, 's> {
    shared: &'a Shared,
    index: usize,
    input: &'a mut ReadHalf<'s>,
    output: &'a mut WriteHalf<'s>,
    held: &'a mut Vec<u8>,
}

impl Exchange<'_, '_> {
    /// Carries the reply out. The flag says whether the connection can take another request.
    async fn carry_out(&mut self, reply: &Reply) -> (End, bool) {
        let mut ended = false;
        for step in &reply.steps {
            let closed = match step {
                Step::Head => self.write(&reply.head()).await,
                Step::Piece(piece) => self.write(&reply.frame(piece)).await,
                Step::Raw(bytes) => self.write(bytes).await,
                Step::Pause(time) => self.unless_closed(tokio::time::sleep(*time)).await,
                Step::Hold => self.hold().await,
                Step::End => {
                    ended = true;
                    self.end(reply).await
                }
                Step::Reset => {
                    // A zero linger time makes the close a reset, which throws away what is still in the send buffer: give the
                    // peer's kernel the time to take what was written.
                    self.drain().await;
                    let _ = self.output.as_ref().set_zero_linger();
                    return (End::Done, false);
                }
                Step::Fin | Step::Close => {
                    let _ = self.output.shutdown().await;
                    return (End::Done, false);
                }
                Step::ExpectCancel => return (self.expect_cancel().await, false),
            };
            if let Err(at) = closed {
                let expected = false;
                return (End::PeerClosed { at, expected }, false);
            }
            let index = self.index;
            self.shared.change(|state| state.proceed(index));
        }
        if !ended && let Err(at) = self.end(reply).await {
            let expected = false;
            return (End::PeerClosed { at, expected }, false);
        }
        (End::Done, !matches!(reply.framing, Framing::UntilClose))
    }

    /// Completes the body as its framing demands.
    async fn end(&mut self, reply: &Reply) -> Result<(), Instant> {
        match reply.framing {
            Framing::Chunked => self.write(b"0\r\n\r\n").await,
            Framing::Length(_) | Framing::UntilClose => Ok(()),
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Instant> {
        let closed = read_until_closed(self.input, self.held);
        let written = async {
            self.output.write_all(bytes).await?;
            self.output.flush().await
        };
        tokio::select! {
            biased;
            written = written => written.map_err(|_| Instant::now()),
            () = closed => Err(Instant::now()),
        }
    }

    async fn unless_closed(&mut self, wait: impl Future<Output = ()>) -> Result<(), Instant> {
        tokio::select! {
            () = wait => Ok(()),
            () = read_until_closed(self.input, self.held) => Err(Instant::now()),
        }
    }

    async fn hold(&mut self) -> Result<(), Instant> {
        let mut released = self.shared.released.subscribe();
        self.shared.change(|state| state.holds += 1);
        let waited = self
            .unless_closed(async { drop(released.changed().await) })
            .await;
        if waited.is_err() {
            self.shared
                .change(|state| state.holds = state.holds.saturating_sub(1));
        }
        waited
    }

    async fn expect_cancel(&mut self) -> End {
        let index = self.index;
        self.shared.change(|state| state.proceed(index));
        read_until_closed(self.input, self.held).await;
        End::PeerClosed {
            at: Instant::now(),
            expected: true,
        }
    }

    /// Gives the peer the time to take what was written, as far as that can be known from this side.
    async fn drain(&mut self) {
        let _ = self.output.flush().await;
        let _ = self
            .unless_closed(tokio::time::sleep(Duration::from_millis(100)))
            .await;
    }
}

/// Ends when the peer has ended its side; what it sends before goes to `held`.
async fn read_until_closed(input: &mut ReadHalf<'_>, held: &mut Vec<u8>) {
    loop {
        match input.read_buf(held).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}
