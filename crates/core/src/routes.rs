//! Routes: a provider's own HTTP paths and incoming webhooks, without a word of any web framework.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;

use crate::body::Body;
use crate::{BoxFuture, Context, Result};

mod verify;

pub use self::verify::{Scheme, Verification, Verify};

/// A request as a route receives it: the whole body, parameters in [`PathParams`].
pub type Request = http::Request<Bytes>;

/// What a route answers.
pub type Response = http::Response<Body>;

/// The largest body a route takes unless it declares more.
pub const DEFAULT_MAX_BODY: usize = 1024 * 1024;

/// The values of the `{names}` in a route's path; an extension of its request.
#[derive(Debug, Clone, Default)]
pub struct PathParams(pub BTreeMap<String, String>);

type Run = Arc<dyn Fn(Context, Request) -> BoxFuture<Result<Response>> + Send + Sync>;

/// Who may call a route.
#[derive(Clone)]
#[non_exhaustive]
pub enum Access {
    /// Every caller with credentials.
    Caller,
    /// Callers with this scope.
    Scope(String),
    /// Everyone.
    Public,
    /// Whoever signs the request.
    Signed(Verification),
}

/// The routes of a provider, being declared.
pub struct Routes<P> {
    provider: Arc<P>,
    routes: Vec<Route>,
}

/// One declared route; its methods set options.
pub struct Route {
    /// The method.
    pub method: Method,
    /// Path below `/providers/{name}`: `/items/{id}`, `/files/{*path}`.
    pub path: String,
    /// Who may call it; every caller with credentials unless set.
    pub access: Access,
    /// The largest body, in bytes.
    pub max_body: usize,
    /// When a call is cut.
    pub timeout: Duration,
    run: Run,
}

impl<P: Send + Sync + 'static> Routes<P> {
    pub(crate) fn new(provider: Arc<P>) -> Self {
        Self { provider, routes: Vec::new() }
    }

    pub(crate) fn into_routes(self) -> Vec<Route> {
        self.routes
    }

    /// Adds a route for GET.
    pub fn get<F, Fut>(&mut self, path: &str, f: F) -> &mut Route
    where
        F: Fn(Arc<P>, Context, Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response>> + Send + 'static,
    {
        self.add(Method::GET, path, f)
    }

    /// Adds a route for POST.
    pub fn post<F, Fut>(&mut self, path: &str, f: F) -> &mut Route
    where
        F: Fn(Arc<P>, Context, Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response>> + Send + 'static,
    {
        self.add(Method::POST, path, f)
    }

    /// Adds a route for any method.
    pub fn add<F, Fut>(&mut self, method: Method, path: &str, f: F) -> &mut Route
    where
        F: Fn(Arc<P>, Context, Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response>> + Send + 'static,
    {
        let provider = self.provider.clone();
        let run: Run = Arc::new(move |cx, request| Box::pin(f(provider.clone(), cx, request)));
        let route = Route {
            method,
            path: path.to_owned(),
            access: Access::Caller,
            max_body: DEFAULT_MAX_BODY,
            timeout: crate::tools::DEFAULT_TIMEOUT,
            run,
        };
        self.routes.push(route);
        let last = self.routes.len() - 1;
        &mut self.routes[last]
    }

    /// Adds an incoming webhook: a POST that must carry a valid signature, also served under `/webhooks/{name}`.
    pub fn webhook<F, Fut>(&mut self, path: &str, verify: Verify<P>, f: F) -> &mut Route
    where
        F: Fn(Arc<P>, Context, Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response>> + Send + 'static,
    {
        let verification = verify.bind(self.provider.clone());
        let route = self.post(path, f);
        route.access = Access::Signed(verification);
        route
    }
}

impl Route {
    /// Everyone may call it, without credentials.
    pub fn public(&mut self) -> &mut Self {
        self.access = Access::Public;
        self
    }

    /// Callers need this scope.
    pub fn scope(&mut self, scope: &str) -> &mut Self {
        self.access = Access::Scope(scope.to_owned());
        self
    }

    /// The largest body, in bytes (1 MiB unless set).
    pub fn max_body(&mut self, bytes: usize) -> &mut Self {
        self.max_body = bytes;
        self
    }

    /// A call is cut after this long (30 s unless set).
    pub fn timeout(&mut self, timeout: Duration) -> &mut Self {
        self.timeout = timeout;
        self
    }

    /// Whether it is also served under `/webhooks/{name}`.
    #[must_use]
    pub const fn is_webhook(&self) -> bool {
        matches!(self.access, Access::Signed(_))
    }

    /// Starts the route; for whoever serves routes.
    #[must_use]
    pub fn run(&self, cx: Context, request: Request) -> BoxFuture<Result<Response>> {
        (self.run)(cx, request)
    }
}
