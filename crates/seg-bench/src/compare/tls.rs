//! Configurations of both ends of TLS, for `localhost`.

use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};

/// Returns a server's configuration, and the new certificate that it shows.
///
/// # Panics
///
/// Panics when there is no randomness for a key.
#[must_use]
pub fn server_config() -> (Arc<ServerConfig>, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let chain = vec![cert.der().clone()];
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
    (Arc::new(config.expect("a key of the certificate")), cert.der().clone())
}

/// Returns the configuration of a client that trusts this certificate.
///
/// # Panics
///
/// Panics when it is no certificate.
#[must_use]
pub fn client_config(certificate: CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a root");
    Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}
