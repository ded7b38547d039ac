//! Values that try to leave their place.

use http::Method;
use serde_json::json;

use crate::petstore;

#[tokio::test]
async fn a_value_of_the_path_stays_in_its_segment() {
    for value in [
        "../admin",
        "..%2fadmin",
        "%2e%2e",
        "%2e%2e%2fadmin",
        "..;/admin",
        "a/../../admin",
        "..\\admin",
        "a?admin=1",
        "a#fragment",
        "a%00b",
        "a\0b",
        "a\r\nHost: evil.example",
        "@evil.example",
        "//evil.example",
        "https://evil.example/",
        ":80",
        "a b",
        " ",
        "...",
        "\u{2025}",
        "\u{ff0e}\u{ff0e}\u{ff0f}",
        "a;b=c",
        "a,b",
        "{petId}",
        "%",
    ] {
        let kit = petstore().await;
        let uri = {
            // The script cannot know the URL; any is answered.
            let _reply = kit.call("show_pet", json!({"petId": value})).await;
            let requests = kit.http().requests();
            assert_eq!(requests.len(), 1, "{value:?}");
            requests[0].uri().clone()
        };
        assert_eq!(uri.scheme_str(), Some("https"), "{value:?}");
        assert_eq!(uri.authority().map(|it| it.as_str()), Some("eu.pets.example"), "{value:?}");
        assert_eq!(uri.query(), None, "{value:?}");
        let segment = uri.path().strip_prefix("/v1/pets/").unwrap_or_else(|| panic!("{uri}"));
        assert!(!segment.contains(['/', '\\', '?', '#', ';', ',', '@', ':']), "{segment}");
        let triple = |text: &str| {
            text.len() >= 2
                && text.is_char_boundary(2)
                && u8::from_str_radix(&text[..2], 16).is_ok()
        };
        assert!(segment.split('%').skip(1).all(triple), "{segment}");
        assert!(!segment.to_ascii_lowercase().contains("%2e"), "{segment}");
    }
}

#[tokio::test]
async fn a_value_that_would_take_a_segment_away_is_refused() {
    let kit = petstore().await;
    for value in ["", ".", ".."] {
        kit.call("show_pet", json!({"petId": value}))
            .await
            .assert_error()
            .code("invalid_arguments")
            .names_field("/petId");
        let note = json!({"petId": value, "body": "x"});
        kit.call("add_note", note).await.assert_error().names_field("/petId");
    }
    assert!(kit.http().requests().is_empty());
}

#[tokio::test]
async fn a_value_of_the_query_stays_in_its_parameter() {
    let kit = petstore().await;
    let value = "a&limit=9#x?y+z=%26";
    let url = "/v1/pets?tags=a%26limit%3D9%23x%3Fy%2Bz%3D%2526";
    kit.http().on(Method::GET, url).reply(200, json!([]));
    let reply = kit.call("list_pets", json!({"tags": [value]})).await;
    assert_eq!(reply.output()["status"], 200);
    kit.http().assert_all_used();
}
