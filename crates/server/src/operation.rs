//! One row of the API: path, method, access, documentation and handler in one place, so that none can drift.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{FromRequest, Handler, Responder, Route, web};
use mindflight_api::Scope;
use schemars::JsonSchema;
use serde_json::Value;

use crate::admission;
use crate::front::Pattern;

/// Who may use an operation.
#[derive(Debug, Clone)]
pub(crate) enum Access {
    /// Everyone, without credentials.
    Public,
    /// Every caller with credentials.
    Caller,
    /// Callers with this scope.
    Scope(Scope),
}

type Schema = fn() -> Value;

/// What a request has to meet before the handler sees it.
#[derive(Clone)]
pub(crate) struct Rules {
    /// The path, as a label of measurements.
    pub(crate) pattern: Pattern,
    pub(crate) access: Access,
    /// Query parameters: name and meaning. Others are refused.
    pub(crate) query: &'static [(&'static str, &'static str)],
    /// Whether it counts towards the rate limit; reads of status, streams and health do not.
    pub(crate) counted: bool,
}

/// One row of the API.
#[derive(Clone)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    /// As actix writes it: `/api/keys/{id}`.
    pub(crate) path: &'static str,
    /// Unique; the `operationId` of the OpenAPI document.
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) rules: Rules,
    pub(crate) body: Option<Schema>,
    pub(crate) status: u16,
    pub(crate) answer: Option<Schema>,
    /// Not part of the documented API: a second spelling of another row.
    pub(crate) alias: bool,
    route: Arc<dyn Fn(Method) -> Route + Send + Sync>,
}

impl Operation {
    pub(crate) fn new<F, Args>(
        method: Method,
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        handler: F,
    ) -> Self
    where
        F: Handler<Args> + Send + Sync,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        Self {
            method,
            path,
            id,
            summary,
            rules: Rules {
                pattern: Pattern(path),
                access: Access::Caller,
                query: &[],
                counted: true,
            },
            body: None,
            status: 200,
            answer: None,
            alias: false,
            route: Arc::new(move |method| web::method(method).to(handler.clone())),
        }
    }

    pub(crate) fn public(mut self) -> Self {
        self.rules.access = Access::Public;
        self
    }

    pub(crate) fn scope(mut self, scope: Scope) -> Self {
        self.rules.access = Access::Scope(scope);
        self
    }

    pub(crate) fn query(mut self, query: &'static [(&'static str, &'static str)]) -> Self {
        self.rules.query = query;
        self
    }

    pub(crate) fn takes<T: JsonSchema>(mut self) -> Self {
        self.body = Some(mindflight_core::schema::of::<T>);
        self
    }

    pub(crate) fn gives<T: JsonSchema>(mut self) -> Self {
        self.answer = Some(mindflight_core::schema::of::<T>);
        self
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn uncounted(mut self) -> Self {
        self.rules.counted = false;
        self
    }

    /// The same under another path, left out of the documentation.
    pub(crate) fn alias(&self, path: &'static str) -> Self {
        Self { path, alias: true, ..self.clone() }
    }

    pub(crate) fn route(&self) -> Route {
        self.route_for(self.method.clone())
    }

    /// The same for HEAD.
    pub(crate) fn head(&self) -> Route {
        self.route_for(Method::HEAD)
    }

    fn route_for(&self, method: Method) -> Route {
        let rules = Arc::new(self.rules.clone());
        (self.route)(method)
            .wrap(from_fn(move |request, next| admission::admit(rules.clone(), request, next)))
    }
}
