//! The table of rules. `docs/providers/check-rules.md` has a section for each.

use super::{Level, Rule};

macro_rules! rules {
    ($($code:ident $level:ident $title:literal $why:literal $fix:literal;)*) => {
        $(pub(super) static $code: Rule = Rule {
            code: stringify!($code),
            level: Level::$level,
            title: $title,
            why: $why,
            fix: $fix,
        };)*

        /// Every rule, sorted by code.
        pub static RULES: &[&Rule] = &[$(&$code),*];
    };
}

rules! {
    P101 Error "A name that no server takes"
        "The server leaves the tool or the kind of job out, or does not start."
        "Use a-z, 0-9 and _, and at most 64 characters with the provider's name.";
    P102 Error "A tool without a description"
        "A model chooses tools by what they say of themselves."
        "Say what the tool does and when to use it.";
    P103 Error "A first sentence that is too long"
        "The first sentence stands alone in lists, on pages and in short tool listings."
        "Say what the tool does in at most 120 characters; put the rest into a second sentence.";
    P104 Error "An argument without a description"
        "A model that does not know what an argument means makes its value up."
        "Give the field a doc comment, or the property a `description`, with an example of a value.";
    P105 Warning "Neither name nor description begins with what the tool does"
        "A model looks for an act: get, list, send."
        "Begin the description with a verb, as in \"Lists the open invoices\".";
    P106 Warning "Marketing words"
        "A word of praise takes a model's attention and tells it nothing."
        "Take the word out, or say the fact behind it.";
    P107 Warning "Two tools for one thing, and no word on when to use which"
        "A model that has two tools for the same thing picks the first."
        "Say in both descriptions when to use them: \"Use it when …\".";
    P108 Warning "A description that only repeats the name"
        "The model has read the name."
        "Say what comes back, from where, and when to use it.";
    P109 Warning "A text that is not finished"
        "Callers read it as it is."
        "Write the text.";

    P201 Error "A list of types"
        "Several vendors of models refuse it, and with it every tool of the request."
        "Use one type; leave an optional argument out of `required` instead of allowing null.";
    P202 Error "A reference"
        "Several vendors do not resolve `$ref`; a type that contains itself cannot be written without it."
        "Write the schema out; types read by `Tools::add` are written out unless they contain themselves.";
    P203 Error "`true` or `false` as a schema"
        "Several vendors want an object for every schema."
        "Give the argument a type; a `serde_json::Value` with a doc comment has an object as its schema.";
    P204 Error "An array of nothing known"
        "Several vendors refuse an array without `items`."
        "Add `items`.";
    P205 Error "Arguments that are no plain object"
        "A call sends an object; alternatives beside it are refused by several vendors."
        "Make the arguments a struct; put alternatives into a member, or make a tool for each.";
    P206 Warning "A format that not every vendor knows"
        "Strict modes refuse formats that are not on their list."
        "Use date-time, date, time, duration, email, hostname, ipv4, ipv6 or uuid, or say it in the description.";
    P207 Error "A number format of Rust"
        "`uint32` means nothing outside Rust, and some vendors refuse it."
        "Take `format` out; `minimum` and `maximum` say the same.";
    P208 Warning "Arguments nested deeper than five levels"
        "Models make more mistakes the deeper they nest, and strict modes have a limit."
        "Flatten the arguments, or take the deep part as a text.";
    P209 Warning "More than 100 arguments"
        "Strict modes of vendors count the properties of a schema and refuse too many."
        "Leave out what callers do not set, or make several tools.";
    P210 Error "An argument's name that vendors refuse"
        "A name outside A-Z, a-z, 0-9, _, . and - costs every tool of the request."
        "Rename the argument to at most 64 of these characters.";
    P211 Warning "Choices that are not texts"
        "Some vendors take an `enum` of texts alone."
        "List texts, or give the number a `minimum` and a `maximum`.";

    P301 Error "A tool that acts is marked as reading only"
        "Reading tools are repeated freely, cached, and leave no audit row."
        "Take `read_only()` away, or rename the tool if it changes nothing.";
    P302 Error "A tool that deletes does not say so"
        "Clients ask people before a destructive call, and know it by this mark."
        "Add `.destructive()`.";
    P303 Warning "A secret that looks like any other setting"
        "Whoever reads the schema, a form or a documentation, would show the value."
        "Add `#[schemars(extend(\"writeOnly\" = true))]` to the field.";
    P304 Warning "Everyone may send to a route"
        "Without credentials or a signature nobody knows who sent it."
        "Use `r.webhook` with a verification, or take `.public()` away.";
    P305 Error "Promises that contradict each other"
        "A tool that changes nothing cannot destroy, and only what changes nothing can be served from a cache."
        "Keep the promise that is true.";
    P306 Warning "A secret among the arguments"
        "Arguments are written by a model, and stand in its history."
        "Make it a setting of the provider.";

    P401 Warning "A tool whose text is longer than 400 tokens"
        "Every conversation pays for it, in money and in attention."
        "Shorten the descriptions, and leave out arguments that callers do not need.";
    P402 Warning "A provider whose tools are longer than 4,000 tokens"
        "A model that gets all of them has little room for anything else, and chooses worse."
        "Take tools out or shorten them; openapi and mcp providers have a filter.";
    P403 Warning "A list without a limit"
        "A result that grows with the data fills the model's context one day."
        "Add an argument such as `limit`, or `maxItems` if the list cannot grow.";

    P501 Warning "A call that may take longer than five minutes"
        "Clients and proxies give up sooner, and the caller never reads the result."
        "Give it less time, and leave long work to a job.";
    P502 Error "No time at all"
        "A call or an attempt with a deadline of nothing is cut before it begins."
        "Set a time, or leave the default.";
    P503 Warning "A schedule whose jobs may overlap"
        "When one takes longer than the interval, the next begins beside it."
        "Add `.unique(Unique::default())` or `.concurrency(1)`, or make the work transactional.";
    P504 Warning "Work that could be repeated safely is tried once"
        "A transactional job has one effect however often it runs, and is lost when its only attempt meets a restart."
        "Take `max_attempts(1)` away.";
    P505 Warning "A subscription to everything"
        "It hears the events that it causes itself, up to the sixteenth."
        "Name the types, or the source with `.from(…)`.";
    P506 Error "A limit and a rate by different arguments"
        "A job waits for the value of one argument: the rate is not kept."
        "Name the same argument in `concurrency_by` and `rate_by`.";
}
