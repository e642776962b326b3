//! Sends a message over TLS and prints the answer:
//! `cargo run --example tls_client --features rustls -- wss://example.com/echo hello`

use std::{env, sync::Arc};

use seg_pool::Pool;
use ws_assemble::{
    CloseCode, CloseFrame, ConnectionError, connect_url_with, rustls::ClientConfig, tls_config,
};

#[tokio::main]
async fn main() -> Result<(), ConnectionError> {
    let [url, text] = [1, 2].map(|at| env::args().nth(at).expect("usage: tls_client URL MESSAGE"));
    println!("{:?}", ask(&url, &tls_config(), &text).await?);
    Ok(())
}

pub(crate) async fn ask(
    url: &str,
    tls: &Arc<ClientConfig>,
    text: &str,
) -> Result<Option<String>, ConnectionError> {
    let (mut connection, _) = connect_url_with(url, tls, &Pool::new(), Ok).await?;
    connection.send_text(text).await?;
    let answer = connection.next().await?;
    connection.close(&CloseFrame::new(CloseCode::NORMAL, "")).await?;
    Ok(answer.and_then(|message| message.as_str().map(str::to_owned)))
}
