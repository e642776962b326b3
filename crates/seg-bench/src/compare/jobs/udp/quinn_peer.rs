//! A connection of quinn, whose other end is in a thread of its own.

use std::{
    net::UdpSocket,
    sync::{Arc, mpsc},
    thread,
};

use quinn::{
    ClientConfig, Connection, Endpoint, EndpointConfig, ServerConfig, TokioRuntime,
    TransportConfig,
    rustls::{
        RootCertStore,
        pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    },
};
use tokio::runtime::{Builder, Runtime};

use super::{MIB, socket::bind};

pub(super) struct QuinnPeer {
    runtime: Runtime,
    /// Its sockets are closed with it.
    _endpoint: Endpoint,
    connection: Connection,
}

impl QuinnPeer {
    pub(super) fn connect() -> Self {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
        let certified = certified.expect("a certificate");
        let certificate = certified.cert.der().clone();
        let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
        let (server_certificate, socket) = (certificate.clone(), bind());
        let address = socket.local_addr().expect("it is bound");
        let (ready, is_ready) = mpsc::channel();
        thread::spawn(move || {
            runtime().block_on(async {
                let config = server_config(server_certificate, key);
                let endpoint = endpoint(socket, Some(config));
                ready.send(()).expect("somebody waits");
                serve(endpoint).await;
            });
        });
        is_ready.recv().expect("the server starts");
        let runtime = runtime();
        let (endpoint, connection) = runtime.block_on(async {
            let endpoint = endpoint(bind(), None);
            let connecting =
                endpoint.connect_with(client_config(certificate), address, "localhost");
            let connection = connecting.expect("a configuration").await.expect("loopback");
            (endpoint, connection)
        });
        Self { runtime, _endpoint: endpoint, connection }
    }

    /// Sends a message on a stream of its own, until all of it is acknowledged.
    pub(super) fn send(&self, message: &[u8]) {
        self.runtime.block_on(async {
            let mut stream = self.connection.open_uni().await.expect("a connection");
            stream.write_all(message).await.expect("a connection");
            stream.finish().expect("once");
            stream.stopped().await.expect("a connection");
        });
    }
}

async fn serve(endpoint: Endpoint) {
    let connection = endpoint.accept().await.expect("it is open").await.expect("loopback");
    while let Ok(mut stream) = connection.accept_uni().await {
        let message = stream.read_to_end(2 * MIB).await.expect("a whole message");
        assert_eq!(message.len(), MIB);
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn endpoint(socket: UdpSocket, server: Option<ServerConfig>) -> Endpoint {
    Endpoint::new(EndpointConfig::default(), server, socket, Arc::new(TokioRuntime))
        .expect("an endpoint")
}

fn server_config(
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
) -> ServerConfig {
    let config = ServerConfig::with_single_cert(vec![certificate], key.into());
    let mut config = config.expect("a certificate with its key");
    config.transport_config(Arc::new(never_idle()));
    config
}

fn client_config(certificate: CertificateDer<'static>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let config = ClientConfig::with_root_certificates(Arc::new(roots));
    let mut config = config.expect("a configuration");
    config.transport_config(Arc::new(never_idle()));
    config
}

/// Others are measured meanwhile.
fn never_idle() -> TransportConfig {
    let mut config = TransportConfig::default();
    config.max_idle_timeout(None);
    config
}
