//! Requests of curl go to paths that are served, with parameters that are taken.

use mindflight_testapp::Instance;
use serde_json::Value;

use super::pages::{Finding, Page};
use super::shell;

/// Options of curl with a value that says nothing of the request's target.
const WITH_VALUE: [&str; 16] = [
    "-H",
    "--header",
    "-o",
    "--output",
    "-w",
    "--write-out",
    "-m",
    "--max-time",
    "--retry",
    "-u",
    "--user",
    "--cacert",
    "-D",
    "--dump-header",
    "-b",
    "--connect-timeout",
];
/// Options that make it a POST.
const WITH_BODY: [&str; 7] =
    ["--json", "-d", "--data", "--data-binary", "--data-raw", "--data-urlencode", "-F"];

/// A request that a document shows.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    method: String,
    path: String,
    query: Vec<String>,
}

pub(super) async fn check(pages: &[Page], server: &Instance) -> Vec<Finding> {
    let document = server.get("/openapi.json").await.ok();
    let providers = routes(server).await;
    let mut found = Vec::new();
    for page in pages {
        for block in page.blocks() {
            for command in shell::commands(&block) {
                let wrong = match read(&command.words) {
                    Ok(None) => None,
                    Ok(Some(request)) => wrong(&request, &document, &providers, server).await,
                    Err(wrong) => Some(wrong),
                };
                found.extend(wrong.map(|wrong| block.finding(command.line, wrong)));
            }
        }
    }
    found
}

/// The request of a curl line; none if it goes elsewhere.
fn read(words: &[String]) -> Result<Option<Request>, String> {
    if words.first().is_none_or(|program| program != "curl") {
        return Ok(None);
    }
    let (mut method, mut body, mut url) = (None, false, None);
    let mut words = words[1..].iter().map(String::as_str);
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value)),
            _ => (word, None),
        };
        match name {
            "-X" | "--request" => method = value.or_else(|| words.next()),
            "-I" | "--head" => method = Some("HEAD"),
            "-T" | "--upload-file" => (method, _) = (Some("PUT"), words.next()),
            name if WITH_BODY.contains(&name) => (body, _) = (true, value.or_else(|| words.next())),
            name if WITH_VALUE.contains(&name) => drop(value.or_else(|| words.next())),
            name if name.starts_with('-') => {}
            _ if url.is_none() => url = Some(word),
            other => {
                return Err(format!(
                    "`{other}` is a second URL for curl, or the value of an option that crates/app/tests/it/documents/requests.rs does not know"
                ));
            }
        }
    }
    let url = url.ok_or("this curl line has no URL")?;
    let method = method.unwrap_or(if body { "POST" } else { "GET" }).to_owned();
    Ok(target(url).map(|(path, query)| Request { method, path, query }))
}

/// Path and names of the query, if the URL is one of this server's.
fn target(url: &str) -> Option<(String, Vec<String>)> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (host, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let ours = ["127.0.0.1", "localhost", "[::1]", "$", "tools.example.com"];
    if !ours.iter().any(|start| host.starts_with(start)) {
        return None;
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let names = query.split('&').filter_map(|pair| pair.split('=').next());
    let names = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
    Some((if path.is_empty() { "/".to_owned() } else { path.to_owned() }, names))
}

/// The name and `METHOD /providers/…` of each provider's routes.
async fn routes(server: &Instance) -> Vec<(String, String)> {
    let list = server.get("/api/providers").await.ok();
    let items = list["items"].as_array().cloned().unwrap();
    let routes = items.iter().flat_map(|one| {
        let name = one["name"].as_str().unwrap_or_default().to_owned();
        let routes = one["routes"].as_array().cloned().unwrap_or_default();
        routes.into_iter().filter_map(move |route| Some((name.clone(), route.as_str()?.to_owned())))
    });
    routes.collect()
}

async fn wrong(
    request: &Request,
    document: &Value,
    providers: &[(String, String)],
    server: &Instance,
) -> Option<String> {
    let Request { method, path, query } = request;
    if let Some(rest) = path.strip_prefix("/providers/").or(path.strip_prefix("/webhooks/")) {
        return not_routed(method, rest, providers);
    }
    let paths = document["paths"].as_object().unwrap();
    let verb = method.to_lowercase();
    let operations: Vec<&Value> = paths
        .iter()
        .filter(|(template, _)| fits(template, path))
        .map(|(_, methods)| &methods[&verb])
        .filter(|operation| operation.is_object())
        .collect();
    if operations.is_empty() {
        // Second names of paths are served and not in the document: the server is asked itself, and lets nobody in.
        let answer = server.call(method, path).key("nobody").send().await;
        let is_served = ![404, 405].contains(&answer.status);
        return (!is_served)
            .then(|| format!("{method} {path} is not served; docs/API.md has what is"));
    }
    let takes = |name: &String| {
        operations.iter().any(|operation| {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let mut names = parameters.filter_map(|one| one["name"].as_str());
            names.any(|known| {
                known == name
                    || known.strip_suffix('*').is_some_and(|start| name.starts_with(start))
            })
        })
    };
    let unknown = query.iter().find(|name| !takes(name))?;
    Some(format!(
        "{method} {path} takes no `{unknown}` in its query; docs/API.md has what it takes"
    ))
}

/// Of a linked provider, the route that it has not; what a provider of the reader's has is not known.
fn not_routed(method: &str, rest: &str, providers: &[(String, String)]) -> Option<String> {
    let (name, _) = rest.split_once('/').unwrap_or((rest, ""));
    let mut own = providers.iter().filter(|(provider, _)| provider == name).peekable();
    own.peek()?;
    let path = format!("/providers/{rest}");
    let is_its = |route: &str| {
        route
            .split_once(' ')
            .is_some_and(|(verb, template)| verb == method && fits(template, &path))
    };
    (!own.any(|(_, route)| is_its(route))).then(|| format!("`{name}` has no route {method} {path}"))
}

/// Whether a path is one of a template such as `/api/jobs/{id}`.
fn fits(template: &str, path: &str) -> bool {
    if let Some((start, _)) = template.split_once("{*") {
        return path.starts_with(start);
    }
    let (template, path) = (template.split('/'), path.split('/'));
    let mut pairs = template.clone().zip(path.clone());
    template.count() == path.count()
        && pairs.all(|(known, part)| known == part || (known.starts_with('{') && !part.is_empty()))
}

#[test]
fn the_target_of_a_request_is_read_as_curl_reads_it() {
    let read = |line: &str| {
        let request = read(&shell::parse(line)[0].words).unwrap();
        request.map(|one| (format!("{} {}", one.method, one.path), one.query.join(",")))
    };
    let is = |line: &str, target: &str, query: &str| {
        assert_eq!(read(line), Some((target.to_owned(), query.to_owned())), "{line}");
    };
    is("curl http://127.0.0.1:8080/api/tools?q=a", "GET /api/tools", "q");
    is("curl -s -X DELETE -H 'a: b' \"$URL/api/keys/ID\"", "DELETE /api/keys/ID", "");
    is("curl --json '{}' 'http://localhost:8080/api/jobs/bulk'", "POST /api/jobs/bulk", "");
    assert_eq!(read("curl https://example.com/x"), None);
    assert!(fits("/api/jobs/{id}", "/api/jobs/7") && !fits("/api/jobs/{id}", "/api/jobs"));
}

#[tokio::test]
async fn a_request_that_nobody_serves_is_found() {
    let rig = super::rig().await;
    let document = rig.server.get("/openapi.json").await.ok();
    let providers = routes(&rig.server).await;
    let check = async |line: &str| {
        let request = read(&shell::parse(line)[0].words).unwrap().unwrap();
        wrong(&request, &document, &providers, &rig.server).await
    };
    for good in [
        "curl $URL/api/jobs/status/ID?wait=20",
        "curl $URL/api/tools?format=openai",
        "curl $URL/healthz",
        "curl --json '{}' $URL/api/login",
        "curl --json '{}' $URL/auth/login",
        "curl $URL/providers/demo/hello",
        "curl --json '{}' $URL/webhooks/yours/hook",
        "curl --json '{}' $URL/webhooks/demo/in",
        "curl $URL/api/jobs?args.account=7",
    ] {
        assert_eq!(check(good).await, None, "{good}");
    }
    for bad in [
        "curl $URL/api/tool",
        "curl $URL/api/tools?fromat=openai",
        "curl -X DELETE $URL/api/tools",
        "curl $URL/providers/demo/nothing",
    ] {
        assert!(check(bad).await.is_some(), "{bad}");
    }
}
