//! Echoes over TLS: `cargo run --example tls_server --features rustls -- 127.0.0.1:9001 cert.pem key.pem`

use seg_pool::Pool;
use tokio::net::TcpListener;
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
use ws_assemble::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

#[tokio::main]
async fn main() -> Result<(), Box<dyn core::error::Error>> {
    let [address, chain, key] = [1, 2, 3].map(|at| std::env::args().nth(at).expect("3 arguments"));
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    Ok(serve(listener, config(&chain, &key)?).await?)
}

pub(crate) fn config(chain: &str, key: &str) -> Result<ServerConfig, Box<dyn core::error::Error>> {
    let chain = CertificateDer::pem_file_iter(chain)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    Ok(ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?)
}

pub(crate) async fn serve(listener: TcpListener, tls: ServerConfig) -> std::io::Result<()> {
    let (tls, pool) = (TlsAcceptor::from(std::sync::Arc::new(tls)), Pool::new());
    loop {
        let (stream, pool) = (tls.accept(listener.accept().await?.0), pool.clone());
        tokio::spawn(async move {
            let mut connection = ws_assemble::accept(stream.await?, &pool).await?;
            while let Some(message) = connection.next().await? {
                connection.send(&message).await?;
            }
            connection.finish(64 << 10).await
        });
    }
}
