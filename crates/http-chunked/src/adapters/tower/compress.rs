//! Bodies of responses that are encoded for a client.

use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use ::http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use ::http_body::Body;
use pin_project_lite::pin_project;
use seg_flate::{Contexts, Level};
use seg_pool::Pool;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    accept_encoding::AcceptEncoding, adapters::http_body::compress::Compress,
    content_coding::ContentCoding,
};

/// A layer for servers: encodes the bodies of responses in the coding that the request likes best.
///
/// Handed on as they are: responses without a body, those that have a `Content-Encoding`, a `Content-Range` or a digest of
/// their content, `206`, and what `Cache-Control: no-transform` forbids to change. Of what is encoded, `Content-Length`
/// and `Accept-Ranges` are taken out and a strong `ETag` becomes a weak one (RFC 9110 §8.8.1). `Vary` says
/// `accept-encoding` wherever the choice could have been another one. An answer to `HEAD` has the same fields.
#[derive(Clone, Debug)]
pub struct CompressLayer {
    codings: &'static [ContentCoding],
    level: Level,
    contexts: Contexts,
    pool: Pool,
}

/// What is sent, best first.
const SENT: &[ContentCoding] = &[
    #[cfg(feature = "zstd")]
    ContentCoding::Zstd,
    #[cfg(feature = "brotli")]
    ContentCoding::Brotli,
    #[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
    ContentCoding::Gzip,
];

impl CompressLayer {
    /// Creates a layer that encodes with the default level in `zstd`, `br` or `gzip`, of those that are
    /// compiled in. Encoded data lies in segments of `pool`.
    #[must_use]
    pub fn new(pool: &Pool) -> Self {
        let (level, contexts) = (Level::DEFAULT, Contexts::default());
        Self { codings: SENT, level, contexts, pool: pool.clone() }
    }

    /// Sets the codings, best first.
    #[must_use]
    pub const fn with_codings(mut self, codings: &'static [ContentCoding]) -> Self {
        self.codings = codings;
        self
    }

    /// Returns the codings, best first.
    #[must_use]
    pub const fn codings(&self) -> &'static [ContentCoding] {
        self.codings
    }

    /// Sets the level.
    #[must_use]
    pub const fn with_level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Returns the level.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Sets who keeps the states of encoders between responses.
    #[must_use]
    pub fn with_contexts(mut self, contexts: &Contexts) -> Self {
        self.contexts = contexts.clone();
        self
    }

    /// Chooses the coding of a response, and changes its fields to what is true of the encoded body.
    fn choose<B: Body>(
        &self,
        accepted: &AcceptEncoding,
        response: &mut Response<B>,
        is_head: bool,
    ) -> ContentCoding {
        let status = response.status();
        let is_unchanged = status == StatusCode::NOT_MODIFIED;
        let is_empty = response.body().is_end_stream() && !is_head && !is_unchanged;
        let headers = response.headers_mut();
        let is_kept = is_empty
            || status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::PARTIAL_CONTENT)
            || KEPT.iter().any(|name| headers.contains_key(*name))
            || lists(headers, header::CACHE_CONTROL, "no-transform");
        if is_kept {
            return ContentCoding::Identity;
        }
        if !lists(headers, header::VARY, "accept-encoding") && !lists(headers, header::VARY, "*") {
            headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        // Where nothing is accepted, the field is disregarded.
        let coding = accepted.choose(self.codings).unwrap_or_default();
        if coding == ContentCoding::Identity {
            return coding;
        }
        if let Some(tag) = headers.remove(header::ETAG) {
            let is_strong = tag.as_bytes().starts_with(b"\"");
            let weak = [if is_strong { &b"W/"[..] } else { b"" }, tag.as_bytes()].concat();
            headers.extend(HeaderValue::from_bytes(&weak).ok().map(|tag| (header::ETAG, tag)));
        }
        if is_unchanged {
            return ContentCoding::Identity;
        }
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::ACCEPT_RANGES);
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        if is_head { ContentCoding::Identity } else { coding }
    }
}

/// Fields of responses that are not encoded.
const KEPT: [&str; 5] =
    ["content-encoding", "content-range", "content-digest", "repr-digest", "content-md5"];

/// Returns whether a field, which is a list, has an element of that name, in any case.
fn lists(headers: &HeaderMap, field: header::HeaderName, name: &str) -> bool {
    let mut elements = headers
        .get_all(field)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&octet| octet == b','));
    elements.any(|element| element.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
}

impl<S> Layer<S> for CompressLayer {
    type Service = CompressService<S>;

    fn layer(&self, inner: S) -> CompressService<S> {
        CompressService { inner, layer: self.clone() }
    }
}

/// The service of a [`CompressLayer`].
#[derive(Clone, Debug)]
pub struct CompressService<S> {
    inner: S,
    layer: CompressLayer,
}

impl<S, A, B> Service<Request<A>> for CompressService<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: Body,
{
    type Response = Response<Compress<B>>;
    type Error = S::Error;
    type Future = CompressFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let fields = request.headers().get_all(header::ACCEPT_ENCODING);
        let accepted = AcceptEncoding::from_fields(fields.iter().map(HeaderValue::as_bytes));
        let is_head = request.method() == ::http::Method::HEAD;
        let inner = self.inner.call(request);
        CompressFuture { inner, layer: self.layer.clone(), accepted, is_head }
    }
}

pin_project! {
    /// The future of a [`CompressService`].
    #[derive(Debug)]
    pub struct CompressFuture<F> {
        #[pin]
        inner: F,
        layer: CompressLayer,
        accepted: AcceptEncoding,
        is_head: bool,
    }
}

impl<F, B: Body, E> Future for CompressFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Compress<B>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(context))?;
        let CompressLayer { level, contexts, pool, .. } = &*this.layer;
        let coding = this.layer.choose(this.accepted, &mut response, *this.is_head);
        Poll::Ready(Ok(response.map(|body| Compress::new(body, coding, *level, contexts, pool))))
    }
}
