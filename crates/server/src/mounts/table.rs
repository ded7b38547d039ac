//! The routes of all mounted providers, by path: swapped as a whole, so mounting needs no restart.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use matchit::Router;
use mindflight_core::mounted::Mounted;
use mindflight_core::routes::{PathParams, Route};
use mindflight_core::{Error, ProviderContext, Result};

type Methods = Vec<Arc<Route>>;

/// The routes of all mounted providers.
#[derive(Default)]
pub(crate) struct RouteTable {
    providers: BTreeMap<String, Arc<Provider>>,
}

/// The routes of one provider.
pub(crate) struct Provider {
    context: ProviderContext,
    paths: Router<Methods>,
}

/// What is at a path.
pub(crate) enum Lookup {
    /// A route for this method.
    Found(Found),
    /// Routes for these methods alone.
    OtherMethods(String),
}

/// A route and what its path said.
pub(crate) struct Found {
    pub(crate) context: ProviderContext,
    pub(crate) route: Arc<Route>,
    pub(crate) parameters: PathParams,
}

impl RouteTable {
    pub(crate) fn build(mounted: &[Mounted]) -> Result<Self, String> {
        let mut table = Self::default();
        for provider in mounted {
            let context = provider.context().clone();
            let name = context.name().to_owned();
            let mut by_path: BTreeMap<String, Methods> = BTreeMap::new();
            for route in provider.surface().routes {
                let methods = by_path.entry(route.path.clone()).or_default();
                if methods.iter().any(|other| other.method == route.method) {
                    return Err(format!(
                        "provider `{name}` has two routes {} {}",
                        route.method, route.path
                    ));
                }
                methods.push(route);
            }
            let mut paths = Router::new();
            for (path, methods) in by_path {
                let added = paths.insert(path.clone(), methods);
                added.map_err(|error| {
                    format!("provider `{name}`: the route `{path}` cannot be served: {error}")
                })?;
            }
            table.providers.insert(name, Arc::new(Provider { context, paths }));
        }
        Ok(table)
    }

    pub(crate) fn provider(&self, name: &str) -> Option<Arc<Provider>> {
        self.providers.get(name).cloned()
    }
}

impl Provider {
    /// The route for `path`; under `/webhooks` only incoming webhooks are found.
    pub(crate) fn find(&self, path: &str, method: &Method, webhook: bool) -> Result<Lookup> {
        let name = self.context.name();
        let missing = || Error::not_found(format!("the provider `{name}` has no route `{path}`"));
        let matched = self.paths.at(path).map_err(|_| missing())?;
        let served: Vec<&Arc<Route>> =
            matched.value.iter().filter(|route| !webhook || route.is_webhook()).collect();
        if served.is_empty() {
            return Err(missing());
        }
        let of = |method: &Method| served.iter().find(|route| route.method == *method);
        // HEAD is GET without a body; the connection leaves the body out.
        let Some(route) =
            of(method).or_else(|| of(&Method::GET).filter(|_| method == Method::HEAD))
        else {
            let allowed: Vec<&str> = served.iter().map(|route| route.method.as_str()).collect();
            return Ok(Lookup::OtherMethods(allowed.join(", ")));
        };
        let parameters =
            matched.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(Lookup::Found(Found {
            context: self.context.clone(),
            route: (*route).clone(),
            parameters: PathParams(parameters.collect()),
        }))
    }
}
