//! Layers of tower that decode bodies under limits.

use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use ::http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use seg_pool::Pool;
use tower_layer::Layer;
use tower_service::Service;

use super::http_body::decompress::Decompress;
use crate::{body::BodyLimits, content_coding::ContentCodings};

/// What bodies are decoded with.
#[derive(Clone, Debug)]
struct Decoding {
    limits: BodyLimits,
    pool: Pool,
}

impl Decoding {
    /// Wraps a body, and takes out of its fields what is not true of the decoded one. `None` when a
    /// coding is not known; then nothing is changed.
    fn wrap<B>(&self, headers: &mut HeaderMap, is_decoded: bool, body: B) -> Wrapped<B> {
        let codings = if is_decoded { ContentCodings::from_headers(headers) } else { None };
        let is_known = codings.is_some();
        let codings = codings.unwrap_or_default();
        if !codings.is_identity() {
            headers.remove(header::CONTENT_ENCODING);
            headers.remove(header::CONTENT_LENGTH);
        }
        Wrapped { body: Decompress::new(body, codings, self.limits, &self.pool), is_known }
    }
}

struct Wrapped<B> {
    body: Decompress<B>,
    is_known: bool,
}

/// A layer for clients: asks for the codings that can be decoded, and decodes the bodies of
/// responses under limits.
///
/// `Accept-Encoding` of a request that has one is left as it is, and so is the body of a response with
/// a coding that is not known, of a `206`, whose range is one of the encoded form (RFC 9110 §15.3.7),
/// and of an answer to `HEAD`. `Content-Encoding` and `Content-Length` of what is decoded are taken out.
#[derive(Clone, Debug)]
pub struct DecompressLayer(Decoding);

impl DecompressLayer {
    /// Creates a layer whose decoded data lies in segments of `pool`.
    #[must_use]
    pub fn new(limits: BodyLimits, pool: &Pool) -> Self {
        Self(Decoding { limits, pool: pool.clone() })
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
    decoding: Decoding,
}

/// The codings that are asked for.
const ACCEPTED: &str = match (cfg!(feature = "brotli"), cfg!(feature = "zstd")) {
    (false, false) => "gzip, deflate",
    (true, false) => "gzip, deflate, br",
    (false, true) => "gzip, deflate, zstd",
    (true, true) => "gzip, deflate, br, zstd",
};

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
        let inner = Box::pin(self.inner.call(request));
        DecompressFuture { inner, decoding: self.decoding.clone(), has_body }
    }
}

/// The future of a [`DecompressService`].
#[derive(Debug)]
pub struct DecompressFuture<F> {
    inner: Pin<Box<F>>,
    decoding: Decoding,
    has_body: bool,
}

impl<F, B, E> Future for DecompressFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Decompress<B>>, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.inner.as_mut().poll(context))?;
        let (mut parts, body) = response.into_parts();
        let is_decoded = self.has_body && parts.status != StatusCode::PARTIAL_CONTENT;
        let wrapped = self.decoding.wrap(&mut parts.headers, is_decoded, body);
        Poll::Ready(Ok(Response::from_parts(parts, wrapped.body)))
    }
}

/// A layer for servers: decodes the bodies of requests under limits.
///
/// A request with a coding that is not known is answered with `415` and what would be (RFC 9110
/// §15.5.16), and does not reach the service.
#[derive(Clone, Debug)]
pub struct DecompressRequestLayer(Decoding);

impl DecompressRequestLayer {
    /// Creates a layer whose decoded data lies in segments of `pool`.
    #[must_use]
    pub fn new(limits: BodyLimits, pool: &Pool) -> Self {
        Self(Decoding { limits, pool: pool.clone() })
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
    decoding: Decoding,
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
        let inner = wrapped.is_known.then(|| Box::pin(self.inner.call(request)));
        DecompressRequestFuture { inner }
    }
}

/// The future of a [`DecompressRequestService`].
#[derive(Debug)]
pub struct DecompressRequestFuture<F> {
    /// `None` when the request was refused.
    inner: Option<Pin<Box<F>>>,
}

impl<F, B: Default, E> Future for DecompressRequestFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<B>, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(inner) = &mut self.inner {
            return inner.as_mut().poll(context);
        }
        let mut refused = Response::new(B::default());
        *refused.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let accepted = HeaderValue::from_static(ACCEPTED);
        refused.headers_mut().insert(header::ACCEPT_ENCODING, accepted);
        Poll::Ready(Ok(refused))
    }
}
