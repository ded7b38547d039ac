//! Starts the metrics and renders them.

use metrics::{describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::process;
/// The media type of the text format of Prometheus.
pub(crate) const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper ends of the buckets, in seconds: dense where a tool call should be, up to the longest deadline.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Starts measuring. A second server in the same process renders nothing: the first has the measurements.
pub(crate) fn init_metrics() -> PrometheusHandle {
    let builder = PrometheusBuilder::new();
    let durations = Matcher::Suffix("_duration_seconds".to_owned());
    let builder = builder
        .set_buckets_for_metric(durations, &SECONDS)
        // Only an empty list of buckets is an error.
        .unwrap_or_else(|_| PrometheusBuilder::new());
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("metrics are recorded already by another part of this process");
        return handle;
    }
    describe();
    let (version, api) = (env!("CARGO_PKG_VERSION"), mindflight_api::API_VERSION);
    gauge!("mindflight_build_info", "version" => version, "api_version" => api).set(1.0);
    handle
}

/// The metrics in the text format, with fresh figures of this process.
pub(crate) fn render(handle: &PrometheusHandle) -> String {
    process::measure();
    handle.render()
}

/// Histograms keep what was recorded until they are read; this, every few seconds, keeps them small.
pub(crate) fn upkeep(handle: &PrometheusHandle) {
    handle.run_upkeep();
}

fn describe() {
    describe_gauge!("mindflight_build_info", "1; which program this is, as labels");
    describe_histogram!(
        "mindflight_http_request_duration_seconds",
        "Requests by method, route and status"
    );
    describe_counter!(
        "mindflight_tool_calls_total",
        "Tool calls by tool and outcome: ok or the error code"
    );
    describe_histogram!("mindflight_tool_call_duration_seconds", "Tool calls by tool");
    describe_counter!(
        "mindflight_tool_cache_total",
        "Calls of tools whose results are kept: hit or miss"
    );
    describe_jobs();
    describe_events();
    describe_outbound();
    describe_histogram!("mindflight_route_duration_seconds", "Requests to routes of providers");
    describe_counter!(
        "mindflight_stuck_total",
        "Handlers that held their thread after their call was over"
    );
    describe_gauge!("mindflight_calls_running", "Calls of tools and routes that run now");
    describe_gauge!(
        "mindflight_stuck",
        "Handlers that hold their thread now although their call is over"
    );
    describe_gauge!("mindflight_health", "Checks of /health: 1 healthy, 0.5 degraded, 0 unhealthy");
    describe_histogram!(
        "mindflight_database_ping_duration_seconds",
        "How long the database took to answer health"
    );
    describe_gauge!(
        "process_start_time_seconds",
        "When the process started, in seconds since 1970"
    );
    describe_gauge!("process_resident_memory_bytes", "Memory of the process that is in RAM");
    describe_gauge!("process_virtual_memory_bytes", "Address space of the process");
    describe_counter!(
        "process_cpu_seconds_total",
        "Processor time of the process, user and system"
    );
    describe_gauge!("process_open_fds", "Open file descriptors");
    describe_gauge!("process_max_fds", "The most file descriptors the process may open");
    describe_gauge!("process_threads", "Threads of the process");
}

fn describe_jobs() {
    describe_counter!(
        "mindflight_job_attempts_total",
        "Attempts at jobs by kind and outcome: succeeded, failed, cancelled, retried or returned"
    );
    describe_histogram!("mindflight_job_duration_seconds", "Attempts at jobs by kind");
    describe_gauge!("mindflight_jobs_running", "Jobs that this instance runs now");
    describe_gauge!(
        "mindflight_jobs_long_running",
        "Jobs that this instance has been running for longer than jobs.long_after"
    );
    describe_counter!(
        "mindflight_jobs_rescued_total",
        "Jobs that run again because their worker died"
    );
    describe_counter!(
        "mindflight_jobs_stale_total",
        "Ends of attempts that came after the job had been taken away"
    );
    describe_counter!(
        "mindflight_job_lines_lost_total",
        "Steps and log lines of jobs that came faster than they could be written"
    );
}

fn describe_events() {
    describe_counter!(
        "mindflight_events_published_total",
        "Events published over HTTP and by providers outside of transactions"
    );
    describe_counter!(
        "mindflight_events_delivered_total",
        "Events written to streams, by face: sse or websocket"
    );
    describe_gauge!("mindflight_event_streams", "Open streams, by face");
    describe_counter!(
        "mindflight_event_resets_total",
        "Readers that had missed events and were told so, by reader: sse, websocket or consumer"
    );
    describe_counter!(
        "mindflight_event_ticks_total",
        "Times positions were given by this instance"
    );
    describe_counter!(
        "mindflight_event_holes_total",
        "Holes found in the log; any is a fault of the server"
    );
    describe_counter!(
        "mindflight_listen_reconnects_total",
        "Times the LISTEN connection was made anew"
    );
    describe_counter!("mindflight_event_jobs_total", "Jobs made of events by this instance");
    describe_gauge!(
        "mindflight_event_consumer_lag",
        "How many events a consumer has still to look at, by consumer"
    );
}

fn describe_outbound() {
    describe_counter!(
        "mindflight_outbound_requests_total",
        "Calls to the outside by outcome: the class of the status, refused, failed or breaker_open"
    );
    describe_histogram!(
        "mindflight_outbound_request_duration_seconds",
        "Calls to the outside, with their redirects and retries"
    );
    describe_counter!("mindflight_outbound_retries_total", "Requests that were sent again");
    describe_counter!(
        "mindflight_outbound_breaker_opened_total",
        "Times an outside host had failed so often in a row that it was left alone"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_buckets_and_the_process_is_measured() {
        let durations = Matcher::Suffix("_duration_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(durations, &SECONDS).unwrap();
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        let text = metrics::with_local_recorder(&recorder, || {
            describe();
            metrics::histogram!("mindflight_http_request_duration_seconds", "status" => "200")
                .record(0.02);
            render(&handle)
        });
        let bucket =
            "mindflight_http_request_duration_seconds_bucket{status=\"200\",le=\"0.025\"} 1";
        assert!(text.contains(bucket), "{text}");
        assert!(
            text.contains("# TYPE mindflight_http_request_duration_seconds histogram"),
            "{text}"
        );
        #[cfg(target_os = "linux")]
        for name in
            ["process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds_total"]
        {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            let value: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
            assert!(value >= 0.0 && line.starts_with(&format!("{name} ")), "{line}");
        }
    }
}
