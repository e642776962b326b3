//! The types of `http`.

use ::http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version, header, request,
    response,
};
use seg_pool::Pool;

use crate::{
    body::Body,
    content_coding::ContentCodings,
    head::{Head, HeadWriteError, HeadWriter, RequestHead, ResponseHead, StartLine},
    message,
    trailers::{TrailerError, Trailers},
};

/// The version of a message, which is the one that it is processed as.
fn version<L: StartLine>(head: &Head<L>) -> Version {
    if head.version_minor() == 0 { Version::HTTP_10 } else { Version::HTTP_11 }
}

/// Collects fields. Those that a `HeaderMap` does not hold were never accepted.
fn header_map<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            map.append(name, value);
        }
    }
    map
}

impl<L: StartLine> From<&Head<L>> for HeaderMap {
    /// Copies the fields.
    fn from(head: &Head<L>) -> Self {
        header_map(head.fields())
    }
}

impl From<&Trailers> for HeaderMap {
    /// Copies the fields.
    fn from(trailers: &Trailers) -> Self {
        header_map(trailers.iter())
    }
}

impl TryFrom<&HeaderMap> for Trailers {
    type Error = TrailerError;

    /// Copies the fields; an error for one that [must not come](crate::is_forbidden_trailer) as a
    /// trailer.
    fn try_from(map: &HeaderMap) -> Result<Self, TrailerError> {
        let mut trailers = Self::new();
        map.iter().try_for_each(|(name, value)| trailers.push(name.as_str(), value.as_bytes()))?;
        Ok(trailers)
    }
}

impl TryFrom<&RequestHead> for Request<()> {
    type Error = ::http::Error;

    /// Copies method, target and fields. An error for a target that is no `http::Uri`.
    fn try_from(head: &RequestHead) -> Result<Self, ::http::Error> {
        let builder = Self::builder().method(head.method()).uri(head.target());
        let mut request = builder.version(version(head)).body(())?;
        *request.headers_mut() = head.into();
        Ok(request)
    }
}

impl TryFrom<&ResponseHead> for Response<()> {
    type Error = ::http::Error;

    /// Copies status and fields; the reason is lost. An error for a status below 100.
    fn try_from(head: &ResponseHead) -> Result<Self, ::http::Error> {
        let builder = Self::builder().status(head.status()).version(version(head));
        let mut response = builder.body(())?;
        *response.headers_mut() = head.into();
        Ok(response)
    }
}

impl TryFrom<message::Request> for Request<Body> {
    type Error = ::http::Error;

    /// Copies the head; the body stays where it lies.
    fn try_from(message: message::Request) -> Result<Self, ::http::Error> {
        let (head, body) = message.into_parts();
        Ok(Request::try_from(&head)?.map(|()| body))
    }
}

impl TryFrom<message::Response> for Response<Body> {
    type Error = ::http::Error;

    /// Copies the head; the body stays where it lies.
    fn try_from(message: message::Response) -> Result<Self, ::http::Error> {
        let (head, body) = message.into_parts();
        Ok(Response::try_from(&head)?.map(|()| body))
    }
}

impl HeadWriter {
    /// Starts the head of a request with method, target and fields of `parts`. What says how the body
    /// ends is left out: [`finish`](Self::finish) writes that. The target is path and query, and the
    /// host of a URI becomes the `Host` field, unless there is one.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request) and [`field`](Self::field).
    pub fn from_request(pool: &Pool, parts: &request::Parts) -> Result<Self, HeadWriteError> {
        let authority = parts.uri.authority().map(|authority| authority.as_str());
        let target = match (&parts.method, authority) {
            (&::http::Method::CONNECT, Some(authority)) => authority,
            _ => parts.uri.path_and_query().map_or("/", |target| target.as_str()),
        };
        let mut writer = Self::request(pool, parts.method.as_str(), target)?;
        if let (Some(authority), false) = (authority, parts.headers.contains_key(header::HOST)) {
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            writer.field("Host", host.as_bytes())?;
        }
        writer.fields(&parts.headers)?;
        Ok(writer)
    }

    /// Starts the head of a response with status and fields of `parts`. What says how the body ends is
    /// left out: [`finish`](Self::finish) writes that.
    ///
    /// # Errors
    ///
    /// As [`response`](Self::response) and [`field`](Self::field).
    pub fn from_response(pool: &Pool, parts: &response::Parts) -> Result<Self, HeadWriteError> {
        let reason = StatusCode::canonical_reason(&parts.status).unwrap_or_default();
        let mut writer = Self::response(pool, parts.status.as_u16(), reason.as_bytes())?;
        writer.fields(&parts.headers)?;
        Ok(writer)
    }

    fn fields(&mut self, headers: &HeaderMap) -> Result<(), HeadWriteError> {
        for (name, value) in headers {
            if name != header::CONTENT_LENGTH && name != header::TRANSFER_ENCODING {
                self.field(name.as_str(), value.as_bytes())?;
            }
        }
        Ok(())
    }
}

impl ContentCodings {
    /// Reads all `Content-Encoding` fields. `None` as for [`from_field`](Self::from_field).
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
        match (values.next(), values.next()) {
            (None, _) => Some(Self::default()),
            (Some(value), None) => Self::from_field(value.as_bytes()),
            // Several fields are one list (RFC 9110 §5.3).
            _ => {
                let all = headers.get_all(header::CONTENT_ENCODING).iter();
                let all: Vec<_> = all.map(HeaderValue::as_bytes).collect();
                Self::from_field(&all.join(&b','))
            }
        }
    }
}
