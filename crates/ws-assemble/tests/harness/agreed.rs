//! Compression that both ends agreed on.

use ws_assemble::{ClientHandshake, DeflateConfig, DeflateParams, ServerHandshake};

/// Negotiates in one process, with the same configuration on both ends.
pub(crate) fn agreed(config: &DeflateConfig) -> DeflateParams {
    let handshake = ClientHandshake::new("localhost", "/", *b"the sample nonce")
        .expect("valid")
        .deflate(config.clone());
    let request = ServerHandshake::new().push(&mut &handshake.request()[..]).expect("valid");
    let acceptance = request.expect("whole").accept().deflate(config);
    acceptance.agreed_deflate().expect("offered").clone()
}
