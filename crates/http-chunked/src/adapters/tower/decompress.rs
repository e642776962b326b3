//! Bodies of responses that are decoded for a client.

use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use ::http::{HeaderValue, Request, Response, StatusCode, header};
use pin_project_lite::pin_project;
use seg_flate::Contexts;
use seg_pool::Pool;
use tower_layer::Layer;
use tower_service::Service;

use super::{ACCEPTED, DecodeConfig};
use crate::{adapters::http_body::decompress::Decompress, body::BodyLimits};

/// A layer for clients: asks for the codings that can be decoded, and decodes the bodies of
/// responses under limits.
///
/// `Accept-Encoding` of a request that has one is left as it is, and so is the body of a response with
/// a coding that is not known, of a `206`, whose range is one of the encoded form (RFC 9110 §15.3.7),
/// and of an answer to `HEAD`. `Content-Encoding` and `Content-Length` of what is decoded are taken out.
#[derive(Clone, Debug)]
pub struct DecompressLayer(DecodeConfig);

impl DecompressLayer {
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

impl<S> Layer<S> for DecompressLayer {
    type Service = DecompressService<S>;

    fn layer(&self, inner: S) -> DecompressService<S> {
        DecompressService { inner, decoding: self.0.clone() }
    }
}

/// The service of a [`DecompressLayer`].
#[derive(Clone, Debug)]
pub struct DecompressService<S> {
    inner: S,
    decoding: DecodeConfig,
}

impl<S, A, B> Service<Request<A>> for DecompressService<S>
where
    S: Service<Request<A>, Response = Response<B>>,
{
    type Response = Response<Decompress<B>>;
    type Error = S::Error;
    type Future = DecompressFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        // A range that is asked for is better one of the plain form.
        let headers = request.headers_mut();
        if !headers.contains_key(header::RANGE) {
            let accepted = HeaderValue::from_static(ACCEPTED);
            headers.entry(header::ACCEPT_ENCODING).or_insert(accepted);
        }
        let has_body = request.method() != ::http::Method::HEAD;
        let inner = self.inner.call(request);
        DecompressFuture { inner, decoding: self.decoding.clone(), has_body }
    }
}

pin_project! {
    /// The future of a [`DecompressService`].
    #[derive(Debug)]
    pub struct DecompressFuture<F> {
        #[pin]
        inner: F,
        decoding: DecodeConfig,
        has_body: bool,
    }
}

impl<F, B, E> Future for DecompressFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Decompress<B>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(context))?;
        let (mut parts, body) = response.into_parts();
        let is_decoded = *this.has_body && parts.status != StatusCode::PARTIAL_CONTENT;
        let wrapped = this.decoding.wrap(&mut parts.headers, is_decoded, body);
        Poll::Ready(Ok(Response::from_parts(parts, wrapped.body)))
    }
}
