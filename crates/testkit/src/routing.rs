//! Which route a request reaches, who may call it, and what comes back.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use matchit::Router;
use mindflight_api::{Scope, codes};
use mindflight_calls::RouteCall;
use mindflight_core::mounted::Surface;
use mindflight_core::routes::{Access, PathParams, Route};
use mindflight_core::{Caller, Error, Provider, Result};

use crate::answer::Answer;
use crate::{Kit, facts};

/// The routes of a provider, by path.
pub(crate) struct Table(Router<Vec<Arc<Route>>>);

impl Table {
    /// Fails when a path is none, or two routes take the same requests.
    pub(crate) fn of(surface: &Surface) -> Result<Self, String> {
        let mut paths: Vec<(&str, Vec<Arc<Route>>)> = Vec::new();
        for route in &surface.routes {
            let path = route.path.as_str();
            if !path.starts_with('/') {
                return Err(format!("the route `{path}` does not begin with `/`"));
            }
            let known = paths.iter_mut().find(|(known, _)| *known == path);
            let Some((_, routes)) = known else {
                paths.push((path, vec![route.clone()]));
                continue;
            };
            if routes.iter().any(|other| other.method == route.method) {
                return Err(format!("two routes are {} {path}", route.method));
            }
            routes.push(route.clone());
        }
        let mut router = Router::new();
        for (path, routes) in paths {
            let inserted = router.insert(path, routes);
            inserted.map_err(|error| format!("the route `{path}`: {error}"))?;
        }
        Ok(Self(router))
    }

    pub(crate) fn find(&self, method: &Method, path: &str) -> Result<(Arc<Route>, PathParams)> {
        let found = self.0.at(path).map_err(|_| {
            Error::not_found(format!("the provider has no route for the path `{path}`"))
        })?;
        let routes = found.value;
        let Some(route) = routes.iter().find(|route| route.method == *method) else {
            let methods: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
            return Err(Error::of(
                codes::METHOD_NOT_ALLOWED,
                format!("`{path}` takes {}, not {method}", methods.join(", ")),
            ));
        };
        let params = found.params.iter();
        let params = params.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok((route.clone(), PathParams(params.collect())))
    }
}

impl<P: Provider> Kit<P> {
    pub(crate) fn table(&self) -> Result<Table> {
        Table::of(&self.mounted.surface()).map_err(Error::failed)
    }

    /// Sends a request to `path` below `/{face}/{name}`; `caller` is nobody if it has no credentials.
    pub(crate) async fn send(
        &self,
        request: Request<Bytes>,
        face: &str,
        caller: Option<Caller>,
    ) -> Answer {
        match self.serve(request, face, caller).await {
            Ok(answer) => answer,
            Err(error) => Answer::refused(error),
        }
    }

    async fn serve(
        &self,
        mut request: Request<Bytes>,
        face: &str,
        caller: Option<Caller>,
    ) -> Result<Answer> {
        let (route, params) = self.table()?.find(request.method(), request.uri().path())?;
        // As a server does: rights before the body is read, a signature when it is there.
        let admitted = match route.is_webhook() {
            true => None,
            false => Some(self.admit(&route, &request, caller.clone())?),
        };
        if request.body().len() > route.max_body {
            let limit = route.max_body;
            return Err(Error::too_large(format!("the body has more than {limit} bytes")));
        }
        let caller = match admitted {
            Some(caller) => caller,
            None => self.admit(&route, &request, caller)?,
        };
        let below = request.uri().path_and_query().map_or("/", |both| both.as_str());
        *request.uri_mut() =
            format!("/{face}/{}{below}", P::ID).parse().map_err(Error::internal)?;
        request.extensions_mut().insert(params);
        let origin = facts::origin();
        let call = RouteCall { caller, origin };
        let response = self.calls.run_route(self.mounted.context(), &route, request, call).await?;
        Ok(Answer::of(response).await)
    }

    /// Whether the request may reach the route, and as whom.
    fn admit(
        &self,
        route: &Route,
        request: &Request<Bytes>,
        caller: Option<Caller>,
    ) -> Result<Caller> {
        let known = || {
            let detail = "the route needs credentials";
            caller.clone().ok_or_else(|| Error::of(codes::UNAUTHENTICATED, detail))
        };
        match &route.access {
            Access::Caller => known(),
            Access::Scope(scope) => {
                let caller = known()?;
                let scope: Scope = scope.parse().map_err(|error| {
                    Error::failed(format!("the route asks for a scope that is none: {error}"))
                })?;
                caller.require(&scope).map(|()| caller)
            }
            Access::Signed(verification) => {
                let now = self.clock().now();
                mindflight_signatures::verification(verification, request, now)?;
                Ok(Caller::public())
            }
            Access::Public => Ok(Caller::public()),
            _ => Err(Error::not_supported("this kit does not know who may call the route")),
        }
    }
}
