//! From the query string to what a reader wants: which events, and where it begins.

use actix_web::HttpRequest;
use mindflight_api::codes;
use mindflight_api::event::Place;
use mindflight_core::policy::Pattern;
use mindflight_core::{Error, Result};
use mindflight_events::{Filter, Start};

use crate::request::Query;

pub(super) fn invalid(detail: String) -> Error {
    Error::of(codes::INVALID_QUERY, detail)
}

/// A parameter that is ignored because it stands twice would answer the wrong question; only `type` adds up.
pub(super) fn once(query: &Query) -> Result<()> {
    let mut seen = Vec::new();
    for name in query.names().filter(|name| *name != "type") {
        if seen.contains(&name) {
            return Err(invalid(format!("`{name}` stands twice")));
        }
        seen.push(name);
    }
    Ok(())
}

/// `?type=` and `?source=`.
pub(super) fn filter(query: &Query) -> Result<Filter> {
    let texts = query.all("type").flat_map(|text| text.split(','));
    let patterns = texts.map(|text| pattern(text.trim())).collect::<Result<_>>()?;
    let source = query.get("source").map(str::to_owned);
    if source.as_deref() == Some("") {
        let what = "`source` must be a provider's name, `api` or `mindflight`; got \"\"";
        return Err(invalid(what.to_owned()));
    }
    Ok(Filter { patterns, source })
}

fn pattern(text: &str) -> Result<Pattern> {
    text.parse().map_err(|error| invalid(format!("`type` must be {error}")))
}

/// `?after=`: `<epoch>-<position>`, or a position alone.
pub(super) fn after(query: &Query) -> Result<Option<Start>> {
    query.get("after").map(|text| place("after", text)).transpose()
}

/// Where a stream begins. A browser that connects again sends where it was; the URL still says where it began.
pub(super) fn start(request: &HttpRequest, query: &Query) -> Result<Start> {
    let after = after(query)?;
    let last = request.headers().get("last-event-id");
    let last = last.map(|value| value.to_str().unwrap_or("\u{fffd}")).filter(|id| !id.is_empty());
    match last {
        Some(text) => place("Last-Event-ID", text).map_err(|error| {
            Error::of(codes::INVALID_REQUEST, error.detail().to_owned())
                .fix("Send the `id` of the last event unchanged, or leave the header out.")
        }),
        None => Ok(after.unwrap_or(Start::Now)),
    }
}

fn place(name: &str, text: &str) -> Result<Start> {
    if let Ok(place) = text.parse::<Place>() {
        return Ok(Start::After(place));
    }
    let is_number = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let position = text.parse::<u64>().ok().filter(|_| is_number);
    // What the log counts with.
    let position = position.filter(|position| i64::try_from(*position).is_ok());
    position.map(Start::Position).ok_or_else(|| {
        let shown: String = text.chars().take(100).collect();
        invalid(format!(
            "`{name}` must be the `id` of an event of a stream, such as 3f9a1c2e-42, or a position, such as 42; got {shown:?}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn start_of(query: &str, header: Option<&str>) -> Result<Start> {
        let request = TestRequest::default();
        let request = match header {
            Some(id) => request.insert_header(("last-event-id", id)),
            None => request,
        };
        start(&request.to_http_request(), &Query::parse(query))
    }

    #[test]
    fn a_stream_begins_where_the_header_says_then_the_query_then_now() {
        let place = |position| Start::After(Place { epoch: "3f9a".to_owned(), position });
        assert_eq!(start_of("", None).unwrap(), Start::Now);
        assert_eq!(start_of("after=7", None).unwrap(), Start::Position(7));
        assert_eq!(start_of("after=3f9a-7", None).unwrap(), place(7));
        assert_eq!(start_of("after=3f9a-7", Some("3f9a-9")).unwrap(), place(9));
        assert_eq!(start_of("after=3f9a-7", Some("")).unwrap(), place(7));
        for wrong in ["", "x", "-1", "+1", "1.5", "99999999999999999999", "9223372036854775808"] {
            let error = start_of(&format!("after={}", wrong.replace('+', "%2B")), None);
            assert_eq!(error.unwrap_err().name(), "invalid_query", "{wrong}");
        }
        let error = start_of("", Some("yesterday")).unwrap_err();
        assert_eq!((error.status(), error.name()), (400, "invalid_request"));
        assert!(error.detail().contains("Last-Event-ID"), "{error}");
    }

    #[test]
    fn types_add_up() {
        let read = filter(&Query::parse("type=mail.*,demo.ping&type=a.**&source=api")).unwrap();
        let patterns: Vec<&str> = read.patterns.iter().map(Pattern::as_str).collect();
        assert_eq!(patterns, ["mail.*", "demo.ping", "a.**"]);
        assert!(read.wants("mail.received", "api") && !read.wants("mail.received", "mail"));
        for wrong in ["type=", "type=Mail", "type=a,,b", "type=a*", "source="] {
            assert_eq!(
                filter(&Query::parse(wrong)).unwrap_err().name(),
                "invalid_query",
                "{wrong}"
            );
        }
        assert!(once(&Query::parse("type=a&type=b")).is_ok());
        assert!(once(&Query::parse("after=1&after=2")).is_err());
    }
}
