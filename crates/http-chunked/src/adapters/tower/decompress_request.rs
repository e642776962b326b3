//! Bodies of requests that are decoded for a server.

use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use ::http::{HeaderValue, Request, Response, StatusCode, header};
use pin_project_lite::pin_project;
use seg_flate::Contexts;
use seg_pool::Pool;
use tower_layer::Layer;
use tower_service::Service;

use super::{ACCEPTED, DecodeConfig};
use crate::{adapters::http_body::decompress::Decompress, body::BodyLimits};

/// A layer for servers: decodes the bodies of requests under limits.
///
/// A request with a coding that is not known is answered with `415` and what would be (RFC 9110
/// §15.5.16), and does not reach the service.
#[derive(Clone, Debug)]
pub struct DecompressRequestLayer(DecodeConfig);

impl DecompressRequestLayer {
    /// Creates a layer whose decoded data lies in segments of `pool`.
    #[must_use]
    pub fn new(limits: BodyLimits, pool: &Pool) -> Self {
        Self(DecodeConfig::new(limits, pool))
    }

    /// Sets who keeps the states of decoders between bodies. By default each body allocates them and frees them at its
    /// end.
    #[must_use]
    pub fn with_contexts(mut self, contexts: &Contexts) -> Self {
        self.0.contexts = contexts.clone();
        self
    }

    /// Returns the limits.
    #[must_use]
    pub const fn limits(&self) -> BodyLimits {
        self.0.limits
    }
}

impl<S> Layer<S> for DecompressRequestLayer {
    type Service = DecompressRequestService<S>;

    fn layer(&self, inner: S) -> DecompressRequestService<S> {
        DecompressRequestService { inner, decoding: self.0.clone() }
    }
}

/// The service of a [`DecompressRequestLayer`].
#[derive(Clone, Debug)]
pub struct DecompressRequestService<S> {
    inner: S,
    decoding: DecodeConfig,
}

impl<S, A, B> Service<Request<A>> for DecompressRequestService<S>
where
    S: Service<Request<Decompress<A>>, Response = Response<B>>,
    B: Default,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = DecompressRequestFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let wrapped = self.decoding.wrap(&mut parts.headers, true, body);
        let request = Request::from_parts(parts, wrapped.body);
        let inner = wrapped.is_known.then(|| self.inner.call(request));
        DecompressRequestFuture { inner }
    }
}

pin_project! {
    /// The future of a [`DecompressRequestService`].
    #[derive(Debug)]
    pub struct DecompressRequestFuture<F> {
        // `None` when the request was refused.
        #[pin]
        inner: Option<F>,
    }
}

impl<F, B: Default, E> Future for DecompressRequestFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(inner) = self.project().inner.as_pin_mut() {
            return inner.poll(context);
        }
        let mut refused = Response::new(B::default());
        *refused.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let accepted = HeaderValue::from_static(ACCEPTED);
        refused.headers_mut().insert(header::ACCEPT_ENCODING, accepted);
        Poll::Ready(Ok(refused))
    }
}
