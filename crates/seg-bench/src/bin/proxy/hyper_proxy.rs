//! What one writes with hyper: bodies are handed from the one connection to the other.

use std::sync::Arc;

use hyper::{Request, body::Incoming, client, server, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::sync::Mutex;

use crate::counted::Counted;

/// Serves one client until either side closes.
pub(crate) async fn serve(client: Counted, upstream: Counted) -> anyhow::Result<()> {
    let (sender, connection) = client::conn::http1::handshake(TokioIo::new(upstream)).await?;
    tokio::spawn(connection);
    let sender = Arc::new(Mutex::new(sender));
    let service = service_fn(move |request: Request<Incoming>| {
        let sender = sender.clone();
        async move { sender.lock().await.send_request(request).await }
    });
    server::conn::http1::Builder::new().serve_connection(TokioIo::new(client), service).await?;
    Ok(())
}
