//! From names to addresses: looked up once, all of them checked, and only those connected to.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::guard::{Guard, Scope};

/// Who knows the addresses of a name.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// All addresses of `name`.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the system: its files, its name servers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// A name leads where no connection may go.
#[derive(Debug)]
pub(crate) struct Inside {
    /// The rule about addresses; `None` if it is one about the URL that no entry lifts for this address.
    pub(crate) why: Option<&'static str>,
    pub(crate) address: IpAddr,
}

/// A name leads nowhere.
#[derive(Debug)]
pub(crate) struct NotFound(Option<io::Error>);

/// What the HTTP client asks for the addresses it connects to. It asks nobody else, so what was checked and what is
/// connected to cannot differ.
pub(crate) struct Checked {
    pub(crate) guard: Arc<Guard>,
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) scope: Scope,
}

/// The addresses of a name, if all of them may be connected to. One that may not condemns the name: which of its
/// addresses a connection takes would be chance.
pub(crate) async fn look_up(
    guard: &Guard,
    resolver: &dyn Resolver,
    scope: Scope,
    name: &str,
) -> Result<Vec<IpAddr>, Box<dyn StdError + Send + Sync>> {
    let addresses = match resolver.resolve(name).await {
        Ok(addresses) if addresses.is_empty() => return Err(NotFound(None).into()),
        Ok(addresses) => addresses,
        Err(error) => return Err(NotFound(Some(error)).into()),
    };
    for address in &addresses {
        if let Err(why) = guard.admit(scope, *address) {
            return Err(Inside { why, address: *address }.into());
        }
    }
    Ok(addresses)
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, resolver, scope) = (self.guard.clone(), self.resolver.clone(), self.scope);
        Box::pin(async move {
            let found = look_up(&guard, resolver.as_ref(), scope, name.as_str()).await?;
            // Port 0 stands for that of the URL.
            let found = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(found) as Addrs)
        })
    }
}

impl fmt::Display for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is refused", self.address)
    }
}

impl StdError for Inside {}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its name was not found")
    }
}

impl StdError for NotFound {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.as_ref().map(|error| error as _)
    }
}
