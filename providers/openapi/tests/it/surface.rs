//! Which tools there are, what they are called, and what they promise.

use serde_json::json;

use crate::{NASTY, PETSTORE, names, nasty, petstore, refused};

#[tokio::test]
async fn every_operation_is_a_tool_with_its_promises() {
    let kit = petstore().await;
    let promises: Vec<(String, bool, bool, bool)> = kit
        .tools()
        .into_iter()
        .map(|tool| {
            let it = tool.annotations;
            (tool.name, it.read_only, it.idempotent, it.destructive)
        })
        .collect();
    let expected = [
        ("openapi_add_note", false, false, false),
        ("openapi_create_pet", false, false, false),
        ("openapi_delete_pet", false, true, true),
        ("openapi_list_pets", true, true, false),
        ("openapi_login", false, false, false),
        ("openapi_replace_pet", false, true, false),
        ("openapi_show_pet", true, true, false),
    ];
    let expected = expected.map(|(name, a, b, c)| (name.to_owned(), a, b, c));
    assert_eq!(promises, expected);
}

#[tokio::test]
async fn descriptions_begin_with_what_the_document_says() {
    let kit = petstore().await;
    let about = |name: &str| {
        let tools = kit.tools();
        tools.into_iter().find(|tool| tool.name.ends_with(name)).unwrap().description
    };
    assert_eq!(
        about("list_pets"),
        "Lists the pets of the shop. Newest first. Follow the `link` header to the next page."
    );
    assert_eq!(about("show_pet"), "Shows one pet. With all that is known about it.");
    assert_eq!(about("delete_pet"), "Removes a pet. Deprecated.");
}

#[tokio::test]
async fn odd_operations_have_legal_names_of_their_own() {
    let kit = nasty().await;
    let names: Vec<String> = kit.tools().into_iter().map(|tool| tool.name).collect();
    assert_eq!(names.len(), 6, "{names:?}");
    assert!(names.iter().all(|name| name.len() <= 64), "{names:?}");
    let has = |name: &str| names.iter().any(|one| one == name);
    assert!(has("openapi_trees_get") && has("openapi_get_n_code_n_me"), "{names:?}");
    let begins = |name: &str| names.iter().filter(|one| one.starts_with(name)).count();
    assert_eq!(begins("openapi_trees_create"), 2, "{names:?}");
    assert_eq!(begins("openapi_an_exceedingly_long_operation_id"), 2, "{names:?}");
    assert!(!names.iter().any(|one| one.contains("upload") || one.contains("elsewhere")));
}

#[tokio::test]
async fn the_operator_chooses_operations() {
    for (include, exclude, expected) in [
        (json!(["listPets"]), json!([]), vec!["list_pets"]),
        (json!(["*Pet"]), json!(["tag:admin"]), vec!["create_pet", "replace_pet", "show_pet"]),
        (json!(["GET /*", "post /login"]), json!([]), vec!["list_pets", "login", "show_pet"]),
        (json!(["tag:adm*"]), json!(["DELETE /pets/{petId}"]), vec!["login"]),
        (json!(["listPets", "no such thing"]), json!([]), vec!["list_pets"]),
    ] {
        let config = json!({"document": PETSTORE, "include": include, "exclude": exclude});
        let expected: Vec<String> = expected.iter().map(|name| format!("openapi_{name}")).collect();
        assert_eq!(names(config).await, expected, "{include}");
    }
}

#[tokio::test]
async fn the_operator_chooses_names() {
    let include = json!(["listPets", "showPet"]);
    let chosen = json!({"listPets": "show_pet"});
    let names = names(json!({"document": PETSTORE, "include": include, "names": chosen})).await;
    assert!(names.contains(&"openapi_show_pet".to_owned()), "{names:?}");
    assert!(names.iter().any(|name| name.starts_with("openapi_show_pet_")), "{names:?}");
    let wrong = json!({"document": PETSTORE, "names": {"listPets": "List Pets"}});
    assert!(refused(wrong).await.contains("`names.listPets`"));
}

#[tokio::test]
async fn a_document_without_a_usable_operation_says_why() {
    let none = refused(json!({"document": PETSTORE, "include": ["nothing"]})).await;
    assert!(none.contains("`include`"), "{none}");
    for (id, reason) in [
        ("upload", "multipart/form-data"),
        ("external", "https://elsewhere.example/schemas.json#/A"),
        ("nowhere", "leads nowhere"),
        ("matrix", "style `matrix`"),
        ("undeclared", "`{a}`"),
        ("elsewhere", "a server of its own"),
    ] {
        let detail = refused(json!({"document": NASTY, "include": [id]})).await;
        assert!(detail.contains(reason), "{id}: {detail}");
    }
}
