//! Handshakes in the types of HTTP libraries. Each file is thin, and uses public items only.

#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "hyper")]
mod hyper;

#[cfg(feature = "axum")]
pub use axum::WebSocketUpgrade;
#[cfg(feature = "hyper")]
pub use hyper::{UpgradeFuture, on_upgrade, upgrade, upgrade_with};
