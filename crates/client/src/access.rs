//! Signing in, users and API keys.

use mindflight_api::access::{CreatedKey, Key, Login, Me, NewKey, NewUser, Token, User};
use mindflight_api::{KeyId, Page};
use reqwest::Method;

use crate::{Client, Paging, Result};

impl Client {
    /// Signs a user in; [`Client::with_key`] takes the token.
    ///
    /// # Errors
    /// If name and password do not fit, or the server cannot be asked.
    pub async fn login(&self, login: &Login) -> Result<Token> {
        self.json(self.post(&["api", "login"])?.body(login)?).await
    }

    /// Who the server thinks is calling.
    ///
    /// # Errors
    /// If the credentials are not valid, or the server cannot be asked.
    pub async fn me(&self) -> Result<Me> {
        self.json(self.get(&["api", "me"])?).await
    }

    /// Ends the session of the token that this client calls with.
    ///
    /// # Errors
    /// If the credentials are not valid, or the server cannot be asked.
    pub async fn logout(&self) -> Result<()> {
        self.done(self.post(&["api", "logout"])?).await
    }
}

/// API keys; see [`Client::keys`].
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a>(pub(crate) &'a Client);

impl Keys<'_> {
    /// Makes a key; its secret is in this answer and never again.
    ///
    /// # Errors
    /// If the server refuses or cannot be asked.
    pub async fn create(&self, key: &NewKey) -> Result<CreatedKey> {
        self.0.json(self.0.post(&["api", "keys"])?.body(key)?).await
    }

    /// One page of the keys, without their secrets.
    ///
    /// # Errors
    /// If the server refuses or cannot be asked.
    pub async fn list(&self, paging: &Paging) -> Result<Page<Key>> {
        self.0.json(self.0.get(&["api", "keys"])?.query(paging.query())).await
    }

    /// Makes a key stop working.
    ///
    /// # Errors
    /// If there is no such key, or the server refuses or cannot be asked.
    pub async fn revoke(&self, id: KeyId) -> Result<()> {
        self.0.done(self.0.request(Method::DELETE, &["api", "keys", &id.to_string()])?).await
    }
}

/// Users; see [`Client::users`].
#[derive(Debug, Clone, Copy)]
pub struct Users<'a>(pub(crate) &'a Client);

impl Users<'_> {
    /// Makes a user.
    ///
    /// # Errors
    /// If the name is taken, or the server refuses or cannot be asked.
    pub async fn create(&self, user: &NewUser) -> Result<User> {
        self.0.json(self.0.post(&["api", "users"])?.body(user)?).await
    }

    /// One page of the users.
    ///
    /// # Errors
    /// If the server refuses or cannot be asked.
    pub async fn list(&self, paging: &Paging) -> Result<Page<User>> {
        self.0.json(self.0.get(&["api", "users"])?.query(paging.query())).await
    }
}
